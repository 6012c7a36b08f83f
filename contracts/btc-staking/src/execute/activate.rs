//! Inclusion proven: a VERIFIED delegation becomes ACTIVE, a QUARANTINED one counts again (spec §5.4).

use contract_host::admin::require_running;
use contract_host::events::event;
use contract_host::headers::TipRecord;
use contract_host::peers::LightClient;
use cosmwasm_std::{DepsMut, Env, Response, Storage};
use staking_api::events::{DelegationActive, DelegationRequalified};
use staking_api::staking::{Activation, Status};
use staking_protocol::delegation::Inclusion;

use super::batch;
use super::register::expansion::require_not_a_stake;
use crate::error::StakingError;
use crate::inclusion::{fresh_tip, prove, require_no_reorg};
use crate::power::{Changes, VaultNote, humanize};
use crate::state::config::{VAULT, light_client};
use crate::state::delegation::{self, Life, Registration};
use crate::status::require_unslashed;

#[inline(never)]
pub(crate) fn run(mut deps: DepsMut<'_>, env: &Env, items: &[Activation]) -> Result<Response, StakingError> {
    require_running(deps.storage)?;
    let light_client = light_client(deps.as_ref())?;
    let tip = fresh_tip(&light_client, &deps.querier, env)?;
    require_no_reorg(deps.storage, &tip)?;
    let changes = batch::run(
        items,
        |item| item.txid.to_string(),
        |item, changes| activate(deps.branch(), &light_client, &tip, item, changes),
    )?;
    changes.into_response(deps.as_ref())
}

fn activate(
    mut deps: DepsMut<'_>,
    light_client: &LightClient,
    tip: &TipRecord,
    item: &Activation,
    changes: &mut Changes,
) -> Result<(), StakingError> {
    let registration = Registration::require(deps.storage, item.txid.as_bytes())?;
    let life = Life::load(deps.storage, registration.id())?;
    require_spent_for(deps.storage, &registration)?;
    let confirmed = prove(light_client, &deps.querier, &item.proof, registration.transaction()?)?;
    confirmed.check_depth(tip.context.height(), tip.confirmation_depth)?;
    let confirmed = confirmed.refuse_coinbase()?;
    check_ready(deps.storage, &registration, &life, confirmed.height(), tip.context.height())?;
    count(deps.branch(), &registration, life, confirmed.height(), changes)
}

/// An expansion is included through the spend of its previous stake; if that was reported before the
/// expansion was ready, its own proof is taken here.
fn require_spent_for(storage: &dyn Storage, registration: &Registration) -> Result<(), StakingError> {
    let Some(previous) = &registration.previous else { return Ok(()) };
    let spent = Life::load(storage, delegation::Id::of(&previous.txid))?.spent;
    match spent.filter(|spent| spent.other_txid == Some(registration.txid)) {
        Some(_) => Ok(()),
        None => Err(StakingError::ExpansionInclusion),
    }
}

/// Everything that must hold before a delegation counts, besides the proof.
pub(crate) fn check_ready(
    storage: &dyn Storage,
    registration: &Registration,
    life: &Life,
    start: u32,
    tip: u32,
) -> Result<(), StakingError> {
    if life.spent.is_some() {
        return Err(StakingError::Status(Status::Unbonded));
    }
    // Who counted before and does not now has ended, unless a reorg took the inclusion away.
    if life.announced && !life.quarantined {
        return Err(StakingError::Status(if life.counted { Status::Active } else { Status::Expired }));
    }
    if delegation::is_pending(storage, registration.id()) {
        return Err(StakingError::Status(Status::Pending));
    }
    // Trap C23. Whose inclusion was taken before may prove it anew, wherever it is now.
    if start < registration.registered && life.start.is_none() {
        let registered = registration.registered;
        return Err(StakingError::IncludedTooEarly { start, registered });
    }
    check_window(registration, start, tip)?;
    check_funding(storage, registration)?;
    require_unslashed(storage, registration)
}

/// Trap A19: at activation too.
fn check_funding(storage: &dyn Storage, registration: &Registration) -> Result<(), StakingError> {
    if registration.previous.is_none() {
        return Ok(());
    }
    match registration.transaction()?.inputs.get(1) {
        Some(input) => require_not_a_stake(storage, input.previous_output),
        None => Ok(()),
    }
}

/// Enough blocks must be left before the stake is too close to its end (traps A16, C8).
pub(crate) fn check_window(registration: &Registration, start: u32, tip: u32) -> Result<(), StakingError> {
    let unbonding_time = registration.unbonding_time;
    let inclusion = inclusion_from(registration, start);
    if inclusion.is_expired(tip, unbonding_time) {
        return Err(StakingError::TooLate { tip, unbonding_time, end: inclusion.end });
    }
    Ok(())
}

fn inclusion_from(registration: &Registration, start: u32) -> Inclusion {
    Inclusion { start, end: start.saturating_add(u32::from(registration.staking_time)) }
}

/// Height from which the delegation counts no more.
pub(crate) fn expiry_height(registration: &Registration, start: u32) -> u32 {
    inclusion_from(registration, start).end.saturating_sub(u32::from(registration.unbonding_time))
}

/// Lets the delegation count from now on.
pub(crate) fn count(
    deps: DepsMut<'_>,
    registration: &Registration,
    life: Life,
    start: u32,
    changes: &mut Changes,
) -> Result<(), StakingError> {
    let id = registration.id();
    let requalified = life.announced;
    Life { start: Some(start), counted: true, quarantined: false, announced: true, ..life }
        .save(deps.storage, id);
    delegation::schedule_expiry(deps.storage, expiry_height(registration, start), id);
    changes.power(deps.api, registration, true)?;
    let end = inclusion_from(registration, start).end;
    if requalified {
        changes.event(event(&DelegationRequalified { txid: registration.txid.into(), start_height: start }));
        changes.vault_note(registration, VaultNote::Requalified);
        return Ok(());
    }
    if VAULT.is_named(deps.storage) {
        changes.vault_active(deps.storage, deps.api, registration, (start, end))?;
    }
    changes.event(event(&DelegationActive {
        txid: registration.txid.into(),
        owner: humanize(deps.api, &registration.owner)?,
        fp_pks: registration.fps.iter().map(|fp| (*fp).into()).collect(),
        value_sat: registration.value,
        start_height: start,
        end_height: end,
    }));
    Ok(())
}
