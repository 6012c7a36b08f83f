//! Virtual stake of one pairing on the consumer: how much power the foreign stake has, and with whom.
//!
//! The converter asks (`bond`, `unbond`, `burn`, values in staking tokens); once per epoch the contract brings
//! what it really delegates in line with what is asked, within governance's limits, and passes rewards and
//! validator events on. Power comes from one of two sources, chosen at instantiation: a *treasury* of native
//! tokens that the consumer's governance lends to the contract (plain chains; nothing but x/staking is needed),
//! or x/meshsecurity, which mints virtual tokens (build feature `virtual_staking`).
//! It knows nothing of foreign tokens or prices. mesh-security.md §9, §15-10, §15-11, §15-18.

mod allocate;
mod epoch;
mod error;
mod execute;
#[cfg(feature = "virtual_staking")]
mod module;
mod query;
mod report;
mod state;

pub use error::{ExecuteError, InstantiateError};

#[cfg(feature = "virtual_staking")]
pub use module::ModuleMsg;

use cosmwasm_std::{Binary, Deps, DepsMut, Empty, Env, MessageInfo, Reply, StdResult, to_json_binary};
use staking_api::mesh::virtual_staking::{ExecuteMsg, InstantiateMsg, QueryMsg, SudoMsg};

/// What the contract may send beside the standard messages.
#[cfg(feature = "virtual_staking")]
pub type Custom = ModuleMsg;
/// What the contract may send beside the standard messages: nothing.
#[cfg(not(feature = "virtual_staking"))]
pub type Custom = Empty;

/// Answer of an entry point.
pub type Response = cosmwasm_std::Response<Custom>;

/// Makes the chain's capability a condition of storing this build.
#[cfg(all(feature = "virtual_staking", target_arch = "wasm32", not(feature = "library")))]
// Only the attribute is unsafe: an export needs a fixed name. The function is never called.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn requires_virtual_staking() {}

/// Creates the contract; the sender is its converter.
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
        ExecuteMsg::Bond { delegator, validator, amount } => {
            execute::bond(deps, &info, &delegator, &validator, &amount)
        }
        ExecuteMsg::Unbond { delegator, validator, amount } => {
            execute::unbond(deps, &info, &delegator, &validator, &amount)
        }
        ExecuteMsg::Burn { validators, amount } => execute::burn(deps, &info, &validators, &amount),
        ExecuteMsg::InternalUnbond { delegator, validator, amount } => {
            execute::internal_unbond(deps, &env, &info, &delegator, &validator, &amount)
        }
        ExecuteMsg::HandleCloseChannel {} => execute::close_channel(deps, &info),
        ExecuteMsg::HandleEpoch {} => epoch::by_anyone(deps, &env),
        ExecuteMsg::SetLimits { limits } => execute::set_limits(deps, &info, &limits),
        ExecuteMsg::WithdrawTreasury { amount, recipient } => {
            execute::withdraw_treasury(deps, &env, &info, &amount, &recipient)
        }
        ExecuteMsg::Abstain { proposal_id } => execute::abstain(deps.as_ref(), proposal_id),
        ExecuteMsg::SetGovWeight { gov_weight } => execute::set_gov_weight(deps, &info, gov_weight),
        ExecuteMsg::Tombstone { validator } => report::tombstone(deps, &env, &info, &validator),
        ExecuteMsg::ReportNative { stakes } => execute::report_native(deps, &info, &stakes),
    }
}

/// Continues an epoch, or takes back what a delegation that failed was booked as.
///
/// # Errors
/// When state or the reply is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn reply(deps: DepsMut, env: Env, reply: Reply) -> Result<Response, ExecuteError> {
    epoch::reply(deps, &env, reply)
}

/// Messages of the chain module; refused when power comes from a treasury.
///
/// # Errors
/// [`ExecuteError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn sudo(deps: DepsMut, env: Env, msg: SudoMsg) -> Result<Response, ExecuteError> {
    match msg {
        SudoMsg::HandleEpoch {} => epoch::by_chain(deps, &env),
        SudoMsg::HandleValsetUpdate {
            additions,
            removals,
            updated,
            jailed,
            unjailed,
            tombstoned,
            slashed,
        } => {
            let update = report::ValsetUpdate {
                additions: additions.unwrap_or_default(),
                removals: removals.unwrap_or_default(),
                updated: updated.unwrap_or_default(),
                jailed: jailed.unwrap_or_default(),
                unjailed: unjailed.unwrap_or_default(),
                tombstoned: tombstoned.unwrap_or_default(),
                slashed: slashed.unwrap_or_default(),
            };
            report::by_chain(deps, update)
        }
    }
}

/// Answers a query.
///
/// # Errors
/// When state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Config {} => to_json_binary(&query::config(deps)?),
        QueryMsg::GetStake { validator } => to_json_binary(&query::stake(deps, &validator)?),
        QueryMsg::GetAllStake {} => to_json_binary(&query::all_stake(deps)?),
        QueryMsg::Status {} => to_json_binary(&query::status(deps, &env)?),
        QueryMsg::Requests { start_after, limit } => {
            to_json_binary(&query::requests(deps, start_after.as_deref(), limit)?)
        }
        QueryMsg::SecurityReport {} => to_json_binary(&query::security_report(deps)?),
        QueryMsg::WeighCaps { total, economic_weights } => {
            to_json_binary(&query::weigh_caps(total, &economic_weights))
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
