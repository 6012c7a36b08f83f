//! What btc-staking and btc-finality report. Known reports change nothing, so they may be repeated.

use super::{expiry, rebalance};
use crate::custody::{Bitcoin, move_to};
use crate::error::ExecuteError;
use crate::state::{
    BY_USER, CONFIG, CONSUMERS, DELEGATIONS, Delegation, EARLY, ENDING, MAX_PROVIDERS, OPEN_SLASHES, Role,
    SLASHED, Slashed, State,
};
use cosmwasm_std::{Event, MessageInfo, QuerierWrapper, Response, StdResult, Storage};
use mesh_accounting::Ratio;
use mesh_accounting::store::ExternalCustody;
use staking_api::mesh::Decimal;
use staking_api::mesh::btc_vault::{Backing, FpOf, SpendKind};
use staking_api::mesh::registry::{BoundValidatorResponse, QueryMsg as RegistryQuery};

/// Delegations settled in the message that reports the fault; a constant, whatever the number of delegations.
const INLINE: usize = 10;
/// Delegations of one `settle_slash` at most.
const MAX_STEP: usize = 50;

/// Heights of a delegation, in Bitcoin blocks.
pub(super) struct Times {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) unbonding: u32,
}

fn event(kind: &str, txid: &str, d: &Delegation) -> Event {
    Event::new(kind)
        .add_attribute("txid", txid)
        .add_attribute("user", &d.user)
        .add_attribute("sat", d.sat.to_string())
}

#[allow(clippy::too_many_arguments, reason = "the fields of one message")]
pub(super) fn active(
    s: &mut dyn Storage,
    info: &MessageInfo,
    user: String,
    txid: &str,
    sat: u64,
    rate: Decimal,
    fps: Vec<FpOf>,
    times: Times,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(s)?;
    config.only(info.sender.as_str(), Role::Staking)?;
    if DELEGATIONS.has(s, &[txid.as_bytes()]) {
        return Ok(Response::new().add_event(Event::new("delegation_known").add_attribute("txid", txid)));
    }
    if rate > Decimal::ONE {
        return Err(ExecuteError::Ratio(rate));
    }
    let fps = providers(txid, fps)?;
    let d = Delegation {
        user,
        sat,
        rate: Ratio::from(rate),
        fps,
        start: times.start,
        end: times.end,
        unbonding: times.unbonding,
        state: State(Backing::TooShort),
    };
    let state = first_state(s, txid, &d, config.min_unbonding)?;
    EARLY.remove(s, &[txid.as_bytes()]);
    if config.light_client.is_some() {
        ENDING.save(s, &[&expiry::key(d.last_call(), txid)], &());
    }
    BY_USER.save(s, &[d.user.as_bytes(), txid.as_bytes()], &());
    let seen = event("delegation_active", txid, &d).add_attribute("backing", format!("{state:?}"));
    move_to(s, txid, d, state)?;
    Ok(Response::new().add_event(seen))
}

fn providers(txid: &str, fps: Vec<FpOf>) -> Result<Vec<(String, String)>, ExecuteError> {
    let mut pairs: Vec<(String, String)> = fps.into_iter().map(|f| (f.consumer, f.fp_pk)).collect();
    pairs.sort();
    let twice = pairs.windows(2).any(|w| w[0].0 == w[1].0);
    if pairs.len() > MAX_PROVIDERS || twice {
        return Err(ExecuteError::Providers(txid.into(), MAX_PROVIDERS));
    }
    Ok(pairs)
}

/// A delegation with a slashed provider is lost already, whatever was reported before it was known stands, and one
/// that unbonds too fast backs nothing.
fn first_state(s: &dyn Storage, txid: &str, d: &Delegation, min_unbonding: u32) -> StdResult<Backing> {
    for (_, fp) in &d.fps {
        if SLASHED.has(s, &[fp.as_bytes()]) {
            return Ok(Backing::Slashed);
        }
    }
    if let Some(early) = EARLY.may_load(s, &[txid.as_bytes()])? {
        return Ok(early.0);
    }
    Ok(if d.unbonding < min_unbonding { Backing::TooShort } else { Backing::Active })
}

