//! The relay on a thread of its own, as in a world that goes on by itself.

use super::{Relay, Step};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A relay at work; dropping it ends the work.
pub struct RelayHandle {
    relay: Arc<Mutex<Relay>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Relays whatever appears, looking every `pause`; `seen` hears of each step.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(
        self,
        pause: Duration,
        seen: impl Fn(&Step) + Send + 'static,
    ) -> std::io::Result<RelayHandle> {
        let relay = Arc::new(Mutex::new(self));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, told) = (relay.clone(), stop.clone());
        let work = move || {
            while !told.load(Ordering::SeqCst) {
                match lock(&shared).step() {
                    Ok(steps) if steps.is_empty() => std::thread::park_timeout(pause),
                    Ok(steps) => steps.iter().for_each(&seen),
                    // A chain was stopped: there is nothing left to relay.
                    Err(_) => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(work)?;
        Ok(RelayHandle { relay, stop, thread: Some(thread) })
    }
}

fn lock(relay: &Mutex<Relay>) -> MutexGuard<'_, Relay> {
    relay.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RelayHandle {
    /// The relay itself, between two of its steps: to open channels, to set faults.
    pub fn relay(&self) -> MutexGuard<'_, Relay> {
        lock(&self.relay)
    }

    /// Ends the work; its thread is gone when this returns.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Drop for RelayHandle {
    fn drop(&mut self) {
        self.stop();
    }
}
