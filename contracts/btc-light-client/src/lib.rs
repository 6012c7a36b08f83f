//! Contract btc-light-client.
