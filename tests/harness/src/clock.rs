//! The time of a test world: the machine's clock or a manual one, shared by every chain that holds a copy.
//!
//! It only tells time; nothing here sleeps. A chain reads it when it makes a block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where a clock starts.
#[derive(Debug)]
enum Base {
    /// The machine's own time.
    System,
    /// Nanoseconds since the Unix epoch, standing still.
    Manual(u64),
}

#[derive(Debug)]
struct Inner {
    base: Base,
    offset: AtomicU64,
}

/// A clock that tests can move forward. Copies share the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

impl Clock {
    /// Follows the machine's clock; [`Clock::advance`] still jumps ahead of it.
    pub fn system() -> Self {
        Self::with(Base::System)
    }

    /// Stands still at `unix_seconds` until [`Clock::advance`] moves it.
    pub fn manual(unix_seconds: u64) -> Self {
        Self::with(Base::Manual(unix_seconds.saturating_mul(1_000_000_000)))
    }

    fn with(base: Base) -> Self {
        Self(Arc::new(Inner { base, offset: AtomicU64::new(0) }))
    }

    /// Nanoseconds since the Unix epoch.
    pub fn nanos(&self) -> u64 {
        let base = match self.0.base {
            Base::System => nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            Base::Manual(at) => at,
        };
        base.saturating_add(self.0.offset.load(Ordering::SeqCst))
    }

    /// Whole seconds since the Unix epoch.
    pub fn seconds(&self) -> u64 {
        self.nanos() / 1_000_000_000
    }

    /// Moves the clock forward for everybody who shares it.
    pub fn advance(&self, by: Duration) {
        self.0.offset.fetch_add(nanos(by), Ordering::SeqCst);
    }
}

fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_manual_clock_share_one_time() {
        let clock = Clock::manual(100);
        let copy = clock.clone();
        copy.advance(Duration::from_secs(5));
        assert_eq!(clock.seconds(), 105);
    }
}
