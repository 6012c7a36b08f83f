//! One user's stake on the vault's own chain: delegations in its own name, rewards to the user.
//!
//! It keeps a book of what it delegated, so that a slash the chain did not report shows as the difference. Burned
//! stake is undelegated and withheld when coins go back to the vault. mesh-security.md §5.2.

mod error;
mod execute;
mod state;

pub use error::ExecuteError;

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response, StdResult, to_json_binary};
use staking_api::mesh::Uint128;
use staking_api::mesh::native::{
    BookedResponse, ProxyConfigResponse, ProxyExecuteMsg as ExecuteMsg,
    ProxyInstantiateMsg as InstantiateMsg, ProxyQueryMsg as QueryMsg,
};

/// Creates the proxy and delegates the attached funds; the sender is its parent.
///
/// # Errors
/// [`ExecuteError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, ExecuteError> {
    execute::instantiate(deps, &info, msg)
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
        ExecuteMsg::Stake { validator } => execute::stake(deps, &info, validator),
        ExecuteMsg::Restake { src_validator, dst_validator, amount } => {
            execute::restake(deps, &info, src_validator, dst_validator, &amount)
        }
        ExecuteMsg::Vote { proposal_id, vote } => execute::vote(deps.as_ref(), &info, proposal_id, vote),
        ExecuteMsg::VoteWeighted { proposal_id, vote } => {
            execute::vote_weighted(deps.as_ref(), &info, proposal_id, vote)
        }
        ExecuteMsg::WithdrawRewards {} => execute::withdraw_rewards(deps.as_ref(), &info),
        ExecuteMsg::Unstake { validator, amount } => execute::unstake(deps, &info, validator, &amount),
        ExecuteMsg::ReleaseUnbonded {} => execute::release_unbonded(deps, &env, &info),
        ExecuteMsg::Burn { validator, amount } => execute::burn(deps, &info, validator.as_deref(), &amount),
        ExecuteMsg::Slashed { validator, amount } => execute::slashed(deps, &info, &validator, &amount),
    }
}

/// Answers a query.
///
/// # Errors
/// When state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Config {} => {
            let c = state::CONFIG.load(deps.storage)?;
            to_json_binary(&ProxyConfigResponse { denom: c.denom, owner: c.owner, parent: c.parent })
        }
        QueryMsg::Booked { validator } => {
            let amount = Uint128(state::BOOK.get(deps.storage, &[validator.as_bytes()])?);
            let burned = Uint128(state::BURNED.get(deps.storage)?);
            to_json_binary(&BookedResponse { amount, burned })
        }
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
