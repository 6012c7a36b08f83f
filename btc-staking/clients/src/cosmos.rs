//! What our programs ask of a Cosmos chain, over its CometBFT RPC.
//!
//! Queries are ABCI queries, transactions are signed here (SIGN_MODE_DIRECT, secp256k1) and the outcome is read
//! back from the block that holds them. One [`Writer`] per account: two writers of one account clash.

mod broadcast;
mod key;
mod query;

use crate::error::ClientError;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use broadcast::{GasPrice, Msg, Writer, coin};
pub use key::{ChainKey, KeyError};
pub use query::Rpc;

/// The chain in a few numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainStatus {
    /// The chain id.
    pub chain_id: String,
    /// Height of the newest block.
    pub height: u64,
    /// Whether the node is still catching up.
    pub catching_up: bool,
}

/// A block as a finality provider needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockInfo {
    /// Height.
    pub height: u64,
    /// The application hash in this block's header (32 bytes on CometBFT chains).
    pub app_hash: Vec<u8>,
    /// The block's hash.
    pub hash: Vec<u8>,
}

/// An event attribute list by type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event's type, `wasm-…` for contracts.
    pub kind: String,
    /// Its attributes in order.
    pub attributes: Vec<(String, String)>,
}

impl Event {
    /// The first attribute named `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// A transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxOutcome {
    /// Its hash, upper-case hex.
    pub hash: String,
    /// The block that holds it.
    pub height: u64,
    /// Gas used.
    pub gas_used: u64,
    /// What it did.
    pub events: Vec<Event>,
}

impl TxOutcome {
    /// The first event of `kind`.
    pub fn event(&self, kind: &str) -> Option<&Event> {
        self.events.iter().find(|e| e.kind == kind)
    }

    /// The first attribute `key` of the first event of `kind` that has it.
    pub fn attribute(&self, kind: &str, key: &str) -> Option<&str> {
        self.events.iter().filter(|e| e.kind == kind).find_map(|e| e.get(key))
    }
}

/// A validator of the chain's own staking module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorInfo {
    /// Operator address (`…valoper1…`).
    pub operator: String,
    /// Tokens bonded to it, base units.
    pub tokens: u128,
    /// Whether it is jailed.
    pub jailed: bool,
}

/// Reads a chain.
pub trait ChainClient: Send + Sync {
    /// Newest height and chain id.
    fn status(&self) -> Result<ChainStatus, ClientError>;
    /// The block at `height`.
    fn block(&self, height: u64) -> Result<BlockInfo, ClientError>;
    /// A contract's answer, as JSON.
    fn smart_query_value(&self, contract: &str, query: &Value) -> Result<Value, ClientError>;
    /// Balance of `address` in `denom`, base units.
    fn balance(&self, address: &str, denom: &str) -> Result<u128, ClientError>;
    /// Account number and sequence.
    fn account(&self, address: &str) -> Result<(u64, u64), ClientError>;
    /// The chain's validators.
    fn validators(&self) -> Result<Vec<ValidatorInfo>, ClientError>;
    /// A transaction in a block; `None` while there is none of this hash.
    fn tx(&self, hash: &str) -> Result<Option<TxOutcome>, ClientError>;
    /// Hands a signed transaction to the mempool.
    fn broadcast(&self, raw: &[u8]) -> Result<String, ClientError>;
    /// The address asked, without credentials.
    fn endpoint(&self) -> &str;
}

/// Asks a contract with typed messages.
///
/// # Errors
/// As the chain says; permanent when the answer does not parse.
pub fn smart_query<Q: Serialize, R: DeserializeOwned>(
    chain: &dyn ChainClient,
    contract: &str,
    query: &Q,
) -> Result<R, ClientError> {
    let permanent = |e: serde_json::Error| ClientError::permanent(chain.endpoint(), "smart query", e);
    let query = serde_json::to_value(query).map_err(permanent)?;
    let answer = chain.smart_query_value(contract, &query)?;
    serde_json::from_value(answer).map_err(permanent)
}
