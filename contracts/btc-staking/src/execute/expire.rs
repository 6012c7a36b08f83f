//! Ends of delegations, from a queue ordered by height (traps C3–C5, F6).

use contract_host::events::event;
use cosmwasm_std::{DepsMut, Env, Response};
use staking_api::events::DelegationExpired;

use crate::error::StakingError;
use crate::power::{Changes, VaultNote};
use crate::state::config::light_client;
use crate::state::delegation::{self, Id, Life, Registration};
use crate::status::inclusion;

/// Delegations ended by one message at most.
const MAX: u32 = 100;

pub(crate) fn run(mut deps: DepsMut<'_>, _env: &Env, limit: u32) -> Result<Response, StakingError> {
    let tip = light_client(deps.as_ref())?.tip(&deps.querier)?.context.height();
    let mut changes = Changes::default();
    let due = delegation::due(deps.storage, tip, usize::try_from(limit.min(MAX)).unwrap_or(0))?;
    if due.is_empty() {
        return Err(StakingError::NoItems);
    }
    for (height, id) in due {
        delegation::unschedule(deps.storage, height, id);
        expire(deps.branch(), id, tip, &mut changes)?;
    }
    changes.into_response(deps.as_ref())
}

fn expire(deps: DepsMut<'_>, id: Id, tip: u32, changes: &mut Changes) -> Result<(), StakingError> {
    let Some(registration) = Registration::load_by_id(deps.storage, id)? else { return Ok(()) };
    let life = Life::load(deps.storage, id)?;
    let over =
        inclusion(&registration, &life).is_some_and(|i| i.is_expired(tip, registration.unbonding_time));
    // An entry may be left over: spent meanwhile, or included elsewhere after a reorg.
    if !life.counted || !over {
        return Ok(());
    }
    Life { counted: false, ..life }.save(deps.storage, id);
    changes.power(deps.api, &registration, false)?;
    changes.vault_note(&registration, VaultNote::Expired);
    changes.event(event(&DelegationExpired { txid: registration.txid.into() }));
    Ok(())
}
