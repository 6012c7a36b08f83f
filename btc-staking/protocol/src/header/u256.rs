//! Unsigned 256-bit integers: only what targets and work need. No general arithmetic, no secrets (nothing here
//! is constant-time).

use core::fmt;

/// Unsigned 256-bit integer of a target or an amount of work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct U256 {
    // Field order makes the derived ordering numeric.
    high: u128,
    low: u128,
}

impl U256 {
    /// Zero.
    pub const ZERO: Self = Self { high: 0, low: 0 };
    /// One.
    pub const ONE: Self = Self { high: 0, low: 1 };
    /// 2^256 − 1.
    pub const MAX: Self = Self { high: u128::MAX, low: u128::MAX };

    /// Joins two halves.
    #[must_use]
    pub const fn new(high: u128, low: u128) -> Self {
        Self { high, low }
    }

    /// Reads 32 big-endian bytes.
    #[must_use]
    pub fn from_be_bytes(bytes: [u8; 32]) -> Self {
        let (high, low) = halves(&bytes);
        Self { high: u128::from_be_bytes(high), low: u128::from_be_bytes(low) }
    }

    /// Reads 32 little-endian bytes, the order in which a block hash is a number.
    #[must_use]
    pub fn from_le_bytes(bytes: [u8; 32]) -> Self {
        let (low, high) = halves(&bytes);
        Self { high: u128::from_le_bytes(high), low: u128::from_le_bytes(low) }
    }

    /// Writes 32 big-endian bytes.
    #[must_use]
    pub fn to_be_bytes(self) -> [u8; 32] {
        let mut out = [0; 32];
        for (to, from) in
            out.iter_mut().zip(self.high.to_be_bytes().into_iter().chain(self.low.to_be_bytes()))
        {
            *to = from;
        }
        out
    }

    /// Adds; `None` on overflow.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let Some(high) = self.high.checked_add(other.high) else { return None };
        let Some(high) = high.checked_add(carry as u128) else { return None };
        Some(Self { high, low })
    }

    /// Subtracts modulo 2^256.
    #[must_use]
    const fn wrapping_sub(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        let high = self.high.wrapping_sub(other.high).wrapping_sub(borrow as u128);
        Self { high, low }
    }

    /// Number of significant bits.
    #[must_use]
    pub const fn bit_length(self) -> u32 {
        if self.high == 0 {
            128_u32.saturating_sub(self.low.leading_zeros())
        } else {
            256_u32.saturating_sub(self.high.leading_zeros())
        }
    }

    /// Shifts left, dropping what leaves the 256 bits.
    #[must_use]
    pub const fn shift_left(self, bits: u32) -> Self {
        match bits {
            0 => self,
            1..128 => Self {
                high: (self.high << bits) | (self.low >> 128_u32.wrapping_sub(bits)),
                low: self.low << bits,
            },
            128..256 => Self { high: self.low << bits.wrapping_sub(128), low: 0 },
            _ => Self::ZERO,
        }
    }

    /// Shifts right.
    #[must_use]
    pub const fn shift_right(self, bits: u32) -> Self {
        match bits {
            0 => self,
            1..128 => Self {
                high: self.high >> bits,
                low: (self.low >> bits) | (self.high << 128_u32.wrapping_sub(bits)),
            },
            128..256 => Self { high: 0, low: self.high >> bits.wrapping_sub(128) },
            _ => Self::ZERO,
        }
    }

    /// The lowest 64 bits.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // the truncation is the point
    pub const fn low_u64(self) -> u64 {
        self.low as u64
    }

    /// `self · factor / divisor`, exact in between; `None` when the divisor is zero or the result is too large.
    #[must_use]
    pub fn mul_div(self, factor: u64, divisor: u64) -> Option<Self> {
        let (mut carry, mut product) = (0_u128, [0_u64; 4]);
        for (limb, out) in self.limbs().into_iter().zip(product.iter_mut()).rev() {
            let wide = u128::from(limb).wrapping_mul(u128::from(factor)).wrapping_add(carry);
            (*out, carry) = (low_limb(wide), wide >> 64);
        }
        let mut rest = carry.checked_rem(u128::from(divisor))?;
        if carry != rest {
            return None;
        }
        for limb in &mut product {
            let wide = (rest << 64) | u128::from(*limb);
            *limb = low_limb(wide.checked_div(u128::from(divisor))?);
            rest = wide.checked_rem(u128::from(divisor))?;
        }
        Some(Self::from_limbs(product))
    }

    /// `self / divisor` by shift and subtract: as many steps as the quotient has bits. `None` for a zero divisor.
    #[must_use]
    pub const fn checked_div(self, divisor: Self) -> Option<Self> {
        if divisor.high == 0 && divisor.low == 0 {
            return None;
        }
        let Some(mut shift) = self.bit_length().checked_sub(divisor.bit_length()) else {
            return Some(Self::ZERO);
        };
        let (mut rest, mut quotient) = (self, Self::ZERO);
        loop {
            quotient = quotient.shift_left(1);
            let step = divisor.shift_left(shift);
            if !less(rest, step) {
                rest = rest.wrapping_sub(step);
                quotient.low |= 1;
            }
            match shift.checked_sub(1) {
                Some(next) => shift = next,
                None => return Some(quotient),
            }
        }
    }

    /// All bits flipped: 2^256 − 1 − self.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self { high: !self.high, low: !self.low }
    }

    /// Whether this is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.high == 0 && self.low == 0
    }

    fn limbs(self) -> [u64; 4] {
        [low_limb(self.high >> 64), low_limb(self.high), low_limb(self.low >> 64), low_limb(self.low)]
    }

    fn from_limbs([a, b, c, d]: [u64; 4]) -> Self {
        let join = |high: u64, low: u64| (u128::from(high) << 64) | u128::from(low);
        Self { high: join(a, b), low: join(c, d) }
    }
}

