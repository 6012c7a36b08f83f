//! What the converter stores.

use crate::error::ExecuteError;
use cosmwasm_std::{MessageInfo, StdResult, Storage};
use mesh_accounting::Ratio;
use mesh_accounting::store::{Cell, Table};
use staking_api::mesh::Coin;

/// Validators re-priced or paid a bonus in one message at most.
pub(crate) const MAX_BATCH: usize = 200;

/// Settings.
pub(crate) struct Config {
    pub(crate) price_feed: String,
    /// 1 − discount.
    pub(crate) adjustment: Ratio,
    pub(crate) remote_denom: String,
    pub(crate) local_denom: String,
    pub(crate) owner: Option<String>,
}
mesh_accounting::packed!(Config { price_feed, adjustment, remote_denom, local_denom, owner });

/// Foreign stake with a validator.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stake {
    /// In the provider's token.
    pub(crate) foreign: u128,
    /// What virtual-staking was asked for, in staking tokens.
    pub(crate) local: u128,
}
mesh_accounting::packed!(Stake { foreign, local });

/// The price in use.
#[derive(Clone, Copy, Default)]
pub(crate) struct Price {
    pub(crate) now: Ratio,
    pub(crate) before: Ratio,
    /// Whether the feed answered last time.
    pub(crate) fresh: bool,
}
mesh_accounting::packed!(Price { now, before, fresh });

/// Rewards held, and the bonus pool.
#[derive(Default)]
pub(crate) struct Pots {
    /// For stakers, not yet paid out.
    pub(crate) rewards: u128,
    pub(crate) boost: u128,
    pub(crate) boost_per_epoch: u128,
    pub(crate) boost_epoch_s: u64,
    pub(crate) boost_next: u64,
    pub(crate) boost_paid: u128,
}
mesh_accounting::packed!(Pots { rewards, boost, boost_per_epoch, boost_epoch_s, boost_next, boost_paid });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
pub(crate) const VIRTUAL: Cell<String> = Cell::new(b"virtual");
pub(crate) const PRICE: Cell<Price> = Cell::new(b"price");
pub(crate) const POTS: Cell<Pots> = Cell::new(b"pots");
/// Σ over validators.
pub(crate) const TOTAL: Cell<Stake> = Cell::new(b"total");
/// Validator from which the next partial re-pricing goes on.
pub(crate) const CURSOR: Cell<String> = Cell::new(b"cursor");
pub(crate) const STAKES: Table<Stake> = Table::new(b"stake");
pub(crate) const KEYS: Table<String> = Table::new(b"key");

pub(crate) fn stake(s: &dyn Storage, validator: &str) -> StdResult<Stake> {
    STAKES.get(s, &[validator.as_bytes()])
}

/// Writes a validator's stake and keeps the totals.
pub(crate) fn save_stake(s: &mut dyn Storage, validator: &str, new: Stake) -> StdResult<()> {
    let (old, mut total) = (stake(s, validator)?, TOTAL.get(s)?);
    total.foreign = total.foreign.saturating_sub(old.foreign).saturating_add(new.foreign);
    total.local = total.local.saturating_sub(old.local).saturating_add(new.local);
    TOTAL.save(s, &total);
    if new == Stake::default() {
        STAKES.remove(s, &[validator.as_bytes()]);
    } else {
        STAKES.save(s, &[validator.as_bytes()], &new);
    }
    Ok(())
}

impl Config {
    pub(crate) fn only_owner(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match self.owner.as_deref() == Some(info.sender.as_str()) {
            true => Ok(()),
            false => Err(ExecuteError::NotOwner(info.sender.to_string())),
        }
    }

    pub(crate) fn remote(&self, c: &Coin) -> Result<u128, ExecuteError> {
        denom(&self.remote_denom, c)
    }

    pub(crate) fn local(&self, c: &Coin) -> Result<u128, ExecuteError> {
        denom(&self.local_denom, c)
    }
}

fn denom(expected: &str, c: &Coin) -> Result<u128, ExecuteError> {
    match c.denom == expected {
        true => Ok(c.amount.0),
        false => Err(ExecuteError::Denom { expected: expected.into(), got: c.denom.clone() }),
    }
}

pub(crate) fn only_virtual(s: &dyn Storage, info: &MessageInfo) -> Result<(), ExecuteError> {
    match VIRTUAL.may_load(s)?.as_deref() == Some(info.sender.as_str()) {
        true => Ok(()),
        false => Err(ExecuteError::NotVirtualStaking(info.sender.to_string())),
    }
}
