//! Provider end of a pairing: the cross-stakes of one consumer, and the lien holder of its vault.
//!
//! It never holds coins. It tells the consumer what is staked and learns from it what happened to validators;
//! a slash there becomes one record per validator, applied to stakers when they are next touched or by
//! `settle_slash`, and reported to the vault. Nothing the vault or the consumer reports can fail here: amounts
//! are clamped to what exists, calls to the vault that fail are kept and repeated. mesh-security.md §6, §7.

mod crdt;
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
pub use mesh_accounting::store::ChannelError;

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Reply, Response, StdResult};
use staking_api::mesh::external::{ExecuteMsg, InstantiateMsg, QueryMsg};

/// Creates the contract.
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
    let _ = (env, info);
    execute::admin::instantiate(deps, msg)
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
        ExecuteMsg::ReceiveVirtualStake { owner, amount, tx_id, msg } => {
            execute::stake::receive(deps, &env, &info, &owner, &amount, tx_id, &msg)
        }
        ExecuteMsg::BurnVirtualStake { owner, amount, validator } => {
            execute::burn::burn(deps, &env, &info, &owner, &amount, validator.as_deref())
        }
        ExecuteMsg::Unstake { validator, amount } => {
            execute::stake::unstake(deps, &env, &info, &validator, &amount)
        }
        ExecuteMsg::WithdrawUnbonded {} => execute::stake::withdraw_unbonded(deps, &env, &info),
        ExecuteMsg::WithdrawRewards { validator, remote_recipient } => {
            execute::rewards::withdraw(deps, &env, &info, &validator, remote_recipient)
        }
        ExecuteMsg::SettleSlash { validator, limit } => execute::slash::settle_next(deps, &validator, limit),
        ExecuteMsg::FlushOutbox { limit } => execute::admin::flush(deps, &env, limit),
        ExecuteMsg::CloseChannel {} => execute::admin::close_channel(deps, &info),
    }
}

/// Keeps a call to the vault that failed.
///
/// # Errors
/// When the reply or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn reply(deps: DepsMut, env: Env, reply: Reply) -> Result<Response, ExecuteError> {
    execute::admin::reply(deps, &env, reply)
}

/// Answers a query.
///
/// # Errors
/// When there is no such thing, or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    query::query(deps, &env, msg)
}

/// Keeps the state as it is.
///
/// # Errors
/// Never.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn migrate(_deps: DepsMut, _env: Env, _msg: Empty) -> StdResult<Response> {
    Ok(Response::new())
}
