//! Leaving early and withdrawing.

use super::Answer;
use super::stake::{confirm, load};
use crate::session::{NotYet, Session, aux};
use anyhow::{Context, Result, bail};
use bitcoin::consensus::encode::{deserialize, serialize_hex};
use bitcoin::hashes::Hash as _;
use bitcoin::{Address, OutPoint, Transaction as NodeTransaction, Txid as NodeTxid};
use serde_json::json;
use staker::leave::{self, Source};
use staker::stake::{Event, EventStore};
use staking_api::Txid;
use staking_clients::bitcoin::BitcoinSource;
use staking_protocol::delegation::VerifiedDelegation;
use staking_protocol::params::Params;
use staking_protocol::tx::withdrawal::Withdrawable;
use staking_protocol::tx::{Sat, Transaction};

/// Sends the unbonding transaction.
pub(crate) fn unbond(session: &mut Session, stake: &str, yes: bool) -> Result<Answer> {
    session.check_network()?;
    let id = session.find(stake)?;
    let txid: Txid = id.parse().map_err(|e| anyhow::anyhow!("{e}"))?;
    let (planned, _, key) = load(session, &id)?;
    let delegation = session.delegation(txid)?.context("the hub does not know this stake")?;
    let verified = leave::verify(&delegation, &planned.params, &key)?;
    let tx = leave::unbond(&verified, &session.signatures(txid)?, &planned.params, &key, &*aux()?)?;
    let lock = planned.params.unbonding_time().blocks();
    confirm(
        &format!(
            "leaves early for {} sat; coins unlock {lock} blocks later",
            planned.params.unbonding_fee().0
        ),
        yes,
    )?;
    let tx = to_node(&tx)?;
    let unbonding = tx.compute_txid().to_string();
    session.store.append(&id, &Event::Unbonding { txid: unbonding.clone() })?;
    session.node.broadcast(&tx)?;
    Ok(Answer {
        schema: "mesh-btc/unbond/1",
        data: json!({"stake": id, "unbonding_txid": unbonding, "unlocks_after_blocks": lock}),
        text: format!("unbonding {unbonding}; withdraw {lock} blocks after it is mined"),
    })
}

/// Withdraws whatever output of a stake is there and unlocked.
pub(crate) fn withdraw(session: &mut Session, stake: &str, to: Option<&str>, fee: u64) -> Result<Answer> {
    session.check_network()?;
    let id = session.find(stake)?;
    let txid: Txid = id.parse().map_err(|e| anyhow::anyhow!("{e}"))?;
    let (planned, _, key) = load(session, &id)?;
    let delegation = session.delegation(txid)?.context("the hub does not know this stake")?;
    let verified = leave::verify(&delegation, &planned.params, &key)?;
    let source = unlocked(session, &verified, &planned.params)?;
    let destination = destination(session, to)?;
    let tx = leave::withdraw(&verified, source, &destination, Sat(fee), &key, &*aux()?)?;
    let tx = to_node(&tx)?;
    let withdrawal = tx.compute_txid().to_string();
    let event = Event::Withdrawing { txid: withdrawal.clone(), tx: serialize_hex(&tx) };
    session.store.append(&id, &event)?;
    session.node.broadcast(&tx)?;
    let paid: u64 = tx.output.iter().map(|o| o.value.to_sat()).sum();
    Ok(Answer {
        schema: "mesh-btc/withdraw/1",
        data: json!({"stake": id, "withdraw_txid": withdrawal, "paid_sat": paid, "fee_sat": fee}),
        text: format!("{withdrawal} pays {paid} sat"),
    })
}

fn to_node(tx: &Transaction) -> Result<NodeTransaction> {
    deserialize(&tx.serialize()).context("a transaction that the bitcoin crate refuses")
}

/// The output of the stake that is unspent; its lock must have ended.
fn unlocked(session: &Session, verified: &VerifiedDelegation, params: &Params) -> Result<Withdrawable> {
    let sources =
        [Source::Unbonding, Source::SlashingChange, Source::UnbondingSlashingChange, Source::Staking];
    let tip = session.node.chain_info()?.blocks;
    for source in sources {
        let output = leave::withdrawable(verified, params, source);
        let at = output.outpoint();
        let at = OutPoint { txid: NodeTxid::from_byte_array(at.txid.0), vout: at.vout };
        let Some(found) = session.node.utxo(at)? else { continue };
        // A withdrawal is mined in the block after the tip at the earliest.
        let unlocks = found.height.saturating_add(u32::from(output.lock()));
        if found.height == 0 || tip.saturating_add(1) < unlocks {
            let left = unlocks.saturating_sub(tip.saturating_add(1));
            bail!(NotYet(format!("TIMELOCK: {source:?} output {at} unlocks at {unlocks}, in {left} blocks")));
        }
        return Ok(output);
    }
    bail!("no output of this stake is left to withdraw")
}

fn destination(session: &Session, to: Option<&str>) -> Result<Vec<u8>> {
    if let Some(address) = to {
        let address: Address<_> = address.parse().with_context(|| format!("`{address}` is no address"))?;
        return Ok(address.require_network(session.settings.network)?.script_pubkey().into_bytes());
    }
    let seed = session.settings.seed()?;
    let (mut wallet, mut db) = session.wallet(&seed)?;
    let script = staker::wallet::receive_address(&mut wallet).script_pubkey();
    wallet.persist(&mut db)?;
    Ok(script.into_bytes())
}
