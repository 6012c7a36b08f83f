//! Power: a ranking that is always current, and snapshots of its head, stored when they differ.

use contract_host::pack::{CorruptState, Unpack};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_api::Key;

use super::consumer::Number;
use super::{key, prefix};

/// Bytes of a provider's key in the ranking: enough to order equal powers; the slot tells providers apart.
const KEY_PART: usize = 8;

fn rank_key(number: Number, power: u64, fp: &Key, slot: u16) -> Vec<u8> {
    // Heaviest first, equal ones by ascending key.
    let part = fp.as_bytes().first_chunk::<KEY_PART>().map_or(&[][..], |part| &part[..]);
    key(prefix::RANKING, &[&number.bytes(), &(!power).to_be_bytes(), part, &slot.to_be_bytes()])
}

/// Enters a provider into the ranking of a consumer; without power it is not ranked.
pub(crate) fn rank(storage: &mut dyn Storage, number: Number, power: u64, fp: &Key, slot: u16) {
    if power > 0 {
        storage.set(&rank_key(number, power, fp, slot), &[1]);
    }
}

/// Takes a provider out of the ranking; nothing happens if it is not there.
pub(crate) fn unrank(storage: &mut dyn Storage, number: Number, power: u64, fp: &Key, slot: u16) {
    if power > 0 {
        storage.remove(&rank_key(number, power, fp, slot));
    }
}

/// Slots and satoshi of providers with power, heaviest first, at most `limit`.
pub(crate) fn ranking(
    storage: &dyn Storage,
    number: Number,
    limit: usize,
) -> Result<Vec<(u16, u64)>, CorruptState> {
    let prefix = key(prefix::RANKING, &[&number.bytes()]);
    let parsed = store::page(storage, &prefix, None, limit).map(|(key, _)| {
        let mut fields = Unpack::new("ranking", &key);
        let inverted = fields.u64()?;
        fields.array::<KEY_PART>()?;
        Ok((fields.u16()?, !inverted))
    });
    parsed.collect()
}

/// A power snapshot: slots and satoshi, heaviest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table(pub(crate) Vec<(u16, u64)>);

fn table_key(number: Number, version: u32) -> Vec<u8> {
    key(prefix::TABLE, &[&number.bytes(), &version.to_be_bytes()])
}

impl Table {
    /// Loads a snapshot; that of version 0 is empty.
    pub(crate) fn load(
        storage: &dyn Storage,
        number: Number,
        version: u32,
    ) -> Result<Option<Self>, CorruptState> {
        if version == 0 {
            return Ok(Some(Self::default()));
        }
        let Some(raw) = store::read(storage, &table_key(number, version)) else { return Ok(None) };
        let mut fields = Unpack::new("power snapshot", &raw);
        fields.u8()?;
        let mut entries = Vec::new();
        while !fields.is_empty() {
            entries.push((fields.u16()?, fields.u64()?));
        }
        Ok(Some(Self(entries)))
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number, version: u32) {
        // A first byte, so that an empty snapshot is not an empty value.
        let mut raw = vec![1];
        for (slot, power) in &self.0 {
            raw.extend_from_slice(&slot.to_be_bytes());
            raw.extend_from_slice(&power.to_be_bytes());
        }
        storage.set(&table_key(number, version), &raw);
    }

    /// Sum of all power; total supply of bitcoin fits 51 bits.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, power)| sum.saturating_add(*power))
    }

    /// Power of a slot, if it is in the snapshot.
    pub(crate) fn power_of(&self, slot: u16) -> Option<u64> {
        self.0.iter().find(|(s, _)| *s == slot).map(|(_, power)| *power)
    }
}
