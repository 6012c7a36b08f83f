//! Limits on virtual power: absolute, of native, tapering, per validator (mesh-security.md §15-11).

use crate::math::{mul_div_ceil, mul_div_floor};
use crate::{Ratio, burn};
use alloc::vec::Vec;

/// Power of stake `x` under `cap`: `x` up to `k·cap`, then `cap − (cap − k·cap)² ÷ (x + cap − 2k·cap)`.
/// Monotone, never above `cap`, slope one at the knee; rewards go on by `x`.
pub fn taper(x: u128, cap: u128, k: Ratio) -> u128 {
    let knee = k.floor(cap).min(cap);
    if x <= knee {
        return x;
    }
    let gap = cap - knee;
    let over = (x - knee).saturating_add(gap);
    let missing = mul_div_ceil(gap, gap, over).unwrap_or(gap);
    cap.saturating_sub(missing).max(knee)
}

/// Largest virtual total: the absolute cap, and the share of native stake where one is set.
pub fn total_cap(absolute: u128, of_native: Option<Ratio>, native: u128) -> u128 {
    of_native.map_or(absolute, |r| r.floor(native).min(absolute))
}

/// Divides a cap among providers by weights, of trade or packet flow with them, say; rounded down, so Σ ≤ `total`.
/// All weights zero: nobody has any.
pub fn by_weight(total: u128, weights: &[u128]) -> Vec<u128> {
    let (all, mut left) = (sum(weights), total);
    let mut part = |w: &u128| {
        // The sum of weights may have been too large to be exact.
        let part = mul_div_floor(total, *w, all).unwrap_or(0).min(left);
        left -= part;
        part
    };
    weights.iter().map(&mut part).collect()
}

/// One validator's native stake and the virtual stake asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Stake that is there anyway.
    pub native: u128,
    /// Virtual stake asked for.
    pub wanted: u128,
}

/// Virtual stake per validator: at most `total` in sum and `wanted` each, and no validator above the share
/// `max_share` of all power through it, where that is feasible. What a limited validator cannot take goes to the
/// others in proportion (water-filling on the virtual part; native stake is never touched).
pub fn allocate(slots: &[Slot], total: u128, max_share: Option<Ratio>) -> Vec<u128> {
    let wanted: Vec<u128> = slots.iter().map(|s| s.wanted).collect();
    let start = burn::split(&wanted, total);
    let Some(share) = max_share else { return start };
    let native = slots.iter().fold(0u128, |a, s| a.saturating_add(s.native));
    // Below 1/n no distribution fits; the evenest is then the best.
    let n = u128::try_from(slots.len()).unwrap_or(u128::MAX).max(1);
    let share = share.max(Ratio(Ratio::SCALE.div_ceil(n)));
    let mut power = native.saturating_add(sum(&start));
    let mut given = fill(slots, total, share, power);
    for _ in 0..PASSES {
        let next = native.saturating_add(sum(&given));
        if next >= power {
            break;
        }
        power = next;
        given = fill(slots, total, share, power);
    }
    given
}

/// Passes after which convergence of the limits is not pursued further.
const PASSES: usize = 64;

fn sum(v: &[u128]) -> u128 {
    v.iter().fold(0u128, |a, x| a.saturating_add(*x))
}

/// Water-filling for a given total power.
fn fill(slots: &[Slot], total: u128, share: Ratio, power: u128) -> Vec<u128> {
    let most = share.floor(power);
    let room: Vec<u128> = slots.iter().map(|s| s.wanted.min(most.saturating_sub(s.native))).collect();
    let mut given: Vec<u128> = slots.iter().map(|_| 0).collect();
    let mut left = total.min(sum(&room));
    // Every pass fills at least one validator up or spends everything.
    for _ in 0..=slots.len() {
        let open: Vec<u128> = slots
            .iter()
            .zip(room.iter().zip(&given))
            .map(|(s, (r, g))| if g < r { s.wanted } else { 0 })
            .collect();
        let weights = sum(&open);
        if left == 0 || weights == 0 {
            break;
        }
        let round = left;
        for ((g, r), w) in given.iter_mut().zip(&room).zip(&open) {
            let part = mul_div_floor(round, *w, weights).unwrap_or(0).min(*r - *g).min(left);
            *g += part;
            left -= part;
        }
        if left == round {
            spread_rest(&mut given, &room, left);
            break;
        }
    }
    given
}

