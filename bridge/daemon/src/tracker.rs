//! The tracker part: proves that stakes are mined, and reports the transactions that spend them.

use crate::hub::Hub;
use crate::spends::{SpendIndex, SpendRecord, merkle_branch};
use anyhow::{Context, Result};
use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash as _;
use bitcoin::{BlockHash, OutPoint, Txid};
use bridge_relay::action::Hold;
use bridge_relay::stakes::{DepthRule, HubState, Place, Spend, StakeAction, StakeView, plan_stake};
use staking_api::light_client::InclusionProof;
use staking_api::staking::{Activation, Delegation, DelegationFilter, ExecuteMsg, Spend as SpendMsg, Status};
use staking_api::{Binary, Txid as ApiTxid};
use staking_clients::bitcoin::BitcoinSource;

/// Items in one message.
const BATCH: usize = 10;

/// Follows stakes on both chains.
pub struct Tracker<'a> {
    /// Our node, with a transaction index.
    pub bitcoin: &'a dyn BitcoinSource,
    /// The hub.
    pub hub: Hub<'a>,
    /// Spends seen so far.
    pub index: SpendIndex,
}

/// What a round did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Stakes whose inclusion was proven.
    pub activated: Vec<ApiTxid>,
    /// Stakes whose spend was reported.
    pub undelegated: Vec<ApiTxid>,
    /// Stakes that wait, and for what.
    pub waiting: Vec<(ApiTxid, Hold)>,
}

impl<'a> Tracker<'a> {
    /// A tracker that has seen nothing.
    pub fn new(bitcoin: &'a dyn BitcoinSource, hub: Hub<'a>) -> Self {
        Self { bitcoin, hub, index: SpendIndex::default() }
    }

    /// Looks at every stake once and submits what is due.
    ///
    /// # Errors
    /// When node or hub cannot be reached. What was submitted before stays submitted.
    pub fn round(&mut self) -> Result<Tracked> {
        let delegations = self.hub.delegations(&DelegationFilter::default())?;
        let open: Vec<_> = delegations.iter().filter(|d| hub_state(d.status).is_some()).collect();
        self.follow(&open)?;
        let tip = self.hub.tip()?;
        let rule = DepthRule { light_client_tip: tip.block.height, k: tip.confirmation_depth };
        let mut done = Tracked::default();
        let (mut proofs, mut spends) = (Vec::new(), Vec::new());
        for delegation in open {
            match plan_stake(&self.view(delegation)?, rule) {
                Ok(StakeAction::ProveInclusion(place)) => proofs.push(self.activation(delegation, place)?),
                Ok(StakeAction::ReportSpend { place, .. }) => spends.push(self.spend(delegation, place)?),
                Err(hold) => done.waiting.push((delegation.txid, hold)),
            }
        }
        self.submit(&proofs, &spends, &mut done)?;
        Ok(done)
    }

    fn submit(&self, proofs: &[Activation], spends: &[SpendMsg], done: &mut Tracked) -> Result<()> {
        for items in proofs.chunks(BATCH) {
            if self.accepted(&ExecuteMsg::Activate { items: items.to_vec() })? {
                done.activated.extend(items.iter().map(|i| i.txid));
            }
        }
        for items in spends.chunks(BATCH) {
            if self.accepted(&ExecuteMsg::Undelegate { items: items.to_vec() })? {
                done.undelegated.extend(items.iter().map(|i| i.txid));
            }
        }
        Ok(())
    }

    /// Whether the hub took a message. One whose items are all refused must not keep the others from being sent.
    fn accepted(&self, msg: &ExecuteMsg) -> Result<bool> {
        match self.hub.writer.execute(&self.hub.contracts.staking, msg, &[]) {
            Ok(_) => Ok(true),
            Err(e) if e.is_transient() => Err(e.into()),
            Err(e) => {
                tracing::warn!(error = %e, "refused by the hub; it is tried again in the next round");
                Ok(false)
            }
        }
    }

    /// Brings the spend index to the node's tip, from the lowest height a new stake may have been spent at.
    fn follow(&mut self, open: &[&Delegation]) -> Result<()> {
        let mut lowest = None;
        for delegation in open {
            if self.index.watch(staking_outpoint(delegation)) {
                let from = delegation.start_height.unwrap_or(delegation.registered_btc_height);
                lowest = Some(lowest.map_or(from, |l: u32| l.min(from)));
            }
        }
        let seen = self.index.tip().map(|(height, _)| height);
        if let Some(lowest) = lowest
            && seen.is_none_or(|tip| lowest <= tip)
        {
            self.index.restart();
        }
        match lowest.or(seen) {
            Some(first) => Ok(self.index.follow(self.bitcoin, first)?),
            None => Ok(()),
        }
    }

