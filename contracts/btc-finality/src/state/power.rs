//! Power: a ranking that is always current, and snapshots of its head, stored when they differ.
//!
//! While a consumer has no more providers than seats all of them are in the active set, so that nobody has to stand in
//! the order of power: an entry stays under the key that it was given, and a change of power writes its value alone.

use std::cmp::Reverse;

use contract_host::pack::{CorruptState, Unpack, put_number};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_api::Key;

use super::consumer::{Flags, Number};
use super::provider::{self, Place, Standing, key_of};
use super::{key, prefix};

/// Bytes of a provider's key in the ranking: enough to order equal powers; the slot tells providers apart.
const KEY_PART: usize = 8;

/// A provider at a consumer.
#[derive(Clone, Copy)]
pub(crate) struct Seat<'a> {
    pub(crate) number: Number,
    pub(crate) slot: u16,
    pub(crate) fp: &'a Key,
}

impl Seat<'_> {
    fn rank_key(self, under: u64) -> Vec<u8> {
        // Heaviest first, equal ones by ascending key.
        let part = self.fp.as_bytes().first_chunk::<KEY_PART>().map_or(&[][..], |part| &part[..]);
        let (number, slot) = (self.number.bytes(), self.slot.to_be_bytes());
        key(prefix::RANKING, &[&number, &(!under).to_be_bytes(), part, &slot])
    }

    /// Satoshi of its counted delegations; none if it was convicted.
    pub(crate) fn power(self, storage: &dyn Storage, standing: Standing) -> Result<u64, CorruptState> {
        match standing {
            Standing::Out(power) => Ok(power),
            Standing::Ranked(under) => {
                store::read(storage, &self.rank_key(under)).map_or(Ok(0), |raw| unpack_power(&raw))
            }
        }
    }

    /// Gives a provider that may be ranked a new power. It stays where it stands unless it has to be `ordered`.
    pub(crate) fn set_power(
        self,
        storage: &mut dyn Storage,
        standing: Standing,
        power: u64,
        ordered: bool,
    ) -> Standing {
        let under = match standing {
            Standing::Ranked(under) if power > 0 && !ordered => under,
            _ => power,
        };
        if standing != Standing::Ranked(under) {
            self.leave(storage, standing);
        }
        if power == 0 {
            return Standing::Out(0);
        }
        let mut raw = Vec::with_capacity(9);
        put_number(&mut raw, power);
        storage.set(&self.rank_key(under), &raw);
        Standing::Ranked(under)
    }

    /// Takes a provider out of the ranking; nothing happens if it is not there.
    pub(crate) fn leave(self, storage: &mut dyn Storage, standing: Standing) {
        if let Standing::Ranked(under) = standing {
            storage.remove(&self.rank_key(under));
        }
    }
}

fn unpack_power(raw: &[u8]) -> Result<u64, CorruptState> {
    Unpack::new("ranking", raw).number()
}

/// Slots and satoshi of providers with power, heaviest first, at most `limit`. Of an unordered ranking all must be asked
/// for: only then are these the heaviest.
pub(crate) fn ranking(
    storage: &dyn Storage,
    number: Number,
    limit: usize,
) -> Result<Vec<(u16, u64)>, CorruptState> {
    let prefix = key(prefix::RANKING, &[&number.bytes()]);
    let parsed = store::page(storage, &prefix, None, limit).map(|(key, raw)| {
        let mut fields = Unpack::new("ranking", &key);
        fields.u64()?;
        let part: [u8; KEY_PART] = fields.array()?;
        Ok((Reverse(unpack_power(&raw)?), part, fields.u16()?))
    });
    let mut all = parsed.collect::<Result<Vec<_>, CorruptState>>()?;
    all.sort_unstable();
    Ok(all.into_iter().map(|(power, _, slot)| (slot, power.0)).collect())
}

/// Orders a ranking in which at most `limit` providers stand: each one's place is that of its power from now on.
fn order(storage: &mut dyn Storage, number: Number, limit: usize) -> Result<(), CorruptState> {
    for (slot, power) in ranking(storage, number, limit)? {
        let mut place = Place::load(storage, number, slot)?;
        // Who stands in its place already is not written again.
        if place.standing != Standing::Ranked(power) {
            let fp = key_of(storage, number, slot)?;
            place.standing = Seat { number, slot, fp: &fp }.set_power(storage, place.standing, power, true);
            place.save(storage, number, slot);
        }
    }
    Ok(())
}

