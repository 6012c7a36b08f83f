//! Clients for Bitcoin nodes and Cosmos chains.
