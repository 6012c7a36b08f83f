//! The state of a delegation, computed from its records at a tip. Never stored.

use cosmwasm_std::Storage;
use staking_api::Key;
use staking_api::staking::Status;
use staking_protocol::delegation::{self, DelegationFacts, Inclusion};

use crate::error::StakingError;
use crate::state::delegation::{Life, Registration};
use crate::state::provider::Slashed;
use crate::state::signatures::Signers;

/// Inclusion of a delegation, once proven.
pub(crate) fn inclusion(registration: &Registration, life: &Life) -> Option<Inclusion> {
    let start = life.start?;
    Some(Inclusion { start, end: start.saturating_add(u32::from(registration.staking_time)) })
}

/// What the rules need to know.
pub(crate) fn facts(registration: &Registration, life: &Life, signers: Signers) -> DelegationFacts {
    DelegationFacts {
        unbonded_early: life.spent.is_some(),
        covenant_signatures: signers.count(),
        quorum: u32::from(registration.quorum),
        expansion: registration
            .previous
            .as_ref()
            .map(|previous| (u32::from(signers.of_previous), u32::from(previous.quorum))),
        inclusion: inclusion(registration, life),
        unbonding_time: registration.unbonding_time,
    }
}

/// State at a tip, as far as the delegation's own records tell.
pub(crate) fn own_status(registration: &Registration, life: &Life, signers: Signers, tip: u32) -> Status {
    if life.spent.is_none() && life.quarantined {
        return Status::Quarantined;
    }
    match facts(registration, life, signers).status(tip) {
        delegation::Status::Pending => Status::Pending,
        delegation::Status::Verified => Status::Verified,
        delegation::Status::Active => Status::Active,
        delegation::Status::Unbonded => Status::Unbonded,
        delegation::Status::Expired => Status::Expired,
    }
}

/// Refuses if a provider of the delegation is slashed (trap C1).
pub(crate) fn require_unslashed(
    storage: &dyn Storage,
    registration: &Registration,
) -> Result<(), StakingError> {
    match slashed_provider(storage, registration)? {
        Some(fp) => Err(StakingError::ProviderSlashed(fp)),
        None => Ok(()),
    }
}

/// The first slashed provider of the delegation.
pub(crate) fn slashed_provider(
    storage: &dyn Storage,
    registration: &Registration,
) -> Result<Option<Key>, StakingError> {
    for fp in &registration.fps {
        let fp = Key::from_bytes(*fp);
        if Slashed::load(storage, &fp)?.is_some() {
            return Ok(Some(fp));
        }
    }
    Ok(None)
}

/// State at a tip.
pub(crate) fn status(
    storage: &dyn Storage,
    registration: &Registration,
    life: &Life,
    signers: Signers,
    tip: u32,
) -> Result<Status, StakingError> {
    let own = own_status(registration, life, signers, tip);
    let slashable = matches!(own, Status::Active | Status::Verified | Status::Pending);
    if slashable && slashed_provider(storage, registration)?.is_some() {
        return Ok(Status::Slashed);
    }
    Ok(own)
}
