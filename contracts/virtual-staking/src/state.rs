//! What virtual-staking stores: who asks for what, what is delegated, and the rewards on their way.

use crate::error::ExecuteError;
use cosmwasm_std::{MessageInfo, StdResult, Storage};
use mesh_accounting::Ratio;
use mesh_accounting::store::{Cell, Table, table};
use staking_api::mesh::virtual_staking::{GovWeight, Limits, TreasuryInit};
use staking_api::mesh::{Coin, Uint128};

/// Most validators of a consumer that can carry virtual stake; bounds the work of an epoch.
pub(crate) const MAX_VALIDATORS: usize = 200;

/// Settings.
pub(crate) struct Config {
    pub(crate) denom: String,
    pub(crate) converter: String,
    pub(crate) max_retrieve: u32,
    pub(crate) tombstoned_unbond: bool,
}
mesh_accounting::packed!(Config { denom, converter, max_retrieve, tombstoned_unbond });

/// The treasury; absent when power comes from x/meshsecurity.
#[derive(Clone)]
pub(crate) struct Treasury {
    pub(crate) owner: String,
    pub(crate) max_cap: u128,
    pub(crate) max_of_native: Option<Ratio>,
    pub(crate) max_per_validator: Option<Ratio>,
    pub(crate) taper_from: Option<Ratio>,
    pub(crate) min_epoch_s: u64,
    pub(crate) abstains: bool,
}
mesh_accounting::packed!(Treasury {
    owner,
    max_cap,
    max_of_native,
    max_per_validator,
    taper_from,
    min_epoch_s,
    abstains,
});

/// A validator.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Val {
    /// What the converter asks for.
    pub(crate) requested: u128,
    /// What is delegated, as of the last epoch.
    pub(crate) bonded: u128,
    /// Native stake, where governance reported it.
    pub(crate) native: u128,
    /// In the bonded set.
    pub(crate) active: bool,
    /// Out for ever.
    pub(crate) tombstoned: bool,
    /// Rewards withdrawn and not yet passed on.
    pub(crate) rewards: u128,
}
mesh_accounting::packed!(Val { requested, bonded, native, active, tombstoned, rewards });

/// Epochs.
#[derive(Default)]
pub(crate) struct Epoch {
    /// Time of the last one, seconds.
    pub(crate) last: u64,
    pub(crate) count: u64,
    /// Balance after the last withdrawal of rewards.
    pub(crate) balance: u128,
}
mesh_accounting::packed!(Epoch { last, count, balance });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
pub(crate) const TREASURY: Cell<Treasury> = Cell::new(b"treasury");
pub(crate) const EPOCH: Cell<Epoch> = Cell::new(b"epoch");
pub(crate) const BURNED: Cell<u128> = Cell::new(b"burned");
pub(crate) const VALS: Table<Val> = Table::new(b"val");

pub(crate) fn vals(s: &dyn Storage) -> StdResult<Vec<(String, Val)>> {
    let rows = VALS.list(s, &[], None, MAX_VALIDATORS)?;
    rows.into_iter().map(|(k, v)| Ok((table::text(k)?, v))).collect()
}

pub(crate) fn val(s: &dyn Storage, name: &str) -> StdResult<Val> {
    VALS.get(s, &[name.as_bytes()])
}

pub(crate) fn save_val(s: &mut dyn Storage, name: &str, v: &Val) {
    VALS.save(s, &[name.as_bytes()], v);
}

impl Config {
    pub(crate) fn only_converter(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match info.sender.as_str() == self.converter {
            true => Ok(()),
            false => Err(ExecuteError::NotConverter(info.sender.to_string())),
        }
    }

    pub(crate) fn amount(&self, c: &Coin) -> Result<u128, ExecuteError> {
        match c.denom == self.denom {
            true => Ok(c.amount.0),
            false => Err(ExecuteError::Denom { expected: self.denom.clone(), got: c.denom.clone() }),
        }
    }
}

/// The treasury, for its owner only.
pub(crate) fn owned_treasury(s: &dyn Storage, info: &MessageInfo) -> Result<Treasury, ExecuteError> {
    let treasury = TREASURY.may_load(s)?.ok_or(ExecuteError::WrongPowerSource("there is no treasury"))?;
    match treasury.owner == info.sender.as_str() {
        true => Ok(treasury),
        false => Err(ExecuteError::NotOwner(info.sender.to_string())),
    }
}

impl Treasury {
    pub(crate) fn shown(&self) -> TreasuryInit {
        TreasuryInit {
            owner: self.owner.clone(),
            limits: Limits {
                max_cap: Uint128(self.max_cap),
                max_of_native: self.max_of_native.map(Into::into),
                max_per_validator: self.max_per_validator.map(Into::into),
                taper_from: self.taper_from.map(Into::into),
            },
            min_epoch_s: self.min_epoch_s,
            gov_weight: if self.abstains { GovWeight::Zero } else { GovWeight::Inherit },
        }
    }
}
