//! What the configuration means.

use crate::args::Part;
use anyhow::{Context, Result, bail};
use mesh_bridge::hub::Contracts;
use serde::Deserialize;
use staking_clients::bitcoin::Auth;
use staking_clients::cosmos::{ChainKey, GasPrice};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EXAMPLE: &str = r#"# mesh-bridge: relayer, watchtower, finality provider. It holds a gas key only. Paths are relative to this folder.
parts = ["headers", "tracker", "slasher"]     # add "fp" where a finality provider runs
poll_seconds = 5

[bitcoin]
rpc = "http://127.0.0.1:8332"                 # with a transaction index (-txindex=1)
cookie_file = ".cookie"
scan_from = 1                                 # first height where a stake may have been spent

[hub]
rpc = "http://127.0.0.1:26657"
prefix = "mesh"
denom = "umesh"
account_file = "account.key"                  # 64 hex digits or words, mode 0600
gas = 5000000
gas_price_milli = 25
light_client = "mesh1..."
staking = "mesh1..."
finality = "mesh1..."

[headers]
batch_max = 100
max_fork = 5                                  # below the light client's k; deeper needs a human

# [fp]
# signer = "../mesh-signer/signer.sock"
# ahead = 50000                               # heights of randomness kept ahead
# batch = 50000                               # heights in one commitment
# vote_batch_max = 100
# [[fp.consumers]]
# rpc = ["http://127.0.0.1:26657"]            # all must agree on a block before it is voted for
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) parts: Vec<Part>,
    #[serde(default = "five")]
    poll_seconds: u64,
    pub(crate) bitcoin: Bitcoin,
    pub(crate) hub: Hub,
    #[serde(default)]
    pub(crate) headers: Headers,
    pub(crate) fp: Option<Fp>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bitcoin {
    pub(crate) rpc: String,
    cookie_file: Option<PathBuf>,
    #[serde(default = "one")]
    pub(crate) scan_from: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hub {
    pub(crate) rpc: String,
    prefix: String,
    denom: String,
    account_file: PathBuf,
    pub(crate) gas: u64,
    gas_price_milli: u64,
    light_client: String,
    staking: String,
    finality: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Headers {
    pub(crate) batch_max: u32,
    pub(crate) max_fork: u32,
}

impl Default for Headers {
    fn default() -> Self {
        Self { batch_max: 100, max_fork: 5 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fp {
    pub(crate) signer: PathBuf,
    pub(crate) ahead: u64,
    pub(crate) batch: u64,
    #[serde(default = "hundred")]
    pub(crate) vote_batch_max: usize,
    #[serde(default)]
    pub(crate) consumers: Vec<FpConsumer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FpConsumer {
    pub(crate) rpc: Vec<String>,
}

fn one() -> u32 {
    1
}

fn five() -> u64 {
    5
}

fn hundred() -> usize {
    100
}

impl Config {
    pub(crate) fn load(home: &Path) -> Result<Self> {
        let path = home.join("config.toml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; make one with `mesh-bridge init`", path.display()))?;
        let mut config: Self = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        config.hub.account_file = home.join(&config.hub.account_file);
        config.bitcoin.cookie_file = config.bitcoin.cookie_file.map(|file| home.join(file));
        if let Some(fp) = &mut config.fp {
            fp.signer = home.join(&fp.signer);
        }
        Ok(config)
    }

    pub(crate) fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_seconds.max(1))
    }
}

impl Bitcoin {
    pub(crate) fn auth(&self) -> Auth {
        self.cookie_file.clone().map_or(Auth::None, Auth::Cookie)
    }
}

impl Hub {
    pub(crate) fn contracts(&self) -> Contracts {
        Contracts {
            light_client: self.light_client.clone(),
            staking: self.staking.clone(),
            finality: self.finality.clone(),
        }
    }

    pub(crate) fn price(&self) -> GasPrice {
        GasPrice { denom: self.denom.clone(), milli: self.gas_price_milli }
    }

    pub(crate) fn account(&self) -> Result<ChainKey> {
        Ok(ChainKey::from_file(&self.account_file, &self.prefix)?)
    }
}

/// Makes the folder and its configuration.
pub(crate) fn init(home: &Path) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    let path = home.join("config.toml");
    if path.exists() {
        bail!("{} is there already; it was not touched", path.display());
    }
    fs::write(&path, EXAMPLE).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("wrote {}; fill in addresses and run `mesh-bridge status`", path.display());
    Ok(())
}
