//! A mesh of embedded chains: vaults, and pairings from a vault to a consumer chain, deployed as an operator would.
//!
//! Any number of chains in any shape: both ways between two, a ring with its diagonals, a hub with spokes, several
//! vaults of several kinds behind one consumer. What happens is decided by the contracts alone; this sends messages,
//! relays packets and asks. btc-staking and btc-finality are played by accounts, so that bitcoin can come and go.

mod act;
mod ask;

pub use ask::Security;

use crate::chain::{Chain, ChainConfig, ChainError, ContractSet, DevAccount, GenesisValidator, MeshSecurity};
use crate::clock::Clock;
use crate::ibc::{Connection, IbcError, Relay};
use cosmwasm_std::{IbcOrder, to_json_binary};
use serde_json::{Value, json};
use staking_api::mesh::converter::ConfigResponse as ConverterConfig;
use staking_api::mesh::vault::ConfigResponse as VaultConfig;
use std::sync::Arc;

/// Time of the first block, seconds.
pub const START: u64 = 1_800_000_000;
/// What every named account has at the beginning.
const FUNDS: u128 = 1_000_000_000_000_000;

/// Why a step of a mesh failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeshError {
    /// A chain or contract refused.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The relay could not go on.
    #[error(transparent)]
    Ibc(#[from] IbcError),
    /// A packet, acknowledgement or timeout that a chain keeps refusing.
    #[error("stuck in the relay: {0}")]
    Stuck(String),
    /// No chain, vault, pairing or validator of that number.
    #[error("there is no {0} {1}")]
    Missing(&'static str, usize),
    /// A message that does not serialise.
    #[error("message: {0}")]
    Message(#[from] cosmwasm_std::StdError),
}

type Result<T> = std::result::Result<T, MeshError>;

/// A chain to be.
#[derive(Clone, Debug)]
pub struct ChainSpec {
    /// Chain id.
    pub id: String,
    /// Address prefix.
    pub prefix: String,
    /// Staking token.
    pub denom: String,
    /// What each validator bonds itself.
    pub validators: Vec<u128>,
    /// Names of accounts with coins.
    pub accounts: Vec<String>,
    /// Whether it has x/meshsecurity, and its epoch in blocks.
    pub module: Option<u64>,
}

impl ChainSpec {
    /// A chain `<name>-1` with prefix `<name>` and token `u<name>`, without x/meshsecurity.
    pub fn named(name: &str, validators: &[u128], accounts: &[&str]) -> Self {
        Self {
            id: format!("{name}-1"),
            prefix: name.to_owned(),
            denom: format!("u{name}"),
            validators: validators.to_vec(),
            accounts: accounts.iter().map(|a| (*a).to_owned()).collect(),
            module: None,
        }
    }
}

/// A chain of the mesh.
#[derive(Clone)]
pub struct Member {
    /// The chain.
    pub chain: Chain,
    /// The account that stands for its governance.
    pub gov: String,
    /// Blocks of an epoch of x/meshsecurity, if it has that.
    pub epoch_blocks: Option<u64>,
}

/// What kind of collateral a vault keeps.
#[derive(Clone, Debug)]
pub enum VaultKind {
    /// The chain's own token; with the contract that stakes it on its own chain.
    Native {
        /// native-staking.
        local_staking: String,
    },
    /// Bitcoin, as these accounts report it.
    Bitcoin {
        /// Plays btc-staking.
        staking: String,
        /// Plays btc-finality.
        finality: String,
    },
    /// Tokens elsewhere, attested by a threshold of accounts.
    Attested {
        /// Who attests; two are enough.
        attesters: Vec<String>,
    },
}

/// A vault.
#[derive(Clone, Debug)]
pub struct Vault {
    /// Its chain.
    pub home: usize,
    /// Its address.
    pub address: String,
    /// Its collateral.
    pub denom: String,
    /// Its kind.
    pub kind: VaultKind,
}

/// A vault's collateral at work on a chain.
#[derive(Clone)]
pub struct Pairing {
    /// The vault.
    pub vault: usize,
    /// The chain that is secured.
    pub consumer: usize,
    /// Lien holder on the provider chain.
    pub external: String,
    /// On the consumer.
    pub feed: String,
    /// On the consumer.
    pub converter: String,
    /// On the consumer.
    pub virtual_staking: String,
    /// Whether power comes from a treasury, and epochs when somebody asks for them.
    pub treasury: bool,
    /// Consumer first.
    pub connection: Connection,
}

/// Terms of a pairing; decimals as text.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Consumer tokens for one provider token, base units.
    pub price: String,
    /// Taken off that price.
    pub discount: String,
    /// Share a double sign costs.
    pub double_sign: String,
    /// Share an absence costs.
    pub offline: String,
    /// Seconds.
    pub unbonding_s: u64,
    /// Limits of virtual-staking, as its messages have them; with x/meshsecurity only `max_cap` counts.
    pub limits: Value,
    /// Native tokens lent as power (treasury), or `None`: x/meshsecurity mints.
    pub treasury: Option<u128>,
    /// `zero` or `inherit`.
    pub gov_weight: String,
}

impl Default for Terms {
    /// Price 1, no discount, 10 % and 1 %, a treasury and a cap beyond all need.
    fn default() -> Self {
        Self {
            price: "1".into(),
            discount: "0".into(),
            double_sign: "0.1".into(),
            offline: "0.01".into(),
            unbonding_s: 1000,
            limits: json!({ "max_cap": "1000000000000000" }),
            treasury: Some(1_000_000_000_000_000),
            gov_weight: "inherit".into(),
        }
    }
}

/// The mesh.
pub struct Mesh {
    /// Time of all chains.
    pub clock: Clock,
    /// Carries their packets.
    pub relay: Relay,
    /// The chains.
    pub members: Vec<Member>,
    /// The vaults.
    pub vaults: Vec<Vault>,
    /// The pairings.
    pub pairings: Vec<Pairing>,
    contracts: ContractSet,
}

/// The address of a named account.
///
/// # Errors
/// When the prefix makes no address.
pub fn account(name: &str, prefix: &str) -> Result<String> {
    Ok(DevAccount::from_seed(0, name).address(prefix)?)
}

impl Mesh {
    /// No chains yet; `seed` is for the faults the relay may be given.
    pub fn new(seed: u64, contracts: ContractSet) -> Self {
        let clock = Clock::manual(START);
        Self { clock, relay: Relay::new(seed), members: vec![], vaults: vec![], pairings: vec![], contracts }
    }

    /// Starts a chain.
    ///
    /// # Errors
    /// When the chain refuses.
    pub fn add_chain(&mut self, spec: &ChainSpec) -> Result<usize> {
        let validator = |(n, bond): (usize, &u128)| GenesisValidator {
            moniker: format!("validator-{}", n + 1),
            self_bond: *bond,
            commission_percent: 5,
        };
        let mut config = ChainConfig::new(&spec.id, &spec.prefix, &spec.denom)
            .validators(spec.validators.iter().enumerate().map(validator).collect())
            .contracts(self.contracts.clone())
            .clock(self.clock.clone())
            .rpc_port(None);
        if let Some(epoch) = spec.module {
            config = config.custom(Arc::new(MeshSecurity::new(&spec.prefix, &spec.denom, epoch)));
        }
        let gov = account("gov", &spec.prefix)?;
        for name in spec.accounts.iter().map(String::as_str).chain(["gov"]) {
            config = config.fund(&account(name, &spec.prefix)?, FUNDS);
        }
        self.members.push(Member { chain: Chain::start(config)?, gov, epoch_blocks: spec.module });
        Ok(self.members.len() - 1)
    }

    /// A chain of the mesh.
    ///
    /// # Errors
    /// [`MeshError::Missing`].
    pub fn member(&self, n: usize) -> Result<&Member> {
        self.members.get(n).ok_or(MeshError::Missing("chain", n))
    }

    /// A vault of the mesh.
    ///
    /// # Errors
    /// [`MeshError::Missing`].
    pub fn vault(&self, n: usize) -> Result<&Vault> {
        self.vaults.get(n).ok_or(MeshError::Missing("vault", n))
    }

    /// A pairing of the mesh.
    ///
    /// # Errors
    /// [`MeshError::Missing`].
    pub fn pairing(&self, n: usize) -> Result<&Pairing> {
        self.pairings.get(n).ok_or(MeshError::Missing("pairing", n))
    }

    fn made(&mut self, vault: Vault) -> usize {
        self.vaults.push(vault);
        self.vaults.len() - 1
    }

    fn make<M: serde::Serialize>(&self, home: usize, name: &str, msg: &M) -> Result<String> {
        let at = self.member(home)?;
        let code = at.chain.store(name)?;
        Ok(at.chain.instantiate(&at.gov, code, msg, name, &[])?)
    }

    /// A vault of a chain's own token, staked on that chain too; a fault there costs `slash` (decimal text).
    ///
    /// # Errors
    /// When a contract refuses.
    pub fn native_vault(&mut self, home: usize, slash: &str) -> Result<usize> {
        let at = self.member(home)?.clone();
        let denom = at.chain.denom().to_owned();
        let [native, proxy] = ["native-staking", "native-staking-proxy"].map(|n| at.chain.store(n));
        let local = json!({ "denom": denom, "proxy_code_id": proxy?, "slash_ratio_dsign": slash,
            "slash_ratio_offline": "0.01" });
        let init = json!({ "denom": denom, "local_staking": { "admin": null, "code_id": native?,
            "msg": to_json_binary(&local)?, "label": null } });
        let address = self.make(home, "mesh-vault", &init)?;
        let config: VaultConfig = at.chain.query(&address, &json!({ "config": {} }))?;
        let local_staking = config.local_staking.ok_or(MeshError::Missing("local staking", home))?;
        Ok(self.made(Vault { home, address, denom, kind: VaultKind::Native { local_staking } }))
    }

    /// A vault of bitcoin with this policy.
    ///
    /// # Errors
    /// When the contract refuses.
    pub fn bitcoin_vault(&mut self, home: usize, policy: &Value) -> Result<usize> {
        let at = self.member(home)?.clone();
        let (staking, finality) =
            (account("btc-staking", at.chain.prefix())?, account("btc-finality", at.chain.prefix())?);
        let init = json!({ "denom": "sat", "btc_staking": staking, "btc_finality": finality, "owner": at.gov,
            "policy": policy });
        let address = self.make(home, "btc-vault", &init)?;
        let kind = VaultKind::Bitcoin { staking, finality };
        Ok(self.made(Vault { home, address, denom: "sat".into(), kind }))
    }

    /// A vault of tokens of some other chain, attested by two of three accounts.
    ///
    /// # Errors
    /// When the contract refuses.
    pub fn attested_vault(&mut self, home: usize, denom: &str) -> Result<usize> {
        let at = self.member(home)?.clone();
        let mut attesters = Vec::new();
        for n in 1..=3 {
            attesters.push(account(&format!("attester-{n}"), at.chain.prefix())?);
        }
        let init = json!({ "denom": denom, "attesters": attesters, "threshold": 2, "owner": at.gov });
        let address = self.make(home, "custody-example", &init)?;
        Ok(self.made(Vault { home, address, denom: denom.into(), kind: VaultKind::Attested { attesters } }))
    }

    /// Puts a vault's collateral to work on a chain: contracts on both sides, channel, first valset.
    ///
    /// # Errors
    /// When a contract refuses, or the handshake fails.
    pub fn pair(&mut self, vault: usize, consumer: usize, terms: &Terms) -> Result<usize> {
        let from = self.vault(vault)?.clone();
        let (provider, at) = (self.member(from.home)?.clone(), self.member(consumer)?.clone());
        let feed = json!({ "native_per_foreign": terms.price, "owner": at.gov });
        let feed = self.make(consumer, "price-feed", &feed)?;
        let (converter, virtual_staking) = self.consumer_side(&at, &from.denom, &feed, terms)?;
        let connection = self.relay.connect(&at.chain, &provider.chain)?;
        let init = json!({
            "denom": from.denom, "rewards_denom": at.chain.denom(), "vault": from.address,
            "unbonding_period": terms.unbonding_s, "admin": provider.gov,
            "remote_contact": { "connection_id": connection.on_b, "port_id": format!("wasm.{converter}") },
            "slash_ratio": { "double_sign": terms.double_sign, "offline": terms.offline },
        });
        let external = self.make(from.home, "external-staking", &init)?;
        let ports = (format!("wasm.{converter}"), format!("wasm.{external}"));
        self.relay.open_channel(&connection, &ports.0, &ports.1, IbcOrder::Unordered, "")?;
        if let Some(admit) = admission(&from.kind, at.chain.chain_id(), &external, &terms.double_sign) {
            provider.chain.execute(&provider.gov, &from.address, &admit, &[])?;
        }
        let treasury = terms.treasury.is_some();
        let made =
            Pairing { vault, consumer, external, feed, converter, virtual_staking, treasury, connection };
        self.pairings.push(made);
        self.run()?;
        Ok(self.pairings.len() - 1)
    }

    fn consumer_side(&self, at: &Member, denom: &str, feed: &str, terms: &Terms) -> Result<(String, String)> {
        let virtual_code = at.chain.store("virtual-staking")?;
        let treasury = terms.treasury.map(|_| {
            json!({ "owner": at.gov, "limits": terms.limits, "min_epoch_s": 60, "gov_weight": terms.gov_weight })
        });
        let init = json!({
            "price_feed": feed, "discount": terms.discount, "remote_denom": denom, "owner": at.gov,
            "virtual_staking_code_id": virtual_code, "tombstoned_unbond_enable": true, "admin": null,
            "max_retrieve": 50, "treasury": treasury,
        });
        let code = at.chain.store("converter")?;
        let converter = at.chain.instantiate(&at.gov, code, &init, "converter", &[])?;
        let config: ConverterConfig = at.chain.query(&converter, &json!({ "config": {} }))?;
        match terms.treasury {
            Some(coins) => at.chain.mint(&config.virtual_staking, coins, at.chain.denom())?,
            None => at.chain.set_virtual_cap(&config.virtual_staking, max_cap(&terms.limits))?,
        }
        Ok((converter, config.virtual_staking))
    }
}

fn max_cap(limits: &Value) -> u128 {
    limits["max_cap"].as_str().and_then(|t| t.parse().ok()).unwrap_or_default()
}

/// The message that admits a consumer, for vaults that want one.
fn admission(kind: &VaultKind, chain_id: &str, external: &str, slash: &str) -> Option<Value> {
    let consumer = |cap: (&str, Value)| {
        let mut fields = json!({ "consumer": chain_id, "external_staking": external, "slash_dsign": slash });
        fields[cap.0] = cap.1;
        fields
    };
    match kind {
        VaultKind::Native { .. } => None,
        VaultKind::Bitcoin { .. } => {
            let mut fields = consumer(("cap_sat", json!(2_100_000_000_000_000u64)));
            fields["paused"] = json!(false);
            Some(json!({ "set_consumer": fields }))
        }
        VaultKind::Attested { .. } => {
            Some(json!({ "set_consumer": consumer(("cap", json!("1000000000000000"))) }))
        }
    }
}
