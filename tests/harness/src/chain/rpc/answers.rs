//! What each RPC method answers, in the JSON of CometBFT 0.38.

use super::params::Params;
use super::{RpcError, search};
use crate::chain::abci;
use crate::chain::block::{Block, TxRecord, TxResult};
use crate::chain::error::TxError;
use crate::chain::state::ChainState;
use crate::chain::tx::IN_CACHE;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bitcoin_hashes::{Hash as _, sha256};
use hex_conservative::{DisplayHex, FromHex};
use serde_json::{Value, json};

/// Everything that is served.
pub(crate) const METHODS: [&str; 19] = [
    "health",
    "status",
    "net_info",
    "abci_info",
    "abci_query",
    "block",
    "block_by_hash",
    "block_results",
    "blockchain",
    "header",
    "commit",
    "validators",
    "num_unconfirmed_txs",
    "unconfirmed_txs",
    "broadcast_tx_sync",
    "broadcast_tx_async",
    "broadcast_tx_commit",
    "tx",
    "tx_search",
];

/// Largest and usual page of `tx_search` and `validators`.
const MAX_PAGE: u64 = 100;
const PAGE: u64 = 30;

type Answer = Result<Value, RpcError>;

/// Answers a call.
pub(crate) fn answer(state: &mut ChainState, method: &str, params: &Params) -> Answer {
    match method {
        "health" => Ok(json!({})),
        "status" => status(state),
        "net_info" => Ok(json!({ "listening": true, "listeners": [], "n_peers": "0", "peers": [] })),
        "abci_info" => abci_info(state),
        "abci_query" => abci_query(state, params),
        "block" => Ok(block(at(state, params)?)),
        "block_by_hash" => block_by_hash(state, params),
        "block_results" => Ok(block_results(at(state, params)?)),
        "blockchain" => blockchain(state, params),
        "header" => Ok(json!({ "header": header(at(state, params)?) })),
        "commit" => Ok(commit(at(state, params)?)),
        "validators" => validators(at(state, params)?, params),
        "num_unconfirmed_txs" => Ok(json!({ "n_txs": "0", "total": "0", "total_bytes": "0", "txs": null })),
        "unconfirmed_txs" => Ok(json!({ "n_txs": "0", "total": "0", "total_bytes": "0", "txs": [] })),
        "broadcast_tx_sync" => broadcast(state, params),
        "broadcast_tx_async" => broadcast_async(state, params),
        "broadcast_tx_commit" => broadcast_commit(state, params),
        "tx" => tx(state, params),
        "tx_search" => tx_search(state, params),
        other => Err(RpcError::method(other)),
    }
}

/// The block a call names by height, or the newest.
fn at<'s>(state: &'s ChainState, params: &Params) -> Result<&'s Block, RpcError> {
    let tip = state.tip().height();
    let height = params.number("height", 0)?.unwrap_or(tip);
    if height == 0 {
        return Err(RpcError::internal("height must be greater than 0, but got 0"));
    }
    state.block(height).ok_or_else(|| {
        RpcError::internal(format!(
            "height {height} must be less than or equal to the current blockchain height {tip}"
        ))
    })
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn null_if_empty(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::Null } else { base64(bytes).into() }
}

fn header(block: &Block) -> Value {
    serde_json::to_value(&block.header).unwrap_or(Value::Null)
}

fn block_id(block: &Block) -> Value {
    json!({
        "hash": block.id.hash.as_bytes().to_upper_hex_string(),
        "parts": {
            "total": block.id.part_set_header.total,
            "hash": block.id.part_set_header.hash.as_bytes().to_upper_hex_string(),
        },
    })
}

fn nil_block_id() -> Value {
    json!({ "hash": "", "parts": { "total": 0, "hash": "" } })
}

/// The commit in a block is for its parent; nobody votes here, so it is unsigned.
fn last_commit(block: &Block) -> Value {
    let height = block.height() - 1;
    let id = match block.header.last_block_id {
        Some(id) => json!({
            "hash": id.hash.as_bytes().to_upper_hex_string(),
            "parts": {
                "total": id.part_set_header.total,
                "hash": id.part_set_header.hash.as_bytes().to_upper_hex_string(),
            },
        }),
        None => nil_block_id(),
    };
    json!({ "height": height.to_string(), "round": 0, "block_id": id, "signatures": [] })
}

fn block(b: &Block) -> Value {
    let txs: Vec<String> = b.txs.iter().map(|t| base64(&t.bytes)).collect();
    json!({
        "block_id": block_id(b),
        "block": {
            "header": header(b),
            "data": { "txs": txs },
            "evidence": { "evidence": [] },
            "last_commit": last_commit(b),
        },
    })
}

fn block_by_hash(state: &ChainState, params: &Params) -> Answer {
    let wanted = params.bytes("hash", 0)?;
    let found = state.blocks.iter().rev().find(|b| b.id.hash.as_bytes() == wanted);
    Ok(found.map_or_else(|| json!({ "block_id": nil_block_id(), "block": null }), block))
}

