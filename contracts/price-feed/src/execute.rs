//! Changes of the feed.

use crate::error::{ExecuteError, InstantiateError};
use crate::state::{ACCEPTED, Accepted, CONFIG, Config, MAX_SOURCES, SUBMISSIONS, Submission};
use cosmwasm_std::{Api, DepsMut, Env, Event, MessageInfo, Response, StdResult, Storage};
use mesh_accounting::{Ratio, price};
use staking_api::mesh::Decimal;
use staking_api::mesh::price::InstantiateMsg;

pub(crate) fn instantiate(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    if msg.native_per_foreign.0 == 0 {
        return Err(InstantiateError::ZeroPrice);
    }
    if msg.max_step.is_some_and(|s| s.0 == 0) {
        return Err(InstantiateError::ZeroStep);
    }
    let min_sources = msg.min_sources.unwrap_or(1);
    let owner = msg.owner.unwrap_or_else(|| info.sender.to_string());
    let config = Config {
        owner: Some(deps.api.addr_validate(&owner)?.into_string()),
        sources: checked_sources(deps.api, &msg.sources, min_sources)?,
        min_sources,
        ttl_s: msg.ttl_s,
        max_step: msg.max_step.map(Ratio::from),
        step_s: msg.step_s.unwrap_or(0),
    };
    CONFIG.save(deps.storage, &config);
    let now = env.block.time.seconds();
    ACCEPTED.save(deps.storage, &Accepted { price: msg.native_per_foreign.into(), at: now, stepped: now });
    Ok(Response::new())
}

fn checked_sources(api: &dyn Api, sources: &[String], min: u32) -> Result<Vec<String>, InstantiateError> {
    let wrong = InstantiateError::Quorum { min_sources: min, sources: sources.len(), max: MAX_SOURCES };
    let enough = sources.is_empty() || usize::try_from(min).is_ok_and(|m| m >= 1 && m <= sources.len());
    if sources.len() > MAX_SOURCES || !enough {
        return Err(wrong);
    }
    let mut checked =
        sources.iter().map(|s| Ok(api.addr_validate(s)?.into_string())).collect::<StdResult<Vec<_>>>()?;
    checked.sort();
    checked.dedup();
    if checked.len() == sources.len() { Ok(checked) } else { Err(wrong) }
}

/// A source speaks; the price moves when enough fresh sources stand behind the new median.
pub(crate) fn update_price(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    new: Decimal,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let sender = info.sender.as_str();
    let allowed = if config.sources.is_empty() {
        config.owner.as_deref() == Some(sender)
    } else {
        config.sources.iter().any(|s| s == sender)
    };
    if !allowed {
        return Err(ExecuteError::NotASource(sender.into()));
    }
    if new.0 == 0 {
        return Err(ExecuteError::ZeroPrice(new));
    }
    let now = env.block.time.seconds();
    SUBMISSIONS.save(deps.storage, &[sender.as_bytes()], &Submission { price: new.into(), at: now });
    let event =
        Event::new("price_submitted").add_attribute("source", sender).add_attribute("price", new.to_string());
    let accepted = accept(deps.storage, &config, sender, now)?;
    Ok(Response::new().add_event(event).add_events(accepted))
}

fn fresh_prices(s: &dyn Storage, config: &Config, sender: &str, now: u64) -> StdResult<Vec<Ratio>> {
    let names = if config.sources.is_empty() { vec![sender.to_string()] } else { config.sources.clone() };
    let mut prices = Vec::with_capacity(names.len());
    for name in names {
        let sub = SUBMISSIONS.may_load(s, &[name.as_bytes()])?;
        let fresh = |sub: &Submission| config.ttl_s.is_none_or(|ttl| now.saturating_sub(sub.at) <= ttl);
        prices.extend(sub.filter(fresh).map(|sub| sub.price));
    }
    Ok(prices)
}

fn accept(s: &mut dyn Storage, config: &Config, sender: &str, now: u64) -> StdResult<Option<Event>> {
    let mut prices = fresh_prices(s, config, sender, now)?;
    let needed = usize::try_from(config.min_sources).unwrap_or(usize::MAX);
    if !config.sources.is_empty() && prices.len() < needed {
        return Ok(None);
    }
    let Some(median) = price::median(&mut prices) else { return Ok(None) };
    let old = ACCEPTED.load(s)?;
    let price = match config.max_step {
        None => median,
        Some(_) if now.saturating_sub(old.stepped) < config.step_s => old.price,
        Some(step) => price::limit_step(old.price, median, step),
    };
    let stepped = if price == old.price { old.stepped } else { now };
    ACCEPTED.save(s, &Accepted { price, at: now, stepped });
    let event = Event::new("price_accepted")
        .add_attribute("price", Decimal::from(price).to_string())
        .add_attribute("median", Decimal::from(median).to_string());
    Ok(Some(event))
}

fn owned(config: &Config, info: &MessageInfo) -> Result<(), ExecuteError> {
    match config.owner.as_deref() == Some(info.sender.as_str()) {
        true => Ok(()),
        false => Err(ExecuteError::NotOwner(info.sender.to_string())),
    }
}

pub(crate) fn set_sources(
    deps: DepsMut,
    info: &MessageInfo,
    sources: &[String],
    min_sources: u32,
) -> Result<Response, ExecuteError> {
    let mut config = CONFIG.load(deps.storage)?;
    owned(&config, info)?;
    config.sources = checked_sources(deps.api, sources, min_sources)?;
    config.min_sources = min_sources;
    CONFIG.save(deps.storage, &config);
    let event = Event::new("price_sources").add_attribute("sources", config.sources.join(","));
    Ok(Response::new().add_event(event))
}

pub(crate) fn set_owner(deps: DepsMut, info: &MessageInfo, owner: &str) -> Result<Response, ExecuteError> {
    let mut config = CONFIG.load(deps.storage)?;
    owned(&config, info)?;
    config.owner = Some(deps.api.addr_validate(owner)?.into_string());
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("price_owner").add_attribute("owner", owner)))
}
