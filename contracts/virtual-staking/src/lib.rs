//! Contract virtual-staking.
