//! Every rule with what it found: what an operator reads, and what a refusal is explained by.
//!
//! The report explains; it does not decide. The verdict rests on `verify_delegation` alone, so a rule missing here
//! cannot let anything through.

use crate::request::Request;
use core::fmt::{self, Display};
use staking_crypto::curve::Libsecp;
use staking_protocol::delegation::{check_terms, derive, verify_staker_signatures};
use staking_protocol::params::Params;
use staking_protocol::tx::slashing::{Funding, SlashingPolicy};
use staking_protocol::tx::{SlashingTx, StakingTx, UnbondingTx};

/// One rule and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of the rule.
    pub rule: &'static str,
    /// Why it does not hold; `None` when it does.
    pub problem: Option<String>,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Some(problem) => write!(f, "{}: {problem}", self.rule),
            None => write!(f, "{}: holds", self.rule),
        }
    }
}

fn finding<T, E: Display>(rule: &'static str, result: &Result<T, E>) -> Finding {
    Finding { rule, problem: result.as_ref().err().map(ToString::to_string) }
}

/// Checks each rule for itself, as far as the ones before it allow.
pub fn report(params: &Params, request: &Request) -> Vec<Finding> {
    let mut findings = vec![finding("terms", &check_terms(params, &request.terms))];
    let scripts = request.terms.scripts(&Libsecp, params);
    findings.push(finding("keys", &scripts));
    let Ok(scripts) = scripts else { return findings };
    let staking = StakingTx::parse(&request.staking_tx, &scripts.staking.pk_script(), request.terms.value);
    findings.push(finding("staking-script", &staking));
    let Ok(staking) = staking else { return findings };
    let derived = derive(&Libsecp, params, &request.terms, staking.outpoint());
    findings.push(finding("pre-signed-transactions", &derived));
    let Ok(derived) = derived else { return findings };
    transactions(params, request, &staking, &scripts.change.pk_script(), &derived, &mut findings);
    let sighashes = derived.sighashes();
    let stakers = &request.terms.stakers;
    let slashing =
        verify_staker_signatures(&Libsecp, stakers, &sighashes.slashing, &request.slashing_signatures);
    findings.push(finding("staker-slashing-signature", &slashing));
    let signatures = &request.unbonding_slashing_signatures;
    let unbonding = verify_staker_signatures(&Libsecp, stakers, &sighashes.unbonding_slashing, signatures);
    findings.push(finding("staker-unbonding-slashing-signature", &unbonding));
    findings
}

fn transactions(
    params: &Params,
    request: &Request,
    staking: &StakingTx,
    change: &[u8; 34],
    derived: &staking_protocol::delegation::Presigned,
    findings: &mut Vec<Finding>,
) {
    let stake = Funding { outpoint: staking.outpoint(), value: staking.value() };
    let terms = params.slashing();
    let exact = SlashingPolicy::Exact;
    let slashing = SlashingTx::parse(&request.slashing_tx, stake, terms, change, exact);
    findings.push(finding("slashing", &slashing));
    let script = derived.scripts().unbonding.pk_script();
    let unbonding = UnbondingTx::parse(
        &request.unbonding_tx,
        stake.outpoint,
        stake.value,
        params.unbonding_fee(),
        &script,
    );
    findings.push(finding("unbonding", &unbonding));
    let unbonded = Funding { outpoint: derived.unbonding().outpoint(), value: derived.unbonding().value() };
    let last = SlashingTx::parse(&request.unbonding_slashing_tx, unbonded, terms, change, exact);
    findings.push(finding("unbonding-slashing", &last));
}
