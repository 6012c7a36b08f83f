//! What the proxy does.

use crate::error::ExecuteError;
use crate::state::{BOOK, BURNED, CONFIG, Config, add, book, sub};
use cosmwasm_std::{
    Coin, Decimal, Deps, DepsMut, DistributionMsg, Env, Event, GovMsg, MessageInfo, Response, StakingMsg,
    Uint128, VoteOption, WasmMsg, WeightedVoteOption, to_json_binary,
};
use mesh_accounting::burn::split;
use mesh_accounting::store::{amount_of, only_funds};
use staking_api::mesh;
use staking_api::mesh::native::{
    ExecuteMsg as ParentMsg, OwnerMsg, ProxyInstantiateMsg, VoteOption as Vote,
    WeightedVoteOption as Weighted,
};

fn event(kind: &str, validator: &str, amount: u128) -> Event {
    Event::new(kind).add_attribute("validator", validator).add_attribute("amount", amount.to_string())
}

fn funds(config: &Config, info: &MessageInfo) -> Result<u128, ExecuteError> {
    match only_funds(&info.funds, &config.denom)? {
        0 => Err(ExecuteError::Funds { expected: config.denom.clone(), got: "nothing".into() }),
        x => Ok(x),
    }
}

pub(crate) fn instantiate(
    deps: DepsMut,
    info: &MessageInfo,
    msg: ProxyInstantiateMsg,
) -> Result<Response, ExecuteError> {
    let owner = deps.api.addr_validate(&msg.owner)?.into_string();
    let config = Config { denom: msg.denom, owner: owner.clone(), parent: info.sender.to_string() };
    let x = funds(&config, info)?;
    CONFIG.save(deps.storage, &config);
    add(deps.storage, &msg.validator, x)?;
    let data = to_json_binary(&OwnerMsg { owner: owner.clone() })?;
    Ok(Response::new()
        .add_message(DistributionMsg::SetWithdrawAddress { address: owner })
        .add_event(event("delegate", &msg.validator, x))
        .add_message(StakingMsg::Delegate { validator: msg.validator, amount: Coin::new(x, config.denom) })
        .set_data(data))
}

pub(crate) fn stake(deps: DepsMut, info: &MessageInfo, validator: String) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_parent(info)?;
    let x = funds(&config, info)?;
    add(deps.storage, &validator, x)?;
    let seen = event("delegate", &validator, x);
    let msg = StakingMsg::Delegate { validator, amount: Coin::new(x, config.denom) };
    Ok(Response::new().add_message(msg).add_event(seen))
}

fn enough(deps: Deps, validator: &str, asked: u128) -> Result<(), ExecuteError> {
    let booked = BOOK.get(deps.storage, &[validator.as_bytes()])?;
    match asked <= booked {
        true => Ok(()),
        false => Err(ExecuteError::NotEnough { validator: validator.into(), booked, asked }),
    }
}

pub(crate) fn restake(
    deps: DepsMut,
    info: &MessageInfo,
    src_validator: String,
    dst_validator: String,
    amount: &mesh::Coin,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_owner(info)?;
    let x = config.amount(amount)?;
    enough(deps.as_ref(), &src_validator, x)?;
    sub(deps.storage, &src_validator, x)?;
    add(deps.storage, &dst_validator, x)?;
    let note = to_json_binary(&ParentMsg::NoteValidator { validator: dst_validator.clone() })?;
    let note = WasmMsg::Execute { contract_addr: config.parent, msg: note, funds: vec![] };
    let seen = event("redelegate", &dst_validator, x);
    let msg = StakingMsg::Redelegate { src_validator, dst_validator, amount: Coin::new(x, config.denom) };
    Ok(Response::new().add_message(msg).add_message(note).add_event(seen))
}

fn option(v: Vote) -> VoteOption {
    match v {
        Vote::Yes => VoteOption::Yes,
        Vote::No => VoteOption::No,
        Vote::Abstain => VoteOption::Abstain,
        Vote::NoWithVeto => VoteOption::NoWithVeto,
    }
}

