//! Liens over attested positions: the face every vault shows its lien holders.

use crate::custody::Attested;
use crate::error::ExecuteError;
use crate::state::{CONFIG, consumer_of};
use cosmwasm_std::{
    DepsMut, Event, MessageInfo, Response, StdResult, Storage, SubMsg, WasmMsg, to_json_binary,
};
use mesh_accounting::store::face::{BurnContext, burn_message, burn_messages, take_debt};
use mesh_accounting::store::{Book, Terms};
use staking_api::mesh::vault::{CrossStakingExecuteMsg, UserSlash};
use staking_api::mesh::{Binary, Coin};

/// Brings a user's liens within the backing; the excess is burned.
pub(crate) fn rebalance(s: &mut dyn Storage, user: &str) -> StdResult<Vec<SubMsg>> {
    let denom = CONFIG.load(s)?.denom;
    let burns = Book::rebalance(s, &Attested, user)?;
    burn_messages(&BurnContext { user, denom: &denom, local: None }, &burns, None)
}

pub(crate) fn stake_remote(
    deps: DepsMut,
    info: &MessageInfo,
    contract: &str,
    amount: Coin,
    msg: Binary,
) -> Result<Response, ExecuteError> {
    let (expected, user) = (CONFIG.load(deps.storage)?.denom, info.sender.as_str());
    if amount.denom != expected {
        return Err(ExecuteError::Denom { expected, got: amount.denom });
    }
    let unknown = || ExecuteError::UnknownConsumer(contract.into());
    let (consumer, c) = consumer_of(deps.storage, contract)?.ok_or_else(unknown)?;
    let value = Book::held_by(deps.storage, contract)?.saturating_add(amount.amount.0);
    if value > c.cap {
        return Err(ExecuteError::ConsumerCap { consumer, value, cap: c.cap });
    }
    let terms = Terms { ratio: c.ratio, shared: false };
    let tx_id = Book::begin(deps.storage, &Attested, user, contract, terms, amount.amount.0)?;
    let event =
        Event::new("stake_remote").add_attribute("user", user).add_attribute("tx_id", tx_id.to_string());
    let call = CrossStakingExecuteMsg::ReceiveVirtualStake { owner: user.into(), amount, tx_id, msg };
    let call =
        WasmMsg::Execute { contract_addr: contract.into(), msg: to_json_binary(&call)?, funds: vec![] };
    Ok(Response::new().add_message(call).add_event(event))
}

/// Never refused.
pub(crate) fn release(
    deps: DepsMut,
    info: &MessageInfo,
    owner: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    let taken = Book::release(deps.storage, owner, info.sender.as_str(), amount.amount.0)?;
    let event = Event::new("lien_released").add_attribute("user", owner);
    Ok(Response::new().add_event(event.add_attribute("amount", taken.to_string())))
}

/// Never refused.
pub(crate) fn answer(deps: DepsMut, info: &MessageInfo, id: u64, ok: bool) -> Result<Response, ExecuteError> {
    let holder = info.sender.as_str();
    let answer =
        if ok { Book::commit(deps.storage, holder, id)? } else { Book::rollback(deps.storage, holder, id)? };
    let event = Event::new("lien_answered").add_attribute("tx_id", id.to_string());
    Ok(Response::new().add_event(event.add_attribute("outcome", format!("{answer:?}"))))
}

/// A fault that the custodian cannot punish: the lien falls, what is locked elsewhere does not. Never refused.
pub(crate) fn slash(
    deps: DepsMut,
    info: &MessageInfo,
    slashes: Vec<UserSlash>,
) -> Result<Response, ExecuteError> {
    let mut response = Response::new();
    for UserSlash { user, slash } in slashes {
        let taken = Book::slash(deps.storage, &user, info.sender.as_str(), slash.0)?;
        let event = Event::new("cross_slash").add_attribute("user", &user);
        response = response.add_event(event.add_attribute("lien", taken.lien.to_string()));
    }
    Ok(response)
}

pub(crate) fn retry_burn(deps: DepsMut, user: &str, holder: &str) -> Result<Response, ExecuteError> {
    let denom = CONFIG.load(deps.storage)?.denom;
    let burn =
        take_debt(deps.storage, user, holder, None)?.ok_or_else(|| ExecuteError::NoDebt(holder.into()))?;
    let ctx = BurnContext { user, denom: &denom, local: None };
    Ok(Response::new().add_submessage(burn_message(&ctx, &burn, None)?))
}
