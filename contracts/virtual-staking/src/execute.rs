//! Messages of the converter and of the treasury's owner.

use crate::Response;
use crate::error::{ExecuteError, InstantiateError};
use crate::state::{
    BURNED, CONFIG, Config, MAX_VALIDATORS, TREASURY, Treasury, VALS, Val, owned_treasury, save_val, val,
    vals,
};
use cosmwasm_std::{BankMsg, Deps, DepsMut, Env, Event, GovMsg, MessageInfo, VoteOption};
use mesh_accounting::store::{amount_of, chain_coin};
use mesh_accounting::{Ratio, burn as split};
use staking_api::mesh::virtual_staking::{GovWeight, InstantiateMsg, Limits, TreasuryInit};
use staking_api::mesh::{Coin, Uint128};

pub(crate) fn instantiate(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    let config = Config {
        denom: deps.querier.query_bonded_denom()?,
        converter: info.sender.to_string(),
        max_retrieve: msg.max_retrieve,
        tombstoned_unbond: msg.tombstoned_unbond_enable,
    };
    CONFIG.save(deps.storage, &config);
    match msg.treasury {
        Some(init) => {
            let owner = deps.api.addr_validate(&init.owner)?;
            TREASURY.save(deps.storage, &checked(init, owner.into_string())?);
            for v in deps.querier.query_all_validators()?.into_iter().take(MAX_VALIDATORS) {
                save_val(deps.storage, &v.address, &Val { active: true, ..Val::default() });
            }
        }
        None if cfg!(feature = "virtual_staking") => {}
        None => return Err(InstantiateError::NoPowerSource),
    }
    let event = Event::new("virtual_staking").add_attribute("converter", info.sender.as_str());
    Ok(Response::new().add_event(event.add_attribute("height", env.block.height.to_string())))
}

fn checked(init: TreasuryInit, owner: String) -> Result<Treasury, InstantiateError> {
    let share = |name, r: Option<staking_api::mesh::Decimal>| match r.map(Ratio::from) {
        Some(r) if r > Ratio::ONE => Err(InstantiateError::RatioAboveOne(name)),
        r => Ok(r),
    };
    Ok(Treasury {
        owner,
        max_cap: init.limits.max_cap.0,
        max_of_native: init.limits.max_of_native.map(Into::into),
        max_per_validator: share("max_per_validator", init.limits.max_per_validator)?,
        taper_from: share("taper_from", init.limits.taper_from)?,
        min_epoch_s: init.min_epoch_s,
        abstains: init.gov_weight == GovWeight::Zero,
    })
}

fn event(kind: &str, validator: &str, amount: u128, requested: u128) -> Event {
    Event::new(kind)
        .add_attribute("validator", validator)
        .add_attribute("amount", amount.to_string())
        .add_attribute("requested", requested.to_string())
}

pub(crate) fn bond(
    deps: DepsMut,
    info: &MessageInfo,
    delegator: &str,
    validator: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_converter(info)?;
    let amount = config.amount(amount)?;
    let known = VALS.has(deps.storage, &[validator.as_bytes()]);
    if !known && vals(deps.storage)?.len() >= MAX_VALIDATORS {
        return Err(ExecuteError::TooManyValidators { max: MAX_VALIDATORS });
    }
    let mut v = val(deps.storage, validator)?;
    v.requested = v.requested.saturating_add(amount);
    save_val(deps.storage, validator, &v);
    let response = Response::new().add_event(event("virtual_bond", validator, amount, v.requested));
    Ok(booked(deps.as_ref(), response, false, delegator, validator, amount)?)
}

/// Lowers what is asked for; asking for less than nothing is asking for nothing.
pub(crate) fn unbond(
    deps: DepsMut,
    info: &MessageInfo,
    delegator: &str,
    validator: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_converter(info)?;
    let mut v = val(deps.storage, validator)?;
    let amount = config.amount(amount)?.min(v.requested);
    v.requested -= amount;
    save_val(deps.storage, validator, &v);
    let response = Response::new().add_event(event("virtual_unbond", validator, amount, v.requested));
    Ok(booked(deps.as_ref(), response, true, delegator, validator, amount)?)
}

