//! Contract external-staking.
