//! `btc-finality`: votes of finality providers for the blocks of every consumer, counted by BTC power.
//!
//! A vote is stored where it can be found again; it is not counted when it arrives. `finalize` counts the votes
//! of a height against the power snapshot of that height, in order. A second, different vote at a height gives
//! the provider's key away: the evidence is stored, the provider slashed, and the neighbours told through an
//! outbox. Rewards accrue per satoshi (F1) to those who voted. Power is pushed by `btc-staking`; hot messages
//! make no query. Spec §8, §9; docs/protocol.md, Finality.

mod error;
mod execute;
mod query;
mod state;

use contract_host::outbox::Answer;
use cosmwasm_std::{Binary, Deps, DepsMut, Env, MessageInfo, Response, entry_point};
use staking_api::finality::{ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg};

pub use crate::error::FinalityError;

const NAME: &str = "mesh-btc:btc-finality";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Starts the contract with its first consumers.
///
/// # Errors
/// The settings or addresses are refused.
#[entry_point]
pub fn instantiate(
    deps: DepsMut<'_>,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, FinalityError> {
    cw2::set_contract_version(deps.storage, NAME, VERSION)?;
    execute::govern::instantiate(deps, &info, msg)
}

/// Handles a message.
///
/// # Errors
/// The message is refused; see [`FinalityError`].
#[entry_point]
pub fn execute(
    deps: DepsMut<'_>,
    env: Env,
    info: MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, FinalityError> {
    use ExecuteMsg as M;
    match msg {
        M::CommitRandomness { consumer, fp_pk, start_height, count, commitment, signature } => {
            let commit = execute::commit::Commit { start_height, count, commitment, signature };
            execute::commit::run(deps, &env, &consumer, &fp_pk, &commit)
        }
        M::SubmitVotes { consumer, fp_pk, votes, finalize } => {
            execute::vote::run(deps, &env, &consumer, &fp_pk, &votes, finalize)
        }
        M::Finalize { consumer, limit } => execute::finalize::run(deps, &env, &consumer, limit),
        M::SubmitEvidence { fp_pk, pub_rand, first, second } => {
            execute::evidence::submit(deps, &env, &fp_pk, &pub_rand, first, second)
        }
        M::SubmitLeakedKey { fp_pk, secret_key } => {
            execute::evidence::leaked_key(deps, &env, &fp_pk, &secret_key)
        }
        M::ProviderSlashed { fp_pk, secret_key } => {
            execute::evidence::from_staking(deps, &env, &info, &fp_pk, &secret_key)
        }
        M::TouchBtcTip {} => execute::touch::run(deps, &env),
        M::Unjail { consumer, fp_pk } => execute::jail::unjail(deps, &env, &info, &consumer, &fp_pk),
        M::FundRewards { consumer } => execute::rewards::fund(deps, &info, &consumer),
        M::ClaimRewards { consumer, fp_pk } => execute::rewards::claim(deps, &info, &consumer, &fp_pk),
        M::ClaimCommission { consumer, fp_pk } => {
            execute::rewards::claim_commission(deps, &info, &consumer, &fp_pk)
        }
        M::Retry { limit } => execute::govern::retry(deps, limit),
        M::Prune { consumer, limit } => execute::prune::run(deps, &consumer, limit),
        M::ProviderUpdated(update) => execute::power::provider_updated(deps, &info, &update),
        M::PowerChanges { changes } => execute::power::changes(deps, &info, &changes),
        M::RegisterConsumer(settings) => execute::govern::register_consumer(deps, &info, settings),
        M::UpdateConsumer(settings) => execute::govern::update_consumer(deps, &info, settings),
        M::Resume { consumer, jail, next_height } => {
            execute::jail::resume(deps, &env, &info, &consumer, &jail, next_height)
        }
        M::SetPaused { consumer, paused } => execute::govern::set_paused(deps, &info, &consumer, paused),
        M::SetVault { vault } => execute::govern::set_vault(deps, &info, &vault),
        M::UpdateAdmin { admin, guardian } => {
            execute::govern::update_admin(deps, &info, admin.as_deref(), guardian.as_deref())
        }
    }
}

/// Takes back a message that a peer refused. The wasm's export reads an [`Answer`], native hosts hand a whole `Reply` over.
///
/// # Errors
/// The reply is to no message of this contract.
pub fn reply<A: Into<Answer>>(deps: DepsMut<'_>, _env: Env, answer: A) -> Result<Response, FinalityError> {
    Ok(Response::new().add_event(contract_host::outbox::on_reply(deps.storage, answer.into())?))
}
contract_host::export_reply!(crate::reply);

/// Answers a question.
///
/// # Errors
/// There is no answer.
#[entry_point]
pub fn query(deps: Deps<'_>, env: Env, msg: QueryMsg) -> Result<Binary, FinalityError> {
    query::run(deps, &env, msg)
}

/// Takes over the state of an earlier version.
///
/// # Errors
/// The state belongs to another contract or a later version.
#[entry_point]
pub fn migrate(deps: DepsMut<'_>, _env: Env, _msg: MigrateMsg) -> Result<Response, FinalityError> {
    contract_host::version::migrate(deps.storage, NAME, VERSION)?;
    Ok(Response::new())
}
