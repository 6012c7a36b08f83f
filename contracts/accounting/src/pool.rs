//! Stakes of one validator on the provider side: ranges, rewards and slashes, settled lazily (§6.2–6.5).
//!
//! A slash is one record in the validator's log, whatever the number of stakers. A position catches up with the
//! log when it is next touched; until then its owner can do nothing with it, so nothing escapes. Unbonding stake
//! is hit at the nominal ratio when its unbonding began after the infraction.

use crate::math::{mul_div_ceil, mul_div_floor};
use crate::points::{Earned, Points};
use crate::range::OutOfBounds;
use crate::{Ratio, ValueRange};
use alloc::vec::Vec;

/// Sums over the stakers of one validator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Σ of the stakes; an upper bound by less than a unit per staker and slash.
    pub total: ValueRange,
    /// Rewards.
    pub points: Points,
    /// Number of slashes recorded.
    pub slashes: u32,
}

/// One slash of a validator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slash {
    /// Stake taken, of `of`.
    pub cut: u128,
    /// Σ of the stakes it was taken from; 0 when only unbonding stake is hit.
    pub of: u128,
    /// Reward points per stake at that moment.
    pub per_stake: u128,
    /// Time of the infraction, seconds.
    pub infraction: u64,
    /// Time of the record, seconds.
    pub at: u64,
    /// Nominal ratio, for unbonding stake.
    pub ratio: Ratio,
}

/// Stake that is leaving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unbond {
    /// How much.
    pub amount: u128,
    /// When it began, seconds.
    pub started: u64,
    /// When it may be withdrawn, seconds.
    pub release_at: u64,
}

/// Stake of one user with one validator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Stake at work.
    pub stake: ValueRange,
    /// Rewards.
    pub earned: Earned,
    /// Slashes applied so far.
    pub seen: u32,
    /// Stake that is leaving.
    pub unbonds: Vec<Unbond>,
}

impl Pool {
    /// Records a slash of `amount`, at most `max` of the stake. The caller stores the record under
    /// the number `self.slashes` had before.
    pub fn slash(&mut self, amount: u128, max: Ratio, ratio: Ratio, infraction: u64, at: u64) -> Slash {
        let cut = amount.min(max.ceil(self.total.high)).min(self.total.high);
        let record = Slash {
            cut,
            of: self.total.high,
            per_stake: self.points.per_stake,
            infraction,
            at,
            ratio: ratio.min(max),
        };
        let low_cut = mul_div_floor(self.total.low, cut, record.of).unwrap_or(0);
        self.total.low = self.total.low.saturating_sub(low_cut);
        self.total.high = self.total.high.saturating_sub(cut).max(self.total.low);
        self.slashes = self.slashes.saturating_add(1);
        record
    }

    fn lower(&mut self, low: u128, high: u128) {
        self.total.low = self.total.low.saturating_sub(low);
        self.total.high = self.total.high.saturating_sub(high).max(self.total.low);
    }
}

impl Slash {
    /// What a stake of `x` loses, rounded up.
    pub fn part(&self, x: u128) -> u128 {
        mul_div_ceil(x, self.cut, self.of).unwrap_or(0).min(x)
    }

    fn hits(&self, u: &Unbond) -> bool {
        u.started > self.infraction && u.release_at > self.at
    }
}

impl Position {
    /// A position opened when the log had `slashes` records.
    pub fn opened(pool: &Pool) -> Self {
        Self {
            seen: pool.slashes,
            earned: Earned { seen: pool.points.per_stake, ..Earned::default() },
            ..Self::default()
        }
    }

    /// Whether every recorded slash has been applied.
    pub fn is_settled(&self, pool: &Pool) -> bool {
        self.seen >= pool.slashes
    }

    /// Applies the next slash of the log; returns what the owner loses in all.
    pub fn apply(&mut self, slash: &Slash) -> u128 {
        self.earned.accrue(slash.per_stake, self.stake.low);
        self.seen = self.seen.saturating_add(1);
        let (low, high) = (slash.part(self.stake.low), slash.part(self.stake.high));
        self.stake.low -= low;
        self.stake.high -= high;
        let mut lost = high;
        for u in self.unbonds.iter_mut().filter(|u| slash.hits(u)) {
            let cut = slash.ratio.floor(u.amount).min(u.amount);
            u.amount -= cut;
            lost = lost.saturating_add(cut);
        }
        lost
    }

