//! A stake before any coin moves: the signed funding transaction, the two consents to be slashed, the proof of
//! possession, and the proof that the coins can be withdrawn.
//!
//! A plan can only be made with a withdrawal that verifies: a wallet that cannot sign the time-lock path would lock its
//! coins for ever.

use serde::{Deserialize, Serialize};
use staking_api::staking::{PossessionKind, ProofOfPossession, RegisterDelegation};
use staking_api::{Binary, Key};
use staking_crypto::curve::Libsecp;
use staking_crypto::{SecretKey, bip340};
use staking_protocol::context::Domain;
use staking_protocol::delegation::{DeriveError, Presigned, StakeTerms, TermsError, check_terms, derive};
use staking_protocol::keys::{StakerKey, Stakers};
use staking_protocol::params::Params;
use staking_protocol::possession::{ChainAddress, bip340_digest};
use staking_protocol::tx::staking::StakingTxError;
use staking_protocol::tx::withdrawal::{Withdrawable, WithdrawalError, WithdrawalTx};
use staking_protocol::tx::{Sat, StakingTx, Transaction};

/// Why a stake cannot be planned. No coin was moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Amount, time or provider do not fit the parameters.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The pre-signed transactions cannot be made.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// The funding transaction does not hold the stake.
    #[error("funding transaction: {0}")]
    Funding(#[from] StakingTxError),
    /// The wallet did not prove that it can withdraw.
    #[error("cannot prove withdrawal: {0}; no coin was moved")]
    Withdrawal(#[from] WithdrawalError),
    /// The key is not the owner's.
    #[error("the signing key is not the staker's key of the terms")]
    OtherKey,
}

/// The most that a holder can lose by each of the signatures, in satoshi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    /// Fee of leaving early.
    pub unbonding_fee_sat: u64,
    /// What a slash of the staking output burns.
    pub slash_sat: u64,
    /// Fee of the slashing transaction.
    pub slash_fee_sat: u64,
}

/// A stake, completely signed by its holder, not registered and not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What was chosen.
    pub terms: StakeTerms,
    /// The staking transaction with the wallet's witnesses.
    pub funding: Transaction,
    /// The staking transaction as the protocol sees it.
    pub staking: StakingTx,
    /// The transactions that are signed in advance.
    pub presigned: Presigned,
    /// The holder's signature of the slashing transaction.
    pub slashing_signature: bip340::Signature,
    /// The holder's signature of the slashing transaction of the unbonding output.
    pub unbonding_slashing_signature: bip340::Signature,
    /// The proof of withdrawability: a signed withdrawal of the planned output, valid once the lock ends.
    pub withdrawal: Transaction,
}

/// Builds the staking output's script for terms, to be funded.
///
/// # Errors
/// [`PlanError::Terms`], [`PlanError::Derive`].
pub fn staking_script(params: &Params, terms: &StakeTerms) -> Result<[u8; 34], PlanError> {
    check_terms(params, terms)?;
    let scripts = terms.scripts(&Libsecp, params).map_err(DeriveError::from)?;
    Ok(scripts.staking.pk_script())
}

/// Plans a stake of a funding transaction that a wallet made for [`staking_script`].
///
/// `destination` is where the proof of withdrawability pays; `aux` is fresh randomness for the signatures.
///
/// # Errors
/// [`PlanError`].
pub fn plan(
    params: &Params,
    terms: StakeTerms,
    funding: Transaction,
    key: &SecretKey,
    destination: &[u8],
    aux: &[u8; 32],
) -> Result<Plan, PlanError> {
    if terms.stakers.primary().x_only() != &key.x_only() {
        return Err(PlanError::OtherKey);
    }
    let script = staking_script(params, &terms)?;
    let staking = StakingTx::find(funding.clone(), &script, terms.value)?;
    let presigned = derive(&Libsecp, params, &terms, staking.outpoint())?;
    let sighashes = presigned.sighashes();
    let withdrawal = prove_withdrawal(params, &terms, &staking, &presigned, key, destination, aux)?;
    Ok(Plan {
        slashing_signature: bip340::sign(key, &sighashes.slashing.0, aux),
        unbonding_slashing_signature: bip340::sign(key, &sighashes.unbonding_slashing.0, aux),
        terms,
        funding,
        staking,
        presigned,
        withdrawal,
    })
}

fn prove_withdrawal(
    params: &Params,
    terms: &StakeTerms,
    staking: &StakingTx,
    presigned: &Presigned,
    key: &SecretKey,
    destination: &[u8],
    aux: &[u8; 32],
) -> Result<Transaction, PlanError> {
    let output = &presigned.scripts().staking;
    let source = Withdrawable::staking(staking.outpoint(), staking.value(), output, terms.staking_time);
    let withdrawal = WithdrawalTx::build(vec![source.clone()], destination, params.unbonding_fee())?;
    let signed = sign_withdrawal(&withdrawal, &terms.stakers, key, aux)?;
    WithdrawalTx::prove(&Libsecp, &terms.stakers, &[source], &signed)?;
    Ok(signed)
}

/// Signs every input of a withdrawal with a single owner's key.
pub(crate) fn sign_withdrawal(
    withdrawal: &WithdrawalTx,
    stakers: &Stakers,
    key: &SecretKey,
    aux: &[u8; 32],
) -> Result<Transaction, WithdrawalError> {
    let owner: StakerKey = stakers.primary();
    let signatures: Vec<_> = withdrawal
        .sighashes()?
        .iter()
        .map(|digest| vec![(owner, bip340::sign(key, &digest.0, aux))])
        .collect();
    withdrawal.sign(stakers, &signatures)
}

impl Plan {
    /// What the signatures can cost at most.
    pub fn costs(&self, params: &Params) -> Costs {
        Costs {
            unbonding_fee_sat: params.unbonding_fee().0,
            slash_sat: self.presigned.slashing().slashed().0,
            slash_fee_sat: params.slashing().min_fee.0,
        }
    }

    /// The value that is locked, satoshi.
    pub fn value(&self) -> Sat {
        self.terms.value
    }

    /// The message that registers the stake on the hub.
    pub fn registration(&self, possession: ProofOfPossession) -> RegisterDelegation {
        RegisterDelegation {
            staker_pk: Key::from_bytes(self.terms.stakers.primary().to_bytes()),
            pop: possession,
            fp_pks: self.terms.providers.keys().iter().map(|k| Key::from_bytes(k.to_bytes())).collect(),
            staking_time: self.terms.staking_time.blocks(),
            staking_value_sat: self.terms.value.0,
            staking_tx: Binary(self.staking.transaction().serialize()),
            slashing_signature: Binary(self.slashing_signature.to_bytes().to_vec()),
            unbonding_slashing_signature: Binary(self.unbonding_slashing_signature.to_bytes().to_vec()),
            inclusion: None,
            transactions: None,
            expansion: None,
            multisig: None,
        }
    }
}

/// Proves to a chain that the holder of a Bitcoin key agrees to an address: BIP-340, spec §3.4.
pub fn prove_possession(
    key: &SecretKey,
    domain: &Domain,
    address: &ChainAddress,
    aux: &[u8; 32],
) -> ProofOfPossession {
    let signature = bip340::sign(key, &bip340_digest(domain, address.raw()), aux);
    ProofOfPossession { kind: PossessionKind::Bip340, signature: Binary(signature.to_bytes().to_vec()) }
}
