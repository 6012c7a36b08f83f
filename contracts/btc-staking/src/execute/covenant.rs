//! Covenant signatures: verified one member at a time, at the price of one host call each (spec §6.1).

use contract_host::HostCurve;
use contract_host::admin::require_running;
use contract_host::events::event;
use cosmwasm_std::{DepsMut, Env, Response, Storage};
use staking_api::Key;
use staking_api::events::{CovenantSigned, DelegationVerified};
use staking_api::staking::{CovenantSignatures as Item, Status};
use staking_crypto::adaptor::EncryptionKey;
use staking_crypto::{PointError, XOnly};
use staking_protocol::delegation::{CovenantSignatures, check_covenant_signatures};
use staking_protocol::keys::CovenantKey;

use super::activate::{check_window, count};
use super::batch;
use crate::error::StakingError;
use crate::power::Changes;
use crate::state::config::light_client;
use crate::state::delegation::{self, Life, Registration};
use crate::state::params::member_index;
use crate::state::signatures::{self, Signers};
use crate::status::{facts, require_unslashed};

#[inline(never)]
pub(crate) fn run(
    mut deps: DepsMut<'_>,
    _env: &Env,
    member: &Key,
    items: &[Item],
) -> Result<Response, StakingError> {
    require_running(deps.storage)?;
    let changes = batch::run(
        items,
        |item| item.txid.to_string(),
        |item, changes| add(deps.branch(), member, item, changes),
    )?;
    changes.into_response(deps.as_ref())
}

#[inline(never)]
fn add(deps: DepsMut<'_>, member: &Key, item: &Item, changes: &mut Changes) -> Result<(), StakingError> {
    let registration = Registration::require(deps.storage, item.txid.as_bytes())?;
    let id = registration.id();
    let life = Life::load(deps.storage, id)?;
    require_open(&deps, &registration, &life)?;
    let (before, last) = signatures::signers(deps.storage, id)?;
    let (index, of_previous) = membership(deps.storage, &registration, member)?;
    if before.has(index) {
        return Err(StakingError::SignedTwice(*member));
    }
    let parsed = CovenantSignatures::try_from(item)?;
    let curve = HostCurve::new(deps.api);
    let key = CovenantKey::from_bytes(member.as_bytes())?;
    check_covenant_signatures(
        &curve,
        &key,
        &encryption(&registration)?,
        &registration.sighash_set(),
        &parsed,
    )?;
    let after = before.with(index, of_previous);
    let reached = |signers: Signers| facts(&registration, &life, signers).has_quorum();
    let completes = !reached(before) && reached(after);
    // From here on nothing is refused but by the store itself.
    let counts = completes && can_count(&deps, &registration, &life)?;
    signatures::add(deps.storage, id, last, (index, after), &parsed);
    let (txid, covenant_pk) = (item.txid, *member);
    changes.event(event(&CovenantSigned { txid, covenant_pk, signers: after.count() }));
    if completes {
        delegation::set_signed(deps.storage, id);
        changes.event(event(&DelegationVerified { txid }));
    }
    match life.start {
        Some(start) if counts => count(deps, &registration, life, start, changes),
        _ => Ok(()),
    }
}

/// Late signatures are welcome as long as the stake is alive (trap C18).
fn require_open(deps: &DepsMut<'_>, registration: &Registration, life: &Life) -> Result<(), StakingError> {
    if life.spent.is_some() {
        return Err(StakingError::Status(Status::Unbonded));
    }
    if life.start.is_some_and(|start| is_over(deps, registration, start).unwrap_or(true)) {
        return Err(StakingError::Status(Status::Expired));
    }
    Ok(())
}

fn is_over(deps: &DepsMut<'_>, registration: &Registration, start: u32) -> Result<bool, StakingError> {
    let tip = light_client(deps.as_ref())?.tip(&deps.querier)?.context.height();
    Ok(check_window(registration, start, tip).is_err())
}

/// Whether a delegation with proven inclusion begins to count when its quorum is complete.
fn can_count(deps: &DepsMut<'_>, registration: &Registration, life: &Life) -> Result<bool, StakingError> {
    let Some(start) = life.start.filter(|_| !life.quarantined) else { return Ok(false) };
    let slashed = match require_unslashed(deps.storage, registration) {
        Ok(()) => false,
        Err(StakingError::ProviderSlashed(_)) => true,
        Err(error) => return Err(error),
    };
    let tip = light_client(deps.as_ref())?.tip(&deps.querier)?;
    let settled = crate::inclusion::require_no_reorg(deps.storage, &tip).is_ok();
    Ok(!slashed && settled && check_window(registration, start, tip.context.height()).is_ok())
}

/// Position in the committee, and whether the member is in that of the previous stake as well.
fn membership(
    storage: &dyn Storage,
    registration: &Registration,
    member: &Key,
) -> Result<(u8, bool), StakingError> {
    let index = member_index(storage, registration.version, member.as_bytes());
    let index = index.ok_or(StakingError::NotAMember(*member))?;
    let in_previous = |previous: &delegation::Previous| {
        member_index(storage, previous.version, member.as_bytes()).is_some()
    };
    Ok((index, registration.previous.as_ref().is_some_and(in_previous)))
}

/// Keys that the adaptor signatures are encrypted to, in the order of the providers.
pub(crate) fn encryption(registration: &Registration) -> Result<Vec<EncryptionKey>, PointError> {
    registration.fps.iter().map(|fp| EncryptionKey::from_x_only(&XOnly::from_bytes(fp)?)).collect()
}
