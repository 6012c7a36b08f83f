//! The chain of the node: kernel, journal, block store and view kept in step.
//!
//! `invalidateblock` is not in the kernel's API: the other blocks are replayed, in their order of arrival, into a fresh kernel folder (a
//! *generation*). Mempool candidates are tried as blocks that overpay their coinbase by one satoshi: Core's ConnectBlock then says `bad-cb-amount`
//! exactly when every transaction in it is valid, and the transaction's own fault otherwise.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bitcoin::{Block, BlockHash, ScriptBuf, Transaction};
use serde::{Deserialize, Serialize};

use super::NodeError;
use super::clock::BlockClock;
use super::journal::{Journal, Record};
use super::kernel::{Kernel, Verdict};
use super::policy::Reject;
use super::store::{BlockStore, StoredBlock};
use super::template::{Template, subsidy};
use super::view::ChainView;

/// Marks the coinbase of a candidate block.
const TRIAL: u64 = 1 << 63;

/// Blocks that left and joined the active chain, each in order of height.
#[derive(Debug, Default)]
pub(crate) struct TipChange {
    pub(crate) disconnected: Vec<Arc<Block>>,
    pub(crate) connected: Vec<Arc<Block>>,
}

#[derive(Clone, Serialize, Deserialize, Default)]
struct Generation {
    number: u64,
    /// How often the folder was opened; keeps candidates of different runs apart, as Core remembers a refused block by its hash.
    starts: u64,
    invalid: BTreeSet<BlockHash>,
}

/// See the module's description.
pub(crate) struct Chainstate {
    dir: PathBuf,
    kernel: Kernel,
    journal: Journal,
    generation: Generation,
    pub(crate) store: BlockStore,
    pub(crate) view: ChainView,
    pub(crate) clock: BlockClock,
    trials: u64,
}

