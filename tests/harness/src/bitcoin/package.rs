//! Package acceptance: a child pays for parents that are too cheap alone (`submitpackage`; zero-fee TRUC parents included).
//!
//! Everything is tried on a copy of the mempool, so a package that fails as a whole leaves only what stands on its own. No package replace-by-fee.

use std::collections::HashMap;
use std::sync::Arc;

use bitcoin::{Transaction, Txid, Wtxid};

use super::accept::{Accepted, FeeCheck, FeeRules, apply, check_fee_floor, evaluate};
use super::chainstate::Chainstate;
use super::mempool::Mempool;
use super::policy::{Reject, RejectKind};

/// Outcome for one transaction of a package.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// In the mempool: size, fee, and those it shares its fee rate with.
    Entered { vsize: u64, fee: u64, shared: Vec<Wtxid>, shared_fee: u64, shared_vsize: u64 },
    /// Was in the mempool before.
    Known { vsize: u64, fee: u64 },
    /// Refused.
    Refused(Reject),
}

/// Outcome of a package.
#[derive(Debug, Default)]
pub(crate) struct PackageReport {
    pub(crate) outcomes: HashMap<Wtxid, Outcome>,
    pub(crate) replaced: Vec<Txid>,
}

impl PackageReport {
    pub(crate) fn is_success(&self) -> bool {
        self.outcomes.values().all(|o| !matches!(o, Outcome::Refused(_)))
    }

    fn entered_alone(&mut self, accepted: &Accepted) {
        let e = &accepted.entry;
        self.replaced.extend(&accepted.replaced);
        let shared = vec![e.wtxid];
        let outcome =
            Outcome::Entered { vsize: e.vsize, fee: e.fee, shared, shared_fee: e.fee, shared_vsize: e.vsize };
        self.outcomes.insert(e.wtxid, outcome);
    }
}

/// Whether the last transaction is the child of all others and these are not each other's parents.
pub(crate) fn is_child_with_parents(txs: &[Arc<Transaction>]) -> bool {
    let Some((child, parents)) = txs.split_last() else { return false };
    let ids: Vec<Txid> = parents.iter().map(|t| t.compute_txid()).collect();
    let spends = |tx: &Transaction, id: &Txid| tx.input.iter().any(|i| i.previous_output.txid == *id);
    ids.iter().all(|id| spends(child, id)) && parents.iter().all(|p| !ids.iter().any(|id| spends(p, id)))
}

/// Submits a child-with-parents package to `pool`.
pub(crate) fn submit(
    chain: &mut Chainstate,
    pool: &mut Mempool,
    rules: FeeRules,
    txs: &[Arc<Transaction>],
) -> PackageReport {
    let mut report = PackageReport::default();
    let mut later = Vec::new();
    for tx in txs {
        if let Some(entry) = pool.get(&tx.compute_txid()) {
            report.outcomes.insert(tx.compute_wtxid(), Outcome::Known { vsize: entry.vsize, fee: entry.fee });
            continue;
        }
        match evaluate(chain, pool, rules, FeeCheck::Alone, tx) {
            Ok(accepted) => {
                report.entered_alone(&accepted);
                apply(pool, accepted);
            }
            Err(reject) if may_pass_together(&reject) => later.push((tx.clone(), reject)),
            Err(reject) => {
                report.outcomes.insert(tx.compute_wtxid(), Outcome::Refused(reject));
            }
        }
    }
    if !later.is_empty() {
        together(chain, pool, rules, later, &mut report);
    }
    report
}

fn may_pass_together(reject: &Reject) -> bool {
    matches!(reject.kind, RejectKind::Reconsiderable | RejectKind::MissingInputs)
}

fn together(
    chain: &mut Chainstate,
    pool: &mut Mempool,
    rules: FeeRules,
    later: Vec<(Arc<Transaction>, Reject)>,
    report: &mut PackageReport,
) {
    match try_together(chain, pool, rules, &later) {
        Ok((staged, entered)) => {
            let (fee, vsize) = totals(&entered);
            let shared: Vec<Wtxid> = entered.iter().map(|a| a.entry.wtxid).collect();
            for accepted in entered {
                let e = &accepted.entry;
                report.replaced.extend(&accepted.replaced);
                let outcome = Outcome::Entered {
                    vsize: e.vsize,
                    fee: e.fee,
                    shared: shared.clone(),
                    shared_fee: fee,
                    shared_vsize: vsize,
                };
                report.outcomes.insert(e.wtxid, outcome);
            }
            *pool = staged;
        }
        Err((culprit, reject)) => {
            for (tx, alone) in later {
                let wtxid = tx.compute_wtxid();
                let reason = if wtxid == culprit { reject.clone() } else { alone };
                report.outcomes.insert(wtxid, Outcome::Refused(reason));
            }
        }
    }
}

fn totals(entered: &[Accepted]) -> (u64, u64) {
    (entered.iter().map(|a| a.entry.fee).sum(), entered.iter().map(|a| a.entry.vsize).sum())
}

fn try_together(
    chain: &mut Chainstate,
    pool: &Mempool,
    rules: FeeRules,
    later: &[(Arc<Transaction>, Reject)],
) -> Result<(Mempool, Vec<Accepted>), (Wtxid, Reject)> {
    let mut staged = pool.clone();
    let mut entered = Vec::new();
    for (tx, _) in later {
        let accepted = evaluate(chain, &staged, rules, FeeCheck::Waived, tx)
            .map_err(|reject| (tx.compute_wtxid(), reject))?;
        apply(&mut staged, accepted.clone());
        entered.push(accepted);
    }
    let (fee, vsize) = totals(&entered);
    let last = later.last().map(|(tx, _)| tx.compute_wtxid());
    match (check_fee_floor(rules, fee, vsize), last) {
        (Err(reject), Some(child)) => Err((child, reject)),
        _ => Ok((staged, entered)),
    }
}
