//! The only parser from messages into the types of `staking_protocol`.
//!
//! Below it nothing is checked twice: a key that is a [`StakerKey`] has an x below the field prime, a
//! signature is 64 well-formed bytes. Whether it verifies is another question.

use core::fmt;
use std::string::ToString;
use std::vec::Vec;

use staking_protocol::delegation::{CovenantSignatures, StakeTerms, StakerSignatures};
use staking_protocol::keys::{CovenantKey, KeySetError, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::possession::{Possession, PossessionError};
use staking_protocol::timelock::{LockTimeError, StakingTime};
use staking_protocol::tx::Sat;

use crate::mesh::Binary;
use crate::staking as api;

/// Why a message does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseMessageError {
    /// A field is not what it should be; carries the field's name and the reason.
    Field(&'static str, std::string::String),
    /// A payload has the wrong number of bytes.
    Length {
        /// The field.
        field: &'static str,
        /// Bytes wanted.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The keys do not make a set.
    Keys(KeySetError),
    /// The staking time is none.
    StakingTime(LockTimeError),
    /// The proof of possession does not parse.
    Possession(PossessionError),
}

impl fmt::Display for ParseMessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field, reason) => write!(f, "{field}: {reason}"),
            Self::Length { field, expected, found } => write!(f, "{field} has {found} bytes, not {expected}"),
            Self::Keys(error) => error.fmt(f),
            Self::StakingTime(error) => error.fmt(f),
            Self::Possession(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ParseMessageError {}

impl From<KeySetError> for ParseMessageError {
    fn from(error: KeySetError) -> Self {
        Self::Keys(error)
    }
}

fn field<T, E: ToString>(name: &'static str, result: Result<T, E>) -> Result<T, ParseMessageError> {
    result.map_err(|error| ParseMessageError::Field(name, error.to_string()))
}

/// Takes a payload of exactly `N` bytes.
///
/// # Errors
/// [`ParseMessageError::Length`].
pub fn exact<'a, const N: usize>(
    name: &'static str,
    payload: &'a Binary,
) -> Result<&'a [u8; N], ParseMessageError> {
    let found = payload.0.len();
    payload.0.as_slice().try_into().map_err(|_| ParseMessageError::Length { field: name, expected: N, found })
}

/// A BIP-340 signature.
///
/// # Errors
/// Not 64 bytes, or no signature.
pub fn schnorr(
    name: &'static str,
    payload: &Binary,
) -> Result<staking_crypto::bip340::Signature, ParseMessageError> {
    field(name, staking_crypto::bip340::Signature::from_bytes(exact(name, payload)?))
}

/// An adaptor signature, in the current or the old form.
///
/// # Errors
/// No adaptor signature.
pub fn adaptor(
    name: &'static str,
    payload: &Binary,
) -> Result<staking_crypto::adaptor::AdaptorSignature, ParseMessageError> {
    field(name, staking_crypto::adaptor::AdaptorSignature::from_bytes(&payload.0))
}

impl TryFrom<&api::ProofOfPossession> for Possession {
    type Error = ParseMessageError;

    fn try_from(pop: &api::ProofOfPossession) -> Result<Self, Self::Error> {
        let kind = match pop.kind {
            api::PossessionKind::Bip340 => 0,
            api::PossessionKind::Bip322 => 1,
            api::PossessionKind::Ecdsa => 2,
        };
        Self::from_parts(kind, &pop.signature.0).map_err(ParseMessageError::Possession)
    }
}

/// A staker's key.
///
/// # Errors
/// x is not below the field prime.
pub fn staker_key(key: &crate::Key) -> Result<StakerKey, ParseMessageError> {
    field("staker_pk", StakerKey::from_bytes(key.as_bytes()))
}

/// A covenant member's key.
///
/// # Errors
/// x is not below the field prime.
pub fn covenant_key(key: &crate::Key) -> Result<CovenantKey, ParseMessageError> {
    field("covenant_pk", CovenantKey::from_bytes(key.as_bytes()))
}

