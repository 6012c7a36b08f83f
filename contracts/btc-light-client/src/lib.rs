//! `btc-light-client`: the most-work chain of Bitcoin headers, validated here, submitted by anyone.
//!
//! It keeps of each header what proofs, reorgs and retargets need (see `contract_host::headers`), follows
//! forks within a bounded window and forgets what is too deep to matter. It does not see block solutions of
//! signet, and it holds no keys and no funds. Spec §10; docs/protocol.md, Headers.

mod chain;
mod error;
mod execute;
mod query;
mod state;

use cosmwasm_std::{Binary, Deps, DepsMut, Env, MessageInfo, Response, entry_point};
use staking_api::light_client::{ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg};

pub use crate::error::LightClientError;

const NAME: &str = "mesh-btc:btc-light-client";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Starts the light client at its base header.
///
/// # Errors
/// The base or the settings are refused.
#[entry_point]
pub fn instantiate(
    deps: DepsMut<'_>,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, LightClientError> {
    cw2::set_contract_version(deps.storage, NAME, VERSION)?;
    execute::instantiate::run(deps, &info, msg)
}

/// Handles a message.
///
/// # Errors
/// The message is refused; see [`LightClientError`].
#[entry_point]
pub fn execute(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, LightClientError> {
    match msg {
        ExecuteMsg::SubmitHeaders { headers, limit } => {
            execute::submit::run(deps, &env, &info, &headers.0, limit)
        }
        ExecuteMsg::Prune { limit } => execute::prune::run(deps, limit),
        ExecuteMsg::UpdateConfig(update) => execute::config::update(deps, &info, update),
        ExecuteMsg::SetPaused { paused } => execute::config::set_paused(deps, &info, paused),
        ExecuteMsg::UpdateAdmin { admin } => execute::config::update_admin(deps, &info, &admin),
    }
}

/// Answers a question.
///
/// # Errors
/// There is no answer.
#[entry_point]
pub fn query(deps: Deps<'_>, env: Env, msg: QueryMsg) -> Result<Binary, LightClientError> {
    query::run(deps, &env, msg)
}

/// Takes over the state of an earlier version.
///
/// # Errors
/// The state belongs to another contract or a later version.
#[entry_point]
pub fn migrate(deps: DepsMut<'_>, _env: Env, _msg: MigrateMsg) -> Result<Response, LightClientError> {
    contract_host::version::migrate(deps.storage, NAME, VERSION)?;
    Ok(Response::new())
}
