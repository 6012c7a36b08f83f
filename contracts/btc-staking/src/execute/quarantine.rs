//! After a reorg at least k deep: whoever was included above the fork point counts no more until proven anew.
//!
//! The sweep goes through the queue of expiries, which holds every included delegation, with a cursor. While
//! it is not finished nothing is activated, so that no delegation can slip in behind the cursor.

use contract_host::events::event;
use contract_host::pack::CorruptState;
use cosmwasm_std::{DepsMut, Env, Response};
use staking_api::events::DelegationQuarantined;

use crate::error::StakingError;
use crate::power::{Changes, VaultNote};
use crate::state::config::light_client;
use crate::state::delegation::{self, Id, Life, Registration};
use crate::state::sweep::ReorgSweep;

/// Delegations looked at by one message at most.
const MAX: u32 = 100;

pub(crate) fn run(mut deps: DepsMut<'_>, _env: &Env, limit: u32) -> Result<Response, StakingError> {
    let mut sweep = ReorgSweep::load(deps.storage)?;
    let next = sweep.done.saturating_add(1);
    let fork = light_client(deps.as_ref())?.deep_reorg(&deps.querier, next)?.ok_or(StakingError::NoItems)?;
    let limit = usize::try_from(limit.min(MAX)).unwrap_or(0);
    let queued = delegation::queued_after(deps.storage, sweep.cursor.as_deref(), limit)?;
    let finished = queued.len() < limit;
    sweep.cursor = queued.last().map(|(height, id)| [&height.to_be_bytes()[..], &id.0].concat());
    let mut changes = Changes::default();
    for (_, id) in queued {
        quarantine(deps.branch(), id, fork, &mut changes)?;
    }
    if finished {
        sweep = ReorgSweep { done: next, cursor: None };
    }
    sweep.save(deps.storage);
    changes.into_response(deps.as_ref())
}

fn quarantine(deps: DepsMut<'_>, id: Id, fork: u32, changes: &mut Changes) -> Result<(), StakingError> {
    let registration = Registration::load_by_id(deps.storage, id)?.ok_or(CorruptState("expiry queue"))?;
    let life = Life::load(deps.storage, id)?;
    if life.quarantined || life.spent.is_some() || life.start.is_none_or(|start| start <= fork) {
        return Ok(());
    }
    Life { counted: false, quarantined: true, ..life }.save(deps.storage, id);
    if life.counted {
        changes.power(deps.api, &registration, false)?;
        changes.vault_note(&registration, VaultNote::Quarantined);
    }
    changes.event(event(&DelegationQuarantined { txid: registration.txid.into() }));
    Ok(())
}
