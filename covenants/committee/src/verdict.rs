//! The verdict: a pure function of the member's own parameters, the raw request and a few facts.

use crate::report::{Finding, report};
use crate::request::Request;
use core::fmt;
use staking_crypto::curve::Libsecp;
use staking_protocol::delegation::{
    DelegationError, DelegationRequest, VerifiedDelegation, verify_delegation,
};
use staking_protocol::keys::{CovenantKey, ProviderKey};
use staking_protocol::params::Params;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::{OutPoint, Txid};

/// What a member knows besides the request.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The member's key.
    pub member: &'a CovenantKey,
    /// Providers known to be slashed.
    pub slashed: &'a [ProviderKey],
}

/// A delegation that passed every rule. It can only be made by [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved(VerifiedDelegation);

impl Approved {
    /// The verified delegation.
    pub fn delegation(&self) -> &VerifiedDelegation {
        &self.0
    }

    /// The staking output and the only unbonding transaction that may ever be signed for it (A1).
    pub fn unbonding_claim(&self) -> (OutPoint, Txid) {
        (self.0.outpoint(), self.0.presigned().unbonding().txid())
    }
}

/// Why a delegation is not signed. Deterministic: the same request gets the same refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The member is not in the committee of these parameters.
    NotInCommittee,
    /// A provider of the stake is slashed.
    SlashedProvider(ProviderKey),
    /// A rule of the protocol is broken.
    Rule {
        /// The first rule broken.
        error: Box<DelegationError>,
        /// All rules, for the operator.
        findings: Vec<Finding>,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInCommittee => f.write_str("this member is not in the committee of these parameters"),
            Self::SlashedProvider(key) => write!(f, "provider {} is slashed", key.x_only()),
            Self::Rule { error, findings } => {
                write!(f, "{error}")?;
                let broken: Vec<_> =
                    findings.iter().filter(|x| x.problem.is_some()).map(|x| x.rule).collect();
                write!(f, " (refused by {} of {} rules: {})", broken.len(), findings.len(), broken.join(", "))
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// Decides whether to sign. All scripts and transactions are re-derived; amounts and fees must be exact, so that a
/// stake has one set of pre-signed transactions only.
///
/// # Errors
/// [`Refusal`].
pub fn decide(params: &Params, request: &Request, facts: Facts<'_>) -> Result<Approved, Refusal> {
    if !params.covenants().contains(facts.member) {
        return Err(Refusal::NotInCommittee);
    }
    if let Some(key) = request.terms.providers.keys().iter().find(|key| facts.slashed.contains(key)) {
        return Err(Refusal::SlashedProvider(*key));
    }
    let unbonding_value = request.terms.value.checked_sub(params.unbonding_fee()).unwrap_or_default();
    let raw = DelegationRequest {
        terms: &request.terms,
        staking_tx: &request.staking_tx,
        unbonding_time: params.unbonding_time(),
        unbonding_tx: &request.unbonding_tx,
        unbonding_value,
        slashing_tx: &request.slashing_tx,
        slashing_signatures: &request.slashing_signatures,
        unbonding_slashing_tx: &request.unbonding_slashing_tx,
        unbonding_slashing_signatures: &request.unbonding_slashing_signatures,
    };
    verify_delegation(&Libsecp, params, SlashingPolicy::Exact, &raw)
        .map(Approved)
        .map_err(|error| Refusal::Rule { error: Box::new(error), findings: report(params, request) })
}
