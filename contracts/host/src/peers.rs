//! Neighbours that are read without being entered.
//!
//! Entering a contract costs 60 000 gas, a raw read of its storage 1 000 and the bytes. What other contracts
//! need of the light client is laid out for that, see [`crate::headers`].

use cosmwasm_std::{Addr, Binary, ContractResult, QuerierWrapper, SystemResult};
use staking_protocol::header::{BlockHash, Network};

use crate::headers::{Chunk, SETTINGS_KEY, TIP_KEY, TipRecord, deep_reorg_key, fork_height, network_of};
use crate::pack::CorruptState;

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