    fn view(&self, delegation: &Delegation) -> Result<StakeView> {
        let spend = self.index.spend(staking_outpoint(delegation));
        Ok(StakeView {
            txid: delegation.txid.to_bytes(),
            state: hub_state(delegation.status).context("an ended delegation")?,
            place: self.place(Txid::from_byte_array(delegation.txid.to_bytes()))?,
            spend: spend
                .map(|s| Spend { txid: s.tx.compute_txid().to_byte_array(), place: Some(place_of(s)) }),
            staking_time: u32::from(delegation.staking_time),
            unbonding_time: u32::from(delegation.unbonding_time),
        })
    }

    fn place(&self, txid: Txid) -> Result<Option<Place>> {
        let Some(status) = self.bitcoin.transaction(txid)? else { return Ok(None) };
        let Some(block) = status.block else { return Ok(None) };
        let height = self.bitcoin.height_of(block)?;
        Ok(height.map(|height| Place { height, block: block.to_byte_array() }))
    }

    /// The proof that a delegation's staking transaction is mined; `None` while it is not.
    ///
    /// # Errors
    /// When the node cannot be asked.
    pub fn proof_of(&self, delegation: &Delegation) -> Result<Option<Activation>> {
        let place = self.place(Txid::from_byte_array(delegation.txid.to_bytes()))?;
        place.map(|place| self.activation(delegation, place)).transpose()
    }

    fn activation(&self, delegation: &Delegation, place: Place) -> Result<Activation> {
        let txid = Txid::from_byte_array(delegation.txid.to_bytes());
        Ok(Activation { txid: delegation.txid, proof: self.inclusion(txid, place)? })
    }

    /// Proves that a transaction is in a block.
    ///
    /// # Errors
    /// When the node cannot be asked or the block does not hold the transaction.
    pub fn inclusion(&self, txid: Txid, place: Place) -> Result<InclusionProof> {
        let block = self.bitcoin.block(BlockHash::from_byte_array(place.block))?;
        let txids: Vec<Txid> = block.txdata.iter().map(bitcoin::Transaction::compute_txid).collect();
        let index =
            txids.iter().position(|id| *id == txid).context("the block does not hold the transaction")?;
        Ok(InclusionProof {
            header: Binary(serialize(&block.header)),
            height: place.height,
            index: u32::try_from(index)?,
            siblings: Binary(merkle_branch(&txids, index)),
        })
    }

    fn spend(&self, delegation: &Delegation, place: Place) -> Result<SpendMsg> {
        let spend =
            self.index.spend(staking_outpoint(delegation)).context("the spend was undone by a reorg")?;
        let mut funding_txs = Vec::new();
        if spend.tx.input.len() > 1 {
            for input in &spend.tx.input {
                let previous = self.bitcoin.transaction(input.previous_output.txid)?;
                let previous = previous.context("the node does not know a funding transaction")?;
                funding_txs.push(Binary(serialize(&previous.tx)));
            }
        }
        Ok(SpendMsg {
            txid: delegation.txid,
            spending_tx: Binary(serialize(&spend.tx)),
            proof: self.inclusion(spend.tx.compute_txid(), place)?,
            funding_txs,
        })
    }
}

fn place_of(spend: &SpendRecord) -> Place {
    Place { height: spend.height, block: spend.block.to_byte_array() }
}

/// Where a delegation's stake is.
pub fn staking_outpoint(delegation: &Delegation) -> OutPoint {
    OutPoint {
        txid: Txid::from_byte_array(delegation.txid.to_bytes()),
        vout: delegation.staking_output_index,
    }
}

/// The planner's view of a status; `None` when nothing can be due any more.
fn hub_state(status: Status) -> Option<HubState> {
    match status {
        Status::Pending => Some(HubState::Pending),
        Status::Verified => Some(HubState::Verified),
        // A slashed delegation's spend is still reported, so that the hub knows how it ended.
        Status::Active | Status::Slashed => Some(HubState::Active),
        Status::Quarantined => Some(HubState::Quarantined),
        Status::Unbonded | Status::Expired => None,
    }
}
