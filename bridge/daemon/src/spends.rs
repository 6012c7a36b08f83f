//! Who spent which watched output, on the node's best chain: an index fed block by block, undone at reorgs.
//!
//! Bitcoin nodes do not index spends. The index keeps the blocks it saw as long as a reorg may undo them, so it
//! follows forks without rescanning.

use bitcoin::{Block, BlockHash, OutPoint, Transaction, Txid};
use staking_clients::ClientError;
use staking_clients::bitcoin::BitcoinSource;
use std::collections::{BTreeMap, BTreeSet};

/// Blocks that can be undone.
const UNDO: usize = 300;

/// A spend of a watched output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendRecord {
    /// The spending transaction.
    pub tx: Transaction,
    /// Height of its block.
    pub height: u32,
    /// Its block.
    pub block: BlockHash,
}

#[derive(Debug, Clone)]
struct Seen {
    height: u32,
    hash: BlockHash,
    spent: Vec<OutPoint>,
}

/// Why a block was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnected {
    /// The index's tip, which the block does not build on.
    pub tip: BlockHash,
}

/// The index.
#[derive(Debug, Default)]
pub struct SpendIndex {
    watched: BTreeSet<OutPoint>,
    spends: BTreeMap<OutPoint, SpendRecord>,
    seen: Vec<Seen>,
}

impl SpendIndex {
    /// Watches an output from now on. Blocks scanned before are not looked at again.
    pub fn watch(&mut self, outpoint: OutPoint) -> bool {
        self.watched.insert(outpoint)
    }

    /// The last block scanned.
    pub fn tip(&self) -> Option<(u32, BlockHash)> {
        self.seen.last().map(|s| (s.height, s.hash))
    }

    /// Who spent an output.
    pub fn spend(&self, outpoint: OutPoint) -> Option<&SpendRecord> {
        self.spends.get(&outpoint)
    }

    /// Follows the node's best chain to its tip: undoes what a reorg took away, then scans on. `first` is the
    /// height that is scanned first where nothing was scanned yet.
    ///
    /// # Errors
    /// When the node cannot be asked; what was scanned stays.
    pub fn follow(&mut self, bitcoin: &dyn BitcoinSource, first: u32) -> Result<(), ClientError> {
        let tip = bitcoin.chain_info()?.blocks;
        let mut height = first.max(1);
        while let Some((last, hash)) = self.tip() {
            if last <= tip && bitcoin.block_hash(last)? == hash {
                height = last.saturating_add(1);
                break;
            }
            self.disconnect();
            height = last;
        }
        while height <= tip {
            let block = bitcoin.block(bitcoin.block_hash(height)?)?;
            if self.connect(height, &block).is_err() {
                // The chain changed between two calls; the next round undoes it.
                break;
            }
            height = height.saturating_add(1);
        }
        Ok(())
    }

    /// Takes the next block. Spends of outputs that the block itself made watched are found too.
    ///
    /// # Errors
    /// When the block does not build on the last one: undo first.
    pub fn connect(&mut self, height: u32, block: &Block) -> Result<(), Disconnected> {
        let hash = block.block_hash();
        if let Some((_, tip)) = self.tip()
            && tip != block.header.prev_blockhash
        {
            return Err(Disconnected { tip });
        }
        let mut spent = Vec::new();
        for tx in &block.txdata {
            for input in tx.input.iter().filter(|i| self.watched.contains(&i.previous_output)) {
                spent.push(input.previous_output);
                self.spends
                    .insert(input.previous_output, SpendRecord { tx: tx.clone(), height, block: hash });
            }
        }
        self.seen.push(Seen { height, hash, spent });
        if self.seen.len() > UNDO {
            self.seen.remove(0);
        }
        Ok(())
    }

    /// Undoes the last block and returns its height.
    pub fn disconnect(&mut self) -> Option<u32> {
        let last = self.seen.pop()?;
        for outpoint in &last.spent {
            self.spends.remove(outpoint);
        }
        Some(last.height)
    }

    /// Forgets everything scanned, keeping what is watched: the next block may be any.
    pub fn restart(&mut self) {
        self.seen.clear();
        self.spends.clear();
    }
}

