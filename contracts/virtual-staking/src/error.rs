//! Why virtual-staking refuses.

use cosmwasm_std::StdError;
use thiserror::Error;

/// Why the contract cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// This build has no other source of power than a treasury.
    #[error("this build draws power from a treasury: name one, or use the build with x/meshsecurity")]
    NoPowerSource,
    /// A ratio above one where it makes no sense.
    #[error("limit {0} must not exceed 1")]
    RatioAboveOne(&'static str),
}

/// Why a message is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// Only the converter may send this.
    #[error("{0} is not the converter")]
    NotConverter(String),
    /// Only the treasury's owner may send this.
    #[error("{0} does not own the treasury")]
    NotOwner(String),
    /// The amount is in another denomination.
    #[error("expected {expected}, got {got}")]
    Denom {
        /// The staking token.
        expected: String,
        /// What was sent.
        got: String,
    },
    /// More validators than an epoch can handle.
    #[error("at most {max} validators can be staked with")]
    TooManyValidators {
        /// Bound.
        max: usize,
    },
    /// The least interval between epochs has not passed.
    #[error("next epoch not before {next} (now {now}), seconds")]
    EpochTooEarly {
        /// Earliest time.
        next: u64,
        /// Time of the call.
        now: u64,
    },
    /// The message belongs to the other source of power.
    #[error("not with this source of power: {0}")]
    WrongPowerSource(&'static str),
    /// The treasury has less at hand.
    #[error("treasury has {liquid} at hand, {wanted} asked for")]
    NotLiquid {
        /// At hand.
        liquid: u128,
        /// Asked for.
        wanted: u128,
    },
    /// Virtual stake votes as its validators do.
    #[error("virtual stake inherits its validators' votes")]
    VotesInherited,
    /// No such validator.
    #[error("validator {0} is not known")]
    UnknownValidator(String),
    /// Limits make no sense.
    #[error(transparent)]
    Limits(#[from] InstantiateError),
}
