//! Known traps of lists C to G that concern the Bitcoin contracts, one test or more for each; the doc comment of
//! a test begins with the ids (the list is in the specification of the traps). More of them stand with the light
//! client (E), with the vectors, with the prefixes of storage (C12) and the timestamps (E11).
//!
//! Without a test, because the contracts do not have the thing: C25 (allow list), D13 (refunds), E12 to E15
//! (checkpoints), F1, F2, F4, F15 and F16 (IBC, of the mesh contracts), F20 to F22 (BVS). Elsewhere: C24 in the gas
//! bench, D25 and G1, G2, G5, G7, G10 with the signers, F12 and F13 in the build of the contracts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

#[path = "../world/mod.rs"]
mod world;

mod delegation;
mod evidence;
mod expansion;
mod liveness;
mod power;
mod reorg;
mod rewards;
mod votes;
mod wiring;

/// What honest providers vote for.
const HASH: [u8; 32] = [0xaa; 32];
/// What they do not.
const OTHER: [u8; 32] = [0xbb; 32];
