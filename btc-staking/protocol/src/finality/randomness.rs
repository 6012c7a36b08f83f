//! Commitments to public randomness: the range, what the provider signs over it, and which value a height has.

use core::fmt;

use bitcoin_hashes::{Hash, HashEngine, sha256};
use staking_crypto::{Curve, XOnly, bip340};

use super::merkle::{MerkleError, MerkleProof, NodeHash};
use crate::context::Domain;

/// Most heights that one commitment may cover (trap D16).
pub const MAX_NUM: u64 = 1 << 32;

/// A provider's commitment to one random point per height of a range. The range is checked, the root is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomnessCommitment {
    start: u64,
    num: u64,
    root: NodeHash,
}

impl RandomnessCommitment {
    /// Bytes of the signed and stored form: start, number, root.
    pub const LEN: usize = 48;

    /// Checks a range and the length of a root.
    ///
    /// # Errors
    /// Refuses an empty, an overlong and an overflowing range (trap D10), and a root of other than 32 bytes
    /// (trap B1).
    pub fn new(start: u64, num: u64, root: &[u8]) -> Result<Self, CommitmentError> {
        let root = root.try_into().map_err(|_| CommitmentError::RootLength(root.len()))?;
        if num == 0 {
            return Err(CommitmentError::Empty);
        }
        if num > MAX_NUM {
            return Err(CommitmentError::TooLong(num));
        }
        if start.checked_add(num).is_none() {
            return Err(CommitmentError::Overflow { start, num });
        }
        Ok(Self { start, num, root })
    }

    /// First height.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Number of heights.
    #[must_use]
    pub const fn num(&self) -> u64 {
        self.num
    }

    /// Last height.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.start.saturating_add(self.num).saturating_sub(1)
    }

    /// Root over the values.
    #[must_use]
    pub const fn root(&self) -> NodeHash {
        self.root
    }

    /// Position of a height in the tree, if it is covered.
    #[must_use]
    pub fn index_of(&self, height: u64) -> Option<u64> {
        height.checked_sub(self.start).filter(|index| *index < self.num)
    }

    /// Checks that this range begins after another ends: ranges only go up (trap B4). Gaps are allowed.
    ///
    /// # Errors
    /// Refuses a range that does not.
    pub fn check_follows(&self, previous_last: u64) -> Result<(), CommitmentError> {
        if self.start > previous_last {
            return Ok(());
        }
        Err(CommitmentError::NotAfter { start: self.start, previous_last })
    }

    /// Digest that the provider signs.
    #[must_use]
    pub fn digest(&self, domain: &Domain) -> [u8; 32] {
        signed_digest(domain, self.start, self.num, &self.root)
    }

    /// Verifies the provider's signature.
    ///
    /// # Errors
    /// Refuses an invalid signature.
    pub fn verify<C: Curve>(
        &self,
        curve: &C,
        domain: &Domain,
        provider: &XOnly,
        signature: &bip340::Signature,
    ) -> Result<(), bip340::VerifyError> {
        bip340::verify(curve, provider, &self.digest(domain), signature)
    }

    /// Checks that a value is the one committed for a height.
    ///
    /// # Errors
    /// Refuses a height outside the range, a proof for another tree size or position, and a proof that does not
    /// lead to the root.
    pub fn check_value(
        &self,
        height: u64,
        value: &XOnly,
        proof: &MerkleProof,
    ) -> Result<(), CommitmentError> {
        let index = self.index_of(height).ok_or(CommitmentError::NotCovered { height, last: self.last() })?;
        if proof.index != index {
            return Err(CommitmentError::Position { found: proof.index, expected: index });
        }
        if proof.total != self.num {
            return Err(CommitmentError::Total { found: proof.total, expected: self.num });
        }
        proof.verify(value.as_bytes(), &self.root).map_err(CommitmentError::Proof)
    }
}

/// Digest that a provider signs over a range, whatever its fields; [`RandomnessCommitment`] checks them.
#[must_use]
pub fn signed_digest(domain: &Domain, start: u64, num: u64, root: &[u8]) -> [u8; 32] {
    let mut engine = sha256::Hash::engine();
    engine.input(domain.prefix());
    engine.input(&start.to_be_bytes());
    engine.input(&num.to_be_bytes());
    engine.input(root);
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// Why a commitment, or a value under one, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitmentError {
    /// Root has another length than 32 bytes.
    RootLength(usize),
    /// No heights.
    Empty,
    /// More heights than [`MAX_NUM`].
    TooLong(u64),
    /// Range ends above the largest height.
    Overflow {
        /// First height.
        start: u64,
        /// Number of heights.
        num: u64,
    },
    /// Range begins before the last one ends.
    NotAfter {
        /// First height.
        start: u64,
        /// Last height of the previous range.
        previous_last: u64,
    },
    /// Height outside the range.
    NotCovered {
        /// Height asked for.
        height: u64,
        /// Last height covered.
        last: u64,
    },
    /// Proof for another position.
    Position {
        /// Position in the proof.
        found: u64,
        /// Position of the height.
        expected: u64,
    },
    /// Proof for a tree of another size.
    Total {
        /// Leaves in the proof.
        found: u64,
        /// Heights committed to.
        expected: u64,
    },
    /// Proof does not hold.
    Proof(MerkleError),
}

impl fmt::Display for CommitmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RootLength(n) => write!(f, "commitment has {n} bytes, not 32"),
            Self::Empty => f.write_str("commitment to no heights"),
            Self::TooLong(num) => write!(f, "commitment to {num} heights, most are {MAX_NUM}"),
            Self::Overflow { start, num } => write!(f, "{num} heights from {start} overflow"),
            Self::NotAfter { start, previous_last } => {
                write!(f, "commitment starts at {start}, not after {previous_last}")
            }
            Self::NotCovered { height, last } => write!(f, "height {height} is not covered, last is {last}"),
            Self::Position { found, expected } => write!(f, "proof is for position {found}, not {expected}"),
            Self::Total { found, expected } => write!(f, "proof is for {found} values, not {expected}"),
            Self::Proof(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CommitmentError {}
