//! What a covenant member checks before it signs, and what it signs then. No IO, no keys at rest.
//!
//! [`request`] reads a delegation as raw as it comes, [`report`] states every rule and whether it holds,
//! [`verdict`] decides (pure), and [`presign`] makes signatures for an [`Approved`] delegation only. A member's
//! parameters are its own pinned copy; nothing of what it signs is taken from the requester.

pub mod presign;
pub mod report;
pub mod request;
pub mod verdict;

pub use request::{Request, RequestError};
pub use verdict::{Approved, Facts, Refusal, decide};
