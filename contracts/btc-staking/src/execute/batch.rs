//! Batches: an item that fails is reported and undoes no other; the message fails if all do.

use contract_host::events::event;
use staking_api::events::ItemRefused;

use crate::error::StakingError;
use crate::power::Changes;

/// Items of a message at most.
pub(crate) const MAX_ITEMS: usize = 50;

/// Runs a handler over all items. The handler must not write before it has decided.
pub(crate) fn run<T>(
    items: &[T],
    name: impl Fn(&T) -> String,
    mut handle: impl FnMut(&T, &mut Changes) -> Result<(), StakingError>,
) -> Result<Changes, StakingError> {
    if items.len() > MAX_ITEMS {
        return Err(StakingError::TooManyItems { found: items.len(), max: MAX_ITEMS });
    }
    let mut changes = Changes::default();
    let mut first_error = None;
    let mut accepted = 0usize;
    for (position, item) in (0u32..).zip(items) {
        match handle(item, &mut changes) {
            Ok(()) => accepted = accepted.saturating_add(1),
            Err(error) => {
                changes.event(event(&ItemRefused { position, item: name(item), reason: error.to_string() }));
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if accepted == 0 => Err(error),
        None if accepted == 0 => Err(StakingError::NoItems),
        _ => Ok(changes),
    }
}
