//! Consumers: rules, and how far their heights are final and settled.

use contract_host::pack::{CorruptState, Unpack, put_number, put_short_bytes};
use contract_host::store;
use cosmwasm_std::Storage;

use super::config::Rules;
use super::{key, prefix};
use crate::error::FinalityError;

/// Number of a consumer in keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(pub(crate) u16);

impl Number {
    pub(crate) const fn bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

/// What votes and commitments need of a consumer's rules; a record of its own, because they are sent most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hot {
    pub(crate) number: Number,
    /// The contract's rules, which never change: here too, so that votes read one record less.
    pub(crate) rules: Rules,
    pub(crate) paused: bool,
    pub(crate) activation_height: u64,
    pub(crate) min_pub_rand: u64,
    pub(crate) max_pub_rand: u64,
    pub(crate) max_commit_lead: u64,
    pub(crate) max_vote_lead: u64,
}

impl Hot {
    pub(crate) fn load(storage: &dyn Storage, id: &str) -> Result<Option<Self>, CorruptState> {
        store::read(storage, &key(prefix::SETTINGS, &[id.as_bytes()]))
            .map(|raw| Self::unpack(&raw))
            .transpose()
    }

    pub(crate) fn require(storage: &dyn Storage, id: &str) -> Result<Self, FinalityError> {
        Self::load(storage, id)?.ok_or_else(|| FinalityError::NoSuchConsumer(id.to_string()))
    }

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("consumer", raw);
        let hot = Self {
            number: Number(f.u16()?),
            rules: Rules::unpack(&mut f)?,
            paused: f.u8()? == 1,
            activation_height: f.number()?,
            min_pub_rand: f.number()?,
            max_pub_rand: f.number()?,
            max_commit_lead: f.number()?,
            max_vote_lead: f.number()?,
        };
        f.end()?;
        Ok(hot)
    }

    fn save(&self, storage: &mut dyn Storage, id: &str) {
        let mut raw = Vec::with_capacity(48);
        raw.extend_from_slice(&self.number.bytes());
        self.rules.pack(&mut raw);
        raw.push(u8::from(self.paused));
        let longs = [
            self.activation_height,
            self.min_pub_rand,
            self.max_pub_rand,
            self.max_commit_lead,
            self.max_vote_lead,
        ];
        longs.iter().for_each(|n| put_number(&mut raw, *n));
        storage.set(&key(prefix::SETTINGS, &[id.as_bytes()]), &raw);
    }
}

/// Rules of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) hot: Hot,
    pub(crate) max_active: u16,
    pub(crate) window: u32,
    /// Heights of a window that must be voted on.
    pub(crate) min_signed: u32,
    /// The share it was computed from, in atomics.
    pub(crate) min_signed_share: u128,
    pub(crate) settle_lag: u32,
    pub(crate) jail_seconds: u64,
    /// 0 = all that is funded.
    pub(crate) reward_per_height: u128,
    pub(crate) reward_denom: Option<String>,
}

impl Settings {
    pub(crate) fn load(storage: &dyn Storage, id: &str) -> Result<Option<Self>, CorruptState> {
        Hot::load(storage, id)?.map(|hot| Self::complete(storage, id, hot)).transpose()
    }

    pub(crate) fn require(storage: &dyn Storage, id: &str) -> Result<Self, FinalityError> {
        Self::load(storage, id)?.ok_or_else(|| FinalityError::NoSuchConsumer(id.to_string()))
    }

    /// Adds what `hot` leaves out.
    pub(crate) fn complete(storage: &dyn Storage, id: &str, hot: Hot) -> Result<Self, CorruptState> {
        let raw = store::read(storage, &key(prefix::MORE_SETTINGS, &[id.as_bytes()]));
        let raw = raw.ok_or(CorruptState("consumer"))?;
        let mut f = Unpack::new("consumer", &raw);
        let settings = Self {
            hot,
            max_active: f.u16()?,
            window: f.u32()?,
            min_signed: f.u32()?,
            min_signed_share: f.u128()?,
            settle_lag: f.u32()?,
            jail_seconds: f.u64()?,
            reward_per_height: f.u128()?,
            reward_denom: {
                let denom =
                    String::from_utf8(f.short_bytes()?.to_vec()).map_err(|_| CorruptState("consumer"))?;
                Some(denom).filter(|denom| !denom.is_empty())
            },
        };
        f.end()?;
        Ok(settings)
    }

    pub(crate) const fn number(&self) -> Number {
        self.hot.number
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, id: &str) -> Result<(), FinalityError> {
        let mut raw = Vec::with_capacity(64);
        raw.extend_from_slice(&self.max_active.to_be_bytes());
        raw.extend_from_slice(&self.window.to_be_bytes());
        raw.extend_from_slice(&self.min_signed.to_be_bytes());
        raw.extend_from_slice(&self.min_signed_share.to_be_bytes());
        raw.extend_from_slice(&self.settle_lag.to_be_bytes());
        raw.extend_from_slice(&self.jail_seconds.to_be_bytes());
        raw.extend_from_slice(&self.reward_per_height.to_be_bytes());
        put_short_bytes(&mut raw, self.reward_denom.as_deref().unwrap_or_default().as_bytes())?;
        storage.set(&key(prefix::MORE_SETTINGS, &[id.as_bytes()]), &raw);
        self.hot.save(storage, id);
        Ok(())
    }
}

/// Takes the next number for a new consumer.
pub(crate) fn next_number(storage: &mut dyn Storage) -> Result<Number, FinalityError> {
    let number = match storage.get(&[prefix::CONSUMERS]) {
        Some(raw) => Unpack::new("number of consumers", &raw).u16()?,
        None => 0,
    };
    let next = number.checked_add(1).ok_or(FinalityError::Overflow("number of consumers"))?;
    storage.set(&[prefix::CONSUMERS], &next.to_be_bytes());
    Ok(Number(number))
}

