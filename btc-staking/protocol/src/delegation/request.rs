//! Verifying a registration from raw transactions (spec §5.2, step 5, and §6.2).

use alloc::vec::Vec;
use staking_crypto::Curve;
use staking_crypto::bip340::{self, Signature, VerifyError};

use super::covenant::SighashSet;
use super::presigned::{DeriveError, Presigned};
use crate::keys::{Providers, StakerKey, Stakers};
use crate::params::Params;
use crate::script::{DelegationScripts, ScriptError};
use crate::timelock::{StakingTime, UnbondingTime};
use crate::tx::sighash::Sighash;
use crate::tx::slashing::{Funding, SlashingError, SlashingPolicy};
use crate::tx::staking::StakingTxError;
use crate::tx::unbonding::UnbondingError;
use crate::tx::{OutPoint, Sat, SlashingTx, StakingTx, Txid, UnbondingTx};

/// What a holder chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StakeTerms {
    /// Who owns the stake.
    pub stakers: Stakers,
    /// Whom it backs.
    pub providers: Providers,
    /// For how long at most.
    pub staking_time: StakingTime,
    /// How much.
    pub value: Sat,
}

/// Why terms do not fit the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// The staking time is outside the bounds.
    #[error("staking time of {found} is not in {min} to {max}")]
    StakingTime {
        /// Shortest.
        min: StakingTime,
        /// Longest.
        max: StakingTime,
        /// Chosen.
        found: StakingTime,
    },
    /// The amount is outside the bounds.
    #[error("stake of {found} is not in {min} to {max}")]
    Value {
        /// Least.
        min: Sat,
        /// Greatest.
        max: Sat,
        /// Chosen.
        found: Sat,
    },
    /// More providers than allowed.
    #[error("{found} finality providers, at most {max} are allowed")]
    TooManyProviders {
        /// Greatest number.
        max: u32,
        /// Chosen.
        found: usize,
    },
    /// More owner keys, or a higher quorum, than allowed.
    #[error("{quorum} of {keys} staker keys is more than the parameters allow")]
    TooManyStakers {
        /// Signatures required.
        quorum: u32,
        /// Keys.
        keys: usize,
    },
}

/// Checks a holder's choice against the parameters.
///
/// # Errors
/// [`TermsError`].
pub fn check_terms(params: &Params, terms: &StakeTerms) -> Result<(), TermsError> {
    let providers = terms.providers.keys().len();
    if !usize::try_from(params.max_finality_providers()).is_ok_and(|max| providers <= max) {
        return Err(TermsError::TooManyProviders { max: params.max_finality_providers(), found: providers });
    }
    if !params.allows_stakers(&terms.stakers) {
        let (quorum, keys) = (terms.stakers.quorum(), terms.stakers.keys().len());
        return Err(TermsError::TooManyStakers { quorum, keys });
    }
    if !params.allows_time(terms.staking_time) {
        let (min, max) = (params.min_staking_time(), params.max_staking_time());
        return Err(TermsError::StakingTime { min, max, found: terms.staking_time });
    }
    if !params.allows_value(terms.value) {
        let (min, max) = (params.min_staking_value(), params.max_staking_value());
        return Err(TermsError::Value { min, max, found: terms.value });
    }
    Ok(())
}

impl From<DeriveError> for DelegationError {
    fn from(error: DeriveError) -> Self {
        match error {
            DeriveError::Scripts(error) => Self::Scripts(error),
            DeriveError::Unbonding(error) => Self::Unbonding(error),
            DeriveError::Slashing(error) => Self::Slashing(error),
            DeriveError::UnbondingSlashing(error) => Self::UnbondingSlashing(error),
        }
    }
}

impl StakeTerms {
    /// Builds the outputs under these parameters.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub fn scripts<C: Curve>(&self, curve: &C, params: &Params) -> Result<DelegationScripts, ScriptError> {
        let times = (self.staking_time, params.unbonding_time());
        params.scripts().scripts(curve, &self.stakers, &self.providers, times.0, times.1)
    }
}

/// Signatures by the owner's keys over one digest.
pub type StakerSignatures = Vec<(StakerKey, Signature)>;

/// A registration as it arrives: raw transactions and the owner's signatures.
#[derive(Clone, Copy, Debug)]
pub struct DelegationRequest<'a> {
    /// What the holder chose.
    pub terms: &'a StakeTerms,
    /// The staking transaction.
    pub staking_tx: &'a [u8],
    /// The unbonding time that the holder believes to apply.
    pub unbonding_time: UnbondingTime,
    /// The unbonding transaction.
    pub unbonding_tx: &'a [u8],
    /// What the holder believes the unbonding output to hold.
    pub unbonding_value: Sat,
    /// The slashing transaction of the staking output.
    pub slashing_tx: &'a [u8],
    /// The owner's signatures over it.
    pub slashing_signatures: &'a [(StakerKey, Signature)],
    /// The slashing transaction of the unbonding output.
    pub unbonding_slashing_tx: &'a [u8],
    /// The owner's signatures over it.
    pub unbonding_slashing_signatures: &'a [(StakerKey, Signature)],
}

