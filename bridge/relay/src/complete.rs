//! Completing the pre-signed slashing transactions of a stake with a provider's leaked key.

use staking_api::DelegationMessageError;
use staking_api::staking::{Delegation, SignaturesOf};
use staking_crypto::curve::Libsecp;
use staking_crypto::{ScalarError, SecretKey, SecretScalar, bip340};
use staking_protocol::delegation::{SlashedOutput, SlashingInput};
use staking_protocol::keys::ProviderKey;
use staking_protocol::params::Params;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::witness::{LeakedKey, WitnessError};
use staking_protocol::tx::{Sighash, Transaction};

/// Why a slashing transaction cannot be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompleteError {
    /// The hub's delegation does not verify.
    #[error("delegation: {0}")]
    Delegation(#[from] DelegationMessageError),
    /// The evidence holds no secret key.
    #[error("secret key: {0}")]
    Secret(#[from] ScalarError),
    /// Signatures are missing or the key is another one.
    #[error("witness: {0}")]
    Witness(#[from] WitnessError),
}

/// Both slashing transactions of a stake, fully signed. At most one of them can ever be mined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Spends the staking output.
    pub staking: Transaction,
    /// Spends the unbonding output.
    pub unbonding: Transaction,
}

/// Completes both slashing transactions.
///
/// # Errors
/// [`CompleteError`]. Everything is verified before it is signed.
pub fn complete(
    delegation: &Delegation,
    signatures: &SignaturesOf,
    params: &Params,
    provider: ProviderKey,
    secret: &[u8; 32],
) -> Result<Completed, CompleteError> {
    let verified = delegation.verify(&Libsecp, params, SlashingPolicy::AtLeast)?;
    let leaked = LeakedKey::check(&Libsecp, provider, SecretScalar::from_bytes(secret)?)?;
    let sighashes = verified.sighashes();
    // The key is public by now, so its signatures need no fresh randomness.
    let key = SecretKey::from_secret(leaked.secret());
    let slash = |output, digest: &Sighash, covenants: &[_], stakers| {
        let provider = bip340::sign(&key, &digest.0, &[0; 32]);
        let input = SlashingInput { leaked: &leaked, provider, covenants, stakers };
        verified.presigned().complete_slashing(output, verified.terms(), params.covenants(), &input)
    };
    Ok(Completed {
        staking: slash(
            SlashedOutput::Staking,
            &sighashes.slashing,
            &signatures.slashing()?,
            verified.slashing_signatures(),
        )?,
        unbonding: slash(
            SlashedOutput::Unbonding,
            &sighashes.unbonding_slashing,
            &signatures.unbonding_slashing()?,
            verified.unbonding_slashing_signatures(),
        )?,
    })
}
