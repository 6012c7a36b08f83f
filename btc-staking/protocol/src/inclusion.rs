//! That a transaction is in a block: Merkle branch, header, depth.
//!
//! Stricter than Babylon's check, without refusing an honest proof: the index lies within the tree (traps A5,
//! B-side of BIP-141's 64-byte ambiguity A6), the repeated last node of an odd row has one index only, neither
//! the transaction nor a node of the branch is a 64-byte transaction, and the transaction has one encoding (A7).
//! A branch alone cannot show the depth of the tree. Where that matters, [`confirm_beside_coinbase`] demands a
//! second branch that does: the coinbase's, which stands leftmost and cannot be a 64-byte transaction.
//! Docs: docs/protocol.md, section Inclusion.

use core::fmt;

use staking_crypto::merkle::hash_pair;

use crate::header::{BlockHash, ValidHeader};
use crate::tx::parse::Identified;
use crate::tx::{ParseTxError, SanityError, Transaction, Txid, sanity};

/// Longest branch: a block of 4 MB cannot hold 2^24 transactions.
pub const MAX_DEPTH: usize = 24;

/// Merkle branch of one transaction: position and sibling hashes from the leaf upwards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MerkleBranch<'a> {
    index: u32,
    nodes: &'a [[u8; 32]],
}

impl<'a> MerkleBranch<'a> {
    /// Views concatenated sibling hashes as a branch.
    ///
    /// # Errors
    /// Refuses a broken length, more than [`MAX_DEPTH`] nodes and an index outside the tree.
    pub fn new(index: u32, siblings: &'a [u8]) -> Result<Self, InclusionError> {
        let (nodes, rest) = siblings.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(InclusionError::BranchLength(siblings.len()));
        }
        if nodes.len() > MAX_DEPTH {
            return Err(InclusionError::TooDeep(nodes.len()));
        }
        if u64::from(index).checked_shr(depth_bits(nodes.len())).unwrap_or(0) != 0 {
            return Err(InclusionError::IndexOutsideTree { index, depth: nodes.len() });
        }
        Ok(Self { index, nodes })
    }

    /// Position of the transaction in the block; 0 is the coinbase.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Folds the branch onto a leaf.
    ///
    /// # Errors
    /// Refuses an alias of a repeated node, and a node whose preimage is a 64-byte transaction.
    pub fn root(&self, leaf: Txid) -> Result<[u8; 32], InclusionError> {
        let mut node = leaf.0;
        let mut index = self.index;
        for (level, sibling) in self.nodes.iter().enumerate() {
            node = if index & 1 == 1 {
                if node == *sibling {
                    return Err(InclusionError::RepeatedNode { index: self.index, level });
                }
                parent(sibling, &node, level)?
            } else {
                parent(&node, sibling, level)?
            };
            index >>= 1;
        }
        Ok(node)
    }
}

impl fmt::Debug for MerkleBranch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MerkleBranch {{ index: {}, depth: {} }}", self.index, self.nodes.len())
    }
}

fn depth_bits(depth: usize) -> u32 {
    u32::try_from(depth).unwrap_or(u32::MAX)
}

fn parent(left: &[u8; 32], right: &[u8; 32], level: usize) -> Result<[u8; 32], InclusionError> {
    if is_transaction(left, right) {
        return Err(InclusionError::NodeIsTransaction(level));
    }
    Ok(hash_pair(left, right))
}

/// Whether the 64 bytes under a node are a transaction too. The cheap test first: the input count of so short a
/// transaction is one, and hashes seldom look like that.
fn is_transaction(left: &[u8; 32], right: &[u8; 32]) -> bool {
    if left.get(4) != Some(&1) {
        return false;
    }
    let mut bytes = [0; 64];
    let (low, high) = bytes.split_at_mut(32);
    low.copy_from_slice(left);
    high.copy_from_slice(right);
    Transaction::parse_stripped(&bytes).is_ok()
}

