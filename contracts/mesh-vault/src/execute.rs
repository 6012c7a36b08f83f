//! What the vault does.

use crate::custody::Coins;
use crate::error::ExecuteError;
use crate::state::{COLLATERAL, CONFIG, Config, LOCAL};
use cosmwasm_std::{
    BankMsg, CosmosMsg, DepsMut, Event, MessageInfo, Response, StdResult, Storage, WasmMsg, to_json_binary,
};
use mesh_accounting::Ratio;
use mesh_accounting::store::book::Answer;
use mesh_accounting::store::face::{BurnContext, burn_message, burn_messages, take_debt};
use mesh_accounting::store::{Book, Terms, chain_coin, only_funds};
use serde::Serialize;
use staking_api::mesh::external::{QueryMsg as ExternalQuery, StakesResponse};
use staking_api::mesh::vault::{
    CrossStakingExecuteMsg, Cw20ReceiveMsg, LocalStakingExecuteMsg, MaxSlashResponse, StakingQueryMsg,
    UserSlash,
};
use staking_api::mesh::{Binary, Coin, Decimal, Uint128};

fn event(kind: &str, user: &str, amount: u128) -> Event {
    Event::new(kind).add_attribute("user", user).add_attribute("amount", amount.to_string())
}

fn amount_of(config: &Config, c: &Coin) -> Result<u128, ExecuteError> {
    match c.denom == config.denom {
        true => Ok(c.amount.0),
        false => Err(ExecuteError::Denom { expected: config.denom.clone(), got: c.denom.clone() }),
    }
}

fn add_collateral(s: &mut dyn Storage, user: &str, amount: u128) -> Result<Response, ExecuteError> {
    if amount == 0 {
        return Err(ExecuteError::NothingSent);
    }
    let sum = COLLATERAL.get(s, &[user.as_bytes()])?.saturating_add(amount);
    COLLATERAL.save(s, &[user.as_bytes()], &sum);
    Ok(Response::new().add_event(event("bond", user, amount)))
}

/// Coins come as funds; the amount named, if any, must be theirs.
pub(crate) fn bond(
    deps: DepsMut,
    info: &MessageInfo,
    named: Option<&Coin>,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    if config.cw20.is_some() {
        return Err(ExecuteError::WrongWay("send the tokens to the vault"));
    }
    let sent = only_funds(&info.funds, &config.denom)?;
    if let Some(named) = named {
        let named = amount_of(&config, named)?;
        if named != sent {
            return Err(ExecuteError::FundsDiffer { named, sent });
        }
    }
    add_collateral(deps.storage, info.sender.as_str(), sent)
}

/// Tokens come by the token contract's `send`.
pub(crate) fn bond_cw20(
    deps: DepsMut,
    info: &MessageInfo,
    sent: &Cw20ReceiveMsg,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    if config.cw20.as_deref() != Some(info.sender.as_str()) {
        return Err(ExecuteError::Denom { expected: config.denom, got: info.sender.to_string() });
    }
    let user = deps.api.addr_validate(&sent.sender)?;
    add_collateral(deps.storage, user.as_str(), sent.amount.0)
}

