//! Builds and solves regtest blocks: BIP-34 height, BIP-141 witness commitment, trivial proof of work.
//!
//! Decides nothing: which transactions, which time and how much the coinbase pays are the caller's.

use std::sync::Arc;

use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash;
use bitcoin::script::Builder;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode,
    TxOut, Witness, absolute, transaction,
};

/// Blocks between two halvings on regtest.
const HALVING_INTERVAL: u32 = 150;
const REGTEST_BITS: u32 = 0x207f_ffff;
const COMMITMENT_HEADER: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

/// Everything a block is made of.
pub(crate) struct Template<'a> {
    pub(crate) prev: BlockHash,
    pub(crate) height: u32,
    pub(crate) time: u32,
    pub(crate) txs: &'a [Arc<Transaction>],
    pub(crate) pay_to: ScriptBuf,
    /// What the coinbase pays, in satoshi.
    pub(crate) value: u64,
    /// Makes the coinbase differ from others of the same height.
    pub(crate) extra: u64,
}

impl Template<'_> {
    /// Builds the block and finds its nonce.
    pub(crate) fn solve(&self) -> Block {
        let mut txdata = vec![self.coinbase()];
        txdata.extend(self.txs.iter().map(|tx| Transaction::clone(tx)));
        let header = Header {
            version: Version::from_consensus(0x2000_0000),
            prev_blockhash: self.prev,
            merkle_root: TxMerkleNode::all_zeros(),
            time: self.time,
            bits: CompactTarget::from_consensus(REGTEST_BITS),
            nonce: 0,
        };
        let mut block = Block { header, txdata };
        commit_witnesses(&mut block);
        if let Some(root) = block.compute_merkle_root() {
            block.header.merkle_root = root;
        }
        let target = block.header.target();
        while !target.is_met_by(block.block_hash()) {
            block.header.nonce = block.header.nonce.wrapping_add(1);
        }
        block
    }

    fn coinbase(&self) -> Transaction {
        let script_sig = Builder::new()
            .push_int(i64::from(self.height))
            .push_slice(self.extra.to_le_bytes())
            .into_script();
        Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::null(),
                script_sig,
                sequence: Sequence::MAX,
                witness: Witness::from_slice(&[[0u8; 32]]),
            }],
            output: vec![TxOut { value: Amount::from_sat(self.value), script_pubkey: self.pay_to.clone() }],
        }
    }
}

/// Reward of a regtest block without fees, in satoshi.
pub(crate) fn subsidy(height: u32) -> u64 {
    5_000_000_000u64.checked_shr(height / HALVING_INTERVAL).unwrap_or(0)
}

fn commit_witnesses(block: &mut Block) {
    let Some(root) = block.witness_root() else { return };
    let commitment = Block::compute_witness_commitment(&root, &[0u8; 32]);
    let mut script = COMMITMENT_HEADER.to_vec();
    script.extend(commitment.to_byte_array());
    let out = TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(script) };
    block.txdata[0].output.push(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subsidy_halves_every_150_blocks_and_ends() {
        assert_eq!(subsidy(149), 5_000_000_000);
        assert_eq!(subsidy(150), 2_500_000_000);
        assert_eq!(subsidy(u32::MAX), 0);
    }

    #[test]
    fn a_solved_block_meets_its_target_and_commits_to_its_witnesses() {
        let template = Template {
            prev: BlockHash::all_zeros(),
            height: 100,
            time: 1,
            txs: &[],
            pay_to: ScriptBuf::new(),
            value: subsidy(100),
            extra: 7,
        };
        let block = template.solve();
        assert!(block.check_merkle_root() && block.check_witness_commitment());
        assert!(block.header.validate_pow(block.header.target()).is_ok());
        assert_eq!(block.bip34_block_height(), Ok(100));
    }
}