/// A transaction proven to be in a block of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Confirmed<T> {
    tx: T,
    txid: Txid,
    block: BlockHash,
    height: u32,
    index: u32,
    is_coinbase: bool,
}

impl<T> Confirmed<T> {
    /// The transaction.
    pub const fn tx(&self) -> &T {
        &self.tx
    }

    /// Takes the transaction out.
    pub fn into_tx(self) -> T {
        self.tx
    }

    /// Identifier of the transaction.
    pub const fn txid(&self) -> Txid {
        self.txid
    }

    /// Hash of the block.
    pub const fn block(&self) -> BlockHash {
        self.block
    }

    /// Height of the block.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Position in the block.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Number of blocks on top of the block, given the height of the tip.
    ///
    /// # Errors
    /// Refuses a tip below the block, as after a reorg, and fewer than `least` blocks.
    pub fn check_depth(&self, tip_height: u32, least: u32) -> Result<u32, InclusionError> {
        let shallow = InclusionError::NotDeepEnough { height: self.height, tip_height, least };
        match tip_height.checked_sub(self.height) {
            Some(depth) if depth >= least => Ok(depth),
            _ => Err(shallow),
        }
    }

    /// Refuses a coinbase, which is immature for a hundred blocks so that no slashing could follow (traps A4,
    /// A5). Decided by content, never by index.
    ///
    /// # Errors
    /// For a coinbase.
    pub fn refuse_coinbase(self) -> Result<Self, InclusionError> {
        if self.is_coinbase { Err(InclusionError::Coinbase(self.txid)) } else { Ok(self) }
    }

    /// Replaces the transaction by what it was recognised as, keeping the proof.
    ///
    /// # Errors
    /// When the recognition fails.
    pub fn try_map<U, E>(self, recognise: impl FnOnce(T) -> Result<U, E>) -> Result<Confirmed<U>, E> {
        let Self { tx, txid, block, height, index, is_coinbase } = self;
        Ok(Confirmed { tx: recognise(tx)?, txid, block, height, index, is_coinbase })
    }
}

/// Proves that serialised transaction bytes are in the block of a header.
///
/// # Errors
/// Refuses bytes that are not exactly one sane transaction of another size than 64 bytes, and a branch that does
/// not lead to the header's root.
pub fn confirm(
    raw_tx: &[u8],
    branch: &MerkleBranch<'_>,
    header: &ValidHeader,
) -> Result<Confirmed<Transaction>, InclusionError> {
    confirm_identified(Identified::parse(raw_tx).map_err(InclusionError::Parse)?, branch, header)
}

/// As [`confirm`], for a transaction that was parsed already.
///
/// # Errors
/// As [`confirm`].
pub fn confirm_parsed(
    tx: Transaction,
    branch: &MerkleBranch<'_>,
    header: &ValidHeader,
) -> Result<Confirmed<Transaction>, InclusionError> {
    confirm_identified(tx.into(), branch, header)
}

fn confirm_identified(
    identified: Identified,
    branch: &MerkleBranch<'_>,
    header: &ValidHeader,
) -> Result<Confirmed<Transaction>, InclusionError> {
    let Identified { tx, txid, stripped_len } = identified;
    sanity::check_sized_transaction(&tx, stripped_len).map_err(InclusionError::NotSane)?;
    if stripped_len == 64 {
        return Err(InclusionError::SixtyFourBytes(txid));
    }
    let found = branch.root(txid)?;
    if found != header.merkle_root() {
        return Err(InclusionError::WrongRoot { found, expected: header.merkle_root() });
    }
    let is_coinbase = tx.is_coinbase();
    Ok(Confirmed {
        tx,
        txid,
        block: header.hash(),
        height: header.height(),
        index: branch.index(),
        is_coinbase,
    })
}