pub(crate) fn vote(
    deps: Deps,
    info: &MessageInfo,
    proposal_id: u64,
    vote: Vote,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    Ok(Response::new().add_message(GovMsg::Vote { proposal_id, option: option(vote) }))
}

pub(crate) fn vote_weighted(
    deps: Deps,
    info: &MessageInfo,
    proposal_id: u64,
    vote: Vec<Weighted>,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    let one = |w: Weighted| WeightedVoteOption {
        option: option(w.option),
        weight: Decimal::new(Uint128::new(w.weight.0)),
    };
    let options = vote.into_iter().map(one).collect();
    Ok(Response::new().add_message(GovMsg::VoteWeighted { proposal_id, options }))
}

pub(crate) fn withdraw_rewards(deps: Deps, info: &MessageInfo) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    let withdraw = |(validator, _)| DistributionMsg::WithdrawDelegatorReward { validator };
    Ok(Response::new().add_messages(book(deps.storage)?.into_iter().map(withdraw)))
}

pub(crate) fn unstake(
    deps: DepsMut,
    info: &MessageInfo,
    validator: String,
    amount: &mesh::Coin,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_owner(info)?;
    let x = config.amount(amount)?;
    enough(deps.as_ref(), &validator, x)?;
    sub(deps.storage, &validator, x)?;
    let seen = event("undelegate", &validator, x);
    let msg = StakingMsg::Undelegate { validator, amount: Coin::new(x, config.denom) };
    Ok(Response::new().add_message(msg).add_event(seen))
}

/// Coins that have unbonded go back to the vault, but for what was burned.
pub(crate) fn release_unbonded(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_owner(info)?;
    let held = deps.querier.query_balance(env.contract.address.as_str(), config.denom.as_str())?;
    let free = amount_of(held.amount)?.saturating_sub(BURNED.get(deps.storage)?);
    if free == 0 {
        return Err(ExecuteError::NothingToRelease);
    }
    let msg = to_json_binary(&ParentMsg::ReleaseProxyStake {})?;
    let funds = vec![Coin::new(free, config.denom)];
    let call = WasmMsg::Execute { contract_addr: config.parent, msg, funds };
    Ok(Response::new().add_message(call).add_event(event("release", "", free)))
}

/// The collateral is gone: undelegates, with the validator named first, and withholds. What is unbonding already
/// is withheld as it comes. Never refused.
pub(crate) fn burn(
    deps: DepsMut,
    info: &MessageInfo,
    first: Option<&str>,
    amount: &mesh::Coin,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_parent(info)?;
    let x = config.amount(amount)?;
    let burned = BURNED.get(deps.storage)?.saturating_add(x);
    BURNED.save(deps.storage, &burned);
    let mut parts: Vec<(String, u128)> = Vec::new();
    let mut left = x;
    if let Some(v) = first {
        let taken = sub(deps.storage, v, left)?;
        left -= taken;
        parts.push((v.into(), taken));
    }
    let rows = book(deps.storage)?;
    let weights: Vec<u128> = rows.iter().map(|(_, b)| *b).collect();
    for ((v, _), part) in rows.into_iter().zip(split(&weights, left)) {
        sub(deps.storage, &v, part)?;
        parts.push((v, part));
    }
    let mut response = Response::new();
    for (validator, part) in parts.into_iter().filter(|(_, p)| *p > 0) {
        response = response.add_event(event("burn", &validator, part));
        let amount = Coin::new(part, config.denom.clone());
        response = response.add_message(StakingMsg::Undelegate { validator, amount });
    }
    Ok(response)
}

/// A slash is accounted for: the book follows.
pub(crate) fn slashed(
    deps: DepsMut,
    info: &MessageInfo,
    validator: &str,
    amount: &mesh::Coin,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_parent(info)?;
    let taken = sub(deps.storage, validator, amount.amount.0)?;
    Ok(Response::new().add_event(event("slashed", validator, taken)))
}
