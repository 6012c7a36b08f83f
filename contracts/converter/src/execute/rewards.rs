//! Rewards: kept here, told to the provider side, paid out when it asks; and the bonus pool (§13, §15-10).
//!
//! The bonus is paid over *credited* stake, not over power: when a cap or the taper holds power down, rewards
//! still grow with every further delegation.

use super::send::{HOUR, packet};
use super::stake::Effect;
use crate::error::ExecuteError;
use crate::state::{CONFIG, MAX_BATCH, POTS, STAKES, TOTAL, only_virtual};
use cosmwasm_std::{
    BankMsg, CosmosMsg, DepsMut, Env, Event, MessageInfo, Response, StdResult, Storage, SubMsg,
};
use mesh_accounting::price::share;
use mesh_accounting::store::{chain_coin, only_funds, table};
use staking_api::mesh::packet::{ConsumerPacket, RewardInfo};
use staking_api::mesh::{Coin, Uint128};

/// Rewards of one validator.
pub(crate) fn distribute_one(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    validator: String,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let reward = Uint128(only_funds(&info.funds, &config.local_denom)?);
    distribute(deps, env, info, vec![RewardInfo { validator, reward }])
}

/// Rewards of several validators.
pub(crate) fn distribute(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    payments: Vec<RewardInfo>,
) -> Result<Response, ExecuteError> {
    only_virtual(deps.storage, info)?;
    let config = CONFIG.load(deps.storage)?;
    let funds = only_funds(&info.funds, &config.local_denom)?;
    let sum = sum(&payments);
    if sum != funds {
        return Err(ExecuteError::FundsDiffer { payments: sum, funds });
    }
    let msg = tell(deps.storage, env, payments, sum, config.local_denom)?;
    let event = Event::new("rewards_received").add_attribute("amount", sum.to_string());
    Ok(Response::new().add_messages(msg).add_event(event))
}

fn sum(payments: &[RewardInfo]) -> u128 {
    payments.iter().fold(0u128, |a, p| a.saturating_add(p.reward.0))
}

fn tell(
    s: &mut dyn Storage,
    env: &Env,
    rewards: Vec<RewardInfo>,
    sum: u128,
    denom: String,
) -> StdResult<Option<CosmosMsg>> {
    let mut pots = POTS.get(s)?;
    pots.rewards = pots.rewards.saturating_add(sum);
    POTS.save(s, &pots);
    let rewards: Vec<RewardInfo> = rewards.into_iter().filter(|r| r.reward.0 > 0).collect();
    if rewards.is_empty() {
        return Ok(None);
    }
    packet(s, env, &ConsumerPacket::DistributeBatch { rewards, denom }, HOUR)
}

/// The provider side asks for a payment.
pub(crate) fn transfer(deps: DepsMut, rewards: &Coin, recipient: &str) -> Result<Effect, ExecuteError> {
    let asked = CONFIG.load(deps.storage)?.local(rewards)?;
    let to = deps.api.addr_validate(recipient)?;
    let mut pots = POTS.get(deps.storage)?;
    let held = pots.rewards;
    pots.rewards = held.checked_sub(asked).ok_or(ExecuteError::NotEnoughRewards { asked, held })?;
    POTS.save(deps.storage, &pots);
    let event = Event::new("rewards_paid").add_attribute("recipient", to.as_str());
    let send = BankMsg::Send { to_address: to.into_string(), amount: vec![chain_coin(rewards)] };
    Ok((vec![SubMsg::new(send)], vec![event.add_attribute("amount", asked.to_string())]))
}

pub(crate) fn fund_boost(deps: DepsMut, info: &MessageInfo) -> Result<Response, ExecuteError> {
    let amount = only_funds(&info.funds, &CONFIG.load(deps.storage)?.local_denom)?;
    let mut pots = POTS.get(deps.storage)?;
    pots.boost = pots.boost.saturating_add(amount);
    POTS.save(deps.storage, &pots);
    Ok(Response::new().add_event(Event::new("boost_funded").add_attribute("amount", amount.to_string())))
}

/// Pays one epoch's bonus.
pub(crate) fn pay_boost(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    let (mut pots, now) = (POTS.get(deps.storage)?, env.block.time.seconds());
    if now < pots.boost_next {
        return Err(ExecuteError::BoostTooEarly { next: pots.boost_next, now });
    }
    let budget = pots.boost_per_epoch.min(pots.boost);
    let weights = TOTAL.get(deps.storage)?.foreign;
    if budget == 0 || weights == 0 {
        return Err(ExecuteError::NoBoost);
    }
    let mut rewards = Vec::new();
    for (key, stake) in STAKES.list(deps.storage, &[], None, MAX_BATCH)? {
        let reward = Uint128(share(budget, stake.foreign, weights));
        rewards.push(RewardInfo { validator: table::text(key)?, reward });
    }
    let paid = sum(&rewards);
    pots.boost = pots.boost.saturating_sub(paid);
    pots.boost_paid = pots.boost_paid.saturating_add(paid);
    pots.boost_next = now.saturating_add(pots.boost_epoch_s);
    POTS.save(deps.storage, &pots);
    let denom = CONFIG.load(deps.storage)?.local_denom;
    let msg = tell(deps.storage, env, rewards, paid, denom)?;
    let event = Event::new("boost_paid").add_attribute("amount", paid.to_string());
    Ok(Response::new().add_messages(msg).add_event(event))
}
