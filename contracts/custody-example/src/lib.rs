//! Contract custody-example.
