//! Verifying the registration of a stake that expands another one (spec §2.4, §5.6).
//!
//! Left to the caller, who has the records: that the old delegation is active, that the funding output is no stake
//! of another delegation (at registration *and* at activation), and that the spend that is reported later is bound to
//! this old stake.

use staking_crypto::Curve;

use super::request::{DelegationError, DelegationRequest, StakeTerms, VerifiedDelegation, verify_delegation};
use crate::keys::ProviderKey;
use crate::params::Params;
use crate::script::{ScriptError, StakingOutput, StakingPath};
use crate::tx::expansion::ExpansionError;
use crate::tx::sighash::Prevout;
use crate::tx::slashing::SlashingPolicy;
use crate::tx::{ExpansionTx, OutPoint, ParseTxError, Transaction};

/// The stake that is expanded.
#[derive(Clone, Copy, Debug)]
pub struct PreviousStake<'a> {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Its terms.
    pub terms: &'a StakeTerms,
    /// The parameters under which it was registered.
    pub params: &'a Params,
}

/// Why an expansion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpansionRequestError {
    /// The new registration is refused for itself.
    #[error(transparent)]
    Delegation(#[from] DelegationError),
    /// The transaction does not expand the old stake.
    #[error("expansion: {0}")]
    Expansion(#[from] ExpansionError),
    /// The bytes are not a transaction.
    #[error("expansion: {0}")]
    Parse(#[from] ParseTxError),
    /// The old scripts cannot be built.
    #[error("old stake: {0}")]
    OldScripts(#[from] ScriptError),
    /// Another owner, or another quorum of the same keys.
    #[error("the new stake has another owner")]
    OtherOwner,
    /// A provider of the old stake is missing.
    #[error("provider {0} of the old stake is missing")]
    ProviderDropped(ProviderKey),
    /// The new committee no longer contains a quorum of the old one.
    #[error("the new committee shares {shared} members with the old one, whose quorum is {quorum}")]
    Committee {
        /// Members of both.
        shared: usize,
        /// Quorum of the old one.
        quorum: u32,
    },
}

/// A verified registration that expands an old stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedExpansion {
    delegation: VerifiedDelegation,
    expansion: ExpansionTx,
    old_output: StakingOutput,
}

/// Verifies an expansion: everything of [`verify_delegation`], and the link to the old stake.
///
/// # Errors
/// The first rule that is broken.
pub fn verify_expansion<C: Curve>(
    curve: &C,
    params: &Params,
    policy: SlashingPolicy,
    previous: &PreviousStake<'_>,
    funding_tx: &Transaction,
    request: &DelegationRequest<'_>,
) -> Result<VerifiedExpansion, ExpansionRequestError> {
    check_succession(params, previous, request.terms)?;
    let delegation = verify_delegation(curve, params, policy, request)?;
    let tx = Transaction::parse(request.staking_tx)?;
    let expansion = ExpansionTx::validate(tx, previous.outpoint, funding_tx)?;
    expansion.check_amounts(previous.terms.value, request.terms.value)?;
    let (old, times) = (previous.terms, previous.terms.staking_time);
    let templates = previous.params.scripts();
    let old_output = templates.staking_output(curve, &old.stakers, &old.providers, times)?;
    let script = old_output.pk_script();
    let prevout = Prevout { value: old.value, script: &script };
    let digest = expansion.sighash(prevout, old_output.leaf(StakingPath::Unbonding).hash());
    Ok(VerifiedExpansion { delegation: delegation.with_expansion(digest), expansion, old_output })
}

fn check_succession(
    params: &Params,
    previous: &PreviousStake<'_>,
    next: &StakeTerms,
) -> Result<(), ExpansionRequestError> {
    let old = previous.terms;
    if !next.stakers.same_owner(&old.stakers) {
        return Err(ExpansionRequestError::OtherOwner);
    }
    if let Some(dropped) = old.providers.keys().iter().find(|key| next.providers.position(key).is_none()) {
        return Err(ExpansionRequestError::ProviderDropped(*dropped));
    }
    if !previous.params.can_expand_into(params) {
        let (shared, quorum) =
            (previous.params.covenants().overlap(params.covenants()), previous.params.covenants().quorum());
        return Err(ExpansionRequestError::Committee { shared, quorum });
    }
    Ok(())
}

impl VerifiedExpansion {
    /// Returns the new registration; its sighashes include the one of the old stake's input.
    #[must_use]
    pub fn delegation(&self) -> &VerifiedDelegation {
        &self.delegation
    }

    /// Returns the transaction as a spend of the old stake.
    #[must_use]
    pub fn expansion(&self) -> &ExpansionTx {
        &self.expansion
    }

    /// Returns the output of the old stake.
    #[must_use]
    pub fn old_output(&self) -> &StakingOutput {
        &self.old_output
    }
}