#[allow(clippy::cast_possible_truncation)] // the truncation is the point
const fn low_limb(value: u128) -> u64 {
    value as u64
}

const fn less(a: U256, b: U256) -> bool {
    a.high < b.high || (a.high == b.high && a.low < b.low)
}

fn halves(bytes: &[u8; 32]) -> ([u8; 16], [u8; 16]) {
    let first = bytes.first_chunk::<16>().copied().unwrap_or_default();
    let last = bytes.last_chunk::<16>().copied().unwrap_or_default();
    (first, last)
}

impl From<u64> for U256 {
    fn from(value: u64) -> Self {
        Self { high: 0, low: u128::from(value) }
    }
}

impl fmt::LowerHex for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}{:032x}", self.high, self.low)
    }
}

impl fmt::Debug for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{self:x}")
    }
}

/// Decimal text, as work is shown in queries.
impl fmt::Display for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHUNK: u64 = 10_000_000_000_000_000_000;
        let mut chunks = [0_u64; 5];
        let mut rest = *self;
        for chunk in chunks.iter_mut().rev() {
            let quotient = rest.mul_div(1, CHUNK).unwrap_or_default();
            let product = quotient.mul_div(CHUNK, 1).unwrap_or_default();
            *chunk = rest.wrapping_sub(product).low_u64();
            rest = quotient;
        }
        let mut started = false;
        for chunk in chunks {
            if started {
                write!(f, "{chunk:019}")?;
            } else if chunk != 0 {
                write!(f, "{chunk}")?;
                started = true;
            }
        }
        if started { Ok(()) } else { f.write_str("0") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    fn any_u256() -> impl Strategy<Value = U256> {
        (any::<u128>(), any::<u128>(), 0_u32..256).prop_map(|(h, l, s)| U256::new(h, l).shift_right(s))
    }

    proptest! {
        #[test]
        fn bytes_round_trip(v in any_u256()) {
            prop_assert_eq!(U256::from_be_bytes(v.to_be_bytes()), v);
            let mut le = v.to_be_bytes();
            le.reverse();
            prop_assert_eq!(U256::from_le_bytes(le), v);
        }

        #[test]
        fn division_undoes_multiplication(v in any_u256(), k in 1_u64..) {
            if let Some(product) = v.mul_div(k, 1) {
                prop_assert_eq!(product.mul_div(1, k), Some(v));
                prop_assert_eq!(product.checked_div(U256::from(k)), Some(v));
            }
        }

        #[test]
        fn quotient_times_divisor_is_the_largest_multiple(a in any_u256(), b in any::<u64>()) {
            prop_assume!(b != 0);
            let q = a.checked_div(U256::from(b)).unwrap();
            let back = q.mul_div(b, 1).unwrap();
            prop_assert!(back <= a);
            prop_assert!(a.wrapping_sub(back) < U256::from(b));
        }

        #[test]
        fn decimal_text_matches_u128(low in any::<u128>()) {
            prop_assert_eq!(U256::new(0, low).to_string(), low.to_string());
        }
    }

    #[test]
    fn the_largest_value_prints() {
        let text = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(U256::MAX.to_string(), text);
        assert_eq!(U256::ZERO.to_string(), "0");
    }

    #[test]
    fn overflow_and_zero_divisors_are_none() {
        assert_eq!(U256::MAX.checked_add(U256::ONE), None);
        assert_eq!(U256::MAX.mul_div(2, 1), None);
        assert_eq!(U256::MAX.mul_div(1, 0), None);
        assert_eq!(U256::ONE.checked_div(U256::ZERO), None);
    }
}
