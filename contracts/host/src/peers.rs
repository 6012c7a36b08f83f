//! Neighbours that are read without being entered.
//!
//! Entering a contract costs 60 000 gas, a raw read of its storage 1 000 and the bytes. What other contracts
//! need of the light client is laid out for that, see [`crate::headers`].

use cosmwasm_std::{
    Addr, Api, Binary, CanonicalAddr, ContractResult, Deps, QuerierWrapper, StdError, Storage, SystemResult,
};
use staking_protocol::header::{BlockHash, Network};

use crate::headers::{Chunk, SETTINGS_KEY, TIP_KEY, TipRecord, deep_reorg_key, fork_height, network_of};
use crate::pack::CorruptState;
use crate::store;

/// Why a neighbour gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// Nothing is stored there: the address is not a light client.
    #[error("{0} is not an initialised light client")]
    NotALightClient(Addr),
    /// The record has another shape.
    #[error(transparent)]
    Corrupt(#[from] CorruptState),
    /// The query failed.
    #[error("{0}")]
    Query(String),
    /// No such neighbour was named.
    #[error("{0} has not been named yet")]
    NotNamed(&'static str),
    /// An address does not parse.
    #[error("{0}")]
    Address(StdError),
}

/// Where a contract keeps the address of one of its neighbours. A record each, because a message needs one or two of
/// them; in canonical form, because that is half as long as the text, and every stored byte that is read costs 6.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    key: &'static [u8],
    name: &'static str,
}

impl Neighbour {
    /// Names the key of the record, and the neighbour in errors.
    #[must_use]
    pub const fn new(key: &'static [u8], name: &'static str) -> Self {
        Self { key, name }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Stores an address as it came in a message.
    ///
    /// # Errors
    /// It is no address of this chain.
    pub fn save(self, storage: &mut dyn Storage, api: &dyn Api, text: &str) -> Result<(), PeerError> {
        let address = api.addr_validate(text).and_then(|address| api.addr_canonicalize(address.as_str()));
        storage.set(self.key, address.map_err(PeerError::Address)?.as_slice());
        Ok(())
    }

    /// Whether one was named.
    #[must_use]
    pub fn is_named(self, storage: &dyn Storage) -> bool {
        store::exists(storage, self.key)
    }

    /// Loads the address, if one was named.
    ///
    /// # Errors
    /// What is stored is no address.
    pub fn load(self, deps: Deps<'_>) -> Result<Option<Addr>, PeerError> {
        let Some(raw) = store::read(deps.storage, self.key) else { return Ok(None) };
        deps.api.addr_humanize(&CanonicalAddr::from(raw)).map(Some).map_err(PeerError::Address)
    }

    /// Loads the address.
    ///
    /// # Errors
    /// None was named, or what is stored is none.
    pub fn require(self, deps: Deps<'_>) -> Result<Addr, PeerError> {
        self.load(deps)?.ok_or(PeerError::NotNamed(self.name))
    }
}

/// `btc-light-client` at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LightClient(pub Addr);

impl LightClient {
    /// Reads a record. The request is written by hand: serialising it as one of all possible queries would cost
    /// each contract 12 kB.
    fn raw(&self, querier: &QuerierWrapper<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, PeerError> {
        let key = Binary::from(key).to_base64();
        let request = format!(r#"{{"wasm":{{"raw":{{"contract_addr":"{}","key":"{key}"}}}}}}"#, self.0);
        match querier.raw_query(request.as_bytes()) {
            SystemResult::Ok(ContractResult::Ok(raw)) => Ok(Some(raw.to_vec()).filter(|raw| !raw.is_empty())),
            SystemResult::Ok(ContractResult::Err(error)) => Err(PeerError::Query(error)),
            SystemResult::Err(error) => Err(PeerError::Query(error.to_string())),
        }
    }

    /// Reads the tip.
    ///
    /// # Errors
    /// The address is not a light client.
    pub fn tip(&self, querier: &QuerierWrapper<'_>) -> Result<TipRecord, PeerError> {
        let raw = self.raw(querier, TIP_KEY)?;
        let raw = raw.ok_or_else(|| PeerError::NotALightClient(self.0.clone()))?;
        Ok(TipRecord::unpack(&raw)?)
    }

    /// Reads the hash of the main chain's block at a height; `None` if it is not stored.
    ///
    /// # Errors
    /// The record has another shape.
    pub fn block_hash(
        &self,
        querier: &QuerierWrapper<'_>,
        height: u32,
    ) -> Result<Option<BlockHash>, PeerError> {
        let number = Chunk::number(height);
        let raw = self.raw(querier, &Chunk::key(number))?;
        let Some(raw) = raw else { return Ok(None) };
        Ok(Chunk::unpack(number, &raw)?.get(height).map(|entry| entry.hash))
    }

    /// Reads the fork height of a reorg at least k deep, by number from 1; `None` if there was none.
    ///
    /// # Errors
    /// The record has another shape.
    pub fn deep_reorg(&self, querier: &QuerierWrapper<'_>, number: u32) -> Result<Option<u32>, PeerError> {
        let raw = self.raw(querier, &deep_reorg_key(number))?;
        Ok(raw.map(|raw| fork_height(&raw)).transpose()?)
    }

    /// Reads which network the headers are of; `None` for one that is not built in.
    ///
    /// # Errors
    /// The address is not a light client.
    pub fn network(&self, querier: &QuerierWrapper<'_>) -> Result<Option<Network>, PeerError> {
        let raw = self.raw(querier, SETTINGS_KEY)?;
        Ok(network_of(&raw.ok_or_else(|| PeerError::NotALightClient(self.0.clone()))?)?)
    }
}
