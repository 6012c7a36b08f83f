//! A real bitcoind on regtest.
//!
//! Flags as measured for Bitcoin Core's policy on the build that `tests/setup bitcoind` installs. No peers, no public
//! network: the installed build follows rules of its own there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::RealError;
use super::ports::with_free_ports;
use super::process::{Process, Spec};
use super::programs::Program;
use super::wait::until_ready;

const START_LIMIT: Duration = Duration::from_secs(60);

/// A running bitcoind. Dropping it stops it.
#[derive(Debug)]
pub struct Bitcoind {
    process: Process,
    dir: PathBuf,
    port: u16,
}

impl Bitcoind {
    /// Starts a node with its data in `dir` (made if missing, taken up if there) and waits until it answers.
    ///
    /// # Errors
    /// [`RealError`]: the program is missing, the folder cannot be written, it ended, or it did not answer in time.
    pub fn start(dir: &Path) -> Result<Self, RealError> {
        Self::start_with(dir, &[])
    }

    /// Like [`Bitcoind::start`], with further arguments after the usual ones.
    ///
    /// # Errors
    /// Those of [`Bitcoind::start`].
    pub fn start_with(dir: &Path, extra: &[&str]) -> Result<Self, RealError> {
        let program = Program::Bitcoind.find()?;
        fs::create_dir_all(dir).map_err(RealError::io("cannot make the node's folder", dir))?;
        with_free_ports(|[port]| {
            let spec = Spec::new("bitcoind", &program, dir.join("bitcoind.log"))
                .arg(format!("-datadir={}", dir.display()))
                .arg(format!("-rpcport={port}"))
                .args(FLAGS)
                .args(extra);
            // A cookie of an earlier run would be answered with 401 for a while.
            let _ = fs::remove_file(cookie_file(dir));
            let mut node = Self { process: Process::spawn(&spec)?, dir: dir.to_owned(), port };
            node.wait()?;
            Ok(node)
        })
    }

    fn wait(&mut self) -> Result<(), RealError> {
        let (url, cookie) = (self.url(), self.cookie_file());
        until_ready(&mut self.process, "an answer over RPC", START_LIMIT, || {
            call(&url, &cookie, "getblockchaininfo").map(drop)
        })
    }

    /// Returns the address of the JSON-RPC.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the file with `user:password`; the node writes it anew at each start.
    #[must_use]
    pub fn cookie_file(&self) -> PathBuf {
        cookie_file(&self.dir)
    }

    /// Returns the process, to stop or to crash it.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

const FLAGS: &[&str] = &[
    "-regtest",
    "-corepolicy",
    "-acceptnonstdtxn=0",
    "-server",
    "-txindex=1",
    "-blockfilterindex=1",
    "-fallbackfee=0.00001",
    "-listen=0",
    "-dnsseed=0",
    "-rpcbind=127.0.0.1",
    "-rpcallowip=127.0.0.1",
    "-addresstype=bech32m",
    "-changetype=bech32m",
    "-printtoconsole=1",
];

fn cookie_file(dir: &Path) -> PathBuf {
    dir.join("regtest").join(".cookie")
}

/// The result of a call without parameters, or nothing if the node is not up yet.
fn call(url: &str, cookie: &Path, method: &str) -> Option<Value> {
    let cookie = fs::read_to_string(cookie).ok()?;
    let answer: Value = ureq::post(url)
        .config()
        .timeout_global(Some(Duration::from_secs(5)))
        .build()
        .header("Authorization", format!("Basic {}", STANDARD.encode(cookie.trim())))
        .send_json(json!({ "jsonrpc": "1.0", "id": 0, "method": method, "params": [] }))
        .ok()?
        .body_mut()
        .read_json()
        .ok()?;
    answer.get("result").filter(|r| !r.is_null()).cloned()
}
