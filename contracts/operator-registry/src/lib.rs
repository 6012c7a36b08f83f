//! Contract operator-registry.
