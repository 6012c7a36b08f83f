//! Messages of all contracts.
