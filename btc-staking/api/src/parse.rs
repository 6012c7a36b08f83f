//! The only parser from messages into the types of `staking_protocol`.
//!
//! Below it nothing is checked twice: a key that is a [`StakerKey`] has an x below the field prime, a
//! signature is 64 well-formed bytes. Whether it verifies is another question.

use core::fmt;
use std::string::ToString;
use std::vec::Vec;

use staking_protocol::delegation::{CovenantSignatures, StakeTerms};
use staking_protocol::keys::{KeySetError, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::ParamsUnchecked;
use staking_protocol::possession::{Possession, PossessionError};
use staking_protocol::timelock::{LockTimeError, StakingTime};
use staking_protocol::tx::Sat;
use staking_protocol::tx::slash_amount::SlashRounding;

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

impl TryFrom<&api::Params> for ParamsUnchecked {
    type Error = ParseMessageError;

    fn try_from(params: &api::Params) -> Result<Self, Self::Error> {
        let sat = |name, value: u64| field(name, i64::try_from(value));
        Ok(Self {
            covenant_pks: params.covenant_pks.iter().map(|key| key.to_bytes()).collect(),
            covenant_quorum: params.covenant_quorum,
            min_staking_value_sat: sat("min_staking_value_sat", params.min_staking_value_sat)?,
            max_staking_value_sat: sat("max_staking_value_sat", params.max_staking_value_sat)?,
            min_staking_time_blocks: params.min_staking_time_blocks,
            max_staking_time_blocks: params.max_staking_time_blocks,
            slashing_pk_script: params.slashing_pk_script.0.clone(),
            min_slashing_tx_fee_sat: sat("min_slashing_tx_fee_sat", params.min_slashing_tx_fee_sat)?,
            slashing_rate: params.slashing_rate.to_string(),
            slash_rounding: SlashRounding::Double,
            unbonding_time_blocks: params.unbonding_time_blocks,
            unbonding_fee_sat: sat("unbonding_fee_sat", params.unbonding_fee_sat)?,
            min_commission_rate: params.min_commission_rate.to_string(),
            btc_activation_height: params.btc_activation_height,
            max_finality_providers: params.max_finality_providers,
            max_staker_quorum: params.max_staker_quorum,
            max_staker_num: params.max_staker_num,
            ..Self::default()
        })
    }
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

impl TryFrom<&api::RegisterDelegation> for StakeTerms {
    type Error = ParseMessageError;

    fn try_from(msg: &api::RegisterDelegation) -> Result<Self, Self::Error> {
        let mut keys = std::vec![staker_key(&msg.staker_pk)?];
        let others = msg.multisig.as_ref().map_or(&[][..], |m| &m.other_pks);
        for key in others {
            keys.push(staker_key(key)?);
        }
        let quorum = msg.multisig.as_ref().map_or(1, |m| m.quorum);
        Ok(Self {
            stakers: Stakers::multi(keys, quorum)?,
            providers: providers(&msg.fp_pks)?,
            staking_time: StakingTime::new(u32::from(msg.staking_time))
                .map_err(ParseMessageError::StakingTime)?,
            value: Sat(msg.staking_value_sat),
        })
    }
}

/// Signatures of all staker keys over one transaction.
pub type StakerSignatures = Vec<(StakerKey, staking_crypto::bip340::Signature)>;

/// The staker's signatures over the slashing transaction and over the unbonding output's.
///
/// # Errors
/// A key or a signature does not parse.
pub fn staker_signatures(
    msg: &api::RegisterDelegation,
) -> Result<(StakerSignatures, StakerSignatures), ParseMessageError> {
    let key = staker_key(&msg.staker_pk)?;
    let mut slashing = std::vec![(key, schnorr("slashing_signature", &msg.slashing_signature)?)];
    let mut unbonding =
        std::vec![(key, schnorr("unbonding_slashing_signature", &msg.unbonding_slashing_signature)?)];
    for other in msg.multisig.as_ref().map_or(&[][..], |m| &m.signatures) {
        let key = staker_key(&other.staker_pk)?;
        slashing.push((key, schnorr("slashing", &other.slashing)?));
        unbonding.push((key, schnorr("unbonding_slashing", &other.unbonding_slashing)?));
    }
    Ok((slashing, unbonding))
}

impl TryFrom<&api::CovenantSignatures> for CovenantSignatures {
    type Error = ParseMessageError;

    fn try_from(msg: &api::CovenantSignatures) -> Result<Self, Self::Error> {
        let all =
            |name, list: &[Binary]| list.iter().map(|s| adaptor(name, s)).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            slashing: all("slashing", &msg.slashing)?,
            unbonding_slashing: all("unbonding_slashing", &msg.unbonding_slashing)?,
            unbonding: schnorr("unbonding", &msg.unbonding)?,
            expansion: msg.expansion.as_ref().map(|s| schnorr("expansion", s)).transpose()?,
        })
    }
}
