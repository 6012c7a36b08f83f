//! What the consumer tells of its validators (§6.3).

use super::slash;
use crate::crdt::State;
use crate::error::ExecuteError;
use crate::state::VALIDATORS;
use cosmwasm_std::{DepsMut, Env, Event, StdResult, Storage, SubMsg};
use staking_api::mesh::packet::{AddValidator, ValsetUpdate};

/// Books an update; slashes first, because they concern the state before it.
pub(crate) fn update(
    deps: DepsMut,
    env: &Env,
    update: &ValsetUpdate,
) -> Result<(Vec<SubMsg>, Vec<Event>), ExecuteError> {
    let s = deps.storage;
    let (mut calls, mut events) = (Vec::new(), Vec::new());
    for slashed in &update.slashed {
        let (call, event) = slash::record(s, env, slashed)?;
        calls.extend(call);
        events.push(event);
    }
    for name in &update.tombstoned {
        put(s, update, name, State::Tombstoned)?;
    }
    for added in &update.additions {
        put(s, update, &added.valoper, State::Active)?;
        key(s, update, added)?;
    }
    for name in &update.jailed {
        put(s, update, name, State::Jailed)?;
    }
    for name in update.removals.iter().filter(|n| !update.jailed.contains(n)) {
        put(s, update, name, State::Unbonded)?;
    }
    for changed in &update.updated {
        key(s, update, changed)?;
    }
    let event = Event::new("valset_update").add_attribute("height", update.height.to_string());
    events.push(event.add_attribute("additions", update.additions.len().to_string()));
    Ok((calls, events))
}

fn put(s: &mut dyn Storage, update: &ValsetUpdate, name: &str, state: State) -> StdResult<()> {
    let mut v = VALIDATORS.get(s, &[name.as_bytes()])?;
    v.put(update.height, update.time, state);
    VALIDATORS.save(s, &[name.as_bytes()], &v);
    Ok(())
}

fn key(s: &mut dyn Storage, update: &ValsetUpdate, info: &AddValidator) -> StdResult<()> {
    let mut v = VALIDATORS.get(s, &[info.valoper.as_bytes()])?;
    v.set_key(update.height, info.pub_key.clone());
    VALIDATORS.save(s, &[info.valoper.as_bytes()], &v);
    Ok(())
}