    /// Credits rewards up to now. Call it on a settled position before its stake changes.
    pub fn accrue(&mut self, pool: &Pool) {
        self.earned.accrue(pool.points.per_stake, self.stake.low);
    }

    /// A stake of `x` starts its way to the consumer.
    pub fn stake(&mut self, pool: &mut Pool, x: u128) {
        self.stake.high = self.stake.high.saturating_add(x);
        pool.total.high = pool.total.high.saturating_add(x);
    }

    /// The consumer has the stake of `x`; returns the part cut meanwhile, to be burned there.
    pub fn staked(&mut self, pool: &mut Pool, x: u128) -> u128 {
        self.accrue(pool);
        let excess = self.stake.commit_add(x);
        pool.total.low = pool.total.low.saturating_add(x - excess);
        pool.total.high = pool.total.high.max(pool.total.low);
        excess
    }

    /// The consumer does not have it.
    pub fn not_staked(&mut self, pool: &mut Pool, x: u128) {
        let excess = self.stake.rollback_add(x);
        pool.lower(0, x - excess);
    }

    /// An unstake of `x` starts its way to the consumer.
    ///
    /// # Errors
    /// When less than `x` is certainly staked.
    pub fn unstake(&mut self, pool: &mut Pool, x: u128) -> Result<(), OutOfBounds> {
        self.accrue(pool);
        self.stake.prepare_sub(x)?;
        pool.lower(x, 0);
        Ok(())
    }

    /// The consumer has unstaked `x`; what is left of it waits from now on.
    pub fn unstaked(&mut self, pool: &mut Pool, x: u128, now: u64, period: u64) {
        let taken = x - self.stake.commit_sub(x);
        pool.lower(0, taken);
        self.push_unbond(Unbond { amount: taken, started: now, release_at: now.saturating_add(period) });
    }

    /// The consumer has not; returns the part cut meanwhile, to be burned there.
    pub fn not_unstaked(&mut self, pool: &mut Pool, x: u128) -> u128 {
        self.accrue(pool);
        let excess = self.stake.rollback_sub(x);
        pool.total.low = pool.total.low.saturating_add(x - excess);
        pool.total.high = pool.total.high.max(pool.total.low);
        excess
    }

    /// The consumer gave up to `x` back by itself; it is free at once. Returns how much.
    pub fn given_back(&mut self, pool: &mut Pool, x: u128, now: u64) -> u128 {
        self.accrue(pool);
        let taken = x.min(self.stake.low);
        self.stake.low -= taken;
        self.stake.high -= taken;
        pool.lower(taken, taken);
        self.push_unbond(Unbond { amount: taken, started: now, release_at: now });
        taken
    }

    /// Burns up to `x` because the collateral is gone: first what is certainly staked, then what is in flight,
    /// then what is leaving (T4, T10).
    pub fn burn(&mut self, pool: &mut Pool, x: u128) -> Burned {
        self.accrue(pool);
        let staked = x.min(self.stake.low);
        let high = x.min(self.stake.high);
        self.stake.low -= staked;
        self.stake.high -= high;
        pool.lower(staked, high);
        let mut left = x - high;
        for u in self.unbonds.iter_mut().rev() {
            let part = left.min(u.amount);
            u.amount -= part;
            left -= part;
        }
        self.unbonds.retain(|u| u.amount > 0);
        Burned { on_consumer: staked, total: x - left }
    }

    /// Takes what has matured out; returns how much.
    pub fn withdraw(&mut self, now: u64) -> u128 {
        let matured = |u: &Unbond| u.release_at <= now;
        let sum = self.unbonds.iter().filter(|u| matured(u)).fold(0u128, |a, u| a.saturating_add(u.amount));
        self.unbonds.retain(|u| !matured(u));
        sum
    }

    /// Everything the lien stands for: stake at its upper bound, and what is leaving.
    pub fn held(&self) -> u128 {
        self.unbonds.iter().fold(self.stake.high, |a, u| a.saturating_add(u.amount))
    }

