//! Contract native-staking.
