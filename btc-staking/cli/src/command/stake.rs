//! Making and looking at stakes. A stake goes on from its last recorded decision, however often it was interrupted.

use super::Answer;
use crate::session::{Declined, NotYet, Refused, Session, aux};
use anyhow::{Context, Result, bail};
use bitcoin::consensus::encode::{deserialize, deserialize_hex, serialize};
use hex_conservative::{DisplayHex, FromHex};
use serde_json::json;
use staker::plan::{self, Plan};
use staker::stake::{Event, EventStore, Stage, replay};
use staker::{leave, wallet};
use staking_api::staking::{ExecuteMsg, QueryMsg, Status};
use staking_api::{Key, Txid};
use staking_clients::bitcoin::BitcoinSource;
use staking_clients::cosmos::{ChainClient, smart_query};
use staking_crypto::SecretKey;
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::delegation::StakeTerms;
use staking_protocol::keys::{ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::Params;
use staking_protocol::possession::ChainAddress;
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::{Sat, Transaction};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the covenant may take before the command ends with "not yet".
const QUORUM_PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(500);

/// What was asked for.
pub(crate) struct Wish<'a> {
    pub(crate) amount: u64,
    pub(crate) lock: u32,
    pub(crate) fp: &'a str,
    pub(crate) fee_rate: Option<u64>,
    pub(crate) dry_run: bool,
    pub(crate) yes: bool,
}

/// Plans a stake and carries it to Bitcoin.
pub(crate) fn create(session: &mut Session, wish: &Wish<'_>) -> Result<Answer> {
    session.check_network()?;
    let fp: Key = wish.fp.parse().map_err(|e| anyhow::anyhow!("`{}` is no provider key: {e}", wish.fp))?;
    check_provider(session, fp)?;
    let (version, params) = session.params_now()?;
    let seed = session.settings.seed()?;
    let index = u32::try_from(session.store.stakes()?.len())?;
    let key = seed.staking_key(index)?;
    let terms = StakeTerms {
        stakers: Stakers::single(StakerKey::from_bytes(key.x_only().as_bytes())?),
        providers: Providers::single(ProviderKey::from_bytes(fp.as_bytes())?),
        staking_time: StakingTime::new(wish.lock)?,
        value: Sat(wish.amount),
    };
    let script = plan::staking_script(&params, &terms)?;
    let rate = fee_rate(session, wish.fee_rate)?;
    let (mut coins, mut db) = session.wallet(&seed)?;
    wallet::sync(&mut coins, &session.node)?;
    coins.apply_unconfirmed_txs(recorded_fundings(session)?);
    let funding = wallet::fund(&mut coins, &seed, &script, terms.value, rate)?;
    let destination = wallet::receive_address(&mut coins).script_pubkey();
    coins.persist(&mut db)?;
    let made = plan::plan(
        &params,
        terms,
        Transaction::parse(&serialize(&funding))?,
        &key,
        destination.as_bytes(),
        &*aux()?,
    )?;
    let id = Txid::from_bytes(made.staking.txid().0).to_string();
    let costs = explain(&made, &params);
    if wish.dry_run {
        return Ok(Answer {
            schema: "mesh-btc/stake.plan/1",
            data: json!({"stake": id, "costs": made.costs(&params), "params_version": version}),
            text: format!("{costs}\ndry run: nothing was stored, registered or sent"),
        });
    }
    confirm(&costs, wish.yes)?;
    session.store.append(&id, &planned(&made, index, version, &fp))?;
    advance(session, &id)
}

/// Goes on with a stake.
pub(crate) fn resume(session: &mut Session, stake: &str) -> Result<Answer> {
    session.check_network()?;
    let id = session.find(stake)?;
    advance(session, &id)
}

/// Funding transactions of all stakes, so that none of their coins is chosen again while no block holds them.
fn recorded_fundings(session: &Session) -> Result<Vec<(bitcoin::Transaction, u64)>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs();
    let mut fundings = Vec::new();
    for id in session.store.stakes()? {
        if let Some(Event::Planned { funding, .. }) = session.store.events(&id)?.first() {
            fundings.push((deserialize_hex(funding)?, now));
        }
    }
    Ok(fundings)
}

fn check_provider(session: &Session, fp: Key) -> Result<()> {
    let query = QueryMsg::Provider { fp_pk: fp };
    let found: Option<staking_api::staking::Provider> =
        smart_query(&session.hub, session.settings.staking(), &query)?;
    let provider = found.with_context(|| format!("the hub knows no provider {fp}"))?;
    if provider.slashed {
        bail!(Refused(format!("FP_SLASHED: provider {fp} was slashed; a stake with it would be refused")));
    }
    Ok(())
}

