//! A Bitcoin chain of low difficulty, as far as headers and Merkle trees go: for proofs where no node is needed.

use bitcoin_hashes::{Hash, sha256d};
use staking_api::Binary;
use staking_api::light_client::{BaseHeader, CustomRules, InclusionProof, InstantiateMsg, Network};
use staking_protocol::header::{Bits, ChainRules, Header, U256};

/// Compact difficulty of regtest.
pub const REGTEST_BITS: u32 = 0x207f_ffff;
/// Transactions of a block whose proofs are 12 deep.
const DEEP: usize = 1 << 12;

/// A mined block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Serialised header.
    pub header: [u8; 80],
    /// Txids in order; the first is the coinbase.
    pub txids: Vec<[u8; 32]>,
}

impl Block {
    /// Hash in internal order.
    pub fn hash(&self) -> [u8; 32] {
        double_sha256(&self.header)
    }

    /// Its time, seconds.
    pub fn time(&self) -> u32 {
        let [.., a, b, c, d, _, _, _, _, _, _, _, _] = self.header;
        u32::from_le_bytes([a, b, c, d])
    }

    /// Its compact difficulty.
    pub fn bits(&self) -> u32 {
        let [.., a, b, c, d, _, _, _, _] = self.header;
        u32::from_le_bytes([a, b, c, d])
    }
}

/// Rules of a network that retargets: mainnet's, but for the largest target and a period of `timespan` seconds with a
/// block each `spacing`.
pub fn rules(limit_bits: u32, timespan: u32, spacing: u32) -> CustomRules {
    CustomRules {
        pow_limit: Bits::from_u32(limit_bits).target().map_or([0; 32], U256::to_be_bytes).into(),
        pow_limit_bits: limit_bits,
        target_timespan: timespan,
        target_spacing: spacing,
        retarget_factor: 4,
        min_difficulty_after: None,
        no_retargeting: false,
        bip94: false,
        bip34_height: 0,
        bip66_height: 0,
        bip65_height: 0,
    }
}

/// What starts a light client at the first header of a chain, `k` confirmations deep, with defaults for the rest and
/// without an age from which the tip proves nothing.
pub fn light_client(network: Network, first: &[u8], k: u32) -> InstantiateMsg {
    InstantiateMsg {
        network,
        base: BaseHeader { header: Binary(first.to_vec()), height: 0, work: None },
        confirmation_depth: k,
        max_reorg_depth: None,
        keep_depth: None,
        max_tip_age_seconds: None,
        admin: None,
        guardian: None,
        reporters: vec![],
    }
}

/// A chain that is mined on. Difficulties are what they are said to be; nothing retargets by itself.
#[derive(Clone, Debug)]
pub struct Miner {
    /// Blocks by height; the first is always there.
    pub blocks: Vec<Block>,
    spacing: u32,
    salt: u32,
}

fn double_sha256(bytes: &[u8]) -> [u8; 32] {
    sha256d::Hash::hash(bytes).to_byte_array()
}

impl Miner {
    /// A chain of one block as easy as regtest's, ten minutes between blocks.
    pub fn new(time: u32) -> Self {
        Self::with(time, REGTEST_BITS, 600)
    }

    /// A chain of one block of a difficulty, `spacing` seconds between blocks.
    pub fn with(time: u32, bits: u32, spacing: u32) -> Self {
        let mut miner = Self { blocks: Vec::new(), spacing, salt: 0 };
        miner.push([0; 32], time, bits, &[]);
        miner
    }

