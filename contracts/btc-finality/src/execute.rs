//! One file per message, or per few that share their rules.

pub(crate) mod commit;
pub(crate) mod evidence;
pub(crate) mod finalize;
pub(crate) mod govern;
pub(crate) mod jail;
pub(crate) mod power;
pub(crate) mod prune;
pub(crate) mod rewards;
pub(crate) mod settle;
pub(crate) mod touch;
pub(crate) mod vote;
