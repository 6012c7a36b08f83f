//! Recoverable ECDSA signatures: what a wallet's "sign message" makes for a proof of possession.
//!
//! Recovery only. Stricter than the encoding allows: r and s in 1..n, low s, and recovery ids 2 and 3
//! (a nonce at or above the group order, one in 2^128) are refused because hosts do not take them.
//!
//! ```
//! use staking_crypto::curve::Pure;
//! use staking_crypto::ecdsa::{self, RecoverableSignature};
//!
//! // The generator is the key of the secret 1; with nonce 1 and digest z, s = z + x(G).
//! # use staking_crypto::{Scalar, XOnly};
//! let digest = [7; 32];
//! let r = Scalar::from_bytes(XOnly::GENERATOR.as_bytes())?;
//! let s = Scalar::reduce(&digest).plus(&r);
//! let low = if s.is_high() { s.negate() } else { s };
//! let mut bytes = [0; 65];
//! bytes[0] = 27 + u8::from(s.is_high());
//! bytes[1..33].copy_from_slice(&r.to_bytes());
//! bytes[33..].copy_from_slice(&low.to_bytes());
//!
//! let signature = RecoverableSignature::from_compact(&bytes)?;
//! assert_eq!(ecdsa::recover(&Pure, &digest, &signature)?.x_only(), XOnly::GENERATOR);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::curve::{Curve, CurveError};
use crate::point::Point;
use crate::scalar::Scalar;

/// An ECDSA signature with low s from which the key can be recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoverableSignature {
    r: Scalar,
    s: Scalar,
    nonce_odd: bool,
}

/// Why 65 bytes are not an acceptable recoverable signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The header byte is outside 27..=34, or names a nonce at or above the group order.
    #[error("header byte {0} of the signature is not supported")]
    Header(u8),
    /// r is zero or not below the group order.
    #[error("r of the signature is out of range")]
    R,
    /// s is zero or not below the group order.
    #[error("s of the signature is out of range")]
    S,
    /// s is above half of the group order.
    #[error("s of the signature is high")]
    HighS,
}

impl RecoverableSignature {
    /// Parses header ‖ r ‖ s, the form of Bitcoin's signed messages. The header's compression flag says
    /// how the wallet writes its key, and means nothing here.
    ///
    /// # Errors
    /// Header outside 27, 28, 31, 32; r or s zero or not below n; high s.
    pub fn from_compact(bytes: &[u8; 65]) -> Result<Self, ParseError> {
        let [header, halves @ ..] = bytes;
        let nonce_odd = match header {
            27 | 31 => false,
            28 | 32 => true,
            other => return Err(ParseError::Header(*other)),
        };
        let (r, s) = split(halves);
        let r = Scalar::from_bytes(&r).ok().filter(|r| !r.is_zero()).ok_or(ParseError::R)?;
        let s = Scalar::from_bytes(&s).ok().filter(|s| !s.is_zero()).ok_or(ParseError::S)?;
        if s.is_high() { Err(ParseError::HighS) } else { Ok(Self { r, s, nonce_odd }) }
    }

    /// Returns r.
    #[must_use]
    pub const fn r(&self) -> &Scalar {
        &self.r
    }

    /// Returns s.
    #[must_use]
    pub const fn s(&self) -> &Scalar {
        &self.s
    }

    /// Tells whether the nonce point has an odd y (recovery id 1).
    #[must_use]
    pub const fn is_nonce_odd(&self) -> bool {
        self.nonce_odd
    }

    /// Returns r ‖ s.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        join(&self.r.to_bytes(), &self.s.to_bytes())
    }
}

/// Recovers the key that made the signature over the digest.
///
/// # Errors
/// [`CurveError::NoPoint`] if no key can have made it.
pub fn recover<C: Curve>(
    curve: &C,
    digest: &[u8; 32],
    signature: &RecoverableSignature,
) -> Result<Point, CurveError> {
    curve.recover_ecdsa(digest, signature)
}

/// Splits 64 bytes in halves.
pub(crate) fn split(bytes: &[u8; 64]) -> ([u8; 32], [u8; 32]) {
    let (mut a, mut b) = ([0; 32], [0; 32]);
    let (first, second) = bytes.split_at(32);
    a.copy_from_slice(first);
    b.copy_from_slice(second);
    (a, b)
}

/// Joins two halves.
pub(crate) fn join(a: &[u8; 32], b: &[u8; 32]) -> [u8; 64] {
    let mut bytes = [0; 64];
    let (first, second) = bytes.split_at_mut(32);
    first.copy_from_slice(a);
    second.copy_from_slice(b);
    bytes
}
