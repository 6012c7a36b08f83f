//! Library for BTC holders.
