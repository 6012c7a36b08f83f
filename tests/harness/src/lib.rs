//! Regtest, chains and faults for anybody's suite.