/// The siblings of transaction `index` in its block, bottom up, 32 bytes each.
pub fn merkle_branch(txids: &[Txid], index: usize) -> Vec<u8> {
    use bitcoin::hashes::{Hash as _, sha256d};
    let mut row: Vec<[u8; 32]> = txids.iter().map(|t| t.to_byte_array()).collect();
    let mut at = index;
    let mut branch = Vec::new();
    while row.len() > 1 {
        if row.len() % 2 == 1 {
            row.extend(row.last().copied());
        }
        branch.extend(row.get(at ^ 1).into_iter().flatten());
        row = row.chunks(2).map(|pair| sha256d::Hash::hash(&pair.concat()).to_byte_array()).collect();
        at /= 2;
    }
    branch
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::block::{Header, Version};
    use bitcoin::hashes::Hash as _;
    use bitcoin::{
        CompactTarget, ScriptBuf, Sequence, TxIn, TxMerkleNode, TxOut, Witness, absolute, transaction,
    };
    use proptest::prelude::*;

    fn spend(of: OutPoint, salt: u64) -> Transaction {
        Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: vec![TxIn {
                previous_output: of,
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            }],
            output: vec![TxOut { value: bitcoin::Amount::from_sat(salt), script_pubkey: ScriptBuf::new() }],
        }
    }

    fn block(parent: BlockHash, txdata: Vec<Transaction>, nonce: u32) -> Block {
        let header = Header {
            version: Version::ONE,
            prev_blockhash: parent,
            merkle_root: TxMerkleNode::all_zeros(),
            time: 0,
            bits: CompactTarget::from_consensus(0x207f_ffff),
            nonce,
        };
        Block { header, txdata }
    }

    fn outpoint(n: u8) -> OutPoint {
        OutPoint { txid: Txid::from_byte_array([n; 32]), vout: 0 }
    }

    #[test]
    fn a_reorg_takes_a_spend_away_and_another_branch_brings_another() {
        let mut index = SpendIndex::default();
        index.watch(outpoint(1));
        let base = block(BlockHash::all_zeros(), vec![], 0);
        index.connect(10, &base).unwrap();
        let one = block(base.block_hash(), vec![spend(outpoint(1), 5)], 1);
        index.connect(11, &one).unwrap();
        assert_eq!(index.spend(outpoint(1)).unwrap().height, 11);
        let other = block(base.block_hash(), vec![spend(outpoint(1), 6)], 2);
        assert_eq!(index.connect(11, &other), Err(Disconnected { tip: one.block_hash() }));
        assert_eq!(index.disconnect(), Some(11));
        assert!(index.spend(outpoint(1)).is_none());
        index.connect(11, &other).unwrap();
        assert_eq!(index.spend(outpoint(1)).unwrap().tx, other.txdata[0]);
    }

    #[test]
    fn only_watched_outputs_are_kept() {
        let mut index = SpendIndex::default();
        index.connect(1, &block(BlockHash::all_zeros(), vec![spend(outpoint(2), 1)], 0)).unwrap();
        assert!(index.spend(outpoint(2)).is_none());
    }

    proptest! {
        #[test]
        fn a_branch_folds_to_the_merkle_root(n in 1u8..40, pick in 0u8..40) {
            let index = usize::from(pick % n);
            let txids: Vec<Txid> = (0..n).map(|i| spend(outpoint(i), u64::from(i)).compute_txid()).collect();
            let root = bitcoin::merkle_tree::calculate_root(txids.iter().map(|t| t.to_raw_hash())).unwrap();
            let mut at = index;
            let mut node = txids[index].to_raw_hash();
            for sibling in merkle_branch(&txids, index).chunks(32) {
                let pair = if at % 2 == 0 { [node.as_byte_array().as_slice(), sibling].concat() } else { [sibling, node.as_byte_array().as_slice()].concat() };
                node = bitcoin::hashes::sha256d::Hash::hash(&pair);
                at /= 2;
            }
            prop_assert_eq!(node, root);
        }
    }
}
