//! Stake, unstake and burn: the provider's packets. Only an increase can be refused.

use super::reprice::fresh_price;
use super::send::{HOUR, ask, packet};
use crate::error::ExecuteError;
use crate::state::{CONFIG, PRICE, STAKES, Stake, only_virtual, save_stake, stake};
use cosmwasm_std::{DepsMut, Env, Event, MessageInfo, Response, SubMsg, WasmMsg, to_json_binary};
use mesh_accounting::burn::split;
use mesh_accounting::math::mul_div_floor;
use mesh_accounting::price::{invert, normalise};
use staking_api::mesh::packet::ConsumerPacket;
use staking_api::mesh::virtual_staking::ExecuteMsg as VirtualMsg;
use staking_api::mesh::{Coin, Uint128};

/// What a packet leads to.
pub(crate) type Effect = (Vec<SubMsg>, Vec<Event>);

fn event(kind: &str, validator: &str, amount: u128, new: Stake) -> Event {
    Event::new(kind)
        .add_attribute("validator", validator)
        .add_attribute("amount", amount.to_string())
        .add_attribute("foreign", new.foreign.to_string())
        .add_attribute("local", new.local.to_string())
}

/// More foreign stake: needs a fresh price.
pub(crate) fn add(deps: DepsMut, env: &Env, validator: &str, amount: &Coin) -> Result<Effect, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let amount = config.remote(amount)?;
    let price = fresh_price(deps.storage, &deps.querier, &config)?;
    let old = stake(deps.storage, validator)?;
    let foreign = old.foreign.saturating_add(amount);
    let new = Stake { foreign, local: normalise(foreign, price, config.adjustment) };
    save_stake(deps.storage, validator, new)?;
    let call = ask(deps.storage, env.contract.address.as_str(), validator, old.local, new.local, false)?;
    Ok((call.into_iter().collect(), vec![event("foreign_stake", validator, amount, new)]))
}

/// Less of it, in proportion; never refused, whatever the price.
pub(crate) fn sub(
    deps: DepsMut,
    env: &Env,
    validator: &str,
    amount: u128,
    burn: bool,
) -> Result<Effect, ExecuteError> {
    let old = stake(deps.storage, validator)?;
    let taken = amount.min(old.foreign);
    let foreign = old.foreign - taken;
    let local = mul_div_floor(old.local, foreign, old.foreign).unwrap_or(0);
    let new = Stake { foreign, local };
    save_stake(deps.storage, validator, new)?;
    let call = ask(deps.storage, env.contract.address.as_str(), validator, old.local, new.local, burn)?;
    let kind = if burn { "foreign_burn" } else { "foreign_unstake" };
    let seen = event(kind, validator, taken, new).add_attribute("short", (amount - taken).to_string());
    Ok((call.into_iter().collect(), vec![seen]))
}

/// An unstake packet.
pub(crate) fn unstake(
    deps: DepsMut,
    env: &Env,
    validator: &str,
    amount: &Coin,
) -> Result<Effect, ExecuteError> {
    let amount = CONFIG.load(deps.storage)?.remote(amount)?;
    sub(deps, env, validator, amount, false)
}

/// A burn packet: split over the validators named, in proportion to their stake.
pub(crate) fn burn(
    mut deps: DepsMut,
    env: &Env,
    validators: &[String],
    amount: &Coin,
) -> Result<Effect, ExecuteError> {
    let amount = CONFIG.load(deps.storage)?.remote(amount)?;
    let mut stakes = Vec::with_capacity(validators.len());
    for v in validators {
        stakes.push(stake(deps.storage, v)?.foreign);
    }
    let mut effect = Effect::default();
    for (v, part) in validators.iter().zip(split(&stakes, amount)) {
        if part > 0 {
            let (calls, events) = sub(deps.branch(), env, v, part, true)?;
            effect.0.extend(calls);
            effect.1.extend(events);
        }
    }
    Ok(effect)
}

/// Virtual-staking gives a delegation back (its cap went to zero). Stake is booked in our own name there, which the
/// provider side does not know: such a delegation ends here, and stakers keep what they have without power.
pub(crate) fn internal_unstake(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    delegator: String,
    validator: String,
    amount: Coin,
) -> Result<Response, ExecuteError> {
    only_virtual(deps.storage, info)?;
    let config = CONFIG.load(deps.storage)?;
    let local = config.local(&amount)?;
    if delegator == env.contract.address.as_str() {
        let mut s = stake(deps.storage, &validator)?;
        s.local = s.local.saturating_sub(local);
        save_stake(deps.storage, &validator, s)?;
        let msg = to_json_binary(&VirtualMsg::InternalUnbond { delegator, validator, amount })?;
        let contract_addr = info.sender.to_string();
        return Ok(Response::new().add_message(WasmMsg::Execute { contract_addr, msg, funds: vec![] }));
    }
    let known = STAKES.has(deps.storage, &[validator.as_bytes()]);
    let price = PRICE.get(deps.storage)?.now;
    let inverted = invert(local, price, config.adjustment).filter(|_| known);
    let Some(inverted) = inverted else { return Err(ExecuteError::NothingStaked(validator)) };
    let inverted_amount = Coin { denom: config.remote_denom, amount: Uint128(inverted) };
    let normalize_amount = amount;
    let p = ConsumerPacket::InternalUnstake { delegator, validator, normalize_amount, inverted_amount };
    let msg = packet(deps.storage, env, &p, HOUR)?;
    Ok(Response::new().add_messages(msg))
}
