//! The slasher part: completes and broadcasts slashing transactions of providers whose key is public.

use crate::convert::{outpoint, to_node};
use crate::hub::Hub;
use crate::spends::SpendIndex;
use crate::tracker::staking_outpoint;
use anyhow::{Context, Result};
use bitcoin::hashes::Hash as _;
use bitcoin::{OutPoint, Txid};
use bridge_relay::complete::{Completed, complete};
use bridge_relay::slash::{SlashAction, SlashView, SpendKind, plan_slash};
use bridge_relay::stakes::Place;
use staking_api::finality::Evidence;
use staking_api::staking::{Delegation, DelegationFilter};
use staking_clients::bitcoin::BitcoinSource;
use staking_protocol::keys::ProviderKey;
use staking_protocol::params::Params;
use std::collections::BTreeMap;

/// Parameters by version.
type Versions = BTreeMap<u32, Params>;

/// Watches evidence and acts on it.
pub struct Slasher<'a> {
    /// Our node.
    pub bitcoin: &'a dyn BitcoinSource,
    /// The hub.
    pub hub: Hub<'a>,
    /// Spends of staking and unbonding outputs.
    pub index: SpendIndex,
    /// First height scanned for spends.
    pub from_height: u32,
}

/// What was done about one stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slashed {
    /// The stake.
    pub stake: Txid,
    /// What was due.
    pub action: SlashAction,
    /// The transaction sent, if one was.
    pub sent: Option<Txid>,
}

impl Slasher<'_> {
    /// Looks at all stakes of all slashed providers once.
    ///
    /// One stake that cannot be slashed does not keep the others: its error is logged and the round goes on.
    ///
    /// # Errors
    /// When node or hub cannot be reached.
    pub fn round(&mut self) -> Result<Vec<Slashed>> {
        let mut done = Vec::new();
        let slashed = self.hub.evidence()?;
        if slashed.is_empty() {
            return Ok(done);
        }
        let params = self.hub.params()?;
        for evidence in slashed {
            let filter = DelegationFilter { fp_pk: Some(evidence.fp_pk), ..DelegationFilter::default() };
            for delegation in self.hub.delegations(&filter)? {
                match self.stake(&delegation, &evidence, &params) {
                    Ok(slashed) => done.push(slashed),
                    Err(e) => {
                        tracing::warn!(stake = %delegation.txid, error = %format!("{e:#}"), "not slashed")
                    }
                }
            }
        }
        Ok(done)
    }

    fn stake(&mut self, delegation: &Delegation, evidence: &Evidence, params: &Versions) -> Result<Slashed> {
        let completed = self.complete(delegation, evidence, params)?;
        let stake = Txid::from_byte_array(delegation.txid.to_bytes());
        let action = plan_slash(&self.view(delegation, &completed)?);
        let tx = match action {
            SlashAction::SlashStaking => Some(&completed.staking),
            SlashAction::SlashUnbonding => Some(&completed.unbonding),
            _ => None,
        };
        let sent = match tx {
            Some(tx) => Some(self.bitcoin.broadcast(&to_node(tx)?)?),
            None => None,
        };
        Ok(Slashed { stake, action, sent })
    }

    fn complete(&self, delegation: &Delegation, evidence: &Evidence, params: &Versions) -> Result<Completed> {
        let params =
            params.get(&delegation.params_version).context("the hub does not show these parameters")?;
        let signatures = self.hub.signatures(delegation.txid)?;
        let provider = ProviderKey::from_bytes(evidence.fp_pk.as_bytes()).context("provider key")?;
        Ok(complete(delegation, &signatures, params, provider, evidence.secret_key.as_bytes())?)
    }

    fn view(&mut self, delegation: &Delegation, completed: &Completed) -> Result<SlashView> {
        let staking = staking_outpoint(delegation);
        let unbonding = completed.unbonding.inputs.first().map(|i| outpoint(i.previous_output));
        let unbonding = unbonding.context("a slashing transaction without an input")?;
        if self.index.watch(staking) | self.index.watch(unbonding) {
            self.index.restart();
        }
        self.index.follow(self.bitcoin, self.from_height)?;
        let slashing =
            [to_node(&completed.staking)?, to_node(&completed.unbonding)?].map(|t| t.compute_txid());
        Ok(SlashView {
            txid: delegation.txid.to_bytes(),
            funded: self.bitcoin.transaction(staking.txid)?.is_some(),
            staking_spend: self.kind(staking, unbonding.txid, slashing)?,
            unbonding_spend: self.kind(unbonding, unbonding.txid, slashing)?,
        })
    }

    /// What spent an output: in a block as the index saw it, or one of ours in the mempool.
    fn kind(&self, of: OutPoint, unbonding: Txid, slashing: [Txid; 2]) -> Result<Option<SpendKind>> {
        if let Some(spend) = self.index.spend(of) {
            let place = Some(Place { height: spend.height, block: spend.block.to_byte_array() });
            let txid = spend.tx.compute_txid();
            return Ok(Some(if slashing.contains(&txid) {
                SpendKind::Slashing { place }
            } else if txid == unbonding {
                SpendKind::Unbonding { place }
            } else {
                SpendKind::Other { place }
            }));
        }
        for txid in slashing {
            let waiting = self.bitcoin.transaction(txid)?.filter(|s| s.block.is_none());
            if waiting.is_some_and(|s| s.tx.input.iter().any(|i| i.previous_output == of)) {
                return Ok(Some(SpendKind::Slashing { place: None }));
            }
        }
        Ok(None)
    }
}
