//! The only parser of delegations as the hub shows them: back to verified protocol types, trusting nothing.
//!
//! A holder, a watchtower or a covenant member that reads a delegation re-verifies it here with parameters of its own
//! choice before relying on it.

use alloc::vec::Vec;
use core::fmt;

use staking_crypto::adaptor::{self, AdaptorSignature};
use staking_crypto::bip340::{self, Signature};
use staking_crypto::{Curve, PointError};
use staking_protocol::delegation::{
    DelegationError, DelegationRequest, StakeTerms, StakerSignatures as OwnerSignatures, VerifiedDelegation,
    verify_delegation,
};
use staking_protocol::keys::{CovenantKey, KeySetError, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::Params;
use staking_protocol::timelock::{LockTimeError, StakingTime, UnbondingTime};
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::witness::MemberAdaptorSignatures;
use staking_protocol::tx::{ParseTxError, Sat, Transaction};

use crate::hex::Key;
use crate::mesh::Binary;
use crate::staking::{Delegation, MemberSignatures, SignaturesOf};

/// Why a delegation message cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DelegationMessageError {
    /// A key is not below the field prime.
    Key(PointError),
    /// Keys of one role do not fit together.
    Keys(KeySetError),
    /// A lock time is out of range.
    LockTime(LockTimeError),
    /// A signature has the wrong length.
    SignatureLength(usize),
    /// A signature is not canonical.
    Signature(bip340::ParseError),
    /// An adaptor signature is malformed.
    Adaptor(adaptor::ParseError),
    /// The unbonding transaction is malformed.
    Unbonding(ParseTxError),
    /// A rule of the protocol is broken.
    Rule(DelegationError),
}

impl fmt::Display for DelegationMessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(e) => write!(f, "key: {e}"),
            Self::Keys(e) => write!(f, "keys: {e}"),
            Self::LockTime(e) => write!(f, "time: {e}"),
            Self::SignatureLength(found) => write!(f, "signature of {found} bytes instead of 64"),
            Self::Signature(e) => write!(f, "signature: {e}"),
            Self::Adaptor(e) => write!(f, "adaptor signature: {e}"),
            Self::Unbonding(e) => write!(f, "unbonding transaction: {e}"),
            Self::Rule(e) => write!(f, "{e}"),
        }
    }
}

impl core::error::Error for DelegationMessageError {}

macro_rules! from_error {
    ($($source:ty => $variant:ident),* $(,)?) => {$(
        impl From<$source> for DelegationMessageError {
            fn from(e: $source) -> Self {
                Self::$variant(e)
            }
        }
    )*};
}

from_error! {
    PointError => Key,
    KeySetError => Keys,
    LockTimeError => LockTime,
    bip340::ParseError => Signature,
    adaptor::ParseError => Adaptor,
    ParseTxError => Unbonding,
    DelegationError => Rule,
}

impl Delegation {
    /// Keys, time and value.
    ///
    /// # Errors
    /// When a key or time is malformed.
    pub fn terms(&self) -> Result<StakeTerms, DelegationMessageError> {
        Ok(StakeTerms {
            stakers: self.stakers()?,
            providers: Providers::new(
                self.fp_pks
                    .iter()
                    .map(|k| ProviderKey::from_bytes(k.as_bytes()))
                    .collect::<Result<_, _>>()?,
            )?,
            staking_time: StakingTime::new(u32::from(self.staking_time))?,
            value: Sat(self.value_sat),
        })
    }

    /// Verifies everything the hub says of this delegation, from its raw transactions.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify<C: Curve>(
        &self,
        curve: &C,
        params: &Params,
        policy: SlashingPolicy,
    ) -> Result<VerifiedDelegation, DelegationMessageError> {
        let terms = self.terms()?;
        let unbonding = Transaction::parse(&self.unbonding_tx.0)?;
        let request = DelegationRequest {
            terms: &terms,
            staking_tx: &self.staking_tx.0,
            unbonding_time: UnbondingTime::new(u32::from(self.unbonding_time))?,
            unbonding_tx: &self.unbonding_tx.0,
            unbonding_value: unbonding.output(0).map_or(Sat(0), |output| output.value),
            slashing_tx: &self.slashing_tx.0,
            slashing_signatures: &self.owner_signatures(&self.slashing_signature, |s| &s.slashing)?,
            unbonding_slashing_tx: &self.unbonding_slashing_tx.0,
            unbonding_slashing_signatures: &self
                .owner_signatures(&self.unbonding_slashing_signature, |s| &s.unbonding_slashing)?,
        };
        Ok(verify_delegation(curve, params, policy, &request)?)
    }

    fn stakers(&self) -> Result<Stakers, DelegationMessageError> {
        let primary = StakerKey::from_bytes(self.staker_pk.as_bytes())?;
        let Some(multisig) = &self.multisig else { return Ok(Stakers::single(primary)) };
        let others = multisig.other_pks.iter().map(|k| StakerKey::from_bytes(k.as_bytes()));
        let keys = core::iter::once(Ok(primary)).chain(others).collect::<Result<Vec<_>, _>>()?;
        Ok(Stakers::multi(keys, multisig.quorum)?)
    }

    fn owner_signatures(
        &self,
        primary: &Binary,
        of: impl Fn(&crate::staking::StakerSignatures) -> &Binary,
    ) -> Result<OwnerSignatures, DelegationMessageError> {
        let others = self.multisig.iter().flat_map(|m| &m.signatures).map(|s| (s.staker_pk, of(s)));
        core::iter::once((self.staker_pk, primary))
            .chain(others)
            .map(|(key, bytes)| Ok((StakerKey::from_bytes(key.as_bytes())?, signature(bytes)?)))
            .collect()
    }
}

fn signature(bytes: &Binary) -> Result<Signature, DelegationMessageError> {
    let found = bytes.0.len();
    let bytes: &[u8; 64] =
        bytes.0.as_slice().try_into().map_err(|_| DelegationMessageError::SignatureLength(found))?;
    Ok(Signature::from_bytes(bytes)?)
}

fn member_key(key: Key) -> Result<CovenantKey, DelegationMessageError> {
    Ok(CovenantKey::from_bytes(key.as_bytes())?)
}

impl SignaturesOf {
    /// The members' signatures on the unbonding transaction.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn unbonding(&self) -> Result<Vec<(CovenantKey, Signature)>, DelegationMessageError> {
        self.members.iter().map(|m| Ok((member_key(m.covenant_pk)?, signature(&m.unbonding)?))).collect()
    }

    /// The members' adaptor signatures on the slashing transaction.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn slashing(&self) -> Result<Vec<MemberAdaptorSignatures>, DelegationMessageError> {
        self.adaptors(|m| &m.slashing)
    }

    /// The members' adaptor signatures on the slashing transaction of the unbonding output.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn unbonding_slashing(&self) -> Result<Vec<MemberAdaptorSignatures>, DelegationMessageError> {
        self.adaptors(|m| &m.unbonding_slashing)
    }

    fn adaptors(
        &self,
        of: impl Fn(&MemberSignatures) -> &Vec<Binary>,
    ) -> Result<Vec<MemberAdaptorSignatures>, DelegationMessageError> {
        self.members
            .iter()
            .map(|m| {
                let signatures = of(m).iter().map(|s| AdaptorSignature::from_bytes(&s.0));
                Ok((member_key(m.covenant_pk)?, signatures.collect::<Result<_, _>>()?))
            })
            .collect()
    }
}
