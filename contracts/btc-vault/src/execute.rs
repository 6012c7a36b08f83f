//! What the vault does: messages by sender.

mod bitcoin;
mod expiry;
mod holder;
pub(crate) mod owner;
mod user;

use crate::custody::Bitcoin;
use crate::error::ExecuteError;
use crate::state::SAT;
use cosmwasm_std::{DepsMut, Env, Event, MessageInfo, Response, StdResult, Storage, SubMsg};
use mesh_accounting::store::Book;
use mesh_accounting::store::face::{BurnContext, burn_messages};
use staking_api::mesh::btc_vault::ExecuteMsg;

pub(crate) fn dispatch(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, ExecuteError> {
    let s = deps.storage;
    match msg {
        ExecuteMsg::DelegationActive {
            user,
            txid,
            sat,
            slash_rate,
            fps,
            start_height,
            end_height,
            unbonding_blocks,
        } => {
            let times = bitcoin::Times { start: start_height, end: end_height, unbonding: unbonding_blocks };
            bitcoin::active(s, info, user, &txid, sat, slash_rate, fps, times)
        }
        ExecuteMsg::DelegationUnbonding { txid, spend_txid, kind, btc_height } => {
            bitcoin::unbonding(s, info, &txid, &spend_txid, kind, btc_height)
        }
        ExecuteMsg::DelegationExpired { txid } => bitcoin::expired(s, info, &txid),
        ExecuteMsg::DelegationQuarantined { txid } => bitcoin::quarantined(s, info, &txid),
        ExecuteMsg::DelegationRequalified { txid } => bitcoin::requalified(s, info, &txid),
        ExecuteMsg::FpSlashed { fp_pk, consumer, height } => {
            bitcoin::fp_slashed(s, &deps.querier, info, &fp_pk, &consumer, height)
        }
        ExecuteMsg::SettleSlash { fp_pk, limit } => bitcoin::settle(s, &deps.querier, &fp_pk, limit),
        ExecuteMsg::Expire { limit } => expiry::expire(s, &deps.querier, limit),
        ExecuteMsg::StakeRemote { contract, amount, msg } => {
            user::stake_remote(s, &deps.querier, info, &contract, amount, msg)
        }
        ExecuteMsg::Bond { .. }
        | ExecuteMsg::Unbond { .. }
        | ExecuteMsg::Restake { .. }
        | ExecuteMsg::StakeLocal { .. } => Err(ExecuteError::CollateralOnBitcoin),
        ExecuteMsg::ReleaseCrossStake { owner, amount } => holder::release(s, info, &owner, &amount),
        ExecuteMsg::CommitTx { tx_id } => holder::answer(s, info, tx_id, true),
        ExecuteMsg::RollbackTx { tx_id } => holder::answer(s, info, tx_id, false),
        ExecuteMsg::CrossSlash { slashes, validator } => holder::slash(s, info, slashes, &validator),
        ExecuteMsg::SyncLiens { user, .. } => user::sync(s, &user),
        ExecuteMsg::RetryBurn { user, lienholder } => user::retry_burn(s, &deps.querier, &user, &lienholder),
        owned => owner::dispatch(deps.api, s, &deps.querier, env, info, owned),
    }
}

/// Brings a user's liens within the backing and has the excess burned; the holder that slashed, if any, is told at
/// which validator.
fn rebalance(
    s: &mut dyn Storage,
    user: &str,
    slashed: Option<(&str, &str)>,
) -> StdResult<(Vec<SubMsg>, Vec<Event>)> {
    let burns = Book::rebalance(s, &Bitcoin, user)?;
    let ctx = BurnContext { user, denom: SAT, local: None };
    let event = |b: &mesh_accounting::store::Burn| {
        Event::new("lien_cut")
            .add_attribute("user", user)
            .add_attribute("lienholder", &b.holder)
            .add_attribute("amount", b.amount.to_string())
    };
    let events = burns.iter().map(event).collect();
    Ok((burn_messages(&ctx, &burns, slashed)?, events))
}
