//! Picks Core's reject reasons out of the kernel's log.
//!
//! libbitcoinkernel tells *that* a block failed through callbacks, but *why* only through its process-wide logger. The logger calls back on the
//! thread that validates, so one thread-local slot keeps parallel nodes apart.

use std::cell::RefCell;
use std::sync::Once;

use bitcoinkernel::{Log, Logger};

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
    static ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

static INSTALLED: Once = Once::new();

struct Catcher;

impl Log for Catcher {
    fn log(&self, message: &str) {
        if let Some(reason) = reason_in(message) {
            LAST.with(|slot| *slot.borrow_mut() = Some(reason.to_owned()));
        } else if let Some((_, error)) = message.trim_end().split_once("[error] ") {
            ERROR.with(|slot| *slot.borrow_mut() = Some(error.to_owned()));
        }
    }
}

/// Connects the catcher to the kernel's logger, once per process and for as long as the process lives.
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        if let Ok(logger) = Logger::new(Catcher) {
            std::mem::forget(logger);
        }
    });
}

/// Forgets what an earlier block left behind.
pub(crate) fn clear() {
    LAST.with(|slot| slot.borrow_mut().take());
}

/// The reason logged last on this thread, in the form `reason, detail`.
pub(crate) fn take() -> Option<String> {
    LAST.with(|slot| slot.borrow_mut().take())
}

/// The last error logged on this thread that is no verdict on a block: why a folder could not be opened, say.
pub(crate) fn take_error() -> Option<String> {
    ERROR.with(|slot| slot.borrow_mut().take())
}

fn reason_in(message: &str) -> Option<&str> {
    let message = message.trim_end();
    if let Some((_, rest)) = message.split_once("AcceptBlock FAILED (") {
        return Some(rest.strip_suffix(')').unwrap_or(rest));
    }
    let (head, rest) = message.split_once(" failed, ")?;
    head.contains("ConnectBlock ").then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_in_the_two_lines_core_writes() {
        let connect = "[error] ConnectTip: ConnectBlock 00aa failed, bad-cb-amount, coinbase pays too much (actual=2 vs limit=1)\n";
        assert_eq!(reason_in(connect), Some("bad-cb-amount, coinbase pays too much (actual=2 vs limit=1)"));
        let accept =
            "[error] ProcessNewBlock: AcceptBlock FAILED (bad-txns-nonfinal, non-final transaction)\n";
        assert_eq!(reason_in(accept), Some("bad-txns-nonfinal, non-final transaction"));
        assert_eq!(reason_in("UpdateTip: new best=00aa"), None);
    }
}
