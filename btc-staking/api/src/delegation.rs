//! The only parser of delegations as the hub shows them: back to verified protocol types, trusting nothing.
//!
//! A holder, a watchtower or a covenant member that reads a delegation re-verifies it here with parameters of its own
//! choice before relying on it.

use alloc::vec::Vec;

use staking_crypto::Curve;
use staking_crypto::bip340::Signature;
use staking_protocol::delegation::{
    DelegationError, DelegationRequest, StakeTerms, VerifiedDelegation, verify_delegation,
};
use staking_protocol::keys::CovenantKey;
use staking_protocol::params::Params;
use staking_protocol::timelock::{LockTimeError, UnbondingTime};
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::witness::MemberAdaptorSignatures;
use staking_protocol::tx::{ParseTxError, Sat, Transaction};

use crate::mesh::Binary;
use crate::parse::{ParseMessageError, adaptors, covenant_key, owner_signatures, schnorr, stake_terms};
use crate::staking::{Delegation, MemberSignatures, SignaturesOf, StakerSignatures};

/// Why a delegation message cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DelegationMessageError {
    /// A field does not parse.
    #[error(transparent)]
    Field(#[from] ParseMessageError),
    /// The time lock of the unbonding output is none.
    #[error("unbonding time: {0}")]
    UnbondingTime(#[from] LockTimeError),
    /// The unbonding transaction is malformed.
    #[error("unbonding transaction: {0}")]
    Unbonding(#[from] ParseTxError),
    /// A rule of the protocol is broken.
    #[error(transparent)]
    Rule(#[from] DelegationError),
}

impl Delegation {
    /// Keys, time and value.
    ///
    /// # Errors
    /// When a key or time is malformed.
    pub fn terms(&self) -> Result<StakeTerms, DelegationMessageError> {
        let multisig = self.multisig.as_ref();
        Ok(stake_terms(&self.staker_pk, multisig, &self.fp_pks, self.staking_time, self.value_sat)?)
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
        let owners = |name, own, of: fn(&StakerSignatures) -> &Binary| {
            owner_signatures(name, (&self.staker_pk, own), self.multisig.as_ref(), of)
        };
        let request = DelegationRequest {
            terms: &terms,
            staking_tx: &self.staking_tx.0,
            unbonding_time: UnbondingTime::new(u32::from(self.unbonding_time))?,
            unbonding_tx: &self.unbonding_tx.0,
            unbonding_value: unbonding.output(0).map_or(Sat(0), |output| output.value),
            slashing_tx: &self.slashing_tx.0,
            slashing_signatures: &owners("slashing_signature", &self.slashing_signature, |s| &s.slashing)?,
            unbonding_slashing_tx: &self.unbonding_slashing_tx.0,
            unbonding_slashing_signatures: &owners(
                "unbonding_slashing_signature",
                &self.unbonding_slashing_signature,
                |s| &s.unbonding_slashing,
            )?,
        };
        Ok(verify_delegation(curve, params, policy, &request)?)
    }
}

impl SignaturesOf {
    /// The members' signatures on the unbonding transaction.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn unbonding(&self) -> Result<Vec<(CovenantKey, Signature)>, DelegationMessageError> {
        let each =
            |m: &MemberSignatures| Ok((covenant_key(&m.covenant_pk)?, schnorr("unbonding", &m.unbonding)?));
        self.members.iter().map(each).collect()
    }

    /// The members' adaptor signatures on the slashing transaction.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn slashing(&self) -> Result<Vec<MemberAdaptorSignatures>, DelegationMessageError> {
        self.adaptors("slashing", |m| &m.slashing)
    }

    /// The members' adaptor signatures on the slashing transaction of the unbonding output.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn unbonding_slashing(&self) -> Result<Vec<MemberAdaptorSignatures>, DelegationMessageError> {
        self.adaptors("unbonding_slashing", |m| &m.unbonding_slashing)
    }

    fn adaptors(
        &self,
        name: &'static str,
        of: impl Fn(&MemberSignatures) -> &Vec<Binary>,
    ) -> Result<Vec<MemberAdaptorSignatures>, DelegationMessageError> {
        self.members.iter().map(|m| Ok((covenant_key(&m.covenant_pk)?, adaptors(name, of(m))?))).collect()
    }
}