impl Chainstate {
    /// Opens the chain kept in `dir`, replaying what the kernel folder lacks.
    pub(crate) fn open(dir: &Path, clock: BlockClock) -> Result<Self, NodeError> {
        let disk = |source| NodeError::Disk { path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(disk)?;
        let (journal, records) = Journal::open(&dir.join("journal.dat")).map_err(disk)?;
        let mut store = BlockStore::new();
        let invalid = replay_records(&mut store, records);
        let mut generation = read_generation(dir);
        if generation.invalid != invalid {
            generation = Generation { number: generation.number + 1, invalid, ..generation };
        }
        generation.starts += 1;
        let kernel = Kernel::open(&generation_dir(dir, generation.number))?;
        let view = ChainView::default();
        let mut chain =
            Self { dir: dir.to_owned(), kernel, journal, generation, store, view, clock, trials: 0 };
        chain.feed_kernel()?;
        chain.adopt_unjournaled()?;
        chain.write_generation()?;
        chain.remove_old_generations();
        chain.sync_view();
        Ok(chain)
    }

    pub(crate) fn tip(&self) -> BlockHash {
        self.view.tip().copied().unwrap_or_else(|| self.kernel.tip())
    }

    /// Median time of the tip (BIP-113), in seconds.
    pub(crate) fn median_time(&self) -> u32 {
        self.store.median_time(&self.tip())
    }

    pub(crate) fn is_active(&self, stored: &StoredBlock) -> bool {
        self.view.at(stored.height) == Some(&stored.block.block_hash())
    }

    pub(crate) fn is_invalidated(&self, hash: &BlockHash) -> bool {
        self.generation.invalid.iter().any(|bad| self.store.descends(hash, bad))
    }

    /// Time that the next block gets, in seconds.
    pub(crate) fn next_time(&self) -> u32 {
        self.clock.time_at(self.view.height() + 1).max(self.median_time() + 1)
    }

    /// Builds the next block; the coinbase pays subsidy, `fees` and `overpay` satoshi to `pay_to`.
    fn next_block(
        &self,
        txs: &[Arc<Transaction>],
        fees: u64,
        overpay: u64,
        extra: u64,
        pay_to: ScriptBuf,
    ) -> Block {
        let height = self.view.height() + 1;
        let value = subsidy(height).saturating_add(fees).saturating_add(overpay);
        Template { prev: self.tip(), height, time: self.next_time(), txs, pay_to, value, extra }.solve()
    }

    /// Builds a block on the tip that takes `fees`.
    pub(crate) fn template(&self, txs: &[Arc<Transaction>], fees: u64, pay_to: ScriptBuf) -> Block {
        self.next_block(txs, fees, 0, self.store.arrived().len() as u64, pay_to)
    }

    /// Asks Core whether `txs`, in this order, are valid in the next block.
    pub(crate) fn trial(&mut self, txs: &[Arc<Transaction>], fees: u64) -> Result<(), Reject> {
        self.trials += 1;
        let extra = TRIAL | (self.generation.starts << 40) | self.trials;
        let block = self.next_block(txs, fees, 1, extra, ScriptBuf::from_bytes(vec![0x51]));
        match self.kernel.process(&block) {
            Ok(Verdict::Refused(reason)) if reason.starts_with("bad-cb-amount") => Ok(()),
            Ok(Verdict::Refused(reason)) => Err(Reject::from_block(&reason)),
            Ok(verdict) => Err(Reject::new("internal", format!("candidate block: {verdict:?}"))),
            Err(fault) => Err(Reject::new("internal", fault.to_string())),
        }
    }

    /// Takes in a block from anywhere.
    pub(crate) fn submit(&mut self, block: &Block) -> Result<(Verdict, TipChange), NodeError> {
        let hash = block.block_hash();
        if self.store.get(&hash).is_some() {
            let verdict =
                if self.is_invalidated(&hash) { refused("duplicate-invalid") } else { Verdict::Duplicate };
            return Ok((verdict, TipChange::default()));
        }
        let parent = block.header.prev_blockhash;
        if self.store.get(&parent).is_none() {
            return Ok((refused("prev-blk-not-found"), TipChange::default()));
        }
        if self.is_invalidated(&parent) {
            return Ok((refused("bad-prevblk"), TipChange::default()));
        }
        self.record(&Record::Block(block.clone()))?;
        self.store.insert(block.clone());
        let verdict = self.offer(block)?;
        Ok((verdict, self.sync_view()))
    }

    /// Declares a block and all above it invalid. If the disk is too full for that, everything stays as it was.
    pub(crate) fn invalidate(&mut self, hash: &BlockHash) -> Result<TipChange, NodeError> {
        let mut next = Generation { number: self.generation.number + 1, ..self.generation.clone() };
        next.invalid.insert(*hash);
        let fresh = Kernel::open(&generation_dir(&self.dir, next.number))?;
        let kernel = std::mem::replace(&mut self.kernel, fresh);
        let generation = std::mem::replace(&mut self.generation, next);
        if let Err(error) = self.fill_generation(hash) {
            (self.kernel, self.generation) = (kernel, generation);
            return Err(error);
        }
        drop(kernel);
        self.remove_old_generations();
        Ok(self.sync_view())
    }

    fn fill_generation(&mut self, without: &BlockHash) -> Result<(), NodeError> {
        self.feed_kernel()?;
        self.record(&Record::Invalidate(*without))?;
        // The next start rebuilds a generation that is not the journal's.
        let _ = self.write_generation();
        Ok(())
    }

    /// Takes [`Chainstate::invalidate`] back for a block, what it builds on and what builds on it.
    pub(crate) fn reconsider(&mut self, hash: &BlockHash) -> Result<TipChange, NodeError> {
        self.record(&Record::Reconsider(*hash))?;
        forgive(&self.store, &mut self.generation.invalid, hash);
        self.feed_kernel()?;
        self.write_generation()?;
        Ok(self.sync_view())
    }

    fn offer(&mut self, block: &Block) -> Result<Verdict, NodeError> {
        let verdict = self.kernel.process(block)?;
        if matches!(verdict, Verdict::Refused(_)) {
            self.store.remove(&block.block_hash());
        }
        for hash in self.kernel.refused_on_the_way() {
            self.store.remove(&hash);
        }
        Ok(verdict)
    }

    fn feed_kernel(&mut self) -> Result<(), NodeError> {
        for hash in self.store.arrived().to_vec() {
            let Some(stored) = self.store.get(&hash).cloned() else { continue };
            if !self.is_invalidated(&hash) {
                self.offer(&stored.block)?;
            }
        }
        Ok(())
    }

    /// Blocks that reached the kernel's folder but not the journal before a crash.
    fn adopt_unjournaled(&mut self) -> Result<(), NodeError> {
        for hash in self.kernel.active() {
            if self.store.get(&hash).is_none() {
                let block = self.kernel.read(&hash)?;
                self.record(&Record::Block(block.clone()))?;
                self.store.insert(block);
            }
        }
        Ok(())
    }

    fn sync_view(&mut self) -> TipChange {
        let goal = self.kernel.tip();
        let mut change = TipChange::default();
        let mut at = goal;
        while let Some(stored) = self.store.get(&at) {
            if self.is_active(stored) {
                break;
            }
            change.connected.push(stored.block.clone());
            at = stored.parent();
        }
        change.connected.reverse();
        while let Some(stored) = self.view.tip().filter(|tip| **tip != at).and_then(|tip| self.store.get(tip))
        {
            let block = stored.block.clone();
            self.view.disconnect(&block);
            change.disconnected.push(block);
        }
        change.disconnected.reverse();
        for block in &change.connected {
            self.view.connect(block);
        }
        change
    }

    fn record(&mut self, record: &Record) -> Result<(), NodeError> {
        let path = self.dir.join("journal.dat");
        self.journal.append(record).map_err(|source| NodeError::Disk { path, source })
    }

    fn write_generation(&self) -> Result<(), NodeError> {
        let path = self.dir.join("generation.json");
        let text = serde_json::to_string(&self.generation).expect("a number and hashes are JSON");
        let part = path.with_extension("part");
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, &path))
            .map_err(|source| NodeError::Disk { path, source })
    }

    fn remove_old_generations(&self) {
        for number in self.generation.number.saturating_sub(8)..self.generation.number {
            // Left-overs only cost space; the next start tries again.
            let _ = fs::remove_dir_all(generation_dir(&self.dir, number));
        }
    }
}

fn refused(reason: &str) -> Verdict {
    Verdict::Refused(reason.into())
}

fn generation_dir(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("kernel-{number}"))
}

fn read_generation(dir: &Path) -> Generation {
    let text = fs::read_to_string(dir.join("generation.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn replay_records(store: &mut BlockStore, records: Vec<Record>) -> BTreeSet<BlockHash> {
    let mut invalid = BTreeSet::new();
    for record in records {
        match record {
            Record::Block(block) => {
                store.insert(block);
            }
            Record::Invalidate(hash) => {
                invalid.insert(hash);
            }
            Record::Reconsider(hash) => forgive(store, &mut invalid, &hash),
        }
    }
    invalid
}

fn forgive(store: &BlockStore, invalid: &mut BTreeSet<BlockHash>, hash: &BlockHash) {
    invalid.retain(|bad| !store.descends(hash, bad) && !store.descends(bad, hash));
}
