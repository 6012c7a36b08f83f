//! Splitting one amount over several stakes (mesh-security.md §3.3, OURS: pro rata, never short).

use crate::math::mul_div_floor;
use alloc::vec;
use alloc::vec::Vec;

/// Splits `amount` over `stakes` in proportion, by largest remainder; no part exceeds its stake.
/// When `amount` exceeds the sum every stake is taken whole, so the result adds up to `min(amount, Σ)`.
pub fn split(stakes: &[u128], amount: u128) -> Vec<u128> {
    let total = stakes.iter().fold(0u128, |a, s| a.saturating_add(*s));
    if amount >= total {
        return stakes.to_vec();
    }
    let mut parts: Vec<u128> = stakes.iter().map(|s| mul_div_floor(*s, amount, total).unwrap_or(0)).collect();
    let given = parts.iter().fold(0u128, |a, p| a.saturating_add(*p));
    let mut left = amount.saturating_sub(given);
    for i in by_remainder(stakes, &parts, amount, total) {
        if left == 0 {
            break;
        }
        if parts[i] < stakes[i] {
            parts[i] += 1;
            left -= 1;
        }
    }
    parts
}

/// Indices by descending `stake × amount mod total`; ties in the order listed.
fn by_remainder(stakes: &[u128], parts: &[u128], amount: u128, total: u128) -> Vec<usize> {
    let mut keys = vec![(0u128, 0usize); stakes.len()];
    for (i, key) in keys.iter_mut().enumerate() {
        // Exact modulo 2^128, and the true remainder is below `total`.
        let rem = stakes[i].wrapping_mul(amount).wrapping_sub(parts[i].wrapping_mul(total));
        *key = (rem, i);
    }
    keys.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    keys.into_iter().map(|(_, i)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn s4_the_burn_falls_in_proportion() {
        assert_eq!(split(&[100, 88], 2), [1, 1]);
        assert_eq!(split(&[0, 5], 3), [0, 3]);
        assert_eq!(split(&[], 3), [0u128; 0]);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_fit(stakes in prop::collection::vec(any::<u64>(), 0..20), amount in any::<u64>()) {
            let stakes: Vec<u128> = stakes.into_iter().map(u128::from).collect();
            let parts = split(&stakes, amount.into());
            let total: u128 = stakes.iter().sum();
            prop_assert_eq!(parts.iter().sum::<u128>(), total.min(amount.into()));
            prop_assert!(parts.iter().zip(&stakes).all(|(p, s)| p <= s));
        }
    }
}
