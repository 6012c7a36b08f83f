//! What `btc-staking` tells: providers, and delegations that begin or cease to count.

use cosmwasm_std::{Deps, DepsMut, MessageInfo, Response, Storage};
use staking_api::Key;
use staking_api::finality::{PowerChange, ProviderUpdate};

use crate::error::FinalityError;
use crate::state::config::STAKING;
use crate::state::consumer::{Flags, Settings};
use crate::state::evidence::is_slashed;
use crate::state::power::{Seat, keep_order};
use crate::state::provider::{self, Place, Profile, Provider, Standing};
use crate::state::rewards::StakerRewards;

use super::rewards::catch_up;

pub(crate) fn require_staking(deps: Deps<'_>, info: &MessageInfo) -> Result<(), FinalityError> {
    let staking = STAKING.require(deps)?;
    if info.sender == staking { Ok(()) } else { Err(FinalityError::NotStaking(info.sender.clone())) }
}

pub(crate) fn provider_updated(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    update: &ProviderUpdate,
) -> Result<Response, FinalityError> {
    require_staking(deps.as_ref(), info)?;
    let fp = &update.fp_pk;
    if Profile::load(deps.storage, fp)?.is_none() {
        return add(deps.storage, update);
    }
    let provider = Provider::require(deps.storage, fp)?;
    for (number, slot) in &provider.places {
        let seat = Seat { number: *number, slot: *slot, fp };
        // What was earned until now is shared by the old commission (trap C14).
        let power = seat.power(deps.storage, Place::load(deps.storage, *number, *slot)?.standing)?;
        catch_up(deps.storage, seat, power)?;
    }
    Profile { commission: update.commission.0, owner: update.owner.clone() }.save(deps.storage, fp)?;
    Ok(Response::new())
}

fn add(storage: &mut dyn Storage, update: &ProviderUpdate) -> Result<Response, FinalityError> {
    let mut places = Vec::with_capacity(update.consumers.len());
    for id in &update.consumers {
        let settings = Settings::require(storage, id)?;
        let number = settings.number();
        places.push((number, provider::settle_in(storage, number, &update.fp_pk)?));
        keep_order(storage, number, settings.max_active)?;
    }
    Provider { places }.save(storage, &update.fp_pk);
    Profile { commission: update.commission.0, owner: update.owner.clone() }.save(storage, &update.fp_pk)?;
    Ok(Response::new())
}

// Apart: all handlers in one function are more local variables than cosmwasm-vm takes.
#[inline(never)]
pub(crate) fn changes(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    changes: &[PowerChange],
) -> Result<Response, FinalityError> {
    require_staking(deps.as_ref(), info)?;
    for change in changes {
        for fp in &change.fp_pks {
            apply(deps.storage, fp, change)?;
        }
    }
    Ok(Response::new())
}

fn apply(storage: &mut dyn Storage, fp: &Key, change: &PowerChange) -> Result<(), FinalityError> {
    // A convict has no power, whatever becomes of its delegations.
    let convicted = is_slashed(storage, fp);
    for (number, slot) in Provider::require(storage, fp)?.places {
        let (seat, flags) = (Seat { number, slot, fp }, Flags::load(storage, number)?);
        let before = if convicted { 0 } else { set_power(storage, seat, flags.ordered, change)? };
        if flags.pays_rewards {
            share(storage, seat, before, change)?;
        }
    }
    Ok(())
}

/// Returns the power before.
fn set_power(
    storage: &mut dyn Storage,
    seat: Seat<'_>,
    ordered: bool,
    change: &PowerChange,
) -> Result<u64, FinalityError> {
    let old = Place::load(storage, seat.number, seat.slot)?;
    let before = seat.power(storage, old.standing)?;
    let power = changed(seat.fp, before, change)?;
    let standing = match old.jailed_until {
        Some(_) => Standing::Out(power),
        None => seat.set_power(storage, old.standing, power, ordered),
    };
    let place = Place { standing, staked: old.staked | change.added, ..old };
    if place != old {
        place.save(storage, seat.number, seat.slot);
    }
    Ok(before)
}

fn changed(fp: &Key, before: u64, change: &PowerChange) -> Result<u64, FinalityError> {
    let sat = change.sat;
    if change.added {
        before.checked_add(sat).ok_or(FinalityError::Overflow("power"))
    } else {
        before.checked_sub(sat).ok_or(FinalityError::PowerUnderflow { fp: *fp, power: before, sat })
    }
}

/// Brings the rewards of provider and staker up to date, then lets the new amount count.
fn share(
    storage: &mut dyn Storage,
    seat: Seat<'_>,
    power: u64,
    change: &PowerChange,
) -> Result<(), FinalityError> {
    let Seat { number, slot, .. } = seat;
    let rewards = catch_up(storage, seat, power)?;
    let mut staker = StakerRewards::load(storage, number, slot, &change.staker)?;
    staker.catch_up(rewards.net)?;
    staker.sat = if change.added {
        staker.sat.checked_add(change.sat).ok_or(FinalityError::Overflow("stake"))?
    } else {
        // Equal sums are kept by btc-staking's one flag; a difference here must not hold up an unbonding.
        staker.sat.saturating_sub(change.sat)
    };
    staker.save(storage, number, slot, &change.staker);
    Ok(())
}
