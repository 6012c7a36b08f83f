//! Power from x/meshsecurity: virtual tokens that the chain module mints, delegates and burns (§9, §11.1).
//!
//! Books per delegator are kept by the module (`update_delegation`); here the sums per validator are brought in
//! line with the cap once per epoch. Slashes and set changes come from the module by `sudo`.

use crate::epoch::{pass_rewards_on, reprice};
use crate::error::ExecuteError;
use crate::state::{CONFIG, Config, EPOCH, save_val, vals};
use crate::{Custom, Response};
use cosmwasm_std::{
    CosmosMsg, CustomMsg as IsCustomMsg, CustomQuery as IsCustomQuery, DepsMut, DistributionMsg, Env, Event,
    QuerierWrapper, QueryRequest, StdError, StdResult, SubMsg, from_json, to_json_vec,
};
use mesh_accounting::burn::split;
use mesh_accounting::store::amount_of;
use serde::{Deserialize, Serialize};
use staking_api::mesh::virtual_staking::{
    BondStatusResponse, CustomMsg, CustomQuery, TotalDelegationResponse, VirtualStakeMsg, VirtualStakeQuery,
};
use staking_api::mesh::{Coin, Uint128};

/// The chain module's message, as cosmwasm wants its own type for it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(transparent)]
pub struct ModuleMsg(pub CustomMsg);

impl IsCustomMsg for ModuleMsg {}

/// The chain module's query.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(transparent)]
pub(crate) struct ModuleQuery(pub(crate) CustomQuery);

impl IsCustomQuery for ModuleQuery {}

pub(crate) fn custom(msg: VirtualStakeMsg) -> CosmosMsg<Custom> {
    CosmosMsg::Custom(ModuleMsg(CustomMsg::VirtualStake(msg)))
}

fn ask<R: serde::de::DeserializeOwned>(querier: &QuerierWrapper, q: VirtualStakeQuery) -> StdResult<R> {
    let request = QueryRequest::Custom(ModuleQuery(CustomQuery::VirtualStake(q)));
    let answer = querier.raw_query(&to_json_vec(&request)?).into_result();
    let answer = answer.map_err(|e| StdError::msg(e.to_string()))?.into_result().map_err(StdError::msg)?;
    from_json(&answer)
}

/// The first half of an epoch: rewards out, stake re-priced.
pub(crate) fn begin(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let mut epoch = EPOCH.get(deps.storage)?;
    epoch.last = env.block.time.seconds();
    epoch.count = epoch.count.saturating_add(1);
    let held = deps.querier.query_balance(env.contract.address.as_str(), config.denom.as_str())?;
    epoch.balance = amount_of(held.amount)?;
    EPOCH.save(deps.storage, &epoch);
    let mut response = Response::new();
    for (name, v) in vals(deps.storage)? {
        if v.bonded > 0 && !v.tombstoned {
            let withdraw = DistributionMsg::WithdrawDelegatorReward { validator: name.clone() };
            response = response.add_submessage(crate::epoch::withdrawal(withdraw, &name)?);
        }
    }
    Ok(response.add_submessage(reprice(&config)?))
}

/// The second half: the sums are brought within the cap. With a cap of zero all virtual tokens go; stakers keep their
/// stake, may take it back as ever, and power returns with the cap.
pub(crate) fn finish(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let contract = env.contract.address.to_string();
    let ask_status = VirtualStakeQuery::BondStatus { contract };
    let status: BondStatusResponse = ask(&deps.querier, ask_status)?;
    let mut response = pass_rewards_on(deps.storage, &config)?;
    let mut rows = vals(deps.storage)?;
    let wanted: Vec<u128> = rows.iter().map(|(_, v)| if v.tombstoned { 0 } else { v.requested }).collect();
    let targets = split(&wanted, status.cap.amount.0);
    // Room first: what is taken back frees the cap for what is added.
    let mut room = status.cap.amount.0.saturating_sub(status.delegated.amount.0);
    for ((name, v), target) in rows.iter_mut().zip(&targets) {
        let less = v.bonded.saturating_sub(*target);
        let there = if less > 0 { delegated(&deps.querier, env, name) } else { 0 };
        if let Some(msg) = taken(&config, name, less.min(there))? {
            response = response.add_submessage(msg);
        }
        room = room.saturating_add(less.min(there));
        v.bonded -= less;
    }
    // After a slash the module still counts what was slashed (14-C12): only what it will let in is asked for.
    let missing: Vec<u128> =
        rows.iter().zip(&targets).map(|((_, v), t)| t.saturating_sub(v.bonded)).collect();
    for ((name, v), more) in rows.iter_mut().zip(split(&missing, room)) {
        if more > 0 {
            response = response.add_submessage(added(&config, name, more)?);
        }
        v.bonded = v.bonded.saturating_add(more);
        save_val(deps.storage, name, v);
    }
    Ok(response.add_event(Event::new("virtual_epoch")))
}

/// What the chain says is delegated; the module fails where there is nothing (probe G2).
pub(crate) fn delegated(querier: &QuerierWrapper, env: &Env, validator: &str) -> u128 {
    let contract = env.contract.address.to_string();
    let q = VirtualStakeQuery::TotalDelegation { contract, validator: validator.into() };
    ask::<TotalDelegationResponse>(querier, q).map_or(0, |t| t.delegation.amount.0)
}

fn added(config: &Config, name: &str, amount: u128) -> StdResult<SubMsg<Custom>> {
    let amount_coin = Coin { denom: config.denom.clone(), amount: Uint128(amount) };
    let msg = custom(VirtualStakeMsg::Bond { amount: amount_coin, validator: name.into() });
    crate::epoch::addition(msg, name, amount)
}

/// Tokens taken back at once; a refusal is booked back and tried again at the next epoch.
pub(crate) fn taken(config: &Config, name: &str, amount: u128) -> StdResult<Option<SubMsg<Custom>>> {
    if amount == 0 {
        return Ok(None);
    }
    let amount_coin = Coin { denom: config.denom.clone(), amount: Uint128(amount) };
    let msg = custom(VirtualStakeMsg::Unbond { amount: amount_coin, validator: name.into() });
    crate::epoch::removal(msg, name, amount).map(Some)
}
