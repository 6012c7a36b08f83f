//! What the feed stores.

use mesh_accounting::Ratio;
use mesh_accounting::store::{Cell, Table};

/// Most sources of a feed; bounds the work of an update.
pub(crate) const MAX_SOURCES: usize = 32;

/// Settings.
pub(crate) struct Config {
    pub(crate) owner: Option<String>,
    pub(crate) sources: Vec<String>,
    pub(crate) min_sources: u32,
    pub(crate) ttl_s: Option<u64>,
    pub(crate) max_step: Option<Ratio>,
    pub(crate) step_s: u64,
}
mesh_accounting::packed!(Config { owner, sources, min_sources, ttl_s, max_step, step_s });

/// One source's last word.
pub(crate) struct Submission {
    pub(crate) price: Ratio,
    pub(crate) at: u64,
}
mesh_accounting::packed!(Submission { price, at });

/// The price in force.
pub(crate) struct Accepted {
    pub(crate) price: Ratio,
    /// When the quorum last stood behind it, seconds.
    pub(crate) at: u64,
    /// When it last moved, seconds.
    pub(crate) stepped: u64,
}
mesh_accounting::packed!(Accepted { price, at, stepped });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
pub(crate) const ACCEPTED: Cell<Accepted> = Cell::new(b"price");
pub(crate) const SUBMISSIONS: Table<Submission> = Table::new(b"sub");
