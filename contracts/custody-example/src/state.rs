//! What the custody stores beside the lien book.

use cosmwasm_std::{StdResult, Storage};
use mesh_accounting::Ratio;
use mesh_accounting::store::{Cell, Packed, Table};
use staking_api::mesh::custody::PositionState;

/// Keys of one position.
pub(crate) const MAX_KEYS: usize = 16;

/// Settings.
pub(crate) struct Config {
    pub(crate) denom: String,
    pub(crate) attesters: Vec<String>,
    pub(crate) threshold: u32,
    pub(crate) owner: String,
}
mesh_accounting::packed!(Config { denom, attesters, threshold, owner });

/// Where a position stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(pub(crate) PositionState);

impl Packed for State {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self.0 {
            PositionState::Proposed => 0,
            PositionState::Active => 1,
            PositionState::Exiting => 2,
            PositionState::Slashed => 3,
            PositionState::Closed => 4,
        });
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self(match u8::read(from)? {
            0 => PositionState::Proposed,
            1 => PositionState::Active,
            2 => PositionState::Exiting,
            3 => PositionState::Slashed,
            4 => PositionState::Closed,
            _ => return None,
        }))
    }
}

/// A position at the custodian.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) user: String,
    pub(crate) amount: u128,
    pub(crate) rate: Ratio,
    /// (consumer, key).
    pub(crate) keys: Vec<(String, String)>,
    /// Seconds.
    pub(crate) until: u64,
    pub(crate) state: State,
}
mesh_accounting::packed!(Position { user, amount, rate, keys, until, state });

/// A consumer.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) contract: String,
    pub(crate) ratio: Ratio,
    pub(crate) cap: u128,
}
mesh_accounting::packed!(Consumer { contract, ratio, cap });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
pub(crate) const POSITIONS: Table<Position> = Table::new(b"pos");
/// Attesters that said a thing, by the thing.
pub(crate) const VOICES: Table<Vec<String>> = Table::new(b"voice");
/// (C, S), by user.
pub(crate) const SUMS: Table<(u128, u128)> = Table::new(b"sum");
/// C(u, c), by user and consumer.
pub(crate) const BOUND: Table<u128> = Table::new(b"bound");
/// Slashable positions, by consumer, key and id.
pub(crate) const BY_KEY: Table<()> = Table::new(b"key_pos");
/// Whether all is settled, by consumer and faulty key.
pub(crate) const FAULTS: Table<bool> = Table::new(b"fault");
pub(crate) const CONSUMERS: Table<Consumer> = Table::new(b"consumer");
/// Chain id, by contract.
pub(crate) const BY_CONTRACT: Table<String> = Table::new(b"contract");

pub(crate) fn consumer_of(s: &dyn Storage, contract: &str) -> StdResult<Option<(String, Consumer)>> {
    let Some(id) = BY_CONTRACT.may_load(s, &[contract.as_bytes()])? else { return Ok(None) };
    Ok(CONSUMERS.may_load(s, &[id.as_bytes()])?.filter(|c| c.contract == contract).map(|c| (id, c)))
}
