//! Schemes of Bitcoin staking over one Curve trait.
