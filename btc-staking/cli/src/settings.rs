//! What the configuration means.

use crate::command::Answer;
use anyhow::{Context, Result, bail};
use bitcoin::Network;
use serde::Deserialize;
use serde_json::json;
use staker::seed::Seed;
use staking_clients::bitcoin::Auth;
use staking_clients::cosmos::{ChainKey, GasPrice};
use staking_clients::private::read_private;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const EXAMPLE: &str = r#"# mesh-btc: a holder's wallet and stakes. Paths are relative to this folder.
network = "regtest"              # mainnet | testnet | signet | regtest

[bitcoin]
rpc = "http://127.0.0.1:18443"
cookie_file = ".cookie"

[hub]
rpc = "http://127.0.0.1:26657"
prefix = "mesh"
denom = "umesh"
staking = "mesh1..."             # address of btc-staking
account_file = "account.key"     # 64 hex digits or words, mode 0600; owns the stake on the hub
gas = 5000000
gas_price_milli = 25

[fees]
max_rate_sat_vb = 150            # never pay more than this
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    network: String,
    bitcoin: Bitcoin,
    hub: Hub,
    #[serde(default)]
    fees: Fees,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bitcoin {
    rpc: String,
    cookie_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hub {
    rpc: String,
    prefix: String,
    denom: String,
    staking: String,
    account_file: PathBuf,
    gas: u64,
    gas_price_milli: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fees {
    max_rate_sat_vb: u64,
}

impl Default for Fees {
    fn default() -> Self {
        Self { max_rate_sat_vb: 150 }
    }
}

/// The holder's settings.
pub(crate) struct Settings {
    home: PathBuf,
    config: Config,
    pub(crate) network: Network,
}

impl Settings {
    pub(crate) fn load(home: &Path) -> Result<Self> {
        let path = home.join("config.toml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}; make one with `mesh-btc init`", path.display()))?;
        let config: Config = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        let network = match config.network.as_str() {
            "mainnet" => Network::Bitcoin,
            "testnet" => Network::Testnet,
            "signet" => Network::Signet,
            "regtest" => Network::Regtest,
            other => bail!("`{other}` is no network; write mainnet, testnet, signet or regtest"),
        };
        Ok(Self { home: home.to_owned(), config, network })
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.home.join("mesh-btc.sqlite")
    }

    fn words_file(&self) -> PathBuf {
        self.home.join("words")
    }

    pub(crate) fn bitcoin_rpc(&self) -> &str {
        &self.config.bitcoin.rpc
    }

    pub(crate) fn bitcoin_auth(&self) -> Auth {
        let file = self.config.bitcoin.cookie_file.as_ref();
        file.map_or(Auth::None, |file| Auth::Cookie(self.home.join(file)))
    }

    pub(crate) fn hub_rpc(&self) -> &str {
        &self.config.hub.rpc
    }

    pub(crate) fn staking(&self) -> &str {
        &self.config.hub.staking
    }

    pub(crate) fn gas(&self) -> (u64, GasPrice) {
        let hub = &self.config.hub;
        (hub.gas, GasPrice { denom: hub.denom.clone(), milli: hub.gas_price_milli })
    }

    /// Highest fee rate, satoshi per 1 000 virtual bytes.
    pub(crate) fn max_rate_kvb(&self) -> u64 {
        self.config.fees.max_rate_sat_vb.saturating_mul(1000)
    }

    pub(crate) fn account(&self) -> Result<ChainKey> {
        let hub = &self.config.hub;
        Ok(ChainKey::from_file(&self.home.join(&hub.account_file), &hub.prefix)?)
    }

    pub(crate) fn seed(&self) -> Result<Seed> {
        if !self.words_file().exists() {
            bail!("there is no wallet in {}; make one with `mesh-btc wallet new`", self.home.display());
        }
        Ok(Seed::from_words(read_private(&self.words_file())?.trim(), self.network)?)
    }

    /// Keeps the words of a new wallet, refusing to replace others.
    pub(crate) fn keep_words(&self, words: &str) -> Result<()> {
        Seed::from_words(words, self.network)?;
        let path = self.words_file();
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(
                || format!("cannot make {} (a wallet that is there is never replaced)", path.display()),
            )?;
        file.write_all(words.as_bytes())?;
        Ok(file.sync_all()?)
    }
}

/// Makes the folder and its configuration.
pub(crate) fn init(home: &Path) -> Result<Answer> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(home)?;
    let path = home.join("config.toml");
    if path.exists() {
        bail!("{} is there already; it was not touched", path.display());
    }
    fs::write(&path, EXAMPLE).with_context(|| format!("cannot write {}", path.display()))?;
    let config = path.display().to_string();
    let text = format!("wrote {config}; fill in addresses; next: `mesh-btc wallet new`");
    Ok(Answer { schema: "mesh-btc/init/1", data: json!({"config": config}), text })
}
