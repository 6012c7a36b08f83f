//! Contract btc-finality.