/// The provider side confirmed what was given back. With x/meshsecurity the request was lowered when it was offered,
/// and the tokens are taken back at once.
pub(crate) fn internal_unbond(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    delegator: &str,
    validator: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    if TREASURY.may_load(deps.storage)?.is_some() {
        return unbond(deps, info, delegator, validator, amount);
    }
    let config = CONFIG.load(deps.storage)?;
    config.only_converter(info)?;
    let mut v = val(deps.storage, validator)?;
    let taken = config.amount(amount)?.min(v.bonded);
    v.bonded -= taken;
    save_val(deps.storage, validator, &v);
    let response = Response::new().add_event(event("virtual_given_back", validator, taken, v.requested));
    let response = taken_back(response, deps.as_ref(), env, &config, validator, taken)?;
    Ok(booked(deps.as_ref(), response, true, delegator, validator, amount.amount.0)?)
}

#[cfg(feature = "virtual_staking")]
fn taken_back(
    response: Response,
    deps: Deps,
    env: &Env,
    config: &Config,
    validator: &str,
    taken: u128,
) -> cosmwasm_std::StdResult<Response> {
    let there = crate::module::delegated(&deps.querier, env, validator);
    let msg = crate::module::taken(config, validator, taken.min(there))?;
    Ok(response.add_submessages(msg))
}

#[cfg(not(feature = "virtual_staking"))]
fn taken_back(
    response: Response,
    _: Deps,
    _: &Env,
    _: &Config,
    _: &str,
    _: u128,
) -> cosmwasm_std::StdResult<Response> {
    Ok(response)
}

/// x/meshsecurity keeps books per delegator; a treasury does not.
#[cfg(feature = "virtual_staking")]
fn booked(
    deps: Deps,
    response: Response,
    is_deduct: bool,
    delegator: &str,
    validator: &str,
    amount: u128,
) -> cosmwasm_std::StdResult<Response> {
    if TREASURY.may_load(deps.storage)?.is_some() || amount == 0 {
        return Ok(response);
    }
    let amount = Coin::new(amount, CONFIG.load(deps.storage)?.denom);
    let msg = staking_api::mesh::virtual_staking::VirtualStakeMsg::UpdateDelegation {
        amount,
        is_deduct,
        delegator: delegator.into(),
        validator: validator.into(),
    };
    Ok(response.add_message(crate::module::custom(msg)))
}

#[cfg(not(feature = "virtual_staking"))]
fn booked(
    _: Deps,
    response: Response,
    _: bool,
    _: &str,
    _: &str,
    _: u128,
) -> cosmwasm_std::StdResult<Response> {
    Ok(response)
}

pub(crate) fn burn(
    deps: DepsMut,
    info: &MessageInfo,
    validators: &[String],
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_converter(info)?;
    let amount = config.amount(amount)?;
    let mut named = Vec::with_capacity(validators.len().min(MAX_VALIDATORS));
    for name in validators.iter().take(MAX_VALIDATORS) {
        named.push((name, val(deps.storage, name)?));
    }
    let stakes: Vec<u128> = named.iter().map(|(_, v)| v.requested).collect();
    let mut response = Response::new();
    let mut burned = BURNED.get(deps.storage)?;
    for ((name, mut v), part) in named.into_iter().zip(split::split(&stakes, amount)) {
        v.requested = v.requested.saturating_sub(part);
        burned = burned.saturating_add(part);
        save_val(deps.storage, name, &v);
        response = response.add_event(event("virtual_burn", name, part, v.requested));
    }
    BURNED.save(deps.storage, &burned);
    Ok(response)
}

