//! Integers modulo the group order n: public ones, secret ones, and Schnorr challenges.
//!
//! Parsing is canonical: 32 big-endian bytes below n, nothing is ever reduced silently. Reduction is what
//! BIP-340 asks of a challenge only, and lives in [`Challenge`].

use core::fmt;

use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::{Invert, Reduce};
use zeroize::Zeroize;

/// A public integer modulo n: half of a signature, a tweak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scalar(k256::Scalar);

/// The bytes are not the canonical form of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScalarError {
    /// The number is the group order or above it.
    #[error("scalar is not below the group order")]
    NotCanonical,
    /// The number is zero where a key or a nonce is meant.
    #[error("secret scalar is zero")]
    Zero,
}

impl Scalar {
    /// One.
    pub const ONE: Self = Self(k256::Scalar::ONE);
    /// Zero.
    pub const ZERO: Self = Self(k256::Scalar::ZERO);

    /// Parses 32 big-endian bytes.
    ///
    /// # Errors
    /// [`ScalarError::NotCanonical`] if the number is not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ScalarError> {
        Option::from(k256::Scalar::from_repr((*bytes).into())).map(Self).ok_or(ScalarError::NotCanonical)
    }

    /// Takes 32 big-endian bytes modulo the group order.
    ///
    /// For numbers that are defined by reduction (an ECDSA digest); signatures are parsed with
    /// [`Self::from_bytes`].
    #[must_use]
    pub fn reduce(bytes: &[u8; 32]) -> Self {
        Self(<k256::Scalar as Reduce<k256::U256>>::reduce_bytes(&(*bytes).into()))
    }

    /// Returns the 32 big-endian bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// Tells whether the number is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero().into()
    }

    /// Tells whether the number is above n/2, which ECDSA signatures must not be.
    #[must_use]
    pub fn is_high(&self) -> bool {
        use k256::elliptic_curve::scalar::IsHigh;
        self.0.is_high().into()
    }

    /// Returns `self + other` modulo n.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self(self.0.add(&other.0))
    }

    /// Returns `self − other` modulo n.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self(self.0.sub(&other.0))
    }

    /// Returns `self · other` modulo n.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        Self(self.0.mul(&other.0))
    }

    /// Returns `−self` modulo n.
    #[must_use]
    pub fn negate(&self) -> Self {
        Self(self.0.negate())
    }

    /// Returns `1 / self` modulo n, in variable time: for public numbers only. Zero has none.
    #[must_use]
    pub fn invert_vartime(&self) -> Option<Self> {
        Option::from(self.0.invert_vartime()).map(Self)
    }

    pub(crate) fn inner(&self) -> &k256::Scalar {
        &self.0
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, "Scalar", &self.to_bytes())
    }
}

/// The challenge e of a Schnorr signature: a tagged hash modulo n.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Challenge(Scalar);

impl Challenge {
    /// Takes the hash modulo n, as BIP-340 does.
    pub(crate) fn reduced(hash: &[u8; 32]) -> Self {
        Self(Scalar::reduce(hash))
    }

    /// Refuses a hash at or above n, as EOTS does.
    pub(crate) fn strict(hash: &[u8; 32]) -> Result<Self, ScalarError> {
        Scalar::from_bytes(hash).map(Self)
    }

    /// Returns the challenge as a number.
    #[must_use]
    pub fn scalar(&self) -> &Scalar {
        &self.0
    }
}

/// A secret integer in 1..n: a signing key, a decryption key.
///
/// Erased on drop; it can be neither cloned, compared nor printed.
pub struct SecretScalar([u8; 32]);

impl SecretScalar {
    /// Takes over 32 big-endian bytes.
    ///
    /// # Errors
    /// Zero and numbers not below the group order are refused.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ScalarError> {
        Self::from_scalar(&Scalar::from_bytes(bytes)?)
    }

    /// Takes a number that has become a key, like the one extracted from a double vote.
    ///
    /// # Errors
    /// [`ScalarError::Zero`]: zero is not a key.
    pub fn from_scalar(scalar: &Scalar) -> Result<Self, ScalarError> {
        if scalar.is_zero() { Err(ScalarError::Zero) } else { Ok(Self(scalar.to_bytes())) }
    }

    /// Shows the secret bytes. The caller erases what it copies.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the number for arithmetic that is constant-time in k256.
    pub(crate) fn to_scalar(&self) -> Scalar {
        Scalar::reduce(&self.0)
    }

    /// Returns the negated secret.
    #[must_use]
    pub fn negate(&self) -> Self {
        Self(self.to_scalar().negate().to_bytes())
    }
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, name: &str, bytes: &[u8]) -> fmt::Result {
    write!(f, "{name}(")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
    f.write_str(")")
}
