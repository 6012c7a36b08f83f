//! What the converter does, one file per subject.

pub(crate) mod admin;
pub(crate) mod reprice;
pub(crate) mod rewards;
pub(crate) mod send;
pub(crate) mod stake;
pub(crate) mod valset;
