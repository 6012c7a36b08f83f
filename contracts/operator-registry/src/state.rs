//! What the registry stores.

use crate::error::ExecuteError;
use cosmwasm_std::{MessageInfo, StdResult, Storage};
use mesh_accounting::Ratio;
use mesh_accounting::store::{Cell, Table};
use staking_api::mesh::registry::Penalty;

/// Entries of one list message, and validators of a chain in an overlap.
pub(crate) const MAX_LIST: usize = 300;
/// Time after which a binding may be removed, seconds: faults of before must still find their operator.
pub(crate) const COOLING_S: u64 = 21 * 86_400;

/// Settings.
pub(crate) struct Config {
    pub(crate) owner: String,
    pub(crate) reporters: Vec<String>,
    pub(crate) vaults: Vec<String>,
    pub(crate) jail: bool,
    pub(crate) slash: Ratio,
}
mesh_accounting::packed!(Config { owner, reporters, vaults, jail, slash });

impl Config {
    pub(crate) fn only_owner(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match self.owner == info.sender.as_str() {
            true => Ok(()),
            false => Err(denied(info, "the owner")),
        }
    }

    pub(crate) fn only_reporter(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match self.reporters.iter().any(|r| r == info.sender.as_str()) || self.owner == info.sender.as_str() {
            true => Ok(()),
            false => Err(denied(info, "a reporter")),
        }
    }

    pub(crate) fn only_vault(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match self.vaults.iter().any(|v| v == info.sender.as_str()) {
            true => Ok(()),
            false => Err(denied(info, "an admitted vault")),
        }
    }

    pub(crate) fn set_penalty(&mut self, p: Penalty) {
        (self.jail, self.slash) = match p {
            Penalty::None => (false, Ratio::ZERO),
            Penalty::Jail {} => (true, Ratio::ZERO),
            Penalty::Slash { ratio } => (true, ratio.into()),
        };
    }

    pub(crate) fn penalty(&self) -> Penalty {
        match (self.jail, self.slash) {
            (false, _) => Penalty::None,
            (true, Ratio::ZERO) => Penalty::Jail {},
            (true, ratio) => Penalty::Slash { ratio: ratio.into() },
        }
    }
}

fn denied(info: &MessageInfo, role: &'static str) -> ExecuteError {
    ExecuteError::Unauthorized { sender: info.sender.to_string(), role }
}

/// An operator.
#[derive(Clone, Default)]
pub(crate) struct Operator {
    pub(crate) moniker: String,
    pub(crate) jailed: bool,
}
mesh_accounting::packed!(Operator { moniker, jailed });

/// To whom something is bound.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) operator: String,
    /// Without the key's half of the proof, by the owner's word.
    pub(crate) vouched: bool,
    /// When its removal was asked for, seconds; 0 = not.
    pub(crate) leaving: u64,
}
mesh_accounting::packed!(Binding { operator, vouched, leaving });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
pub(crate) const OPERATORS: Table<Operator> = Table::new(b"op");
/// By chain and valoper.
pub(crate) const VALIDATORS: Table<Binding> = Table::new(b"val");
/// By consumer and key.
pub(crate) const PROVIDERS: Table<Binding> = Table::new(b"fp");
/// By operator, chain and valoper.
pub(crate) const OP_VALIDATORS: Table<()> = Table::new(b"of_val");
/// Provider key, by operator and consumer.
pub(crate) const OP_PROVIDERS: Table<String> = Table::new(b"of_fp");
/// Power, by chain and valoper.
pub(crate) const POWERS: Table<u128> = Table::new(b"power");
/// Consensus key, by chain and valoper.
pub(crate) const KEYS: Table<Vec<u8>> = Table::new(b"cons_key");
/// Self-bond, by operator and vault.
pub(crate) const BONDS: Table<u128> = Table::new(b"bond");
/// Denomination of a vault's bonds.
pub(crate) const DENOMS: Table<String> = Table::new(b"denom");

pub(crate) fn operator(s: &dyn Storage, name: &str) -> Result<Operator, ExecuteError> {
    OPERATORS.may_load(s, &[name.as_bytes()])?.ok_or_else(|| ExecuteError::NotAnOperator(name.into()))
}

pub(crate) fn validator_of(s: &dyn Storage, chain: &str, valoper: &str) -> StdResult<Option<Binding>> {
    VALIDATORS.may_load(s, &[chain.as_bytes(), valoper.as_bytes()])
}
