//! `mesh-devnet up` and the programs configured for it.

use crate::process::{Process, Tool, private, program};
use serde_json::{Value, json};
use staking_api::finality::{Consumer, ProviderInfo, QueryMsg};
use staking_clients::bitcoin::{Auth, Bitcoind};
use staking_clients::cosmos::{Rpc, smart_query};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Where everything is.
pub(crate) struct World {
    pub(crate) at: Value,
    pub(crate) bitcoin: Bitcoind,
    pub(crate) hub: Rpc,
    dir: PathBuf,
}

impl World {
    /// Reads what `up` printed; programs get their folders in `dir`.
    pub(crate) fn read(line: &str, dir: &Path) -> Self {
        let said: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&said["schema"], &said["ok"]), (&json!("mesh-devnet/up/1"), &json!(true)), "{said}");
        let at = said["data"].clone();
        let cookie = Auth::Cookie(text(&at, "MESH_BITCOIN_COOKIE").into());
        let bitcoin = Bitcoind::new(text(&at, "MESH_BITCOIN_RPC"), &cookie).unwrap();
        let hub = Rpc::new(text(&at, "MESH_HUB_RPC"));
        Self { at, bitcoin, hub, dir: dir.to_owned() }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        text(&self.at, name)
    }

    /// A file that `up` wrote.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        Path::new(self.get("MESH_DEVNET_DIR")).join(name)
    }

    pub(crate) fn mine(&self, blocks: u32, address: &str) {
        self.bitcoin.call("generatetoaddress", json!([blocks, address])).unwrap();
    }

    /// The chains whose blocks are voted for.
    pub(crate) fn chains(&self) -> [&str; 2] {
        ["MESH_HUB_CHAIN_ID", "MESH_CONSUMER_CHAIN_ID"].map(|name| self.get(name))
    }

    /// What the hub's finality contract says of a chain.
    pub(crate) fn finality(&self, chain: &str) -> Consumer {
        let query = QueryMsg::Consumer { id: chain.to_owned() };
        let found: Option<Consumer> = smart_query(&self.hub, self.get("MESH_FINALITY"), &query).unwrap();
        found.expect("`up` registers both chains")
    }

    /// Whether a provider has committed randomness for a chain's blocks.
    pub(crate) fn committed(&self, fp: &str, chain: &str) -> bool {
        let query = QueryMsg::Provider { consumer: chain.to_owned(), fp_pk: fp.parse().unwrap() };
        let found: Option<ProviderInfo> = smart_query(&self.hub, self.get("MESH_FINALITY"), &query).unwrap();
        found.and_then(|provider| provider.committed_until).is_some()
    }

    /// A signer with an imported key, ready to run.
    pub(crate) fn signer(&self, name: &str, role: &str, key: &str) -> Tool {
        let tool = Tool::new("mesh-signer", self.dir.join(name));
        tool.run(&["init", "--role", role]);
        private(&tool.home.join("passphrase"), "a test guards nothing\n");
        let config = fs::read_to_string(tool.home.join("config.toml")).unwrap();
        tool.configure(&format!("passphrase_file = {:?}\n{config}", tool.home.join("passphrase")));
        let key = self.file(&format!("accounts/{key}.key"));
        tool.run(&["keys", "import", key.to_str().unwrap()]);
        if role == "covenant" {
            let params = self.file("params-0.json");
            tool.run(&["policy", "add-params", "--param-version", "0", params.to_str().unwrap()]);
        }
        tool
    }

    /// The agent of a covenant member.
    pub(crate) fn agent(&self, number: usize, signer: &Tool) -> Tool {
        let tool = Tool::new("mesh-covenant", self.dir.join(format!("agent{number}")));
        tool.run(&["init"]);
        let hub = self.hub_section(&format!("covenant{number}"));
        let staking = self.get("MESH_STAKING");
        let socket = signer.home.join("signer.sock");
        tool.configure(&format!("signer = {socket:?}\npoll_seconds = 1\n{hub}staking = {staking:?}\n"));
        tool
    }

    /// A bridge that works for `account`, with a Bitcoin node as `bitcoin` says; `more` is added to its configuration.
    pub(crate) fn bridge(&self, name: &str, account: &str, bitcoin: &str, more: &str) -> Tool {
        let tool = Tool::new("mesh-bridge", self.dir.join(name));
        tool.run(&["init"]);
        let (hub, staking) = (self.hub_section(account), self.get("MESH_STAKING"));
        let (light_client, finality) = (self.get("MESH_LIGHT_CLIENT"), self.get("MESH_FINALITY"));
        tool.configure(&format!(
            "parts = [\"headers\", \"tracker\", \"slasher\"]\npoll_seconds = 1\n{bitcoin}{hub}\
             light_client = {light_client:?}\nstaking = {staking:?}\nfinality = {finality:?}\n{more}"
        ));
        tool
    }

    /// A holder with a new wallet.
    pub(crate) fn holder(&self, account: &str) -> Tool {
        let tool = Tool::new("mesh-btc", self.dir.join("holder"));
        tool.run(&["init"]);
        let (bitcoin, hub) = (self.bitcoin_section(), self.hub_section(account));
        let staking = self.get("MESH_STAKING");
        tool.configure(&format!("network = \"regtest\"\n{bitcoin}{hub}staking = {staking:?}\n"));
        tool.run(&["wallet", "new"]);
        tool
    }

    pub(crate) fn bitcoin_section(&self) -> String {
        let (rpc, cookie) = (self.get("MESH_BITCOIN_RPC"), self.get("MESH_BITCOIN_COOKIE"));
        format!("[bitcoin]\nrpc = {rpc:?}\ncookie_file = {cookie:?}\n")
    }

    fn hub_section(&self, account: &str) -> String {
        let (rpc, prefix) = (self.get("MESH_HUB_RPC"), self.get("MESH_HUB_PREFIX"));
        let denom = self.get("MESH_HUB_DENOM");
        let account = self.file(&format!("accounts/{account}.key"));
        format!(
            "[hub]\nrpc = {rpc:?}\nprefix = {prefix:?}\ndenom = {denom:?}\naccount_file = {account:?}\n\
             gas = 20000000\ngas_price_milli = 0\n"
        )
    }
}

fn text<'a>(at: &'a Value, name: &str) -> &'a str {
    at[name].as_str().unwrap_or_else(|| panic!("`up` did not print {name}"))
}

/// Starts the world.
pub(crate) fn up(dir: &Path) -> (Process, World) {
    let log = dir.join("up.log");
    let mut process = Process::of(
        std::process::Command::new(program("mesh-devnet"))
            .args(["up", "--json", "--seed", "11"])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(File::create(&log).unwrap()),
        log,
    );
    let line = process.first_line(120);
    let world = World::read(&line, dir);
    (process, world)
}