fn events(result: &TxResult) -> Vec<Value> {
    let attribute = |a: &cosmwasm_std::Attribute| json!({ "key": a.key, "value": a.value, "index": true });
    let attributes = |e: &cosmwasm_std::Event| e.attributes.iter().map(attribute).collect::<Vec<_>>();
    result.events.iter().map(|e| json!({ "type": e.ty, "attributes": attributes(e) })).collect()
}

fn result(r: &TxResult) -> Value {
    json!({
        "code": r.code,
        "data": null_if_empty(&r.data),
        "log": r.log,
        "info": "",
        "gas_wanted": r.gas_wanted.to_string(),
        "gas_used": r.gas_used.to_string(),
        "events": events(r),
        "codespace": r.codespace,
    })
}

fn block_results(b: &Block) -> Value {
    let results: Vec<Value> = b.txs.iter().map(|t| result(&t.result)).collect();
    json!({
        "height": b.height().to_string(),
        "txs_results": if results.is_empty() { Value::Null } else { results.into() },
        "finalize_block_events": [],
        "validator_updates": null,
        "consensus_param_updates": null,
        "app_hash": base64(&b.app_hash_after),
    })
}

fn blockchain(state: &ChainState, params: &Params) -> Answer {
    let tip = state.tip().height();
    let max = params.number("maxHeight", 1)?.filter(|h| *h > 0).unwrap_or(tip).min(tip);
    let min = params.number("minHeight", 0)?.unwrap_or(1).max(max.saturating_sub(19)).max(1);
    let meta = |b: &Block| json!({ "block_id": block_id(b), "block_size": "0", "header": header(b), "num_txs": b.txs.len().to_string() });
    let metas: Vec<Value> = (min..=max).rev().filter_map(|h| state.block(h)).map(meta).collect();
    Ok(json!({ "last_height": tip.to_string(), "block_metas": metas }))
}

fn commit(b: &Block) -> Value {
    json!({
        "signed_header": {
            "header": header(b),
            "commit": { "height": b.height().to_string(), "round": 0, "block_id": block_id(b), "signatures": [] },
        },
        "canonical": true,
    })
}

fn validator(v: &cosmrs::tendermint::validator::Info) -> Value {
    json!({
        "address": v.address.as_bytes().to_upper_hex_string(),
        "pub_key": { "type": "tendermint/PubKeyEd25519", "value": base64(&v.pub_key.to_bytes()) },
        "voting_power": v.power().to_string(),
        "proposer_priority": "0",
    })
}

fn page_of<T>(all: Vec<T>, params: &Params, page_at: usize) -> Result<Vec<T>, RpcError> {
    let page = params.number("page", page_at)?.unwrap_or(1).max(1);
    let per_page = params.number("per_page", page_at + 1)?.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    let skip = usize::try_from((page - 1).saturating_mul(per_page)).unwrap_or(usize::MAX);
    let take = usize::try_from(per_page).unwrap_or(usize::MAX);
    Ok(all.into_iter().skip(skip).take(take).collect())
}

fn validators(b: &Block, params: &Params) -> Answer {
    let total = b.validators.len();
    let page = page_of(b.validators.iter().map(validator).collect(), params, 1)?;
    Ok(json!({
        "block_height": b.height().to_string(),
        "validators": page,
        "count": page.len().to_string(),
        "total": total.to_string(),
    }))
}

fn status(state: &ChainState) -> Answer {
    let (tip, first) = (state.tip(), state.block(1).unwrap_or_else(|| state.tip()));
    let head = header(tip);
    let me = tip.validators.first().map(validator).unwrap_or(Value::Null);
    Ok(json!({
        "node_info": {
            "protocol_version": { "p2p": "8", "block": "11", "app": "0" },
            "id": "0000000000000000000000000000000000000000",
            "listen_addr": "tcp://127.0.0.1:0",
            "network": state.config.chain_id,
            "version": "0.38.21",
            "channels": "",
            "moniker": "embedded",
            "other": { "tx_index": "on", "rpc_address": "tcp://127.0.0.1:0" },
        },
        "sync_info": {
            "latest_block_hash": tip.id.hash.as_bytes().to_upper_hex_string(),
            "latest_app_hash": head.get("app_hash"),
            "latest_block_height": tip.height().to_string(),
            "latest_block_time": head.get("time"),
            "earliest_block_hash": first.id.hash.as_bytes().to_upper_hex_string(),
            "earliest_app_hash": header(first).get("app_hash"),
            "earliest_block_height": "1",
            "earliest_block_time": header(first).get("time"),
            "catching_up": false,
        },
        "validator_info": {
            "address": me.get("address"),
            "pub_key": me.get("pub_key"),
            "voting_power": me.get("voting_power").cloned().unwrap_or_else(|| "0".into()),
        },
    }))
}

