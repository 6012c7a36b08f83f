//! Random actions on the embedded node, with reorgs, restarts and crashes, against a model that is a list of blocks and a set of txids.
#![cfg(feature = "bitcoin")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "bitcoin_node/wallet.rs"]
mod wallet;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use bitcoin::{Amount, BlockHash, OutPoint, Transaction, Txid};
use mesh_harness::bitcoin::{KernelNode, Node, Options, RpcNode};
use serde_json::{Value, json};
use tempfile::TempDir;
use wallet::Wallet;

/// Deterministic choices (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[derive(Clone)]
struct Mined {
    hash: BlockHash,
    txids: BTreeSet<Txid>,
}

struct World {
    dir: TempDir,
    node: Option<Node>,
    rpc: RpcNode,
    wallet: Wallet,
    txs: HashMap<Txid, Transaction>,
    // the model
    base: u64,
    blocks: Vec<Mined>,
    pool: BTreeSet<Txid>,
    undone: Vec<Mined>,
    /// First blocks of invalidated branches that a longer one has replaced.
    abandoned: Vec<BlockHash>,
}

impl World {
    fn new(coins: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let node = KernelNode::start(dir.path(), Options::default()).unwrap();
        let rpc = node.handle().rpc().unwrap();
        let (wallet, mut txs) = (Wallet::new(5), HashMap::new());
        for _ in 0..coins {
            let point = rpc.fund(&wallet.address(), Amount::from_sat(1_000_000)).unwrap();
            txs.insert(point.txid, rpc.transaction(&point.txid).unwrap());
        }
        let txids = txs.keys().copied().collect();
        let hash = rpc.mine(1).unwrap()[0];
        let (base, blocks) = (rpc.height().unwrap(), vec![Mined { hash, txids }]);
        Self {
            dir,
            node: Some(node),
            rpc,
            wallet,
            txs,
            base,
            blocks,
            pool: BTreeSet::new(),
            undone: Vec::new(),
            abandoned: Vec::new(),
        }
    }

    /// Wallet coins by the model: made and not spent by anything confirmed or waiting.
    fn coins(&self) -> BTreeMap<OutPoint, u64> {
        let script = self.wallet.address().script_pubkey();
        let live: BTreeSet<Txid> =
            self.blocks.iter().flat_map(|b| &b.txids).chain(&self.pool).copied().collect();
        let mut coins = BTreeMap::new();
        for txid in &live {
            let outs = (0u32..).zip(&self.txs[txid].output).filter(|(_, o)| o.script_pubkey == script);
            coins.extend(outs.map(|(n, o)| (OutPoint::new(*txid, n), o.value.to_sat())));
        }
        for txid in &live {
            for input in &self.txs[txid].input {
                coins.remove(&input.previous_output);
            }
        }
        coins
    }

    fn mine(&mut self, blocks: u64) {
        for hash in self.rpc.mine(blocks).unwrap() {
            self.blocks.push(Mined { hash, txids: std::mem::take(&mut self.pool) });
        }
        if !self.undone.is_empty() && self.blocks.len() >= self.undone.len() {
            self.abandon();
        }
    }

    fn pay(&mut self, dice: &mut Dice) {
        let coins: Vec<(OutPoint, u64)> = self.coins().into_iter().filter(|(_, v)| *v > 10_000).collect();
        let count = u64::try_from(coins.len()).unwrap();
        let (point, value) = coins[usize::try_from(dice.below(count)).unwrap()];
        let half = (value - 1_000) / 2;
        let tx = self.wallet.signed(2, point, value, &[half, half]);
        self.rpc.send(&tx).unwrap();
        self.pool.insert(tx.compute_txid());
        self.txs.insert(tx.compute_txid(), tx);
    }

