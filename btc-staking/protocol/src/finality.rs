//! Finality by providers' votes: what is committed, what is signed, what counts, what proves a double vote, and
//! what a signer may still sign. No power tables, no storage, no secrets. Spec §8; docs/protocol.md, Finality.

pub mod evidence;
pub mod guard;
pub mod merkle;
pub mod randomness;
pub mod tally;
pub mod vote;

pub use evidence::{Evidence, EvidenceError, SignedMessage};
pub use merkle::{CommitmentTree, MerkleError, MerkleProof};
pub use randomness::{CommitmentError, RandomnessCommitment};
pub use tally::{Tally, is_final};
pub use vote::{Vote, VoteError};
