//! Caps of the first staking phase, which indexers of Bitcoin applied (spec §4.2).
//!
//! A stake above the cap is "overflow": valid on Bitcoin, without weight, to be unbonded or withdrawn.

use crate::tx::Sat;

/// How much a version takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// Up to this total over all versions so far.
    Total(Sat),
    /// Everything included up to this Bitcoin height.
    Height(u32),
}

/// A cap does not fit the version before it or the largest stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapError {
    /// A total must exceed the largest stake.
    #[error("cap {cap} is not above the largest stake {max_stake}")]
    BelowLargestStake {
        /// The cap.
        cap: Sat,
        /// The largest stake.
        max_stake: Sat,
    },
    /// A total may not fall.
    #[error("cap {cap} is below the cap {previous} before it")]
    Falls {
        /// The cap.
        cap: Sat,
        /// The one before.
        previous: Sat,
    },
    /// A height must not be below the activation.
    #[error("cap height {cap} is below the activation height {activation}")]
    BeforeActivation {
        /// The cap.
        cap: u32,
        /// Activation height of the version.
        activation: u32,
    },
}

impl Cap {
    /// Checks the cap of a version against the version and the total cap before it.
    ///
    /// # Errors
    /// [`CapError`].
    pub fn check(self, activation: u32, max_stake: Sat, previous: Option<Sat>) -> Result<(), CapError> {
        match (self, previous) {
            (Self::Total(cap), _) if cap <= max_stake => Err(CapError::BelowLargestStake { cap, max_stake }),
            (Self::Total(cap), Some(previous)) if cap < previous => Err(CapError::Falls { cap, previous }),
            (Self::Height(cap), _) if cap < activation => Err(CapError::BeforeActivation { cap, activation }),
            _ => Ok(()),
        }
    }
}

/// Running total of accepted stakes, in order of inclusion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapTally(Sat);

impl CapTally {
    /// Returns the total accepted so far.
    #[must_use]
    pub fn total(self) -> Sat {
        self.0
    }

    /// Decides on the next stake; counts it and returns true unless it is overflow.
    pub fn accept(&mut self, cap: Cap, height: u32, value: Sat) -> bool {
        let Some(total) = self.0.checked_add(value) else { return false };
        let fits = match cap {
            Cap::Total(cap) => total <= cap,
            Cap::Height(last) => height <= last,
        };
        if fits {
            self.0 = total;
        }
        fits
    }

    /// Takes a stake out again when it is unbonded or withdrawn.
    pub fn release(&mut self, value: Sat) {
        self.0 = self.0.checked_sub(value).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stakes_above_the_cap_are_overflow() {
        let mut tally = CapTally::default();
        assert!(tally.accept(Cap::Total(Sat(100)), 1, Sat(60)));
        assert!(!tally.accept(Cap::Total(Sat(100)), 1, Sat(41)));
        assert!(tally.accept(Cap::Total(Sat(100)), 1, Sat(40)));
        assert!(tally.accept(Cap::Height(10), 10, Sat(1_000)));
        assert!(!tally.accept(Cap::Height(10), 11, Sat(1)));
        assert_eq!(tally.total(), Sat(1_100));
    }

    #[test]
    fn caps_must_fit_their_version() {
        assert!(Cap::Total(Sat(10)).check(1, Sat(10), None).is_err());
        assert!(Cap::Total(Sat(11)).check(1, Sat(10), Some(Sat(12))).is_err());
        assert!(Cap::Height(5).check(6, Sat(10), None).is_err());
        assert_eq!(Cap::Total(Sat(12)).check(1, Sat(10), Some(Sat(12))), Ok(()));
    }
}