fn flags_key(number: Number) -> Vec<u8> {
    key(prefix::FLAGS, &[&number.bytes()])
}

const PAYS_REWARDS: u8 = 1;
const ORDERED: u8 = 2;

/// What a change of power has to do at a consumer. Not stored if it is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    /// Whether rewards are paid. Fixed at registration: stakers are only recorded if so.
    pub(crate) pays_rewards: bool,
    /// Whether the ranking is kept in order: it is if there may be more providers than seats in the active set.
    /// Otherwise all have a seat, and a change of power moves nobody.
    pub(crate) ordered: bool,
}

impl Flags {
    pub(crate) fn load(storage: &dyn Storage, number: Number) -> Result<Self, CorruptState> {
        let flags = store::read(storage, &flags_key(number));
        let flags = flags.map_or(Ok(0), |raw| Unpack::new("flags", &raw).u8())?;
        Ok(Self { pays_rewards: flags & PAYS_REWARDS != 0, ordered: flags & ORDERED != 0 })
    }

    pub(crate) fn save(self, storage: &mut dyn Storage, number: Number) {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        match flag(self.pays_rewards, PAYS_REWARDS) | flag(self.ordered, ORDERED) {
            0 => storage.remove(&flags_key(number)),
            flags => storage.set(&flags_key(number), &[flags]),
        }
    }
}

/// Consumers in order of id after `after`.
pub(crate) fn page(
    storage: &dyn Storage,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Settings)>, CorruptState> {
    let records = store::page(storage, &[prefix::SETTINGS], after.map(str::as_bytes), limit);
    let parsed = records.map(|(id, raw)| {
        let id = String::from_utf8(id).map_err(|_| CorruptState("consumer id"))?;
        let settings = Settings::complete(storage, &id, Hot::unpack(&raw)?)?;
        Ok((id, settings))
    });
    parsed.collect()
}

/// Id of a consumer by number: a walk over all, for queries only.
pub(crate) fn id_of(storage: &dyn Storage, number: Number) -> Result<Option<String>, CorruptState> {
    let all = page(storage, None, usize::from(u16::MAX))?;
    Ok(all.into_iter().find(|(_, settings)| settings.number() == number).map(|(id, _)| id))
}

/// How far the heights of a consumer have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursors {
    /// Lowest height that is not final.
    pub(crate) next_height: u64,
    /// Lowest height that is not settled.
    pub(crate) next_settlement: u64,
    /// Newest power snapshot; 0 = none yet.
    pub(crate) version: u32,
    /// Snapshot of `next_height`; 0 = to be taken at the next attempt.
    pub(crate) pinned: u32,
}

impl Cursors {
    pub(crate) fn load(storage: &dyn Storage, number: Number) -> Result<Self, CorruptState> {
        let raw = store::read(storage, &key(prefix::CURSORS, &[&number.bytes()]));
        let raw = raw.ok_or(CorruptState("cursors"))?;
        let mut f = Unpack::new("cursors", &raw);
        let cursors = Self {
            next_height: f.number()?,
            next_settlement: f.number()?,
            version: f.u32()?,
            pinned: f.u32()?,
        };
        f.end()?;
        Ok(cursors)
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number) {
        let mut raw = Vec::with_capacity(24);
        put_number(&mut raw, self.next_height);
        put_number(&mut raw, self.next_settlement);
        raw.extend_from_slice(&self.version.to_be_bytes());
        raw.extend_from_slice(&self.pinned.to_be_bytes());
        storage.set(&key(prefix::CURSORS, &[&number.bytes()]), &raw);
    }
}

/// A final height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Final {
    pub(crate) app_hash: [u8; 32],
    pub(crate) power: u64,
    pub(crate) total: u64,
    pub(crate) version: u32,
}

fn final_key(number: Number, height: u64) -> Vec<u8> {
    key(prefix::FINAL, &[&number.bytes(), &height.to_be_bytes()])
}

impl Final {
    pub(crate) fn load(
        storage: &dyn Storage,
        number: Number,
        height: u64,
    ) -> Result<Option<Self>, CorruptState> {
        store::read(storage, &final_key(number, height)).map(|raw| Self::unpack(&raw)).transpose()
    }

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("final height", raw);
        Ok(Self { app_hash: f.array()?, power: f.u64()?, total: f.u64()?, version: f.u32()? })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number, height: u64) {
        let mut raw = self.app_hash.to_vec();
        raw.extend_from_slice(&self.power.to_be_bytes());
        raw.extend_from_slice(&self.total.to_be_bytes());
        raw.extend_from_slice(&self.version.to_be_bytes());
        storage.set(&final_key(number, height), &raw);
    }

    /// Final heights in order.
    pub(crate) fn page(
        storage: &dyn Storage,
        number: Number,
        after: Option<u64>,
        limit: usize,
        descending: bool,
    ) -> Result<Vec<(u64, Self)>, CorruptState> {
        let prefix = key(prefix::FINAL, &[&number.bytes()]);
        let after = after.map(u64::to_be_bytes);
        let after = after.as_ref().map(|a| &a[..]);
        let parse = |(key, raw): (Vec<u8>, Vec<u8>)| {
            Ok((Unpack::new("final height", &key).u64()?, Self::unpack(&raw)?))
        };
        if descending {
            store::page_down(storage, &prefix, after, limit).map(parse).collect()
        } else {
            store::page(storage, &prefix, after, limit).map(parse).collect()
        }
    }
}
