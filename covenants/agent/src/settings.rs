//! What the configuration means.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use staking_clients::ClientError;
use staking_clients::cosmos::{ChainKey, GasPrice};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EXAMPLE: &str = r#"# mesh-covenant: the agent of one covenant member. Keys that pre-sign are in mesh-signer, not here.
# Paths are relative to this folder.
signer = "../mesh-signer/signer.sock"
poll_seconds = 5

[hub]
rpc = "http://127.0.0.1:26657"
prefix = "mesh"
staking = "mesh1..."            # address of btc-staking
account_file = "account.key"    # 64 hex digits or 12-24 words, mode 0600; pays for gas only
gas = 1500000                   # limit of one message
gas_price_milli = 25            # thousandths of a base unit
denom = "umesh"
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    signer: PathBuf,
    #[serde(default = "five")]
    poll_seconds: u64,
    hub: Hub,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hub {
    rpc: String,
    prefix: String,
    staking: String,
    account_file: PathBuf,
    gas: u64,
    gas_price_milli: u64,
    denom: String,
}

fn five() -> u64 {
    5
}

/// The agent's settings.
pub(crate) struct Settings {
    home: PathBuf,
    account_file: PathBuf,
    prefix: String,
    price: GasPrice,
    pub(crate) rpc: String,
    pub(crate) staking: String,
    pub(crate) signer: PathBuf,
    pub(crate) gas: u64,
    pub(crate) poll: Duration,
}

impl Settings {
    pub(crate) fn load(home: &Path) -> Result<Self> {
        let path = home.join("config.toml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; make one with `mesh-covenant init`", path.display()))?;
        let Config { signer, poll_seconds, hub } =
            toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        Ok(Self {
            home: home.to_owned(),
            account_file: home.join(hub.account_file),
            prefix: hub.prefix,
            price: GasPrice { denom: hub.denom, milli: hub.gas_price_milli },
            rpc: hub.rpc,
            staking: hub.staking,
            signer: home.join(signer),
            gas: hub.gas,
            poll: Duration::from_secs(poll_seconds.max(1)),
        })
    }

    pub(crate) fn refusals_file(&self) -> PathBuf {
        self.home.join("refusals.redb")
    }

    pub(crate) fn gas_price(&self) -> GasPrice {
        self.price.clone()
    }

    pub(crate) fn account(&self) -> Result<ChainKey> {
        Ok(ChainKey::from_file(&self.account_file, &self.prefix)?)
    }
}

pub(crate) fn init(home: &Path) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    let path = home.join("config.toml");
    if path.exists() {
        bail!("{} is there already; it was not touched", path.display());
    }
    fs::write(&path, EXAMPLE).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("wrote {}; fill in the contract's address and run `mesh-covenant run`", path.display());
    Ok(())
}

/// Exit codes as all our programs use them: 4 unreachable, 5 refused by the chain, 3 configuration.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<ClientError>() {
        Some(e) if e.is_transient() => 4,
        Some(_) => 5,
        None => 3,
    }
}
