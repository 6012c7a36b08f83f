//! Brings liens back within collateral and slash capacity after either fell (mesh-security.md §4.5, OURS).
//!
//! First every lien is capped at what its holder may claim at most; then, while the promises exceed the slash
//! capacity, all liens are scaled alike and the rounding excess is taken from the largest promise. No lien
//! grows, both invariants hold afterwards (probes T2, T3), and a dust lien cannot stop it (T3b).

use crate::math::mul_div_floor;
use crate::{Lien, Totals};
use alloc::vec::Vec;

/// Shrinks `liens` so that `liens[i].high ≤ caps[i]` and their promises fit into `s`.
/// Returns what the upper bound of each lost: the amounts to burn.
pub fn shrink(liens: &mut [Lien], caps: &[u128], s: u128) -> Vec<u128> {
    let before: Vec<u128> = liens.iter().map(|l| l.amount.high).collect();
    for (lien, cap) in liens.iter_mut().zip(caps) {
        lien.amount.cap(*cap);
    }
    fit_promises(liens, s);
    liens.iter().zip(before).map(|(l, b)| b.saturating_sub(l.amount.high)).collect()
}

fn fit_promises(liens: &mut [Lien], s: u128) {
    let promised = Totals::of(&*liens).slashable.high;
    if promised <= s {
        return;
    }
    for lien in liens.iter_mut() {
        let scaled = mul_div_floor(lien.amount.high, s, promised).unwrap_or(0);
        if lien.ratio.0 > 0 {
            lien.amount.cap(scaled);
        }
    }
    // Each pass lowers one promise by at least one of at most one unit per lien of rounding excess.
    for _ in 0..=liens.len().saturating_mul(2) {
        let promised = Totals::of(&*liens).slashable.high;
        let Some(excess) = promised.checked_sub(s).filter(|e| *e > 0) else { return };
        trim_largest(liens, excess);
    }
}

fn trim_largest(liens: &mut [Lien], excess: u128) {
    if let Some(lien) = liens.iter_mut().max_by_key(|l| l.slashable().high) {
        let target = lien.slashable().high.saturating_sub(excess);
        lien.amount.cap(lien.ratio.inverse_floor(target));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ratio, ValueRange};
    use proptest::prelude::*;

    fn lien(high: u128, pct: u64) -> Lien {
        Lien { amount: ValueRange::exact(high), ratio: Ratio::percent(pct), shared: false }
    }

    /// S5, with ours: every lien keeps the same share instead of losing the same amount, so small liens survive.
    #[test]
    fn s5_promises_are_scaled_alike() {
        let mut liens = [lien(100, 10), lien(90, 50), lien(80, 50), lien(100, 50)];
        let burns = shrink(&mut liens, &[110; 4], 110);
        assert_eq!(liens.map(|l| l.amount.high), [75, 68, 60, 75]);
        assert_eq!(burns, [25, 22, 20, 25]);
        assert!(Totals::of(&liens).fits(110, 110));
    }

    /// T2: the capped liens also fit the second bound.
    #[test]
    fn capping_is_followed_by_fitting() {
        let mut liens = [lien(80, 50), lien(90, 55)];
        shrink(&mut liens, &[80; 2], 80);
        assert!(Totals::of(&liens).fits(80, 80));
    }

    /// T3b: one dust lien does not make a user un-slashable.
    #[test]
    fn dust_does_not_stop_it() {
        let mut liens = [lien(8, 80), lien(40, 80), lien(40, 80), lien(1, 50)];
        shrink(&mut liens, &[18; 4], 18);
        assert!(Totals::of(&liens).fits(18, 18));
    }

    #[test]
    fn a_lien_that_promises_nothing_is_left_alone_by_scaling() {
        let mut liens = [lien(100, 0), lien(100, 100)];
        assert_eq!(shrink(&mut liens, &[100; 2], 10), [0, 90]);
    }

    #[test]
    fn sharers_count_once() {
        let mut liens = [lien(100, 5); 5];
        liens.iter_mut().for_each(|l| l.shared = true);
        assert_eq!(Totals::of(&liens).slashable.high, 5);
        assert_eq!(shrink(&mut liens, &[100; 5], 5), [0; 5]);
        shrink(&mut liens, &[100; 5], 3);
        assert!(Totals::of(&liens).fits(100, 3));
        assert!(liens.iter().all(|l| l.amount.high > 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn both_invariants_hold_and_no_lien_grows(
            spec in prop::collection::vec((0u128..10_000, 0u64..=100, any::<bool>(), 0u128..10_000), 0..9),
            c in 0u128..10_000,
            tenth in any::<bool>(),
        ) {
            let mut liens: Vec<Lien> = spec.iter().map(|(h, p, sh, low)| Lien {
                amount: ValueRange { low: *low.min(h), high: *h }, ratio: Ratio::percent(*p), shared: *sh,
            }).collect();
            let before = liens.clone();
            let s = if tenth { c / 10 } else { c };
            let burns = shrink(&mut liens, &alloc::vec![c; before.len()], s);
            prop_assert!(Totals::of(&liens).fits(c, s));
            for ((l, b), burn) in liens.iter().zip(&before).zip(burns) {
                prop_assert!(l.amount.high <= b.amount.high && l.amount.low <= l.amount.high);
                prop_assert!(l.amount.low <= b.amount.low);
                prop_assert_eq!(burn, b.amount.high - l.amount.high);
            }
        }
    }
}
