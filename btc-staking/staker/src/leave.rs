//! Leaving: the unbonding transaction that the covenant signed long ago, and withdrawals through time locks.
//!
//! What the hub says is verified against the holder's own parameters before anything is signed.

use crate::plan::sign_withdrawal;
use staking_api::DelegationMessageError;
use staking_api::staking::{Delegation, SignaturesOf};
use staking_crypto::curve::Libsecp;
use staking_crypto::{SecretKey, bip340};
use staking_protocol::delegation::{
    CovenantSignaturesError, SlashedOutput, UnbondingInput, VerifiedDelegation, check_unbonding_signature,
};
use staking_protocol::params::Params;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::withdrawal::{Withdrawable, WithdrawalError, WithdrawalTx};
use staking_protocol::tx::witness::{self, WitnessError};
use staking_protocol::tx::{Sat, Transaction};

/// Why a holder cannot leave this way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaveError {
    /// What the hub says of the delegation does not verify.
    #[error("delegation: {0}")]
    Delegation(#[from] DelegationMessageError),
    /// A covenant member's signature does not verify.
    #[error("covenant: {0}")]
    Covenant(#[from] CovenantSignaturesError),
    /// Signatures are missing.
    #[error("witness: {0}")]
    Witness(#[from] WitnessError),
    /// The withdrawal cannot be built.
    #[error("withdrawal: {0}")]
    Withdrawal(#[from] WithdrawalError),
    /// The key is not the owner's.
    #[error("the signing key is not the staker's key of this stake")]
    OtherKey,
}

/// Which output of a stake is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The staking output, after the staking time.
    Staking,
    /// The unbonding output, after the unbonding time.
    Unbonding,
    /// The change of the slashing transaction of the staking output.
    SlashingChange,
    /// The change of the slashing transaction of the unbonding output.
    UnbondingSlashingChange,
}

/// Verifies a delegation as the hub shows it, and that `key` owns it.
///
/// # Errors
/// [`LeaveError::Delegation`], [`LeaveError::OtherKey`].
pub fn verify(
    delegation: &Delegation,
    params: &Params,
    key: &SecretKey,
) -> Result<VerifiedDelegation, LeaveError> {
    let verified = delegation.verify(&Libsecp, params, SlashingPolicy::AtLeast)?;
    if verified.terms().stakers.primary().x_only() != &key.x_only() {
        return Err(LeaveError::OtherKey);
    }
    Ok(verified)
}

/// Verifies that a covenant quorum signed the unbonding transaction: before this holds, no coin may be sent (S3).
///
/// # Errors
/// [`LeaveError::Covenant`], [`LeaveError::Witness`].
pub fn check_quorum(
    verified: &VerifiedDelegation,
    signatures: &SignaturesOf,
    params: &Params,
) -> Result<(), LeaveError> {
    let digest = &verified.sighashes().unbonding;
    let mut valid = 0;
    for (member, signature) in signatures.unbonding()? {
        check_unbonding_signature(&Libsecp, &member, digest, &signature)?;
        valid += usize::from(params.covenants().contains(&member));
    }
    let quorum = usize::try_from(params.covenants().quorum()).unwrap_or(usize::MAX);
    if valid < quorum {
        return Err(WitnessError::BelowQuorum { role: witness::Role::Covenant, found: valid, quorum }.into());
    }
    Ok(())
}

/// Completes the unbonding transaction.
///
/// # Errors
/// [`LeaveError`].
pub fn unbond(
    verified: &VerifiedDelegation,
    signatures: &SignaturesOf,
    params: &Params,
    key: &SecretKey,
    aux: &[u8; 32],
) -> Result<Transaction, LeaveError> {
    check_quorum(verified, signatures, params)?;
    let terms = verified.terms();
    let own = bip340::sign(key, &verified.sighashes().unbonding.0, aux);
    let input =
        UnbondingInput { covenants: &signatures.unbonding()?, stakers: &[(terms.stakers.primary(), own)] };
    Ok(verified.presigned().complete_unbonding(terms, params.covenants(), &input)?)
}

/// Describes an output of a stake that can be withdrawn.
pub fn withdrawable(verified: &VerifiedDelegation, params: &Params, source: Source) -> Withdrawable {
    let presigned = verified.presigned();
    let lock = params.unbonding_time();
    match source {
        Source::Staking => presigned.withdrawable_stake(verified.terms()),
        Source::Unbonding => presigned.withdrawable_unbonded(lock),
        Source::SlashingChange => presigned.withdrawable_change(SlashedOutput::Staking, lock),
        Source::UnbondingSlashingChange => presigned.withdrawable_change(SlashedOutput::Unbonding, lock),
    }
}

/// Builds, signs and verifies a withdrawal that pays everything less `fee` to `destination`.
///
/// # Errors
/// [`LeaveError::Withdrawal`].
pub fn withdraw(
    verified: &VerifiedDelegation,
    source: Withdrawable,
    destination: &[u8],
    fee: Sat,
    key: &SecretKey,
    aux: &[u8; 32],
) -> Result<Transaction, LeaveError> {
    let stakers = &verified.terms().stakers;
    let withdrawal = WithdrawalTx::build(vec![source.clone()], destination, fee)?;
    let signed = sign_withdrawal(&withdrawal, stakers, key, aux)?;
    WithdrawalTx::prove(&Libsecp, stakers, &[source], &signed)?;
    Ok(signed)
}
