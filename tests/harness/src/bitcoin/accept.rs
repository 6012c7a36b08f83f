//! Decides whether a transaction may enter the mempool, in the order and words of Core's `MemPoolAccept`.
//!
//! Policy is ours ([`super::policy`]); the last word has Core's own block validation ([`Chainstate::trial`]). Covers BIP-68/113 locks for the next
//! block, full replace-by-fee, TRUC with sibling eviction, ephemeral dust and cluster limits. Changes nothing: the caller applies an [`Accepted`].

use std::collections::BTreeSet;
use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::{OutPoint, Transaction, TxOut, Txid, relative};

use super::chainstate::Chainstate;
use super::mempool::{Entry, Mempool};
use super::policy::{
    CLUSTER_LIMIT, CLUSTER_VSIZE_LIMIT, MAX_REPLACEMENTS, Reject, RejectKind, TRUC_CHILD_MAX_VSIZE,
    TRUC_MAX_VSIZE, TRUC_VERSION, check_standard, check_witnesses, dust_outputs, fee_at,
};

const COINBASE_MATURITY: u32 = 100;

/// Fees asked for, in satoshi per 1,000 virtual bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FeeRules {
    pub(crate) min_relay: u64,
    pub(crate) incremental: u64,
    /// Raised while the mempool is "full".
    pub(crate) mempool_min: u64,
}

/// Whether the fee floors apply to this transaction alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeeCheck {
    Alone,
    /// A package or a disconnected block vouches for it.
    Waived,
}

/// A transaction that may enter, and what it replaces.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) entry: Entry,
    pub(crate) replaced: Vec<Txid>,
}

/// Puts an accepted transaction in.
pub(crate) fn apply(pool: &mut Mempool, accepted: Accepted) {
    for txid in &accepted.replaced {
        pool.evict(txid);
    }
    pool.insert(accepted.entry);
}

struct Inputs {
    outs: Vec<TxOut>,
    /// Height the spent output is, or would be, confirmed at.
    heights: Vec<u32>,
    fee: u64,
}

/// Evaluates `tx` against the chain's next block and `pool`.
pub(crate) fn evaluate(
    chain: &mut Chainstate,
    pool: &Mempool,
    rules: FeeRules,
    check: FeeCheck,
    tx: &Arc<Transaction>,
) -> Result<Accepted, Reject> {
    check_standard(tx)?;
    check_final(chain, tx)?;
    check_known(pool, tx)?;
    let inputs = find_inputs(chain, pool, tx)?;
    check_relative_locks(chain, tx, &inputs.heights)?;
    check_witnesses(tx, &inputs.outs)?;
    let entry = Entry {
        tx: tx.clone(),
        txid: tx.compute_txid(),
        wtxid: tx.compute_wtxid(),
        fee: inputs.fee,
        vsize: u64::try_from(tx.vsize()).unwrap_or(u64::MAX),
        time: chain.next_time(),
        height: chain.view.height(),
    };
    if check == FeeCheck::Alone {
        check_fee_floor(rules, entry.fee, entry.vsize)?;
    }
    check_ephemeral_dust(pool, &entry)?;
    let mut conflicts: BTreeSet<Txid> =
        tx.input.iter().filter_map(|i| pool.spender(&i.previous_output)).copied().collect();
    conflicts.extend(check_truc(pool, &entry, &conflicts)?);
    let replaced = check_replacement(pool, rules, &entry, &conflicts)?;
    check_cluster(pool, &entry, &replaced)?;
    try_in_block(chain, pool, &entry)?;
    Ok(Accepted { entry, replaced })
}

/// Checks a fee against both floors.
pub(crate) fn check_fee_floor(rules: FeeRules, fee: u64, vsize: u64) -> Result<(), Reject> {
    let floors = [("mempool min fee not met", rules.mempool_min), ("min relay fee not met", rules.min_relay)];
    for (reason, rate) in floors {
        let need = fee_at(rate, vsize);
        if fee < need {
            return Err(Reject::of_kind(RejectKind::Reconsiderable, reason, format!("{fee} < {need}")));
        }
    }
    Ok(())
}

fn check_final(chain: &Chainstate, tx: &Transaction) -> Result<(), Reject> {
    let next = chain.view.height() + 1;
    let reached = match tx.lock_time {
        LockTime::Blocks(height) => height.to_consensus_u32() < next,
        LockTime::Seconds(time) => time.to_consensus_u32() < chain.median_time(),
    };
    let ignored = tx.input.iter().all(|i| i.sequence.is_final());
    if reached || ignored { Ok(()) } else { Err(Reject::plain("non-final")) }
}

