//! Providers: what `btc-staking` tells of them, and their place at each consumer.

use contract_host::pack::{CorruptState, Unpack, put_short_bytes};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_api::Key;

use super::consumer::Number;
use super::{key, prefix};
use crate::error::FinalityError;

/// A provider as btc-staking knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    /// Satoshi of counted delegations.
    pub(crate) power: u64,
    /// Share of the rewards that it keeps, in atomics.
    pub(crate) commission: u128,
    pub(crate) owner: String,
    /// Consumers and its slot at each.
    pub(crate) places: Vec<(Number, u16)>,
}

fn provider_key(fp: &Key) -> Vec<u8> {
    key(prefix::PROVIDER, &[fp.as_bytes()])
}

impl Provider {
    pub(crate) fn load(storage: &dyn Storage, fp: &Key) -> Result<Option<Self>, CorruptState> {
        store::read(storage, &provider_key(fp)).map(|raw| Self::unpack(&raw)).transpose()
    }

    pub(crate) fn require(storage: &dyn Storage, fp: &Key) -> Result<Self, FinalityError> {
        Self::load(storage, fp)?.ok_or(FinalityError::NoSuchProvider(*fp))
    }

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("provider", raw);
        let (power, commission) = (f.u64()?, f.u128()?);
        let owner = String::from_utf8(f.short_bytes()?.to_vec()).map_err(|_| CorruptState("provider"))?;
        let mut places = Vec::new();
        while !f.is_empty() {
            places.push((Number(f.u16()?), f.u16()?));
        }
        Ok(Self { power, commission, owner, places })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, fp: &Key) -> Result<(), FinalityError> {
        let mut raw = Vec::with_capacity(96);
        raw.extend_from_slice(&self.power.to_be_bytes());
        raw.extend_from_slice(&self.commission.to_be_bytes());
        put_short_bytes(&mut raw, self.owner.as_bytes())?;
        for (number, slot) in &self.places {
            raw.extend_from_slice(&number.bytes());
            raw.extend_from_slice(&slot.to_be_bytes());
        }
        storage.set(&provider_key(fp), &raw);
        Ok(())
    }
}

/// A provider's place at a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) slot: u16,
    /// Time from which it may leave jail, if it is jailed.
    pub(crate) jailed_until: Option<u64>,
    /// Height after the last one of its newest run of votes.
    pub(crate) runs_end: u64,
}

fn place_key(number: Number, fp: &Key) -> Vec<u8> {
    key(prefix::SLOT, &[&number.bytes(), fp.as_bytes()])
}

impl Place {
    pub(crate) fn load(
        storage: &dyn Storage,
        number: Number,
        fp: &Key,
    ) -> Result<Option<Self>, CorruptState> {
        store::read(storage, &place_key(number, fp)).map(|raw| Self::unpack(&raw)).transpose()
    }

    pub(crate) fn require(storage: &dyn Storage, number: Number, fp: &Key) -> Result<Self, FinalityError> {
        Self::load(storage, number, fp)?.ok_or(FinalityError::NoSuchProvider(*fp))
    }

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("place", raw);
        let (slot, runs_end) = (f.u16()?, f.u64()?);
        let jailed_until = if f.is_empty() { None } else { Some(f.u64()?) };
        Ok(Self { slot, jailed_until, runs_end })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number, fp: &Key) {
        let mut raw = Vec::with_capacity(18);
        raw.extend_from_slice(&self.slot.to_be_bytes());
        raw.extend_from_slice(&self.runs_end.to_be_bytes());
        raw.extend(self.jailed_until.iter().flat_map(|until| until.to_be_bytes()));
        storage.set(&place_key(number, fp), &raw);
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
    Place { slot, jailed_until: None, runs_end: 0 }.save(storage, number, fp);
    Ok(slot)
}

/// Places of a consumer in order of key after `after`.
pub(crate) fn page(
    storage: &dyn Storage,
    number: Number,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<(Key, Place)>, CorruptState> {
    let prefix = key(prefix::SLOT, &[&number.bytes()]);
    let after = after.map(|key| &key.as_bytes()[..]);
    let records = store::page(storage, &prefix, after, limit);
    let parsed = records.map(|(key, raw)| {
        let key: [u8; 32] = key.try_into().map_err(|_| CorruptState("place"))?;
        Ok((Key::from_bytes(key), Place::unpack(&raw)?))
    });
    parsed.collect()
}
