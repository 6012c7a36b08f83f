//! Exact `a × b ÷ d` on 128-bit numbers.

/// Product of two 128-bit numbers as (high, low) halves.
fn widening_mul(a: u128, b: u128) -> (u128, u128) {
    const MASK: u128 = u64::MAX as u128;
    let (a1, a0) = (a >> 64, a & MASK);
    let (b1, b0) = (b >> 64, b & MASK);
    let low = a0 * b0;
    let mid = a1 * b0 + (low >> 64);
    let mid2 = a0 * b1 + (mid & MASK);
    let high = a1 * b1 + (mid >> 64) + (mid2 >> 64);
    (high, (mid2 << 64) | (low & MASK))
}

/// `(high, low) ÷ d` by long division; `None` when the quotient does not fit.
fn narrowing_div(high: u128, low: u128, d: u128) -> Option<(u128, u128)> {
    if high >= d {
        return None;
    }
    let (mut rem, mut quotient) = (high, 0u128);
    for bit in (0..128).rev() {
        let carry = rem >> 127;
        rem = (rem << 1) | ((low >> bit) & 1);
        if carry == 1 || rem >= d {
            rem = rem.wrapping_sub(d);
            quotient |= 1 << bit;
        }
    }
    Some((quotient, rem))
}

fn mul_div_rem(a: u128, b: u128, d: u128) -> Option<(u128, u128)> {
    if d == 0 {
        return None;
    }
    match a.checked_mul(b) {
        Some(p) => Some((p / d, p % d)),
        None => {
            let (high, low) = widening_mul(a, b);
            narrowing_div(high, low, d)
        }
    }
}

/// `floor(a × b ÷ d)`; `None` when `d` is zero or the result does not fit.
pub fn mul_div_floor(a: u128, b: u128, d: u128) -> Option<u128> {
    mul_div_rem(a, b, d).map(|(q, _)| q)
}

/// `ceil(a × b ÷ d)`; `None` when `d` is zero or the result does not fit.
pub fn mul_div_ceil(a: u128, b: u128, d: u128) -> Option<u128> {
    let (q, r) = mul_div_rem(a, b, d)?;
    if r == 0 { Some(q) } else { q.checked_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wide_and_narrow_paths_agree(a in any::<u64>(), b in any::<u64>(), d in 1..u64::MAX) {
            let (a, b, d) = (u128::from(a), u128::from(b), u128::from(d));
            let (high, low) = widening_mul(a, b);
            prop_assert_eq!(high, 0);
            prop_assert_eq!(narrowing_div(high, low, d), Some((a * b / d, a * b % d)));
        }

        #[test]
        fn quotient_times_divisor_gives_the_product_back(a in any::<u128>(), b in any::<u128>(), d in 1..u128::MAX) {
            if let Some((q, r)) = mul_div_rem(a, b, d) {
                let (high, low) = widening_mul(q, d);
                let (low, carry) = low.overflowing_add(r);
                prop_assert!(r < d);
                prop_assert_eq!((high + u128::from(carry), low), widening_mul(a, b));
            }
        }
    }

    #[test]
    fn a_zero_divisor_gives_nothing() {
        assert_eq!(mul_div_floor(1, 1, 0), None);
        assert_eq!(mul_div_ceil(u128::MAX, u128::MAX, 1), None);
        assert_eq!(mul_div_ceil(u128::MAX, u128::MAX, u128::MAX), Some(u128::MAX));
    }
}
