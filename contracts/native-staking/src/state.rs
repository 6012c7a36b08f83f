//! What native-staking stores.

use crate::error::ExecuteError;
use cosmwasm_std::{MessageInfo, StdResult, Storage};
use mesh_accounting::Ratio;
use mesh_accounting::store::{Cell, Table};

/// Settings.
pub(crate) struct Config {
    pub(crate) denom: String,
    pub(crate) proxy_code: u64,
    pub(crate) vault: String,
    pub(crate) dsign: Ratio,
    pub(crate) offline: Ratio,
}
mesh_accounting::packed!(Config { denom, proxy_code, vault, dsign, offline });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
/// Proxy, by owner.
pub(crate) const PROXIES: Table<String> = Table::new(b"proxy");
/// Owner, by proxy.
pub(crate) const OWNERS: Table<String> = Table::new(b"owner");
/// Owners with stake, by validator and owner.
pub(crate) const STAKERS: Table<()> = Table::new(b"staker");
/// Owner after which the next comparison of a validator goes on.
pub(crate) const CURSOR: Table<String> = Table::new(b"cursor");

impl Config {
    pub(crate) fn only_vault(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match self.vault == info.sender.as_str() {
            true => Ok(()),
            false => Err(ExecuteError::NotVault(info.sender.to_string())),
        }
    }
}

pub(crate) fn owner_of(s: &dyn Storage, proxy: &str) -> Result<String, ExecuteError> {
    let owner: StdResult<Option<String>> = OWNERS.may_load(s, &[proxy.as_bytes()]);
    owner?.ok_or_else(|| ExecuteError::NotAProxy(proxy.into()))
}
