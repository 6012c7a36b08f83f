//! Liveness and rewards (F1, per satoshi).
//!
//! Each settled height raises one accumulator of the consumer by `pot / sat of those who voted`. A provider
//! that did not vote notes the rise as excluded. So what one satoshi with a provider earned is
//! `accumulator − excluded`, exact by height, and no provider's record is written for a height it voted on.
//! Who leaves the active set has its value frozen; who enters goes on from it. Scale: 10^18.

use contract_host::pack::{CorruptState, Unpack};
use contract_host::store;
use cosmwasm_std::{Storage, Uint128, Uint256};

use super::consumer::Number;
use super::{key, prefix};
use crate::error::FinalityError;

/// Scale of values per satoshi.
pub(crate) const SCALE: u128 = 1_000_000_000_000_000_000;

/// A provider of the active set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) slot: u16,
    /// Heights missed in the window.
    pub(crate) missed: u32,
    /// Part of the accumulator that it did not earn.
    pub(crate) excluded: u128,
}

/// Liveness and rewards of a consumer's active set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settlement {
    /// Rewards per satoshi since the beginning.
    pub(crate) accumulator: u128,
    /// Coins not yet given out.
    pub(crate) pool: u128,
    /// Heights settled in the window.
    pub(crate) window: u32,
    /// In order of slot.
    pub(crate) members: Vec<Member>,
}

impl Settlement {
    pub(crate) fn load(storage: &dyn Storage, number: Number) -> Result<Self, CorruptState> {
        let Some(raw) = store::read(storage, &key(prefix::SETTLEMENT, &[&number.bytes()])) else {
            return Ok(Self::default());
        };
        let mut f = Unpack::new("settlement", &raw);
        let (accumulator, pool, window) = (f.u128()?, f.u128()?, f.u32()?);
        let mut members = Vec::new();
        while !f.is_empty() {
            members.push(Member { slot: f.u16()?, missed: f.u32()?, excluded: f.u128()? });
        }
        Ok(Self { accumulator, pool, window, members })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number) {
        let mut raw = Vec::with_capacity(64);
        raw.extend_from_slice(&self.accumulator.to_be_bytes());
        raw.extend_from_slice(&self.pool.to_be_bytes());
        raw.extend_from_slice(&self.window.to_be_bytes());
        for member in &self.members {
            raw.extend_from_slice(&member.slot.to_be_bytes());
            raw.extend_from_slice(&member.missed.to_be_bytes());
            raw.extend_from_slice(&member.excluded.to_be_bytes());
        }
        storage.set(&key(prefix::SETTLEMENT, &[&number.bytes()]), &raw);
    }

    pub(crate) fn member(&self, slot: u16) -> Option<&Member> {
        self.members.iter().find(|m| m.slot == slot)
    }

    /// What a satoshi with a provider has earned: live for members, frozen for others.
    pub(crate) fn earned(&self, slot: u16, rewards: &ProviderRewards) -> u128 {
        self.member(slot).map_or(rewards.frozen, |m| self.accumulator.saturating_sub(m.excluded))
    }
}

/// Rewards of a provider at a consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProviderRewards {
    /// Earned per satoshi when it left the active set.
    pub(crate) frozen: u128,
    /// Earned per satoshi when this record was brought up to date.
    pub(crate) seen: u128,
    /// Per satoshi for stakers, after commission.
    pub(crate) net: u128,
    /// Commission not yet claimed.
    pub(crate) commission: u128,
}

fn provider_key(number: Number, slot: u16) -> Vec<u8> {
    key(prefix::PROVIDER_REWARDS, &[&number.bytes(), &slot.to_be_bytes()])
}

/// `a · b / c`, rounded down.
pub(crate) fn mul_div(a: u128, b: u128, c: u128) -> Result<u128, FinalityError> {
    let product = Uint256::from(a).full_mul(Uint256::from(b));
    let quotient = product.checked_div(c.into()).map_err(|_| FinalityError::Overflow("reward"))?;
    let quotient = Uint256::try_from(quotient).map_err(|_| FinalityError::Overflow("reward"))?;
    Uint128::try_from(quotient).map(|q| q.u128()).map_err(|_| FinalityError::Overflow("reward"))
}

impl ProviderRewards {
    pub(crate) fn load(storage: &dyn Storage, number: Number, slot: u16) -> Result<Self, CorruptState> {
        let Some(raw) = store::read(storage, &provider_key(number, slot)) else { return Ok(Self::default()) };
        let mut f = Unpack::new("provider rewards", &raw);
        Ok(Self { frozen: f.u128()?, seen: f.u128()?, net: f.u128()?, commission: f.u128()? })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number, slot: u16) {
        let mut raw = Vec::with_capacity(64);
        for part in [self.frozen, self.seen, self.net, self.commission] {
            raw.extend_from_slice(&part.to_be_bytes());
        }
        storage.set(&provider_key(number, slot), &raw);
    }

    /// Takes in what was earned since, with the power and commission that held until now.
    pub(crate) fn catch_up(
        &mut self,
        earned: u128,
        power: u64,
        commission: u128,
    ) -> Result<(), FinalityError> {
        let rise = earned.saturating_sub(self.seen);
        self.seen = earned;
        let kept = mul_div(rise, commission.min(SCALE), SCALE)?;
        let due = mul_div(kept, u128::from(power), SCALE)?;
        self.commission = self.commission.saturating_add(due);
        self.net = self.net.saturating_add(rise.saturating_sub(kept));
        Ok(())
    }
}

/// Rewards of a staker with a provider at a consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StakerRewards {
    /// Satoshi that count.
    pub(crate) sat: u64,
    /// The provider's net value when this record was brought up to date.
    pub(crate) seen: u128,
    /// Coins earned until then.
    pub(crate) owed: u128,
}

fn staker_key(number: Number, slot: u16, staker: &str) -> Vec<u8> {
    key(prefix::STAKER_REWARDS, &[&number.bytes(), &slot.to_be_bytes(), staker.as_bytes()])
}

impl StakerRewards {
    pub(crate) fn load(
        storage: &dyn Storage,
        number: Number,
        slot: u16,
        staker: &str,
    ) -> Result<Self, CorruptState> {
        let Some(raw) = store::read(storage, &staker_key(number, slot, staker)) else {
            return Ok(Self::default());
        };
        let mut f = Unpack::new("staker rewards", &raw);
        Ok(Self { sat: f.u64()?, seen: f.u128()?, owed: f.u128()? })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number, slot: u16, staker: &str) {
        let key = staker_key(number, slot, staker);
        if self.sat == 0 && self.owed == 0 {
            storage.remove(&key);
            return;
        }
        let mut raw = self.sat.to_be_bytes().to_vec();
        raw.extend_from_slice(&self.seen.to_be_bytes());
        raw.extend_from_slice(&self.owed.to_be_bytes());
        storage.set(&key, &raw);
    }

    /// Takes in what was earned since.
    pub(crate) fn catch_up(&mut self, net: u128) -> Result<(), FinalityError> {
        let earned = mul_div(net.saturating_sub(self.seen), u128::from(self.sat), SCALE)?;
        self.seen = net;
        self.owed = self.owed.saturating_add(earned);
        Ok(())
    }
}
