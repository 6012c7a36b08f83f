//! A real CosmWasm chain: plain wasmd with one validator and short blocks.
//!
//! The chain is made by three short calls of the program; everything else is edited into its files. Addresses have
//! wasmd's prefix `wasm`. The keys here are public test keys; nothing of value may ever use them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::RealError;
use super::genesis;
use super::ports::with_free_ports;
use super::process::{Process, Spec};
use super::programs::Program;
use super::settings::{self, quoted};
use super::wait::until_ready;

const START_LIMIT: Duration = Duration::from_secs(60);
const MONIKER: &str = "validator";

/// The bech32 prefix of every plain wasmd chain.
pub const PREFIX: &str = "wasm";

/// The validator's words and address (BIP-39 test words, path m/44'/118'/0'/0/0).
pub const VALIDATOR: (&str, &str) = (
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
    "wasm19rl4cm2hmr8afy4kldpxz3fka4jguq0akuugk7",
);
/// The relayer's words and address on every chain; it has funds at genesis and nobody else may use it.
pub const RELAYER: (&str, &str) =
    ("zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong", "wasm1am058pdux3hyulcmfgj4m3hhrlfn8nzmdmdjxt");

/// What the validator has at genesis, and how much of it is staked.
const VALIDATOR_FUNDS: u128 = 1_000_000_000_000;
const SELF_STAKE: u128 = 500_000_000_000;
const RELAYER_FUNDS: u128 = 1_000_000_000_000;

/// An account with funds at genesis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its bech32 address, prefix `wasm`.
    pub address: String,
    /// Its funds in the chain's denomination.
    pub amount: u128,
}

/// A chain to make.
#[derive(Debug, Clone)]
pub struct ChainSpec {
    /// The chain id; IBC wants one that ends in `-1`.
    pub chain_id: String,
    /// The denomination of stake and fees.
    pub denom: String,
    /// Who has funds at genesis, beside the validator and the relayer.
    pub accounts: Vec<Account>,
    /// The pause between blocks.
    pub block: Duration,
    /// How long unbonding takes; an IBC client trusts for two thirds of it.
    pub unbonding: Duration,
}

impl ChainSpec {
    /// Describes a chain with half-second blocks and 21 days of unbonding.
    pub fn new(chain_id: impl Into<String>, denom: impl Into<String>) -> Self {
        Self {
            chain_id: chain_id.into(),
            denom: denom.into(),
            accounts: Vec::new(),
            block: Duration::from_millis(500),
            unbonding: Duration::from_secs(21 * 24 * 3600),
        }
    }

    /// Adds an account with funds.
    #[must_use]
    pub fn fund(mut self, address: impl Into<String>, amount: u128) -> Self {
        self.accounts.push(Account { address: address.into(), amount });
        self
    }

    /// Everybody with funds at genesis.
    fn all_accounts(&self) -> Vec<Account> {
        let mut all = vec![
            Account { address: VALIDATOR.1.into(), amount: VALIDATOR_FUNDS },
            Account { address: RELAYER.1.into(), amount: RELAYER_FUNDS },
        ];
        all.extend(self.accounts.iter().cloned());
        all
    }
}

/// A running chain. Dropping it stops it.
#[derive(Debug)]
pub struct Wasmd {
    process: Process,
    spec: ChainSpec,
    rpc: u16,
    grpc: u16,
    validator: String,
}

impl Wasmd {
    /// Makes a chain in `dir`, or takes up the one that is there, starts it and waits for its first block.
    ///
    /// # Errors
    /// [`RealError`]: the program is missing, a file cannot be written, a call failed, it ended, or no block came.
    pub fn start(dir: &Path, spec: ChainSpec) -> Result<Self, RealError> {
        let program = Program::Wasmd.find()?;
        let home = Home { program, dir: dir.to_owned() };
        let validator = home.ensure(&spec)?;
        with_free_ports(|[rpc, p2p, grpc]| {
            home.set_ports(rpc, p2p, grpc)?;
            let run = Spec::new(format!("wasmd {}", spec.chain_id), &home.program, dir.join("wasmd.log"))
                .arg("start")
                .env("HOME", dir);
            let process = Process::spawn(&run)?;
            let mut chain = Self { process, spec: spec.clone(), rpc, grpc, validator: validator.clone() };
            chain.wait()?;
            Ok(chain)
        })
    }

