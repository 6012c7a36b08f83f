//! Why external-staking refuses.

use cosmwasm_std::StdError;
use staking_api::mesh::Decimal;
use thiserror::Error;

/// Why the contract cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// More than everything.
    #[error("slash ratio {0} exceeds 1")]
    SlashRatio(Decimal),
}

/// Why a message or a packet is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// Only the vault may send this.
    #[error("{0} is not the vault")]
    NotVault(String),
    /// Only the admin may send this.
    #[error("{0} is not the admin")]
    NotAdmin(String),
    /// The amount is in another denomination.
    #[error("expected {expected}, got {got}")]
    Denom {
        /// What it should be.
        expected: String,
        /// What was sent.
        got: String,
    },
    /// Nothing to do with nothing.
    #[error("amount is zero")]
    Zero,
    /// The validator cannot be staked with.
    #[error("validator {0} is not active")]
    ValidatorNotActive(String),
    /// The `msg` of a stake does not name a validator.
    #[error("stake message: {0}")]
    StakeMsg(String),
    /// No channel is open.
    #[error("no channel is open")]
    NoChannel,
    /// Less is staked for certain.
    #[error("{staked} certainly staked with {validator}, {asked} asked for")]
    NotEnoughStake {
        /// The validator.
        validator: String,
        /// Lower bound of the stake.
        staked: u128,
        /// Asked for.
        asked: u128,
    },
    /// The user has too many validators, or too many unbondings with one.
    #[error("too many {what} (at most {max})")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// Bound.
        max: usize,
    },
    /// Recorded slashes have to be applied to the stake first.
    #[error("{0} slashes are recorded; have them applied with settle_slash first")]
    Unsettled(u32),
    /// No rewards are due.
    #[error("no rewards are due")]
    NoRewards,
    /// The transaction id is in use.
    #[error("transaction {0} exists")]
    TxExists(u64),
    /// A packet that no consumer side sends.
    #[error("unknown packet: {0}")]
    Packet(String),
}
