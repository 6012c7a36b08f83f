//! When a block is final, and how far finality moves in one go.

/// Whether the power that voted is more than two thirds of the total. No power is never final (trap D23).
#[must_use]
pub fn is_final(voted: u64, total: u64) -> bool {
    total > 0 && u128::from(voted).saturating_mul(3) > u128::from(total).saturating_mul(2)
}

/// What is known of the votes for one height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// Nobody had power at this height: it can never become final and is passed over.
    NoPower,
    /// Power in satoshi.
    Power {
        /// Of the canonical votes.
        voted: u64,
        /// Of all providers.
        total: u64,
    },
}

/// Where finality stands after looking at some heights.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Advance {
    /// Heights that became final, ascending.
    pub finalized: alloc::vec::Vec<u64>,
    /// Next height to look at: the cursor to store. `None` when nothing was looked at.
    pub next: Option<u64>,
    /// Whether the walk stopped at its bound rather than at an open height or the end.
    pub more: bool,
}

/// Walks heights in order from the cursor: final ones and those without power are passed, the first open one
/// stops. At most `limit` heights are looked at (trap D9); the cursor passes skipped heights too (traps D7, D8).
pub fn advance(heights: impl IntoIterator<Item = (u64, Tally)>, limit: usize) -> Advance {
    let mut out = Advance::default();
    for (seen, (height, tally)) in heights.into_iter().enumerate() {
        if seen >= limit {
            out.more = true;
            break;
        }
        match tally {
            Tally::NoPower => {}
            Tally::Power { voted, total } if is_final(voted, total) => out.finalized.push(height),
            Tally::Power { .. } => {
                out.next = Some(height);
                break;
            }
        }
        out.next = Some(height.saturating_add(1));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const YES: Tally = Tally::Power { voted: 3, total: 4 };
    const NO: Tally = Tally::Power { voted: 2, total: 3 };

    #[test]
    fn two_thirds_exactly_are_not_enough() {
        assert!(!is_final(2, 3));
        assert!(is_final(3, 4));
        assert!(is_final(u64::MAX, u64::MAX));
        assert!(!is_final(0, 0), "trap D23: an empty set finalises nothing");
    }

    /// Trap D7: nothing after an open height becomes final before it.
    #[test]
    fn the_first_open_height_stops_the_walk() {
        let walk = advance([(5, YES), (6, Tally::NoPower), (7, YES), (8, NO), (9, YES)], 100);
        assert_eq!(walk, Advance { finalized: vec![5, 7], next: Some(8), more: false });
    }

    /// Traps D8 and D9: a long stretch without power is walked in bounded pieces and does not block.
    #[test]
    fn ten_thousand_and_one_empty_heights_are_passed() {
        let heights = |from: u64| (from..10_002).map(|h| (h, if h == 10_001 { YES } else { Tally::NoPower }));
        let first = advance(heights(0), 10_000);
        assert_eq!((first.next, first.more, first.finalized.len()), (Some(10_000), true, 0));
        let second = advance(heights(10_000), 10_000);
        assert_eq!(second, Advance { finalized: vec![10_001], next: Some(10_002), more: false });
    }

    proptest! {
        #[test]
        fn more_votes_never_undo_finality(voted in any::<u64>(), more in any::<u64>(), total in any::<u64>()) {
            prop_assert!(!is_final(voted, total) || is_final(voted.max(more), total));
        }
    }

    use alloc::vec;
}
