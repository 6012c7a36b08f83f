//! Regtest, chains and faults for anybody's suite.
//!
//! Features: `bitcoin` (the embedded kernel node), `chain` (embedded CosmWasm chains, contracts as native code),
//! `wasm` (the same chains running built contracts in cosmwasm-vm), `real` (bitcoind, wasmd and hermes as child
//! processes). All but `wasm` are on by default.

#[cfg(feature = "bitcoin")]
pub mod bitcoin;
#[cfg(feature = "chain")]
pub mod chain;
#[cfg(feature = "chain")]
pub mod clock;
pub mod faults;
#[cfg(feature = "chain")]
pub mod ibc;
#[cfg(feature = "chain")]
pub mod mesh;
#[cfg(feature = "chain")]
pub mod miner;
#[cfg(feature = "real")]
pub mod real;
