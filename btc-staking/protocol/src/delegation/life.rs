//! Life of a delegation as moves, for a chain that keeps running totals of power.
//!
//! The status alone does not say whether a delegation's power has been added or taken away already; two moves in one
//! block, or a move that arrives twice, must change a total once. [`Life`] keeps the one flag that this needs.

use super::status::Inclusion;

/// How a delegation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By a proven spend.
    Unbonded,
    /// By the approach of its end.
    Expired,
}

/// What happened to a delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The covenant quorum is complete.
    QuorumReached,
    /// Inclusion was proven, at the depth the chain demands.
    Included(Inclusion),
    /// A spend of the stake was proven.
    Spent,
    /// The Bitcoin tip reached the expiry height.
    Expire,
    /// A provider of the stake was slashed.
    ProviderSlashed,
}

/// What a move does to the total of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerChange {
    /// Nothing.
    None,
    /// The stake is added.
    Added,
    /// The stake is taken away.
    Removed,
}

/// A move that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IllegalMove {
    /// The quorum was complete before.
    #[error("covenant quorum was reached before")]
    QuorumTwice,
    /// Inclusion was proven before.
    #[error("inclusion was proven before")]
    IncludedTwice,
    /// The delegation has ended.
    #[error("delegation has ended: {0:?}")]
    AlreadyEnded(Ended),
    /// Without inclusion there is no end to expire at.
    #[error("a delegation without inclusion cannot expire")]
    ExpireBeforeInclusion,
}

/// The moves so far, and whether the stake is counted now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    quorum: bool,
    inclusion: Option<Inclusion>,
    ended: Option<Ended>,
    slashed: bool,
    counted: bool,
}

impl Life {
    /// A delegation that was just registered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells whether the stake is in the totals.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.counted
    }

    /// Returns how it ended.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// Returns the proven inclusion.
    #[must_use]
    pub fn inclusion(&self) -> Option<Inclusion> {
        self.inclusion
    }

    /// Applies a move and returns what to do to the totals.
    ///
    /// A spend may follow an expiry (coins leave after their time), an expiry may not follow a spend.
    ///
    /// # Errors
    /// [`IllegalMove`]; the state is unchanged then.
    pub fn apply(&mut self, event: Move) -> Result<PowerChange, IllegalMove> {
        match (event, self.ended) {
            (Move::ProviderSlashed, _) => self.slashed = true,
            (Move::Spent, Some(Ended::Unbonded)) => return Err(IllegalMove::AlreadyEnded(Ended::Unbonded)),
            (Move::Spent, _) => self.ended = Some(Ended::Unbonded),
            (_, Some(ended)) => return Err(IllegalMove::AlreadyEnded(ended)),
            (Move::QuorumReached, None) if self.quorum => return Err(IllegalMove::QuorumTwice),
            (Move::QuorumReached, None) => self.quorum = true,
            (Move::Included(_), None) if self.inclusion.is_some() => return Err(IllegalMove::IncludedTwice),
            (Move::Included(inclusion), None) => self.inclusion = Some(inclusion),
            (Move::Expire, None) if self.inclusion.is_none() => {
                return Err(IllegalMove::ExpireBeforeInclusion);
            }
            (Move::Expire, None) => self.ended = Some(Ended::Expired),
        }
        Ok(self.settle())
    }

    /// Makes the counted flag follow the state; reports the difference once.
    fn settle(&mut self) -> PowerChange {
        let counts = self.quorum && self.inclusion.is_some() && self.ended.is_none() && !self.slashed;
        let change = match (self.counted, counts) {
            (false, true) => PowerChange::Added,
            (true, false) => PowerChange::Removed,
            _ => PowerChange::None,
        };
        self.counted = counts;
        change
    }
}
