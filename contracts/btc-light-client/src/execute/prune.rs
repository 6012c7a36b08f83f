//! Forgetting headers that are too deep to matter (trap E16), a bounded number of records at a time.

use contract_host::headers::Chunk;
use contract_host::pack::{CorruptState, Unpack};
use contract_host::store;
use cosmwasm_std::{DepsMut, Response, Storage};

use crate::error::LightClientError;
use crate::state::{Settings, SideHeader, load_tip};

/// Records deleted by one message at most.
const MAX: u32 = 100;

pub(crate) fn run(deps: DepsMut<'_>, limit: u32) -> Result<Response, LightClientError> {
    let limit = limit.min(MAX) as usize;
    let settings = Settings::load(deps.storage)?;
    let tip = load_tip(deps.storage)?.context.height();
    let window = tip.saturating_sub(settings.max_reorg_depth);
    let sides = SideHeader::below(deps.storage, window, limit)?;
    for (height, hash) in &sides {
        SideHeader::remove(deps.storage, *height, *hash)?;
    }
    let horizon = Chunk::number(tip.saturating_sub(settings.keep_depth));
    let chunks = chunks_below(deps.storage, horizon, limit.saturating_sub(sides.len()))?;
    chunks.iter().for_each(|number| deps.storage.remove(&Chunk::key(*number)));
    Ok(Response::new())
}

fn chunks_below(storage: &dyn Storage, horizon: u32, limit: usize) -> Result<Vec<u32>, CorruptState> {
    let prefix = &Chunk::key(0)[..1];
    let numbers: Result<Vec<_>, _> = store::page(storage, prefix, None, limit)
        .map(|(key, _)| Unpack::new("chunk key", &key).u32())
        .collect();
    Ok(numbers?.into_iter().take_while(|number| *number < horizon).collect())
}

/// Lowest height still stored.
pub(crate) fn lowest_height(storage: &dyn Storage) -> Result<u32, CorruptState> {
    let prefix = &Chunk::key(0)[..1];
    let (key, raw) = store::first_from(storage, prefix, &[]).ok_or(CorruptState("header chunk"))?;
    let number = Unpack::new("chunk key", key.get(1..).unwrap_or_default()).u32()?;
    Ok(Chunk::unpack(number, &raw)?.first())
}
