//! Relative lock times in blocks (BIP-68, BIP-112), one type for each place they are used.
//!
//! A staking time can never be handed over where an unbonding time is expected, and neither can be zero: a zero
//! lock would let the staker leave at once.

use core::fmt;
use core::num::NonZeroU16;

/// A number is not a relative lock time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} blocks is not a relative lock time (1 to 65535)")]
pub struct LockTimeError(pub u32);

macro_rules! lock_time {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU16);

        impl $name {
            /// Makes a lock time of `blocks` blocks.
            ///
            /// # Errors
            /// [`LockTimeError`] unless 1 <= blocks <= 65535.
            pub fn new(blocks: u32) -> Result<Self, LockTimeError> {
                let short = u16::try_from(blocks).ok().and_then(NonZeroU16::new);
                short.map(Self).ok_or(LockTimeError(blocks))
            }

            /// Returns the number of blocks.
            #[must_use]
            pub fn blocks(self) -> u16 {
                self.0.get()
            }

            /// Returns the input sequence number that satisfies the lock (BIP-68).
            #[must_use]
            pub fn sequence(self) -> u32 {
                u32::from(self.blocks())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} blocks", self.0)
            }
        }

        impl From<NonZeroU16> for $name {
            fn from(blocks: NonZeroU16) -> Self {
                Self(blocks)
            }
        }
    };
}

lock_time! {
    /// How long a stake is locked if nobody unbonds it, in blocks.
    StakingTime
}

lock_time! {
    /// How long coins stay locked after unbonding, and the change after slashing, in blocks.
    UnbondingTime
}
