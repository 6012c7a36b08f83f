//! The IBC relayer hermes between two wasmd chains.
//!
//! Clients, a connection and channels are made by its commands; then it runs and relays whatever it sees, packets sent
//! before its start included. Its keys and settings live in a folder of the suite, never in the user's home.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::RealError;
use super::ports::with_free_ports;
use super::process::{Process, Spec};
use super::programs::Program;
use super::wait::until_ready;
use super::wasmd::{PREFIX, RELAYER, Wasmd, last_lines, run};

const START_LIMIT: Duration = Duration::from_secs(60);
const KEY: &str = "relayer";

/// How packets of a channel are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One after the other; a timeout closes the channel.
    Ordered,
    /// Each on its own.
    Unordered,
}

impl Order {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Unordered => "unordered",
        }
    }
}

/// Both ends of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The chain from which channels are opened.
    pub a_chain: String,
    /// The connection's id there.
    pub a: String,
    /// The connection's id on the other chain.
    pub b: String,
}

/// Both ends of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The channel's id on the chain from which it was opened.
    pub a: String,
    /// The channel's id on the other chain.
    pub b: String,
}

/// A relayer with settings and keys for two chains. It does nothing on its own until [`Hermes::start`].
#[derive(Debug)]
pub struct Hermes {
    program: PathBuf,
    dir: PathBuf,
    chains: String,
}

impl Hermes {
    /// Prepares a relayer in `dir` for two running chains; its account there is [`RELAYER`].
    ///
    /// # Errors
    /// [`RealError`]: the program is missing, a file cannot be written, or a key cannot be added.
    pub fn new(dir: &Path, a: &Wasmd, b: &Wasmd) -> Result<Self, RealError> {
        let program = Program::Hermes.find()?;
        fs::create_dir_all(dir).map_err(RealError::io("cannot make the relayer's folder", dir))?;
        let chains = chain_settings(a, dir) + &chain_settings(b, dir);
        let hermes = Self { program, dir: dir.to_owned(), chains };
        hermes.write_settings(None)?;
        let words = dir.join("words");
        fs::write(&words, RELAYER.0).map_err(RealError::io("cannot write the relayer's words", &words))?;
        let words = words.display().to_string();
        for chain in [a, b] {
            hermes.call(&[
                "keys",
                "add",
                "--overwrite",
                "--chain",
                chain.chain_id(),
                "--key-name",
                KEY,
                "--mnemonic-file",
                &words,
            ])?;
        }
        Ok(hermes)
    }

    /// Returns the settings file, for commands of hermes that somebody else runs.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.dir.join("config.toml")
    }

    fn write_settings(&self, rest_port: Option<u16>) -> Result<(), RealError> {
        let file = self.settings_file();
        let text = global_settings(rest_port) + &self.chains;
        fs::write(&file, text).map_err(RealError::io("cannot write the relayer's settings", file))
    }

    /// Makes a client of each chain on the other and a connection over them.
    ///
    /// # Errors
    /// [`RealError::Command`] with what hermes said.
    pub fn connect(&self, a: &Wasmd, b: &Wasmd) -> Result<Connection, RealError> {
        let result =
            self.call(&["create", "connection", "--a-chain", a.chain_id(), "--b-chain", b.chain_id()])?;
        let (near, far) = ends(&result, "connection_id")?;
        Ok(Connection { a_chain: a.chain_id().into(), a: near, b: far })
    }

    /// Opens a channel over a connection between two ports, to the end of the handshake.
    ///
    /// # Errors
    /// [`RealError::Command`] with what hermes said (a contract's refusal included).
    pub fn open_channel(
        &self,
        connection: &Connection,
        [a_port, b_port]: [&str; 2],
        order: Order,
        version: &str,
    ) -> Result<Channel, RealError> {
        let result = self.call(&[
            "create",
            "channel",
            "--a-chain",
            &connection.a_chain,
            "--a-connection",
            &connection.a,
            "--a-port",
            a_port,
            "--b-port",
            b_port,
            "--order",
            order.as_str(),
            "--channel-version",
            version,
        ])?;
        let (a, b) = ends(&result, "channel_id")?;
        Ok(Channel { a, b })
    }

    /// Starts relaying. Dropping the process stops it.
    ///
    /// # Errors
    /// [`RealError`]: it ended or did not come up in time.
    pub fn start(&self) -> Result<Process, RealError> {
        with_free_ports(|[port]| {
            self.write_settings(Some(port))?;
            let spec = Spec::new("hermes", &self.program, self.dir.join("hermes.log"))
                .arg("--config")
                .arg(self.settings_file())
                .arg("start")
                .env("HOME", &self.dir);
            let mut process = Process::spawn(&spec)?;
            let url = format!("http://127.0.0.1:{port}/version");
            until_ready(&mut process, "an answer of its REST service", START_LIMIT, || {
                let quick = Some(Duration::from_secs(5));
                ureq::get(&url).config().timeout_global(quick).build().call().ok()
            })?;
            Ok(process)
        })
    }

    /// Runs a command and returns its result.
    fn call(&self, args: &[&str]) -> Result<Value, RealError> {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.settings_file()).arg("--json").args(args).env("HOME", &self.dir);
        let output = run(&mut command, "").map_err(RealError::io("cannot start hermes", &self.program))?;
        let shown = || format!("hermes {}", args.join(" "));
        let text = String::from_utf8_lossy(&output.stdout);
        // One JSON object a line: log lines, then the one with the outcome.
        let outcome = text
            .lines()
            .rev()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|v| v.get("status").is_some() && v.get("result").is_some());
        match outcome {
            Some(o) if o["status"] == "success" => Ok(o["result"].clone()),
            Some(o) => Err(RealError::Command { command: shown(), output: o["result"].to_string() }),
            None => Err(RealError::Command { command: shown(), output: last_lines(&output) }),
        }
    }
}

