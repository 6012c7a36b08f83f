//! Multiples of a point, for multiplying it by public numbers.
//!
//! libsecp256k1 multiplies its generator in constant time only, and other points by 128 doublings. Where the
//! number is public and the point returns often, a sum of precomputed points is two to three times faster.
//! The sum is libsecp256k1's own `combine`: there is no arithmetic of ours here. Secrets must never come
//! near this.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;

use secp256k1::PublicKey;

use super::CurveError;
use super::libsecp::{lift, to_secp};
use crate::point::{Point, XOnly};
use crate::scalar::Scalar;

/// d·2^(wi)·P for every window i of w bits and every digit d from 1.
pub(crate) struct Multiples {
    digits: usize,
    points: Vec<PublicKey>,
}

impl Multiples {
    /// 32 windows of a byte: half a megabyte, 20 ms to make.
    pub(crate) fn by_bytes(point: PublicKey) -> Option<Self> {
        Self::new(point, 255, 32)
    }

    /// 64 windows of half a byte: 60 kB, 2 ms to make.
    pub(crate) fn by_nibbles(point: PublicKey) -> Option<Self> {
        Self::new(point, 15, 64)
    }

    fn new(mut base: PublicKey, digits: usize, windows: usize) -> Option<Self> {
        let mut points = Vec::with_capacity(digits.checked_mul(windows)?);
        for _ in 0..windows {
            let mut multiple = base;
            points.push(multiple);
            for _ in 1..digits {
                multiple = multiple.combine(&base).ok()?;
                points.push(multiple);
            }
            base = multiple.combine(&base).ok()?;
        }
        Some(Self { digits, points })
    }

    /// Adds the terms whose sum is the number's multiple of the point.
    fn terms<'a>(&'a self, number: &Scalar, terms: &mut Vec<&'a PublicKey>) {
        let bytes = number.to_bytes();
        let windows = self.points.chunks_exact(self.digits);
        let mut add = |(window, digit): (&'a [PublicKey], usize)| {
            terms.extend(digit.checked_sub(1).and_then(|at| window.get(at)));
        };
        let bytes = bytes.iter().rev().map(|byte| usize::from(*byte));
        if self.digits == 15 {
            windows.zip(bytes.flat_map(|byte| [byte & 15, byte >> 4])).for_each(&mut add);
        } else {
            windows.zip(bytes).for_each(&mut add);
        }
    }
}

fn sum(terms: &[&PublicKey]) -> Result<PublicKey, CurveError> {
    // The library takes an empty sum for a mistake of the caller.
    if terms.is_empty() {
        return Err(CurveError::NoPoint);
    }
    PublicKey::combine_keys(terms).map_err(|_| CurveError::NoPoint)
}

/// Multiplications after which the generator's table is worth making.
const WORTH_IT: u32 = 256;

static GENERATOR: OnceLock<Option<Multiples>> = OnceLock::new();
static CALLS: AtomicU32 = AtomicU32::new(0);

fn generator() -> Option<&'static Multiples> {
    let make = || Multiples::by_bytes(lift(&XOnly::GENERATOR).ok()?);
    GENERATOR.get_or_init(make).as_ref()
}

/// Returns tG + P, or tG without P. `None` while the table is not worth making.
pub(super) fn multiply_and_add(
    t: &Scalar,
    point: Option<&PublicKey>,
) -> Option<Result<PublicKey, CurveError>> {
    if CALLS.load(Ordering::Relaxed) < WORTH_IT {
        CALLS.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    let mut terms = Vec::with_capacity(33);
    terms.extend(point);
    generator()?.terms(t, &mut terms);
    Some(sum(&terms))
}

/// Returns sG − eP from the multiples of P.
pub(crate) fn s_g_minus_e_p(s: &Scalar, e: &Scalar, p: &Multiples) -> Result<Point, CurveError> {
    let mut terms = Vec::with_capacity(96);
    collect(s, e, p, &mut terms)?;
    sum(&terms).map(|point| Point::from_secp(&point))
}

/// Returns T + (sG − eP) from the multiples of P, in one sum.
pub(crate) fn add_s_g_minus_e_p(
    t: &Point,
    s: &Scalar,
    e: &Scalar,
    p: &Multiples,
) -> Result<Point, CurveError> {
    let first = to_secp(t)?;
    let mut terms = Vec::with_capacity(97);
    terms.push(&first);
    collect(s, e, p, &mut terms)?;
    let sum = Point::from_secp(&sum(&terms)?);
    // Then sG − eP is the point at infinity, which is no nonce.
    if sum == *t { Err(CurveError::NoPoint) } else { Ok(sum) }
}

fn collect<'a>(
    s: &Scalar,
    e: &Scalar,
    p: &'a Multiples,
    terms: &mut Vec<&'a PublicKey>,
) -> Result<(), CurveError> {
    generator().ok_or(CurveError::NoPoint)?.terms(s, terms);
    p.terms(&e.negate(), terms);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Curve, curve::Pure};

    #[test]
    fn sums_equal_the_reference() {
        let point = lift(&XOnly::GENERATOR).unwrap();
        CALLS.store(WORTH_IT, Ordering::Relaxed);
        let one = Scalar::ONE;
        let edges =
            [one, one.plus(&one), one.negate(), Scalar::reduce(&[0xff; 32]), Scalar::reduce(&[1; 32])];
        for t in edges {
            let sum = multiply_and_add(&t, None).unwrap().unwrap();
            assert_eq!(Pure.base_mul(&t), Ok(Point::from_secp(&sum)));
            let sum = multiply_and_add(&t, Some(&point)).unwrap();
            assert_eq!(Pure.tweak_add(&XOnly::GENERATOR, &t), sum.map(|sum| Point::from_secp(&sum)));
        }
        assert_eq!(multiply_and_add(&Scalar::ZERO, None), Some(Err(CurveError::NoPoint)));
        assert_eq!(multiply_and_add(&Scalar::ZERO, Some(&point)), Some(Ok(point)));
    }
}
