//! One file per message.

pub(crate) mod config;
pub(crate) mod instantiate;
pub(crate) mod prune;
pub(crate) mod submit;
