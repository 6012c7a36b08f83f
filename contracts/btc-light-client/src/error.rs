//! Why the light client refuses.

use contract_host::admin::RoleError;
use contract_host::pack::CorruptState;
use contract_host::version::VersionError;
use cosmwasm_std::{Addr, StdError};
use staking_api::BlockHash;
use staking_protocol::header::{HeaderError, RulesError};
use staking_protocol::inclusion::InclusionError;

/// Why a message or question is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LightClientError {
    /// A role is missing, or the contract is paused.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// Only listed reporters may submit headers.
    #[error("{0} is not among the reporters")]
    NotAReporter(Addr),
    /// No headers in the message.
    #[error("no headers")]
    Empty,
    /// Nothing in the message is new.
    #[error("all {0} headers are known")]
    NothingNew(u32),
    /// The first header that is not known is invalid.
    #[error("header {position}: {error}")]
    Header {
        /// Position in the message, from 0.
        position: u32,
        /// What is wrong.
        error: HeaderError,
    },
    /// The parent of a header is on no stored branch.
    #[error("header {position}: parent {parent} is not stored")]
    UnknownParent {
        /// Position in the message, from 0.
        position: u32,
        /// The parent.
        parent: BlockHash,
    },
    /// A fork begins deeper than is followed.
    #[error("header {position}: fork at height {fork_height} is deeper than {max} blocks")]
    ForkTooDeep {
        /// Position in the message, from 0.
        position: u32,
        /// Last common height.
        fork_height: u32,
        /// Deepest fork followed.
        max: u32,
    },
    /// Side branches hold as many headers as are kept.
    #[error("header {position}: {max} headers of side branches are stored already")]
    TooManySideHeaders {
        /// Position in the message, from 0.
        position: u32,
        /// Most that are kept.
        max: u32,
    },
    /// The base is not a header, or has no proof of work.
    #[error("base header: {0}")]
    Base(HeaderError),
    /// The base does not open a retarget period (trap E8).
    #[error("base height {0} does not open a retarget period")]
    BaseNotAtRetarget(u32),
    /// Rules of a custom network make no sense.
    #[error("network rules: {0}")]
    Rules(#[from] RulesError),
    /// A setting is out of bounds.
    #[error("{name} of {found} is not in {min} to {max}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: u32,
        /// Least value.
        min: u32,
        /// Greatest value.
        max: u32,
    },
    /// The tip is too old to prove anything (trap E1).
    #[error("tip of {tip_time} is too old at {now} to prove anything")]
    StaleTip {
        /// Timestamp of the tip.
        tip_time: u32,
        /// Time of the chain.
        now: u64,
    },
    /// The header of a proof is not on the main chain at its height.
    #[error("header {found} is not on the main chain at height {height}")]
    NotOnMainChain {
        /// Height claimed.
        height: u32,
        /// Hash of the header.
        found: BlockHash,
    },
    /// The proof does not hold.
    #[error(transparent)]
    Inclusion(#[from] InclusionError),
    /// A record is malformed.
    #[error(transparent)]
    Corrupt(#[from] CorruptState),
    /// The state is another contract's.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The host refused.
    #[error("{0}")]
    Std(StdError),
}

impl From<StdError> for LightClientError {
    fn from(error: StdError) -> Self {
        Self::Std(error)
    }
}