/// The ids of both ends in the result of a `create` command.
fn ends(result: &Value, id: &'static str) -> Result<(String, String), RealError> {
    let end = |side: &str| result[side][id].as_str().map(str::to_owned);
    match (end("a_side"), end("b_side")) {
        (Some(a), Some(b)) => Ok((a, b)),
        _ => Err(RealError::unexpected("answer of hermes", result)),
    }
}

fn global_settings(rest_port: Option<u16>) -> String {
    let rest = rest_port.map_or_else(
        || "enabled = false\nhost = '127.0.0.1'\nport = 3000".to_owned(),
        |port| format!("enabled = true\nhost = '127.0.0.1'\nport = {port}"),
    );
    format!(
        "[global]
log_level = 'info'
[mode.clients]
enabled = true
refresh = true
misbehaviour = false
[mode.connections]
enabled = false
[mode.channels]
enabled = true
[mode.packets]
enabled = true
clear_interval = 20
clear_on_start = true
tx_confirmation = false
[rest]
{rest}
[telemetry]
enabled = false
host = '127.0.0.1'
port = 3001
[tracing_server]
enabled = false
port = 5555
"
    )
}

fn chain_settings(chain: &Wasmd, dir: &Path) -> String {
    let mut out = String::from("[[chains]]\n");
    let trusting = chain.unbonding().as_secs() * 2 / 3;
    let mut line = |key: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{key} = {value}");
    };
    line("id", &format!("'{}'", chain.chain_id()));
    line("type", "'CosmosSdk'");
    line("rpc_addr", &format!("'{}'", chain.rpc_url()));
    line("grpc_addr", &format!("'{}'", chain.grpc_url()));
    let events = format!("ws://{}/websocket", chain.rpc_host());
    line("event_source", &format!("{{ mode = 'push', url = '{events}', batch_delay = '100ms' }}"));
    line("rpc_timeout", "'10s'");
    line("trusted_node", "true");
    line("account_prefix", &format!("'{PREFIX}'"));
    line("key_name", &format!("'{KEY}'"));
    line("key_store_type", "'Test'");
    line("key_store_folder", &format!("'{}'", dir.join("keys").display()));
    line("store_prefix", "'ibc'");
    line("default_gas", "1000000");
    line("max_gas", "50000000");
    line("gas_multiplier", "1.5");
    line("gas_price", &format!("{{ price = 0.001, denom = '{}' }}", chain.denom()));
    line("max_msg_num", "20");
    line("max_tx_size", "1000000");
    line("max_block_time", "'10s'");
    line("clock_drift", "'10s'");
    line("trusting_period", &format!("'{trusting}s'"));
    line("trust_threshold", "'2/3'");
    line("address_type", "{ derivation = 'cosmos' }");
    line("compat_mode", "'0.38'");
    out
}
