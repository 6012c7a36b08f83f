//! The door to whoever holds a provider's key: commit to randomness, sign a vote, or refuse with a reason.

use crate::{randomness::Range, vote::Vote};
use core::fmt;

/// Everything that separates one use of a key from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The consumer's chain id.
    pub consumer: String,
    /// Address of the finality contract on the hub.
    pub contract: String,
}

/// A signed commitment to one-time randomness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCommit {
    /// The heights.
    pub range: Range,
    /// Merkle root over the public randomness.
    pub root: [u8; 32],
    /// BIP-340 signature of the commitment.
    pub signature: [u8; 64],
}

/// A signed vote with what the contract needs to check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedVote {
    /// What was voted for.
    pub vote: Vote,
    /// x coordinate of the height's nonce.
    pub public_randomness: [u8; 32],
    /// EOTS signature.
    pub signature: [u8; 32],
    /// Siblings of the nonce in the commitment's tree, bottom up.
    pub proof: Vec<[u8; 32]>,
    /// The commitment the proof belongs to.
    pub committed: Range,
}

/// Why a signer did not sign. Every reason but [`Refusal::Unreachable`] and [`Refusal::Locked`] is final.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Another message was signed at this height; a second signature would reveal the key.
    DoubleSign {
        /// The height.
        height: u64,
    },
    /// The height is not above the watermark and is not on record.
    BelowWatermark {
        /// Highest height signed.
        watermark: u64,
    },
    /// The height is further above the watermark than the operator allows.
    Jump {
        /// Highest height signed.
        watermark: u64,
    },
    /// No commitment of this signer covers the height.
    NotCommitted,
    /// The keystore is locked.
    Locked,
    /// The signer does not answer.
    Unreachable(String),
    /// The signer's own state is missing, damaged or older than the chain.
    State(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoubleSign { height } => {
                write!(
                    f,
                    "height {height} was signed for another block; a second signature would reveal the key"
                )
            }
            Self::BelowWatermark { watermark } => write!(f, "not above the watermark {watermark}"),
            Self::Jump { watermark } => write!(f, "too far above the watermark {watermark}"),
            Self::NotCommitted => f.write_str("no commitment covers this height"),
            Self::Locked => f.write_str("the signer is locked"),
            Self::Unreachable(why) => write!(f, "the signer does not answer: {why}"),
            Self::State(why) => write!(f, "the signer's state: {why}"),
        }
    }
}

impl std::error::Error for Refusal {}

/// Holds a provider's key, or talks to the process that does.
pub trait VoteSigner: Send {
    /// The provider's x-only key.
    ///
    /// # Errors
    /// [`Refusal::Unreachable`], [`Refusal::Locked`].
    fn public_key(&mut self) -> Result<[u8; 32], Refusal>;

    /// Derives the nonces of `range` and signs their commitment.
    ///
    /// # Errors
    /// As [`Refusal`] says.
    fn commit(&mut self, domain: &Domain, range: Range) -> Result<SignedCommit, Refusal>;

    /// Signs a vote whose height lies in `committed`; the same vote again gives the same signature.
    ///
    /// # Errors
    /// As [`Refusal`] says.
    fn sign(&mut self, domain: &Domain, vote: Vote, committed: Range) -> Result<SignedVote, Refusal>;

    /// Highest height signed in a domain.
    ///
    /// # Errors
    /// [`Refusal::Unreachable`], [`Refusal::Locked`].
    fn watermark(&mut self, domain: &Domain) -> Result<Option<u64>, Refusal>;
}