pub(crate) fn unbond(deps: DepsMut, info: &MessageInfo, amount: &Coin) -> Result<Response, ExecuteError> {
    let (config, user) = (CONFIG.load(deps.storage)?, info.sender.as_str());
    let asked = amount_of(&config, amount)?;
    let free = Book::free(deps.storage, &Coins, user)?.low;
    if asked == 0 || asked > free {
        return Err(ExecuteError::NotFree { free, asked });
    }
    let left = COLLATERAL.get(deps.storage, &[user.as_bytes()])?.saturating_sub(asked);
    COLLATERAL.save(deps.storage, &[user.as_bytes()], &left);
    Ok(Response::new().add_message(pay(&config, user, asked)?).add_event(event("unbond", user, asked)))
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Cw20Msg {
    Transfer { recipient: String, amount: Uint128 },
}

fn pay(config: &Config, user: &str, amount: u128) -> StdResult<CosmosMsg> {
    let to = user.to_string();
    Ok(match &config.cw20 {
        Some(token) => {
            let msg = to_json_binary(&Cw20Msg::Transfer { recipient: to, amount: Uint128(amount) })?;
            WasmMsg::Execute { contract_addr: token.clone(), msg, funds: vec![] }.into()
        }
        None => {
            let coin = chain_coin(&Coin::new(amount, config.denom.clone()));
            BankMsg::Send { to_address: to, amount: vec![coin] }.into()
        }
    })
}

/// Stakes on this chain: the lien is final at once, the coins go along.
pub(crate) fn stake_local(
    deps: DepsMut,
    info: &MessageInfo,
    amount: &Coin,
    msg: Binary,
) -> Result<Response, ExecuteError> {
    let (config, user) = (CONFIG.load(deps.storage)?, info.sender.as_str());
    let local = LOCAL.may_load(deps.storage)?.ok_or(ExecuteError::NoLocalStaking)?;
    let x = amount_of(&config, amount)?;
    let terms = Terms { ratio: local.ratio, shared: false };
    Book::stake(deps.storage, &Coins, user, &local.contract, terms, x)?;
    let call = LocalStakingExecuteMsg::ReceiveStake { owner: user.into(), msg };
    let (msg, funds) = (to_json_binary(&call)?, vec![chain_coin(amount)]);
    let call = WasmMsg::Execute { contract_addr: local.contract, msg, funds };
    Ok(Response::new().add_message(call).add_event(event("stake_local", user, x)))
}

/// Cross-stakes: the lien waits for its holder's answer. Any contract may be named; what it may slash is bounded by
/// the ratio it states now.
pub(crate) fn stake_remote(
    deps: DepsMut,
    info: &MessageInfo,
    contract: &str,
    amount: Coin,
    msg: Binary,
) -> Result<Response, ExecuteError> {
    let (config, user) = (CONFIG.load(deps.storage)?, info.sender.as_str());
    let x = amount_of(&config, &amount)?;
    let holder = deps.api.addr_validate(contract)?.into_string();
    let most: MaxSlashResponse = deps.querier.query_wasm_smart(&holder, &StakingQueryMsg::MaxSlash {})?;
    if most.slash_ratio_dsign > Decimal::ONE {
        return Err(ExecuteError::SlashRatio(most.slash_ratio_dsign));
    }
    let terms = Terms { ratio: Ratio::from(most.slash_ratio_dsign), shared: false };
    let tx_id = Book::begin(deps.storage, &Coins, user, &holder, terms, x)?;
    let call = CrossStakingExecuteMsg::ReceiveVirtualStake { owner: user.into(), amount, tx_id, msg };
    let seen = event("stake_remote", user, x).add_attribute("tx_id", tx_id.to_string());
    let call = WasmMsg::Execute { contract_addr: holder, msg: to_json_binary(&call)?, funds: vec![] };
    Ok(Response::new().add_message(call).add_event(seen))
}

/// Local stake comes back with its coins.
pub(crate) fn release_local(
    deps: DepsMut,
    info: &MessageInfo,
    owner: &str,
) -> Result<Response, ExecuteError> {
    let local = LOCAL.may_load(deps.storage)?.ok_or(ExecuteError::NoLocalStaking)?;
    if local.contract != info.sender.as_str() {
        return Err(ExecuteError::NotLocalStaking(info.sender.to_string()));
    }
    let back = only_funds(&info.funds, &CONFIG.load(deps.storage)?.denom)?;
    let taken = Book::release(deps.storage, owner, &local.contract, back)?;
    Ok(Response::new().add_event(event("release_local_stake", owner, taken)))
}

/// A lien holder gives part of a lien back; more than there is frees what there is (T1).
pub(crate) fn release_cross(
    deps: DepsMut,
    info: &MessageInfo,
    owner: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    let taken = Book::release(deps.storage, owner, info.sender.as_str(), amount.amount.0)?;
    Ok(Response::new().add_event(event("release_cross_stake", owner, taken)))
}

/// A pending lien is final, or void; an unknown one changes nothing (T4b).
pub(crate) fn answer(
    deps: DepsMut,
    info: &MessageInfo,
    tx_id: u64,
    ok: bool,
) -> Result<Response, ExecuteError> {
    let holder = info.sender.as_str();
    let answer = if ok {
        Book::commit(deps.storage, holder, tx_id)?
    } else {
        Book::rollback(deps.storage, holder, tx_id)?
    };
    let outcome = match (answer, ok) {
        (Answer::Done(_), true) => "committed",
        (Answer::Done(_), false) => "rolled_back",
        (Answer::Unknown, _) => "unknown",
        (Answer::NotYours, _) => "not_yours",
    };
    let event = Event::new("lien_answered").add_attribute("tx_id", tx_id.to_string());
    Ok(Response::new().add_event(event.add_attribute("outcome", outcome)))
}

/// A lien holder reports slashes: collateral falls, other liens are brought within it, their holders burn (§4.5).
pub(crate) fn slash(
    deps: DepsMut,
    info: &MessageInfo,
    slashes: Vec<UserSlash>,
    validator: &str,
) -> Result<Response, ExecuteError> {
    let (holder, denom) = (info.sender.as_str(), CONFIG.load(deps.storage)?.denom);
    let local = LOCAL.may_load(deps.storage)?.map(|l| l.contract);
    let mut response = Response::new();
    for UserSlash { user, slash } in slashes {
        let taken = Book::slash(deps.storage, &user, holder, slash.0)?;
        let left = COLLATERAL.get(deps.storage, &[user.as_bytes()])?.saturating_sub(taken.collateral);
        COLLATERAL.save(deps.storage, &[user.as_bytes()], &left);
        let burns = Book::rebalance(deps.storage, &Coins, &user)?;
        let ctx = BurnContext { user: &user, denom: &denom, local: local.as_deref() };
        let burned = burns.iter().fold(0u128, |a, b| a.saturating_add(b.amount));
        let seen = event("slash", &user, taken.collateral)
            .add_attribute("lienholder", holder)
            .add_attribute("asked", slash.to_string())
            .add_attribute("burned", burned.to_string());
        response =
            response.add_submessages(burn_messages(&ctx, &burns, Some((holder, validator)))?).add_event(seen);
    }
    Ok(response)
}

/// Sends a refused burn again, sized by what a stock holder can burn just now.
pub(crate) fn retry_burn(deps: DepsMut, user: &str, holder: &str) -> Result<Response, ExecuteError> {
    let denom = CONFIG.load(deps.storage)?.denom;
    let local = LOCAL.may_load(deps.storage)?.map(|l| l.contract);
    let ask = ExternalQuery::Stakes { user: user.into(), start_after: None, limit: Some(100) };
    let answer: StdResult<StakesResponse> = deps.querier.query_wasm_smart(holder, &ask);
    let bonded = answer.ok().map(|a| a.stakes.iter().fold(0u128, |sum, s| sum.saturating_add(s.stake.l.0)));
    let burn =
        take_debt(deps.storage, user, holder, bonded)?.ok_or_else(|| ExecuteError::NoDebt(holder.into()))?;
    let ctx = BurnContext { user, denom: &denom, local: local.as_deref() };
    let seen = event("burn_retried", user, burn.amount).add_attribute("lienholder", holder);
    Ok(Response::new().add_submessage(burn_message(&ctx, &burn, None)?).add_event(seen))
}
