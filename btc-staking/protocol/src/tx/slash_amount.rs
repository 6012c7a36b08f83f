//! How much a slashing transaction takes.
//!
//! Babylon computes `trunc(value · rate + 0.5)` in IEEE-754 doubles, which is not decimal rounding: at rate 0.29 a
//! value of 50 gives 14, not 15. Contracts may not contain float instructions and consensus must not depend on
//! them, so the three roundings are carried out on integers here. [`SlashRounding::ExactHalfUp`] is the variant for
//! chains of our own.

use super::raw::{MAX_MONEY, Sat};
use core::fmt;

/// Denominator of a rate: four decimals.
const SCALE: u128 = 10_000;
/// Bits of a double's significand.
const SIGNIFICAND_BITS: u32 = 53;

/// How the slashed amount is rounded; part of a parameter version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum SlashRounding {
    /// The result of Babylon's computation in double precision.
    #[default]
    Double,
    /// The exact product, halves rounded up.
    ExactHalfUp,
}

/// Share of a stake that is slashed: strictly between 0 and 1, with at most four decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlashingRate(u16);

/// The text is not a slashing rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateError {
    /// Not a decimal number.
    NotANumber,
    /// Not strictly between 0 and 1.
    OutOfRange,
    /// More than four decimals that are not zero.
    TooPrecise,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "rate is not a decimal number",
            Self::OutOfRange => "rate is not strictly between 0 and 1",
            Self::TooPrecise => "rate has more than four decimals",
        })
    }
}

impl core::error::Error for RateError {}

impl SlashingRate {
    /// Makes a rate of `n` ten-thousandths.
    ///
    /// # Errors
    /// [`RateError::OutOfRange`] unless 0 < n < 10 000.
    pub fn from_ten_thousandths(n: u16) -> Result<Self, RateError> {
        if (1..SCALE).contains(&u128::from(n)) { Ok(Self(n)) } else { Err(RateError::OutOfRange) }
    }

    /// Reads a decimal such as `0.1` or `0.100000000000000000`.
    ///
    /// # Errors
    /// See [`RateError`].
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let scaled = crate::params::Decimal::parse(text).map_err(|_| RateError::NotANumber)?;
        if scaled.is_negative() || scaled.is_zero() || scaled >= crate::params::Decimal::ONE {
            return Err(RateError::OutOfRange);
        }
        scaled.to_ten_thousandths().map(Self).ok_or(RateError::TooPrecise)
    }

    /// Returns the rate in ten-thousandths.
    #[must_use]
    pub fn ten_thousandths(self) -> u16 {
        self.0
    }

    /// Computes the part of `value` that is slashed.
    ///
    /// Returns `None` if the value is not an amount of money.
    #[must_use]
    pub fn slash(self, value: Sat, rounding: SlashRounding) -> Option<Sat> {
        if !value.is_money() {
            return None;
        }
        Some(Sat(match rounding {
            SlashRounding::Double => self.slash_double(value.0),
            SlashRounding::ExactHalfUp => self.slash_exact(value.0),
        }))
    }

    fn slash_exact(self, value: u64) -> u64 {
        let product = u128::from(value).saturating_mul(u128::from(self.0));
        let rounded = product.saturating_add(SCALE / 2) / SCALE;
        u64::try_from(rounded).unwrap_or(MAX_MONEY)
    }

    /// Follows the double computation step by step.
    fn slash_double(self, value: u64) -> u64 {
        // A value of money has at most 51 bits: its conversion to a double is exact.
        let rate = self.to_double();
        let product = rate.times(value);
        product.plus_half().floor()
    }

    /// The double nearest to the decimal rate.
    fn to_double(self) -> Double {
        // Widened so far that the quotient has more than 53 bits; the remainder is kept as a sticky bit.
        let numerator = u128::from(self.0) << 80;
        let quotient = numerator / SCALE;
        let sticky = u128::from(!numerator.is_multiple_of(SCALE));
        Double::round((quotient << 1) | sticky, 81)
    }
}

impl fmt::Display for SlashingRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0.{:04}", self.0)
    }
}

/// A non-negative double below 2^53: `significand / 2^shift`, significand of at most 53 bits.
#[derive(Clone, Copy)]
struct Double {
    significand: u128,
    shift: u32,
}

impl Double {
    /// Rounds `n / 2^shift` to 53 bits, ties to even.
    fn round(n: u128, shift: u32) -> Self {
        let bits = u128::BITS.saturating_sub(n.leading_zeros());
        let drop = bits.saturating_sub(SIGNIFICAND_BITS);
        if drop == 0 {
            return Self { significand: n, shift };
        }
        let kept = n >> drop;
        let rest = n & low_mask(drop);
        let half = 1u128 << drop.saturating_sub(1);
        let up = rest > half || (rest == half && kept & 1 == 1);
        // A carry to 2^53 is still exact: it is a power of two.
        Self { significand: kept.saturating_add(u128::from(up)), shift: shift.saturating_sub(drop) }
    }

    fn times(self, value: u64) -> Self {
        // At most 53 + 51 bits.
        Self::round(self.significand.saturating_mul(u128::from(value)), self.shift)
    }

    fn plus_half(self) -> Self {
        match self.shift {
            // An integer and a half below 2^53 does not occur: products below 2^51 keep fraction bits, or are zero.
            0 => self,
            shift => Self::round(self.significand.saturating_add(1u128 << shift.saturating_sub(1)), shift),
        }
    }

    fn floor(self) -> u64 {
        u64::try_from(self.significand >> self.shift).unwrap_or(MAX_MONEY)
    }
}

fn low_mask(bits: u32) -> u128 {
    (1u128 << bits).saturating_sub(1)
}