/// A spend of the staking output was seen; the stake counts no more from here on.
pub(super) fn unbonding(
    s: &mut dyn Storage,
    info: &MessageInfo,
    txid: &str,
    spend: &str,
    kind: SpendKind,
    height: u32,
) -> Result<Response, ExecuteError> {
    CONFIG.load(s)?.only(info.sender.as_str(), Role::Staking)?;
    let seen = Event::new("delegation_unbonding")
        .add_attribute("txid", txid)
        .add_attribute("spend_txid", spend)
        .add_attribute("kind", format!("{kind:?}"))
        .add_attribute("btc_height", height.to_string());
    if kind != SpendKind::Slashing {
        return leave(s, txid, seen);
    }
    // A slashing transaction without evidence gives the key away all the same; the rest follows with the evidence.
    let Some(d) = DELEGATIONS.may_load(s, &[txid.as_bytes()])? else {
        EARLY.save(s, &[txid.as_bytes()], &State(Backing::Slashed));
        return Ok(Response::new().add_event(seen));
    };
    let (user, counted) = (d.user.clone(), d.state.counts());
    move_to(s, txid, d, Backing::Slashed)?;
    after(s, counted.then_some(user), seen)
}

pub(super) fn expired(s: &mut dyn Storage, info: &MessageInfo, txid: &str) -> Result<Response, ExecuteError> {
    CONFIG.load(s)?.only(info.sender.as_str(), Role::Staking)?;
    leave(s, txid, Event::new("delegation_expired").add_attribute("txid", txid))
}

fn leave(s: &mut dyn Storage, txid: &str, seen: Event) -> Result<Response, ExecuteError> {
    early(s, txid, Backing::Exiting)?;
    let user = Bitcoin.on_exit(s, txid)?;
    after(s, user, seen)
}

/// Keeps a report of a delegation that is not known: a report that was refused once comes after later ones, and a stake
/// that has left must not count then. Nothing takes an end back.
fn early(s: &mut dyn Storage, txid: &str, to: Backing) -> StdResult<()> {
    let key: [&[u8]; 1] = [txid.as_bytes()];
    let before = EARLY.may_load(s, &key)?.map(|state| state.0);
    if !DELEGATIONS.has(s, &key) && matches!(before, None | Some(Backing::Quarantined)) {
        EARLY.save(s, &key, &State(to));
    }
    Ok(())
}

/// The liens of a user whose backing fell are brought within it.
fn after(s: &mut dyn Storage, user: Option<String>, seen: Event) -> Result<Response, ExecuteError> {
    let Some(user) = user else { return Ok(Response::new().add_event(seen)) };
    let (burns, cuts) = rebalance(s, &user, None)?;
    Ok(Response::new().add_event(seen).add_submessages(burns).add_events(cuts))
}

/// A deep reorganisation took the inclusion away.
pub(super) fn quarantined(
    s: &mut dyn Storage,
    info: &MessageInfo,
    txid: &str,
) -> Result<Response, ExecuteError> {
    CONFIG.load(s)?.only(info.sender.as_str(), Role::Staking)?;
    let seen = Event::new("delegation_quarantined").add_attribute("txid", txid);
    match DELEGATIONS.may_load(s, &[txid.as_bytes()])? {
        Some(d) if d.state.counts() => {
            let user = d.user.clone();
            move_to(s, txid, d, Backing::Quarantined)?;
            after(s, Some(user), seen)
        }
        _ => {
            early(s, txid, Backing::Quarantined)?;
            Ok(Response::new().add_event(seen))
        }
    }
}

