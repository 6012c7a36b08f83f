//! Starting, holding and stopping the embedded node.
//!
//! One node per data folder (a lock file says so), nothing left behind after drop: the RPC threads are joined, the kernel is flushed, a temporary
//! folder is removed.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bitcoin::Network;
use fs2::FileExt;
use tempfile::TempDir;

use super::accept::FeeRules;
use super::clock::BlockClock;
use super::engine::Engine;
use super::rpc::server::{Auth, RpcServer};
use super::{BitcoinNode, NodeError, selftest};

/// How an embedded node behaves. `Options::default()` is repeatable and needs nothing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where block times come from.
    pub clock: BlockClock,
    /// Loopback port of the RPC; 0 takes a free one.
    pub rpc_port: u16,
    /// User and password accepted besides the cookie.
    pub rpc_auth: Option<(String, String)>,
    /// Least fee rate relayed, satoshi per 1,000 virtual bytes.
    pub min_relay_per_kvb: u64,
    /// Least increase of the fee in a replacement, satoshi per 1,000 virtual bytes.
    pub incremental_per_kvb: u64,
    /// Answer of `estimatesmartfee`, satoshi per 1,000 virtual bytes; `None` answers "insufficient data" as a fresh bitcoind does.
    pub fee_estimate_per_kvb: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: BlockClock::default(),
            rpc_port: 0,
            rpc_auth: None,
            min_relay_per_kvb: 100,
            incremental_per_kvb: 100,
            fee_estimate_per_kvb: Some(1_000),
        }
    }
}

impl Options {
    /// Replaces the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: BlockClock) -> Self {
        self.clock = clock;
        self
    }

    /// Asks for this loopback port.
    #[must_use]
    pub fn with_rpc_port(mut self, port: u16) -> Self {
        self.rpc_port = port;
        self
    }

    /// Accepts a user and password besides the cookie.
    #[must_use]
    pub fn with_rpc_auth(mut self, user: &str, password: &str) -> Self {
        self.rpc_auth = Some((user.into(), password.into()));
        self
    }

    fn rules(&self) -> FeeRules {
        FeeRules { min_relay: self.min_relay_per_kvb, incremental: self.incremental_per_kvb, mempool_min: 0 }
    }
}

/// Starts embedded regtest nodes on libbitcoinkernel.
#[derive(Debug, Clone, Copy)]
pub struct KernelNode;

impl KernelNode {
    /// Starts a node in `dir`, continuing the chain found there.
    ///
    /// # Errors
    /// [`NodeError`]: folder locked by another node, port taken, disk full, kernel refuses the folder, or the self-test fails.
    pub fn start(dir: &Path, options: Options) -> Result<Node, NodeError> {
        start(dir.to_owned(), None, &options)
    }

    /// Starts a node in a temporary folder that disappears with it.
    ///
    /// # Errors
    /// As [`KernelNode::start`].
    pub fn temporary(options: Options) -> Result<Node, NodeError> {
        let temp = tempfile::Builder::new()
            .prefix("mesh-btc-node-")
            .tempdir()
            .map_err(|source| NodeError::Disk { path: std::env::temp_dir(), source })?;
        start(temp.path().to_owned(), Some(temp), &options)
    }
}

/// A running embedded node. Dropping it stops it.
pub struct Node {
    handle: BitcoinNode,
    // Dropped in this order: no more calls, kernel flushed, lock released, folder removed.
    server: Option<RpcServer>,
    engine: Arc<Mutex<Engine>>,
    _lock: File,
    temp: Option<TempDir>,
    dir: PathBuf,
    save_on_drop: bool,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("handle", &self.handle).field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Node {
    /// Where and how to reach the node.
    #[must_use]
    pub fn handle(&self) -> &BitcoinNode {
        &self.handle
    }

    /// The data folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps the data folder after the node has stopped, and returns it.
    pub fn keep_dir(&mut self) -> PathBuf {
        if let Some(temp) = self.temp.take() {
            self.dir = temp.keep();
        }
        self.dir.clone()
    }

    /// Makes every call answer -28 with this text, or normally again.
    pub fn set_warming_up(&self, text: Option<&str>) {
        self.engine().warming_up = text.map(str::to_owned);
    }

    /// Simulates a fee spike: the mempool asks for this rate and the miner takes nothing below, satoshi per 1,000 virtual bytes; 0 ends it.
    pub fn set_fee_floor(&self, per_kvb: u64) {
        let mut engine = self.engine();
        engine.rules.mempool_min = per_kvb;
        engine.mining_floor = per_kvb;
    }

    /// Sets the answer of `estimatesmartfee`, satoshi per 1,000 virtual bytes.
    pub fn set_fee_estimate(&self, per_kvb: Option<u64>) {
        self.engine().fee_estimate = per_kvb;
    }

    /// Whether the RPC `stop` was called.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.engine().stopping
    }

    /// Stops without saving the mempool, as a killed bitcoind would.
    pub fn kill(mut self) {
        self.save_on_drop = false;
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.server.take());
        // Without a cookie clients see at once that the node is gone.
        let _ = std::fs::remove_file(&self.handle.cookie_file);
        if self.save_on_drop && self.temp.is_none() {
            // Losing the mempool on a full disk is what bitcoind does too.
            let _ = self.engine().save_mempool();
        }
    }
}

fn start(dir: PathBuf, temp: Option<TempDir>, options: &Options) -> Result<Node, NodeError> {
    let disk = |source| NodeError::Disk { path: dir.clone(), source };
    std::fs::create_dir_all(&dir).map_err(disk)?;
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("node.lock"))
        .map_err(disk)?;
    lock.try_lock_exclusive().map_err(|_| NodeError::Locked { path: dir.clone() })?;
    selftest::ensure()?;
    let engine = Engine::open(&dir, options.clock, options.rules(), options.fee_estimate_per_kvb)?;
    let engine = Arc::new(Mutex::new(engine));
    let cookie_file = dir.join(".cookie");
    let auth = Auth::create(&cookie_file, options.rpc_auth.clone()).map_err(disk)?;
    let server = RpcServer::start(options.rpc_port, auth, engine.clone())?;
    let handle = BitcoinNode {
        rpc_url: format!("http://{}", server.address()),
        cookie_file,
        network: Network::Regtest,
        kind: super::KERNEL_KIND.into(),
    };
    Ok(Node { handle, server: Some(server), engine, _lock: lock, temp, dir, save_on_drop: true })
}
