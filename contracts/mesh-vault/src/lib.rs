//! Contract mesh-vault.
