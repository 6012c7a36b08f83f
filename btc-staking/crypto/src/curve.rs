//! The group operations that verification needs, as a trait with a backend per place where it runs.
//!
//! Everything is derived from `sG − eP`. A host that only offers ECDSA recovery can answer it: recovery
//! computes `r⁻¹(s′X − zG)`, so with `X = P`, `r = x(P)`, `s′ = −e·x(P)` and `z = −s·x(P)` it returns
//! `sG − eP`. What recovery cannot express (`e = 0`, `x(P) ≥ n`) is refused by every backend, so that all
//! of them give the same answer to every input. No secret ever enters a [`Curve`].

#[cfg(feature = "libsecp")]
mod known;
#[cfg(feature = "libsecp")]
pub(crate) mod libsecp;
mod pure;
#[cfg(feature = "libsecp")]
pub(crate) mod table;

#[cfg(feature = "libsecp")]
pub use self::known::KnownKeys;
#[cfg(feature = "libsecp")]
pub use self::libsecp::Libsecp;
pub use self::pure::Pure;
use crate::ecdsa::RecoverableSignature;
use crate::point::{Point, PointError, XOnly};
use crate::scalar::Scalar;

/// Why a group operation has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// The factor of the key is zero.
    #[error("the factor of the public key is zero")]
    ZeroFactor,
    /// The x coordinate of the key is at or above the group order (one key in 2^128).
    #[error("x coordinate of {0:?} is not below the group order")]
    KeyAboveOrder(XOnly),
    /// The key is not on the curve, or the result is the point at infinity, or no key can be recovered.
    #[error("no such point: key not on the curve, or result at infinity")]
    NoPoint,
}

impl From<PointError> for CurveError {
    fn from(_: PointError) -> Self {
        Self::NoPoint
    }
}

/// The operands of ECDSA recovery that make it return `sG − eP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryOperands {
    /// Signature half r: the x coordinate of P.
    pub r: [u8; 32],
    /// Signature half s′ = −e·x(P), high or low.
    pub s: [u8; 32],
    /// Message digest z = −s·x(P).
    pub z: [u8; 32],
}

impl RecoveryOperands {
    /// Computes the operands for `sG − eP` with P of even y (recovery id 0).
    ///
    /// # Errors
    /// `e = 0` and `x(P) ≥ n` cannot be expressed.
    pub fn new(s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Self, CurveError> {
        let x = key_as_scalar(e, p)?;
        let minus_x = x.negate();
        Ok(Self { r: p.to_bytes(), s: e.times(&minus_x).to_bytes(), z: s.times(&minus_x).to_bytes() })
    }

    /// Returns r ‖ s′, the compact signature.
    #[must_use]
    pub fn signature(&self) -> [u8; 64] {
        crate::ecdsa::join(&self.r, &self.s)
    }
}

/// Refuses what recovery cannot express; returns x(P) modulo n.
fn key_as_scalar(e: &Scalar, p: &XOnly) -> Result<Scalar, CurveError> {
    if e.is_zero() {
        return Err(CurveError::ZeroFactor);
    }
    Scalar::from_bytes(p.as_bytes()).map_err(|_| CurveError::KeyAboveOrder(*p))
}

/// What a signature scheme needs of the group. All operands are public.
pub trait Curve {
    /// Returns `sG − eP` with P the point of even y.
    ///
    /// # Errors
    /// `e = 0`, `x(P) ≥ n`, P not on the curve, or the result is the point at infinity.
    fn s_g_minus_e_p(&self, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError>;

    /// Recovers the key that made an ECDSA signature over a digest.
    ///
    /// # Errors
    /// [`CurveError::NoPoint`] if there is no such key.
    fn recover_ecdsa(&self, digest: &[u8; 32], signature: &RecoverableSignature)
    -> Result<Point, CurveError>;

    /// Returns `T + (sG − eP)`.
    ///
    /// # Errors
    /// As for the two operations it consists of.
    fn add_s_g_minus_e_p(&self, t: &Point, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        self.add(t, &self.s_g_minus_e_p(s, e, p)?)
    }

    /// Tells whether a BIP-340 signature x(R) ‖ s of a digest is valid, where the backend has a shorter way
    /// than `sG − eP`. False means nothing: the long way decides, and says what is wrong.
    fn accepts_bip340(&self, _public: &XOnly, _digest: &[u8; 32], _signature: &[u8; 64]) -> bool {
        false
    }

    /// Returns `P + tG`: the taproot output key before its parity is dropped.
    ///
    /// # Errors
    /// P not usable as a key, or the result is the point at infinity.
    fn tweak_add(&self, p: &XOnly, t: &Scalar) -> Result<Point, CurveError> {
        self.s_g_minus_e_p(t, &Scalar::ONE.negate(), p)
    }

    /// Returns `dG`: the public key of a number that is no secret any more. Takes variable time.
    ///
    /// # Errors
    /// [`CurveError::NoPoint`] if d is zero.
    fn base_mul(&self, d: &Scalar) -> Result<Point, CurveError> {
        self.s_g_minus_e_p(&d.plus(&Scalar::ONE), &Scalar::ONE, &GENERATOR_X)
    }

    /// Returns the point with the given x and even y.
    ///
    /// # Errors
    /// [`CurveError::NoPoint`] if there is none.
    fn lift_x(&self, x: &XOnly) -> Result<Point, CurveError> {
        Ok(x.lift()?)
    }

    /// Returns the sum of two points.
    ///
    /// # Errors
    /// [`CurveError::NoPoint`] if it is the point at infinity.
    fn add(&self, a: &Point, b: &Point) -> Result<Point, CurveError> {
        Ok(a.plus(b)?)
    }
}

impl<C: Curve + ?Sized> Curve for &C {
    fn s_g_minus_e_p(&self, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        (**self).s_g_minus_e_p(s, e, p)
    }

    fn recover_ecdsa(
        &self,
        digest: &[u8; 32],
        signature: &RecoverableSignature,
    ) -> Result<Point, CurveError> {
        (**self).recover_ecdsa(digest, signature)
    }

    fn add_s_g_minus_e_p(&self, t: &Point, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        (**self).add_s_g_minus_e_p(t, s, e, p)
    }

    fn accepts_bip340(&self, public: &XOnly, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        (**self).accepts_bip340(public, digest, signature)
    }

    fn tweak_add(&self, p: &XOnly, t: &Scalar) -> Result<Point, CurveError> {
        (**self).tweak_add(p, t)
    }

    fn base_mul(&self, d: &Scalar) -> Result<Point, CurveError> {
        (**self).base_mul(d)
    }

    fn lift_x(&self, x: &XOnly) -> Result<Point, CurveError> {
        (**self).lift_x(x)
    }

    fn add(&self, a: &Point, b: &Point) -> Result<Point, CurveError> {
        (**self).add(a, b)
    }
}

/// x(G); its y is even.
const GENERATOR_X: XOnly = XOnly::GENERATOR;
