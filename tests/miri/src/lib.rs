//! Nothing but tests: see `tests/pure.rs`.
