//! What a registration must fulfil besides, if it continues an earlier stake (spec §2.4, §5.6).

use contract_host::HostCurve;
use contract_host::headers::TipRecord;
use cosmwasm_std::{Deps, Storage};
use staking_api::staking::{RegisterDelegation, Status};
use staking_protocol::delegation::StakeTerms;
use staking_protocol::possession::ChainAddress;
use staking_protocol::script::StakingPath;
use staking_protocol::tx::sighash::Prevout;
use staking_protocol::tx::{ExpansionTx, OutPoint, Sat, Transaction};

use crate::error::StakingError;
use crate::state::delegation::{Life, Previous, Registration};
use crate::state::params::{self, Version};
use crate::state::signatures::signers;
use crate::status::own_status;

/// An expansion whose inputs are what they must be.
pub(super) struct Link {
    old: Registration,
    tx: ExpansionTx,
}

/// Finds the previous stake and holds the transaction's inputs against it; `None` if the message names none.
pub(super) fn link(
    storage: &dyn Storage,
    msg: &RegisterDelegation,
    tip: &TipRecord,
) -> Result<Option<Link>, StakingError> {
    let Some(expansion) = &msg.expansion else { return Ok(None) };
    let old = Registration::require(storage, expansion.previous_txid.as_bytes())?;
    require_active(storage, &old, tip.context.height())?;
    let funding_tx = Transaction::parse(&expansion.funding_tx.0)?;
    let tx = Transaction::parse(&msg.staking_tx.0)?;
    let tx = ExpansionTx::validate(tx, old.outpoint(), &funding_tx)?;
    Ok(Some(Link { old, tx }))
}

impl Link {
    /// Checks that the new stake continues the old one, and computes what the old committee signs.
    pub(super) fn check(
        &self,
        deps: Deps<'_>,
        owner: &ChainAddress,
        terms: &StakeTerms,
        version: &Version,
    ) -> Result<Previous, StakingError> {
        let Self { old, tx } = self;
        let old_terms = old.terms()?;
        check_same_stake(owner, old, &old_terms, terms)?;
        let old_params = params::load(deps.storage, old.version)?.params;
        if !old_params.can_expand_into(&version.params) {
            return Err(StakingError::ExpansionRule(
                "too few members of the old committee are in the new one",
            ));
        }
        tx.check_amounts(Sat(old.value), terms.value)?;
        require_not_a_stake(deps.storage, tx.funding_outpoint())?;
        let scripts = old_terms.scripts(&HostCurve::new(deps.api), &old_params)?;
        let pk_script = scripts.staking.pk_script();
        let prevout = Prevout { value: Sat(old.value), script: &pk_script };
        let sighash = tx.sighash(prevout, scripts.staking.leaf(StakingPath::Unbonding).hash());
        let (version, quorum) = (old.version, old.quorum);
        let funding_output = tx.funding().to_bytes();
        Ok(Previous { txid: old.txid, version, quorum, sighash: sighash.0, funding_output })
    }
}

fn require_active(storage: &dyn Storage, old: &Registration, tip: u32) -> Result<(), StakingError> {
    let life = Life::load(storage, old.id())?;
    let (signers, _) = signers(storage, old.id())?;
    match own_status(old, &life, signers, tip) {
        Status::Active => Ok(()),
        other => Err(StakingError::Status(other)),
    }
}

/// Same owner on both chains, and no provider dropped (traps A18, A23, A29).
fn check_same_stake(
    owner: &ChainAddress,
    old: &Registration,
    old_terms: &StakeTerms,
    terms: &StakeTerms,
) -> Result<(), StakingError> {
    if old.owner != owner.raw() {
        return Err(StakingError::ExpansionRule("the previous stake has another owner"));
    }
    if !old_terms.stakers.same_owner(&terms.stakers) {
        return Err(StakingError::ExpansionRule(
            "the previous stake has other staker keys or another quorum",
        ));
    }
    if !terms.providers.contains_all(&old_terms.providers) {
        return Err(StakingError::ExpansionRule("a provider of the previous stake is missing"));
    }
    Ok(())
}

/// The funding output must not be a stake itself (trap A19); asked again at activation.
pub(crate) fn require_not_a_stake(storage: &dyn Storage, funding: OutPoint) -> Result<(), StakingError> {
    match Registration::load(storage, &funding.txid.0)? {
        Some(stake) if stake.vout == funding.vout => {
            Err(StakingError::ExpansionRule("the funding output is a registered stake"))
        }
        _ => Ok(()),
    }
}
