//! Providers: what `btc-staking` tells of them, and their place at each consumer.

use contract_host::pack::{CorruptState, Unpack, put_number, put_short_bytes};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_api::Key;

use super::consumer::Number;
use super::{key, prefix};
use crate::error::FinalityError;

/// Where a provider takes part. Never changes, so that a change of power writes a place only, whose key is short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    /// Consumers and its slot at each.
    pub(crate) places: Vec<(Number, u16)>,
}

fn places_key(fp: &Key) -> Vec<u8> {
    key(prefix::PLACES, &[fp.as_bytes()])
}

impl Provider {
    pub(crate) fn load(storage: &dyn Storage, fp: &Key) -> Result<Option<Self>, CorruptState> {
        store::read(storage, &places_key(fp)).map(|raw| Self::unpack(&raw)).transpose()
    }

    pub(crate) fn require(storage: &dyn Storage, fp: &Key) -> Result<Self, FinalityError> {
        Self::load(storage, fp)?.ok_or(FinalityError::NoSuchProvider(*fp))
    }

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("provider", raw);
        f.u8()?;
        let mut places = Vec::new();
        while !f.is_empty() {
            places.push((Number(f.u16()?), f.u16()?));
        }
        Ok(Self { places })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, fp: &Key) {
        // A first byte, so that the record of a provider without consumers is not an empty value.
        let mut raw = vec![1];
        for (number, slot) in &self.places {
            raw.extend_from_slice(&number.bytes());
            raw.extend_from_slice(&slot.to_be_bytes());
        }
        storage.set(&places_key(fp), &raw);
    }

    /// Its slot at a consumer, if it takes part there.
    pub(crate) fn slot_at(&self, number: Number) -> Option<u16> {
        self.places.iter().find(|(n, _)| *n == number).map(|(_, slot)| *slot)
    }
}

/// A provider's slot at a consumer.
pub(crate) fn slot_of(storage: &dyn Storage, number: Number, fp: &Key) -> Result<u16, FinalityError> {
    Provider::require(storage, fp)?.slot_at(number).ok_or(FinalityError::NoSuchProvider(*fp))
}

/// What btc-staking tells of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Share of the rewards that it keeps, in atomics.
    pub(crate) commission: u128,
    pub(crate) owner: String,
}

fn profile_key(fp: &Key) -> Vec<u8> {
    key(prefix::PROVIDER, &[fp.as_bytes()])
}

impl Profile {
    pub(crate) fn load(storage: &dyn Storage, fp: &Key) -> Result<Option<Self>, CorruptState> {
        store::read(storage, &profile_key(fp)).map(|raw| Self::unpack(&raw)).transpose()
    }

    pub(crate) fn require(storage: &dyn Storage, fp: &Key) -> Result<Self, FinalityError> {
        Self::load(storage, fp)?.ok_or(FinalityError::NoSuchProvider(*fp))
    }

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("profile", raw);
        let commission = f.u128()?;
        let owner = String::from_utf8(f.short_bytes()?.to_vec()).map_err(|_| CorruptState("profile"))?;
        f.end()?;
        Ok(Self { commission, owner })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, fp: &Key) -> Result<(), FinalityError> {
        let mut raw = self.commission.to_be_bytes().to_vec();
        put_short_bytes(&mut raw, self.owner.as_bytes())?;
        storage.set(&profile_key(fp), &raw);
        Ok(())
    }
}

/// Where a provider's power is kept (see [`super::power::Seat`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Here: it is not in the ranking, because it has none or is in jail.
    Out(u64),
    /// In the ranking, under a key with this power, which is that of another time if the ranking is not ordered. The
    /// entry of a convict is gone.
    Ranked(u64),
}

/// A provider's place at a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its power, or where that is.
    pub(crate) standing: Standing,
    /// Time from which it may leave jail, if it is jailed.
    pub(crate) jailed_until: Option<u64>,
    /// Height after the last one of its newest run of votes.
    pub(crate) runs_end: u64,
    /// Whether it ever had power. Before, its votes are not taken: counting reads every vote of a height, so each
    /// must have cost a stake.
    pub(crate) staked: bool,
}

