//! The epoch: rewards are withdrawn, slashes found, stake re-priced by the converter, delegations brought in line.
//!
//! It runs in two halves, because rewards are known only after withdrawing and requests only after re-pricing:
//! the first half sends the withdrawals and asks the converter to re-price; the reply to the latter is the second
//! half. No failure of a single delegation, withdrawal or of the converter stops an epoch.

use crate::allocate::{self, Change};
use crate::error::ExecuteError;
use crate::execute::liquid;
use crate::state::{CONFIG, Config, EPOCH, TREASURY, Treasury, Val, save_val, val, vals};
use crate::{Custom, Response, report};
use cosmwasm_std::{
    Coin, CosmosMsg, DepsMut, DistributionMsg, Env, Event, Reply, StakingMsg, StdError, StdResult, Storage,
    SubMsg, SubMsgResult, WasmMsg, from_json, to_json_binary,
};
use mesh_accounting::store::amount_of;
use staking_api::mesh::Uint128;
use staking_api::mesh::converter::ExecuteMsg as ConverterMsg;
use staking_api::mesh::packet::RewardInfo;

/// Replies of an epoch, by id.
mod id {
    /// A validator's rewards were withdrawn, or not.
    pub(super) const WITHDRAWN: u64 = 1;
    /// The converter has re-priced, or not.
    pub(super) const REPRICED: u64 = 2;
    /// A delegation failed.
    pub(super) const ADD_FAILED: u64 = 3;
    /// An undelegation failed.
    pub(super) const SUB_FAILED: u64 = 4;
    /// Rewards could not be passed on.
    pub(super) const REWARDS_FAILED: u64 = 5;
    /// A report of the validator set could not be passed on.
    pub(super) const REPORT_FAILED: u64 = 6;
}

/// A validator and an amount, as a reply gets them back.
type Note = (String, Uint128);

/// An epoch that anybody asked for.
pub(crate) fn by_anyone(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    let Some(treasury) = TREASURY.may_load(deps.storage)? else {
        return Err(ExecuteError::WrongPowerSource("x/meshsecurity runs the epochs"));
    };
    let (epoch, now) = (EPOCH.get(deps.storage)?, env.block.time.seconds());
    let next = epoch.last.saturating_add(treasury.min_epoch_s);
    if epoch.count > 0 && now < next {
        return Err(ExecuteError::EpochTooEarly { next, now });
    }
    begin(deps, env)
}

/// An epoch the chain module asked for.
pub(crate) fn by_chain(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    #[cfg(feature = "virtual_staking")]
    if TREASURY.may_load(deps.storage)?.is_none() {
        return crate::module::begin(deps, env);
    }
    by_anyone(deps, env)
}

/// The first half.
fn begin(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let mut epoch = EPOCH.get(deps.storage)?;
    let update = report::find_changes(deps.storage, &deps.querier, env, epoch.last)?;
    epoch.last = env.block.time.seconds();
    epoch.count = epoch.count.saturating_add(1);
    epoch.balance = balance(&deps, env, &config)?;
    EPOCH.save(deps.storage, &epoch);
    let mut response = Response::new();
    for (name, v) in vals(deps.storage)? {
        if v.bonded > 0 {
            let withdraw = DistributionMsg::WithdrawDelegatorReward { validator: name.clone() };
            response = response.add_submessage(noted(withdraw, id::WITHDRAWN, &name, 0, true)?);
        }
    }
    if !update.is_empty() {
        let msg = update.message(&config)?;
        response = response.add_submessage(noted(msg, id::REPORT_FAILED, "", 0, false)?);
    }
    Ok(response.add_submessage(reprice(&config)?))
}

/// Asks the converter to re-price; the reply, good or bad, is the second half.
pub(crate) fn reprice(config: &Config) -> StdResult<SubMsg<Custom>> {
    let msg = to_json_binary(&ConverterMsg::Reprice { limit: None })?;
    let call = WasmMsg::Execute { contract_addr: config.converter.clone(), msg, funds: vec![] };
    Ok(SubMsg::reply_always(call, id::REPRICED))
}

