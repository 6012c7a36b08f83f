//! When to commit randomness: early enough that its timestamp matures before it is needed, never overlapping.

/// What the hub knows of a provider's commitments for one consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitView {
    /// Last consumer height covered by any commitment; `None` before the first.
    pub covered_to: Option<u64>,
    /// The consumer's newest height.
    pub height: u64,
    /// First height at which the consumer's finality is active.
    pub activation: u64,
}

/// How far ahead to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitPolicy {
    /// Heights that must be covered beyond the newest one; below this a new commitment is made.
    pub ahead: u64,
    /// Heights in one commitment.
    pub batch: u64,
}

/// Consecutive heights to commit to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First height.
    pub start: u64,
    /// How many.
    pub count: u64,
}

/// Decides the next commitment, if one is due.
///
/// Ranges follow each other without overlap: a height committed twice could meet its nonce twice.
pub fn plan_commit(view: CommitView, policy: CommitPolicy) -> Option<Range> {
    let wanted = view.height.max(view.activation).checked_add(policy.ahead)?;
    if view.covered_to.is_some_and(|covered| covered >= wanted) || policy.batch == 0 {
        return None;
    }
    let floor = view.activation.max(1);
    let start = match view.covered_to {
        Some(covered) => covered.checked_add(1)?.max(floor),
        None => floor.max(view.height.saturating_add(1)),
    };
    Some(Range { start, count: policy.batch })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: CommitPolicy = CommitPolicy { ahead: 50, batch: 200 };

    #[test]
    fn the_first_commitment_begins_after_the_newest_height() {
        let view = CommitView { covered_to: None, height: 40, activation: 1 };
        assert_eq!(plan_commit(view, POLICY), Some(Range { start: 41, count: 200 }));
        let early = CommitView { covered_to: None, height: 3, activation: 100 };
        assert_eq!(plan_commit(early, POLICY), Some(Range { start: 100, count: 200 }));
    }

    #[test]
    fn enough_cover_means_no_commitment() {
        assert_eq!(
            plan_commit(CommitView { covered_to: Some(240), height: 190, activation: 1 }, POLICY),
            None
        );
        let due = CommitView { covered_to: Some(240), height: 191, activation: 1 };
        assert_eq!(plan_commit(due, POLICY), Some(Range { start: 241, count: 200 }));
    }

    proptest! {
        /// B4: ranges never overlap, whatever was covered before.
        #[test]
        fn a_new_range_never_touches_a_covered_height(covered in 0u64..1_000, height in 0u64..1_000, activation in 0u64..1_000) {
            let view = CommitView { covered_to: Some(covered), height, activation };
            if let Some(range) = plan_commit(view, POLICY) {
                prop_assert!(range.start > covered && range.start >= activation);
            }
        }
    }
}