const JAILED: u8 = 1;
const STAKED: u8 = 2;
const RANKED: u8 = 4;

fn place_key(number: Number, slot: u16) -> Vec<u8> {
    key(prefix::PLACE, &[&number.bytes(), &slot.to_be_bytes()])
}

impl Place {
    /// The place of a provider that nobody has delegated to yet.
    const NEW: Self = Self { standing: Standing::Out(0), jailed_until: None, runs_end: 0, staked: false };

    /// Loads the place of a slot that was given away.
    pub(crate) fn load(storage: &dyn Storage, number: Number, slot: u16) -> Result<Self, CorruptState> {
        Self::unpack(&store::read(storage, &place_key(number, slot)).ok_or(CorruptState("place"))?)
    }

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("place", raw);
        let (flags, power, runs_end) = (f.u8()?, f.number()?, f.number()?);
        let standing = if flags & RANKED == 0 { Standing::Out(power) } else { Standing::Ranked(power) };
        let jailed_until = if flags & JAILED == 0 { None } else { Some(f.u64()?) };
        f.end()?;
        Ok(Self { standing, jailed_until, runs_end, staked: flags & STAKED != 0 })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number, slot: u16) {
        let mut raw = Vec::with_capacity(24);
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let (ranked, power) = match self.standing {
            Standing::Out(power) => (false, power),
            Standing::Ranked(under) => (true, under),
        };
        let flags = flag(self.jailed_until.is_some(), JAILED) | flag(self.staked, STAKED);
        raw.push(flags | flag(ranked, RANKED));
        put_number(&mut raw, power);
        put_number(&mut raw, self.runs_end);
        raw.extend(self.jailed_until.iter().flat_map(|until| until.to_be_bytes()));
        storage.set(&place_key(number, slot), &raw);
    }
}

fn slot_key(number: Number, slot: u16) -> Vec<u8> {
    key(prefix::KEY_OF_SLOT, &[&number.bytes(), &slot.to_be_bytes()])
}

/// Key of the provider in a slot.
pub(crate) fn key_of(storage: &dyn Storage, number: Number, slot: u16) -> Result<Key, CorruptState> {
    let raw = store::read(storage, &slot_key(number, slot)).ok_or(CorruptState("slot"))?;
    raw.try_into().map(Key::from_bytes).map_err(|_| CorruptState("slot"))
}

fn count_key(number: Number) -> Vec<u8> {
    key(prefix::PROVIDERS, &[&number.bytes()])
}

/// Number of providers of a consumer.
pub(crate) fn count(storage: &dyn Storage, number: Number) -> Result<u16, CorruptState> {
    storage.get(&count_key(number)).map_or(Ok(0), |raw| Unpack::new("number of providers", &raw).u16())
}

/// Gives a provider its place at a consumer.
pub(crate) fn settle_in(storage: &mut dyn Storage, number: Number, fp: &Key) -> Result<u16, FinalityError> {
    let slot = count(storage, number)?;
    let next = slot.checked_add(1).ok_or(FinalityError::Overflow("number of providers"))?;
    storage.set(&count_key(number), &next.to_be_bytes());
    storage.set(&slot_key(number, slot), fp.as_bytes());
    Place::NEW.save(storage, number, slot);
    Ok(slot)
}

/// Places of a consumer in order of slot, after one.
pub(crate) fn page(
    storage: &dyn Storage,
    number: Number,
    after: Option<u16>,
    limit: usize,
) -> Result<Vec<(u16, Place)>, CorruptState> {
    let prefix = key(prefix::PLACE, &[&number.bytes()]);
    let after = after.map(u16::to_be_bytes);
    let records = store::page(storage, &prefix, after.as_ref().map(|after| &after[..]), limit);
    let parsed = records.map(|(key, raw)| Ok((Unpack::new("place", &key).u16()?, Place::unpack(&raw)?)));
    parsed.collect()
}
