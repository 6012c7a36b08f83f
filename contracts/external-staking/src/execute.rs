//! What external-staking does, one file per subject.

pub(crate) mod admin;
pub(crate) mod burn;
pub(crate) mod rewards;
pub(crate) mod send;
pub(crate) mod slash;
pub(crate) mod stake;
pub(crate) mod valset;
