//! Multiples of the generator, for multiplying it by public numbers.
//!
//! libsecp256k1 multiplies its generator in constant time only. Tweaks of taproot outputs and leaked keys
//! are public, and for them a sum of at most 32 precomputed points is nearly three times faster. The sum is
//! libsecp256k1's own `combine`: there is no arithmetic of ours here. Secrets must never come near this.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;

use secp256k1::PublicKey;

use super::CurveError;
use super::libsecp::lift;
use crate::point::XOnly;
use crate::scalar::Scalar;

/// Non-zero values of a byte.
const DIGITS: usize = 255;

/// Multiplications after which the table is worth making: it takes 20 ms and half a megabyte.
const WORTH_IT: u32 = 256;

static TABLE: OnceLock<Option<Vec<PublicKey>>> = OnceLock::new();
static CALLS: AtomicU32 = AtomicU32::new(0);

/// Returns tG + P, or tG without P. `None` while the table is not worth making.
pub(super) fn multiply_and_add(
    t: &Scalar,
    point: Option<&PublicKey>,
) -> Option<Result<PublicKey, CurveError>> {
    if CALLS.load(Ordering::Relaxed) < WORTH_IT {
        CALLS.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    let table = TABLE.get_or_init(build).as_ref()?;
    let mut terms = Vec::with_capacity(33);
    terms.extend(point);
    let digits = t.to_bytes();
    for (window, digit) in table.chunks_exact(DIGITS).zip(digits.iter().rev()) {
        terms.extend(usize::from(*digit).checked_sub(1).and_then(|at| window.get(at)));
    }
    if terms.is_empty() {
        return Some(Err(CurveError::NoPoint));
    }
    Some(PublicKey::combine_keys(&terms).map_err(|_| CurveError::NoPoint))
}

/// Computes d·256^i·G for every byte position i and every digit d.
fn build() -> Option<Vec<PublicKey>> {
    let mut table = Vec::with_capacity(DIGITS.checked_mul(32)?);
    let mut base = lift(&XOnly::GENERATOR).ok()?;
    for _ in 0..32 {
        let mut multiple = base;
        table.push(multiple);
        for _ in 1..DIGITS {
            multiple = multiple.combine(&base).ok()?;
            table.push(multiple);
        }
        base = multiple.combine(&base).ok()?;
    }
    Some(table)
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
            assert_eq!(Pure.base_mul(&t), Ok((&sum).into()));
            let sum = multiply_and_add(&t, Some(&point)).unwrap();
            assert_eq!(Pure.tweak_add(&XOnly::GENERATOR, &t), sum.map(|sum| (&sum).into()));
        }
        assert_eq!(multiply_and_add(&Scalar::ZERO, None), Some(Err(CurveError::NoPoint)));
        assert_eq!(multiply_and_add(&Scalar::ZERO, Some(&point)), Some(Ok(point)));
    }
}
