//! A delegation to be signed: raw bytes in, keys and times checked for form.

use staking_api::signer::Presign;
use staking_crypto::PointError;
use staking_crypto::bip340::{ParseError, Signature};
use staking_protocol::delegation::{StakeTerms, StakerSignatures};
use staking_protocol::keys::{KeySetError, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::timelock::{LockTimeError, StakingTime};
use staking_protocol::tx::Sat;

/// Why a request is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// A key is not 32 bytes.
    #[error("{role} key of {length} bytes instead of 32")]
    KeyLength {
        /// Whose key.
        role: &'static str,
        /// Its length.
        length: usize,
    },
    /// A key is not below the field prime.
    #[error("{role} key: {error}")]
    Key {
        /// Whose key.
        role: &'static str,
        /// What is wrong with it.
        error: PointError,
    },
    /// The keys of one role do not fit together.
    #[error("keys: {0}")]
    Keys(#[from] KeySetError),
    /// The staking time is no relative lock.
    #[error("staking time: {0}")]
    StakingTime(#[from] LockTimeError),
    /// A signature is not 64 bytes.
    #[error("staker signature of {0} bytes instead of 64")]
    SignatureLength(usize),
    /// A signature is not canonical.
    #[error("staker signature: {0}")]
    Signature(#[from] ParseError),
}

/// A delegation as the requester describes it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Version of the parameters it was registered under.
    pub params_version: u32,
    /// Keys, time and value.
    pub terms: StakeTerms,
    /// Raw staking transaction.
    pub staking_tx: Vec<u8>,
    /// Raw slashing transaction of the staking output.
    pub slashing_tx: Vec<u8>,
    /// Raw unbonding transaction.
    pub unbonding_tx: Vec<u8>,
    /// Raw slashing transaction of the unbonding output.
    pub unbonding_slashing_tx: Vec<u8>,
    /// The owner's signatures over the slashing transaction.
    pub slashing_signatures: StakerSignatures,
    /// The owner's signatures over the slashing transaction of the unbonding output.
    pub unbonding_slashing_signatures: StakerSignatures,
}

impl TryFrom<Presign> for Request {
    type Error = RequestError;

    fn try_from(raw: Presign) -> Result<Self, RequestError> {
        let keys = raw.staker_keys.iter().map(|k| staker_key(k)).collect::<Result<Vec<_>, _>>()?;
        let slashing_signatures = signatures(&keys, &raw.staker_slashing_sigs)?;
        let unbonding_slashing_signatures = signatures(&keys, &raw.staker_unbonding_slashing_sigs)?;
        let providers = raw.provider_keys.iter().map(|k| provider_key(k)).collect::<Result<Vec<_>, _>>()?;
        let stakers = match keys.as_slice() {
            [only] => Stakers::single(*only),
            _ => Stakers::multi(keys, raw.staker_quorum)?,
        };
        let terms = StakeTerms {
            stakers,
            providers: Providers::new(providers)?,
            staking_time: StakingTime::new(raw.staking_time)?,
            value: Sat(raw.staking_value),
        };
        Ok(Self {
            params_version: raw.params_version,
            terms,
            staking_tx: raw.staking_tx,
            slashing_tx: raw.slashing_tx,
            unbonding_tx: raw.unbonding_tx,
            unbonding_slashing_tx: raw.unbonding_slashing_tx,
            slashing_signatures,
            unbonding_slashing_signatures,
        })
    }
}

fn bytes32(role: &'static str, bytes: &[u8]) -> Result<[u8; 32], RequestError> {
    bytes.try_into().map_err(|_| RequestError::KeyLength { role, length: bytes.len() })
}

fn staker_key(bytes: &[u8]) -> Result<StakerKey, RequestError> {
    StakerKey::from_bytes(&bytes32("staker", bytes)?)
        .map_err(|error| RequestError::Key { role: "staker", error })
}

fn provider_key(bytes: &[u8]) -> Result<ProviderKey, RequestError> {
    ProviderKey::from_bytes(&bytes32("provider", bytes)?)
        .map_err(|error| RequestError::Key { role: "provider", error })
}

/// Pairs keys with their slots; an empty slot is a key of an M-of-N owner that did not sign.
fn signatures(keys: &[StakerKey], slots: &[Vec<u8>]) -> Result<StakerSignatures, RequestError> {
    let filled = keys.iter().zip(slots).filter(|(_, slot)| !slot.is_empty());
    filled
        .map(|(key, slot)| {
            let bytes: &[u8; 64] =
                slot.as_slice().try_into().map_err(|_| RequestError::SignatureLength(slot.len()))?;
            Ok((*key, Signature::from_bytes(bytes)?))
        })
        .collect()
}
