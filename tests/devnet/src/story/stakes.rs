//! Step 4: plan, prove, register, pre-sign, send, mine, prove, count.

use super::{Holder, STAKING_TIME, Signers, fp};
use crate::args::Spoil;
use crate::deploy::K;
use crate::keys;
use crate::narrate::sat;
use crate::stage::{Cast, Fp, Stage, Staked};
use anyhow::{Context, Result};
use bitcoin::consensus::encode::{deserialize, serialize};
use mesh_bridge::spends::SpendIndex;
use mesh_bridge::tracker::Tracker;
use mesh_covenant::refusals::Refusals;
use mesh_covenant::round::Member;
use staker::plan::{self, Plan};
use staker::{leave, wallet};
use staking_api::staking::{ExecuteMsg, Status};
use staking_api::{Key, Txid};
use staking_clients::bitcoin::BitcoinSource;
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::delegation::StakeTerms;
use staking_protocol::keys::{ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::Params;
use staking_protocol::possession::ChainAddress;
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::{Sat, Transaction};

/// Fee rate of funding transactions, satoshi per 1 000 virtual bytes.
const FEE_RATE: u64 = 2_000;

/// Both holders stake: A with fp1, B three fifths of it with fp2, so that finality needs both.
pub(super) fn stake_all(
    stage: &Stage<'_>,
    cast: &mut Cast<'_>,
    signers: &Signers,
    holders: &mut [Holder; 2],
    fps: &[Fp],
    amount: u64,
) -> Result<Vec<Staked>> {
    cast.narrator.step(
        "stakes",
        "Each holder plans a stake, proves that it can withdraw, registers; the covenant checks and pre-signs; only then coins move.",
    );
    let params = hub_params(cast)?;
    let shares = [("fp1", amount), ("fp2", amount / 5 * 3)];
    let mut plans = Vec::new();
    let mut stakes = Vec::new();
    for (holder, (provider, amount)) in holders.iter_mut().zip(shares) {
        let made = register(stage, cast, &params, holder, fp(fps, provider)?.pk, amount)?;
        let txid = Txid::from_bytes(made.staking.txid().0);
        let vout = made.staking.outpoint().vout;
        let mut staked = Staked { owner: holder.name, txid, vout, amount, states: Vec::new() };
        staked.note(stage.status(&cast.hub(), txid)?);
        cast.narrator.tell(format!(
            "{} registers {txid}:{vout}  {}  with {provider}",
            holder.name,
            sat(amount)
        ));
        plans.push(made);
        stakes.push(staked);
    }
    presign(stage, cast, signers, &mut stakes)?;
    for ((holder, made), stake) in holders.iter().zip(&plans).zip(&stakes) {
        send(stage, cast, &params, holder, made, stake)?;
    }
    stage.mine(K + 1)?;
    stage.relay_headers(&cast.relayer, &cast.deployed.bitcoin.light_client)?;
    activate(stage, cast, &mut stakes)?;
    Ok(stakes)
}

/// The parameters that the hub shows, version 0.
pub(super) fn hub_params(cast: &Cast<'_>) -> Result<Params> {
    cast.hub().params()?.remove(&0).context("the hub has no parameters")
}

fn register(
    stage: &Stage<'_>,
    cast: &Cast<'_>,
    params: &Params,
    holder: &mut Holder,
    fp_pk: Key,
    amount: u64,
) -> Result<Plan> {
    wallet::sync(&mut holder.wallet, &stage.clients.bitcoin)?;
    let terms = StakeTerms {
        stakers: Stakers::single(StakerKey::from_bytes(holder.key.x_only().as_bytes())?),
        providers: Providers::single(ProviderKey::from_bytes(fp_pk.as_bytes())?),
        staking_time: StakingTime::new(u32::from(STAKING_TIME))?,
        value: Sat(amount),
    };
    let script = plan::staking_script(params, &terms)?;
    let funding = wallet::fund(&mut holder.wallet, &holder.seed, &script, terms.value, FEE_RATE)?;
    let funding = Transaction::parse(&serialize(&funding))?;
    let aux = keys::aux(stage.seed, holder.name);
    let destination = holder.script();
    let made = plan::plan(params, terms, funding, &holder.key, destination.as_bytes(), &aux)?;
    let account = stage.hub_writer(holder.name)?;
    let staking = &cast.deployed.bitcoin.staking;
    let domain = Domain::v0(Purpose::StakerPossession, &stage.clients.endpoints.hub.chain_id, staking);
    let address = ChainAddress::parse(&account.address()).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let pop = plan::prove_possession(&holder.key, &domain, &address, &aux);
    account.execute(staking, &ExecuteMsg::RegisterDelegation(made.registration(pop)), &[])?;
    Ok(made)
}

/// Every member's agent does one round.
fn presign(stage: &Stage<'_>, cast: &Cast<'_>, signers: &Signers, stakes: &mut [Staked]) -> Result<()> {
    let staking = &cast.deployed.bitcoin.staking;
    for (number, signer) in signers.covenant.iter().enumerate() {
        let account = stage.hub_writer(&format!("covenant{number}"))?;
        let refusals = Refusals::open(&signers.dir.join(format!("c{number}/refusals.redb")))?;
        let client = signer.client();
        let member = Member { hub: &account, staking, signer: &client, refusals: &refusals };
        if stage.spoil == Some(Spoil::CovenantSignature) {
            return spoiled_signature(cast, &member, stakes);
        }
        let outcome = member.round()?;
        cast.narrator.tell(format!("covenant member {number} signs {} stakes", outcome.signed.len()));
    }
    for stake in stakes {
        stake.note(stage.status(&cast.hub(), stake.txid)?);
    }
    Ok(())
}

/// Submits a member's signatures with one bit flipped: the contract must refuse them.
fn spoiled_signature(cast: &Cast<'_>, member: &Member<'_>, stakes: &[Staked]) -> Result<()> {
    let stake = stakes.first().context("no stake")?;
    let delegation = cast.hub().delegation(stake.txid)?.context("not registered")?;
    let mut signatures = member.presign(&delegation)?.map_err(|why| anyhow::anyhow!("refused: {why}"))?;
    flip(signatures.slashing.first_mut().map(|s| &mut s.0));
    let covenant_pk = member.public_key()?;
    let msg = ExecuteMsg::AddCovenantSignatures { covenant_pk, items: vec![signatures] };
    member.hub.execute(member.staking, &msg, &[])?;
    anyhow::bail!("the contract took a spoiled covenant signature")
}

/// Flips a bit of the last byte.
pub(super) fn flip(bytes: Option<&mut Vec<u8>>) {
    if let Some(last) = bytes.and_then(|b| b.last_mut()) {
        *last ^= 1;
    }
}

/// Sends a staking transaction, after checking that a covenant quorum signed the way out (S3).
fn send(
    stage: &Stage<'_>,
    cast: &Cast<'_>,
    params: &Params,
    holder: &Holder,
    made: &Plan,
    stake: &Staked,
) -> Result<()> {
    let hub = cast.hub();
    let delegation = hub.delegation(stake.txid)?.context("not registered")?;
    let verified = leave::verify(&delegation, params, &holder.key)?;
    leave::check_quorum(&verified, &hub.signatures(stake.txid)?, params)?;
    stage.clients.bitcoin.broadcast(&deserialize(&made.funding.serialize())?)?;
    Ok(())
}

fn activate(stage: &Stage<'_>, cast: &Cast<'_>, stakes: &mut [Staked]) -> Result<()> {
    let mut tracker =
        Tracker { bitcoin: &stage.clients.bitcoin, hub: cast.hub(), index: SpendIndex::default() };
    if stage.spoil == Some(Spoil::InclusionProof) {
        return spoiled_proof(cast, &mut tracker, stakes);
    }
    tracker.round()?;
    for stake in stakes {
        let status = stage.status(&cast.hub(), stake.txid)?;
        stake.note(status);
        anyhow::ensure!(status == Status::Active, "stake {} is {status:?}", stake.txid);
        cast.narrator.tell(format!("stake of {} is {}", stake.owner, stake.states.join(" → ")));
    }
    Ok(())
}

/// Submits an inclusion proof with one bit flipped: the contract must refuse it.
fn spoiled_proof(cast: &Cast<'_>, tracker: &mut Tracker<'_>, stakes: &[Staked]) -> Result<()> {
    let stake = stakes.first().context("no stake")?;
    let delegation = cast.hub().delegation(stake.txid)?.context("not registered")?;
    let mut item = tracker.proof_of(&delegation)?.context("the stake is in no block")?;
    flip(Some(&mut item.proof.siblings.0));
    let msg = ExecuteMsg::Activate { items: vec![item] };
    cast.relayer.execute(&cast.deployed.bitcoin.staking, &msg, &[])?;
    anyhow::bail!("the contract took a spoiled inclusion proof")
}
