//! Decimal numbers with up to 18 decimals, as Cosmos chains write them.

use core::fmt;

/// Digits after the point.
const DECIMALS: u32 = 18;
const ONE_ATTO: u128 = 1_000_000_000_000_000_000;
/// 10^14: one ten-thousandth.
const TEN_THOUSANDTH: u128 = 100_000_000_000_000;

/// The text is not a decimal number of at most 18 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number with at most 18 decimals")]
pub struct DecimalError;

/// A decimal number, exact to 18 digits after the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(1_000_000_000_000_000_000);

    /// Makes a number from units of 10^-18.
    #[must_use]
    pub fn from_atto(atto: i128) -> Self {
        Self(atto)
    }

    /// Returns the number in units of 10^-18.
    #[must_use]
    pub fn atto(self) -> i128 {
        self.0
    }

    /// Reads text such as `0.03`, `1`, `-0.5` or `0.030000000000000000`.
    ///
    /// # Errors
    /// [`DecimalError`].
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let missing = usize::try_from(DECIMALS).ok().and_then(|all| all.checked_sub(fraction.len()));
        let scale = missing.and_then(|n| u32::try_from(n).ok()).and_then(|n| 10i128.checked_pow(n));
        let whole = digits_value(whole)?.checked_mul(Self::ONE.0).ok_or(DecimalError)?;
        let fraction = scale.and_then(|scale| digits_value(fraction).ok()?.checked_mul(scale));
        let atto = fraction.and_then(|part| whole.checked_add(part)).ok_or(DecimalError)?;
        Ok(Self(if negative { atto.wrapping_neg() } else { atto }))
    }

    /// Tells whether the number is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Tells whether the number is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Returns the number in ten-thousandths if it is a whole, small number of them.
    #[must_use]
    pub fn to_ten_thousandths(self) -> Option<u16> {
        let atto = u128::try_from(self.0).ok()?;
        let whole = atto.is_multiple_of(TEN_THOUSANDTH).then_some(atto / TEN_THOUSANDTH);
        whole.and_then(|n| u16::try_from(n).ok())
    }
}

fn digits_value(digits: &str) -> Result<i128, DecimalError> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().map_err(|_| DecimalError) } else { Err(DecimalError) }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let atto = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:018}", atto / ONE_ATTO, atto % ONE_ATTO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_exactly() {
        assert_eq!(Decimal::parse("0.030000000000000000").unwrap().atto(), 30_000_000_000_000_000);
        assert_eq!(Decimal::parse("1").unwrap(), Decimal::ONE);
        assert_eq!(Decimal::parse("-0.5").unwrap().atto(), -500_000_000_000_000_000);
        for bad in ["", ".", "1.", ".5", "+1", "1e3", "0.1234567890123456789", "--1", "1.-5", "0x1"] {
            assert_eq!(Decimal::parse(bad), Err(DecimalError), "{bad}");
        }
    }

    #[test]
    fn printing_reads_back() {
        for atto in [0, 1, -1, 30_000_000_000_000_000, 1_000_000_000_000_000_000, -2_500_000_000_000_000_000]
        {
            let text = alloc::format!("{}", Decimal::from_atto(atto));
            assert_eq!(Decimal::parse(&text).unwrap().atto(), atto);
        }
    }
}
