//! What a chain lends a contract.
//!
//! [`curve`] is the group arithmetic of the signature schemes, done by the host. The rest is what every
//! contract of ours needs of its host and none should write twice: packed storage ([`pack`], [`store`]),
//! roles ([`admin`]), pages ([`page`]), messages that may fail ([`outbox`]), typed events ([`events`]), the
//! neighbours that are read without being entered ([`peers`]) and what they are told ([`push`]).

pub mod admin;
pub mod curve;
pub mod events;
pub mod headers;
pub mod outbox;
pub mod pack;
pub mod page;
pub mod peers;
pub mod push;
pub mod store;
pub mod version;

pub use crate::curve::HostCurve;
