//! Waiting for something that can only be asked for: polling with a deadline.

use std::thread;
use std::time::{Duration, Instant};

use super::RealError;
use super::process::Process;

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(50);

/// Polls `look` until it finds something or the time is over; `None` if it is over.
pub fn poll<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(EVERY);
    }
}

/// Polls `look` until a running program is ready, and gives up as soon as the program has ended.
///
/// # Errors
/// [`RealError::Exited`] if the program ended, [`RealError::NotReady`] at the deadline.
pub fn until_ready<T>(
    process: &mut Process,
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T, RealError> {
    let mut ended = None;
    let found = poll(limit, || {
        if let Some(found) = look() {
            return Some(Some(found));
        }
        ended = process.exited();
        ended.is_some().then_some(None)
    });
    let name = process.name().to_owned();
    match (found, ended) {
        (Some(Some(found)), _) => Ok(found),
        (_, Some(status)) => Err(RealError::Exited { name, status, log: process.log_tail(20) }),
        _ => Err(RealError::NotReady { name, what: what.into(), waited: limit, log: process.log_tail(20) }),
    }
}
