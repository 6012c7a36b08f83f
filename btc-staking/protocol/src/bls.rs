//! Owned by protocol-b.