    /// Invalidates the top `depth` blocks; their transactions wait again.
    fn invalidate(&mut self, depth: usize) {
        let keep = self.blocks.len().saturating_sub(depth).max(1);
        if keep == self.blocks.len() || !self.undone.is_empty() {
            return;
        }
        self.undone = self.blocks.clone();
        self.rpc.call("invalidateblock", &json!([self.blocks[keep].hash])).unwrap();
        for block in self.blocks.drain(keep..) {
            self.pool.extend(block.txids);
        }
    }

    fn fork(&self) -> usize {
        self.blocks.iter().zip(&self.undone).take_while(|(a, b)| a.hash == b.hash).count()
    }

    fn abandon(&mut self) {
        let fork = self.fork();
        self.abandoned.extend(self.undone.get(fork).map(|b| b.hash));
        self.undone.clear();
    }

    /// Takes the invalidation back; the old branch is longer still.
    fn reconsider(&mut self) {
        if self.undone.is_empty() {
            return;
        }
        let fork = self.fork();
        self.rpc.call("reconsiderblock", &json!([self.undone[fork].hash])).unwrap();
        for block in self.blocks.drain(fork..) {
            self.pool.extend(block.txids);
        }
        self.blocks = std::mem::take(&mut self.undone);
        for block in &self.blocks[fork..] {
            self.pool.retain(|txid| !block.txids.contains(txid));
        }
        // As in Core, everything that builds on a reconsidered block is valid again.
        for root in &self.abandoned {
            self.rpc.call("invalidateblock", &json!([root])).unwrap();
        }
    }

    fn restart(&mut self) {
        drop(self.node.take());
        self.open();
    }

    /// As if the machine lost power: what is in the files at this moment is all there is.
    fn crash(&mut self) {
        let image = tempfile::tempdir().unwrap();
        copy(self.dir.path(), image.path());
        drop(self.node.take());
        self.dir = image;
        self.pool.clear();
        self.abandon();
        self.open();
    }

    fn open(&mut self) {
        let node = KernelNode::start(self.dir.path(), Options::default()).unwrap();
        self.rpc = node.handle().rpc().unwrap();
        self.node = Some(node);
    }

    fn check(&self) {
        let get = |method: &str, params: Value| self.rpc.call(method, &params).unwrap();
        assert_eq!(get("getbestblockhash", json!([])), json!(self.blocks.last().unwrap().hash));
        let height = self.base + u64::try_from(self.blocks.len()).unwrap() - 1;
        assert_eq!(self.rpc.height().unwrap(), height);
        let pool: BTreeSet<Txid> = self.rpc.mempool().unwrap().into_iter().collect();
        assert_eq!(pool, self.pool);
        for (point, value) in self.coins() {
            let out = get("gettxout", json!([point.txid, point.vout]));
            assert_eq!(out["value"], json!(Amount::from_sat(value).to_btc()), "{point}");
        }
        let issued: u64 = (1..=height).map(|h| 5_000_000_000u64 >> (h / 150)).sum();
        assert_eq!(
            get("gettxoutsetinfo", json!([]))["total_amount"],
            json!(Amount::from_sat(issued).to_btc())
        );
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn run(seed: u64) {
    let mut dice = Dice(seed);
    let mut world = World::new(12);
    for step in 0..60 {
        let action = dice.below(20);
        match action {
            0..=8 => world.pay(&mut dice),
            9..=12 => world.mine(1 + dice.below(3)),
            13..=15 => world.invalidate(1 + usize::try_from(dice.below(5)).unwrap()),
            16 | 17 => world.reconsider(),
            18 => world.restart(),
            _ => world.crash(),
        }
        println!(
            "seed {seed}, step {step}: action {action}, {} blocks, {} waiting",
            world.blocks.len(),
            world.pool.len()
        );
        world.check();
    }
}

#[test]
fn the_node_agrees_with_the_model_through_reorgs_restarts_and_crashes() {
    for seed in [1, 20_260_101, 0xfeed_beef] {
        run(seed);
    }
}
