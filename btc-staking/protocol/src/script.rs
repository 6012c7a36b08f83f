//! The three taproot outputs of a stake and their leaves (spec §1).
//!
//! | output | leaves |
//! |---|---|
//! | [`StakingOutput`] | time lock (staking time), unbonding, slashing |
//! | [`UnbondingOutput`] | time lock (unbonding time), slashing |
//! | [`SlashingChange`] | time lock (unbonding time) |
//!
//! The time lock leaf of the last two is one script, and so is the slashing leaf of the first two:
//! [`ScriptTemplates::scripts`] builds and hashes each once. What depends on the covenant committee only is laid out
//! once per parameter version. Scripts are made for fixed inputs; nothing here interprets a script.

mod builder;
mod slashing;
mod staking;
mod templates;
mod unbonding;

pub use slashing::SlashingChange;
pub use staking::{StakingOutput, StakingPath};
pub use templates::{DelegationScripts, ScriptError, ScriptTemplates};
pub use unbonding::{UnbondingOutput, UnbondingPath};