/// Why a registration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DelegationError {
    /// The terms do not fit the parameters.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The unbonding time is not the parameters'.
    #[error("unbonding time of {found} instead of {expected}")]
    UnbondingTime {
        /// The parameters'.
        expected: UnbondingTime,
        /// The request's.
        found: UnbondingTime,
    },
    /// The declared unbonding value is not the stake less the fee.
    #[error("declared unbonding value {found} instead of {expected}")]
    UnbondingValue {
        /// Stake less fee.
        expected: Sat,
        /// The request's.
        found: Sat,
    },
    /// The scripts cannot be built.
    #[error(transparent)]
    Scripts(#[from] ScriptError),
    /// The staking transaction is not one.
    #[error("staking transaction: {0}")]
    Staking(#[from] StakingTxError),
    /// The unbonding transaction is not the one of the stake.
    #[error("unbonding transaction: {0}")]
    Unbonding(#[from] UnbondingError),
    /// The slashing transaction does not slash the stake.
    #[error("slashing transaction: {0}")]
    Slashing(#[source] SlashingError),
    /// The slashing transaction of the unbonding output does not slash it.
    #[error("unbonding slashing transaction: {0}")]
    UnbondingSlashing(#[source] SlashingError),
    /// The owner's signatures over the slashing transaction are not valid.
    #[error("slashing signature: {0}")]
    SlashingSignature(#[source] StakerSignaturesError),
    /// The owner's signatures over the slashing transaction of the unbonding output are not valid.
    #[error("unbonding slashing signature: {0}")]
    UnbondingSlashingSignature(#[source] StakerSignaturesError),
}

/// A registration that fulfils every rule which needs no other record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedDelegation {
    terms: StakeTerms,
    staking: StakingTx,
    presigned: Presigned,
    sighashes: SighashSet,
    slashing_signatures: StakerSignatures,
    unbonding_slashing_signatures: StakerSignatures,
}

/// Verifies a registration from raw transactions: parameters, scripts, all four transactions, the owner's signatures.
///
/// # Errors
/// The first rule that is broken.
pub fn verify_delegation<C: Curve>(
    curve: &C,
    params: &Params,
    policy: SlashingPolicy,
    request: &DelegationRequest<'_>,
) -> Result<VerifiedDelegation, DelegationError> {
    let terms = request.terms;
    check_terms(params, terms)?;
    if request.unbonding_time != params.unbonding_time() {
        let (expected, found) = (params.unbonding_time(), request.unbonding_time);
        return Err(DelegationError::UnbondingTime { expected, found });
    }
    let scripts = terms.scripts(curve, params)?;
    let staking = StakingTx::parse(request.staking_tx, &scripts.staking.pk_script(), terms.value)?;
    let presigned = validate_presigned(params, policy, request, scripts, &staking)?;
    VerifiedDelegation::new(
        curve,
        terms,
        staking,
        presigned,
        request.slashing_signatures,
        request.unbonding_slashing_signatures,
    )
}

/// Verifies a registration of which only the staking transaction and the owner's signatures were sent; the pre-signed
/// transactions are derived.
///
/// Accepts what [`verify_delegation`] accepts under [`SlashingPolicy::Exact`].
///
/// # Errors
/// The first rule that is broken.
pub fn verify_derived_delegation<C: Curve>(
    curve: &C,
    params: &Params,
    terms: &StakeTerms,
    staking_tx: &[u8],
    slashing_signatures: &[(StakerKey, Signature)],
    unbonding_slashing_signatures: &[(StakerKey, Signature)],
) -> Result<VerifiedDelegation, DelegationError> {
    check_terms(params, terms)?;
    let scripts = terms.scripts(curve, params)?;
    let staking = StakingTx::parse(staking_tx, &scripts.staking.pk_script(), terms.value)?;
    let stake = Funding { outpoint: staking.outpoint(), value: staking.value() };
    let presigned = Presigned::derive_with(params, stake, scripts)?;
    VerifiedDelegation::new(
        curve,
        terms,
        staking,
        presigned,
        slashing_signatures,
        unbonding_slashing_signatures,
    )
}

fn validate_presigned(
    params: &Params,
    policy: SlashingPolicy,
    request: &DelegationRequest<'_>,
    scripts: DelegationScripts,
    staking: &StakingTx,
) -> Result<Presigned, DelegationError> {
    let (unbonding_script, change_script) = (scripts.unbonding.pk_script(), scripts.change.pk_script());
    let stake = Funding { outpoint: staking.outpoint(), value: staking.value() };
    let slashing = SlashingTx::parse(request.slashing_tx, stake, params.slashing(), &change_script, policy)
        .map_err(DelegationError::Slashing)?;
    let fee = params.unbonding_fee();
    let unbonding =
        UnbondingTx::parse(request.unbonding_tx, stake.outpoint, stake.value, fee, &unbonding_script)?;
    if request.unbonding_value != unbonding.value() {
        let (expected, found) = (unbonding.value(), request.unbonding_value);
        return Err(DelegationError::UnbondingValue { expected, found });
    }
    let unbonded = Funding { outpoint: unbonding.outpoint(), value: unbonding.value() };
    let raw = request.unbonding_slashing_tx;
    let unbonding_slashing = SlashingTx::parse(raw, unbonded, params.slashing(), &change_script, policy)
        .map_err(DelegationError::UnbondingSlashing)?;
    Ok(Presigned::from_validated(scripts, stake, unbonding, slashing, unbonding_slashing))
}

/// Why an owner's signatures do not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StakerSignaturesError {
    /// The key is not one of the owner's.
    #[error("key {0} is not one of the staker's")]
    UnknownKey(StakerKey),
    /// A key signed twice.
    #[error("key {0} signed twice")]
    Twice(StakerKey),
    /// A signature is not valid.
    #[error("signature by {key}: {error}")]
    Invalid {
        /// The key.
        key: StakerKey,
        /// What is wrong.
        error: VerifyError,
    },
    /// Fewer signatures than the quorum.
    #[error("{found} signatures of {quorum}")]
    BelowQuorum {
        /// Signatures given.
        found: usize,
        /// Signatures required.
        quorum: u32,
    },
    /// The primary key did not sign.
    #[error("no signature by the primary key {0}")]
    NoPrimary(StakerKey),
}

/// Verifies an owner's signatures over a digest: all valid, at least the quorum, the primary key among them.
///
/// # Errors
/// [`StakerSignaturesError`].
pub fn verify_staker_signatures<C: Curve>(
    curve: &C,
    stakers: &Stakers,
    digest: &Sighash,
    signatures: &[(StakerKey, Signature)],
) -> Result<(), StakerSignaturesError> {
    let (found, quorum) = (signatures.len(), stakers.quorum());
    if !usize::try_from(quorum).is_ok_and(|quorum| found >= quorum) {
        return Err(StakerSignaturesError::BelowQuorum { found, quorum });
    }
    if !signatures.iter().any(|(key, _)| *key == stakers.primary()) {
        return Err(StakerSignaturesError::NoPrimary(stakers.primary()));
    }
    for (i, (key, signature)) in signatures.iter().enumerate() {
        if !stakers.keys().contains(key) {
            return Err(StakerSignaturesError::UnknownKey(*key));
        }
        if signatures.iter().take(i).any(|(earlier, _)| earlier == key) {
            return Err(StakerSignaturesError::Twice(*key));
        }
        bip340::verify(curve, key.x_only(), &digest.0, signature)
            .map_err(|error| StakerSignaturesError::Invalid { key: *key, error })?;
    }
    Ok(())
}

impl VerifiedDelegation {
    fn new<C: Curve>(
        curve: &C,
        terms: &StakeTerms,
        staking: StakingTx,
        presigned: Presigned,
        slashing: &[(StakerKey, Signature)],
        unbonding_slashing: &[(StakerKey, Signature)],
    ) -> Result<Self, DelegationError> {
        let sighashes = presigned.sighashes();
        verify_staker_signatures(curve, &terms.stakers, &sighashes.slashing, slashing)
            .map_err(DelegationError::SlashingSignature)?;
        verify_staker_signatures(curve, &terms.stakers, &sighashes.unbonding_slashing, unbonding_slashing)
            .map_err(DelegationError::UnbondingSlashingSignature)?;
        Ok(Self {
            terms: terms.clone(),
            staking,
            presigned,
            sighashes,
            slashing_signatures: slashing.to_vec(),
            unbonding_slashing_signatures: unbonding_slashing.to_vec(),
        })
    }

    /// Adds the digest of the input that spends the old stake.
    pub(super) fn with_expansion(mut self, digest: Sighash) -> Self {
        self.sighashes.expansion = Some(digest);
        self
    }

    /// Returns what the holder chose.
    #[must_use]
    pub fn terms(&self) -> &StakeTerms {
        &self.terms
    }

    /// Returns the staking transaction.
    #[must_use]
    pub fn staking(&self) -> &StakingTx {
        &self.staking
    }

    /// Returns the identifier of the staking transaction.
    #[must_use]
    pub fn staking_txid(&self) -> Txid {
        self.staking.txid()
    }

    /// Returns where the stake is.
    #[must_use]
    pub fn outpoint(&self) -> OutPoint {
        self.staking.outpoint()
    }

    /// Returns the index of the staking output.
    #[must_use]
    pub fn staking_output_idx(&self) -> u32 {
        self.staking.outpoint().vout
    }

    /// Returns outputs and pre-signed transactions.
    #[must_use]
    pub fn presigned(&self) -> &Presigned {
        &self.presigned
    }

    /// Returns what covenant and owner sign.
    #[must_use]
    pub fn sighashes(&self) -> &SighashSet {
        &self.sighashes
    }

    /// Returns the owner's signatures over the slashing transaction.
    #[must_use]
    pub fn slashing_signatures(&self) -> &[(StakerKey, Signature)] {
        &self.slashing_signatures
    }

    /// Returns the owner's signatures over the slashing transaction of the unbonding output.
    #[must_use]
    pub fn unbonding_slashing_signatures(&self) -> &[(StakerKey, Signature)] {
        &self.unbonding_slashing_signatures
    }
}
