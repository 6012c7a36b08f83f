//! A Bitcoin chain of low difficulty, as far as headers and Merkle trees go.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use bitcoin_hashes::{Hash, sha256d};
use staking_api::Binary;
use staking_api::light_client::InclusionProof;

/// Compact difficulty of regtest.
pub const BITS: u32 = 0x207f_ffff;

/// A mined block.
#[derive(Clone)]
pub struct Block {
    /// Serialised header.
    pub header: [u8; 80],
    /// Txids in order; the first is the coinbase.
    pub txids: Vec<[u8; 32]>,
}

impl Block {
    /// Hash in internal order.
    pub fn hash(&self) -> [u8; 32] {
        sha256d::Hash::hash(&self.header).to_byte_array()
    }
}

/// A Bitcoin chain of low difficulty.
#[derive(Clone)]
pub struct Miner {
    /// Blocks by height.
    pub blocks: Vec<Block>,
    salt: u32,
}

impl Miner {
    /// A chain of one block.
    pub fn new(time: u32) -> Self {
        let mut miner = Self { blocks: Vec::new(), salt: 0 };
        let genesis = miner.make([0; 32], time, BITS, &[]);
        miner.blocks.push(genesis);
        miner
    }

    /// Height of the tip.
    pub fn height(&self) -> u32 {
        u32::try_from(self.blocks.len()).unwrap() - 1
    }

    /// Mines a block with transactions ten minutes after the last one.
    pub fn mine(&mut self, txids: &[[u8; 32]]) -> &Block {
        let tip = self.blocks.last().unwrap();
        let time = u32::from_le_bytes(tip.header[68..72].try_into().unwrap());
        let parent = tip.hash();
        let block = self.make(parent, time + 600, BITS, txids);
        self.blocks.push(block);
        self.blocks.last().unwrap()
    }

    /// Mines an empty block at a time and with a difficulty.
    pub fn mine_at(&mut self, time: u32, bits: u32) -> &Block {
        let parent = self.blocks.last().unwrap().hash();
        let block = self.make(parent, time, bits, &[]);
        self.blocks.push(block);
        self.blocks.last().unwrap()
    }

    /// Mines empty blocks.
    pub fn mine_empty(&mut self, count: u32) {
        (0..count).for_each(|_| drop(self.mine(&[]).clone()));
    }

    /// A branch from a height, whose blocks will differ.
    pub fn fork(&self, height: u32) -> Self {
        let blocks = self.blocks[..=height as usize].to_vec();
        Self { blocks, salt: self.salt.wrapping_add(0x1000_0000) }
    }

    /// Makes the next fork differ from this one.
    pub fn fork_salt(&mut self) {
        self.salt = self.salt.wrapping_add(0x0001_0000);
    }

    /// Headers after a height, concatenated.
    pub fn headers_after(&self, height: u32) -> Binary {
        Binary(self.blocks[height as usize + 1..].iter().flat_map(|b| b.header).collect())
    }

    fn make(&mut self, parent: [u8; 32], time: u32, bits: u32, txids: &[[u8; 32]]) -> Block {
        self.salt = self.salt.wrapping_add(1);
        let coinbase = sha256d::Hash::hash(&self.salt.to_le_bytes()).to_byte_array();
        let txids: Vec<_> = [coinbase].into_iter().chain(txids.iter().copied()).collect();
        let mut header = [0; 80];
        header[..4].copy_from_slice(&0x2000_0000u32.to_le_bytes());
        header[4..36].copy_from_slice(&parent);
        header[36..68].copy_from_slice(&merkle_root(&txids));
        header[68..72].copy_from_slice(&time.to_le_bytes());
        header[72..76].copy_from_slice(&bits.to_le_bytes());
        for nonce in 0u32.. {
            header[76..].copy_from_slice(&nonce.to_le_bytes());
            // Compared by the highest byte: all difficulties here are of exponent 0x20.
            if u32::from(sha256d::Hash::hash(&header).to_byte_array()[31]) < bits >> 16 & 0xff {
                break;
            }
        }
        Block { header, txids }
    }

    /// Whether a transaction is in the chain.
    pub fn has(&self, txid: [u8; 32]) -> bool {
        self.blocks.iter().any(|block| block.txids.contains(&txid))
    }

    /// Where a transaction is.
    pub fn proof(&self, txid: [u8; 32]) -> InclusionProof {
        let (height, block, index) = (0u32..)
            .zip(&self.blocks)
            .find_map(|(h, b)| Some((h, b, b.txids.iter().position(|t| *t == txid)?)))
            .expect("mined");
        InclusionProof {
            header: Binary(block.header.to_vec()),
            height,
            index: u32::try_from(index).unwrap(),
            siblings: Binary(siblings(&block.txids, index)),
        }
    }
}

fn parents(row: &[[u8; 32]]) -> Vec<[u8; 32]> {
    row.chunks(2)
        .map(|pair| {
            let right = pair.get(1).unwrap_or(&pair[0]);
            sha256d::Hash::hash(&[pair[0], *right].concat()).to_byte_array()
        })
        .collect()
}

fn merkle_root(txids: &[[u8; 32]]) -> [u8; 32] {
    let mut row = txids.to_vec();
    while row.len() > 1 {
        row = parents(&row);
    }
    row[0]
}

fn siblings(txids: &[[u8; 32]], mut index: usize) -> Vec<u8> {
    let mut row = txids.to_vec();
    let mut out = Vec::new();
    while row.len() > 1 {
        out.extend_from_slice(row.get(index ^ 1).unwrap_or(&row[index]));
        row = parents(&row);
        index /= 2;
    }
    out
}
