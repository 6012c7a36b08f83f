//! Why the custody refuses.

use cosmwasm_std::StdError;
use mesh_accounting::store::BookError;
use staking_api::mesh::Decimal;
use thiserror::Error;

/// Why the custody cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// The threshold cannot be met, or is too low to mean anything.
    #[error("threshold {threshold} of {attesters} attesters")]
    Threshold {
        /// Asked for.
        threshold: u32,
        /// Named.
        attesters: usize,
    },
}

/// Why a message is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// The backing does not carry the lien.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The sender may not send this.
    #[error("{sender} is not {role}")]
    Unauthorized {
        /// Who sent it.
        sender: String,
        /// Who may.
        role: &'static str,
    },
    /// The amount is in another denomination.
    #[error("expected {expected}, got {got}")]
    Denom {
        /// Of the custody.
        expected: String,
        /// What was sent.
        got: String,
    },
    /// Not a consumer the owner admitted.
    #[error("{0} is not the external-staking of an admitted consumer")]
    UnknownConsumer(String),
    /// The consumer's own cap.
    #[error("liens for {consumer} would be {value}, capped at {cap}")]
    ConsumerCap {
        /// Chain id.
        consumer: String,
        /// What they would be.
        value: u128,
        /// The cap.
        cap: u128,
    },
    /// The lock ends before it could back anything.
    #[error("position {0} is not locked any more")]
    LockOver(String),
    /// Too many keys, or one consumer twice.
    #[error("position {0}: one key per consumer, at most {1}")]
    Keys(String, usize),
    /// More than everything.
    #[error("ratio {0} exceeds 1")]
    Ratio(Decimal),
    /// The position is known already.
    #[error("position {0} exists")]
    Exists(String),
    /// No such position.
    #[error("position {0} is not known")]
    UnknownPosition(String),
    /// The key has no fault, or everything is settled.
    #[error("nothing to settle for {0}")]
    NothingToSettle(String),
    /// No debt of that holder.
    #[error("{0} owes no burn")]
    NoDebt(String),
}