    /// Height of the tip.
    pub fn height(&self) -> u32 {
        u32::try_from(self.blocks.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    fn tip(&self) -> &Block {
        &self.blocks[self.blocks.len() - 1]
    }

    /// Time of the tip, seconds.
    pub fn time(&self) -> u32 {
        self.tip().time()
    }

    /// Mines a block with transactions, as difficult as the last.
    pub fn mine(&mut self, txids: &[[u8; 32]]) {
        let (time, bits) = (self.time() + self.spacing, self.tip().bits());
        self.push(self.tip().hash(), time, bits, txids);
    }

    /// Mines an empty block at a time and with a difficulty.
    pub fn mine_at(&mut self, time: u32, bits: u32) {
        self.push(self.tip().hash(), time, bits, &[]);
    }

    /// Mines empty blocks.
    pub fn mine_empty(&mut self, count: u32) {
        (0..count).for_each(|_| self.mine(&[]));
    }

    /// Mines a block of 4096 transactions with the given ones in its middle; their proofs are 12 deep.
    pub fn mine_deep(&mut self, txids: &[[u8; 32]]) {
        let salt = self.height().to_be_bytes();
        let filler = (0u32..).map(|n| double_sha256(&[salt, n.to_be_bytes()].concat()));
        // One is the coinbase.
        let mut all: Vec<_> = filler.take(DEEP - 1 - txids.len()).collect();
        let middle = all.len() / 2;
        all.splice(middle..middle, txids.iter().copied());
        self.mine(&all);
    }

    /// A branch from a height, whose blocks will differ.
    #[must_use]
    pub fn fork(&self, height: u32) -> Self {
        let blocks = self.blocks[..=height as usize].to_vec();
        Self { blocks, salt: self.salt.wrapping_add(0x1000_0000), ..*self }
    }

    /// Makes the next fork differ from this one.
    pub fn fork_salt(&mut self) {
        self.salt = self.salt.wrapping_add(0x0001_0000);
    }

    /// Headers after a height, concatenated.
    pub fn headers_after(&self, height: u32) -> Binary {
        Binary(self.blocks[height as usize + 1..].iter().flat_map(|b| b.header).collect())
    }

    /// Whether a transaction is in the chain.
    pub fn has(&self, txid: [u8; 32]) -> bool {
        self.blocks.iter().any(|block| block.txids.contains(&txid))
    }

    /// Where a transaction is.
    pub fn proof(&self, txid: [u8; 32]) -> Option<InclusionProof> {
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

    fn push(&mut self, parent: [u8; 32], time: u32, bits: u32, txids: &[[u8; 32]]) {
        self.salt = self.salt.wrapping_add(1);
        let coinbase = double_sha256(&self.salt.to_le_bytes());
        let txids: Vec<_> = [coinbase].into_iter().chain(txids.iter().copied()).collect();
        let mut header = [0; 80];
        header[..4].copy_from_slice(&0x2000_0000u32.to_le_bytes());
        header[4..36].copy_from_slice(&parent);
        header[36..68].copy_from_slice(&root(&txids));
        header[68..72].copy_from_slice(&time.to_le_bytes());
        header[72..76].copy_from_slice(&bits.to_le_bytes());
        for nonce in 0u32.. {
            header[76..].copy_from_slice(&nonce.to_le_bytes());
            // Regtest's largest target is above every other's.
            if Header::from_slice(&header).is_ok_and(|h| h.check_work(&ChainRules::REGTEST).is_ok()) {
                break;
            }
        }
        self.blocks.push(Block { header, txids });
    }
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
        let mut miner = Miner::new(1_700_000_000);
        miner.mine_deep(&[[7; 32]]);
        let proof = miner.proof([7; 32]).unwrap();
        assert_eq!((proof.height, proof.siblings.0.len()), (1, 12 * 32));
        assert_eq!((miner.time(), miner.tip().bits()), (1_700_000_600, REGTEST_BITS));
    }

    #[test]
    fn a_fork_shares_what_is_below_it_and_no_block_above() {
        let mut trunk = Miner::new(1_700_000_000);
        trunk.mine_empty(3);
        let mut branch = trunk.fork(2);
        branch.mine_empty(1);
        let hashes = |miner: &Miner| miner.blocks.iter().map(Block::hash).collect::<Vec<_>>();
        let (trunk, branch) = (hashes(&trunk), hashes(&branch));
        assert_eq!(trunk[..3], branch[..3]);
        assert_ne!(trunk[3], branch[3]);
    }
}