fn noted(
    msg: impl Into<CosmosMsg<Custom>>,
    id: u64,
    validator: &str,
    amount: u128,
    always: bool,
) -> StdResult<SubMsg<Custom>> {
    let note: Note = (validator.into(), Uint128(amount));
    let sub = if always { SubMsg::reply_always(msg, id) } else { SubMsg::reply_on_error(msg, id) };
    Ok(sub.with_payload(to_json_binary(&note)?))
}

/// The withdrawal of a validator's rewards; the reply books what came.
#[cfg(feature = "virtual_staking")]
pub(crate) fn withdrawal(msg: DistributionMsg, validator: &str) -> StdResult<SubMsg<Custom>> {
    noted(msg, id::WITHDRAWN, validator, 0, true)
}

/// An addition of the chain module's; the reply takes it back where it was refused.
#[cfg(feature = "virtual_staking")]
pub(crate) fn addition(msg: CosmosMsg<Custom>, name: &str, amount: u128) -> StdResult<SubMsg<Custom>> {
    noted(msg, id::ADD_FAILED, name, amount, false)
}

/// A removal of the chain module's, likewise.
#[cfg(feature = "virtual_staking")]
pub(crate) fn removal(msg: CosmosMsg<Custom>, name: &str, amount: u128) -> StdResult<SubMsg<Custom>> {
    noted(msg, id::SUB_FAILED, name, amount, false)
}

fn balance(deps: &DepsMut, env: &Env, config: &Config) -> StdResult<u128> {
    let held = deps.querier.query_balance(env.contract.address.as_str(), config.denom.as_str())?;
    amount_of(held.amount)
}

pub(crate) fn reply(mut deps: DepsMut, env: &Env, reply: Reply) -> Result<Response, ExecuteError> {
    let failed = matches!(reply.result, SubMsgResult::Err(_));
    if reply.id == id::REPRICED {
        let mut response = second_half(deps, env)?;
        if let SubMsgResult::Err(why) = reply.result {
            response = response.add_event(Event::new("reprice_failed").add_attribute("reason", why));
        }
        return Ok(response);
    }
    if reply.id == id::REWARDS_FAILED {
        return rewards_back(deps.storage, &reply);
    }
    let (name, amount): Note = from_json(&reply.payload)?;
    let mut v = val(deps.storage, &name)?;
    match reply.id {
        id::WITHDRAWN => return withdrawn(&mut deps, env, &name, v),
        id::ADD_FAILED if failed => v.bonded = v.bonded.saturating_sub(amount.0),
        id::SUB_FAILED if failed => v.bonded = v.bonded.saturating_add(amount.0),
        id::REPORT_FAILED => return Ok(Response::new().add_event(Event::new("report_failed"))),
        other => return Err(StdError::msg(format!("reply of unknown id {other}")).into()),
    }
    save_val(deps.storage, &name, &v);
    let event = Event::new("delegation_failed").add_attribute("validator", name);
    Ok(Response::new().add_event(event.add_attribute("amount", amount.to_string())))
}

/// What the balance has grown by since the last withdrawal are this validator's rewards.
fn withdrawn(deps: &mut DepsMut, env: &Env, name: &str, mut v: Val) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let (mut epoch, now) = (EPOCH.get(deps.storage)?, balance(deps, env, &config)?);
    v.rewards = v.rewards.saturating_add(now.saturating_sub(epoch.balance));
    epoch.balance = now;
    EPOCH.save(deps.storage, &epoch);
    save_val(deps.storage, name, &v);
    Ok(Response::new())
}