fn check_known(pool: &Mempool, tx: &Transaction) -> Result<(), Reject> {
    match pool.get(&tx.compute_txid()) {
        Some(entry) if entry.wtxid == tx.compute_wtxid() => Err(Reject::plain("txn-already-in-mempool")),
        Some(_) => Err(Reject::plain("txn-same-nonwitness-data-in-mempool")),
        None => Ok(()),
    }
}

fn find_inputs(chain: &Chainstate, pool: &Mempool, tx: &Transaction) -> Result<Inputs, Reject> {
    let next = chain.view.height() + 1;
    let mut inputs = Inputs { outs: Vec::new(), heights: Vec::new(), fee: 0 };
    let mut value_in = 0u64;
    for input in &tx.input {
        let point = input.previous_output;
        let (out, height) = match (chain.view.coin(&point), pool.output(&point)) {
            (Some(coin), _) if coin.coinbase && next - coin.height < COINBASE_MATURITY => {
                let depth = format!("tried to spend coinbase at depth {}", next - coin.height);
                return Err(Reject::new("bad-txns-premature-spend-of-coinbase", depth));
            }
            (Some(coin), _) => (coin.out.clone(), coin.height),
            (None, Some(out)) => (out.clone(), next),
            (None, None) => return Err(missing(chain, tx)),
        };
        value_in = value_in.saturating_add(out.value.to_sat());
        inputs.outs.push(out);
        inputs.heights.push(height);
    }
    let value_out: u64 = tx.output.iter().map(|o| o.value.to_sat()).sum();
    inputs.fee = value_in.checked_sub(value_out).ok_or_else(|| {
        Reject::new("bad-txns-in-belowout", format!("value in ({value_in}) < value out ({value_out})"))
    })?;
    Ok(inputs)
}

fn missing(chain: &Chainstate, tx: &Transaction) -> Reject {
    let txid = tx.compute_txid();
    let outs = 0..u32::try_from(tx.output.len()).unwrap_or(u32::MAX);
    if outs.into_iter().any(|vout| chain.view.coin(&OutPoint::new(txid, vout)).is_some()) {
        return Reject::of_kind(RejectKind::AlreadyMined, "txn-already-known", "");
    }
    Reject::of_kind(RejectKind::MissingInputs, "bad-txns-inputs-missingorspent", "")
}

/// BIP-68, for the block after the tip.
fn check_relative_locks(chain: &Chainstate, tx: &Transaction, heights: &[u32]) -> Result<(), Reject> {
    if tx.version.0 < 2 {
        return Ok(());
    }
    let (next, now) = (chain.view.height() + 1, chain.median_time());
    for (input, height) in tx.input.iter().zip(heights) {
        let open = match input.sequence.to_relative_lock_time() {
            None => true,
            Some(relative::LockTime::Blocks(n)) => next >= height + u32::from(n.value()),
            Some(relative::LockTime::Time(n)) => {
                let before =
                    chain.view.at(height.saturating_sub(1)).map_or(now, |hash| chain.store.median_time(hash));
                now >= before.saturating_add(u32::from(n.value()) * 512)
            }
        };
        if !open {
            return Err(Reject::plain("non-BIP68-final"));
        }
    }
    Ok(())
}

fn check_ephemeral_dust(pool: &Mempool, entry: &Entry) -> Result<(), Reject> {
    if entry.fee > 0 && !dust_outputs(&entry.tx).is_empty() {
        return Err(Reject::new("dust", "tx with dust output must be 0-fee"));
    }
    let spent: BTreeSet<OutPoint> = entry.tx.input.iter().map(|i| i.previous_output).collect();
    for parent in pool.parents(&entry.tx).iter().filter_map(|t| pool.get(t)) {
        let left = dust_outputs(&parent.tx).into_iter().any(|vout| {
            !spent.contains(&OutPoint::new(parent.txid, u32::try_from(vout).unwrap_or(u32::MAX)))
        });
        if left {
            let detail = format!("tx {} did not spend parent's ephemeral dust", entry.txid);
            return Err(Reject::new("missing-ephemeral-spends", detail));
        }
    }
    Ok(())
}

