//! The parts of the bridge: each does rounds of work that may be repeated, stopped and resumed at any point.
//!
//! - [`headers`] keeps the hub's light client at our node's best chain.
//! - [`tracker`] proves inclusion of stakes and reports what spent them.
//! - [`slasher`] completes and broadcasts slashing transactions once a provider's key is public.
//! - [`fp`] commits randomness and votes for a finality provider whose key is in `mesh-signer`.
//! - [`register`] registers such a provider on the hub; it is a command, not a part.
//!
//! Decisions are in `bridge-relay` and `bridge-attest`; here are the facts they need and the acts that follow.

pub mod convert;
pub mod fp;
pub mod headers;
pub mod hub;
pub mod register;
pub mod slasher;
pub mod spends;
pub mod tracker;
