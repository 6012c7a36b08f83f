//! What a chain lends a contract.