/// Decides whether the ranking of a consumer has to be in order, after its providers or its seats became more or fewer.
/// Which never costs more than as many entries as there are seats, 150: before, the ranking was no longer than that.
pub(crate) fn keep_order(
    storage: &mut dyn Storage,
    number: Number,
    max_active: u16,
) -> Result<(), CorruptState> {
    let (flags, providers) = (Flags::load(storage, number)?, provider::count(storage, number)?);
    let ordered = providers > max_active;
    if ordered == flags.ordered {
        return Ok(());
    }
    Flags { ordered, ..flags }.save(storage, number);
    if ordered { order(storage, number, usize::from(providers)) } else { Ok(()) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;
    use proptest::prelude::*;

    const NUMBER: Number = Number(3);

    /// What happens to the providers of a consumer.
    #[derive(Clone, Debug)]
    enum Act {
        Join,
        Power(usize, u64),
        Jail(usize),
        Convict(usize),
        Seats(u16),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            2 => Just(Act::Join),
            8 => (0usize..12, 0u64..6).prop_map(|(who, power)| Act::Power(who, power)),
            1 => (0usize..12).prop_map(Act::Jail),
            1 => (0usize..12).prop_map(Act::Convict),
            2 => (1u16..8).prop_map(Act::Seats),
        ]
    }

    /// Contract and plain reckoning side by side.
    struct World {
        storage: MockStorage,
        seats: u16,
        /// Key, power, whether it may be ranked.
        all: Vec<(Key, u64, bool)>,
    }

    impl World {
        fn with(&mut self, who: usize, change: impl FnOnce(&mut MockStorage, Seat<'_>, &mut Place)) {
            let slot = u16::try_from(who).unwrap();
            let mut place = Place::load(&self.storage, NUMBER, slot).unwrap();
            change(&mut self.storage, Seat { number: NUMBER, slot, fp: &self.all[who].0 }, &mut place);
            place.save(&mut self.storage, NUMBER, slot);
        }

        fn act(&mut self, act: &Act) {
            let free = |who: &usize| self.all.get(*who).is_some_and(|(_, _, ranked)| *ranked);
            match act {
                Act::Join => {
                    // Descending keys, so that slots do not order equal powers by themselves.
                    let fp = Key::from_bytes([200 - u8::try_from(self.all.len()).unwrap(); 32]);
                    provider::settle_in(&mut self.storage, NUMBER, &fp).unwrap();
                    self.all.push((fp, 0, true));
                }
                Act::Power(who, power) if free(who) => {
                    let ordered = Flags::load(&self.storage, NUMBER).unwrap().ordered;
                    self.with(*who, |storage, seat, place| {
                        place.standing = seat.set_power(storage, place.standing, *power, ordered);
                    });
                    self.all[*who].1 = *power;
                }
                Act::Jail(who) | Act::Convict(who) if free(who) => {
                    let jail = matches!(act, Act::Jail(_));
                    self.with(*who, |storage, seat, place| {
                        let power = seat.power(storage, place.standing).unwrap();
                        seat.leave(storage, place.standing);
                        if jail {
                            place.standing = Standing::Out(power);
                        }
                    });
                    self.all[*who].2 = false;
                }
                Act::Seats(seats) => self.seats = *seats,
                _ => {}
            }
            keep_order(&mut self.storage, NUMBER, self.seats).unwrap();
        }

        fn heaviest(&self) -> Vec<(u16, u64)> {
            let ranked = self.all.iter().zip(0u16..).filter(|((_, power, ranked), _)| *ranked && *power > 0);
            let mut ranked: Vec<_> =
                ranked.map(|((fp, power, _), slot)| (Reverse(*power), *fp, slot)).collect();
            ranked.sort();
            let seats = usize::from(self.seats);
            ranked.into_iter().take(seats).map(|(power, _, slot)| (slot, power.0)).collect()
        }
    }

    proptest! {
        /// Whether the ranking is ordered or not, its head is that of the heaviest (feature 45).
        #[test]
        fn seats_go_to_the_heaviest(acts in prop::collection::vec(act(), 1..80)) {
            let mut world = World { storage: MockStorage::new(), seats: 4, all: Vec::new() };
            for act in &acts {
                world.act(act);
                let head = ranking(&world.storage, NUMBER, usize::from(world.seats)).unwrap();
                prop_assert_eq!(head, world.heaviest());
            }
        }
    }

    /// Where all have a seat, a change of power writes one record and moves none.
    #[test]
    fn nobody_moves_while_all_have_a_seat() {
        let mut world = World { storage: MockStorage::new(), seats: 2, all: Vec::new() };
        [Act::Join, Act::Join, Act::Power(0, 5), Act::Power(1, 3)].iter().for_each(|act| world.act(act));
        let place = Place::load(&world.storage, NUMBER, 1).unwrap();
        world.act(&Act::Power(1, 9));
        assert_eq!(Place::load(&world.storage, NUMBER, 1).unwrap(), place);
        assert_eq!(place.standing, Standing::Ranked(3));
        world.act(&Act::Seats(1));
        assert_eq!(Place::load(&world.storage, NUMBER, 1).unwrap().standing, Standing::Ranked(9));
    }
}