/// As [`confirm`], with the depth of the tree shown by the block's coinbase: closes the last ambiguity of Merkle
/// branches (trap A6), at the price of a second proof.
///
/// # Errors
/// As [`confirm`], and for a coinbase proof that does not hold, is not at index 0 or has another depth.
pub fn confirm_beside_coinbase(
    raw_tx: &[u8],
    branch: &MerkleBranch<'_>,
    raw_coinbase: &[u8],
    coinbase_branch: &MerkleBranch<'_>,
    header: &ValidHeader,
) -> Result<Confirmed<Transaction>, InclusionError> {
    let coinbase = confirm(raw_coinbase, coinbase_branch, header)?;
    if !coinbase.is_coinbase || coinbase.index != 0 {
        return Err(InclusionError::NotCoinbase(coinbase.txid));
    }
    let (found, expected) = (branch.nodes.len(), coinbase_branch.nodes.len());
    if found != expected {
        return Err(InclusionError::OtherDepth { found, expected });
    }
    confirm(raw_tx, branch, header)
}

/// Why a proof of inclusion was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InclusionError {
    /// Branch is not a sequence of 32-byte nodes.
    BranchLength(usize),
    /// Branch has more nodes than a block's tree can have levels.
    TooDeep(usize),
    /// Index has bits above the depth of the tree.
    IndexOutsideTree {
        /// Index given.
        index: u32,
        /// Number of nodes of the branch.
        depth: usize,
    },
    /// Index points at the copy of a repeated last node.
    RepeatedNode {
        /// Index given.
        index: u32,
        /// Level of the copy, 0 for the leaves.
        level: usize,
    },
    /// The two nodes at this level together are a serialised transaction.
    NodeIsTransaction(usize),
    /// Bytes are not one transaction.
    Parse(ParseTxError),
    /// Transaction breaks a context-free rule.
    NotSane(SanityError),
    /// Transaction of 64 bytes, which cannot be told from an inner node.
    SixtyFourBytes(Txid),
    /// Branch leads to another root.
    WrongRoot {
        /// Root found.
        found: [u8; 32],
        /// Root in the header.
        expected: [u8; 32],
    },
    /// Transaction that is no coinbase at index 0, where one must show the depth of the tree.
    NotCoinbase(Txid),
    /// Branch of another depth than the tree has.
    OtherDepth {
        /// Depth of the branch.
        found: usize,
        /// Depth of the tree.
        expected: usize,
    },
    /// Coinbase where none is allowed.
    Coinbase(Txid),
    /// Too few blocks on top.
    NotDeepEnough {
        /// Height of the block.
        height: u32,
        /// Height of the tip.
        tip_height: u32,
        /// Blocks demanded on top.
        least: u32,
    },
}

impl fmt::Display for InclusionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BranchLength(n) => write!(f, "branch of {n} bytes is no sequence of 32-byte nodes"),
            Self::TooDeep(n) => write!(f, "branch of {n} nodes is deeper than {MAX_DEPTH}"),
            Self::IndexOutsideTree { index, depth } => {
                write!(f, "index {index} is outside a tree of depth {depth}")
            }
            Self::RepeatedNode { index, level } => write!(f, "index {index} is a copy at level {level}"),
            Self::NodeIsTransaction(level) => write!(f, "node at level {level} is a 64-byte transaction"),
            Self::Parse(error) => write!(f, "transaction: {error}"),
            Self::NotSane(error) => write!(f, "transaction: {error}"),
            Self::SixtyFourBytes(txid) => write!(f, "transaction {txid} has 64 bytes"),
            Self::WrongRoot { found, expected } => {
                write!(
                    f,
                    "branch leads to {}, not {}",
                    BlockHash::from_bytes(*found),
                    BlockHash::from_bytes(*expected)
                )
            }
            Self::NotCoinbase(txid) => write!(f, "{txid} is no coinbase at index 0"),
            Self::OtherDepth { found, expected } => {
                write!(f, "branch has depth {found}, the tree has {expected}")
            }
            Self::Coinbase(txid) => write!(f, "{txid} is a coinbase"),
            Self::NotDeepEnough { height, tip_height, least } => {
                write!(f, "block {height} is not {least} deep under tip {tip_height}")
            }
        }
    }
}

impl core::error::Error for InclusionError {}

#[cfg(test)]
mod tests;
