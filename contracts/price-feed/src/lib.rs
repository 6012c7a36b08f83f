//! Price of one foreign token in the staking token: median of several sources, with age and step limits.
//!
//! Sources speak by signed transactions. A price is accepted when enough fresh submissions are there; it moves
//! by a bounded step, so that one captured source, or all of them for a moment, cannot re-value stake at once.
//! With no sources the owner's word is the price, as in the stock simple feed. It does not fetch anything.
//! mesh-security.md §10, §16.7.

mod error;
mod execute;
mod query;
mod state;

pub use error::{ExecuteError, InstantiateError};

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response, StdResult, to_json_binary};
use staking_api::mesh::price::{ExecuteMsg, InstantiateMsg, QueryMsg, SudoMsg};

/// Creates the feed.
///
/// # Errors
/// [`InstantiateError`] where a setting makes no sense.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn instantiate(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    execute::instantiate(deps, &env, &info, msg)
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
        ExecuteMsg::UpdatePrice { native_per_foreign } => {
            execute::update_price(deps, &env, &info, native_per_foreign)
        }
        ExecuteMsg::SetSources { sources, min_sources } => {
            execute::set_sources(deps, &info, &sources, min_sources)
        }
        ExecuteMsg::SetOwner { owner } => execute::set_owner(deps, &info, &owner),
    }
}

/// Answers a query.
///
/// # Errors
/// When the price is outdated, or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Price {} => to_json_binary(&query::price(deps, &env)?),
        QueryMsg::Config {} => to_json_binary(&query::config(deps)?),
        QueryMsg::Sources {} => to_json_binary(&query::sources(deps)?),
    }
}

/// The chain's epoch: nothing to do.
///
/// # Errors
/// Never.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn sudo(_deps: DepsMut, _env: Env, msg: SudoMsg) -> StdResult<Response> {
    let SudoMsg::HandleEpoch {} = msg;
    Ok(Response::new())
}

/// Keeps the state as it is.
///
/// # Errors
/// Never.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn migrate(_deps: DepsMut, _env: Env, _msg: Empty) -> StdResult<Response> {
    Ok(Response::new())
}
