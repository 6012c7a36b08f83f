//! All blocks the node knows, on whatever branch, with height and chain work.
//!
//! In memory: regtest chains are small, and the journal holds the bytes on disk. Says nothing about which branch is active.

use std::collections::HashMap;
use std::sync::Arc;

use bitcoin::block::Header;
use bitcoin::constants::genesis_block;
use bitcoin::{Block, BlockHash, Network, Work};

/// A known block.
#[derive(Debug, Clone)]
pub(crate) struct StoredBlock {
    pub(crate) block: Arc<Block>,
    pub(crate) height: u32,
    pub(crate) chainwork: Work,
}

impl StoredBlock {
    pub(crate) fn header(&self) -> &Header {
        &self.block.header
    }

    pub(crate) fn parent(&self) -> BlockHash {
        self.block.header.prev_blockhash
    }
}

/// The known blocks and their order of arrival.
pub(crate) struct BlockStore {
    blocks: HashMap<BlockHash, StoredBlock>,
    arrived: Vec<BlockHash>,
}

impl BlockStore {
    /// A store with the regtest genesis block in it.
    pub(crate) fn new() -> Self {
        let genesis = genesis_block(Network::Regtest);
        let hash = genesis.block_hash();
        let chainwork = genesis.header.work();
        let stored = StoredBlock { block: Arc::new(genesis), height: 0, chainwork };
        Self { blocks: HashMap::from([(hash, stored)]), arrived: Vec::new() }
    }

    pub(crate) fn get(&self, hash: &BlockHash) -> Option<&StoredBlock> {
        self.blocks.get(hash)
    }

    /// Adds a block; false when its parent is unknown.
    pub(crate) fn insert(&mut self, block: Block) -> bool {
        let Some(parent) = self.blocks.get(&block.header.prev_blockhash) else { return false };
        let (height, chainwork) = (parent.height + 1, parent.chainwork + block.header.work());
        let hash = block.block_hash();
        self.blocks.insert(hash, StoredBlock { block: Arc::new(block), height, chainwork });
        self.arrived.push(hash);
        true
    }

    /// Forgets a block that turned out invalid.
    pub(crate) fn remove(&mut self, hash: &BlockHash) {
        self.blocks.remove(hash);
        self.arrived.retain(|h| h != hash);
    }

    /// Blocks in order of arrival, genesis left out.
    pub(crate) fn arrived(&self) -> &[BlockHash] {
        &self.arrived
    }

    /// Whether `ancestor` is `hash` or lies below it.
    pub(crate) fn descends(&self, hash: &BlockHash, ancestor: &BlockHash) -> bool {
        let Some(floor) = self.get(ancestor).map(|b| b.height) else { return false };
        let mut at = *hash;
        while let Some(stored) = self.get(&at) {
            if at == *ancestor {
                return true;
            }
            if stored.height <= floor {
                return false;
            }
            at = stored.parent();
        }
        false
    }

    /// Blocks that no other block builds on.
    pub(crate) fn leaves(&self) -> Vec<BlockHash> {
        let parents: std::collections::HashSet<_> = self.blocks.values().map(StoredBlock::parent).collect();
        self.blocks.keys().filter(|h| !parents.contains(*h)).copied().collect()
    }

    /// Median of the last eleven block times up to `hash` (BIP-113).
    pub(crate) fn median_time(&self, hash: &BlockHash) -> u32 {
        let mut times = Vec::with_capacity(11);
        let mut at = *hash;
        while let Some(stored) = self.get(&at) {
            times.push(stored.header().time);
            if times.len() == 11 {
                break;
            }
            at = stored.parent();
        }
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(0)
    }
}
