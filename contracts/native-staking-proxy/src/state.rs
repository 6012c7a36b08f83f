//! What the proxy stores.

use crate::error::ExecuteError;
use cosmwasm_std::{MessageInfo, StdResult, Storage};
use mesh_accounting::store::{Cell, Table, table};
use staking_api::mesh::Coin;

/// Validators of one user; bounds the work of a burn.
pub(crate) const MAX_VALIDATORS: usize = 50;

/// Settings.
pub(crate) struct Config {
    pub(crate) denom: String,
    pub(crate) owner: String,
    pub(crate) parent: String,
}
mesh_accounting::packed!(Config { denom, owner, parent });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
/// Withheld from what goes back to the vault.
pub(crate) const BURNED: Cell<u128> = Cell::new(b"burned");
/// Delegated, by validator.
pub(crate) const BOOK: Table<u128> = Table::new(b"book");

impl Config {
    pub(crate) fn only_owner(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match self.owner == info.sender.as_str() {
            true => Ok(()),
            false => Err(ExecuteError::NotOwner(info.sender.to_string())),
        }
    }

    pub(crate) fn only_parent(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match self.parent == info.sender.as_str() {
            true => Ok(()),
            false => Err(ExecuteError::NotParent(info.sender.to_string())),
        }
    }

    pub(crate) fn amount(&self, c: &Coin) -> Result<u128, ExecuteError> {
        match c.denom == self.denom && c.amount.0 > 0 {
            true => Ok(c.amount.0),
            false => Err(ExecuteError::Funds {
                expected: self.denom.clone(),
                got: format!("{}{}", c.amount, c.denom),
            }),
        }
    }
}

pub(crate) fn book(s: &dyn Storage) -> StdResult<Vec<(String, u128)>> {
    let rows = BOOK.list(s, &[], None, MAX_VALIDATORS)?;
    rows.into_iter().map(|(k, v)| Ok((table::text(k)?, v))).collect()
}

pub(crate) fn add(s: &mut dyn Storage, validator: &str, x: u128) -> Result<(), ExecuteError> {
    let key: &[&[u8]] = &[validator.as_bytes()];
    if !BOOK.has(s, key) && book(s)?.len() >= MAX_VALIDATORS {
        return Err(ExecuteError::TooManyValidators(MAX_VALIDATORS));
    }
    let sum = BOOK.get(s, key)?.saturating_add(x);
    BOOK.save(s, key, &sum);
    Ok(())
}

/// Takes up to `x` off; returns what was taken.
pub(crate) fn sub(s: &mut dyn Storage, validator: &str, x: u128) -> StdResult<u128> {
    let key: &[&[u8]] = &[validator.as_bytes()];
    let old = BOOK.get(s, key)?;
    let taken = x.min(old);
    if taken == old {
        BOOK.remove(s, key)
    } else {
        BOOK.save(s, key, &(old - taken))
    }
    Ok(taken)
}
