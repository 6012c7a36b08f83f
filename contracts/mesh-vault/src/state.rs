//! What the vault stores beside the lien book.

use mesh_accounting::Ratio;
use mesh_accounting::store::{Cell, Table};

/// Settings.
pub(crate) struct Config {
    pub(crate) denom: String,
    pub(crate) cw20: Option<String>,
}
mesh_accounting::packed!(Config { denom, cw20 });

/// The local staking contract.
pub(crate) struct Local {
    pub(crate) contract: String,
    pub(crate) ratio: Ratio,
}
mesh_accounting::packed!(Local { contract, ratio });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
pub(crate) const LOCAL: Cell<Local> = Cell::new(b"local");
/// By user.
pub(crate) const COLLATERAL: Table<u128> = Table::new(b"coll");