/// A provider's key.
///
/// # Errors
/// x is not below the field prime.
pub fn provider_key(key: &crate::Key) -> Result<ProviderKey, ParseMessageError> {
    field("fp_pk", ProviderKey::from_bytes(key.as_bytes()))
}

/// A set of providers, in the order given.
///
/// # Errors
/// Empty, twice the same, or no keys.
pub fn providers(keys: &[crate::Key]) -> Result<Providers, ParseMessageError> {
    let keys: Result<Vec<_>, _> = keys.iter().map(provider_key).collect();
    Ok(Providers::new(keys?)?)
}

/// Keys, time and value of a stake, as registrations and delegations state them.
pub(crate) fn stake_terms(
    staker: &crate::Key,
    multisig: Option<&api::MultisigStaker>,
    fp_pks: &[crate::Key],
    staking_time: u16,
    value_sat: u64,
) -> Result<StakeTerms, ParseMessageError> {
    let others = multisig.map_or(&[][..], |m| &m.other_pks);
    let keys = core::iter::once(staker).chain(others).map(staker_key).collect::<Result<_, _>>()?;
    Ok(StakeTerms {
        stakers: Stakers::multi(keys, multisig.map_or(1, |m| m.quorum))?,
        providers: providers(fp_pks)?,
        staking_time: StakingTime::new(u32::from(staking_time)).map_err(ParseMessageError::StakingTime)?,
        value: Sat(value_sat),
    })
}

impl TryFrom<&api::RegisterDelegation> for StakeTerms {
    type Error = ParseMessageError;

    fn try_from(msg: &api::RegisterDelegation) -> Result<Self, Self::Error> {
        let multisig = msg.multisig.as_ref();
        stake_terms(&msg.staker_pk, multisig, &msg.fp_pks, msg.staking_time, msg.staking_value_sat)
    }
}

/// The owners' signatures over one transaction: of the first key, and of the others as `of` picks them.
pub(crate) fn owner_signatures(
    name: &'static str,
    (staker, own): (&crate::Key, &Binary),
    multisig: Option<&api::MultisigStaker>,
    of: impl Fn(&api::StakerSignatures) -> &Binary,
) -> Result<StakerSignatures, ParseMessageError> {
    let others = multisig.map_or(&[][..], |m| &m.signatures);
    core::iter::once((staker, own))
        .chain(others.iter().map(|s| (&s.staker_pk, of(s))))
        .map(|(key, bytes)| Ok((staker_key(key)?, schnorr(name, bytes)?)))
        .collect()
}

/// The staker's signatures over the slashing transaction and over the unbonding output's.
///
/// # Errors
/// A key or a signature does not parse.
pub fn staker_signatures(
    msg: &api::RegisterDelegation,
) -> Result<(StakerSignatures, StakerSignatures), ParseMessageError> {
    let (key, multisig) = (&msg.staker_pk, msg.multisig.as_ref());
    Ok((
        owner_signatures("slashing_signature", (key, &msg.slashing_signature), multisig, |s| &s.slashing)?,
        owner_signatures(
            "unbonding_slashing_signature",
            (key, &msg.unbonding_slashing_signature),
            multisig,
            |s| &s.unbonding_slashing,
        )?,
    ))
}

/// Adaptor signatures, one for each provider.
///
/// # Errors
/// One is no adaptor signature.
pub fn adaptors(
    name: &'static str,
    payloads: &[Binary],
) -> Result<Vec<staking_crypto::adaptor::AdaptorSignature>, ParseMessageError> {
    payloads.iter().map(|payload| adaptor(name, payload)).collect()
}

impl TryFrom<&api::CovenantSignatures> for CovenantSignatures {
    type Error = ParseMessageError;

    fn try_from(msg: &api::CovenantSignatures) -> Result<Self, Self::Error> {
        Ok(Self {
            slashing: adaptors("slashing", &msg.slashing)?,
            unbonding_slashing: adaptors("unbonding_slashing", &msg.unbonding_slashing)?,
            unbonding: schnorr("unbonding", &msg.unbonding)?,
            expansion: msg.expansion.as_ref().map(|s| schnorr("expansion", s)).transpose()?,
        })
    }
}
