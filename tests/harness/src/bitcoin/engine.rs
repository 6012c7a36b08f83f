//! Chain and mempool together: the operations behind the RPC.
//!
//! Single-threaded by design; [`super::node`] puts it behind one lock. Speaks Rust types, not JSON.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Block, BlockHash, ScriptBuf, Transaction, Txid, Weight};

use super::NodeError;
use super::accept::{Accepted, FeeCheck, FeeRules, apply, evaluate};
use super::chainstate::{Chainstate, TipChange};
use super::clock::BlockClock;
use super::kernel::Verdict;
use super::mempool::{Entry, Mempool};
use super::package::{self, PackageReport};
use super::policy::Reject;

/// Room for transactions in a block, as Core's miner reserves it.
const BLOCK_WEIGHT: Weight = Weight::from_wu(4_000_000 - 8_000);

/// A node without its RPC.
pub(crate) struct Engine {
    pub(crate) chain: Chainstate,
    pub(crate) pool: Mempool,
    pub(crate) rules: FeeRules,
    /// Answer of `estimatesmartfee`, satoshi per 1,000 virtual bytes.
    pub(crate) fee_estimate: Option<u64>,
    /// While set, every call answers -28 with this text.
    pub(crate) warming_up: Option<String>,
    /// Least fee rate the miner takes, satoshi per 1,000 virtual bytes.
    pub(crate) mining_floor: u64,
    pub(crate) stopping: bool,
    base_clock: BlockClock,
    dir: PathBuf,
}

impl Engine {
    /// Opens the node kept in `dir`, with the mempool it had when it was last stopped in order.
    pub(crate) fn open(
        dir: &Path,
        clock: BlockClock,
        rules: FeeRules,
        fee_estimate: Option<u64>,
    ) -> Result<Self, NodeError> {
        let chain = Chainstate::open(dir, clock)?;
        let mut engine = Self {
            chain,
            pool: Mempool::default(),
            rules,
            fee_estimate,
            warming_up: None,
            mining_floor: 0,
            stopping: false,
            base_clock: clock,
            dir: dir.to_owned(),
        };
        engine.load_mempool();
        Ok(engine)
    }

    /// Writes the mempool to disk for the next start.
    pub(crate) fn save_mempool(&self) -> std::io::Result<()> {
        let lines: Vec<String> = self.pool.iter().map(|e| serialize_hex(&*e.tx)).collect();
        fs::write(self.dir.join("mempool.hex"), lines.join("\n"))
    }

    fn load_mempool(&mut self) {
        let path = self.dir.join("mempool.hex");
        let text = fs::read_to_string(&path).unwrap_or_default();
        // A crash after this point loses the mempool, as it does with bitcoind.
        let _ = fs::remove_file(path);
        let txs = text.lines().filter_map(|line| deserialize_hex::<Transaction>(line).ok());
        self.readmit(txs.map(Arc::new).collect());
    }

    /// Takes a transaction into the mempool.
    pub(crate) fn send(&mut self, tx: &Arc<Transaction>) -> Result<Entry, Reject> {
        let accepted = self.evaluate(tx)?;
        let entry = accepted.entry.clone();
        apply(&mut self.pool, accepted);
        Ok(entry)
    }

    /// Says what [`Engine::send`] would do.
    pub(crate) fn evaluate(&mut self, tx: &Arc<Transaction>) -> Result<Accepted, Reject> {
        evaluate(&mut self.chain, &self.pool, self.rules, FeeCheck::Alone, tx)
    }

    /// Says what sending all of these in turn would do; the mempool stays as it is.
    pub(crate) fn test(&mut self, txs: &[Arc<Transaction>]) -> Vec<Result<Entry, Reject>> {
        let mut staged = self.pool.clone();
        let mut results = Vec::new();
        for tx in txs {
            let result = evaluate(&mut self.chain, &staged, self.rules, FeeCheck::Alone, tx);
            results.push(result.map(|accepted| {
                let entry = accepted.entry.clone();
                apply(&mut staged, accepted);
                entry
            }));
        }
        results
    }

    pub(crate) fn submit_package(&mut self, txs: &[Arc<Transaction>]) -> PackageReport {
        package::submit(&mut self.chain, &mut self.pool, self.rules, txs)
    }

