//! Extractable one-time signatures: Schnorr signatures whose nonce was committed beforehand.
//!
//! A provider publishes x(R) for each height and signs at most one message with it. Two signatures under
//! one R are two equations in two unknowns, and anyone solves them for the key: that is the slashing.
//! A signature is s alone; R ‖ s is a BIP-340 signature of the SHA-256 of the message.
//!
//! Stricter than Babylon's Go code: s ≥ n and x(R) ≥ p are refused instead of reduced. Nothing is changed
//! in place: extraction may be repeated.
//!
//! ```
//! # #[cfg(feature = "libsecp")] {
//! use staking_crypto::curve::Pure;
//! use staking_crypto::{OneTimeNonce, SecretKey, eots};
//!
//! let key = SecretKey::from_bytes(&[0x11; 32])?;
//! let public = key.x_only();
//! // What must never happen: two nonces from the same place, so two messages under one R.
//! let first = OneTimeNonce::derive(&key, b"chain-1", 7);
//! let second = OneTimeNonce::derive(&key, b"chain-1", 7);
//! let randomness = first.public();
//!
//! let for_a = eots::sign(first, &key, b"block a")?;
//! let for_b = eots::sign(second, &key, b"block b")?;
//! eots::verify(&Pure, &public, &randomness, b"block a", &for_a)?;
//!
//! let leaked = eots::extract(&Pure, &public, &randomness, (b"block a", &for_a), (b"block b", &for_b))?;
//! assert_eq!(SecretKey::from_secret(&leaked).x_only(), public);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use bitcoin_hashes::{Hash, sha256};

use crate::bip340::{self, VerifyError};
use crate::curve::{Curve, CurveError};
use crate::point::XOnly;
use crate::scalar::{Challenge, Scalar, ScalarError, SecretScalar};

/// A one-time signature: s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature(Scalar);

impl Signature {
    /// Parses 32 bytes.
    ///
    /// # Errors
    /// [`ScalarError::NotCanonical`] if s is not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ScalarError> {
        Scalar::from_bytes(bytes).map(Self)
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Returns s.
    #[must_use]
    pub const fn s(&self) -> &Scalar {
        &self.0
    }

    /// Completes the signature to a BIP-340 one, valid for the SHA-256 of the message.
    #[must_use]
    pub const fn with_randomness(&self, randomness: XOnly) -> bip340::Signature {
        bip340::Signature::new(randomness, self.0)
    }
}

/// Why an EOTS signature is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EotsError {
    /// The challenge is not below the group order (one message in 2^128): the message cannot be signed.
    #[error("challenge of the message is not below the group order")]
    Challenge,
    /// The signature does not verify.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// Why no key can be extracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// One of the challenges is not below the group order.
    #[error("challenge of a message is not below the group order")]
    Challenge,
    /// The signatures are equal.
    #[error("the two signatures are equal: {0:?}")]
    SameSignature(Scalar),
    /// The messages are equal.
    #[error("the two messages have the same challenge")]
    SameMessage,
    /// The number found is not the secret key of the provider: a signature is not of this key.
    #[error("extracted key belongs to {found:?}, not to {expected}")]
    OtherKey {
        /// The key of the provider.
        expected: XOnly,
        /// The public key of the number found, if it has one.
        found: Option<XOnly>,
    },
    /// The curve backend refused.
    #[error(transparent)]
    Curve(#[from] CurveError),
}

/// Computes e = H(x(R) ‖ x(P) ‖ H(m)); unlike BIP-340, a hash at or above n is an error.
fn challenge(randomness: &XOnly, public: &XOnly, message: &[u8]) -> Result<Challenge, ScalarError> {
    let digest = sha256::Hash::hash(message).to_byte_array();
    Challenge::strict(&bip340::challenge_hash(randomness, public, &digest))
}

/// Verifies a one-time signature against the committed randomness.
///
/// # Errors
/// [`EotsError`] if the signature is not valid.
pub fn verify<C: Curve>(
    curve: &C,
    public: &XOnly,
    randomness: &XOnly,
    message: &[u8],
    signature: &Signature,
) -> Result<(), EotsError> {
    let e = challenge(randomness, public, message).map_err(|_| EotsError::Challenge)?;
    Ok(bip340::verify_challenge(curve, public, randomness, &e, &signature.0)?)
}

/// Extracts the secret key from two signatures under one nonce, and checks it.
///
/// The key returned is the one whose public key has an even y. The messages and signatures are public, so
/// variable time is right.
///
/// # Errors
/// Equal signatures or messages; signatures that do not give the secret of `public`.
pub fn extract<C: Curve>(
    curve: &C,
    public: &XOnly,
    randomness: &XOnly,
    first: (&[u8], &Signature),
    second: (&[u8], &Signature),
) -> Result<SecretScalar, ExtractError> {
    if first.1 == second.1 {
        return Err(ExtractError::SameSignature(first.1.0));
    }
    let e1 = challenge(randomness, public, first.0).map_err(|_| ExtractError::Challenge)?;
    let e2 = challenge(randomness, public, second.0).map_err(|_| ExtractError::Challenge)?;
    let difference = e1.scalar().minus(e2.scalar()).invert_vartime().ok_or(ExtractError::SameMessage)?;
    let d = first.1.0.minus(&second.1.0).times(&difference);
    checked_key(curve, public, &d)
}

/// Accepts d iff dG has the x of the public key; returns the one of d and −d whose point has an even y.
fn checked_key<C: Curve>(curve: &C, public: &XOnly, d: &Scalar) -> Result<SecretScalar, ExtractError> {
    let other = |found| ExtractError::OtherKey { expected: *public, found };
    let point = curve.base_mul(d)?;
    if point.x_only() != *public {
        return Err(other(Some(point.x_only())));
    }
    let even = if point.is_odd() { d.negate() } else { *d };
    SecretScalar::from_scalar(&even).map_err(|_| other(None))
}

/// Signs a message, consuming the nonce.
///
/// # Errors
/// [`EotsError::Challenge`] with probability 2^-128.
#[cfg(feature = "libsecp")]
pub fn sign(
    nonce: crate::OneTimeNonce,
    key: &crate::SecretKey,
    message: &[u8],
) -> Result<Signature, EotsError> {
    let e = challenge(&nonce.public(), &key.x_only(), message).map_err(|_| EotsError::Challenge)?;
    Ok(Signature(key.respond(nonce.into_secret(), e.scalar())))
}