/// BIP-431; returns the sibling that makes room, if one must.
fn check_truc(pool: &Mempool, entry: &Entry, conflicts: &BTreeSet<Txid>) -> Result<Option<Txid>, Reject> {
    let truc = entry.tx.version.0 == TRUC_VERSION;
    let violation = |text: String| Err(Reject::new("TRUC-violation", text));
    let parents: Vec<&Entry> = pool.parents(&entry.tx).iter().filter_map(|t| pool.get(t)).collect();
    for parent in &parents {
        if (parent.tx.version.0 == TRUC_VERSION) != truc {
            let (child, other) =
                if truc { ("version=3", "non-version=3") } else { ("non-version=3", "version=3") };
            return violation(format!(
                "{child} tx {} cannot spend from {other} tx {}",
                entry.txid, parent.txid
            ));
        }
    }
    if !truc {
        return Ok(None);
    }
    if entry.vsize > TRUC_MAX_VSIZE {
        return violation(format!(
            "version=3 tx {} is too big: {} > {TRUC_MAX_VSIZE} virtual bytes",
            entry.txid, entry.vsize
        ));
    }
    let Some(parent) = parents.first() else { return Ok(None) };
    if parents.len() > 1 || !pool.parents(&parent.tx).is_empty() {
        return violation(format!("tx {} would have too many ancestors", entry.txid));
    }
    if entry.vsize > TRUC_CHILD_MAX_VSIZE {
        return violation(format!(
            "version=3 child tx {} is too big: {} > {TRUC_CHILD_MAX_VSIZE} virtual bytes",
            entry.txid, entry.vsize
        ));
    }
    let siblings: Vec<Txid> =
        pool.children(&parent.txid).into_iter().filter(|t| !conflicts.contains(t)).collect();
    match siblings.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        _ => violation(format!("tx {} would exceed descendant count limit", parent.txid)),
    }
}

fn check_replacement(
    pool: &Mempool,
    rules: FeeRules,
    entry: &Entry,
    conflicts: &BTreeSet<Txid>,
) -> Result<Vec<Txid>, Reject> {
    if conflicts.is_empty() {
        return Ok(Vec::new());
    }
    let own: BTreeSet<Txid> = pool.ancestors(&entry.tx).into_iter().collect();
    if let Some(both) = conflicts.intersection(&own).next() {
        let detail = format!("{} spends conflicting transaction {both}", entry.txid);
        return Err(Reject::new("bad-txns-spends-conflicting-tx", detail));
    }
    let mut replaced = conflicts.clone();
    replaced.extend(conflicts.iter().flat_map(|txid| pool.descendants(txid)));
    if replaced.len() > MAX_REPLACEMENTS {
        let detail = format!(
            "rejecting replacement {}; too many potential replacements ({})",
            entry.txid,
            replaced.len()
        );
        return Err(Reject::new("too many potential replacements", detail));
    }
    check_replacement_fees(pool, rules, entry, conflicts, &replaced)?;
    Ok(replaced.into_iter().collect())
}

fn check_replacement_fees(
    pool: &Mempool,
    rules: FeeRules,
    entry: &Entry,
    conflicts: &BTreeSet<Txid>,
    replaced: &BTreeSet<Txid>,
) -> Result<(), Reject> {
    let short = |reason: &str, text: String| Err(Reject::of_kind(RejectKind::Reconsiderable, reason, text));
    let old: u64 = replaced.iter().filter_map(|t| pool.get(t)).map(|e| e.fee).sum();
    let who = format!("rejecting replacement {}", entry.txid);
    if entry.fee < old {
        return short(
            "insufficient fee",
            format!("{who}, less fees than conflicting txs; {} < {old}", entry.fee),
        );
    }
    let (extra, need) = (entry.fee - old, fee_at(rules.incremental, entry.vsize));
    if extra < need {
        return short(
            "insufficient fee",
            format!("{who}, not enough additional fees to relay; {extra} < {need}"),
        );
    }
    if conflicts.iter().filter_map(|t| pool.get(t)).any(|e| entry.rate() <= e.rate()) {
        return short("replacement-failed", "insufficient feerate: does not improve feerate diagram".into());
    }
    Ok(())
}

fn check_cluster(pool: &Mempool, entry: &Entry, replaced: &[Txid]) -> Result<(), Reject> {
    let members: Vec<&Entry> = pool
        .cluster(&entry.tx)
        .iter()
        .filter(|t| !replaced.contains(t))
        .filter_map(|t| pool.get(t))
        .collect();
    let vsize: u64 = members.iter().map(|e| e.vsize).sum::<u64>().saturating_add(entry.vsize);
    if members.len() >= CLUSTER_LIMIT || vsize > CLUSTER_VSIZE_LIMIT {
        return Err(Reject::plain("too-large-cluster"));
    }
    Ok(())
}

fn try_in_block(chain: &mut Chainstate, pool: &Mempool, entry: &Entry) -> Result<(), Reject> {
    let ancestors: Vec<&Entry> = pool.ancestors(&entry.tx).iter().filter_map(|t| pool.get(t)).collect();
    let fees = ancestors.iter().map(|e| e.fee).sum::<u64>().saturating_add(entry.fee);
    let mut txs: Vec<Arc<Transaction>> = ancestors.iter().map(|e| e.tx.clone()).collect();
    txs.push(entry.tx.clone());
    chain.trial(&txs, fees)
}
