//! Messages of all contracts, as JSON.
//!
//! Identifiers (keys, txids, hashes) are lower-case hex, txids and block hashes in display order; payloads
//! (transactions, signatures, proofs, headers, scripts) are base64; satoshi and heights are numbers; token
//! amounts and decimals are strings. Enums are one-key objects in snake case.
//! This crate states shapes and parses them into the types of `staking_protocol`; it holds no rule and does
//! not depend on cosmwasm-std, so that programs can use it natively.

extern crate alloc;
// What `derive(Wire)` writes names this crate.
extern crate self as staking_api;

mod delegation;
pub mod events;
pub mod finality;
pub mod hex;
pub mod light_client;
pub mod mesh;
mod params;
pub mod parse;
pub mod read;
#[cfg(feature = "signer")]
pub mod signer;
pub mod staking;

pub use delegation::DelegationMessageError;
pub use hex::{BlockHash, Hash32, Key, Txid};
pub use mesh::{Binary, Coin, Decimal, Uint128};
