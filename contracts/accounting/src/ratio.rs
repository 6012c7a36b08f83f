//! Non-negative ratios with 18 digits, as cosmwasm's `Decimal` has them.

use crate::math::{mul_div_ceil, mul_div_floor};

/// A ratio in atomics: value × 10^18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(pub u128);

impl Ratio {
    /// Atomics of one.
    pub const SCALE: u128 = 1_000_000_000_000_000_000;
    /// One.
    pub const ONE: Self = Self(Self::SCALE);
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// `n` per cent.
    pub const fn percent(n: u64) -> Self {
        Self(n as u128 * (Self::SCALE / 100))
    }

    /// `part ÷ whole` rounded down; zero when `whole` is zero.
    pub fn of(part: u128, whole: u128) -> Self {
        Self(mul_div_floor(part, Self::SCALE, whole).unwrap_or(if whole == 0 { 0 } else { u128::MAX }))
    }

    /// `floor(x × self)`, the largest amount when it does not fit.
    pub fn floor(self, x: u128) -> u128 {
        mul_div_floor(x, self.0, Self::SCALE).unwrap_or(u128::MAX)
    }

    /// `ceil(x × self)`, the largest amount when it does not fit.
    pub fn ceil(self, x: u128) -> u128 {
        mul_div_ceil(x, self.0, Self::SCALE).unwrap_or(u128::MAX)
    }

    /// Largest `x` with `ceil(x × self) ≤ bound`; unbounded for zero.
    pub fn inverse_floor(self, bound: u128) -> u128 {
        if self.0 == 0 { u128::MAX } else { mul_div_floor(bound, Self::SCALE, self.0).unwrap_or(u128::MAX) }
    }

    /// Smallest `x` with `floor(x × self) ≥ amount`, rounded up; `None` for zero or when it does not fit.
    pub fn inverse_ceil(self, amount: u128) -> Option<u128> {
        mul_div_ceil(amount, Self::SCALE, self.0)
    }

    /// Product of two ratios, rounded down.
    pub fn times(self, other: Self) -> Self {
        Self(self.floor(other.0))
    }

    /// `1 − self`, zero when above one.
    pub fn complement(self) -> Self {
        Self(Self::SCALE.saturating_sub(self.0))
    }
}
