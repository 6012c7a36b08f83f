//! A Bitcoin chain of low difficulty, as far as headers and Merkle trees go.

use staking_api::Binary;
use staking_api::light_client::InclusionProof;
use staking_protocol::header::{ChainRules, Header};

/// Compact difficulty of regtest.
pub(crate) const REGTEST_BITS: u32 = 0x207f_ffff;
/// Transactions of a block whose proofs are 12 deep.
const DEEP: usize = 1 << 12;
/// Seconds between blocks: a little slow, so that the difficulty stays at the limit after each period.
pub(crate) const SPACING: u32 = 601;

/// A mined block.
struct Block {
    header: [u8; 80],
    txids: Vec<[u8; 32]>,
}

/// Blocks by height.
pub(crate) struct Miner {
    rules: ChainRules,
    blocks: Vec<Block>,
}

fn double_sha256(bytes: &[u8]) -> [u8; 32] {
    use bitcoin_hashes::{Hash, sha256d};
    sha256d::Hash::hash(bytes).to_byte_array()
}

impl Miner {
    /// A chain of one block.
    pub(crate) fn new(rules: ChainRules, time: u32, bits: u32) -> Self {
        let txids = vec![[9; 32]];
        let header = mine(&rules, [0; 32], &txids, time, bits);
        Self { rules, blocks: vec![Block { header, txids }] }
    }

    /// Height of the tip.
    pub(crate) fn height(&self) -> u32 {
        u32::try_from(self.blocks.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    fn tip(&self) -> &[u8; 80] {
        self.blocks.last().map_or(&[0; 80], |block| &block.header)
    }

    /// The header of the first block.
    pub(crate) fn base(&self) -> [u8; 80] {
        self.blocks.first().map_or([0; 80], |block| block.header)
    }

    /// Time of the tip.
    pub(crate) fn time(&self) -> u32 {
        let [.., a, b, c, d, _, _, _, _, _, _, _, _] = self.tip();
        u32::from_le_bytes([*a, *b, *c, *d])
    }

    /// Difficulty of the tip.
    fn bits(&self) -> u32 {
        let [.., a, b, c, d, _, _, _, _] = self.tip();
        u32::from_le_bytes([*a, *b, *c, *d])
    }

    /// Mines a block of 4096 transactions with the given ones in its middle; their proofs are 12 deep.
    pub(crate) fn mine_deep(&mut self, txids: &[[u8; 32]]) {
        let salt = self.height().to_be_bytes();
        let filler = (0u32..).map(|n| double_sha256(&[salt, n.to_be_bytes()].concat()));
        let mut all: Vec<_> = filler.take(DEEP - txids.len()).collect();
        let middle = all.len() / 2;
        all.splice(middle..middle, txids.iter().copied());
        self.push(all, self.bits());
    }

    /// Mines empty blocks.
    pub(crate) fn mine_empty(&mut self, count: u32) {
        self.mine_empty_at(count, self.bits());
    }

    /// Mines empty blocks of a difficulty.
    pub(crate) fn mine_empty_at(&mut self, count: u32, bits: u32) {
        for _ in 0..count {
            let coinbase = double_sha256(&self.height().to_le_bytes());
            self.push(vec![coinbase], bits);
        }
    }

    fn push(&mut self, txids: Vec<[u8; 32]>, bits: u32) {
        let parent = double_sha256(self.tip());
        let header = mine(&self.rules, parent, &txids, self.time() + SPACING, bits);
        self.blocks.push(Block { header, txids });
    }

    /// Headers after a height, concatenated.
    pub(crate) fn headers_after(&self, height: u32) -> Binary {
        let after = self.blocks.iter().skip(height as usize + 1);
        Binary(after.flat_map(|block| block.header).collect())
    }

    /// Where a transaction is.
    pub(crate) fn proof(&self, txid: [u8; 32]) -> Option<InclusionProof> {
        let place = |(height, block): (u32, &Block)| {
            let index = block.txids.iter().position(|t| *t == txid)?;
            Some(InclusionProof {
                header: Binary(block.header.to_vec()),
                height,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                siblings: Binary(siblings(&block.txids, index)),
            })
        };
        (0u32..).zip(&self.blocks).find_map(place)
    }
}

fn mine(rules: &ChainRules, parent: [u8; 32], txids: &[[u8; 32]], time: u32, bits: u32) -> [u8; 80] {
    let mut header = [0; 80];
    let mut at = 0;
    for part in
        [&0x2000_0000u32.to_le_bytes()[..], &parent, &root(txids), &time.to_le_bytes(), &bits.to_le_bytes()]
    {
        header[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    for nonce in 0u32.. {
        header[at..].copy_from_slice(&nonce.to_le_bytes());
        if Header::from_slice(&header).is_ok_and(|h| h.check_work(rules).is_ok()) {
            break;
        }
    }
    header
}

fn parents(row: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let pair = |pair: &[[u8; 32]]| double_sha256(&[pair[0], *pair.get(1).unwrap_or(&pair[0])].concat());
    row.chunks(2).map(pair).collect()
}

fn root(txids: &[[u8; 32]]) -> [u8; 32] {
    let mut row = txids.to_vec();
    while row.len() > 1 {
        row = parents(&row);
    }
    row[0]
}

fn siblings(txids: &[[u8; 32]], mut index: usize) -> Vec<u8> {
    let (mut row, mut out) = (txids.to_vec(), Vec::new());
    while row.len() > 1 {
        out.extend_from_slice(row.get(index ^ 1).unwrap_or(&row[index]));
        row = parents(&row);
        index /= 2;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_of_a_deep_block_have_twelve_siblings() {
        let mut miner = Miner::new(ChainRules::REGTEST, 1_700_000_000, REGTEST_BITS);
        miner.mine_deep(&[[7; 32]]);
        let proof = miner.proof([7; 32]).unwrap();
        assert_eq!((proof.height, proof.siblings.0.len()), (1, 12 * 32));
        assert_eq!(miner.time(), 1_700_000_601);
    }
}
