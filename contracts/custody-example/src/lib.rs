//! A second kind of external custody: tokens locked on another chain, attested by a threshold of accounts.
//!
//! It shows what a third party writes to add a provider of security (an Ethereum custody, say): state what is
//! locked, by whom and until when ([`ExternalCustody`]), tell of exits and faults; the lien book, its face and the
//! burns are shared. Attesters stand for whatever proves the other chain's state; here enough of them must say the
//! same. mesh-security.md §17.
//!
//! [`ExternalCustody`]: mesh_accounting::store::ExternalCustody

mod attest;
mod custody;
mod error;
mod lien;
mod query;
mod state;

pub use error::{ExecuteError, InstantiateError};

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Reply, Response, StdResult};
use mesh_accounting::store::face;
use staking_api::mesh::custody::{ExecuteMsg, InstantiateMsg, QueryMsg};

/// Creates the custody.
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
    attest::instantiate(deps, &msg)
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
        ExecuteMsg::Attest { position } => attest::attest(deps, &env, &info, position),
        ExecuteMsg::Exit { id } => attest::exit(deps, &info, &id),
        ExecuteMsg::Fault { consumer, key } => attest::fault(deps, &info, &consumer, &key),
        ExecuteMsg::SettleFault { consumer, key, limit } => attest::settle(deps, &consumer, &key, limit),
        ExecuteMsg::SetConsumer { consumer, external_staking, slash_dsign, cap } => {
            attest::set_consumer(deps, &info, &consumer, &external_staking, slash_dsign, cap.0)
        }
        ExecuteMsg::StakeRemote { contract, amount, msg } => {
            lien::stake_remote(deps, &info, &contract, amount, msg)
        }
        ExecuteMsg::ReleaseCrossStake { owner, amount } => lien::release(deps, &info, &owner, &amount),
        ExecuteMsg::CommitTx { tx_id } => lien::answer(deps, &info, tx_id, true),
        ExecuteMsg::RollbackTx { tx_id } => lien::answer(deps, &info, tx_id, false),
        ExecuteMsg::CrossSlash { slashes, .. } => lien::slash(deps, &info, slashes),
        ExecuteMsg::RetryBurn { user, lienholder } => lien::retry_burn(deps, &user, &lienholder),
    }
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
