//! Contract native-staking-proxy.
