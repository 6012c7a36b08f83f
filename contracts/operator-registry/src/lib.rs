//! Who operates what: operator accounts, their validators on many chains, their Bitcoin provider keys.
//!
//! Every binding has a proof from both sides: the operator's by sending the message, the key's by its signature
//! over [`staking_api::mesh::registry::binding_message`]. From the bindings follow the overlap of two chains and,
//! by governance's policy, what a proven fault on one chain costs the operator on the others: nothing, its place
//! in the delegable lists, or part of its self-bond. For the latter the registry is itself a lien holder: operators
//! cross-stake with it through a vault. It does not verify faults; reporters (btc-finality, external-staking
//! contracts) do. mesh-security.md §15-7, §15-8, §16.3.

mod bind;
mod bond;
mod error;
mod fault;
mod owner;
mod query;
mod state;

pub use error::{ExecuteError, InstantiateError};

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response, StdResult};
use staking_api::mesh::registry::{ExecuteMsg, InstantiateMsg, QueryMsg};

/// Creates the registry.
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
    owner::instantiate(deps, &msg)
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
        ExecuteMsg::RegisterOperator { moniker } => bind::register(deps, &info, moniker),
        ExecuteMsg::BindValidator { chain_id, valoper, kind, pub_key, signature } => {
            bind::validator(deps, &env, &info, &chain_id, &valoper, kind, &pub_key.0, &signature.0)
        }
        ExecuteMsg::BindProvider { consumer, fp_pk, signature } => {
            bind::provider(deps, &env, &info, &consumer, &fp_pk, &signature.0)
        }
        ExecuteMsg::UnbindValidator { chain_id, valoper } => {
            bind::unbind(deps, &env, &info, &chain_id, &valoper)
        }
        ExecuteMsg::Vouch { operator, chain_id, valoper, fp_pk } => {
            bind::vouch(deps, &info, &operator, &chain_id, &valoper, fp_pk.as_deref())
        }
        ExecuteMsg::ReceiveVirtualStake { owner, amount, tx_id, .. } => {
            bond::receive(deps, &info, &owner, &amount, tx_id)
        }
        ExecuteMsg::BurnVirtualStake { owner, amount, .. } => bond::burn(deps, &info, &owner, &amount),
        ExecuteMsg::ReleaseSelfBond { vault, amount } => bond::release(deps, &info, &vault, &amount),
        ExecuteMsg::ReportFault { chain_id, fp_pk, valoper } => {
            fault::report(deps, &info, &chain_id, fp_pk.as_deref(), valoper.as_deref())
        }
        ExecuteMsg::Pardon { operator } => fault::pardon(deps, &info, &operator),
        ExecuteMsg::SetPenalty { penalty } => owner::set_penalty(deps, &info, penalty),
        ExecuteMsg::SetReporters { reporters } => owner::set_reporters(deps, &info, &reporters),
        ExecuteMsg::SetVaults { vaults } => owner::set_vaults(deps, &info, &vaults),
        ExecuteMsg::SetPowers { chain_id, powers } => owner::set_powers(deps, &info, &chain_id, &powers),
        ExecuteMsg::PublishKeys { chain_id, keys } => owner::publish_keys(deps, &info, &chain_id, &keys),
    }
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
