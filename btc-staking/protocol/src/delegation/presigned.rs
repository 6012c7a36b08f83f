//! The transactions that exist before a stake does, and what is signed of each.

use staking_crypto::Curve;

use super::covenant::SighashSet;
use super::request::StakeTerms;
use crate::params::Params;
use crate::script::{DelegationScripts, ScriptError, StakingPath, UnbondingPath};
use crate::tx::slashing::{Funding, SlashingError};
use crate::tx::unbonding::UnbondingError;
use crate::tx::{OutPoint, SlashingTx, UnbondingTx};

/// Why the pre-signed transactions of a stake cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// The scripts cannot be built.
    #[error(transparent)]
    Scripts(#[from] ScriptError),
    /// There is no unbonding transaction.
    #[error("unbonding transaction: {0}")]
    Unbonding(#[from] UnbondingError),
    /// There is no slashing transaction of the staking output.
    #[error("slashing transaction: {0}")]
    Slashing(#[source] SlashingError),
    /// There is no slashing transaction of the unbonding output.
    #[error("unbonding slashing transaction: {0}")]
    UnbondingSlashing(#[source] SlashingError),
}

/// Outputs and pre-signed transactions of one stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presigned {
    scripts: DelegationScripts,
    staking: Funding,
    unbonding: UnbondingTx,
    slashing: SlashingTx,
    unbonding_slashing: SlashingTx,
}

/// Rebuilds the pre-signed transactions of a stake: least fee, exact slash.
///
/// # Errors
/// [`DeriveError`].
pub fn derive<C: Curve>(
    curve: &C,
    params: &Params,
    terms: &StakeTerms,
    staking: OutPoint,
) -> Result<Presigned, DeriveError> {
    let scripts = terms.scripts(curve, params)?;
    Presigned::derive_with(params, Funding { outpoint: staking, value: terms.value }, scripts)
}

/// Builds the one unbonding transaction of a stake.
///
/// # Errors
/// [`UnbondingError::FeeTakesAll`].
pub fn derive_unbonding_tx(
    params: &Params,
    staking: Funding,
    scripts: &DelegationScripts,
) -> Result<UnbondingTx, UnbondingError> {
    let script = scripts.unbonding.pk_script();
    UnbondingTx::build(staking.outpoint, staking.value, params.unbonding_fee(), &script)
}

/// Builds the one slashing transaction of an output that our covenant signs.
///
/// # Errors
/// [`SlashingError`] if an amount comes out empty or dust.
pub fn derive_slashing_tx(
    params: &Params,
    funding: Funding,
    scripts: &DelegationScripts,
) -> Result<SlashingTx, SlashingError> {
    let terms = params.slashing();
    SlashingTx::build(funding, terms, terms.min_fee, &scripts.change.pk_script())
}

impl Presigned {
    /// Derives the transactions of a stake whose outputs are built already.
    pub(super) fn derive_with(
        params: &Params,
        staking: Funding,
        scripts: DelegationScripts,
    ) -> Result<Self, DeriveError> {
        let unbonding = derive_unbonding_tx(params, staking, &scripts)?;
        let slashing = derive_slashing_tx(params, staking, &scripts).map_err(DeriveError::Slashing)?;
        let funding = Funding { outpoint: unbonding.outpoint(), value: unbonding.value() };
        let unbonding_slashing =
            derive_slashing_tx(params, funding, &scripts).map_err(DeriveError::UnbondingSlashing)?;
        Ok(Self { scripts, staking, unbonding, slashing, unbonding_slashing })
    }

    /// Joins transactions that have been validated against these scripts and this stake.
    pub(super) fn from_validated(
        scripts: DelegationScripts,
        staking: Funding,
        unbonding: UnbondingTx,
        slashing: SlashingTx,
        unbonding_slashing: SlashingTx,
    ) -> Self {
        Self { scripts, staking, unbonding, slashing, unbonding_slashing }
    }

    /// Returns the outputs.
    #[must_use]
    pub fn scripts(&self) -> &DelegationScripts {
        &self.scripts
    }

    /// Returns where the stake is and what it holds.
    #[must_use]
    pub fn staking(&self) -> Funding {
        self.staking
    }

    /// Returns the unbonding transaction.
    #[must_use]
    pub fn unbonding(&self) -> &UnbondingTx {
        &self.unbonding
    }

    /// Returns the transaction that slashes the staking output.
    #[must_use]
    pub fn slashing(&self) -> &SlashingTx {
        &self.slashing
    }

    /// Returns the transaction that slashes the unbonding output.
    #[must_use]
    pub fn unbonding_slashing(&self) -> &SlashingTx {
        &self.unbonding_slashing
    }

    /// Computes what is signed of each transaction.
    #[must_use]
    pub fn sighashes(&self) -> SighashSet {
        let (staking, unbonding) = (&self.scripts.staking, &self.scripts.unbonding);
        let slashing_leaf = staking.leaf(StakingPath::Slashing).hash();
        let unbonding_slashing_leaf = unbonding.leaf(UnbondingPath::Slashing).hash();
        SighashSet {
            slashing: self.slashing.sighash(&staking.pk_script(), slashing_leaf),
            unbonding: self.unbonding.sighash(self.staking.value, staking),
            unbonding_slashing: self
                .unbonding_slashing
                .sighash(&unbonding.pk_script(), unbonding_slashing_leaf),
            expansion: None,
        }
    }
}
