//! The change output of a slashing transaction.

use alloc::vec::Vec;
use staking_crypto::{Curve, CurveError};

use super::builder;
use crate::keys::Stakers;
use crate::taproot::{Leaf, OutputKey};
use crate::timelock::UnbondingTime;

/// What is left to the staker after slashing, locked for the unbonding time: a tree of one leaf.
///
/// There is no slashing path: a provider's key can be used up only once per stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlashingChange {
    timelock: Leaf,
    output: OutputKey,
}

impl SlashingChange {
    /// Builds the output.
    ///
    /// # Errors
    /// [`CurveError`] from the backend.
    pub fn new<C: Curve>(
        curve: &C,
        stakers: &Stakers,
        unbonding_time: UnbondingTime,
    ) -> Result<Self, CurveError> {
        let staker = builder::staker_check(stakers);
        Self::from_leaf(curve, Leaf::new(builder::timelock(&staker, unbonding_time.blocks())))
    }

    pub(super) fn from_leaf<C: Curve>(curve: &C, timelock: Leaf) -> Result<Self, CurveError> {
        let output = OutputKey::new(curve, *timelock.hash())?;
        Ok(Self { timelock, output })
    }

    /// Returns the time lock leaf.
    #[must_use]
    pub fn leaf(&self) -> &Leaf {
        &self.timelock
    }

    /// Returns the control block that opens it.
    #[must_use]
    pub fn control_block(&self) -> Vec<u8> {
        self.output.control_block(&[])
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
