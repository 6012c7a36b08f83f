//! Schnorr adaptor signatures: a signature encrypted to a public key.
//!
//! A covenant member signs the slashing of a stake under the key T of its finality provider. The result
//! can be verified by all, and becomes a BIP-340 signature only with t, which a double vote reveals
//! (see [`crate::eots`]). Who sees both the adaptor signature and the completed one learns t.
//!
//! The nonce hashes the 33-byte public key with its real parity, as Babylon's signer does, so that its
//! signatures are reproduced byte for byte. Verification compares whole points: a check of x alone would
//! accept signatures that do not decrypt.
//!
//! ```
//! # #[cfg(feature = "libsecp")] {
//! use staking_crypto::curve::Libsecp;
//! use staking_crypto::{SecretKey, adaptor, bip340};
//!
//! let covenant = SecretKey::from_bytes(&[0x11; 32])?;
//! let provider = SecretKey::from_bytes(&[0x22; 32])?;
//! let encryption = adaptor::EncryptionKey::from_x_only(&provider.x_only())?;
//! let digest = [0xab; 32];
//!
//! let locked = adaptor::sign(&covenant, &encryption, &digest, &[7; 32])?;
//! adaptor::verify(&Libsecp, &covenant.x_only(), &encryption, &digest, &locked)?;
//!
//! let opened = locked.decrypt(&provider.to_even_secret());
//! bip340::verify(&Libsecp, &covenant.x_only(), &digest, &opened)?;
//! let leaked = locked.extract(&Libsecp, &encryption, &opened)?;
//! assert_eq!(leaked.expose_secret(), provider.to_even_secret().expose_secret());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::bip340::{self, challenge};
use crate::curve::{Curve, CurveError};
use crate::point::{Point, PointError, XOnly};
use crate::scalar::{Scalar, ScalarError, SecretScalar};

/// The point T a signature is encrypted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncryptionKey(Point);

impl EncryptionKey {
    /// Takes a provider's key: the point of even y.
    ///
    /// # Errors
    /// [`PointError::NotOnCurve`].
    pub fn from_x_only(key: &XOnly) -> Result<Self, PointError> {
        key.lift().map(Self)
    }

    /// Takes a provider's key, lifted by the backend: faster natively.
    ///
    /// # Errors
    /// [`CurveError::NoPoint`] if the key is not on the curve.
    pub fn lift<C: Curve>(curve: &C, key: &XOnly) -> Result<Self, CurveError> {
        curve.lift_x(key).map(Self)
    }

    /// Takes any point, with its parity. Providers' keys come from [`Self::from_x_only`].
    #[must_use]
    pub const fn from_point(point: Point) -> Self {
        Self(point)
    }

    /// Returns the point.
    #[must_use]
    pub const fn point(&self) -> &Point {
        &self.0
    }
}

/// An adaptor signature: R0 with its parity, and s.
///
/// That R0 is on the curve is shown by [`verify`], at no cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdaptorSignature {
    r0: XOnly,
    r0_odd: bool,
    s: Scalar,
}

/// Why bytes are not an adaptor signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Neither 65 nor 66 bytes.
    #[error("an adaptor signature has 65 bytes (66 in the old form), not {0}")]
    Length(usize),
    /// R0 begins with neither 02 nor 03.
    #[error("unknown prefix {0:#04x} of R0")]
    Prefix(u8),
    /// The parity flag of the 66-byte form is neither 0 nor 1.
    #[error("unknown parity flag {0:#04x} of the 66-byte form")]
    Flag(u8),
    /// x(R0) is not below the field prime.
    #[error("R0: {0}")]
    R(#[source] PointError),
    /// s is not below the group order.
    #[error("s: {0}")]
    S(#[source] ScalarError),
}

/// Why an adaptor signature is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// s is zero.
    #[error("s of the adaptor signature is zero")]
    ZeroS,
    /// The nonce point cannot be computed.
    #[error("nonce point of the adaptor signature: {0}")]
    Curve(#[from] CurveError),
    /// R0 is not the nonce point plus the encryption key: other key, message, encryption key or bytes.
    #[error("R0 does not fit the key, the message and the encryption key: computed {computed:?}")]
    OtherNonce {
        /// The R0 that would fit.
        computed: Point,
    },
}

/// Why an adaptor signature cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The derived nonce is zero, or cancels the encryption key (one in 2^256).
    #[error("no nonce for this message and auxiliary data; use other auxiliary data")]
    Nonce,
    /// The signature made does not verify: faulty hardware.
    #[error("the signature just made does not verify: {0}")]
    Faulty(#[source] VerifyError),
}

/// Why two signatures do not reveal the decryption key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The signature is not a decryption of this adaptor signature.
    #[error("nonce {found} of the signature is not the adaptor signature's {expected}")]
    OtherNonce {
        /// x(R0) of the adaptor signature.
        expected: XOnly,
        /// x(R) of the signature.
        found: XOnly,
    },
    /// The number found is not the secret of the encryption key.
    #[error("the signatures do not reveal the encryption key's secret")]
    OtherKey,
}

