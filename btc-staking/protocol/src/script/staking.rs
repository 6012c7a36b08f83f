//! The output that holds a stake.

use alloc::vec::Vec;
use staking_crypto::{Curve, CurveError};

use crate::taproot::{Leaf, OutputKey, branch_hash};

/// A way to spend the staking output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StakingPath {
    /// By the staker alone, after the staking time.
    Timelock,
    /// By the staker and the covenant, at any time.
    Unbonding,
    /// By the staker's and the covenant's pre-signatures and a provider's key.
    Slashing,
}

/// The staking output: tree ((time lock, unbonding), slashing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StakingOutput {
    timelock: Leaf,
    unbonding: Leaf,
    slashing: Leaf,
    output: OutputKey,
}

impl StakingOutput {
    pub(super) fn new<C: Curve>(
        curve: &C,
        timelock: Leaf,
        unbonding: Leaf,
        slashing: Leaf,
    ) -> Result<Self, CurveError> {
        let inner = branch_hash(timelock.hash(), unbonding.hash());
        let output = OutputKey::new(curve, branch_hash(&inner, slashing.hash()))?;
        Ok(Self { timelock, unbonding, slashing, output })
    }

    /// Returns the leaf of a path.
    #[must_use]
    pub fn leaf(&self, path: StakingPath) -> &Leaf {
        match path {
            StakingPath::Timelock => &self.timelock,
            StakingPath::Unbonding => &self.unbonding,
            StakingPath::Slashing => &self.slashing,
        }
    }

    /// Returns the control block that opens a path.
    #[must_use]
    pub fn control_block(&self, path: StakingPath) -> Vec<u8> {
        let (timelock, unbonding, slashing) =
            (self.timelock.hash(), self.unbonding.hash(), self.slashing.hash());
        match path {
            StakingPath::Timelock => self.output.control_block(&[unbonding, slashing]),
            StakingPath::Unbonding => self.output.control_block(&[timelock, slashing]),
            StakingPath::Slashing => self.output.control_block(&[&branch_hash(timelock, unbonding)]),
        }
    }

    /// Returns the output key and tree root.
    #[must_use]
    pub fn output_key(&self) -> &OutputKey {
        &self.output
    }

    /// Returns the output script.
    #[must_use]
    pub fn pk_script(&self) -> [u8; 34] {
        self.output.pk_script()
    }
}