/// Hands the last few units out one by one where there is room.
fn spread_rest(given: &mut [u128], room: &[u128], mut left: u128) {
    for (g, r) in given.iter_mut().zip(room) {
        let part = left.min(*r - *g);
        *g += part;
        left -= part;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const CAP: u128 = 1_000_000_000_000;

    #[test]
    fn the_taper_has_the_values_of_the_specification() {
        let k = Ratio::percent(80);
        assert_eq!(taper(700_000_000_000, CAP, k), 700_000_000_000);
        // 866 666 666 666.67 and 971 428 571 428.57, rounded down.
        assert_eq!(taper(900_000_000_000, CAP, k), 866_666_666_666);
        assert_eq!(taper(CAP, CAP, k), 900_000_000_000);
        assert_eq!(taper(2 * CAP, CAP, k), 971_428_571_428);
        assert_eq!(taper(u128::MAX, CAP, k), CAP - 1);
        assert_eq!(taper(5, 0, k), 0);
    }

    #[test]
    fn what_a_limited_validator_cannot_take_goes_to_the_others() {
        let slots = [
            Slot { native: 10, wanted: 300 },
            Slot { native: 10, wanted: 100 },
            Slot { native: 80, wanted: 100 },
        ];
        let given = allocate(&slots, 300, Some(Ratio::percent(40)));
        let power = 100 + given.iter().sum::<u128>();
        for (g, s) in given.iter().zip(&slots) {
            assert!((g + s.native) * 100 <= power * 40, "{given:?}");
        }
        assert!(given[1] > 60, "{given:?}");
    }

    #[test]
    fn an_infeasible_share_is_best_effort() {
        let slots = [Slot { native: 50, wanted: 100 }, Slot { native: 50, wanted: 100 }];
        assert_eq!(allocate(&slots, 200, Some(Ratio::percent(10))), [100, 100]);
    }

    #[test]
    fn caps_follow_economic_weight() {
        assert_eq!(by_weight(1_000, &[5, 3, 2]), [500, 300, 200]);
        assert_eq!(by_weight(100, &[1, 1, 1]), [33, 33, 33]);
        assert_eq!((by_weight(100, &[0, 0]), by_weight(100, &[])), (vec![0, 0], vec![]));
    }

    proptest! {
        /// §15-12.
        #[test]
        fn weighed_caps_never_exceed_the_total(total in any::<u128>(), weights in prop::collection::vec(any::<u128>(), 0..12)) {
            let caps = by_weight(total, &weights);
            let given = caps.iter().try_fold(0u128, |a, c| a.checked_add(*c));
            prop_assert!(given.is_some_and(|given| given <= total), "{:?}", caps);
            prop_assert!(caps.iter().zip(&weights).all(|(c, w)| *w > 0 || *c == 0));
        }

        #[test]
        fn the_taper_is_monotone_and_below_the_cap(x in 0u128..10 * CAP, d in 0u128..CAP, k in 0u64..=100) {
            let k = Ratio::percent(k);
            prop_assert!(taper(x, CAP, k) <= taper(x + d, CAP, k));
            prop_assert!(taper(x, CAP, k) <= CAP.min(x));
        }

        #[test]
        fn allocation_keeps_every_limit(
            spec in prop::collection::vec((0u128..1_000_000, 0u128..1_000_000), 1..12),
            total in 0u128..5_000_000, share in 1u64..=100,
        ) {
            let slots: Vec<Slot> = spec.iter().map(|(native, wanted)| Slot { native: *native, wanted: *wanted }).collect();
            let share = Ratio::percent(share);
            let given = allocate(&slots, total, Some(share));
            let native: u128 = slots.iter().map(|s| s.native).sum();
            let power = native + given.iter().sum::<u128>();
            prop_assert!(given.iter().sum::<u128>() <= total);
            let n = slots.len() as u128;
            let share = share.max(Ratio(Ratio::SCALE.div_ceil(n)));
            for (g, s) in given.iter().zip(&slots) {
                prop_assert!(*g <= s.wanted);
                // A unit or two of slack where the fixpoint was cut off.
                prop_assert!(*g == 0 || g + s.native <= share.ceil(power) + 2, "{:?} {}", given, power);
            }
        }
    }
}