impl AdaptorSignature {
    /// Parses the 65-byte form, or the old 66-byte form that real delegations still hold.
    ///
    /// # Errors
    /// Other lengths, unknown prefix or flag, x(R0) ≥ p, s ≥ n.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        if let Ok(bytes) = <&[u8; 65]>::try_from(bytes) {
            return Self::from_current(bytes);
        }
        match <&[u8; 66]>::try_from(bytes) {
            Ok([0x02, rest @ .., 0]) => Self::from_parts(false, rest),
            Ok([0x02, rest @ .., 1]) => Self::from_parts(true, rest),
            Ok([0x02, .., flag]) => Err(ParseError::Flag(*flag)),
            Ok([prefix, ..]) => Err(ParseError::Prefix(*prefix)),
            Err(_) => Err(ParseError::Length(bytes.len())),
        }
    }

    /// Parses the 65-byte form only.
    ///
    /// # Errors
    /// Unknown prefix, x(R0) ≥ p, s ≥ n.
    pub fn from_current(bytes: &[u8; 65]) -> Result<Self, ParseError> {
        match bytes {
            [0x02, rest @ ..] => Self::from_parts(false, rest),
            [0x03, rest @ ..] => Self::from_parts(true, rest),
            [prefix, ..] => Err(ParseError::Prefix(*prefix)),
        }
    }

    fn from_parts(r0_odd: bool, halves: &[u8; 64]) -> Result<Self, ParseError> {
        let (r0, s) = crate::ecdsa::split(halves);
        Ok(Self {
            r0: XOnly::from_bytes(&r0).map_err(ParseError::R)?,
            r0_odd,
            s: Scalar::from_bytes(&s).map_err(ParseError::S)?,
        })
    }

    /// Returns the 65-byte form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 65] {
        let mut bytes = [0; 65];
        let [prefix, halves @ ..] = &mut bytes;
        *prefix = if self.r0_odd { 0x03 } else { 0x02 };
        *halves = crate::ecdsa::join(self.r0.as_bytes(), &self.s.to_bytes());
        bytes
    }

    /// Finds the point R0.
    ///
    /// # Errors
    /// [`PointError::NotOnCurve`]; an unverified signature may hold any x.
    pub fn r0(&self) -> Result<Point, PointError> {
        Point::decompress(self.r0.as_bytes(), self.r0_odd)
    }

    /// Returns s.
    #[must_use]
    pub const fn s(&self) -> &Scalar {
        &self.s
    }

    /// Completes the signature with the secret of the encryption key.
    ///
    /// A wrong secret gives a signature that does not verify.
    #[must_use]
    pub fn decrypt(&self, secret: &SecretScalar) -> bip340::Signature {
        let t = secret.to_scalar();
        let s = if self.r0_odd { self.s.minus(&t) } else { self.s.plus(&t) };
        bip340::Signature::new(self.r0, s)
    }

    /// Finds the secret of the encryption key from the completed signature.
    ///
    /// # Errors
    /// [`ExtractError`] if the signature is not the completion of this one.
    pub fn extract<C: Curve>(
        &self,
        curve: &C,
        encryption: &EncryptionKey,
        signature: &bip340::Signature,
    ) -> Result<SecretScalar, ExtractError> {
        if *signature.r() != self.r0 {
            return Err(ExtractError::OtherNonce { expected: self.r0, found: *signature.r() });
        }
        let difference = signature.s().minus(&self.s);
        let t = if self.r0_odd { difference.negate() } else { difference };
        match curve.base_mul(&t) {
            Ok(point) if point == encryption.0 => {
                SecretScalar::from_scalar(&t).map_err(|_| ExtractError::OtherKey)
            }
            _ => Err(ExtractError::OtherKey),
        }
    }
}

/// Verifies that the signature decrypts, under the encryption key's secret, to a valid BIP-340 signature.
///
/// With Q = sG − eP, R0 must be T + Q if its y is even and T − Q if it is odd, parity included.
///
/// # Errors
/// [`VerifyError`] if the signature is not valid.
pub fn verify<C: Curve>(
    curve: &C,
    public: &XOnly,
    encryption: &EncryptionKey,
    digest: &[u8; 32],
    signature: &AdaptorSignature,
) -> Result<(), VerifyError> {
    if signature.s.is_zero() {
        return Err(VerifyError::ZeroS);
    }
    let e = challenge(&signature.r0, public, digest);
    // T − Q is T + Q with s and e negated.
    let (s, e) = if signature.r0_odd {
        (signature.s.negate(), e.scalar().negate())
    } else {
        (signature.s, *e.scalar())
    };
    let computed = curve.add_s_g_minus_e_p(&encryption.0, &s, &e, public)?;
    if computed.x_only() == signature.r0 && computed.is_odd() == signature.r0_odd {
        Ok(())
    } else {
        Err(VerifyError::OtherNonce { computed })
    }
}

/// Signs a digest under an encryption key, and verifies the result before returning it.
///
/// # Errors
/// [`SignError`] if no nonce can be derived, or the machine miscalculated.
#[cfg(feature = "libsecp")]
pub fn sign(
    key: &crate::SecretKey,
    encryption: &EncryptionKey,
    digest: &[u8; 32],
    aux: &[u8; 32],
) -> Result<AdaptorSignature, SignError> {
    let (r0, nonce) = key.adaptor_nonce(encryption.point(), digest, aux)?;
    let e = challenge(&r0.x_only(), &key.x_only(), digest);
    let s = key.respond(nonce, e.scalar());
    let signature = AdaptorSignature { r0: r0.x_only(), r0_odd: r0.is_odd(), s };
    verify(&key.own_curve(), &key.x_only(), encryption, digest, &signature).map_err(SignError::Faulty)?;
    Ok(signature)
}
