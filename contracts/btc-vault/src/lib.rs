//! Contract btc-vault.
