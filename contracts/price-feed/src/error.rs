//! Why the feed refuses.

use cosmwasm_std::StdError;
use staking_api::mesh::Decimal;
use thiserror::Error;

/// Why a feed cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// A price of zero.
    #[error("price is zero")]
    ZeroPrice,
    /// More sources than can be asked for, or none where some are needed.
    #[error("{min_sources} of {sources} sources makes no sense (at most {max})")]
    Quorum {
        /// Needed.
        min_sources: u32,
        /// Named.
        sources: usize,
        /// Bound.
        max: usize,
    },
    /// A step of zero would freeze the price.
    #[error("largest step is zero")]
    ZeroStep,
}

/// Why a message is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// The sender is neither a source nor, where there are none, the owner.
    #[error("{0} is not a source of this feed")]
    NotASource(String),
    /// The sender is not the owner.
    #[error("{0} does not own this feed")]
    NotOwner(String),
    /// A price of zero.
    #[error("price {0} is zero")]
    ZeroPrice(Decimal),
    /// Sources and quorum do not fit.
    #[error(transparent)]
    Quorum(#[from] InstantiateError),
}
