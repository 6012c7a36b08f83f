//! One file per message, or per few that share their rules.
//!
//! Handlers, and the steps of the long ones, stay functions of their own (`inline(never)`): inlined into each other they
//! have more than the 100 local variables that cosmwasm-vm allows a function.

pub(crate) mod activate;
pub(crate) mod batch;
pub(crate) mod covenant;
pub(crate) mod expire;
pub(crate) mod govern;
pub(crate) mod provider;
pub(crate) mod quarantine;
pub(crate) mod register;
pub(crate) mod slash;
pub(crate) mod undelegate;
