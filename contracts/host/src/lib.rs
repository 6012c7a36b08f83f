//! What a chain lends a contract.
//!
//! [`curve`] is the group arithmetic of the signature schemes, done by the host.

pub mod curve;

pub use crate::curve::HostCurve;
