//! Rules of Bitcoin staking: no IO, no clock, no keys at rest.
//!
//! Everything that a holder, a covenant member, a finality provider, a daemon or a contract must agree on is
//! here once: the three taproot outputs ([`script`]), the transactions that move them ([`tx`]), what a
//! registration must fulfil ([`delegation`]), finality ([`finality`]), Bitcoin headers and inclusion
//! ([`header`], [`inclusion`]), and proofs of possession ([`possession`]).
//!
//! The crate is `no_std` with `alloc` and does not depend on rust-bitcoin, so that contracts stay small;
//! conversions, PSBT and descriptors are behind the native feature `bitcoin`. Group operations come from the
//! caller as a [`staking_crypto`] `Curve`: nothing here chooses a backend.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(any(test, feature = "bitcoin"))]
extern crate std;

pub mod delegation;
pub mod keys;
pub mod params;
pub mod script;
mod sort;
pub mod tag;
pub mod taproot;
pub mod timelock;
pub mod tx;

pub mod checkpoint;
pub mod context;
pub mod finality;
pub mod header;
pub mod inclusion;
pub mod op_return;
pub mod possession;

#[cfg(feature = "bls")]
pub mod bls;

#[cfg(feature = "bitcoin")]
pub mod convert;
#[cfg(feature = "bitcoin")]
pub mod descriptor;
#[cfg(feature = "bitcoin")]
pub mod psbt;
