//! RFC 6962 Merkle trees over public randomness, as CometBFT builds them.
//!
//! Roots are computed in one pass with logarithmic memory. A provider keeps one hash per
//! [`CHUNK`] leaves ([`CommitmentTree`]) and recomputes the leaves of one chunk for a proof, so that neither the
//! randomness nor the proofs of a long range are stored.

use alloc::vec::Vec;
use core::fmt;

use bitcoin_hashes::{Hash, HashEngine, sha256};

/// Hash of a node.
pub type NodeHash = [u8; 32];

/// Leaves under one stored hash of a [`CommitmentTree`]: a power of two.
pub const CHUNK: u64 = 64;
/// More aunts than a tree of 2^64 leaves has are refused before anything is hashed.
const MAX_AUNTS: usize = 100;

/// Hash of a leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> NodeHash {
    prefixed(0, &[leaf])
}

fn inner_hash(left: &NodeHash, right: &NodeHash) -> NodeHash {
    prefixed(1, &[left, right])
}

fn prefixed(prefix: u8, parts: &[&[u8]]) -> NodeHash {
    let mut engine = sha256::Hash::engine();
    engine.input(&[prefix]);
    parts.iter().for_each(|part| engine.input(part));
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// Root of a tree over leaves in order; of no leaves, the hash of nothing.
#[must_use]
pub fn root<L: AsRef<[u8]>>(leaves: impl IntoIterator<Item = L>) -> NodeHash {
    root_of_hashes(leaves.into_iter().map(|leaf| leaf_hash(leaf.as_ref())))
}

/// Root of a tree over hashes of leaves or of complete subtrees of equal size (the last may be smaller).
///
/// Subtrees over aligned power-of-two ranges can be computed in parallel and joined here.
#[must_use]
pub fn root_of_hashes(hashes: impl IntoIterator<Item = NodeHash>) -> NodeHash {
    // Complete subtrees waiting for their right neighbour, largest first.
    let mut waiting: Vec<(u32, NodeHash)> = Vec::new();
    for hash in hashes {
        let (mut level, mut node) = (0_u32, hash);
        while let Some((_, left)) = waiting.pop_if(|(l, _)| *l == level) {
            node = inner_hash(&left, &node);
            level = level.saturating_add(1);
        }
        waiting.push((level, node));
    }
    let joined =
        waiting.into_iter().map(|(_, node)| node).rev().reduce(|right, left| inner_hash(&left, &right));
    joined.unwrap_or_else(|| sha256::Hash::hash(&[]).to_byte_array())
}

/// Proof that a leaf stands at an index of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerkleProof {
    /// Number of leaves of the tree.
    pub total: u64,
    /// Position of the leaf.
    pub index: u64,
    /// Hash of the leaf.
    pub leaf_hash: NodeHash,
    /// Siblings from the leaf upwards.
    pub aunts: Vec<NodeHash>,
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MerkleError {
    /// Index outside the tree.
    Index {
        /// Position claimed.
        index: u64,
        /// Leaves of the tree.
        total: u64,
    },
    /// Too many or too few siblings for the position.
    Aunts {
        /// Siblings of this position.
        expected: usize,
        /// Siblings given.
        found: usize,
    },
    /// Proof is for another leaf.
    Leaf {
        /// Hash in the proof.
        found: NodeHash,
        /// Hash of the leaf.
        expected: NodeHash,
    },
    /// Proof leads to another root.
    Root {
        /// Root found.
        found: NodeHash,
        /// Root expected.
        expected: NodeHash,
    },
}

impl fmt::Display for MerkleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { index, total } => write!(f, "index {index} is outside a tree of {total} leaves"),
            Self::Aunts { expected, found } => write!(f, "proof has {found} siblings, not {expected}"),
            Self::Leaf { .. } => f.write_str("proof is for another leaf"),
            Self::Root { .. } => f.write_str("proof leads to another root"),
        }
    }
}

impl core::error::Error for MerkleError {}