/// Satoshi per 1 000 virtual bytes: what was asked, or the node's estimate, never above the cap.
fn fee_rate(session: &Session, asked: Option<u64>) -> Result<u64> {
    let rate = match asked {
        Some(per_vb) => per_vb.saturating_mul(1000),
        None => {
            session.node.fee_rate(6)?.context("the node cannot estimate fees yet; give --fee-rate")?.to_sat()
        }
    };
    let cap = session.settings.max_rate_kvb();
    if rate > cap {
        bail!(Refused(format!(
            "FEE_CAP: {rate} sat per 1 000 vB is above your cap of {cap}; wait, or raise it"
        )));
    }
    Ok(rate)
}

fn explain(made: &Plan, params: &Params) -> String {
    let costs = made.costs(params);
    format!(
        "locks {} sat until you leave or {} blocks have passed\n\
         leaving early costs {} sat\n\
         if the provider signs two blocks: {} sat are burned and {} sat go to miners\n\
         the withdrawal of this stake was signed and verified before any coin moves",
        made.value().0,
        made.terms.staking_time.blocks(),
        costs.unbonding_fee_sat,
        costs.slash_sat,
        costs.slash_fee_sat,
    )
}

pub(crate) fn confirm(summary: &str, yes: bool) -> Result<()> {
    eprintln!("{summary}");
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!(Declined("a question (`Proceed?`) and no terminal to ask at; use -y".to_owned()));
    }
    eprint!("Proceed? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if !answer.trim().eq_ignore_ascii_case("y") {
        bail!(Declined("declined; nothing was done".to_owned()));
    }
    Ok(())
}

fn planned(made: &Plan, key_index: u32, params_version: u32, fp: &Key) -> Event {
    Event::Planned {
        funding: made.funding.serialize().to_lower_hex_string(),
        key_index,
        providers: vec![fp.to_string()],
        staking_time: made.terms.staking_time.blocks(),
        value_sat: made.value().0,
        params_version,
        withdrawal: made.withdrawal.serialize().to_lower_hex_string(),
    }
}

/// What the first event of a stake says, read back.
pub(crate) struct Planned {
    pub(crate) funding: Transaction,
    /// Script that the proof of withdrawability pays to.
    destination: Vec<u8>,
    pub(crate) key_index: u32,
    pub(crate) terms: StakeTerms,
    pub(crate) params: Params,
}

/// Reads a stake's plan back and the stage it has reached.
pub(crate) fn load(session: &Session, id: &str) -> Result<(Planned, Stage, SecretKey)> {
    let events = session.store.events(id)?;
    let stage = replay(&events)?;
    let Some(Event::Planned {
        funding,
        key_index,
        providers,
        staking_time,
        value_sat,
        params_version,
        withdrawal,
    }) = events.first()
    else {
        bail!("the record of {id} does not begin with its plan");
    };
    let key = session.settings.seed()?.staking_key(*key_index)?;
    let providers = providers.iter().map(|k| provider_key(k)).collect::<Result<_>>()?;
    let terms = StakeTerms {
        stakers: Stakers::single(StakerKey::from_bytes(key.x_only().as_bytes())?),
        providers: Providers::new(providers)?,
        staking_time: StakingTime::new(u32::from(*staking_time))?,
        value: Sat(*value_sat),
    };
    let destination = recorded(withdrawal)?.outputs.into_iter().next();
    let planned = Planned {
        funding: recorded(funding)?,
        destination: destination.context("the recorded withdrawal pays nobody")?.script,
        key_index: *key_index,
        terms,
        params: session.params(*params_version)?,
    };
    Ok((planned, stage, key))
}

fn recorded(hex: &str) -> Result<Transaction> {
    Ok(Transaction::parse(&Vec::<u8>::from_hex(hex)?)?)
}

fn provider_key(hex: &str) -> Result<ProviderKey> {
    let key: Key = hex.parse().map_err(|e| anyhow::anyhow!("`{hex}` is no provider key: {e}"))?;
    Ok(ProviderKey::from_bytes(key.as_bytes())?)
}

/// Does what the stake's last decision asks for, until it is on Bitcoin.
fn advance(session: &mut Session, id: &str) -> Result<Answer> {
    let txid: Txid = id.parse().map_err(|e| anyhow::anyhow!("{e}"))?;
    let (planned, stage, key) = load(session, id)?;
    if stage <= Stage::Registered {
        session.store.append(id, &Event::Registering)?;
        register(session, &planned, &key, txid)?;
        wait_for_quorum(session, &planned, &key, txid)?;
        session.store.append(id, &Event::Sending)?;
    }
    if stage <= Stage::Sent {
        session.node.broadcast(&deserialize(&planned.funding.serialize())?)?;
    }
    show(session, id)
}

