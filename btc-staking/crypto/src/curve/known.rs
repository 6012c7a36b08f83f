//! The native backend with tables for keys that sign often: a committee, the providers in force.
//!
//! Verifying under a known key takes half the time. A table is 60 kB and takes 2 ms to make, so it pays for
//! keys that are verified some hundred times. Other keys go to [`Libsecp`]; the answers are the same.

use alloc::collections::BTreeMap;

use super::libsecp::lift;
use super::table::{Multiples, add_s_g_minus_e_p, s_g_minus_e_p};
use super::{Curve, CurveError, Libsecp, key_as_scalar};
use crate::ecdsa::RecoverableSignature;
use crate::point::{Point, XOnly};
use crate::scalar::Scalar;

/// [`Libsecp`] with precomputed keys.
#[derive(Default)]
pub struct KnownKeys(BTreeMap<XOnly, Multiples>);

impl KnownKeys {
    /// Precomputes keys.
    ///
    /// # Errors
    /// [`CurveError::NoPoint`] if one is not on the curve.
    pub fn new(keys: impl IntoIterator<Item = XOnly>) -> Result<Self, CurveError> {
        let prepare = |key: XOnly| Ok((key, Multiples::by_nibbles(lift(&key)?).ok_or(CurveError::NoPoint)?));
        keys.into_iter().map(prepare).collect::<Result<_, _>>().map(Self)
    }

    /// Tells whether a key is precomputed.
    #[must_use]
    pub fn contains(&self, key: &XOnly) -> bool {
        self.0.contains_key(key)
    }
}

impl Curve for KnownKeys {
    fn s_g_minus_e_p(&self, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        match self.0.get(p) {
            Some(multiples) => {
                key_as_scalar(e, p)?;
                s_g_minus_e_p(s, e, multiples)
            }
            None => Libsecp.s_g_minus_e_p(s, e, p),
        }
    }

    fn add_s_g_minus_e_p(&self, t: &Point, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        match self.0.get(p) {
            Some(multiples) => {
                key_as_scalar(e, p)?;
                add_s_g_minus_e_p(t, s, e, multiples)
            }
            None => Libsecp.add_s_g_minus_e_p(t, s, e, p),
        }
    }

    fn recover_ecdsa(
        &self,
        digest: &[u8; 32],
        signature: &RecoverableSignature,
    ) -> Result<Point, CurveError> {
        Libsecp.recover_ecdsa(digest, signature)
    }

    fn accepts_bip340(&self, public: &XOnly, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        !self.contains(public) && Libsecp.accepts_bip340(public, digest, signature)
    }

    fn tweak_add(&self, p: &XOnly, t: &Scalar) -> Result<Point, CurveError> {
        Libsecp.tweak_add(p, t)
    }

    fn base_mul(&self, d: &Scalar) -> Result<Point, CurveError> {
        Libsecp.base_mul(d)
    }

    fn lift_x(&self, x: &XOnly) -> Result<Point, CurveError> {
        Libsecp.lift_x(x)
    }

    fn add(&self, a: &Point, b: &Point) -> Result<Point, CurveError> {
        Libsecp.add(a, b)
    }
}
