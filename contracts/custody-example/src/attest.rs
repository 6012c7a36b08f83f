//! Attestation: a thing is so when enough attesters have said the very same.

use crate::custody::{Attested, move_to};
use crate::error::{ExecuteError, InstantiateError};
use crate::lien::rebalance;
use crate::state::{
    BY_CONTRACT, CONFIG, CONSUMERS, Config, Consumer, FAULTS, MAX_KEYS, POSITIONS, Position, State, VOICES,
};
use cosmwasm_std::{DepsMut, Env, Event, MessageInfo, Response, StdResult, Storage, to_json_vec};
use mesh_accounting::Ratio;
use mesh_accounting::store::ExternalCustody;
use staking_api::mesh::custody::{ExecuteMsg, InstantiateMsg, Position as Attestation, PositionState};
use staking_api::mesh::{Decimal, Uint128};

/// Positions settled in the message that completes a fault.
const INLINE: usize = 10;
/// Positions of one `settle_fault` at most.
const MAX_STEP: usize = 50;

pub(crate) fn instantiate(deps: DepsMut, msg: &InstantiateMsg) -> Result<Response, InstantiateError> {
    let valid = |a: &String| -> StdResult<String> { Ok(deps.api.addr_validate(a)?.into_string()) };
    let mut attesters = msg.attesters.iter().map(valid).collect::<StdResult<Vec<_>>>()?;
    attesters.sort();
    attesters.dedup();
    let wrong = InstantiateError::Threshold { threshold: msg.threshold, attesters: attesters.len() };
    let threshold = usize::try_from(msg.threshold).unwrap_or(usize::MAX);
    if threshold == 0 || threshold > attesters.len() || threshold * 2 <= attesters.len() {
        return Err(wrong);
    }
    let config =
        Config { denom: msg.denom.clone(), attesters, threshold: msg.threshold, owner: valid(&msg.owner)? };
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("custody").add_attribute("denom", config.denom)))
}

/// Notes one attester's word; true when it is the one that completes the threshold.
fn said(s: &mut dyn Storage, info: &MessageInfo, thing: &ExecuteMsg) -> Result<bool, ExecuteError> {
    let config = CONFIG.load(s)?;
    let sender = info.sender.to_string();
    if !config.attesters.contains(&sender) {
        return Err(ExecuteError::Unauthorized { sender, role: "an attester" });
    }
    let key = to_json_vec(thing)?;
    let mut voices = VOICES.get(s, &[&key])?;
    if voices.contains(&sender) {
        return Ok(false);
    }
    voices.push(sender);
    VOICES.save(s, &[&key], &voices);
    Ok(u32::try_from(voices.len()).unwrap_or(u32::MAX) == config.threshold)
}

fn waiting(what: &str, id: &str) -> Response {
    Response::new().add_event(Event::new("attested").add_attribute("what", what).add_attribute("id", id))
}

pub(crate) fn attest(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    p: Attestation,
) -> Result<Response, ExecuteError> {
    if p.slash_rate > Decimal::ONE {
        return Err(ExecuteError::Ratio(p.slash_rate));
    }
    if p.until.0 <= env.block.time.nanos() {
        return Err(ExecuteError::LockOver(p.id));
    }
    if POSITIONS.has(deps.storage, &[p.id.as_bytes()]) {
        return Err(ExecuteError::Exists(p.id));
    }
    let mut keys: Vec<(String, String)> =
        p.keys.iter().map(|k| (k.consumer.clone(), k.key.clone())).collect();
    keys.sort();
    if keys.len() > MAX_KEYS || keys.windows(2).any(|w| w[0].0 == w[1].0) {
        return Err(ExecuteError::Keys(p.id, MAX_KEYS));
    }
    deps.api.addr_validate(&p.user)?;
    if !said(deps.storage, info, &ExecuteMsg::Attest { position: p.clone() })? {
        return Ok(waiting("position", &p.id));
    }
    let faulty = keys.iter().any(|(c, k)| FAULTS.has(deps.storage, &[c.as_bytes(), k.as_bytes()]));
    let to = if faulty { PositionState::Slashed } else { PositionState::Active };
    let position = Position {
        user: p.user,
        amount: p.amount.0,
        rate: Ratio::from(p.slash_rate),
        keys,
        until: p.until.0 / 1_000_000_000,
        state: State(PositionState::Proposed),
    };
    move_to(deps.storage, &p.id, position, to)?;
    Ok(Response::new().add_event(Event::new("position").add_attribute("id", p.id)))
}

pub(crate) fn exit(deps: DepsMut, info: &MessageInfo, id: &str) -> Result<Response, ExecuteError> {
    if !POSITIONS.has(deps.storage, &[id.as_bytes()]) {
        return Err(ExecuteError::UnknownPosition(id.into()));
    }
    if !said(deps.storage, info, &ExecuteMsg::Exit { id: id.into() })? {
        return Ok(waiting("exit", id));
    }
    let user = Attested.on_exit(deps.storage, id)?;
    let response = Response::new().add_event(Event::new("exit").add_attribute("id", id));
    match user {
        Some(user) => Ok(response.add_submessages(rebalance(deps.storage, &user)?)),
        None => Ok(response),
    }
}

pub(crate) fn fault(
    deps: DepsMut,
    info: &MessageInfo,
    consumer: &str,
    key: &str,
) -> Result<Response, ExecuteError> {
    let thing = ExecuteMsg::Fault { consumer: consumer.into(), key: key.into() };
    if !said(deps.storage, info, &thing)? {
        return Ok(waiting("fault", key));
    }
    step(deps, consumer, key, INLINE)
}

pub(crate) fn settle(deps: DepsMut, consumer: &str, key: &str, limit: u32) -> Result<Response, ExecuteError> {
    if FAULTS.may_load(deps.storage, &[consumer.as_bytes(), key.as_bytes()])? != Some(false) {
        return Err(ExecuteError::NothingToSettle(key.into()));
    }
    step(deps, consumer, key, usize::try_from(limit).unwrap_or(MAX_STEP).clamp(1, MAX_STEP))
}

fn step(deps: DepsMut, consumer: &str, key: &str, limit: usize) -> Result<Response, ExecuteError> {
    let (users, done) = Attested.on_fault(deps.storage, consumer, key, limit)?;
    let event = Event::new("fault").add_attribute("consumer", consumer).add_attribute("key", key);
    let mut response = Response::new().add_event(event.add_attribute("done", done.to_string()));
    for user in users {
        response = response.add_submessages(rebalance(deps.storage, &user)?);
    }
    Ok(response)
}

pub(crate) fn set_consumer(
    deps: DepsMut,
    info: &MessageInfo,
    id: &str,
    contract: &str,
    slash: Decimal,
    cap: u128,
) -> Result<Response, ExecuteError> {
    if CONFIG.load(deps.storage)?.owner != info.sender.as_str() {
        return Err(ExecuteError::Unauthorized { sender: info.sender.to_string(), role: "the owner" });
    }
    if slash > Decimal::ONE {
        return Err(ExecuteError::Ratio(slash));
    }
    let contract = deps.api.addr_validate(contract)?.into_string();
    BY_CONTRACT.save(deps.storage, &[contract.as_bytes()], &id.to_string());
    let event = Event::new("consumer_set")
        .add_attribute("consumer", id)
        .add_attribute("cap", Uint128(cap).to_string());
    CONSUMERS.save(deps.storage, &[id.as_bytes()], &Consumer { contract, ratio: slash.into(), cap });
    Ok(Response::new().add_event(event))
}
