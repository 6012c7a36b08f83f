//! Local staking of a vault: one proxy per user, slashes of the own chain reported to the vault.
//!
//! A chain with x/meshsecurityprovider reports jailings by `sudo`, before the slash. On a plain chain anybody may
//! have the books of the proxies compared with their delegations. mesh-security.md §5.1.

mod error;
mod execute;
mod slash;
mod state;

pub use error::{ExecuteError, InstantiateError};

use cosmwasm_std::{
    Binary, Deps, DepsMut, Empty, Env, MessageInfo, Reply, Response, StdError, StdResult, to_json_binary,
};
use staking_api::mesh::native::{
    ConfigResponse, ExecuteMsg, InstantiateMsg, OwnerByProxyResponse, ProxyByOwnerResponse, QueryMsg, SudoMsg,
};
use staking_api::mesh::vault::MaxSlashResponse;

/// Creates the contract; the sender is its vault unless another is named.
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
        ExecuteMsg::ReceiveStake { owner, msg } => execute::receive_stake(deps, &env, &info, owner, &msg),
        ExecuteMsg::BurnStake { owner, amount, validator } => {
            execute::burn_stake(deps, &info, &owner, amount, validator)
        }
        ExecuteMsg::ReleaseProxyStake {} => execute::release_proxy_stake(deps.as_ref(), &info),
        ExecuteMsg::ReportSlash { validator, limit } => slash::report(deps, &validator, limit),
        ExecuteMsg::NoteValidator { validator } => execute::note_validator(deps, &info, &validator),
    }
}

/// Keeps the proxy created.
///
/// # Errors
/// When the reply or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn reply(deps: DepsMut, _env: Env, reply: Reply) -> StdResult<Response> {
    execute::reply(deps, reply)
}

/// Jailings, as the chain module reports them before it slashes.
///
/// # Errors
/// When state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn sudo(deps: DepsMut, _env: Env, msg: SudoMsg) -> Result<Response, ExecuteError> {
    let SudoMsg::Jailing { jailed, tombstoned } = msg;
    slash::jailing(deps, &jailed.unwrap_or_default(), &tombstoned.unwrap_or_default())
}

/// Answers a query.
///
/// # Errors
/// When there is no such thing, or state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let c = state::CONFIG.load(deps.storage)?;
    match msg {
        QueryMsg::Config {} => to_json_binary(&ConfigResponse {
            denom: c.denom,
            proxy_code_id: c.proxy_code,
            vault: c.vault,
            slash_ratio_dsign: c.dsign.into(),
            slash_ratio_offline: c.offline.into(),
        }),
        QueryMsg::ProxyByOwner { owner } => {
            let proxy = state::PROXIES.may_load(deps.storage, &[owner.as_bytes()])?;
            let proxy = proxy.ok_or_else(|| StdError::msg(format!("{owner} has no proxy")))?;
            to_json_binary(&ProxyByOwnerResponse { proxy })
        }
        QueryMsg::OwnerByProxy { proxy } => {
            let owner = state::OWNERS.may_load(deps.storage, &[proxy.as_bytes()])?;
            let owner = owner.ok_or_else(|| StdError::msg(format!("{proxy} is not a proxy")))?;
            to_json_binary(&OwnerByProxyResponse { owner })
        }
        QueryMsg::MaxSlash {} => to_json_binary(&MaxSlashResponse {
            slash_ratio_dsign: c.dsign.into(),
            slash_ratio_offline: c.offline.into(),
        }),
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
