//! The output of the unbonding transaction.

use alloc::vec::Vec;
use staking_crypto::{Curve, CurveError};

use crate::taproot::{Leaf, OutputKey, branch_hash};

/// A way to spend the unbonding output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnbondingPath {
    /// By the staker alone, after the unbonding time.
    Timelock,
    /// By the staker's and the covenant's pre-signatures and a provider's key.
    Slashing,
}

/// The unbonding output: tree (time lock, slashing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnbondingOutput {
    timelock: Leaf,
    slashing: Leaf,
    output: OutputKey,
}

impl UnbondingOutput {
    pub(super) fn new<C: Curve>(curve: &C, timelock: Leaf, slashing: Leaf) -> Result<Self, CurveError> {
        let output = OutputKey::new(curve, branch_hash(timelock.hash(), slashing.hash()))?;
        Ok(Self { timelock, slashing, output })
    }

    /// Returns the leaf of a path.
    #[must_use]
    pub fn leaf(&self, path: UnbondingPath) -> &Leaf {
        match path {
            UnbondingPath::Timelock => &self.timelock,
            UnbondingPath::Slashing => &self.slashing,
        }
    }

    /// Returns the control block that opens a path.
    #[must_use]
    pub fn control_block(&self, path: UnbondingPath) -> Vec<u8> {
        match path {
            UnbondingPath::Timelock => self.output.control_block(&[self.slashing.hash()]),
            UnbondingPath::Slashing => self.output.control_block(&[self.timelock.hash()]),
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
