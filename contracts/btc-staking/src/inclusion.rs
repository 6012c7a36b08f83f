//! Inclusion proofs against the light client, which is read and not entered.

use contract_host::headers::TipRecord;
use contract_host::peers::LightClient;
use cosmwasm_std::{Env, QuerierWrapper, Storage};
use staking_api::light_client::InclusionProof;
use staking_protocol::header::{Header, ValidHeader};
use staking_protocol::inclusion::{Confirmed, MerkleBranch, confirm_parsed};
use staking_protocol::tx::Transaction;

use crate::error::StakingError;
use crate::state::sweep::ReorgSweep;

/// The tip, if it is young enough to prove anything (trap E1).
pub(crate) fn fresh_tip(
    light_client: &LightClient,
    querier: &QuerierWrapper<'_>,
    env: &Env,
) -> Result<TipRecord, StakingError> {
    let tip = light_client.tip(querier)?;
    if tip.is_fresh(env.block.time.seconds()) { Ok(tip) } else { Err(StakingError::StaleTip) }
}

/// Refuses while a deep reorg has not been dealt with (trap E4).
pub(crate) fn require_no_reorg(storage: &dyn Storage, tip: &TipRecord) -> Result<(), StakingError> {
    if tip.deep_reorgs == ReorgSweep::load(storage)?.done { Ok(()) } else { Err(StakingError::ReorgPending) }
}

/// Proves that a transaction is in a block of the main chain, at any depth.
pub(crate) fn prove(
    light_client: &LightClient,
    querier: &QuerierWrapper<'_>,
    proof: &InclusionProof,
    tx: Transaction,
) -> Result<Confirmed<Transaction>, StakingError> {
    let header = Header::from_slice(&proof.header.0)?;
    let height = proof.height;
    let found = header.hash();
    if light_client.block_hash(querier, height)? != Some(found) {
        return Err(StakingError::NotOnMainChain { height, found: found.to_bytes().into() });
    }
    let branch = MerkleBranch::new(proof.index, &proof.siblings.0)?;
    Ok(confirm_parsed(tx, &branch, &ValidHeader::from_storage(header, height))?)
}