fn register(session: &Session, planned: &Planned, key: &SecretKey, txid: Txid) -> Result<()> {
    if session.delegation(txid)?.is_some() {
        return Ok(());
    }
    let writer = session.writer()?;
    let staking = session.settings.staking();
    let aux = aux()?;
    // The plan is rebuilt from its record: signatures are made anew, over the same transactions.
    let (terms, funding) = (planned.terms.clone(), planned.funding.clone());
    let made = plan::plan(&planned.params, terms, funding, key, &planned.destination, &aux)?;
    let domain = Domain::v0(Purpose::StakerPossession, &session.hub.status()?.chain_id, staking);
    let address = ChainAddress::parse(&writer.address()).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let possession = plan::prove_possession(key, &domain, &address, &aux);
    let msg = ExecuteMsg::RegisterDelegation(made.registration(possession));
    writer.execute(staking, &msg, &[])?;
    eprintln!("registered {txid}; waiting for the covenant (Ctrl-C is safe: `mesh-btc stake resume {txid}`)");
    Ok(())
}

fn wait_for_quorum(session: &Session, planned: &Planned, key: &SecretKey, txid: Txid) -> Result<()> {
    let begun = Instant::now();
    loop {
        let delegation = session.delegation(txid)?.context("the hub lost the registration")?;
        if delegation.status != Status::Pending {
            let verified = leave::verify(&delegation, &planned.params, key)?;
            leave::check_quorum(&verified, &session.signatures(txid)?, &planned.params)?;
            return Ok(());
        }
        if begun.elapsed() > QUORUM_PATIENCE {
            bail!(NotYet(format!(
                "QUORUM_WAIT: {} of {} covenant signatures. Nothing is locked yet; `mesh-btc stake resume {txid}`",
                delegation.covenant_signers, delegation.covenant_quorum
            )));
        }
        std::thread::sleep(LOOK);
    }
}

/// Everything known of a stake.
pub(crate) fn show(session: &Session, id: &str) -> Result<Answer> {
    let id = if id.len() == 64 { id.to_owned() } else { session.find(id)? };
    let txid: Txid = id.parse().map_err(|e| anyhow::anyhow!("{e}"))?;
    let (planned, stage, _) = load(session, &id)?;
    let delegation = session.delegation(txid)?;
    let status = delegation.as_ref().map(|d| format!("{:?}", d.status).to_lowercase());
    let vout = delegation.as_ref().map(|d| d.staking_output_index);
    let next = next_step(stage, delegation.as_ref().map(|d| d.status));
    let data = json!({
        "stake": id, "vout": vout, "stage": stage, "state": status, "amount_sat": planned.terms.value.0,
        "lock_blocks": planned.terms.staking_time.blocks(), "key_index": planned.key_index, "next": next,
        "start_height": delegation.as_ref().and_then(|d| d.start_height),
        "end_height": delegation.as_ref().and_then(|d| d.end_height),
        "covenant": delegation.as_ref().map(|d| json!({"quorum": d.covenant_quorum, "have": d.covenant_signers})),
    });
    let text = format!(
        "{id}\n  {} sat, {} blocks\n  decided: {stage:?}   hub: {}\n  next: {next}",
        planned.terms.value.0,
        planned.terms.staking_time.blocks(),
        status.unwrap_or_else(|| "not registered".to_owned()),
    );
    Ok(Answer { schema: "mesh-btc/stake.show/1", data, text })
}

fn next_step(stage: Stage, status: Option<Status>) -> &'static str {
    match (stage, status) {
        (Stage::Planned | Stage::Registered, None) => "you: `mesh-btc stake resume` registers it",
        (Stage::Planned | Stage::Registered, Some(Status::Pending)) => "the covenant signs",
        (Stage::Planned | Stage::Registered, _) => "you: `mesh-btc stake resume` sends it",
        (Stage::Sent, Some(Status::Pending | Status::Verified)) => "miners, then any bridge proves inclusion",
        (Stage::Sent, Some(Status::Active)) => "nothing: it counts; `mesh-btc unbond` leaves early",
        (Stage::Sent, Some(Status::Slashed)) => "you: `mesh-btc withdraw` once the slashing change unlocks",
        (Stage::Sent, Some(Status::Expired)) => "you: `mesh-btc withdraw` once the lock ends",
        (Stage::Unbonding, _) => "you: `mesh-btc withdraw` once the unbonding output unlocks",
        (Stage::Withdrawn, _) => "nothing: it is withdrawn",
        (Stage::Sent, _) => "you: `mesh-btc withdraw` once its lock ends",
    }
}

/// All stakes of the wallet.
pub(crate) fn list(session: &Session) -> Result<Answer> {
    let mut data = Vec::new();
    let mut text = Vec::new();
    for id in session.store.stakes()? {
        let answer = show(session, &id)?;
        data.push(answer.data);
        text.push(answer.text);
    }
    Ok(Answer { schema: "mesh-btc/stake.list/1", data: json!(data), text: text.join("\n") })
}
