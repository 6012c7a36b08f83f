//! Library for BTC holders: plan a stake, prove that it can be withdrawn, sign, register, and leave again.
//!
//! - [`amount`]: what people type as an amount.
//! - [`seed`]: from words to keys; [`wallet`]: coins and funding transactions (BDK).
//! - [`plan`]: everything of a stake that is signed before a coin moves, with the withdrawal proof.
//! - [`leave`]: the unbonding transaction with the covenant's signatures, and withdrawals through time locks.
//! - [`stake`]: the life of a stake as events that are persisted before they are acted on, and replayed after.
//!
//! No file, no clock: storage is a trait, chains are the traits of `staking-clients`.

pub mod amount;
pub mod leave;
pub mod plan;
pub mod seed;
pub mod stake;
pub mod wallet;
