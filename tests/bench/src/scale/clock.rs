//! Time that a measurement took.

use std::time::{Duration, Instant};

/// A measurement under way: by the work of this thread where the system tells, so that a busy machine changes little,
/// else by the wall.
pub(crate) struct Clock {
    work: Option<Duration>,
    wall: Instant,
}

impl Clock {
    /// Begins.
    pub(crate) fn start() -> Self {
        Self { work: work(), wall: Instant::now() }
    }

    /// Whether it counts work.
    pub(crate) fn counts_work(&self) -> bool {
        self.work.is_some()
    }

    /// What has passed since.
    pub(crate) fn elapsed(&self) -> Duration {
        let worked = self.work.zip(work()).map(|(then, now)| now.saturating_sub(then));
        worked.unwrap_or_else(|| self.wall.elapsed())
    }
}

/// Processor time of this thread: the first number of Linux's schedstat, nanoseconds.
fn work() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_is_no_work() {
        let clock = Clock::start();
        std::thread::sleep(Duration::from_millis(200));
        assert!(!clock.counts_work() || clock.elapsed() < Duration::from_millis(100));
    }
}
