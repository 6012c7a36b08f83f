//! Providers at a consumer.

use contract_host::page::PageLimit;
use cosmwasm_std::Storage;
use staking_api::finality::{ProviderInfo, ProviderInfos};
use staking_api::{Decimal, Key};

use crate::error::FinalityError;
use crate::execute::vote::Usable;
use crate::state::config::Rules;
use crate::state::consumer::{Hot, Number};
use crate::state::evidence::is_slashed;
use crate::state::power::Seat;
use crate::state::provider::{self, Place, Profile, Provider, key_of, slot_of};
use crate::state::rewards::Settlement;
use crate::state::votes::Commit;

/// Commitments looked at to find the last usable one: as many as can wait for a timestamp, and some.
const COMMITS: usize = 100;

pub(super) fn one(
    storage: &dyn Storage,
    consumer: &str,
    fp: &Key,
) -> Result<Option<ProviderInfo>, FinalityError> {
    let number = Hot::require(storage, consumer)?.number;
    let slot = Provider::load(storage, fp)?.and_then(|provider| provider.slot_at(number));
    let described = |slot| describe(storage, number, fp, slot, Place::load(storage, number, slot)?);
    slot.map(described).transpose()
}

pub(super) fn list(
    storage: &dyn Storage,
    consumer: &str,
    after: Option<&Key>,
    limit: PageLimit,
) -> Result<ProviderInfos, FinalityError> {
    let number = Hot::require(storage, consumer)?.number;
    let after = after.map(|fp| slot_of(storage, number, fp)).transpose()?;
    let page = provider::page(storage, number, after, limit.get())?;
    let named = |(slot, place)| describe(storage, number, &key_of(storage, number, slot)?, slot, place);
    let providers: Result<_, FinalityError> = page.into_iter().map(named).collect();
    Ok(ProviderInfos { providers: providers? })
}

fn describe(
    storage: &dyn Storage,
    number: Number,
    fp: &Key,
    slot: u16,
    place: Place,
) -> Result<ProviderInfo, FinalityError> {
    let profile = Profile::require(storage, fp)?;
    let usable = Usable::load(storage, &Rules::load(storage)?)?;
    let commits = Commit::page(storage, number, slot, None, COMMITS, true)?;
    let last_usable = commits.iter().find(|commit| usable.allows(commit));
    let slashed = is_slashed(storage, fp);
    let power = if slashed { 0 } else { Seat { number, slot, fp }.power(storage, place.standing)? };
    let missed = Settlement::load(storage, number)?.member(slot).map_or(0, |m| m.missed);
    Ok(ProviderInfo {
        fp_pk: *fp,
        owner: profile.owner,
        power,
        commission: Decimal(profile.commission),
        jailed: place.jailed_until.is_some(),
        jailed_until: place.jailed_until,
        slashed,
        missed,
        committed_until: commits.first().map(|commit| commit.commitment.last()),
        usable_until: last_usable.map(|commit| commit.commitment.last()),
    })
}
