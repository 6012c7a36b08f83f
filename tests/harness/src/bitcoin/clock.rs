//! Where block times come from. No wall clock by default, so that the same commands give the same hashes.

use std::time::{SystemTime, UNIX_EPOCH};

/// Source of block times; `setmocktime` goes before it, and a block is never older than the median of its ancestors plus one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockClock {
    /// Block `h` is `start + h * step` (seconds since 1970, seconds).
    Stepped {
        /// Time of height 0, seconds since 1970.
        start: u32,
        /// Seconds between two blocks.
        step: u32,
    },
    /// The machine's clock: not repeatable.
    System,
    /// One time for all, what `setmocktime` sets, seconds since 1970.
    Fixed(u32),
}

impl Default for BlockClock {
    /// November 2023 in ten-minute steps: in the past for every machine whose clock is right.
    fn default() -> Self {
        Self::Stepped { start: 1_700_000_000, step: 600 }
    }
}

impl BlockClock {
    /// Time this clock gives to a block, seconds since 1970.
    #[must_use]
    pub fn time_at(&self, height: u32) -> u32 {
        match *self {
            Self::Stepped { start, step } => start.saturating_add(step.saturating_mul(height)),
            Self::Fixed(time) => time,
            Self::System => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                u32::try_from(now).unwrap_or(u32::MAX)
            }
        }
    }
}
