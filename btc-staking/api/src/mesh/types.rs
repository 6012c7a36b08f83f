//! Scalars that serialise as cosmwasm-std's do, without depending on it.
//!
//! Amounts are `u128`; a wire value that does not fit is a parse error.

use core::fmt;
use core::str::FromStr;
use serde::{Serialize, Serializer};
use std::string::{String, ToString};
use std::vec::Vec;

/// `10^18`, the value of [`Decimal`] one in atomics.
pub const DECIMAL_ONE: u128 = 1_000_000_000_000_000_000;

/// Amount in the smallest unit of a token; a decimal string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uint128(pub u128);

/// Non-negative decimal with 18 fraction digits, held as atomics (value × 10^18); a string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub u128);

/// Bytes; a base64 string in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary(pub Vec<u8>);

/// Nanoseconds since 1970; a decimal string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// Why a decimal string was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseDecimalError {
    /// Not of the form `digits[.digits]`; carries the text.
    Malformed(String),
    /// More than 18 fraction digits or an integer part that does not fit; carries the text.
    OutOfRange(String),
}

impl fmt::Display for ParseDecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(s) => write!(f, "not a decimal: {s}"),
            Self::OutOfRange(s) => write!(f, "decimal out of range: {s}"),
        }
    }
}

impl core::error::Error for ParseDecimalError {}

impl Decimal {
    /// The value one.
    pub const ONE: Self = Self(DECIMAL_ONE);
    /// The value zero.
    pub const ZERO: Self = Self(0);

    /// `n` per cent.
    pub const fn percent(n: u64) -> Self {
        Self(n as u128 * (DECIMAL_ONE / 100))
    }

    /// `n` per mille.
    pub const fn permille(n: u64) -> Self {
        Self(n as u128 * (DECIMAL_ONE / 1000))
    }
}

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let (whole, frac) = s.split_once('.').unwrap_or((s, "0"));
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(frac) {
            return Err(ParseDecimalError::Malformed(s.to_string()));
        }
        let out_of_range = || ParseDecimalError::OutOfRange(s.to_string());
        let missing = 18usize.checked_sub(frac.len()).ok_or_else(out_of_range)?;
        let frac: u128 = frac.parse().map_err(|_| out_of_range())?;
        let frac = (0..missing).fold(frac, |f, _| f * 10);
        let whole: u128 = whole.parse().map_err(|_| out_of_range())?;
        let atomics = whole.checked_mul(DECIMAL_ONE).and_then(|w| w.checked_add(frac));
        atomics.map(Self).ok_or_else(out_of_range)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, frac) = (self.0 / DECIMAL_ONE, self.0 % DECIMAL_ONE);
        if frac == 0 {
            return write!(f, "{whole}");
        }
        let text = std::format!("{frac:018}");
        write!(f, "{whole}.{}", text.trim_end_matches('0'))
    }
}

impl fmt::Display for Uint128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl From<u128> for Uint128 {
    fn from(v: u128) -> Self {
        Self(v)
    }
}

impl From<u64> for Uint128 {
    fn from(v: u64) -> Self {
        Self(v.into())
    }
}

impl Binary {
    /// Serialises `value` to JSON bytes.
    ///
    /// # Errors
    /// Whatever the value's own serialisation refuses.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_vec(value).map(Self)
    }
}

macro_rules! string_serde {
    ($ty:ident, $inner:ty) => {
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(&self.0)
            }
        }
        impl FromStr for $ty {
            type Err = core::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<$inner>().map($ty)
            }
        }
    };
}
string_serde!(Uint128, u128);
string_serde!(Timestamp, u64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        s.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
    }
}

impl FromStr for Binary {
    type Err = base64::DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(text).map(Self)
    }
}

crate::read::read_text! {
    Uint128: "a whole number as text",
    Timestamp: "nanoseconds as text",
    Decimal: "a decimal as text",
    Binary: "base64"
}

#[cfg(feature = "schema")]
mod schema {
    use super::{Binary, Decimal, Timestamp, Uint128};
    use schemars::{JsonSchema, r#gen::SchemaGenerator, schema::Schema};

    macro_rules! as_string {
        ($($ty:ident),*) => {$(
            impl JsonSchema for $ty {
                fn schema_name() -> std::string::String { stringify!($ty).into() }
                fn json_schema(g: &mut SchemaGenerator) -> Schema { std::string::String::json_schema(g) }
            }
        )*};
    }
    as_string!(Uint128, Decimal, Binary, Timestamp);
}

super::wire! {
    /// A denomination and an amount of its smallest unit.
    pub struct Coin {
        /// Denomination.
        pub denom: String,
        /// Amount in the smallest unit.
        pub amount: Uint128,
    }

    /// A value that is uncertain while an IBC answer is missing (mesh-security.md §3.1).
    #[derive(Copy, Default)]
    pub struct Range {
        /// The value if every pending change resolves the low way.
        pub l: Uint128,
        /// The value if every pending change resolves the high way.
        pub h: Uint128,
    }

    /// The empty object.
    #[derive(Copy, Default)]
    pub struct Empty {}
}

impl Coin {
    /// `amount` of `denom`.
    pub fn new(amount: u128, denom: impl Into<String>) -> Self {
        Self { denom: denom.into(), amount: Uint128(amount) }
    }
}
