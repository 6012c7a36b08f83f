//! Why the converter refuses.

use cosmwasm_std::StdError;
use thiserror::Error;

/// Why a converter cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// A discount of everything or more.
    #[error("discount {0} must be below 1")]
    Discount(staking_api::mesh::Decimal),
}

/// Why a message or a packet is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// Only virtual-staking may send this.
    #[error("{0} is not the virtual-staking of this converter")]
    NotVirtualStaking(String),
    /// Only the owner may send this.
    #[error("{0} does not own this converter")]
    NotOwner(String),
    /// The amount is in another denomination.
    #[error("expected {expected}, got {got}")]
    Denom {
        /// What it should be.
        expected: String,
        /// What was sent.
        got: String,
    },
    /// Funds differ from the payments they are for.
    #[error("payments of {payments}, but {funds} attached")]
    FundsDiffer {
        /// Σ of the payments.
        payments: u128,
        /// Attached.
        funds: u128,
    },
    /// The price is not known just now; increases wait.
    #[error("no fresh price: {0}")]
    NoPrice(String),
    /// More is asked for than there is.
    #[error("rewards of {asked} asked for, {held} held")]
    NotEnoughRewards {
        /// Asked for.
        asked: u128,
        /// Held.
        held: u128,
    },
    /// No channel is open.
    #[error("no channel is open")]
    NoChannel,
    /// The next bonus is not due.
    #[error("next bonus not before {next} (now {now}), seconds")]
    BoostTooEarly {
        /// Earliest time.
        next: u64,
        /// Time of the call.
        now: u64,
    },
    /// There is nothing to pay or nobody to pay it to.
    #[error("no bonus to pay")]
    NoBoost,
    /// A discount of everything or more.
    #[error(transparent)]
    Discount(#[from] InstantiateError),
    /// A packet that no provider side sends.
    #[error("unknown packet: {0}")]
    Packet(String),
    /// Nothing of it is staked.
    #[error("nothing is staked with {0}")]
    NothingStaked(String),
}
