//! Difficulty: compact bits, targets, work of one header, and the 2016-block retarget formula. Which bits a
//! header must carry is decided in [`super::context`], not here.

use core::fmt;

use super::rules::ChainRules;
use super::u256::U256;

/// Compact difficulty as it stands in a header (`nBits`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bits(u32);

impl Bits {
    /// Wraps the number of the header field.
    #[must_use]
    pub const fn from_u32(bits: u32) -> Self {
        Self(bits)
    }

    /// The number of the header field.
    #[must_use]
    pub const fn to_u32(self) -> u32 {
        self.0
    }

    /// Expands to the target that a block hash must not exceed.
    ///
    /// # Errors
    /// Refuses negative, zero and more than 256-bit targets.
    pub const fn target(self) -> Result<U256, BitsError> {
        let (exponent, mantissa) = (self.0 >> 24, self.0 & 0x007f_ffff);
        if mantissa == 0 {
            return Err(BitsError::Zero(self.0));
        }
        if self.0 & 0x0080_0000 != 0 {
            return Err(BitsError::Negative(self.0));
        }
        let value = U256::new(0, mantissa as u128);
        let target = if exponent <= 3 {
            value.shift_right(3_u32.saturating_sub(exponent).saturating_mul(8))
        } else {
            let shift = exponent.saturating_sub(3).saturating_mul(8);
            if value.bit_length().saturating_add(shift) > 256 {
                return Err(BitsError::Overflow(self.0));
            }
            value.shift_left(shift)
        };
        if target.is_zero() { Err(BitsError::Zero(self.0)) } else { Ok(target) }
    }

    /// Rounds a target down to its compact form.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // the mantissa is masked to 24 bits
    pub const fn from_target(target: U256) -> Self {
        let mut size = target.bit_length().div_ceil(8);
        let mut mantissa = if size <= 3 {
            (target.low_u64() as u32) << 3_u32.saturating_sub(size).saturating_mul(8)
        } else {
            target.shift_right(size.saturating_sub(3).saturating_mul(8)).low_u64() as u32
        };
        if mantissa & 0x0080_0000 != 0 {
            mantissa >>= 8;
            size = size.saturating_add(1);
        }
        Self((size << 24) | mantissa)
    }

    /// Expected number of hashes for one header of this difficulty: 2^256 / (target + 1).
    ///
    /// # Errors
    /// As [`Self::target`].
    pub fn work(self) -> Result<U256, BitsError> {
        Ok(work_of_target(self.target()?))
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// Why compact bits are not a target. Carries the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BitsError {
    /// Sign bit set.
    Negative(u32),
    /// Target zero.
    Zero(u32),
    /// Target wider than 256 bits.
    Overflow(u32),
}

impl fmt::Display for BitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative(bits) => write!(f, "bits {bits:#010x} are a negative target"),
            Self::Zero(bits) => write!(f, "bits {bits:#010x} are a zero target"),
            Self::Overflow(bits) => write!(f, "bits {bits:#010x} exceed 256 bits"),
        }
    }
}

impl core::error::Error for BitsError {}

/// 2^256 / (target + 1), written as ~target / (target + 1) + 1 to stay within 256 bits.
fn work_of_target(target: U256) -> U256 {
    let work = target.checked_add(U256::ONE).and_then(|divisor| target.complement().checked_div(divisor));
    work.and_then(|w| w.checked_add(U256::ONE)).unwrap_or(U256::ONE)
}

/// Bits of the next period from the bits of this one and the seconds that it took.
///
/// # Errors
/// Refuses bits that are no target.
pub fn retarget(rules: &ChainRules, bits: Bits, first_time: u32, last_time: u32) -> Result<Bits, BitsError> {
    let (least, most) = rules.timespan_bounds();
    let took = u64::from(last_time.saturating_sub(first_time)).clamp(least, most);
    let target = bits.target()?.mul_div(took, rules.target_timespan()).unwrap_or(U256::MAX);
    Ok(Bits::from_target(target.min(rules.pow_limit())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn work_of_known_difficulties() {
        assert_eq!(Bits::from_u32(0x207f_ffff).work().unwrap().to_string(), "2");
        assert_eq!(Bits::from_u32(0x1d00_ffff).work().unwrap().to_string(), "4295032833");
        assert_eq!(Bits::from_u32(0x1e03_77ae).work().unwrap().to_string(), "4838420");
    }

    #[test]
    fn spoiled_bits_are_refused_by_reason() {
        assert_eq!(Bits::from_u32(0x1d00_0000).target(), Err(BitsError::Zero(0x1d00_0000)));
        assert_eq!(Bits::from_u32(0x1d80_ffff).target(), Err(BitsError::Negative(0x1d80_ffff)));
        assert!(Bits::from_u32(0x2100_ffff).target().is_ok());
        assert_eq!(Bits::from_u32(0x2200_ffff).target(), Err(BitsError::Overflow(0x2200_ffff)));
        assert_eq!(Bits::from_u32(0x0100_00ff).target(), Err(BitsError::Zero(0x0100_00ff)));
        assert_eq!(Bits::from_u32(0xff00_0001).target(), Err(BitsError::Overflow(0xff00_0001)));
    }

    #[test]
    fn compact_form_round_trips() {
        for bits in [0x1d00_ffff_u32, 0x1b04_04cb, 0x1703_1abe, 0x207f_ffff, 0x0312_3456, 0x0200_8000] {
            let target = Bits::from_u32(bits).target().unwrap();
            assert_eq!(Bits::from_target(target), Bits::from_u32(bits));
        }
    }

    #[test]
    fn real_retargets_are_reproduced() {
        let main = ChainRules::MAINNET;
        let next = retarget(&main, Bits::from_u32(0x1704_ed7f), 1_695_114_421, 1_696_319_769).unwrap();
        assert_eq!(next, Bits::from_u32(0x1704_e90f));
        let signet = ChainRules::SIGNET;
        let next = retarget(&signet, Bits::from_u32(0x1e03_77ae), 1_598_918_400, 1_599_332_177).unwrap();
        assert_eq!(next, Bits::from_u32(0x1e01_2fa7));
    }

    #[test]
    fn a_period_that_went_backwards_counts_as_the_shortest() {
        let main = ChainRules::MAINNET;
        let bits = Bits::from_u32(0x1b04_04cb);
        let quarter = retarget(&main, bits, 2_000_000, 1_000_000).unwrap();
        assert_eq!(quarter, retarget(&main, bits, 0, 302_400).unwrap());
    }
}
