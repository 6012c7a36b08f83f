//! The signatures of a member: adaptor signatures on both slashing transactions, a plain one on the unbonding.
//!
//! A plain signature over a slashing path is never made: it would slash without a fault.

use crate::verdict::Approved;
use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey, SignError};
use staking_crypto::{PointError, SecretKey, bip340};
use staking_protocol::delegation::CovenantSignatures;
use staking_protocol::tx::Sighash;

/// Why no signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresignError {
    /// A provider key is not on the curve.
    #[error("provider key: {0}")]
    Provider(#[from] PointError),
    /// The signature could not be made.
    #[error("adaptor signature: {0}")]
    Sign(#[from] SignError),
}

/// Signs an approved delegation. `aux` is fresh randomness that hardens the nonces; it need not be secret.
///
/// # Errors
/// [`PresignError`].
pub fn presign(
    key: &SecretKey,
    approved: &Approved,
    aux: &[u8; 32],
) -> Result<CovenantSignatures, PresignError> {
    let delegation = approved.delegation();
    let providers = delegation.terms().providers.keys();
    let encryption =
        providers.iter().map(|p| EncryptionKey::from_x_only(p.x_only())).collect::<Result<Vec<_>, _>>()?;
    let sighashes = delegation.sighashes();
    Ok(CovenantSignatures {
        slashing: adaptors(key, &encryption, &sighashes.slashing, aux)?,
        unbonding_slashing: adaptors(key, &encryption, &sighashes.unbonding_slashing, aux)?,
        unbonding: bip340::sign(key, &sighashes.unbonding.0, aux),
        expansion: None,
    })
}

fn adaptors(
    key: &SecretKey,
    encryption: &[EncryptionKey],
    digest: &Sighash,
    aux: &[u8; 32],
) -> Result<Vec<AdaptorSignature>, PresignError> {
    encryption.iter().map(|to| Ok(adaptor::sign(key, to, &digest.0, aux)?)).collect()
}
