//! Contract btc-staking.
