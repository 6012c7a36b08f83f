//! Counting votes, in order of height (spec §8.4).
//!
//! The snapshot of a height is the active set as it stood when the height became the next one: when the height
//! before became final, or at a resume. It is taken anew if it had no power, or if one of its providers was
//! slashed or jailed since, so that neither an empty set nor a convict can hold finality up. A provider enters the
//! active set once it has usable randomness for the next height: until then it could not vote (spec §8.2).

use std::collections::{BTreeMap, BTreeSet};

use contract_host::events::event;
use contract_host::pack::CorruptState;
use cosmwasm_std::{DepsMut, Env, Event, Response, Storage};
use staking_api::events::{ActiveSetChanged, HeightFinalized};
use staking_protocol::finality::is_final;

use super::settle;
use super::vote::Usable;
use crate::error::FinalityError;
use crate::state::consumer::{Cursors, Final, Number, Settings};
use crate::state::evidence::is_slashed;
use crate::state::power::{Table, ranking};
use crate::state::provider::{Place, key_of};
use crate::state::rewards::{Member, ProviderRewards, Settlement};
use crate::state::votes::{Ballot, Commit, Reader};

/// Heights of one message at most.
const MAX: u32 = 200;

pub(crate) fn run(
    deps: DepsMut<'_>,
    env: &Env,
    consumer: &str,
    limit: u32,
) -> Result<Response, FinalityError> {
    let settings = Settings::require(deps.storage, consumer)?;
    if settings.hot.paused {
        return Err(FinalityError::ConsumerPaused(consumer.to_string()));
    }
    let usable = Usable::load(deps.storage, &settings.hot.rules)?;
    let response = advance(deps, env, consumer, &settings, usable, limit, Response::new())?;
    if response.events.is_empty() { Err(FinalityError::NothingToFinalize) } else { Ok(response) }
}

/// Finalises and settles what can be; does nothing if nothing can.
pub(crate) fn advance(
    deps: DepsMut<'_>,
    env: &Env,
    consumer: &str,
    settings: &Settings,
    usable: Usable,
    limit: u32,
    mut response: Response,
) -> Result<Response, FinalityError> {
    let number = settings.number();
    let before = Cursors::load(deps.storage, number)?;
    let mut cursors = before;
    let table = refresh(deps.storage, consumer, settings, usable, &mut cursors, &mut response.events)?;
    let mut pinned = pinned_table(deps.storage, number, &mut cursors, &table)?;
    let mut reader = Reader::default();
    for _ in 0..limit.min(MAX) {
        let height = cursors.next_height;
        let votes = reader.at(deps.storage, number, height, pinned.0.iter().map(|(slot, _)| *slot))?;
        let Some((app_hash, power)) = leader(&pinned, &votes) else { break };
        let total = pinned.total();
        if !is_final(power, total) {
            break;
        }
        Final { app_hash, power, total, version: cursors.pinned }.save(deps.storage, number, height);
        let (id, app_hash) = (consumer.to_string(), app_hash.into());
        response.events.push(event(&HeightFinalized { consumer: id, height, app_hash, power, total }));
        cursors.next_height = height.checked_add(1).ok_or(FinalityError::Overflow("height"))?;
        if cursors.pinned != cursors.version {
            cursors.pinned = cursors.version;
            pinned = table.clone();
        }
    }
    settle::run(
        deps.storage,
        env,
        consumer,
        settings,
        &table,
        &mut cursors,
        &mut reader,
        &mut response.events,
    )?;
    if cursors != before {
        cursors.save(deps.storage, number);
    }
    Ok(response)
}

/// The hash with most power behind it, and that power. Ties by hash, so that the answer is the same everywhere.
pub(crate) fn leader(table: &Table, votes: &BTreeMap<u16, Ballot>) -> Option<([u8; 32], u64)> {
    let mut by_hash: BTreeMap<[u8; 32], u64> = BTreeMap::new();
    for (slot, power) in &table.0 {
        if let Some(ballot) = votes.get(slot) {
            let sum = by_hash.entry(ballot.app_hash).or_default();
            *sum = sum.saturating_add(*power);
        }
    }
    by_hash.into_iter().max_by_key(|(_, power)| *power)
}

