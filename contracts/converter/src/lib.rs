//! Consumer end of a pairing: takes the provider's packets, prices foreign stake, drives virtual-staking.
//!
//! It keeps the foreign amount per validator and the local value last asked for. Stake is re-valued at every
//! epoch and only the difference is passed on, under the contract's own address as delegator, so a price change
//! can neither block an unstake nor leave virtual stake behind (probe P1). A stale price refuses increases and
//! nothing else. Packets that must arrive (validator events, rewards) stay in an outbox until acknowledged.
//! Rewards wait here until the provider side asks for their payment. mesh-security.md §7, §8, §13, §16.7.

mod error;
mod execute;
mod ibc;
mod query;
mod state;

pub use error::{ExecuteError, InstantiateError};
pub use ibc::{
    ibc_channel_close, ibc_channel_connect, ibc_channel_open, ibc_packet_ack, ibc_packet_receive,
    ibc_packet_timeout,
};
use mesh_accounting::store::Channel;
pub use mesh_accounting::store::ChannelError;

use cosmwasm_std::{
    Binary, Deps, DepsMut, Empty, Env, MessageInfo, Reply, Response, StdResult, to_json_binary,
};
use staking_api::mesh::converter::{ExecuteMsg, InstantiateMsg, QueryMsg};

/// Creates the converter and its virtual-staking.
///
/// # Errors
/// [`InstantiateError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn instantiate(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    execute::admin::instantiate(deps, &env, &info, msg)
}

/// Executes a message.
///
/// # Errors
/// [`ExecuteError`], one variant per reason.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn execute(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, ExecuteError> {
    match msg {
        ExecuteMsg::DistributeReward { validator } => {
            execute::rewards::distribute_one(deps, &env, &info, validator)
        }
        ExecuteMsg::DistributeRewards { payments } => {
            execute::rewards::distribute(deps, &env, &info, payments)
        }
        ExecuteMsg::ValsetUpdate { additions, removals, updated, jailed, unjailed, tombstoned, slashed } => {
            let lists = execute::valset::Lists { removals, jailed, unjailed, tombstoned };
            execute::valset::update(deps, &env, &info, additions, updated, lists, slashed)
        }
        ExecuteMsg::InternalUnstake { delegator, validator, amount } => {
            execute::stake::internal_unstake(deps, &env, &info, delegator, validator, amount)
        }
        ExecuteMsg::Reprice { limit } => execute::reprice::reprice(deps, &env, limit),
        ExecuteMsg::FlushOutbox { limit } => execute::admin::flush(deps, &env, limit),
        ExecuteMsg::PayBoost {} => execute::rewards::pay_boost(deps, &env),
        ExecuteMsg::FundBoost {} => execute::rewards::fund_boost(deps, &info),
        ExecuteMsg::SetBoost { per_epoch, epoch_s } => {
            execute::admin::set_boost(deps, &env, &info, per_epoch, epoch_s)
        }
        ExecuteMsg::SetDiscount { discount } => execute::admin::set_discount(deps, &info, discount),
        ExecuteMsg::SetPriceFeed { price_feed } => execute::admin::set_price_feed(deps, &info, &price_feed),
        ExecuteMsg::SetValidatorKey { validator, pub_key } => {
            execute::admin::set_validator_key(deps, &info, &validator, &pub_key)
        }
        ExecuteMsg::CloseChannel {} => execute::admin::close_channel(deps, &info),
    }
}

/// Keeps the address of the virtual-staking created, or notes that a change could not be passed on to it.
///
/// # Errors
/// When the reply or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn reply(deps: DepsMut, _env: Env, reply: Reply) -> Result<Response, ExecuteError> {
    execute::admin::reply(deps, reply)
}

/// Answers a query.
///
/// # Errors
/// When state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Config {} => to_json_binary(&query::config(deps)?),
        QueryMsg::ForeignStakes { start_after, limit } => {
            to_json_binary(&query::foreign_stakes(deps, start_after.as_deref(), limit)?)
        }
        QueryMsg::ForeignStake { validator } => to_json_binary(&query::foreign_stake(deps, validator)?),
        QueryMsg::IbcChannel {} => to_json_binary(&Channel::shown(deps.storage)?),
        QueryMsg::Outbox {} => to_json_binary(&query::outbox(deps)?),
        QueryMsg::Boost {} => to_json_binary(&query::boost(deps)?),
        QueryMsg::Price {} => to_json_binary(&query::price(deps)?),
    }
}

/// Keeps the state as it is.
///
/// # Errors
/// Never.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn migrate(_deps: DepsMut, _env: Env, _msg: Empty) -> StdResult<Response> {
    Ok(Response::new())
}
