//! Liens on one user's collateral and what they add up to (mesh-security.md §4.3, §16.3).
//!
//! Totals are always recomputed from the few liens of a user, never kept incrementally (probe T1), and the
//! promised part of each lien rounds up.

use crate::{Ratio, ValueRange};

/// A claim of one holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lien {
    /// How much is claimed.
    pub amount: ValueRange,
    /// Share of it that one fault may cost.
    pub ratio: Ratio,
    /// Whether the holder agreed to share slash capacity with the user's other sharers.
    pub shared: bool,
}

impl Lien {
    /// What the holder may slash, per bound, rounded up.
    pub fn slashable(&self) -> ValueRange {
        ValueRange { low: self.ratio.ceil(self.amount.low), high: self.ratio.ceil(self.amount.high) }
    }
}

/// What the liens of one user add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Largest lien.
    pub max_lien: ValueRange,
    /// Everything promised: Σ of the liens' slashable parts; sharers count once, with their largest.
    pub slashable: ValueRange,
}

impl Totals {
    /// Adds up.
    pub fn of<'a>(liens: impl IntoIterator<Item = &'a Lien>) -> Self {
        let (mut totals, mut shared) = (Self::default(), ValueRange::default());
        for lien in liens {
            totals.max_lien = totals.max_lien.max(lien.amount);
            if lien.shared {
                shared = shared.max(lien.slashable());
            } else {
                totals.slashable = totals.slashable.sum(lien.slashable());
            }
        }
        totals.slashable = totals.slashable.sum(shared);
        totals
    }

    /// Whether collateral `c` and slash capacity `s` cover the liens.
    pub fn fits(&self, c: u128, s: u128) -> bool {
        self.max_lien.high <= c && self.slashable.high <= s
    }

    /// Promised part in units of collateral: × c ÷ s, rounded up. Equal to `slashable` where s = c.
    pub fn slashable_in_collateral(&self, c: u128, s: u128) -> ValueRange {
        let scale = |x: u128| {
            if c == s || x == 0 { x } else { crate::math::mul_div_ceil(x, c, s).unwrap_or(u128::MAX) }
        };
        ValueRange { low: scale(self.slashable.low), high: scale(self.slashable.high) }
    }

    /// Collateral that no lien needs, as a range.
    pub fn free(&self, c: u128, s: u128) -> ValueRange {
        let used = self.max_lien.max(self.slashable_in_collateral(c, s));
        ValueRange { low: c.saturating_sub(used.high), high: c.saturating_sub(used.low) }
    }
}
