//! What `btc-staking` tells: providers, and delegations that begin or cease to count.

use cosmwasm_std::{Deps, DepsMut, MessageInfo, Response, Storage};
use staking_api::Key;
use staking_api::finality::{PowerChange, ProviderUpdate};

use crate::error::FinalityError;
use crate::state::config::STAKING;
use crate::state::consumer::{self, Hot, Number};
use crate::state::evidence::is_slashed;
use crate::state::power::{rank, unrank};
use crate::state::provider::{self, Place, Profile, Provider};
use crate::state::rewards::{ProviderRewards, Settlement, StakerRewards};

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
    let Some(known) = Profile::load(deps.storage, fp)? else { return add(deps.storage, update) };
    let provider = Provider::require(deps.storage, fp)?;
    for (number, slot) in &provider.places {
        let mut rewards = ProviderRewards::load(deps.storage, *number, *slot)?;
        let earned = Settlement::load(deps.storage, *number)?.earned(*slot, &rewards);
        // What was earned until now is shared by the old commission (trap C14).
        let power = Place::load(deps.storage, *number, *slot)?.power;
        rewards.catch_up(earned, power, known.commission)?;
        rewards.save(deps.storage, *number, *slot);
    }
    Profile { commission: update.commission.0, owner: update.owner.clone() }.save(deps.storage, fp)?;
    Ok(Response::new())
}

fn add(storage: &mut dyn Storage, update: &ProviderUpdate) -> Result<Response, FinalityError> {
    let mut places = Vec::with_capacity(update.consumers.len());
    for id in &update.consumers {
        let number = Hot::require(storage, id)?.number;
        places.push((number, provider::settle_in(storage, number, &update.fp_pk)?));
    }
    Provider { places }.save(storage, &update.fp_pk);
    Profile { commission: update.commission.0, owner: update.owner.clone() }.save(storage, &update.fp_pk)?;
    Ok(Response::new())
}

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
    let ranked = !is_slashed(storage, fp);
    for (number, slot) in Provider::require(storage, fp)?.places {
        let mut place = Place::load(storage, number, slot)?;
        let before = place.power;
        place.power = changed(fp, before, change)?;
        place.staked |= change.added;
        place.save(storage, number, slot);
        if ranked && place.jailed_until.is_none() {
            unrank(storage, number, before, fp, slot);
            rank(storage, number, place.power, fp, slot);
        }
        share(storage, (number, slot), fp, before, change)?;
    }
    Ok(())
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
    (number, slot): (Number, u16),
    fp: &Key,
    power: u64,
    change: &PowerChange,
) -> Result<(), FinalityError> {
    if !consumer::has_rewards(storage, number) {
        return Ok(());
    }
    let before = ProviderRewards::load(storage, number, slot)?;
    let mut rewards = before;
    let earned = Settlement::load(storage, number)?.earned(slot, &rewards);
    rewards.catch_up(earned, power, Profile::require(storage, fp)?.commission)?;
    if rewards != before {
        rewards.save(storage, number, slot);
    }
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
