//! A covenant member's agent: watches the hub for delegations it has not signed, has them checked and pre-signed by
//! `mesh-signer`, and submits what it signed.
//!
//! The agent holds no covenant key and takes no decision: the signer re-derives everything it signs from raw
//! transactions and its own pinned parameters. What the signer refuses is deterministic; it is written down with
//! its reason and not asked again.

pub mod refusals;
pub mod round;
pub mod watch;
