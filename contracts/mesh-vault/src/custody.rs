//! Coins in the vault, as every custody is seen: all of it backs every holder, all of it can be slashed.

use crate::state::COLLATERAL;
use cosmwasm_std::{StdResult, Storage};
use mesh_accounting::store::ExternalCustody;

/// Collateral held by the vault itself.
pub(crate) struct Coins;

impl ExternalCustody for Coins {
    fn active_amount(&self, s: &dyn Storage, user: &str) -> StdResult<u128> {
        COLLATERAL.get(s, &[user.as_bytes()])
    }

    fn capacity(&self, s: &dyn Storage, user: &str, _holder: &str) -> StdResult<u128> {
        self.active_amount(s, user)
    }

    fn slash_capacity(&self, s: &dyn Storage, user: &str) -> StdResult<u128> {
        self.active_amount(s, user)
    }

    /// Faults come as slashes from lien holders.
    fn on_fault(&self, _: &mut dyn Storage, _: &str, _: &str, _: usize) -> StdResult<(Vec<String>, bool)> {
        Ok((vec![], true))
    }

    /// Coins leave only by `unbond`, which liens can stop.
    fn on_exit(&self, _: &mut dyn Storage, _: &str) -> StdResult<Option<String>> {
        Ok(None)
    }
}
