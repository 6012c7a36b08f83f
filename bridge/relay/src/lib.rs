//! What a relayer submits next: a function of both chains as seen, and nothing else.
//!
//! No sockets, no clock, no storage. The daemon collects facts into a *view*, asks a planner here, does what the
//! [`action`] says, and collects again; so a restart at any point leads to the same submissions, and an action
//! repeated is harmless.
//!
//! - [`headers`]: which Bitcoin headers the hub's light client needs, across forks of any depth below k.
//! - [`stakes`]: which proof a stake needs: inclusion, or the transaction that spent it.
//! - [`slash`]: which pre-signed slashing transaction must go to Bitcoin once a provider's key is known;
//!   [`complete`] makes it.

pub mod action;
pub mod complete;
pub mod headers;
pub mod slash;
pub mod stakes;

/// A Bitcoin block hash or transaction id in natural byte order.
pub type Hash = [u8; 32];
