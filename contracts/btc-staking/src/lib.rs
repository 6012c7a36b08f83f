//! `btc-staking`: parameters, finality providers and delegations, verified here from raw transactions.
//!
//! Scripts are rebuilt, pre-signed transactions derived, signatures and inclusion verified; the rules are those
//! of `staking_protocol`, this contract keeps the records. Whether a delegation counts is one flag of its
//! record; every change of it is pushed to `btc-finality` (in the same transaction) and `btc-vault` (through an
//! outbox). No coins are held here, and nothing runs by itself. Spec §4–§7; docs/protocol.md.

mod error;
mod execute;
mod inclusion;
mod power;
mod query;
mod state;
mod status;
#[cfg(test)]
mod vectors;

use contract_host::outbox::Answer;
use cosmwasm_std::{Binary, Deps, DepsMut, Env, MessageInfo, Response, entry_point};
use staking_api::staking::{ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg};

pub use crate::error::StakingError;

const NAME: &str = "mesh-btc:btc-staking";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Starts the contract with its first parameters.
///
/// # Errors
/// The parameters or addresses are refused.
#[entry_point]
pub fn instantiate(
    deps: DepsMut<'_>,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, StakingError> {
    cw2::set_contract_version(deps.storage, NAME, VERSION)?;
    execute::govern::instantiate(deps, &info, msg)
}

/// Handles a message.
///
/// # Errors
/// The message is refused; see [`StakingError`].
#[entry_point]
pub fn execute(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, StakingError> {
    match msg {
        ExecuteMsg::RegisterProvider(msg) => execute::provider::register(deps, &env, &info, msg),
        ExecuteMsg::EditProvider(msg) => execute::provider::edit(deps, &env, &info, msg),
        ExecuteMsg::RegisterDelegation(msg) => execute::register::run(deps, &env, &info, &msg),
        ExecuteMsg::AddCovenantSignatures { covenant_pk, items } => {
            execute::covenant::run(deps, &env, &covenant_pk, &items)
        }
        ExecuteMsg::Activate { items } => execute::activate::run(deps, &env, &items),
        ExecuteMsg::Undelegate { items } => execute::undelegate::run(deps, &env, &items),
        ExecuteMsg::Expire { limit } => execute::expire::run(deps, &env, limit),
        ExecuteMsg::Quarantine { limit } => execute::quarantine::run(deps, &env, limit),
        ExecuteMsg::SweepSlashed { fp_pk, limit } => execute::slash::sweep(deps, &env, &fp_pk, limit),
        ExecuteMsg::Slash { fp_pk } => execute::slash::run(deps, &env, &info, &fp_pk),
        ExecuteMsg::Retry { limit } => execute::govern::retry(deps, limit),
        ExecuteMsg::AddParams { params } => execute::govern::add_params(deps, &env, &info, &params),
        ExecuteMsg::SetPeers { finality, vault } => execute::govern::set_peers(deps, &info, finality, vault),
        ExecuteMsg::SetPaused { paused } => execute::govern::set_paused(deps, &info, paused),
        ExecuteMsg::RetireProvider { fp_pk } => execute::provider::retire(deps, &info, &fp_pk),
        ExecuteMsg::UpdateAdmin { admin, guardian } => {
            execute::govern::update_admin(deps, &info, admin.as_deref(), guardian.as_deref())
        }
    }
}

/// Takes back a message that a peer refused. The wasm's export reads an [`Answer`], native hosts hand a whole `Reply` over.
///
/// # Errors
/// The reply is to no message of this contract.
pub fn reply<A: Into<Answer>>(deps: DepsMut<'_>, _env: Env, answer: A) -> Result<Response, StakingError> {
    Ok(Response::new().add_event(contract_host::outbox::on_reply(deps.storage, answer.into())?))
}
contract_host::export_reply!(crate::reply);

/// Answers a question.
///
/// # Errors
/// There is no answer.
#[entry_point]
pub fn query(deps: Deps<'_>, env: Env, msg: QueryMsg) -> Result<Binary, StakingError> {
    query::run(deps, &env, msg)
}

/// Takes over the state of an earlier version.
///
/// # Errors
/// The state belongs to another contract or a later version.
#[entry_point]
pub fn migrate(deps: DepsMut<'_>, _env: Env, _msg: MigrateMsg) -> Result<Response, StakingError> {
    contract_host::version::migrate(deps.storage, NAME, VERSION)?;
    Ok(Response::new())
}
