//! What a covenant member signs, and checking it (spec §5.7, §6.3).

use alloc::vec::Vec;
use staking_crypto::Curve;
use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey};
use staking_crypto::bip340::{self, Signature};

use crate::keys::CovenantKey;
use crate::tx::Sighash;

/// The digests of one stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SighashSet {
    /// Of the slashing transaction of the staking output.
    pub slashing: Sighash,
    /// Of the unbonding transaction.
    pub unbonding: Sighash,
    /// Of the slashing transaction of the unbonding output.
    pub unbonding_slashing: Sighash,
    /// Of the input that spends the old stake, if this one expands it.
    pub expansion: Option<Sighash>,
}

/// One member's signatures on one stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CovenantSignatures {
    /// On the slashing transaction: one per provider, in the order of the registration.
    pub slashing: Vec<AdaptorSignature>,
    /// On the slashing transaction of the unbonding output, likewise.
    pub unbonding_slashing: Vec<AdaptorSignature>,
    /// On the unbonding transaction.
    pub unbonding: Signature,
    /// On the old stake's input, for an expansion.
    pub expansion: Option<Signature>,
}

/// Which of a member's signatures is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CovenantSignaturesError {
    /// The key is not a member's.
    #[error("{0} is not a key of the committee")]
    NotAMember(CovenantKey),
    /// Not one adaptor signature per provider.
    #[error("{found} signatures on the {which} transaction for {providers} providers")]
    Count {
        /// Which transaction.
        which: &'static str,
        /// Providers of the stake.
        providers: usize,
        /// Signatures given.
        found: usize,
    },
    /// An adaptor signature on the slashing transaction is not valid.
    #[error("slashing signature for provider {provider}: {error}")]
    Slashing {
        /// Position of the provider.
        provider: usize,
        /// What is wrong.
        error: adaptor::VerifyError,
    },
    /// An adaptor signature on the slashing transaction of the unbonding output is not valid.
    #[error("unbonding slashing signature for provider {provider}: {error}")]
    UnbondingSlashing {
        /// Position of the provider.
        provider: usize,
        /// What is wrong.
        error: adaptor::VerifyError,
    },
    /// The signature on the unbonding transaction is not valid.
    #[error("unbonding signature: {0}")]
    Unbonding(#[source] bip340::VerifyError),
    /// The signature on the old stake's input is not valid.
    #[error("expansion signature: {0}")]
    Expansion(#[source] bip340::VerifyError),
    /// An expansion without its signature, or the reverse.
    #[error("expansion signature is missing or not wanted")]
    ExpansionPresence,
}

/// Verifies everything a member signs for a stake.
///
/// `encryption` are the providers' keys in the order of the registration. That the member belongs to the committee is
/// for the caller, who has the parameters.
///
/// # Errors
/// The first signature that is refused.
pub fn check_covenant_signatures<C: Curve>(
    curve: &C,
    member: &CovenantKey,
    encryption: &[EncryptionKey],
    sighashes: &SighashSet,
    signatures: &CovenantSignatures,
) -> Result<(), CovenantSignaturesError> {
    check_count("slashing", encryption, &signatures.slashing)?;
    check_count("unbonding slashing", encryption, &signatures.unbonding_slashing)?;
    check_unbonding_signature(curve, member, &sighashes.unbonding, &signatures.unbonding)?;
    check_expansion(curve, member, sighashes, signatures)?;
    check_adaptors(curve, member, encryption, &sighashes.slashing, &signatures.slashing)
        .map_err(|(provider, error)| CovenantSignaturesError::Slashing { provider, error })?;
    check_adaptors(curve, member, encryption, &sighashes.unbonding_slashing, &signatures.unbonding_slashing)
        .map_err(|(provider, error)| CovenantSignaturesError::UnbondingSlashing { provider, error })
}

/// Verifies a member's signature on the unbonding transaction.
///
/// # Errors
/// [`CovenantSignaturesError::Unbonding`].
pub fn check_unbonding_signature<C: Curve>(
    curve: &C,
    member: &CovenantKey,
    digest: &Sighash,
    signature: &Signature,
) -> Result<(), CovenantSignaturesError> {
    bip340::verify(curve, member.x_only(), &digest.0, signature).map_err(CovenantSignaturesError::Unbonding)
}

fn check_count(
    which: &'static str,
    encryption: &[EncryptionKey],
    signatures: &[AdaptorSignature],
) -> Result<(), CovenantSignaturesError> {
    let (providers, found) = (encryption.len(), signatures.len());
    if providers == found { Ok(()) } else { Err(CovenantSignaturesError::Count { which, providers, found }) }
}

fn check_expansion<C: Curve>(
    curve: &C,
    member: &CovenantKey,
    sighashes: &SighashSet,
    signatures: &CovenantSignatures,
) -> Result<(), CovenantSignaturesError> {
    match (&sighashes.expansion, &signatures.expansion) {
        (None, None) => Ok(()),
        (Some(digest), Some(signature)) => bip340::verify(curve, member.x_only(), &digest.0, signature)
            .map_err(CovenantSignaturesError::Expansion),
        _ => Err(CovenantSignaturesError::ExpansionPresence),
    }
}

/// Verifies adaptor signatures on one transaction; on failure says for which provider.
fn check_adaptors<C: Curve>(
    curve: &C,
    member: &CovenantKey,
    encryption: &[EncryptionKey],
    digest: &Sighash,
    signatures: &[AdaptorSignature],
) -> Result<(), (usize, adaptor::VerifyError)> {
    for (i, (key, signature)) in encryption.iter().zip(signatures).enumerate() {
        adaptor::verify(curve, member.x_only(), key, &digest.0, signature).map_err(|error| (i, error))?;
    }
    Ok(())
}
