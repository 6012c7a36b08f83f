//! The thread that owns a chain, and the way to it.
//!
//! The application is not `Send`; jobs are. A job that panics leaves an error, not a dead chain, but what it wrote
//! before may be half done: nothing of ours panics on purpose.

use super::config::ChainConfig;
use super::contract::panic_text;
use super::error::ChainError;
use super::state::ChainState;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

type Job = Box<dyn FnOnce(&mut ChainState) + Send>;

enum Order {
    Run(Job),
    Stop,
}

/// The way to a chain's thread.
#[derive(Clone)]
pub(crate) struct Jobs {
    orders: Sender<Order>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Jobs {
    /// Starts the thread and makes the chain on it.
    pub(crate) fn start(config: ChainConfig) -> Result<Self, ChainError> {
        let (orders, inbox) = channel();
        let (ready, started) = channel();
        let name = format!("chain {}", config.chain_id);
        let spawn = std::thread::Builder::new().name(name).spawn(move || {
            let every = config.block_time;
            let made = catch_unwind(AssertUnwindSafe(|| ChainState::genesis(config)));
            match made.unwrap_or_else(|p| Err(ChainError::Panicked(panic_text(p.as_ref())))) {
                Ok(mut state) => {
                    let _ = ready.send(Ok(()));
                    serve(&mut state, &inbox, every);
                }
                Err(e) => {
                    let _ = ready.send(Err(e));
                }
            }
        });
        let thread = spawn.map_err(|e| ChainError::Config(format!("thread: {e}")))?;
        started.recv().map_err(|_| ChainError::Stopped)??;
        Ok(Self { orders, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Runs `f` on the chain's thread and waits for it.
    pub(crate) fn run<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut ChainState) -> R + Send + 'static,
    ) -> Result<R, ChainError> {
        let (answer, answered) = channel();
        let job: Job = Box::new(move |state| {
            let result = catch_unwind(AssertUnwindSafe(|| f(state)));
            let _ = answer.send(result.map_err(|p| panic_text(p.as_ref())));
        });
        self.orders.send(Order::Run(job)).map_err(|_| ChainError::Stopped)?;
        answered.recv().map_err(|_| ChainError::Stopped)?.map_err(ChainError::Panicked)
    }

    /// Ends the thread; later jobs find the chain stopped.
    pub(crate) fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// Does what comes until told to stop, and makes blocks meanwhile.
fn serve(state: &mut ChainState, inbox: &Receiver<Order>, every: Option<Duration>) {
    let mut due = every.map(|e| Instant::now() + e);
    loop {
        if due.is_some_and(|at| at <= Instant::now()) {
            let _ = catch_unwind(AssertUnwindSafe(|| state.empty_block()));
            due = every.map(|e| Instant::now() + e);
        }
        let order = match due {
            Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match order {
            Ok(Order::Run(job)) => job(state),
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