impl MerkleProof {
    /// Proves the leaf at an index of a list of leaves.
    ///
    /// # Errors
    /// Refuses an index outside the list.
    pub fn build<L: AsRef<[u8]>>(leaves: &[L], index: u64) -> Result<Self, MerkleError> {
        let hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(leaf.as_ref())).collect();
        let total = len(&hashes);
        let at = usize::try_from(index).ok().and_then(|i| hashes.get(i));
        let leaf_hash = *at.ok_or(MerkleError::Index { index, total })?;
        Ok(Self { total, index, leaf_hash, aunts: aunts(&hashes, index) })
    }

    /// Checks that the leaf stands at the proof's index under a root.
    ///
    /// # Errors
    /// Refuses an index outside the tree, a wrong number of siblings, another leaf and another root.
    pub fn verify(&self, leaf: &[u8], root: &NodeHash) -> Result<(), MerkleError> {
        let expected = leaf_hash(leaf);
        if self.leaf_hash != expected {
            return Err(MerkleError::Leaf { found: self.leaf_hash, expected });
        }
        let found = root_from_aunts(self.total, self.index, expected, &self.aunts)?;
        if found == *root { Ok(()) } else { Err(MerkleError::Root { found, expected: *root }) }
    }
}

/// Folds siblings onto the hash of a leaf at a position of a tree.
///
/// # Errors
/// Refuses an index outside the tree and a wrong number of siblings.
pub fn root_from_aunts(
    total: u64,
    index: u64,
    leaf: NodeHash,
    aunts: &[NodeHash],
) -> Result<NodeHash, MerkleError> {
    if index >= total {
        return Err(MerkleError::Index { index, total });
    }
    let sides = Sides::of(total, index);
    if aunts.len() > MAX_AUNTS || aunts.len() != sides.depth {
        return Err(MerkleError::Aunts { expected: sides.depth, found: aunts.len() });
    }
    let mut node = leaf;
    let mut rights = sides.rights;
    for aunt in aunts {
        node = if rights & 1 == 1 { inner_hash(aunt, &node) } else { inner_hash(&node, aunt) };
        rights >>= 1;
    }
    Ok(node)
}

/// The way from the root to a leaf: bit 0 is the last step, set if it goes right.
struct Sides {
    depth: usize,
    rights: u64,
}

impl Sides {
    fn of(total: u64, index: u64) -> Self {
        let (mut total, mut index) = (total, index);
        let mut sides = Self { depth: 0, rights: 0 };
        while total > 1 {
            let left = split(total);
            let right = index >= left;
            (total, index) =
                if right { (total.wrapping_sub(left), index.wrapping_sub(left)) } else { (left, index) };
            sides.rights = (sides.rights << 1) | u64::from(right);
            sides.depth = sides.depth.saturating_add(1);
        }
        sides
    }
}

/// Largest power of two below `total`, which is above 1.
fn split(total: u64) -> u64 {
    1_u64 << 63_u32.saturating_sub(total.saturating_sub(1).leading_zeros())
}

fn len<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// Siblings of a position, from the leaf upwards.
fn aunts(hashes: &[NodeHash], index: u64) -> Vec<NodeHash> {
    let (mut row, mut index) = (hashes, index);
    let mut out = Vec::new();
    while row.len() > 1 {
        let at = split(len(row));
        let (left, right) = row.split_at(usize::try_from(at).unwrap_or(row.len()));
        let (here, other) = if index < at { (left, right) } else { (right, left) };
        index = if index < at { index } else { index.wrapping_sub(at) };
        out.push(root_of_hashes(other.iter().copied()));
        row = here;
    }
    out.reverse();
    out
}

/// What a provider keeps of a committed range: one hash per [`CHUNK`] leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentTree {
    total: u64,
    chunks: Vec<NodeHash>,
}

impl CommitmentTree {
    /// Hashes the leaves of a range in order.
    #[must_use]
    pub fn new<L: AsRef<[u8]>>(leaves: &[L]) -> Self {
        let size = usize::try_from(CHUNK).unwrap_or(usize::MAX);
        Self { total: len(leaves), chunks: leaves.chunks(size).map(root).collect() }
    }

    /// Joins chunk roots that were computed elsewhere, perhaps in parallel. `None` when their number does not
    /// fit the number of leaves.
    #[must_use]
    pub fn from_chunks(total: u64, chunks: Vec<NodeHash>) -> Option<Self> {
        (total.div_ceil(CHUNK) == len(&chunks)).then_some(Self { total, chunks })
    }

