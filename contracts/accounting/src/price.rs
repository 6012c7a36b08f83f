//! Arithmetic of prices: value of foreign stake, its inverse, medians, steps (mesh-security.md §8, §16.7).

use crate::Ratio;
use crate::math::{mul_div_ceil, mul_div_floor};

/// Local value of a foreign amount: `floor(floor(amount × price) × adjustment)`, as the stock converter has it.
pub fn normalise(amount: u128, price: Ratio, adjustment: Ratio) -> u128 {
    adjustment.floor(price.floor(amount))
}

/// Foreign amount that a local slash stands for, rounded up **once** (the stock converter rounds down twice).
/// `None` when price or adjustment is zero, or it does not fit.
pub fn invert(local: u128, price: Ratio, adjustment: Ratio) -> Option<u128> {
    let scaled = mul_div_ceil(local, Ratio::SCALE, adjustment.0)?;
    // Two steps lose nothing that matters: a remainder below 10^-18 of a unit is not seen by the second.
    exact_two_step(local, price, adjustment).or_else(|| mul_div_ceil(scaled, Ratio::SCALE, price.0))
}

fn exact_two_step(local: u128, price: Ratio, adjustment: Ratio) -> Option<u128> {
    let wide = mul_div_ceil(local.checked_mul(Ratio::SCALE)?, Ratio::SCALE, adjustment.0)?;
    mul_div_ceil(wide, 1, price.0)
}

/// Foreign part of a slash in proportion: `ceil(foreign × slashed ÷ local)`, at most `foreign`.
pub fn proportional(foreign: u128, slashed: u128, local: u128) -> u128 {
    mul_div_ceil(foreign, slashed.min(local), local).unwrap_or(0).min(foreign)
}

/// Median of the values; the lower of the two middle ones for an even number. Sorts in place.
pub fn median(values: &mut [Ratio]) -> Option<Ratio> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}

/// `new` limited to `old × (1 ± step)`.
pub fn limit_step(old: Ratio, new: Ratio, step: Ratio) -> Ratio {
    let delta = step.floor(old.0);
    Ratio(new.0.clamp(old.0.saturating_sub(delta), old.0.saturating_add(delta)))
}

/// Share of `total` by weight, rounded down; zero without weights.
pub fn share(total: u128, weight: u128, weights: u128) -> u128 {
    mul_div_floor(total, weight, weights).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// S6: 4.5 M slashed at price 0.5 and discount 10 % are 10 M of provider stake; stock says 9 999 999.
    #[test]
    fn s6_the_inverse_is_exact() {
        let (price, adj) = (Ratio::percent(50), Ratio::percent(90));
        assert_eq!(normalise(100_000_000, price, adj), 45_000_000);
        assert_eq!(invert(4_500_000, price, adj), Some(10_000_000));
    }

    /// S10.
    #[test]
    fn s10_price_and_discount() {
        let (price, adj) = (Ratio::percent(50), Ratio::percent(60));
        assert_eq!(normalise(1000, price, adj), 300);
        assert_eq!(normalise(2000, price, adj), 600);
    }

    #[test]
    fn median_step_and_missing_prices() {
        let mut v = [Ratio(5), Ratio(1), Ratio(3), Ratio(4)];
        assert_eq!(median(&mut v), Some(Ratio(3)));
        assert_eq!(median(&mut []), None);
        assert_eq!(limit_step(Ratio(100), Ratio(500), Ratio::percent(10)), Ratio(110));
        assert_eq!(limit_step(Ratio(100), Ratio(1), Ratio::percent(10)), Ratio(90));
        assert_eq!(invert(1, Ratio::ZERO, Ratio::ONE), None);
    }

    proptest! {
        #[test]
        fn an_inverted_slash_is_never_worth_less_than_the_slash(
            local in 0u128..1_000_000_000_000, price in 1u128..5_000 * Ratio::SCALE, adj in 1u64..=100,
        ) {
            let adj = Ratio::percent(adj);
            if let Some(foreign) = invert(local, Ratio(price), adj) {
                // One unit of slack each for the two floors of the stock valuation.
                prop_assert!(normalise(foreign.saturating_add(0), Ratio(price), adj) + 2 >= local);
            }
        }
    }
}
