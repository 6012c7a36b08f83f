//! Forgetting votes of settled heights. Evidence does not need them: any two signed messages will do.

use cosmwasm_std::{DepsMut, Response};

use crate::error::FinalityError;
use crate::state::consumer::{Cursors, Hot};
use crate::state::{provider, votes};

/// Records deleted by one message at most.
const MAX: u32 = 200;
/// Settled heights whose votes are kept, so that a second vote convicts by itself.
const KEEP: u64 = 50_000;

pub(crate) fn run(deps: DepsMut<'_>, consumer: &str, limit: u32) -> Result<Response, FinalityError> {
    let number = Hot::require(deps.storage, consumer)?.number;
    let below = Cursors::load(deps.storage, number)?.next_settlement.saturating_sub(KEEP);
    let slots = provider::count(deps.storage, number)?;
    let limit = usize::try_from(limit.min(MAX)).unwrap_or(0);
    let pruned = votes::prune(deps.storage, number, below, slots, limit)?;
    Ok(Response::new().add_attribute("pruned", pruned.to_string()))
}
