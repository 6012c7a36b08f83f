//! Jail: no power at one consumer until the owner asks to leave; and going on after a halt (spec §7.3).

use contract_host::admin::require_admin;
use contract_host::events::EmitExt;
use cosmwasm_std::{DepsMut, Env, MessageInfo, Response, Storage};
use staking_api::Key;
use staking_api::events::{ProviderJailed, ProviderUnjailed};

use crate::error::FinalityError;
use crate::state::consumer::{Cursors, Settings};
use crate::state::evidence::is_slashed;
use crate::state::power::Seat;
use crate::state::provider::{Place, Profile, Standing, slot_of};

/// Jails a provider; returns the time until which, or `None` if it is jailed already.
pub(super) fn put_in(
    storage: &mut dyn Storage,
    env: &Env,
    settings: &Settings,
    fp: &Key,
    slot: u16,
) -> Result<Option<u64>, FinalityError> {
    let number = settings.number();
    let mut place = Place::load(storage, number, slot)?;
    if place.jailed_until.is_some() {
        return Ok(None);
    }
    let until = env.block.time.seconds().saturating_add(settings.jail_seconds);
    let seat = Seat { number, slot, fp };
    let power = seat.power(storage, place.standing)?;
    seat.leave(storage, place.standing);
    place.standing = Standing::Out(power);
    place.jailed_until = Some(until);
    place.save(storage, number, slot);
    Ok(Some(until))
}

pub(crate) fn unjail(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    consumer: &str,
    fp: &Key,
) -> Result<Response, FinalityError> {
    let settings = Settings::require(deps.storage, consumer)?;
    if Profile::require(deps.storage, fp)?.owner != info.sender.as_str() {
        return Err(FinalityError::NotOwner(info.sender.clone()));
    }
    if is_slashed(deps.storage, fp) {
        return Err(FinalityError::ProviderSlashed(*fp));
    }
    let number = settings.number();
    let slot = slot_of(deps.storage, number, fp)?;
    let mut place = Place::load(deps.storage, number, slot)?;
    let until = place.jailed_until.ok_or(FinalityError::NotJailed(*fp))?;
    let now = env.block.time.seconds();
    if now < until {
        return Err(FinalityError::StillJailed { until, now });
    }
    let seat = Seat { number, slot, fp };
    let power = seat.power(deps.storage, place.standing)?;
    // It enters anew, under its power, so that the order holds whether it has to or not.
    place.standing = seat.set_power(deps.storage, place.standing, power, true);
    place.jailed_until = None;
    place.save(deps.storage, number, slot);
    Ok(Response::new().emit(&ProviderUnjailed { consumer: consumer.to_string(), fp_pk: *fp }))
}

pub(crate) fn resume(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    consumer: &str,
    jailed: &[Key],
    next_height: Option<u64>,
) -> Result<Response, FinalityError> {
    require_admin(deps.storage, info)?;
    let settings = Settings::require(deps.storage, consumer)?;
    let mut cursors = Cursors::load(deps.storage, settings.number())?;
    let mut response = Response::new();
    for fp in jailed {
        let slot = slot_of(deps.storage, settings.number(), fp)?;
        if let Some(until) = put_in(deps.storage, env, &settings, fp, slot)? {
            response = response.emit(&ProviderJailed { consumer: consumer.to_string(), fp_pk: *fp, until });
        }
    }
    if let Some(asked) = next_height {
        let next = cursors.next_height;
        if asked < next {
            return Err(FinalityError::ResumeBackwards { asked, next });
        }
        cursors.next_height = asked;
    }
    cursors.pinned = 0;
    cursors.save(deps.storage, settings.number());
    Ok(response)
}