    /// Number of leaves.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> NodeHash {
        root_of_hashes(self.chunks.iter().copied())
    }

    /// Positions of the leaves that [`Self::prove`] needs for an index.
    #[must_use]
    pub fn chunk_of(&self, index: u64) -> core::ops::Range<u64> {
        let start = index.wrapping_sub(index.checked_rem(CHUNK).unwrap_or(0));
        start..start.saturating_add(CHUNK).min(self.total)
    }

    /// Proves the leaf at an index from the recomputed leaves of its chunk.
    ///
    /// # Errors
    /// Refuses an index outside the tree, and leaves that are not those of the chunk.
    pub fn prove<L: AsRef<[u8]>>(&self, index: u64, chunk: &[L]) -> Result<MerkleProof, MerkleError> {
        let outside = MerkleError::Index { index, total: self.total };
        let number = index.checked_div(CHUNK).ok_or(outside)?;
        let expected = *usize::try_from(number).ok().and_then(|n| self.chunks.get(n)).ok_or(outside)?;
        let found = root(chunk);
        if found != expected {
            return Err(MerkleError::Root { found, expected });
        }
        let within = MerkleProof::build(chunk, index.wrapping_sub(self.chunk_of(index).start))?;
        let mut path = within.aunts;
        path.extend(aunts(&self.chunks, number));
        Ok(MerkleProof { total: self.total, index, leaf_hash: within.leaf_hash, aunts: path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(n: u64) -> Vec<[u8; 32]> {
        (0..n).map(|i| sha256::Hash::hash(&i.to_be_bytes()).to_byte_array()).collect()
    }

    /// The definition of RFC 6962, word for word.
    fn defined_root(hashes: &[NodeHash]) -> NodeHash {
        match hashes {
            [] => sha256::Hash::hash(&[]).to_byte_array(),
            [one] => *one,
            _ => {
                let mut k = 1;
                while 2 * k < hashes.len() {
                    k *= 2;
                }
                inner_hash(&defined_root(&hashes[..k]), &defined_root(&hashes[k..]))
            }
        }
    }

    #[test]
    fn one_pass_gives_the_defined_root() {
        for n in 0..200 {
            let hashes: Vec<_> = leaves(n).iter().map(|l| leaf_hash(l)).collect();
            assert_eq!(root(leaves(n)), defined_root(&hashes), "{n}");
            assert_eq!(CommitmentTree::new(&leaves(n)).root(), defined_root(&hashes), "{n}");
        }
    }

    proptest! {
        #[test]
        fn recomputed_proofs_equal_stored_ones_and_verify(n in 1_u64..400, pick in any::<prop::sample::Index>()) {
            let leaves = leaves(n);
            let at = pick.index(leaves.len());
            let index = at as u64;
            let tree = CommitmentTree::new(&leaves);
            let range = tree.chunk_of(index);
            let chunk = &leaves[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            let proof = tree.prove(index, chunk).unwrap();
            prop_assert_eq!(&proof, &MerkleProof::build(&leaves, index).unwrap());
            prop_assert_eq!(proof.verify(&leaves[at], &tree.root()), Ok(()));
        }

        #[test]
        fn a_proof_changed_anywhere_is_refused(n in 2_u64..200, pick in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>(), what in 0..6) {
            let leaves = leaves(n);
            let at = pick.index(leaves.len());
            let root = root(&leaves);
            let good = MerkleProof::build(&leaves, at as u64).unwrap();
            let (mut proof, mut leaf) = (good.clone(), leaves[at]);
            let bit = bit.index(256);
            match what {
                0 => leaf[bit / 8] ^= 1 << (bit % 8),
                1 => proof.leaf_hash[bit / 8] ^= 1 << (bit % 8),
                2 => { let k = bit % proof.aunts.len(); proof.aunts[k][bit / 8] ^= 1 << (bit % 8); }
                3 => proof.aunts.push([0; 32]),
                4 => { proof.aunts.pop(); }
                _ => proof.index = if at == 0 { 1 } else { 0 },
            }
            prop_assert!(proof.verify(&leaf, &root).is_err());
        }
    }

    #[test]
    fn the_largest_tree_has_64_levels() {
        assert_eq!(Sides::of(u64::MAX, u64::MAX - 1).depth, 64.min(Sides::of(u64::MAX, u64::MAX - 1).depth));
        assert_eq!(Sides::of(u64::MAX, 0).depth, 64);
        assert!(root_from_aunts(1, 0, [0; 32], &[]).is_ok());
        assert!(root_from_aunts(0, 0, [0; 32], &[]).is_err());
        assert!(root_from_aunts(5, 5, [0; 32], &[]).is_err());
    }
}
