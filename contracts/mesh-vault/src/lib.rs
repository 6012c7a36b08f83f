//! The vault for one native or cw20 collateral: bonded once, it backs local stake and stake on many chains.
//!
//! The lien book is the one every vault shares ([`mesh_accounting::store::Book`]); here are the coins. Promises
//! are bounded by the collateral, recomputed from the liens on every change. A slash, a burn, an answer of a lien
//! holder never fails: a holder that refuses to burn keeps a debt. A holder may slash at most the ratio it stated
//! when the lien was made. mesh-security.md §4.

mod custody;
mod error;
mod execute;
mod query;
mod setup;
mod state;

pub use error::{ExecuteError, InstantiateError};

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Reply, Response, StdResult};
use staking_api::mesh::vault::{ExecuteMsg, InstantiateMsg, QueryMsg};

/// Creates the vault, and its local staking contract where one is to be made.
///
/// # Errors
/// [`InstantiateError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    setup::instantiate(deps, &info, msg)
}

/// Executes a message.
///
/// # Errors
/// [`ExecuteError`], one variant per reason.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn execute(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, ExecuteError> {
    match msg {
        ExecuteMsg::Bond { amount } => execute::bond(deps, &info, amount.as_ref()),
        ExecuteMsg::Receive(sent) => execute::bond_cw20(deps, &info, &sent),
        ExecuteMsg::Unbond { amount } => execute::unbond(deps, &info, &amount),
        ExecuteMsg::Restake { .. } => Err(ExecuteError::NeedsProviderModule),
        ExecuteMsg::StakeLocal { amount, msg } => execute::stake_local(deps, &info, &amount, msg),
        ExecuteMsg::StakeRemote { contract, amount, msg } => {
            execute::stake_remote(deps, &info, &contract, amount, msg)
        }
        ExecuteMsg::ReleaseLocalStake { owner } => execute::release_local(deps, &info, &owner),
        ExecuteMsg::ReleaseCrossStake { owner, amount } => {
            execute::release_cross(deps, &info, &owner, &amount)
        }
        ExecuteMsg::CommitTx { tx_id } => execute::answer(deps, &info, tx_id, true),
        ExecuteMsg::RollbackTx { tx_id } => execute::answer(deps, &info, tx_id, false),
        ExecuteMsg::LocalSlash { slashes, validator } | ExecuteMsg::CrossSlash { slashes, validator } => {
            execute::slash(deps, &info, slashes, &validator)
        }
        ExecuteMsg::RetryBurn { user, lienholder } => execute::retry_burn(deps, &user, &lienholder),
    }
}

/// Keeps the local staking contract created, or a refused burn as a debt.
///
/// # Errors
/// When the reply or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn reply(deps: DepsMut, _env: Env, reply: Reply) -> StdResult<Response> {
    setup::reply(deps, reply)
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
