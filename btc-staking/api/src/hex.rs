//! Fixed-width identifiers as text: keys and hashes in natural order, txids and block hashes reversed.
//!
//! One newtype per byte order, so that the displayed and the internal order of a hash cannot be mixed up
//! (trap E17). Payloads (transactions, signatures, proofs, headers) are base64, see [`crate::mesh::Binary`].
//! Nothing here knows what the bytes mean: a [`Key`] need not be on the curve.

use core::fmt;
use core::str::FromStr;
use std::string::String;

use serde::{Serialize, Serializer};

/// Why a text is not a fixed number of bytes in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseHexError {
    /// Wrong number of hex digits.
    Length {
        /// Digits wanted.
        expected: usize,
        /// Digits found.
        found: usize,
    },
    /// Not a hex digit.
    Digit(u8),
}

impl fmt::Display for ParseHexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => write!(f, "{expected} hex digits expected, found {found}"),
            Self::Digit(byte) => write!(f, "byte {byte:#04x} is not a hex digit"),
        }
    }
}

impl core::error::Error for ParseHexError {}

/// Decodes hex text of exactly `2 * N` digits, either case.
///
/// # Errors
/// Other lengths and other characters.
pub fn decode<const N: usize>(text: &str) -> Result<[u8; N], ParseHexError> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return Err(ParseHexError::Length { expected: 2 * N, found: text.len() });
    }
    let mut out = [0; N];
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(out)
}

/// Encodes bytes as lower-case hex.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn digit(byte: u8) -> Result<u8, ParseHexError> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        other => Err(ParseHexError::Digit(other)),
    }
}

macro_rules! hex_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps bytes in internal (natural) order.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Bytes in internal (natural) order.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 32] {
                self.0
            }

            /// Bytes in internal (natural) order.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
        }

        impl From<$name> for [u8; 32] {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode(&self.shown()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                decode(text).map(Self::from_shown)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&encode(&self.shown()))
            }
        }

        crate::read::read_text!($name: "64 hex digits");

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> String {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
                String::json_schema(generator)
            }
        }
    };
}

hex_type!(
    /// x-only public key, 32 bytes.
    Key
);
hex_type!(
    /// 32-byte value in natural order: application hash, commitment, public randomness, Merkle root.
    Hash32
);
hex_type!(
    /// Transaction id, shown reversed as explorers and RPCs do.
    Txid
);
hex_type!(
    /// Block hash, shown reversed as explorers and RPCs do.
    BlockHash
);

macro_rules! shown {
    ($name:ident, $reversed:literal) => {
        impl $name {
            fn shown(&self) -> [u8; 32] {
                Self::flip(self.0)
            }

            fn from_shown(bytes: [u8; 32]) -> Self {
                Self(Self::flip(bytes))
            }

            fn flip(mut bytes: [u8; 32]) -> [u8; 32] {
                if $reversed {
                    bytes.reverse();
                }
                bytes
            }
        }
    };
}
shown!(Key, false);
shown!(Hash32, false);
shown!(Txid, true);
shown!(BlockHash, true);

#[cfg(test)]
mod tests {
    use super::*;

    /// Trap E17: the hash of Bitcoin's first block in both orders.
    #[test]
    fn the_genesis_hash_reads_the_same_in_both_orders() {
        let shown = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
        let hash: BlockHash = shown.parse().unwrap();
        assert_eq!(hash.as_bytes()[0], 0x6f);
        assert_eq!(hash.to_string(), shown);
        assert_eq!(serde_json::to_string(&hash).unwrap(), std::format!("\"{shown}\""));
        assert_eq!(serde_json::from_str::<BlockHash>(&std::format!("\"{shown}\"")).unwrap(), hash);
    }

    #[test]
    fn keys_are_shown_in_natural_order() {
        let mut bytes = [0; 32];
        bytes[0] = 0xab;
        assert!(Key::from_bytes(bytes).to_string().starts_with("ab00"));
    }

    #[test]
    fn other_lengths_and_digits_are_refused() {
        assert_eq!("00".parse::<Key>().unwrap_err(), ParseHexError::Length { expected: 64, found: 2 });
        assert_eq!("g".repeat(64).parse::<Key>().unwrap_err(), ParseHexError::Digit(b'g'));
    }
}