    /// Starts several chains at once, each in the folder of `dir` named by its chain id.
    ///
    /// # Errors
    /// The first failure; chains already started are stopped.
    pub fn start_all<const N: usize>(dir: &Path, specs: [ChainSpec; N]) -> Result<[Self; N], RealError> {
        let started: Vec<Self> = thread::scope(|scope| {
            let threads: Vec<_> = specs
                .into_iter()
                .map(|spec| scope.spawn(move || Self::start(&dir.join(&spec.chain_id), spec)))
                .collect();
            let join = |t: thread::ScopedJoinHandle<'_, _>| match t.join() {
                Ok(result) => result,
                Err(_) => Err(RealError::unexpected("end of a thread", "it panicked")),
            };
            threads.into_iter().map(join).collect::<Vec<_>>().into_iter().collect::<Result<_, _>>()
        })?;
        started.try_into().map_err(|v: Vec<Self>| RealError::unexpected("number of chains", v.len()))
    }

    fn wait(&mut self) -> Result<(), RealError> {
        let url = self.rpc_url();
        until_ready(&mut self.process, "the first block", START_LIMIT, || height(&url).filter(|h| *h >= 1))
            .map(drop)
    }

    /// Returns the address of the CometBFT RPC.
    #[must_use]
    pub fn rpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rpc)
    }

    /// Returns the address of the gRPC service.
    #[must_use]
    pub fn grpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// Returns host and port of the CometBFT RPC.
    pub(super) fn rpc_host(&self) -> String {
        format!("127.0.0.1:{}", self.rpc)
    }

    /// Returns the chain id.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.spec.chain_id
    }

    /// Returns the denomination of stake and fees.
    #[must_use]
    pub fn denom(&self) -> &str {
        &self.spec.denom
    }

    pub(super) const fn unbonding(&self) -> Duration {
        self.spec.unbonding
    }

    /// Returns the validator's operator address (`wasmvaloper1…`).
    #[must_use]
    pub fn validator(&self) -> &str {
        &self.validator
    }

    /// Returns the process, to stop or to crash it.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// The height of a chain's last block, or nothing if it does not answer.
fn height(rpc_url: &str) -> Option<u64> {
    let status: Value = ureq::get(format!("{rpc_url}/status"))
        .config()
        .timeout_global(Some(Duration::from_secs(5)))
        .build()
        .call()
        .ok()?
        .body_mut()
        .read_json()
        .ok()?;
    status.pointer("/result/sync_info/latest_block_height")?.as_str()?.parse().ok()
}

/// A chain's folder. wasmd reads `$HOME/.wasmd/config/client.toml` whatever `--home` says, so the folder is its HOME.
struct Home {
    program: PathBuf,
    dir: PathBuf,
}

impl Home {
    fn config(&self, file: &str) -> PathBuf {
        self.dir.join(".wasmd/config").join(file)
    }

    /// Makes the chain unless it is there already, and returns the validator's operator address.
    fn ensure(&self, spec: &ChainSpec) -> Result<String, RealError> {
        let done = self.dir.join("validator");
        if let Ok(validator) = fs::read_to_string(&done) {
            return Ok(validator);
        }
        let validator = self.make(spec)?;
        fs::write(&done, &validator).map_err(RealError::io("cannot write the validator's address", &done))?;
        Ok(validator)
    }

