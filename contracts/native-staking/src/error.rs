//! Why native-staking refuses.

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

/// Why a message is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// Only the vault may send this.
    #[error("{0} is not the vault")]
    NotVault(String),
    /// Only a proxy may send this.
    #[error("{0} is not a proxy of this contract")]
    NotAProxy(String),
    /// No coins of the right kind attached.
    #[error("send {0}")]
    NoFunds(String),
    /// The `msg` of a stake does not name a validator.
    #[error("stake message: {0}")]
    StakeMsg(String),
}