fn abci_info(state: &ChainState) -> Answer {
    let tip = state.tip();
    Ok(json!({ "response": {
        "data": "mesh-harness",
        "version": env!("CARGO_PKG_VERSION"),
        "last_block_height": tip.height().to_string(),
        "last_block_app_hash": base64(&tip.app_hash_after),
    } }))
}

fn abci_query(state: &mut ChainState, params: &Params) -> Answer {
    let path = params.text("path", 0).unwrap_or_default();
    let data = params.hex("data", 1)?;
    let height = state.tip().height().to_string();
    let asked = abci::query(state, &path, &data);
    let (code, codespace, log, value) = match asked {
        Ok(value) => (0, "", String::new(), base64(&value).into()),
        Err(e) => (e.code, e.codespace, e.log, Value::Null),
    };
    Ok(json!({ "response": {
        "code": code,
        "log": log,
        "info": "",
        "index": "0",
        "key": null,
        "value": value,
        "proofOps": null,
        "height": height,
        "codespace": codespace,
    } }))
}

fn hash_of(bytes: &[u8]) -> String {
    sha256::Hash::hash(bytes).as_byte_array().to_upper_hex_string()
}

/// The answer of CheckTx; a transaction already known is an error of the call, as in CometBFT.
fn checked(hash: &str, outcome: Result<TxResult, TxError>) -> Answer {
    let (code, codespace, log) = match outcome {
        Ok(_) => (0, "", String::new()),
        Err(e) if e.code == IN_CACHE => return Err(RpcError::internal(e.log)),
        Err(e) => (e.code, e.codespace, e.log),
    };
    Ok(json!({ "code": code, "data": "", "log": log, "codespace": codespace, "hash": hash }))
}

fn broadcast(state: &mut ChainState, params: &Params) -> Answer {
    let bytes = params.bytes("tx", 0)?;
    checked(&hash_of(&bytes), state.broadcast(bytes))
}

fn broadcast_async(state: &mut ChainState, params: &Params) -> Answer {
    let bytes = params.bytes("tx", 0)?;
    let hash = hash_of(&bytes);
    // The answer of an asynchronous broadcast never tells what came of it.
    let _ = state.broadcast(bytes);
    Ok(json!({ "code": 0, "data": "", "log": "", "codespace": "", "hash": hash }))
}

fn broadcast_commit(state: &mut ChainState, params: &Params) -> Answer {
    let bytes = params.bytes("tx", 0)?;
    let hash = hash_of(&bytes);
    let (check, done, height) = match state.broadcast(bytes) {
        Ok(done) => (TxResult::default(), done, state.tip().height()),
        Err(e) if e.code == IN_CACHE => return Err(RpcError::internal(e.log)),
        Err(e) => (TxResult::refused(&e, 0, 0, vec![]), TxResult::default(), 0),
    };
    Ok(json!({
        "check_tx": result(&check),
        "tx_result": result(&done),
        "hash": hash,
        "height": height.to_string(),
    }))
}

fn record(height: u64, index: usize, tx: &TxRecord) -> Value {
    json!({
        "hash": tx.hash.to_upper_hex_string(),
        "height": height.to_string(),
        "index": index,
        "tx_result": result(&tx.result),
        "tx": base64(&tx.bytes),
    })
}

fn tx(state: &ChainState, params: &Params) -> Answer {
    let wanted = params.bytes("hash", 0)?;
    // Some clients send hex text where base64 is due.
    let wanted = match wanted.len() {
        32 => wanted,
        _ => params.text("hash", 0).and_then(|t| Vec::from_hex(&t).ok()).unwrap_or(wanted),
    };
    let missing = || RpcError::internal(format!("tx ({}) not found", wanted.to_upper_hex_string()));
    let hash: [u8; 32] = wanted.as_slice().try_into().map_err(|_| missing())?;
    let (height, index) = state.index.get(&hash).copied().ok_or_else(missing)?;
    let found = state.block(height).and_then(|b| b.txs.get(index)).ok_or_else(missing)?;
    Ok(record(height, index, found))
}

fn tx_search(state: &ChainState, params: &Params) -> Answer {
    let query = params.text("query", 0).ok_or_else(|| RpcError::params("query is missing"))?;
    let conditions = search::parse(&query)?;
    let mut found: Vec<Value> = Vec::new();
    for block in &state.blocks {
        let height = block.height();
        let hits = block.txs.iter().enumerate().filter(|(_, tx)| search::matches(&conditions, height, tx));
        found.extend(hits.map(|(i, tx)| record(height, i, tx)));
    }
    if params.text("order_by", 4).as_deref() == Some("desc") {
        found.reverse();
    }
    let total = found.len().to_string();
    let txs = page_of(found, params, 2)?;
    Ok(json!({ "txs": txs, "total_count": total }))
}
