//! The reference backend: k256, on any target. It verifies; it does not sign.

use k256::elliptic_curve::ops::LinearCombination;
use k256::{AffinePoint, ProjectivePoint};

use super::{Curve, CurveError, key_as_scalar};
use crate::ecdsa::RecoverableSignature;
use crate::point::{Point, XOnly};
use crate::scalar::Scalar;

/// k256 arithmetic.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pure;

/// Returns `aA + bG`.
fn combine(a: &Scalar, point: &AffinePoint, b: &Scalar) -> Result<Point, CurveError> {
    let sum = ProjectivePoint::lincomb(
        &ProjectivePoint::GENERATOR,
        b.inner(),
        &ProjectivePoint::from(*point),
        a.inner(),
    );
    Ok(Point::from_affine(&sum.to_affine())?)
}

impl Curve for Pure {
    fn s_g_minus_e_p(&self, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        key_as_scalar(e, p)?;
        combine(&e.negate(), &p.lift()?.to_affine(), s)
    }

    fn recover_ecdsa(
        &self,
        digest: &[u8; 32],
        signature: &RecoverableSignature,
    ) -> Result<Point, CurveError> {
        let nonce = Point::decompress(&signature.r().to_bytes(), signature.is_nonce_odd())?;
        let inverse = signature.r().invert_vartime().ok_or(CurveError::NoPoint)?;
        let of_key = signature.s().times(&inverse);
        let of_generator = Scalar::reduce(digest).times(&inverse).negate();
        combine(&of_key, &nonce.to_affine(), &of_generator)
    }
}
