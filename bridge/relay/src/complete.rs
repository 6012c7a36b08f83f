//! Completing the pre-signed slashing transactions of a stake with a provider's leaked key.

use staking_api::DelegationMessageError;
use staking_api::staking::{Delegation, SignaturesOf};
use staking_crypto::curve::Libsecp;
use staking_crypto::{ScalarError, SecretKey, SecretScalar, bip340};
use staking_protocol::delegation::VerifiedDelegation;
use staking_protocol::keys::ProviderKey;
use staking_protocol::params::Params;
use staking_protocol::script::{StakingPath, UnbondingPath};
use staking_protocol::taproot::Leaf;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::witness::{
    LeakedKey, MemberAdaptorSignatures, SlashingSignatures, WitnessError, slashing,
};
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
    let scripts = verified.presigned().scripts();
    let (staking, unbonding) = (&scripts.staking, &scripts.unbonding);
    let on_staking = Path {
        members: &signatures.slashing()?,
        stakers: verified.slashing_signatures(),
        digest: &sighashes.slashing,
        leaf: staking.leaf(StakingPath::Slashing),
        control_block: &staking.control_block(StakingPath::Slashing),
    };
    let on_unbonding = Path {
        members: &signatures.unbonding_slashing()?,
        stakers: verified.unbonding_slashing_signatures(),
        digest: &sighashes.unbonding_slashing,
        leaf: unbonding.leaf(UnbondingPath::Slashing),
        control_block: &unbonding.control_block(UnbondingPath::Slashing),
    };
    Ok(Completed {
        staking: verified
            .presigned()
            .slashing()
            .with_witness(on_staking.witness(params, &verified, &leaked)?),
        unbonding: verified
            .presigned()
            .unbonding_slashing()
            .with_witness(on_unbonding.witness(params, &verified, &leaked)?),
    })
}

/// One slashing path with the signatures made for it in advance.
struct Path<'a> {
    members: &'a [MemberAdaptorSignatures],
    stakers: &'a [(staking_protocol::keys::StakerKey, bip340::Signature)],
    digest: &'a Sighash,
    leaf: &'a Leaf,
    control_block: &'a [u8],
}

impl Path<'_> {
    fn witness(
        &self,
        params: &Params,
        delegation: &VerifiedDelegation,
        leaked: &LeakedKey,
    ) -> Result<Vec<Vec<u8>>, WitnessError> {
        let terms = delegation.terms();
        let covenants = leaked.decrypt(&terms.providers, self.members)?;
        // The key is public by now, so its signature needs no fresh randomness.
        let own = bip340::sign(&SecretKey::from_secret(leaked.secret()), &self.digest.0, &[0; 32]);
        let signatures = SlashingSignatures {
            covenants: &covenants,
            provider: (leaked.provider(), own),
            stakers: self.stakers,
        };
        slashing(
            params.covenants(),
            &terms.providers,
            &terms.stakers,
            &signatures,
            self.leaf,
            self.control_block,
        )
    }
}