/// Inclusion was proven again; liens come back only when the user stakes again.
pub(super) fn requalified(
    s: &mut dyn Storage,
    info: &MessageInfo,
    txid: &str,
) -> Result<Response, ExecuteError> {
    CONFIG.load(s)?.only(info.sender.as_str(), Role::Staking)?;
    let found = DELEGATIONS.may_load(s, &[txid.as_bytes()])?;
    if let Some(d) = found.filter(|d| d.state.0 == Backing::Quarantined) {
        move_to(s, txid, d, Backing::Active)?;
    }
    // Of a delegation that is not known only the quarantine ends; there is nothing yet to count.
    if EARLY.may_load(s, &[txid.as_bytes()])?.is_some_and(|state| state.0 == Backing::Quarantined) {
        EARLY.remove(s, &[txid.as_bytes()]);
    }
    Ok(Response::new().add_event(Event::new("delegation_requalified").add_attribute("txid", txid)))
}

/// A provider's key is out: everything that has it is lost, once.
pub(super) fn fp_slashed(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    info: &MessageInfo,
    fp: &str,
    consumer: &str,
    height: u64,
) -> Result<Response, ExecuteError> {
    CONFIG.load(s)?.only(info.sender.as_str(), Role::Finality)?;
    let seen = Event::new("fp_slashed")
        .add_attribute("fp_pk", fp)
        .add_attribute("consumer", consumer)
        .add_attribute("height", height.to_string());
    if SLASHED.has(s, &[fp.as_bytes()]) {
        return Ok(Response::new().add_event(seen));
    }
    SLASHED.save(s, &[fp.as_bytes()], &Slashed { consumer: consumer.into(), height, ..Slashed::default() });
    OPEN_SLASHES.save(s, &[fp.as_bytes()], &());
    Ok(step(s, querier, fp, INLINE)?.add_event(seen))
}

/// Settles the next delegations of a slashed provider.
pub(super) fn settle(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    fp: &str,
    limit: u32,
) -> Result<Response, ExecuteError> {
    if !OPEN_SLASHES.has(s, &[fp.as_bytes()]) {
        return Err(ExecuteError::NothingToSettle(fp.into()));
    }
    step(s, querier, fp, usize::try_from(limit).unwrap_or(MAX_STEP).clamp(1, MAX_STEP))
}

fn step(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    fp: &str,
    limit: usize,
) -> Result<Response, ExecuteError> {
    let consumer = SLASHED.get(s, &[fp.as_bytes()])?.consumer;
    let at = bound_validator(s, querier, &consumer, fp)?;
    let slashed = at.as_ref().map(|(contract, validator)| (contract.as_str(), validator.as_str()));
    let (users, done) = Bitcoin.on_fault(s, &consumer, fp, limit)?;
    let mut response = Response::new();
    for user in users {
        let (burns, cuts) = rebalance(s, &user, slashed)?;
        response = response.add_submessages(burns).add_events(cuts);
    }
    if done {
        OPEN_SLASHES.remove(s, &[fp.as_bytes()]);
    }
    let progress = SLASHED.get(s, &[fp.as_bytes()])?;
    let event = Event::new("slash_settled")
        .add_attribute("fp_pk", fp)
        .add_attribute("delegations", progress.count.to_string())
        .add_attribute("sat", progress.sat.to_string())
        .add_attribute("done", done.to_string());
    Ok(response.add_event(event))
}

/// The lien holder of the consumer where the fault was made and the validator its provider is bound to; unknown
/// where the registry does not say, which must not stop a slash.
fn bound_validator(
    s: &dyn Storage,
    querier: &QuerierWrapper,
    consumer: &str,
    fp: &str,
) -> StdResult<Option<(String, String)>> {
    let (Some(registry), Some(c)) =
        (CONFIG.load(s)?.registry, CONSUMERS.may_load(s, &[consumer.as_bytes()])?)
    else {
        return Ok(None);
    };
    let ask = RegistryQuery::BoundValidator { consumer: consumer.into(), fp_pk: fp.into() };
    let answer: StdResult<BoundValidatorResponse> = querier.query_wasm_smart(registry, &ask);
    Ok(answer.ok().and_then(|a| a.validator).map(|v| (c.contract, v)))
}
