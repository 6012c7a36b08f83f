//! The set of accepted, unconfirmed transactions and how they hang together.
//!
//! A pure data structure: what may enter is decided in [`super::accept`]. Iteration is in order of acceptance, in which parents always come before
//! their children.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bitcoin::{Block, OutPoint, Transaction, TxOut, Txid, Wtxid};

/// An accepted transaction.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) tx: Arc<Transaction>,
    pub(crate) txid: Txid,
    pub(crate) wtxid: Wtxid,
    /// In satoshi.
    pub(crate) fee: u64,
    /// In virtual bytes.
    pub(crate) vsize: u64,
    /// Seconds since 1970.
    pub(crate) time: u32,
    /// Height of the tip at acceptance.
    pub(crate) height: u32,
}

impl Entry {
    /// Satoshi per 1,000 virtual bytes, rounded down.
    pub(crate) fn rate(&self) -> u64 {
        self.fee.saturating_mul(1_000) / self.vsize.max(1)
    }
}

/// The mempool; cheap to clone, so that packages can be tried on a copy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mempool {
    order: BTreeMap<u64, Txid>,
    entries: HashMap<Txid, (u64, Entry)>,
    spends: HashMap<OutPoint, Txid>,
    next: u64,
}

impl Mempool {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, txid: &Txid) -> Option<&Entry> {
        self.entries.get(txid).map(|(_, entry)| entry)
    }

    /// Entries, parents first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.order.values().filter_map(|txid| self.get(txid))
    }

    /// Counts acceptances and removals, as Core's `mempool_sequence` does.
    pub(crate) fn sequence(&self) -> u64 {
        self.next
    }

    pub(crate) fn output(&self, point: &OutPoint) -> Option<&TxOut> {
        self.get(&point.txid)?.tx.output.get(usize::try_from(point.vout).ok()?)
    }

    /// The entry that spends `point`.
    pub(crate) fn spender(&self, point: &OutPoint) -> Option<&Txid> {
        self.spends.get(point)
    }

    pub(crate) fn insert(&mut self, entry: Entry) {
        for input in &entry.tx.input {
            self.spends.insert(input.previous_output, entry.txid);
        }
        self.order.insert(self.next, entry.txid);
        self.entries.insert(entry.txid, (self.next, entry));
        self.next += 1;
    }

    fn remove(&mut self, txid: &Txid) -> Option<Entry> {
        let (position, entry) = self.entries.remove(txid)?;
        self.order.remove(&position);
        for input in &entry.tx.input {
            self.spends.remove(&input.previous_output);
        }
        self.next += 1;
        Some(entry)
    }

    /// Removes an entry and all that build on it.
    pub(crate) fn evict(&mut self, txid: &Txid) {
        for gone in self.descendants(txid) {
            self.remove(&gone);
        }
        self.remove(txid);
    }

    /// Removes what a block confirmed and what it made impossible.
    pub(crate) fn remove_for_block(&mut self, block: &Block) {
        for tx in &block.txdata {
            self.remove(&tx.compute_txid());
            for input in &tx.input {
                if let Some(conflict) = self.spender(&input.previous_output).copied() {
                    self.evict(&conflict);
                }
            }
        }
    }

    pub(crate) fn parents(&self, tx: &Transaction) -> BTreeSet<Txid> {
        tx.input.iter().map(|i| i.previous_output.txid).filter(|t| self.entries.contains_key(t)).collect()
    }

    pub(crate) fn children(&self, txid: &Txid) -> BTreeSet<Txid> {
        let Some(entry) = self.get(txid) else { return BTreeSet::new() };
        let outs = 0..u32::try_from(entry.tx.output.len()).unwrap_or(u32::MAX);
        outs.filter_map(|vout| self.spender(&OutPoint::new(*txid, vout))).copied().collect()
    }

    /// All unconfirmed transactions that `tx` builds on, parents first.
    pub(crate) fn ancestors(&self, tx: &Transaction) -> Vec<Txid> {
        let found = self.walk(self.parents(tx), |pool, txid| {
            pool.get(txid).map(|e| pool.parents(&e.tx)).unwrap_or_default()
        });
        self.in_order(found)
    }

    /// All that builds on an entry, parents first, without itself.
    pub(crate) fn descendants(&self, txid: &Txid) -> Vec<Txid> {
        let found = self.walk(self.children(txid), Self::children);
        self.in_order(found)
    }

    /// Everything connected to `tx` through parents and children.
    pub(crate) fn cluster(&self, tx: &Transaction) -> BTreeSet<Txid> {
        self.walk(self.parents(tx), |pool, txid| {
            let mut near = pool.children(txid);
            near.extend(pool.get(txid).map(|e| pool.parents(&e.tx)).unwrap_or_default());
            near
        })
    }

    fn walk(&self, start: BTreeSet<Txid>, near: impl Fn(&Self, &Txid) -> BTreeSet<Txid>) -> BTreeSet<Txid> {
        let mut found = BTreeSet::new();
        let mut todo: Vec<Txid> = start.into_iter().collect();
        while let Some(txid) = todo.pop() {
            if found.insert(txid) {
                todo.extend(near(self, &txid));
            }
        }
        found
    }

    fn in_order(&self, found: BTreeSet<Txid>) -> Vec<Txid> {
        let mut list: Vec<_> =
            found.into_iter().filter_map(|t| self.entries.get(&t).map(|(n, _)| (*n, t))).collect();
        list.sort_unstable();
        list.into_iter().map(|(_, txid)| txid).collect()
    }
}
