//! What the parts ask of the hub's contracts, page by page.

use anyhow::{Context, Result};
use staking_api::finality::{Evidence, Evidences, QueryMsg as FinalityQuery};
use staking_api::light_client::{QueryMsg as LightClientQuery, Tip};
use staking_api::staking::{
    Delegation, DelegationFilter, Delegations, ParamsVersions, QueryMsg as StakingQuery, SignaturesOf,
};
use staking_api::{Key, Txid};
use staking_clients::cosmos::{Writer, smart_query};
use staking_protocol::params::Params;
use std::collections::BTreeMap;

/// Items asked for at once.
const PAGE: u32 = 30;

/// The contracts of the Bitcoin side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contracts {
    /// `btc-light-client`.
    pub light_client: String,
    /// `btc-staking`.
    pub staking: String,
    /// `btc-finality`.
    pub finality: String,
}

/// The hub as the parts see it.
pub struct Hub<'a> {
    /// The chain, and the account that pays.
    pub writer: &'a Writer<'a>,
    /// Where the contracts are.
    pub contracts: &'a Contracts,
}

impl Hub<'_> {
    /// The light client's tip.
    ///
    /// # Errors
    /// When the hub cannot be asked.
    pub fn tip(&self) -> Result<Tip> {
        Ok(smart_query(self.writer.chain(), &self.contracts.light_client, &LightClientQuery::Tip {})?)
    }

    /// All delegations that pass a filter.
    ///
    /// # Errors
    /// When the hub cannot be asked.
    pub fn delegations(&self, filter: &DelegationFilter) -> Result<Vec<Delegation>> {
        let mut all = Vec::new();
        let mut cursor: Option<Txid> = None;
        loop {
            let query =
                StakingQuery::Delegations { filter: filter.clone(), start_after: cursor, limit: Some(PAGE) };
            let page: Delegations = smart_query(self.writer.chain(), &self.contracts.staking, &query)?;
            all.extend(page.delegations);
            match page.next {
                Some(next) if cursor != Some(next) => cursor = Some(next),
                _ => return Ok(all),
            }
        }
    }

    /// One delegation.
    ///
    /// # Errors
    /// When the hub cannot be asked.
    pub fn delegation(&self, txid: Txid) -> Result<Option<Delegation>> {
        Ok(smart_query(self.writer.chain(), &self.contracts.staking, &StakingQuery::Delegation { txid })?)
    }

    /// The covenant's signatures of a delegation.
    ///
    /// # Errors
    /// When the hub cannot be asked.
    pub fn signatures(&self, txid: Txid) -> Result<SignaturesOf> {
        Ok(smart_query(
            self.writer.chain(),
            &self.contracts.staking,
            &StakingQuery::CovenantSignatures { txid },
        )?)
    }

    /// All parameter versions, checked.
    ///
    /// # Errors
    /// When the hub cannot be asked or a version is not valid.
    pub fn params(&self) -> Result<BTreeMap<u32, Params>> {
        let query = StakingQuery::ParamsVersions { start_after: None, limit: Some(100) };
        let page: ParamsVersions = smart_query(self.writer.chain(), &self.contracts.staking, &query)?;
        page.versions
            .iter()
            .map(|v| {
                let params = Params::try_from(&v.params);
                Ok((v.version, params.with_context(|| format!("parameter version {}", v.version))?))
            })
            .collect()
    }

    /// All evidence against providers.
    ///
    /// # Errors
    /// When the hub cannot be asked.
    pub fn evidence(&self) -> Result<Vec<Evidence>> {
        let mut all: Vec<Evidence> = Vec::new();
        loop {
            let start_after: Option<Key> = all.last().map(|e| e.fp_pk);
            let query = FinalityQuery::Evidences { start_after, limit: Some(PAGE) };
            let page: Evidences = smart_query(self.writer.chain(), &self.contracts.finality, &query)?;
            if page.evidences.is_empty() {
                return Ok(all);
            }
            all.extend(page.evidences);
        }
    }
}
