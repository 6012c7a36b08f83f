//! Status and voting power of a delegation: computed, never stored (spec §5.1).

use crate::timelock::UnbondingTime;
use crate::tx::Sat;

/// Where a delegation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Waits for covenant signatures.
    Pending,
    /// Signed by a covenant quorum, not yet proven to be in Bitcoin.
    Verified,
    /// Counts.
    Active,
    /// Was ended early.
    Unbonded,
    /// Its time is up, or so near that it could be withdrawn before a slashing.
    Expired,
}

impl Status {
    /// Returns the name that chains use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Verified => "VERIFIED",
            Self::Active => "ACTIVE",
            Self::Unbonded => "UNBONDED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// The Bitcoin heights between which a stake is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Height of the block that holds the staking transaction.
    pub start: u32,
    /// Start plus staking time.
    pub end: u32,
}

impl Inclusion {
    /// Reads heights of a record, where zeros mean "not proven yet".
    #[must_use]
    pub fn from_heights(start: u32, end: u32) -> Option<Self> {
        (start != 0 && end != 0).then_some(Self { start, end })
    }

    /// Tells whether the end is so near that the stake no longer counts.
    #[must_use]
    pub fn is_expired(self, tip: u32, unbonding_time: u16) -> bool {
        u64::from(tip).saturating_add(u64::from(unbonding_time)) >= u64::from(self.end)
    }

    /// Returns the first tip height at which the stake no longer counts.
    #[must_use]
    pub fn expiry_height(self, unbonding_time: UnbondingTime) -> u32 {
        self.end.saturating_sub(unbonding_time.sequence())
    }
}

/// Everything that decides the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelegationFacts {
    /// A spend of the stake was proven.
    pub unbonded_early: bool,
    /// Members that have given all their signatures.
    pub covenant_signatures: u32,
    /// Members required.
    pub quorum: u32,
    /// For an expansion: signatures on the old stake's input, and the old quorum.
    pub expansion: Option<(u32, u32)>,
    /// Proven inclusion.
    pub inclusion: Option<Inclusion>,
    /// Unbonding time of the delegation's parameters, in blocks.
    pub unbonding_time: u16,
}

impl DelegationFacts {
    /// Tells whether every needed quorum is reached.
    #[must_use]
    pub fn has_quorum(&self) -> bool {
        let old = self.expansion.is_none_or(|(signatures, quorum)| signatures >= quorum);
        old && self.covenant_signatures >= self.quorum
    }

    /// Computes the status at a Bitcoin tip.
    #[must_use]
    pub fn status(&self, tip: u32) -> Status {
        if self.unbonded_early {
            return Status::Unbonded;
        }
        if !self.has_quorum() {
            return Status::Pending;
        }
        match self.inclusion {
            None => Status::Verified,
            // Only after a reorganisation.
            Some(inclusion) if tip < inclusion.start => Status::Unbonded,
            Some(inclusion) if inclusion.is_expired(tip, self.unbonding_time) => Status::Expired,
            Some(_) => Status::Active,
        }
    }

    /// Computes the power at a Bitcoin tip: the stake if it is active.
    #[must_use]
    pub fn voting_power(&self, tip: u32, stake: Sat) -> Sat {
        if self.status(tip) == Status::Active { stake } else { Sat(0) }
    }
}
