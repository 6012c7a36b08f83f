//! The signature schemes of Bitcoin staking, each written once over the [`Curve`] trait.
//!
//! | scheme | who uses it | module |
//! |---|---|---|
//! | BIP-340 | stakers, covenant members, providers: everything that ends in a Bitcoin witness | [`bip340`] |
//! | adaptor signature | covenant members: a slashing signature that only a provider's leaked key completes | [`adaptor`] |
//! | EOTS | finality providers: a second vote at one height reveals the key | [`eots`] |
//! | recoverable ECDSA | proofs of possession made by wallets | [`ecdsa`] |
//!
//! All of them verify with one group operation, `sG − eP`. [`curve::Pure`] (k256) is the reference and
//! always there; `curve::Libsecp` (feature `libsecp`) is fast and the only code that touches secrets;
//! `curve::KnownKeys` adds tables for keys that return often;
//! contracts bring a third one made of a host function. The backends are proven equal by property tests.
//!
//! The crate is `no_std`, has no `unsafe` code and no panic path; it neither stores keys nor draws
//! randomness (except to blind libsecp256k1's context) and knows nothing of transactions.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::panic)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod adaptor;
pub mod bip340;
pub mod curve;
pub mod ecdsa;
pub mod eots;
#[cfg(feature = "libsecp")]
mod key;
pub mod merkle;
#[cfg(feature = "libsecp")]
pub mod nonce;
mod point;
mod scalar;
mod tagged;

pub use crate::curve::{Curve, CurveError};
#[cfg(feature = "libsecp")]
pub use crate::key::SecretKey;
#[cfg(feature = "libsecp")]
pub use crate::nonce::OneTimeNonce;
pub use crate::point::{Point, PointError, XOnly};
pub use crate::scalar::{Challenge, Scalar, ScalarError, SecretScalar};
