//! A provider's key is known: it is slashed for ever, and stakes it shares with other providers are dead for
//! them too, since Bitcoin takes an output once and whole.

use contract_host::events::EmitExt;
use contract_host::pack::CorruptState;
use contract_host::store;
use cosmwasm_std::{DepsMut, Env, MessageInfo, Response};
use staking_api::Key;
use staking_api::events::ProviderSlashed;

use crate::error::StakingError;
use crate::power::Changes;
use crate::state::config::FINALITY;
use crate::state::delegation::{Id, Life, Registration, provider_prefix};
use crate::state::provider::Slashed;
use crate::state::sweep::{set_slash_cursor, slash_cursor};

/// Delegations swept by one message at most.
const MAX: u32 = 100;

#[inline(never)]
pub(crate) fn run(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    fp: &Key,
) -> Result<Response, StakingError> {
    if FINALITY.load(deps.as_ref())?.as_ref() != Some(&info.sender) {
        return Err(StakingError::NotFinality(info.sender.clone()));
    }
    match mark(deps, env, fp)? {
        Some(event) => Ok(Response::new().emit(&event)),
        None => Ok(Response::new()),
    }
}

/// Marks a provider as slashed; `None` if it was already.
pub(crate) fn mark(deps: DepsMut<'_>, env: &Env, fp: &Key) -> Result<Option<ProviderSlashed>, StakingError> {
    if Slashed::load(deps.storage, fp)?.is_some() {
        return Ok(None);
    }
    Slashed { height: env.block.height }.save(deps.storage, fp);
    Ok(Some(ProviderSlashed { fp_pk: *fp }))
}

#[inline(never)]
pub(crate) fn sweep(
    mut deps: DepsMut<'_>,
    _env: &Env,
    fp: &Key,
    limit: u32,
) -> Result<Response, StakingError> {
    if Slashed::load(deps.storage, fp)?.is_none() {
        return Err(StakingError::NotSlashed(*fp));
    }
    let limit = usize::try_from(limit.min(MAX)).unwrap_or(0);
    let prefix = provider_prefix(fp.as_bytes());
    let cursor = slash_cursor(deps.storage, fp.as_bytes());
    let ids: Result<Vec<Id>, CorruptState> = store::page(deps.storage, &prefix, cursor.as_deref(), limit)
        .map(|(key, _)| Id::from_slice(&key))
        .collect();
    let ids = ids?;
    let Some(last) = ids.last() else { return Err(StakingError::NoItems) };
    set_slash_cursor(deps.storage, fp.as_bytes(), &last.0);
    let mut changes = Changes::default();
    for id in &ids {
        uncount(deps.branch(), fp, *id, &mut changes)?;
    }
    changes.into_response(deps.as_ref())
}

fn uncount(deps: DepsMut<'_>, fp: &Key, id: Id, changes: &mut Changes) -> Result<(), StakingError> {
    let Some(registration) = Registration::load_by_id(deps.storage, id)? else { return Ok(()) };
    let life = Life::load(deps.storage, id)?;
    // The index holds the first bytes of keys only.
    if !life.counted || !registration.fps.contains(fp.as_bytes()) {
        return Ok(());
    }
    Life { counted: false, ..life }.save(deps.storage, id);
    changes.power(deps.api, &registration, false)
}
