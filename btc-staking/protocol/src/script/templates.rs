//! Scripts of one parameter version: what the committee fixes is laid out once.

use alloc::vec::Vec;
use staking_crypto::{Curve, CurveError};

use super::builder::{self, Ending};
use super::{SlashingChange, StakingOutput, UnbondingOutput};
use crate::keys::{Covenants, KeySetError, Providers, Stakers, check_distinct};
use crate::taproot::Leaf;
use crate::timelock::{StakingTime, UnbondingTime};

/// Why the scripts of a stake cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The keys do not fit together.
    #[error(transparent)]
    Keys(#[from] KeySetError),
    /// The output key cannot be computed.
    #[error("output key: {0}")]
    Curve(#[from] CurveError),
}

/// The committee and the script fragment that it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptTemplates {
    covenants: Covenants,
    covenant_check: Vec<u8>,
}

/// All outputs of one stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationScripts {
    /// The output that holds the stake.
    pub staking: StakingOutput,
    /// The output of the unbonding transaction.
    pub unbonding: UnbondingOutput,
    /// The change of both slashing transactions.
    pub change: SlashingChange,
}

impl ScriptTemplates {
    /// Lays out the fragment of a committee.
    #[must_use]
    pub fn new(covenants: Covenants) -> Self {
        let mut covenant_check = Vec::with_capacity(builder::capacity(covenants.keys().len()));
        builder::push_multi(&mut covenant_check, covenants.keys(), covenants.quorum(), Ending::Result);
        Self { covenants, covenant_check }
    }

    /// Returns the committee.
    #[must_use]
    pub fn covenants(&self) -> &Covenants {
        &self.covenants
    }

    /// Builds the staking output alone.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub fn staking_output<C: Curve>(
        &self,
        curve: &C,
        stakers: &Stakers,
        providers: &Providers,
        staking_time: StakingTime,
    ) -> Result<StakingOutput, ScriptError> {
        check_distinct(stakers, providers, &self.covenants)?;
        let staker = builder::staker_check(stakers);
        let timelock = Leaf::new(builder::timelock(&staker, staking_time.blocks()));
        Ok(StakingOutput::new(
            curve,
            timelock,
            self.unbonding_leaf(&staker),
            self.slashing_leaf(&staker, providers),
        )?)
    }

    /// Builds the unbonding output alone.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub fn unbonding_output<C: Curve>(
        &self,
        curve: &C,
        stakers: &Stakers,
        providers: &Providers,
        unbonding_time: UnbondingTime,
    ) -> Result<UnbondingOutput, ScriptError> {
        check_distinct(stakers, providers, &self.covenants)?;
        let staker = builder::staker_check(stakers);
        let timelock = Leaf::new(builder::timelock(&staker, unbonding_time.blocks()));
        Ok(UnbondingOutput::new(curve, timelock, self.slashing_leaf(&staker, providers))?)
    }

    /// Builds all outputs of a stake, each shared leaf once.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub fn scripts<C: Curve>(
        &self,
        curve: &C,
        stakers: &Stakers,
        providers: &Providers,
        staking_time: StakingTime,
        unbonding_time: UnbondingTime,
    ) -> Result<DelegationScripts, ScriptError> {
        check_distinct(stakers, providers, &self.covenants)?;
        let staker = builder::staker_check(stakers);
        let staking_lock = Leaf::new(builder::timelock(&staker, staking_time.blocks()));
        let unbonding_lock = Leaf::new(builder::timelock(&staker, unbonding_time.blocks()));
        let slashing = self.slashing_leaf(&staker, providers);
        let staking =
            StakingOutput::new(curve, staking_lock, self.unbonding_leaf(&staker), slashing.clone())?;
        let unbonding = UnbondingOutput::new(curve, unbonding_lock.clone(), slashing)?;
        Ok(DelegationScripts {
            staking,
            unbonding,
            change: SlashingChange::from_leaf(curve, unbonding_lock)?,
        })
    }

    fn unbonding_leaf(&self, staker_check: &[u8]) -> Leaf {
        Leaf::new([staker_check, &self.covenant_check].concat())
    }

    fn slashing_leaf(&self, staker_check: &[u8], providers: &Providers) -> Leaf {
        let keys = builder::capacity(providers.keys().len());
        let len = staker_check.len().saturating_add(self.covenant_check.len()).saturating_add(keys);
        let mut script = Vec::with_capacity(len);
        script.extend_from_slice(staker_check);
        builder::push_providers(&mut script, providers.keys());
        script.extend_from_slice(&self.covenant_check);
        Leaf::new(script)
    }
}
