//! The only code that opens sockets to chains.
//!
//! [`bitcoin::BitcoinSource`] is what our programs ask of a Bitcoin node, [`cosmos::ChainClient`] what they ask
//! of a Cosmos chain. Every error says whether trying again can help ([`Retry`]). Nothing here decides
//! anything: planners (`bridge-relay`, `staker`, …) get plain data and return plain actions.
//!
//! Calls block. A daemon gives each of its parts a thread; there is no runtime to configure.

pub mod bitcoin;
pub mod cosmos;
pub mod error;
mod http;
pub mod private;
pub mod signer;

pub use error::{ClientError, Retry};
