//! What commands work with: settings, node, hub, store, wallet.

use crate::settings::Settings;
use crate::store_sqlite::Store;
use anyhow::{Context, Result, bail};
use bdk_wallet::rusqlite::Connection;
use bdk_wallet::{PersistedWallet, Wallet};
use staker::seed::Seed;
use staking_api::Txid;
use staking_api::staking::{Delegation, ParamsVersions, QueryMsg, SignaturesOf, VersionedParams};
use staking_clients::bitcoin::{BitcoinSource, Bitcoind};
use staking_clients::cosmos::{Rpc, Writer, smart_query};
use staking_protocol::params::Params;
use zeroize::Zeroizing;

/// An open session.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) node: Bitcoind,
    pub(crate) hub: Rpc,
    pub(crate) store: Store,
}

impl Session {
    pub(crate) fn open(settings: Settings) -> Result<Self> {
        let node = Bitcoind::new(settings.bitcoin_rpc(), &settings.bitcoin_auth())?;
        let hub = Rpc::new(settings.hub_rpc());
        let store = Store::open(&settings.database())?;
        Ok(Self { settings, node, hub, store })
    }

    /// Refuses to work with a node of another network.
    pub(crate) fn check_network(&self) -> Result<()> {
        let found = self.node.chain_info()?.chain;
        let wanted = self.settings.network.to_core_arg();
        if found != wanted {
            bail!(Refused(format!(
                "WRONG_NETWORK: config says {wanted}, the node at {} is {found}. Nothing was sent.",
                self.node.endpoint()
            )));
        }
        Ok(())
    }

    pub(crate) fn writer(&self) -> Result<Writer<'_>> {
        let (gas, price) = self.settings.gas();
        Ok(Writer::new(&self.hub, self.settings.account()?, price, gas)?)
    }

    /// The wallet from its database, made there on first use.
    pub(crate) fn wallet(&self, seed: &Seed) -> Result<(PersistedWallet<Connection>, Connection)> {
        let mut db = Connection::open(self.settings.database())?;
        let (receive, change) = seed.descriptors()?;
        let loaded = Wallet::load()
            .descriptor(bdk_wallet::KeychainKind::External, Some(receive.clone()))
            .descriptor(bdk_wallet::KeychainKind::Internal, Some(change.clone()))
            .check_network(self.settings.network)
            .load_wallet(&mut db)
            .map_err(|e| anyhow::anyhow!("the wallet's data does not fit its words: {e}"))?;
        let wallet = match loaded {
            Some(wallet) => wallet,
            None => Wallet::create(receive, change)
                .network(self.settings.network)
                .create_wallet(&mut db)
                .map_err(|e| anyhow::anyhow!("cannot make the wallet: {e}"))?,
        };
        Ok((wallet, db))
    }

    /// The parameters in force at Bitcoin's tip.
    pub(crate) fn params_now(&self) -> Result<(u32, Params)> {
        let query = QueryMsg::ParamsAt { height: None };
        let found: VersionedParams = smart_query(&self.hub, self.settings.staking(), &query)?;
        Ok((found.version, Params::try_from(&found.params).context("the hub's parameters")?))
    }

    /// The parameters of a version.
    pub(crate) fn params(&self, version: u32) -> Result<Params> {
        let query = QueryMsg::ParamsVersions { start_after: version.checked_sub(1), limit: Some(1) };
        let page: ParamsVersions = smart_query(&self.hub, self.settings.staking(), &query)?;
        let found = page.versions.first().filter(|v| v.version == version);
        let found = found.with_context(|| format!("the hub has no parameter version {version}"))?;
        Ok(Params::try_from(&found.params)?)
    }

    pub(crate) fn delegation(&self, txid: Txid) -> Result<Option<Delegation>> {
        Ok(smart_query(&self.hub, self.settings.staking(), &QueryMsg::Delegation { txid })?)
    }

    pub(crate) fn signatures(&self, txid: Txid) -> Result<SignaturesOf> {
        Ok(smart_query(&self.hub, self.settings.staking(), &QueryMsg::CovenantSignatures { txid })?)
    }

    /// The one stake that an id or prefix names.
    pub(crate) fn find(&self, stake: &str) -> Result<String> {
        if stake.len() < 8 {
            bail!("`{stake}` is too short: give at least 8 digits of the transaction id");
        }
        let found = self.store.matching(stake)?;
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => bail!("no stake of this wallet begins with {stake}"),
            many => bail!("{stake} is ambiguous: {}", many.join(", ")),
        }
    }
}

/// Fresh randomness for signatures.
pub(crate) fn aux() -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|e| anyhow::anyhow!("no randomness from the system: {e}"))?;
    Ok(bytes)
}

/// A refusal for safety: never overridden by force.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Not yet: a lock, a quorum or confirmations are missing.
#[derive(Debug)]
pub(crate) struct NotYet(pub(crate) String);

impl std::fmt::Display for NotYet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotYet {}

/// The user said no, or could not be asked.
#[derive(Debug)]
pub(crate) struct Declined(pub(crate) String);

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Declined {}