    fn make(&self, spec: &ChainSpec) -> Result<String, RealError> {
        let half_made = self.dir.join(".wasmd");
        if half_made.exists() {
            fs::remove_dir_all(&half_made)
                .map_err(RealError::io("cannot remove a half-made chain", &half_made))?;
        }
        fs::create_dir_all(&self.dir).map_err(RealError::io("cannot make the chain's folder", &self.dir))?;
        self.call(&["init", MONIKER, "--chain-id", &spec.chain_id, "--default-denom", &spec.denom], "")?;
        self.call(&["keys", "add", MONIKER, "--recover", "--keyring-backend", "test"], VALIDATOR.0)?;
        let document = self.config("genesis.json");
        genesis::prepare(&document, &spec.denom, &spec.all_accounts(), spec.unbonding)?;
        let gentx = self.gentx(spec)?;
        genesis::add_gentx(&document, &gentx)?;
        self.set_pace(spec)?;
        gentx
            .pointer("/body/messages/0/validator_address")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| RealError::unexpected("gentx", &gentx))
    }

    /// Has the validator's first transaction signed.
    fn gentx(&self, spec: &ChainSpec) -> Result<Value, RealError> {
        let (stake, out) = (format!("{SELF_STAKE}{}", spec.denom), self.dir.join("gentx.json"));
        let file = out.display().to_string();
        self.call(
            &[
                "genesis",
                "gentx",
                MONIKER,
                &stake,
                "--chain-id",
                &spec.chain_id,
                "--keyring-backend",
                "test",
                "--ip",
                "127.0.0.1",
                "--output-document",
                &file,
            ],
            "",
        )?;
        let text = fs::read_to_string(&out).map_err(RealError::io("cannot read the gentx", &out))?;
        serde_json::from_str(&text).map_err(|e| RealError::unexpected("gentx", e))
    }

    /// Settings that stay: pace, limits that let an 800 kB contract through, indexer.
    fn set_pace(&self, spec: &ChainSpec) -> Result<(), RealError> {
        let block = quoted(format!("{}ms", spec.block.as_millis()));
        settings::change(
            &self.config("config.toml"),
            &[
                ("rpc", "pprof_laddr", quoted("")),
                ("rpc", "max_body_bytes", "10000000".into()),
                ("mempool", "max_tx_bytes", "4194304".into()),
                ("consensus", "timeout_propose", block.clone()),
                ("consensus", "timeout_commit", block),
                ("tx_index", "indexer", quoted("kv")),
            ],
        )?;
        settings::change(
            &self.config("app.toml"),
            &[
                ("", "minimum-gas-prices", quoted(format!("0{}", spec.denom))),
                ("api", "enable", "false".into()),
                ("grpc-web", "enable", "false".into()),
            ],
        )
    }

    fn set_ports(&self, rpc: u16, p2p: u16, grpc: u16) -> Result<(), RealError> {
        let tcp = |port: u16| quoted(format!("tcp://127.0.0.1:{port}"));
        settings::change(
            &self.config("config.toml"),
            &[("rpc", "laddr", tcp(rpc)), ("p2p", "laddr", tcp(p2p))],
        )?;
        settings::change(
            &self.config("app.toml"),
            &[("grpc", "address", quoted(format!("127.0.0.1:{grpc}")))],
        )
    }

    fn call(&self, args: &[&str], input: &str) -> Result<(), RealError> {
        let output = run(Command::new(&self.program).args(args).env("HOME", &self.dir), input)
            .map_err(RealError::io("cannot start wasmd", &self.program))?;
        if output.status.success() {
            return Ok(());
        }
        let shown = args.iter().take(3).copied().collect::<Vec<_>>().join(" ");
        Err(RealError::Command { command: format!("wasmd {shown}"), output: last_lines(&output) })
    }
}

/// Runs a short command with some input.
pub(super) fn run(command: &mut Command, input: &str) -> std::io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that wants no input may have closed its end; its exit status tells more than this error.
        let _ = writeln!(stdin, "{input}");
    }
    child.wait_with_output()
}

/// The last lines of what a command printed, errors first.
pub(super) fn last_lines(output: &Output) -> String {
    let text = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}