    fn push_unbond(&mut self, u: Unbond) {
        if u.amount == 0 {
            return;
        }
        match self.unbonds.iter_mut().find(|o| o.started == u.started && o.release_at == u.release_at) {
            Some(old) => old.amount = old.amount.saturating_add(u.amount),
            None => self.unbonds.push(u),
        }
    }
}

/// What a burn took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burned {
    /// Part to be burned on the consumer by a packet.
    pub on_consumer: u128,
    /// In all.
    pub total: u128,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staked(amounts: &[u128]) -> (Pool, Vec<Position>) {
        let mut pool = Pool::default();
        let positions = amounts.iter().map(|a| {
            let mut p = Position::opened(&pool);
            p.stake(&mut pool, *a);
            assert_eq!(p.staked(&mut pool, *a), 0);
            p
        });
        let positions = positions.collect();
        (pool, positions)
    }

    /// T6: a validator whose stake is all unbonding can be slashed.
    #[test]
    fn unbonding_stake_alone_is_slashed_at_the_nominal_ratio() {
        let (mut pool, mut ps) = staked(&[100]);
        ps[0].unstake(&mut pool, 100).unwrap();
        ps[0].unstaked(&mut pool, 100, 50, 100);
        let slash = pool.slash(10, Ratio::percent(10), Ratio::percent(10), 40, 60);
        assert_eq!(ps[0].apply(&slash), 10);
        assert_eq!(ps[0].held(), 90);
    }

    /// 14-A14: unbonding that began before the infraction is not hit.
    #[test]
    fn earlier_unbonding_is_spared() {
        let (mut pool, mut ps) = staked(&[100]);
        ps[0].unstake(&mut pool, 100).unwrap();
        ps[0].unstaked(&mut pool, 100, 50, 100);
        let slash = pool.slash(10, Ratio::percent(10), Ratio::percent(10), 55, 60);
        assert_eq!(ps[0].apply(&slash), 0);
    }

    /// T7: no slash takes more than was agreed.
    #[test]
    fn a_slash_is_limited_to_the_agreed_ratio() {
        let (mut pool, mut ps) = staked(&[100]);
        let slash = pool.slash(60, Ratio::percent(10), Ratio::percent(60), 0, 1);
        assert_eq!(ps[0].apply(&slash), 10);
    }

    /// T10: stake that is leaving can be burned.
    #[test]
    fn a_burn_reaches_what_is_leaving() {
        let (mut pool, mut ps) = staked(&[100]);
        ps[0].unstake(&mut pool, 90).unwrap();
        ps[0].unstaked(&mut pool, 90, 50, 100);
        assert_eq!(ps[0].burn(&mut pool, 40), Burned { on_consumer: 10, total: 40 });
        assert_eq!((ps[0].stake, ps[0].held()), (ValueRange::exact(0), 60));
    }

    /// T4: a burn of stake in flight waits for the answer; either answer ends in the same sum.
    #[test]
    fn a_burn_of_stake_in_flight_is_sent_when_it_has_arrived() {
        let (mut pool, mut ps) = staked(&[0]);
        ps[0].stake(&mut pool, 200);
        assert_eq!(ps[0].burn(&mut pool, 20), Burned { on_consumer: 0, total: 20 });
        let mut lost = ps[0].clone();
        assert_eq!(ps[0].staked(&mut pool.clone(), 200), 20);
        assert_eq!(ps[0].stake, ValueRange::exact(180));
        lost.not_staked(&mut pool, 200);
        assert_eq!((lost.stake, pool.total), (ValueRange::exact(0), ValueRange::exact(0)));
    }

    /// T8: an unstake in flight does not make rewards negative.
    #[test]
    fn rewards_survive_an_unstake_in_flight() {
        let (mut pool, mut ps) = staked(&[100]);
        pool.points.distribute(30, pool.total.low);
        ps[0].accrue(&pool);
        assert_eq!(ps[0].earned.take(), 30);
        ps[0].unstake(&mut pool, 100).unwrap();
        assert_eq!(ps[0].earned.due(), 0);
    }
}
