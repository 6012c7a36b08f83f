//! Between the protocol's transactions and those of the `bitcoin` crate: by bytes, so neither trusts the other.

use anyhow::{Context, Result};
use bitcoin::consensus::encode::deserialize;
use bitcoin::hashes::Hash as _;
use staking_protocol::tx::{OutPoint, Transaction};

/// A transaction for the node.
///
/// # Errors
/// Never for a transaction the protocol made; kept as an error rather than a panic.
pub fn to_node(tx: &Transaction) -> Result<bitcoin::Transaction> {
    deserialize(&tx.serialize()).context("a transaction that the bitcoin crate refuses")
}

/// A transaction id for the node.
pub fn txid(id: staking_protocol::tx::Txid) -> bitcoin::Txid {
    bitcoin::Txid::from_byte_array(id.0)
}

/// An outpoint for the node.
pub fn outpoint(at: OutPoint) -> bitcoin::OutPoint {
    bitcoin::OutPoint { txid: txid(at.txid), vout: at.vout }
}
