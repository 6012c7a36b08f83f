//! Why the proxy refuses.

use cosmwasm_std::StdError;
use thiserror::Error;

/// Why a message is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// Only the owner may send this.
    #[error("{0} is not the owner of this stake")]
    NotOwner(String),
    /// Only the parent may send this.
    #[error("{0} is not native-staking")]
    NotParent(String),
    /// The amount is in another denomination, or nothing.
    #[error("send {expected}, got {got}")]
    Funds {
        /// The staking token.
        expected: String,
        /// What was sent.
        got: String,
    },
    /// Less is delegated.
    #[error("{booked} delegated to {validator}, {asked} asked for")]
    NotEnough {
        /// The validator.
        validator: String,
        /// Delegated.
        booked: u128,
        /// Asked for.
        asked: u128,
    },
    /// Nothing has unbonded.
    #[error("nothing to release")]
    NothingToRelease,
    /// Stake with too many validators.
    #[error("at most {0} validators")]
    TooManyValidators(usize),
}
