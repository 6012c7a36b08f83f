//! The three Bitcoin contracts (and, where asked for, the vault) on a hub, and what everybody sends them.

mod headers;
mod idle;
mod people;
mod rows;
mod world;

pub(crate) use headers::measure as headers;
pub(crate) use idle::measure as idle;
pub(crate) use rows::{stakes, votes};
pub(crate) use world::account;
