//! Cross-staking, and what anybody may have repeated.

use super::{expiry, rebalance};
use crate::custody::Bitcoin;
use crate::error::ExecuteError;
use crate::state::{BOUND_FP, CONFIG, Consumer, FP_USER, MAX_OPEN_SLASHES, OPEN_SLASHES, SAT, consumer_of};
use cosmwasm_std::{
    Event, MessageInfo, QuerierWrapper, Response, StdResult, Storage, WasmMsg, from_json, to_json_binary,
};
use mesh_accounting::store::face::{BurnContext, burn_message, take_debt};
use mesh_accounting::store::{Book, Terms, table};
use staking_api::mesh::external::{QueryMsg as ExternalQuery, StakesResponse};
use staking_api::mesh::registry::{BoundFpResponse, QueryMsg as RegistryQuery};
use staking_api::mesh::vault::{CrossStakingExecuteMsg, StakeMsg};
use staking_api::mesh::{Binary, Coin};

/// The user cross-stakes: a lien is made and its holder told.
pub(super) fn stake_remote(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    info: &MessageInfo,
    contract: &str,
    amount: Coin,
    msg: Binary,
) -> Result<Response, ExecuteError> {
    let user = info.sender.as_str();
    if amount.denom != SAT {
        return Err(ExecuteError::Denom(amount.denom));
    }
    let unknown = || ExecuteError::UnknownConsumer(contract.into());
    let (consumer, c) = consumer_of(s, contract)?.ok_or_else(unknown)?;
    if c.paused {
        return Err(ExecuteError::Paused(consumer));
    }
    within_cap(s, &consumer, &c, amount.amount.0)?;
    let ended = expiry::before_lien(s, querier)?;
    nothing_to_settle(s, user)?;
    bound(s, querier, user, &consumer, &msg)?;
    let shared = CONFIG.load(s)?.shared && c.shared;
    let terms = Terms { ratio: c.ratio, shared };
    let tx_id = Book::begin(s, &Bitcoin, user, contract, terms, amount.amount.0)?;
    let event = Event::new("stake_remote")
        .add_attribute("user", user)
        .add_attribute("consumer", consumer)
        .add_attribute("amount", amount.amount.to_string())
        .add_attribute("tx_id", tx_id.to_string());
    let call = CrossStakingExecuteMsg::ReceiveVirtualStake { owner: user.into(), amount, tx_id, msg };
    let call =
        WasmMsg::Execute { contract_addr: contract.into(), msg: to_json_binary(&call)?, funds: vec![] };
    Ok(ended.add_message(call).add_event(event))
}

fn within_cap(s: &dyn Storage, consumer: &str, c: &Consumer, amount: u128) -> Result<(), ExecuteError> {
    let value = Book::held_by(s, &c.contract)?.saturating_add(amount);
    match value > u128::from(c.cap) {
        true => Err(ExecuteError::ConsumerCap { consumer: consumer.into(), value, cap: c.cap }),
        false => Ok(()),
    }
}

/// Backing that a slash has taken but that is not settled yet must not carry new liens.
fn nothing_to_settle(s: &dyn Storage, user: &str) -> Result<(), ExecuteError> {
    let open = OPEN_SLASHES.list(s, &[], None, MAX_OPEN_SLASHES + 1)?;
    for (i, (fp, ())) in open.into_iter().enumerate() {
        let fp = table::text(fp)?;
        if i >= MAX_OPEN_SLASHES || FP_USER.has(s, &[fp.as_bytes(), user.as_bytes()]) {
            return Err(ExecuteError::SlashPending(fp));
        }
    }
    Ok(())
}

/// The validator must be of the operator whose provider key secures the delegation (I3).
fn bound(
    s: &dyn Storage,
    querier: &QuerierWrapper,
    user: &str,
    consumer: &str,
    msg: &Binary,
) -> Result<(), ExecuteError> {
    let config = CONFIG.load(s)?;
    let (true, Some(registry)) = (config.require_binding, config.registry) else { return Ok(()) };
    let validator =
        from_json::<StakeMsg>(&msg.0).map_err(|e| ExecuteError::StakeMsg(e.to_string()))?.validator;
    let ask = RegistryQuery::BoundFp { consumer: consumer.into(), validator: validator.clone() };
    let answer: BoundFpResponse = querier.query_wasm_smart(registry, &ask)?;
    let has = |fp: &String| BOUND_FP.has(s, &[user.as_bytes(), consumer.as_bytes(), fp.as_bytes()]);
    match answer.fp_pk.filter(has) {
        Some(_) => Ok(()),
        None => Err(ExecuteError::NotBound { consumer: consumer.into(), validator }),
    }
}

/// Brings a user's liens within the backing.
pub(super) fn sync(s: &mut dyn Storage, user: &str) -> Result<Response, ExecuteError> {
    let (burns, cuts) = rebalance(s, user, None)?;
    Ok(Response::new().add_submessages(burns).add_events(cuts))
}

/// Sends a refused burn again, sized by what its holder can burn just now (a stock holder cannot burn stake that
/// is in flight or leaving, T4, T10).
pub(super) fn retry_burn(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    user: &str,
    holder: &str,
) -> Result<Response, ExecuteError> {
    let bonded = bonded_with(querier, user, holder);
    let burn = take_debt(s, user, holder, bonded)?.ok_or_else(|| ExecuteError::NoDebt(holder.into()))?;
    let event = Event::new("burn_retried")
        .add_attribute("user", user)
        .add_attribute("lienholder", holder)
        .add_attribute("amount", burn.amount.to_string());
    let ctx = BurnContext { user, denom: SAT, local: None };
    Ok(Response::new().add_submessage(burn_message(&ctx, &burn, None)?).add_event(event))
}

fn bonded_with(querier: &QuerierWrapper, user: &str, holder: &str) -> Option<u128> {
    let ask = ExternalQuery::Stakes { user: user.into(), start_after: None, limit: Some(100) };
    let answer: StdResult<StakesResponse> = querier.query_wasm_smart(holder, &ask);
    let stakes = answer.ok()?.stakes;
    Some(stakes.iter().fold(0u128, |a, s| a.saturating_add(s.stake.l.0)))
}
