//! What our programs ask of a Bitcoin node.
//!
//! Answers are facts as the node tells them; whoever relies on one checks it (`staking-protocol`: proof of work,
//! Merkle branch, depth). Amounts are satoshi, fee rates satoshi per 1 000 virtual bytes.

pub mod bitcoind;

use crate::error::ClientError;
use bitcoin::{Amount, Block, BlockHash, OutPoint, ScriptBuf, Transaction, TxOut, Txid, block::Header};

pub use bitcoind::{Auth, Bitcoind};

/// The best chain in a few numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainInfo {
    /// `main`, `test`, `testnet4`, `signet` or `regtest`, as nodes call them.
    pub chain: String,
    /// Height of the best block.
    pub blocks: u32,
    /// Height of the best known header.
    pub headers: u32,
    /// Hash of the best block.
    pub best: BlockHash,
    /// Whether the node is still downloading the chain.
    pub initial_download: bool,
}

/// A transaction and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxStatus {
    /// The transaction.
    pub tx: Transaction,
    /// The block of the best chain that holds it; `None` while it waits in the mempool.
    pub block: Option<BlockHash>,
    /// Confirmations, 0 in the mempool.
    pub confirmations: u32,
}

/// An unspent output as the node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utxo {
    /// Where it is.
    pub outpoint: OutPoint,
    /// What it holds.
    pub txout: TxOut,
    /// Height of the block that made it; 0 while unconfirmed.
    pub height: u32,
    /// Whether a coinbase made it (spendable after 100 blocks).
    pub coinbase: bool,
}

/// What a node says of a transaction it was asked to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The transaction.
    pub txid: Txid,
    /// Why it was refused; `None` if the mempool would take it.
    pub reject: Option<String>,
}

/// Facts and services of a Bitcoin node.
pub trait BitcoinSource: Send + Sync {
    /// The best chain.
    fn chain_info(&self) -> Result<ChainInfo, ClientError>;
    /// Hash of the best chain's block at `height`.
    fn block_hash(&self, height: u32) -> Result<BlockHash, ClientError>;
    /// A header, from any branch the node knows.
    fn header(&self, hash: BlockHash) -> Result<Header, ClientError>;
    /// Height of a block of the best chain; `None` when the block is not on it.
    fn height_of(&self, hash: BlockHash) -> Result<Option<u32>, ClientError>;
    /// A whole block.
    fn block(&self, hash: BlockHash) -> Result<Block, ClientError>;
    /// A transaction by id; `None` when the node does not know it.
    fn transaction(&self, txid: Txid) -> Result<Option<TxStatus>, ClientError>;
    /// An unspent output; `None` when it is spent or unknown. The mempool's spends count.
    fn utxo(&self, outpoint: OutPoint) -> Result<Option<Utxo>, ClientError>;
    /// All confirmed unspent outputs with one of these scripts.
    fn scan(&self, scripts: &[ScriptBuf]) -> Result<Vec<Utxo>, ClientError>;
    /// Sends a transaction to the network. Sending one that is there already is no error.
    fn broadcast(&self, tx: &Transaction) -> Result<Txid, ClientError>;
    /// Asks whether the mempool would take these transactions, without sending them.
    fn try_accept(&self, txs: &[Transaction]) -> Result<Vec<Acceptance>, ClientError>;
    /// Sends a parent and its child together.
    fn submit_package(&self, txs: &[Transaction]) -> Result<(), ClientError>;
    /// Fee rate for confirmation within `blocks`; `None` when the node cannot tell.
    fn fee_rate(&self, blocks: u16) -> Result<Option<Amount>, ClientError>;
    /// The lowest fee rate the mempool takes now, per 1 000 virtual bytes.
    fn mempool_floor(&self) -> Result<Amount, ClientError>;
    /// The address asked, without credentials.
    fn endpoint(&self) -> &str;
}
