//! Pure mathematics of the mesh: ranges, liens, shrinking, burns, reward points, slashes, caps, prices.
//!
//! The rules of mesh-security.md §3, §4, §6.4, §6.5, §15-11 and §16.3, without storage, clock or messages.
//! Nothing here panics: arithmetic that cannot hold is saturating where a handler may not fail
//! (acknowledgements, timeouts, slashes) and `Option`/`Result` elsewhere. Rounding is always against the
//! party that owes: what is promised rounds up, what is kept rounds down.
//!
//! With the feature `store` the crate also has the two books that several contracts keep in their storage:
//! the lien book of a vault and the outbox of a channel.
#![no_std]

#[cfg(feature = "store")]
extern crate std;

extern crate alloc;

pub mod burn;
pub mod cap;
pub mod lien;
pub mod math;
pub mod points;
pub mod pool;
pub mod price;
pub mod range;
pub mod ratio;
pub mod shrink;
#[cfg(feature = "store")]
pub mod store;

pub use lien::{Lien, Totals};
pub use range::ValueRange;
pub use ratio::Ratio;
