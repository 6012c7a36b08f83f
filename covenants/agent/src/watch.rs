//! The loop of the agent: a round, a pause, and again; a failed round is retried with growing pauses.

use crate::round::{Member, Outcome};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest pause after repeated failures.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// How often a pause looks at the stop flag.
const TICK: Duration = Duration::from_millis(50);

/// Works until `stop`.
pub fn watch(member: &Member<'_>, poll: Duration, stop: &AtomicBool) {
    let mut pause = poll;
    while !stop.load(Ordering::Relaxed) {
        match member.round() {
            Ok(outcome) => {
                report(&outcome);
                pause = poll;
            }
            Err(e) => {
                tracing::warn!(error = %format!("{e:#}"), retry_in = ?pause, "round failed; nothing is lost");
                pause = pause.saturating_mul(2).min(MAX_PAUSE);
            }
        }
        rest(pause, stop);
    }
}

fn report(outcome: &Outcome) {
    for txid in &outcome.signed {
        tracing::info!(stake = %txid, "signed and submitted");
    }
    for (txid, reason) in &outcome.refused {
        tracing::warn!(stake = %txid, reason, "refused by policy; it will not be asked again");
    }
    for (txid, reason) in &outcome.waiting {
        tracing::warn!(stake = %txid, reason, "not signed yet; it is asked again in the next round");
    }
}

fn rest(pause: Duration, stop: &AtomicBool) {
    let mut left = pause;
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let step = left.min(TICK);
        std::thread::sleep(step);
        left = left.saturating_sub(step);
    }
}