/// The channel is gone: nothing is asked for any more; the next epoch takes all delegations back.
pub(crate) fn close_channel(deps: DepsMut, info: &MessageInfo) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_converter(info)?;
    for (name, mut v) in vals(deps.storage)? {
        v.requested = 0;
        save_val(deps.storage, &name, &v);
    }
    Ok(Response::new().add_event(Event::new("virtual_channel_closed")))
}

pub(crate) fn set_limits(
    deps: DepsMut,
    info: &MessageInfo,
    limits: &Limits,
) -> Result<Response, ExecuteError> {
    let old = owned_treasury(deps.storage, info)?;
    let init = TreasuryInit { limits: limits.clone(), ..old.shown() };
    TREASURY.save(deps.storage, &checked(init, old.owner)?);
    let event = Event::new("virtual_limits").add_attribute("max_cap", limits.max_cap.to_string());
    Ok(Response::new().add_event(event))
}

pub(crate) fn withdraw_treasury(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    amount: &Coin,
    recipient: &str,
) -> Result<Response, ExecuteError> {
    owned_treasury(deps.storage, info)?;
    let config = CONFIG.load(deps.storage)?;
    let (wanted, liquid) = (config.amount(amount)?, liquid(deps.as_ref(), env, &config)?);
    if wanted > liquid {
        return Err(ExecuteError::NotLiquid { liquid, wanted });
    }
    let to = deps.api.addr_validate(recipient)?;
    let event = Event::new("treasury_withdrawn").add_attribute("amount", wanted.to_string());
    let send = BankMsg::Send { to_address: to.into_string(), amount: vec![chain_coin(amount)] };
    Ok(Response::new().add_event(event).add_message(send))
}

/// Staking tokens at hand that are not rewards on their way.
pub(crate) fn liquid(deps: Deps, env: &Env, config: &Config) -> Result<u128, ExecuteError> {
    let held = deps.querier.query_balance(env.contract.address.as_str(), config.denom.as_str())?;
    let rewards = vals(deps.storage)?.iter().fold(0u128, |a, (_, v)| a.saturating_add(v.rewards));
    Ok(amount_of(held.amount)?.saturating_sub(rewards))
}

/// Votes Abstain with all virtual stake, so that validators do not vote with it.
pub(crate) fn abstain(deps: Deps, proposal_id: u64) -> Result<Response, ExecuteError> {
    let treasury = TREASURY.may_load(deps.storage)?;
    if !treasury.is_some_and(|t| t.abstains) {
        return Err(ExecuteError::VotesInherited);
    }
    let event = Event::new("virtual_abstain").add_attribute("proposal_id", proposal_id.to_string());
    Ok(Response::new()
        .add_event(event)
        .add_message(GovMsg::Vote { proposal_id, option: VoteOption::Abstain }))
}

pub(crate) fn set_gov_weight(
    deps: DepsMut,
    info: &MessageInfo,
    weight: GovWeight,
) -> Result<Response, ExecuteError> {
    let mut treasury = owned_treasury(deps.storage, info)?;
    treasury.abstains = weight == GovWeight::Zero;
    TREASURY.save(deps.storage, &treasury);
    let event = Event::new("virtual_gov_weight").add_attribute("abstains", treasury.abstains.to_string());
    Ok(Response::new().add_event(event))
}

pub(crate) fn report_native(
    deps: DepsMut,
    info: &MessageInfo,
    stakes: &[(String, Uint128)],
) -> Result<Response, ExecuteError> {
    owned_treasury(deps.storage, info)?;
    for (name, native) in stakes.iter().take(MAX_VALIDATORS) {
        if !VALS.has(deps.storage, &[name.as_bytes()]) {
            return Err(ExecuteError::UnknownValidator(name.clone()));
        }
        let mut v = val(deps.storage, name)?;
        v.native = native.0;
        save_val(deps.storage, name, &v);
    }
    let event = Event::new("native_reported").add_attribute("validators", stakes.len().to_string());
    Ok(Response::new().add_event(event))
}
