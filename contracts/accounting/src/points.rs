//! Rewards by points per staked unit (mesh-security.md §6.4).
//!
//! `10^9` points are one unit of reward. What arrives while nobody is staked waits for the first staker
//! (probe T6), so Σ of what is due never exceeds what arrived.

use crate::math::mul_div_floor;

/// Points of one unit of reward.
pub const POINTS: u128 = 1_000_000_000;

/// Rewards of the stakers of one validator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Points {
    /// Points that one unit staked since the beginning has earned.
    pub per_stake: u128,
    /// Points not yet given to anybody.
    pub leftover: u128,
}

impl Points {
    /// Adds `reward` for `total_stake` units staked.
    pub fn distribute(&mut self, reward: u128, total_stake: u128) {
        let points = reward.saturating_mul(POINTS).saturating_add(self.leftover);
        if total_stake == 0 {
            self.leftover = points;
            return;
        }
        match self.per_stake.checked_add(points / total_stake) {
            Some(sum) => {
                self.per_stake = sum;
                self.leftover = points % total_stake;
            }
            None => self.leftover = points,
        }
    }
}

/// Rewards of one staker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// `per_stake` up to which points have been credited.
    pub seen: u128,
    /// Points credited.
    pub points: u128,
    /// Units of reward paid out or on their way.
    pub withdrawn: u128,
}

impl Earned {
    /// Credits a stake that did not change since the last call.
    pub fn accrue(&mut self, per_stake: u128, stake: u128) {
        let gained = mul_div_floor(per_stake.saturating_sub(self.seen), stake, 1).unwrap_or(u128::MAX);
        self.points = self.points.saturating_add(gained);
        self.seen = per_stake.max(self.seen);
    }

    /// Units of reward due.
    pub fn due(&self) -> u128 {
        (self.points / POINTS).saturating_sub(self.withdrawn)
    }

    /// Takes everything due; returns it.
    pub fn take(&mut self) -> u128 {
        let due = self.due();
        self.withdrawn = self.withdrawn.saturating_add(due);
        due
    }

    /// Gives a failed payment back.
    pub fn give_back(&mut self, amount: u128) {
        self.withdrawn = self.withdrawn.saturating_sub(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T5: what was asked for is reserved; a second request before the answer finds nothing.
    #[test]
    fn rewards_are_reserved_while_a_payment_is_pending() {
        let (mut p, mut e) = (Points::default(), Earned::default());
        p.distribute(50, 100);
        e.accrue(p.per_stake, 100);
        assert_eq!((e.take(), e.take()), (50, 0));
        e.give_back(50);
        assert_eq!(e.due(), 50);
    }

    /// T6: a reward without stakers waits.
    #[test]
    fn rewards_without_stake_wait_for_the_first_staker() {
        let (mut p, mut e) = (Points::default(), Earned::default());
        p.distribute(7, 0);
        e.accrue(p.per_stake, 10);
        p.distribute(3, 10);
        e.accrue(p.per_stake, 10);
        assert_eq!(e.due(), 10);
    }
}