/// Takes the head of the ranking as the current snapshot; a new version is stored only if it differs.
fn refresh(
    storage: &mut dyn Storage,
    consumer: &str,
    settings: &Settings,
    usable: Usable,
    cursors: &mut Cursors,
    events: &mut Vec<Event>,
) -> Result<Table, FinalityError> {
    let number = settings.number();
    let old = Table::load(storage, number, cursors.version)?.ok_or(CorruptState("power snapshot"))?;
    let table = active_set(storage, settings, usable, cursors.next_height, &old)?;
    if table == old {
        return Ok(table);
    }
    cursors.version = cursors.version.checked_add(1).ok_or(FinalityError::Overflow("snapshots"))?;
    table.save(storage, number, cursors.version);
    change_members(storage, number, &table)?;
    let (version, total) = (cursors.version, table.total());
    events.push(event(&ActiveSetChanged { consumer: consumer.to_string(), version, total }));
    Ok(table)
}

/// The heaviest providers that can vote. Whoever was in the last snapshot stays; places of those that are not ready
/// go to the next ones, as far as twice the size of the set.
fn active_set(
    storage: &dyn Storage,
    settings: &Settings,
    usable: Usable,
    next_height: u64,
    old: &Table,
) -> Result<Table, FinalityError> {
    let max = usize::from(settings.max_active);
    let ready = |ranked: Vec<(u16, u64)>| -> Result<Vec<(u16, u64)>, FinalityError> {
        let mut table = Vec::with_capacity(ranked.len());
        for (slot, power) in ranked {
            if old.power_of(slot).is_some()
                || is_ready(storage, settings.number(), slot, usable, next_height)?
            {
                table.push((slot, power));
            }
        }
        Ok(table)
    };
    let ranked = ranking(storage, settings.number(), max)?;
    let full = ranked.len() == max;
    let mut table = ready(ranked)?;
    if full && table.len() < max {
        table = ready(ranking(storage, settings.number(), max.saturating_mul(2))?)?;
        table.truncate(max);
    }
    Ok(Table(table))
}

fn is_ready(
    storage: &dyn Storage,
    number: Number,
    slot: u16,
    usable: Usable,
    height: u64,
) -> Result<bool, FinalityError> {
    let commit = Commit::at(storage, number, slot, height)?;
    Ok(commit.is_some_and(|c| c.commitment.index_of(height).is_some() && usable.allows(&c)))
}

/// The snapshot against which the next height is counted, as it stands.
pub(crate) fn next_table(
    storage: &dyn Storage,
    settings: &Settings,
    usable: Usable,
) -> Result<Table, FinalityError> {
    let mut cursors = Cursors::load(storage, settings.number())?;
    let old =
        Table::load(storage, settings.number(), cursors.version)?.ok_or(CorruptState("power snapshot"))?;
    let current = active_set(storage, settings, usable, cursors.next_height, &old)?;
    if current != old && cursors.pinned == cursors.version {
        // As `refresh` would number it.
        cursors.version = cursors.version.saturating_add(1);
    }
    pinned_table(storage, settings.number(), &mut cursors, &current)
}

/// Freezes the rewards of those who leave the active set, and lets those who enter go on from theirs.
fn change_members(storage: &mut dyn Storage, number: Number, table: &Table) -> Result<(), FinalityError> {
    let mut settlement = Settlement::load(storage, number)?;
    let slots: BTreeSet<u16> = table.0.iter().map(|(slot, _)| *slot).collect();
    for gone in settlement.members.iter().filter(|m| !slots.contains(&m.slot)) {
        let mut rewards = ProviderRewards::load(storage, number, gone.slot)?;
        rewards.frozen = settlement.accumulator.saturating_sub(gone.excluded);
        rewards.save(storage, number, gone.slot);
    }
    let mut members = Vec::with_capacity(slots.len());
    for slot in slots {
        members.push(match settlement.member(slot) {
            Some(member) => *member,
            None => {
                let frozen = ProviderRewards::load(storage, number, slot)?.frozen;
                Member { slot, missed: 0, excluded: settlement.accumulator.saturating_sub(frozen) }
            }
        });
    }
    settlement.members = members;
    settlement.save(storage, number);
    Ok(())
}

/// The snapshot of the next height.
fn pinned_table(
    storage: &dyn Storage,
    number: Number,
    cursors: &mut Cursors,
    current: &Table,
) -> Result<Table, FinalityError> {
    if cursors.pinned != cursors.version {
        let pinned = Table::load(storage, number, cursors.pinned)?.unwrap_or_default();
        if pinned.total() > 0 && !has_convict(storage, number, &pinned)? {
            return Ok(pinned);
        }
        cursors.pinned = cursors.version;
    }
    Ok(current.clone())
}

fn has_convict(storage: &dyn Storage, number: Number, table: &Table) -> Result<bool, FinalityError> {
    for (slot, _) in &table.0 {
        let fp = key_of(storage, number, *slot)?;
        if is_slashed(storage, &fp) || Place::load(storage, number, *slot)?.jailed_until.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
