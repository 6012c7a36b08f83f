//! Settlement of final heights, some heights later so that slow voters count too: liveness and rewards.

use contract_host::events::event;
use cosmwasm_std::{Env, Event, Storage};
use staking_api::events::ProviderJailed;

use super::jail;
use crate::error::FinalityError;
use crate::state::consumer::{Cursors, Final, Number, Settings};
use crate::state::power::Table;
use crate::state::provider::key_of;
use crate::state::rewards::{SCALE, Settlement, mul_div};
use crate::state::votes::Reader;

/// Heights settled by one message at most.
const MAX: u32 = 200;

#[expect(clippy::too_many_arguments, reason = "the state of one finalisation, passed on as it is")]
pub(super) fn run(
    storage: &mut dyn Storage,
    env: &Env,
    consumer: &str,
    settings: &Settings,
    table: &Table,
    cursors: &mut Cursors,
    reader: &mut Reader,
    events: &mut Vec<Event>,
) -> Result<(), FinalityError> {
    let lag = u64::from(settings.settle_lag);
    let mut settlement = Settlement::load(storage, settings.number())?;
    let before = settlement.clone();
    for _ in 0..MAX {
        let height = cursors.next_settlement;
        if height.saturating_add(lag) >= cursors.next_height {
            break;
        }
        cursors.next_settlement = height.saturating_add(1);
        // A height that was given up at a resume is neither counted nor rewarded.
        let Some(done) = Final::load(storage, settings.number(), height)? else { continue };
        let voted = voters(storage, settings.number(), table, height, &done, reader)?;
        reward(&mut settlement, settings, table, &voted)?;
        settlement.window = settlement.window.saturating_add(1);
        if settlement.window >= settings.window {
            end_window(storage, env, consumer, settings, &mut settlement, events)?;
        }
    }
    if settlement != before {
        settlement.save(storage, settings.number());
    }
    Ok(())
}

/// Slots of the active set that voted for the final hash.
fn voters(
    storage: &dyn Storage,
    number: Number,
    table: &Table,
    height: u64,
    done: &Final,
    reader: &mut Reader,
) -> Result<Vec<u16>, FinalityError> {
    let votes = reader.at(storage, number, height, table.0.iter().map(|(slot, _)| *slot))?;
    let voted = |slot: &u16| votes.get(slot).is_some_and(|ballot| ballot.app_hash == done.app_hash);
    Ok(table.0.iter().map(|(slot, _)| *slot).filter(voted).collect())
}

/// Raises the accumulator by what a satoshi of the voters earned; others note it as excluded.
fn reward(
    settlement: &mut Settlement,
    settings: &Settings,
    table: &Table,
    voted: &[u16],
) -> Result<(), FinalityError> {
    let power: u128 = voted.iter().filter_map(|slot| table.power_of(*slot)).map(u128::from).sum();
    let pot = match settings.reward_per_height {
        0 => settlement.pool,
        most => settlement.pool.min(most),
    };
    // Without voters the pot stays in the pool (trap F26).
    let rise = if power == 0 { 0 } else { mul_div(pot, SCALE, power)? };
    if rise > 0 {
        settlement.pool = settlement.pool.saturating_sub(pot);
        settlement.accumulator =
            settlement.accumulator.checked_add(rise).ok_or(FinalityError::Overflow("reward"))?;
    }
    for member in &mut settlement.members {
        if !voted.contains(&member.slot) {
            member.missed = member.missed.saturating_add(1);
            member.excluded = member.excluded.saturating_add(rise);
        }
    }
    Ok(())
}

/// Jails whoever missed too much of the window (trap D19), and begins the next.
fn end_window(
    storage: &mut dyn Storage,
    env: &Env,
    consumer: &str,
    settings: &Settings,
    settlement: &mut Settlement,
    events: &mut Vec<Event>,
) -> Result<(), FinalityError> {
    let allowed = settings.window.saturating_sub(settings.min_signed);
    for member in &mut settlement.members {
        if member.missed > allowed {
            let fp = key_of(storage, settings.number(), member.slot)?;
            if let Some(until) = jail::put_in(storage, env, settings, &fp, member.slot)? {
                let consumer = consumer.to_string();
                events.push(event(&ProviderJailed { consumer, fp_pk: fp, until }));
            }
        }
        member.missed = 0;
    }
    settlement.window = 0;
    Ok(())
}
