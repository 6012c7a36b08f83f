//! What a finality provider commits and votes for: decisions without keys, sockets, clock or storage.
//!
//! - [`randomness`]: when to commit how many one-time nonces, so that votes never wait for a commitment.
//! - [`vote`]: which blocks to vote for now; disagreeing nodes mean no vote.
//! - [`signer`]: the door to whoever holds the key. The anti-double-sign guard lives behind that door, in the
//!   process that signs; nothing here replaces it.

pub mod randomness;
pub mod signer;
pub mod vote;
