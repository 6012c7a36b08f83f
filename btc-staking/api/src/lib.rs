//! Messages of all contracts.

pub mod mesh;