    /// Mines a block with what the mempool holds.
    pub(crate) fn mine(&mut self, pay_to: ScriptBuf) -> Result<BlockHash, NodeError> {
        let chosen = self.choose();
        let fees = chosen.iter().map(|e| e.fee).sum();
        let txs: Vec<_> = chosen.into_iter().map(|e| e.tx).collect();
        let block = self.chain.template(&txs, fees, pay_to);
        self.submit_own(&block)
    }

    /// Builds a block with exactly these transactions; `fees` is what they pay.
    pub(crate) fn build(&self, txs: &[Arc<Transaction>], fees: u64, pay_to: ScriptBuf) -> Block {
        self.chain.template(txs, fees, pay_to)
    }

    /// Submits a block that has to be accepted.
    pub(crate) fn submit_own(&mut self, block: &Block) -> Result<BlockHash, NodeError> {
        match self.submit_block(block)? {
            Verdict::Accepted | Verdict::Duplicate => Ok(block.block_hash()),
            Verdict::Refused(reason) => Err(NodeError::BlockRefused { reason }),
        }
    }

    pub(crate) fn submit_block(&mut self, block: &Block) -> Result<Verdict, NodeError> {
        let (verdict, change) = self.chain.submit(block)?;
        self.follow(&change);
        Ok(verdict)
    }

    pub(crate) fn invalidate(&mut self, hash: &BlockHash) -> Result<(), NodeError> {
        let change = self.chain.invalidate(hash)?;
        self.follow(&change);
        Ok(())
    }

    pub(crate) fn reconsider(&mut self, hash: &BlockHash) -> Result<(), NodeError> {
        let change = self.chain.reconsider(hash)?;
        self.follow(&change);
        Ok(())
    }

    /// Fixes the time of the next blocks; 0 gives the time back to the node's own clock.
    pub(crate) fn set_mock_time(&mut self, time: u32) {
        self.chain.clock = if time == 0 { self.base_clock } else { BlockClock::Fixed(time) };
    }

    /// Brings the mempool in line with a new tip; after a reorg everything is judged anew, disconnected transactions first.
    fn follow(&mut self, change: &TipChange) {
        for block in &change.connected {
            self.pool.remove_for_block(block);
        }
        if change.disconnected.is_empty() {
            return;
        }
        let returned = change
            .disconnected
            .iter()
            .flat_map(|b| &b.txdata)
            .filter(|tx| !tx.is_coinbase())
            .cloned()
            .map(Arc::new);
        let mut candidates: Vec<Arc<Transaction>> = returned.collect();
        candidates.extend(self.pool.iter().map(|e| e.tx.clone()));
        self.pool = Mempool::default();
        self.readmit(candidates);
    }

    fn readmit(&mut self, txs: Vec<Arc<Transaction>>) {
        for tx in txs {
            let result = evaluate(&mut self.chain, &self.pool, self.rules, FeeCheck::Waived, &tx);
            if let Ok(accepted) = result {
                apply(&mut self.pool, accepted);
            }
        }
    }

    fn choose(&self) -> Vec<Entry> {
        let wanted = self.wanted();
        let mut left: HashSet<Txid> = HashSet::new();
        let mut room = BLOCK_WEIGHT;
        let mut chosen = Vec::new();
        for entry in self.pool.iter() {
            let orphaned = self.pool.parents(&entry.tx).iter().any(|p| left.contains(p));
            let rest = room.checked_sub(entry.tx.weight());
            match rest {
                Some(rest) if !orphaned && wanted.as_ref().is_none_or(|w| w.contains(&entry.txid)) => {
                    room = rest;
                    chosen.push(entry.clone());
                }
                _ => {
                    left.insert(entry.txid);
                }
            }
        }
        chosen
    }

    /// What pays the miner's floor, alone or through its descendants; `None` without a floor.
    fn wanted(&self) -> Option<HashSet<Txid>> {
        if self.mining_floor == 0 {
            return None;
        }
        let mut wanted = HashSet::new();
        for entry in self.pool.iter() {
            let mut package = self.pool.ancestors(&entry.tx);
            package.push(entry.txid);
            let open: Vec<&Entry> =
                package.iter().filter(|t| !wanted.contains(*t)).filter_map(|t| self.pool.get(t)).collect();
            let (fee, vsize) =
                (open.iter().map(|e| e.fee).sum::<u64>(), open.iter().map(|e| e.vsize).sum::<u64>());
            if fee.saturating_mul(1_000) >= self.mining_floor.saturating_mul(vsize) {
                wanted.extend(package);
            }
        }
        Some(wanted)
    }
}
