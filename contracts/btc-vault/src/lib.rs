//! The vault whose collateral is bitcoin: what btc-staking proves to be locked, lien holders may claim.
//!
//! It shows lien holders the face of a mesh-security vault, so stock and own external-staking contracts work with
//! it. It never holds coins and cannot stop an exit: it only keeps promises within what Bitcoin can really take,
//! once, and has stake burned when backing goes. Nothing that a lien holder or the Bitcoin side reports can fail
//! here; only new liens are refused. mesh-security.md §16.

mod custody;
mod error;
mod execute;
mod query;
mod state;
mod timing;

pub use error::{ExecuteError, InstantiateError};

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Reply, Response, StdResult};
use mesh_accounting::store::face;
use staking_api::mesh::btc_vault::{ExecuteMsg, InstantiateMsg, QueryMsg};

/// Creates the vault.
///
/// # Errors
/// [`InstantiateError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    _info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    execute::owner::instantiate(deps, msg)
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
    execute::dispatch(deps, &env, &info, msg)
}

/// Keeps a refused burn as a debt of its lien holder.
///
/// # Errors
/// When the reply or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn reply(deps: DepsMut, _env: Env, reply: Reply) -> StdResult<Response> {
    Ok(Response::new().add_event(face::on_burn_reply(deps.storage, reply)?))
}

/// Answers a query.
///
/// # Errors
/// When there is no such thing, or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> StdResult<Binary> {
    query::query(deps, msg)
}

/// Keeps the state as it is.
///
/// # Errors
/// Never.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn migrate(_deps: DepsMut, _env: Env, _msg: Empty) -> StdResult<Response> {
    Ok(Response::new())
}
