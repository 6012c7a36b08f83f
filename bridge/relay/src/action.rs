//! Why a planner does nothing: each reason is something an operator may want to read.

use core::fmt;

/// A reason to wait, or to stop and call a human.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hold {
    /// Nothing is missing.
    UpToDate,
    /// Our node has not reached the light client's tip.
    NodeBehind {
        /// Our node's height.
        node: u32,
        /// The light client's height.
        light_client: u32,
    },
    /// The light client's chain and ours part deeper than we may repair by ourselves.
    DeepFork {
        /// Blocks from the light client's tip down to the last common one, or more.
        depth: u32,
    },
    /// The transaction is not in a block.
    Unconfirmed,
    /// The transaction needs more confirmations *as the light client counts them*.
    Shallow {
        /// Confirmations it has.
        have: u32,
        /// Confirmations it needs.
        need: u32,
    },
    /// The transaction waits for a time lock or for another transaction.
    Locked,
    /// Fewer blocks than the unbonding time are left before the lock ends: the contract would refuse.
    TooLate,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpToDate => f.write_str("up to date"),
            Self::NodeBehind { node, light_client } => {
                write!(f, "our node is at {node}, the light client at {light_client}")
            }
            Self::DeepFork { depth } => {
                write!(f, "the light client left our chain at least {depth} blocks ago; not submitting")
            }
            Self::Unconfirmed => f.write_str("in no block"),
            Self::Shallow { have, need } => write!(f, "{have} of {need} confirmations"),
            Self::Locked => f.write_str("waits for a lock or another transaction"),
            Self::TooLate => f.write_str("too few blocks of lock left"),
        }
    }
}
