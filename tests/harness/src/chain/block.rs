//! Blocks of a chain: headers hashed as CometBFT does, transactions and what came of them.
//!
//! Nobody votes on an embedded chain, so commits carry no signatures.

use super::error::TxError;
use bitcoin_hashes::{Hash as _, sha256};
use cosmrs::tendermint::block::{self, Header, Height, header::Version, parts};
use cosmrs::tendermint::{AppHash, Hash, Time, account, chain, merkle, validator};
use cosmwasm_std::Event;

/// CometBFT's block protocol.
const BLOCK_PROTOCOL: u64 = 11;

/// What a transaction did.
#[derive(Clone, Debug, Default)]
pub struct TxResult {
    /// 0 when it worked.
    pub code: u32,
    /// Who numbers `code`.
    pub codespace: String,
    /// Why it failed; empty when it worked.
    pub log: String,
    /// Protobuf `TxMsgData`.
    pub data: Vec<u8>,
    /// The limit it was given.
    pub gas_wanted: u64,
    /// Nominal gas: transaction size, 60 000 per contract entered, VM gas with the wasm engine; no storage.
    pub gas_used: u64,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
}

impl TxResult {
    pub(crate) fn refused(error: &TxError, gas_wanted: u64, gas_used: u64, events: Vec<Event>) -> Self {
        Self {
            code: error.code,
            codespace: error.codespace.to_owned(),
            log: error.log.clone(),
            data: Vec::new(),
            gas_wanted,
            gas_used,
            events,
        }
    }

    /// The first attribute `key` of an event of `kind`.
    pub fn attribute(&self, kind: &str, key: &str) -> Option<&str> {
        let mut found = self.events.iter().filter(|e| e.ty == kind).flat_map(|e| &e.attributes);
        found.find(|a| a.key == key).map(|a| a.value.as_str())
    }
}

/// A transaction in a block.
#[derive(Clone, Debug)]
pub struct TxRecord {
    /// SHA-256 of the bytes.
    pub hash: [u8; 32],
    /// The transaction.
    pub bytes: Vec<u8>,
    /// What it did.
    pub result: TxResult,
}

impl TxRecord {
    pub(crate) fn new(bytes: Vec<u8>, result: TxResult) -> Self {
        Self { hash: sha256::Hash::hash(&bytes).to_byte_array(), bytes, result }
    }
}

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its header; `app_hash` is the state before it, as in CometBFT.
    pub header: Header,
    /// Its id.
    pub id: block::Id,
    /// Its transactions.
    pub txs: Vec<TxRecord>,
    /// The state after it, which the next header carries.
    pub app_hash_after: [u8; 32],
    /// The validators that made it.
    pub validators: Vec<validator::Info>,
}

impl Block {
    /// Its height.
    pub fn height(&self) -> u64 {
        self.header.height.value()
    }
}

/// What a header is made from.
pub(crate) struct Draft<'a> {
    pub(crate) chain_id: &'a str,
    pub(crate) height: u64,
    pub(crate) nanos: u64,
    pub(crate) parent: Option<&'a Block>,
    pub(crate) txs: Vec<TxRecord>,
    pub(crate) validators: Vec<validator::Info>,
    pub(crate) app_hash_after: [u8; 32],
}

fn sha(bytes: &[u8]) -> Hash {
    Hash::Sha256(sha256::Hash::hash(bytes).to_byte_array())
}

fn root(leaves: &[Vec<u8>]) -> Hash {
    Hash::Sha256(merkle::simple_hash_from_byte_vectors::<cosmrs::tendermint::crypto::default::Sha256>(leaves))
}

/// A block's results in few bytes, for the next header.
fn results_root(txs: &[TxRecord]) -> Hash {
    root(&txs.iter().map(|t| [&t.result.code.to_be_bytes()[..], &t.result.data].concat()).collect::<Vec<_>>())
}

fn time(nanos: u64) -> Result<Time, TxError> {
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    let rest = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
    Time::from_unix_timestamp(seconds, rest).map_err(|e| TxError::sdk(1, format!("block time: {e}")))
}

/// Finishes a block.
///
/// # Errors
/// When chain id, height or time do not fit a header.
pub(crate) fn finish(draft: Draft<'_>) -> Result<Block, TxError> {
    let odd = |what: &str| TxError::sdk(1, format!("header: {what}"));
    let validators_hash = validator::Set::without_proposer(draft.validators.clone()).hash();
    let proposer = draft.validators.first().map_or(account::Id::new([0; 20]), |v| v.address);
    let leaves: Vec<Vec<u8>> = draft.txs.iter().map(|t| t.hash.to_vec()).collect();
    let header = Header {
        version: Version { block: BLOCK_PROTOCOL, app: 0 },
        chain_id: draft.chain_id.parse::<chain::Id>().map_err(|e| odd(&e.to_string()))?,
        height: Height::try_from(draft.height).map_err(|e| odd(&e.to_string()))?,
        time: time(draft.nanos)?,
        last_block_id: draft.parent.map(|p| p.id),
        last_commit_hash: Some(root(&[])),
        data_hash: Some(root(&leaves)),
        validators_hash,
        next_validators_hash: validators_hash,
        consensus_hash: sha(b"mesh-harness"),
        app_hash: AppHash::try_from(draft.parent.map_or(vec![0; 32], |p| p.app_hash_after.to_vec()))
            .map_err(|e| odd(&e.to_string()))?,
        last_results_hash: Some(draft.parent.map_or_else(|| root(&[]), |p| results_root(&p.txs))),
        evidence_hash: Some(root(&[])),
        proposer_address: proposer,
    };
    let hash = header.hash();
    let parts = parts::Header::new(1, sha(hash.as_bytes())).map_err(|e| odd(&e.to_string()))?;
    let id = block::Id { hash, part_set_header: parts };
    let Draft { txs, app_hash_after, validators, .. } = draft;
    Ok(Block { header, id, txs, app_hash_after, validators })
}
