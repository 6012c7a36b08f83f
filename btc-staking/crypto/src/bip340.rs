//! BIP-340 Schnorr signatures over x-only keys.
//!
//! The protocol signs 32-byte digests; verification takes messages of any length, as the BIP does.
//! Signing is in libsecp256k1 (feature `libsecp`). There is no batch verification: libsecp256k1 has none.
//!
//! ```
//! # #[cfg(feature = "libsecp")] {
//! use staking_crypto::curve::Libsecp;
//! use staking_crypto::{SecretKey, bip340};
//!
//! let key = SecretKey::from_bytes(&[0x11; 32])?;
//! let digest = [0xab; 32];
//! let signature = bip340::sign(&key, &digest, &[0; 32]);
//! bip340::verify(&Libsecp, &key.x_only(), &digest, &signature)?;
//! assert!(bip340::verify(&Libsecp, &key.x_only(), &[0xac; 32], &signature).is_err());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::curve::{Curve, CurveError};
use crate::ecdsa::{join, split};
use crate::point::{PointError, XOnly};
use crate::scalar::{Challenge, Scalar, ScalarError};
use crate::tagged;

/// A 64-byte Schnorr signature: x(R) ‖ s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    r: XOnly,
    s: Scalar,
}

/// Why 64 bytes are not a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// x(R) is not below the field prime.
    #[error("nonce of the signature: {0}")]
    R(#[source] PointError),
    /// s is not below the group order.
    #[error("s of the signature: {0}")]
    S(#[source] ScalarError),
}

/// Why a signature is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The nonce point cannot be computed: the key is not on the curve, or sG = eP.
    #[error("nonce point of the signature: {0}")]
    Curve(#[from] CurveError),
    /// The nonce point has an odd y.
    #[error("nonce point of the signature has an odd y")]
    OddNonce,
    /// The nonce point is another one than the signature names: other key, other message or broken bytes.
    #[error("signature is for another key or message: its nonce is {claimed}, computed {computed}")]
    OtherNonce {
        /// The nonce in the signature.
        claimed: XOnly,
        /// The nonce that would fit.
        computed: XOnly,
    },
}

impl Signature {
    /// Joins a nonce and a response.
    #[must_use]
    pub const fn new(r: XOnly, s: Scalar) -> Self {
        Self { r, s }
    }

    /// Parses 64 bytes.
    ///
    /// # Errors
    /// x(R) not below the field prime, s not below the group order.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, ParseError> {
        let (r, s) = split(bytes);
        Ok(Self {
            r: XOnly::from_bytes(&r).map_err(ParseError::R)?,
            s: Scalar::from_bytes(&s).map_err(ParseError::S)?,
        })
    }

    /// Returns the 64 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        join(self.r.as_bytes(), &self.s.to_bytes())
    }

    /// Returns the nonce.
    #[must_use]
    pub const fn r(&self) -> &XOnly {
        &self.r
    }

    /// Returns the response.
    #[must_use]
    pub const fn s(&self) -> &Scalar {
        &self.s
    }
}

/// Verifies a signature of a message of any length.
///
/// # Errors
/// [`VerifyError`] if the signature is not valid.
pub fn verify<C: Curve>(
    curve: &C,
    public: &XOnly,
    message: &[u8],
    signature: &Signature,
) -> Result<(), VerifyError> {
    if let Ok(digest) = message.try_into()
        && curve.accepts_bip340(public, digest, &signature.to_bytes())
    {
        return Ok(());
    }
    let e = challenge(&signature.r, public, message);
    verify_challenge(curve, public, &signature.r, &e, &signature.s)
}

/// Computes e = H(x(R) ‖ x(P) ‖ m) modulo n.
#[must_use]
pub fn challenge(r: &XOnly, public: &XOnly, message: &[u8]) -> Challenge {
    Challenge::reduced(&challenge_hash(r, public, message))
}

pub(crate) fn challenge_hash(r: &XOnly, public: &XOnly, message: &[u8]) -> [u8; 32] {
    tagged::CHALLENGE.hash(&[r.as_bytes(), public.as_bytes(), message])
}

/// Accepts iff sG − eP has the x of the nonce and an even y.
pub(crate) fn verify_challenge<C: Curve>(
    curve: &C,
    public: &XOnly,
    nonce: &XOnly,
    e: &Challenge,
    s: &Scalar,
) -> Result<(), VerifyError> {
    let computed = curve.s_g_minus_e_p(s, e.scalar(), public)?;
    if computed.x_only() != *nonce {
        return Err(VerifyError::OtherNonce { claimed: *nonce, computed: computed.x_only() });
    }
    if computed.is_odd() { Err(VerifyError::OddNonce) } else { Ok(()) }
}

/// Signs a 32-byte digest. `aux` is fresh randomness, or zeros for a deterministic signature.
#[cfg(feature = "libsecp")]
#[must_use]
pub fn sign(key: &crate::SecretKey, digest: &[u8; 32], aux: &[u8; 32]) -> Signature {
    key.sign_bip340(digest, aux)
}