/// The second half: rewards go to the converter, delegations are changed.
fn second_half(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    #[cfg(feature = "virtual_staking")]
    if TREASURY.may_load(deps.storage)?.is_none() {
        return crate::module::finish(deps, env);
    }
    let (config, treasury) = (CONFIG.load(deps.storage)?, TREASURY.load(deps.storage)?);
    let liquid = liquid(deps.as_ref(), env, &config)?;
    let response = pass_rewards_on(deps.storage, &config)?;
    let vals = vals(deps.storage)?;
    change_delegations(deps.storage, response, &config, &treasury, vals, liquid)
}

fn change_delegations(
    s: &mut dyn Storage,
    mut response: Response,
    config: &Config,
    treasury: &Treasury,
    vals: Vec<(String, Val)>,
    liquid: u128,
) -> Result<Response, ExecuteError> {
    let targets = allocate::targets(treasury, &vals);
    let changes = allocate::changes(&vals, &targets, liquid);
    let mut total = 0u128;
    for ((name, mut v), change) in vals.into_iter().zip(changes) {
        v.bonded = v.bonded.saturating_add(change.add).saturating_sub(change.sub);
        total = total.saturating_add(v.bonded);
        if change == Change::default() {
            continue;
        }
        save_val(s, &name, &v);
        response =
            response.add_submessage(delegation(config, &name, change)?).add_event(moved(&name, change, &v));
    }
    let event = Event::new("virtual_epoch").add_attribute("bonded", total.to_string());
    Ok(response.add_event(event))
}

fn delegation(config: &Config, name: &str, change: Change) -> StdResult<SubMsg<Custom>> {
    let (validator, denom) = (name.to_string(), config.denom.clone());
    if change.add > 0 {
        let msg = StakingMsg::Delegate { validator, amount: Coin::new(change.add, denom) };
        noted(msg, id::ADD_FAILED, name, change.add, false)
    } else {
        let msg = StakingMsg::Undelegate { validator, amount: Coin::new(change.sub, denom) };
        noted(msg, id::SUB_FAILED, name, change.sub, false)
    }
}

fn moved(name: &str, change: Change, v: &Val) -> Event {
    Event::new("virtual_power")
        .add_attribute("validator", name)
        .add_attribute("added", change.add.to_string())
        .add_attribute("removed", change.sub.to_string())
        .add_attribute("bonded", v.bonded.to_string())
}

/// Sends the rewards of all validators to the converter in one message.
pub(crate) fn pass_rewards_on(s: &mut dyn Storage, config: &Config) -> Result<Response, ExecuteError> {
    let (mut payments, mut sum) = (Vec::new(), 0u128);
    for (validator, mut v) in vals(s)? {
        if v.rewards > 0 {
            sum = sum.saturating_add(v.rewards);
            payments.push(RewardInfo { validator: validator.clone(), reward: Uint128(v.rewards) });
            v.rewards = 0;
            save_val(s, &validator, &v);
        }
    }
    if payments.is_empty() {
        return Ok(Response::new());
    }
    let note = to_json_binary(&payments)?;
    let msg = to_json_binary(&ConverterMsg::DistributeRewards { payments })?;
    let funds = vec![Coin::new(sum, config.denom.clone())];
    let call = WasmMsg::Execute { contract_addr: config.converter.clone(), msg, funds };
    let sub = SubMsg::reply_on_error(call, id::REWARDS_FAILED).with_payload(to_json_binary(&("", note))?);
    Ok(Response::new().add_submessage(sub))
}

/// Rewards that could not be passed on wait for the next epoch.
fn rewards_back(s: &mut dyn Storage, reply: &Reply) -> Result<Response, ExecuteError> {
    let (_, payments): (String, cosmwasm_std::Binary) = from_json(&reply.payload)?;
    let payments: Vec<RewardInfo> = from_json(&payments)?;
    for p in payments {
        let mut v = val(s, &p.validator)?;
        v.rewards = v.rewards.saturating_add(p.reward.0);
        save_val(s, &p.validator, &v);
    }
    Ok(Response::new().add_event(Event::new("rewards_kept")))
}
