//! The part a third party writes: what is locked, what may be slashed, what an exit and a fault do.

use crate::state::{BOUND, BY_KEY, FAULTS, POSITIONS, Position, SUMS, State, consumer_of};
use cosmwasm_std::{StdResult, Storage};
use mesh_accounting::store::{ExternalCustody, table};
use staking_api::mesh::custody::PositionState;

/// Tokens attested by a threshold of accounts.
pub(crate) struct Attested;

impl ExternalCustody for Attested {
    fn active_amount(&self, s: &dyn Storage, user: &str) -> StdResult<u128> {
        Ok(SUMS.get(s, &[user.as_bytes()])?.0)
    }

    fn capacity(&self, s: &dyn Storage, user: &str, holder: &str) -> StdResult<u128> {
        match consumer_of(s, holder)? {
            Some((consumer, _)) => BOUND.get(s, &[user.as_bytes(), consumer.as_bytes()]),
            None => Ok(0),
        }
    }

    fn slash_capacity(&self, s: &dyn Storage, user: &str) -> StdResult<u128> {
        Ok(SUMS.get(s, &[user.as_bytes()])?.1)
    }

    fn on_fault(
        &self,
        s: &mut dyn Storage,
        consumer: &str,
        key: &str,
        limit: usize,
    ) -> StdResult<(Vec<String>, bool)> {
        let rows = BY_KEY.list(s, &[consumer.as_bytes(), key.as_bytes()], None, limit)?;
        let done = rows.len() < limit;
        let mut users = Vec::new();
        for (id, ()) in rows {
            let id = table::text(id)?;
            let position = POSITIONS.load(s, &[id.as_bytes()])?;
            users.push(position.user.clone());
            move_to(s, &id, position, PositionState::Slashed)?;
        }
        FAULTS.save(s, &[consumer.as_bytes(), key.as_bytes()], &done);
        users.dedup();
        Ok((users, done))
    }

    fn on_exit(&self, s: &mut dyn Storage, id: &str) -> StdResult<Option<String>> {
        let Some(position) = POSITIONS.may_load(s, &[id.as_bytes()])? else { return Ok(None) };
        if position.state.0 != PositionState::Active {
            return Ok(None);
        }
        let user = position.user.clone();
        move_to(s, id, position, PositionState::Exiting)?;
        Ok(Some(user))
    }
}

fn slashable(state: State) -> bool {
    matches!(state.0, PositionState::Active | PositionState::Exiting)
}

fn shift(
    table: &mesh_accounting::store::Table<u128>,
    s: &mut dyn Storage,
    key: &[&[u8]],
    x: u128,
    up: bool,
) -> StdResult<()> {
    let old = table.get(s, key)?;
    table.save(s, key, &if up { old.saturating_add(x) } else { old.saturating_sub(x) });
    Ok(())
}

/// Moves a position to another state and keeps every index of it.
pub(crate) fn move_to(s: &mut dyn Storage, id: &str, mut p: Position, to: PositionState) -> StdResult<()> {
    let (from, to) = (p.state, State(to));
    let counts = |state: State| state.0 == PositionState::Active;
    if counts(from) != counts(to) {
        let up = counts(to);
        let (c, slash) = SUMS.get(s, &[p.user.as_bytes()])?;
        let part = p.rate.floor(p.amount);
        let sums = if up {
            (c.saturating_add(p.amount), slash.saturating_add(part))
        } else {
            (c.saturating_sub(p.amount), slash.saturating_sub(part))
        };
        SUMS.save(s, &[p.user.as_bytes()], &sums);
        for (consumer, _) in &p.keys {
            shift(&BOUND, s, &[p.user.as_bytes(), consumer.as_bytes()], p.amount, up)?;
        }
    }
    for (consumer, key) in &p.keys {
        let key: [&[u8]; 3] = [consumer.as_bytes(), key.as_bytes(), id.as_bytes()];
        if slashable(to) { BY_KEY.save(s, &key, &()) } else { BY_KEY.remove(s, &key) }
    }
    p.state = to;
    POSITIONS.save(s, &[id.as_bytes()], &p);
    Ok(())
}
