//! Methods that prove things to light clients: merkle proofs (BIP-37 form) and compact filters (BIP-157/158).

use std::collections::HashSet;

use bitcoin::bip158::{BlockFilter, FilterHeader};
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, MerkleBlock, Txid};
use serde_json::{Value, json};

use super::blocks::stored;
use super::params::{Params, parse_hash};
use super::render::hex;
use super::{Answer, Method, RpcError, code, method};
use crate::bitcoin::engine::Engine;

pub(super) const METHODS: &[Method] = &[
    method("gettxoutproof", &["txids", "blockhash"], tx_out_proof),
    method("verifytxoutproof", &["proof"], verify_tx_out_proof),
    method("getblockfilter", &["blockhash", "filtertype"], block_filter),
];

fn tx_out_proof(engine: &mut Engine, params: &Params) -> Answer {
    let mut txids = HashSet::new();
    for value in params.list(0)? {
        let txid: Txid = parse_hash(value.as_str().unwrap_or_default(), "txid")?;
        if !txids.insert(txid) {
            return Err(RpcError::new(
                code::INVALID_PARAMETER,
                format!("Invalid parameter, duplicated txid: {txid}"),
            ));
        }
    }
    let hash = match params.get(1) {
        Some(_) => params.block_hash(1)?,
        None => common_block(engine, &txids)?,
    };
    let block = stored(engine, &hash)?.block;
    let held: HashSet<Txid> = block.txdata.iter().map(bitcoin::Transaction::compute_txid).collect();
    if !txids.is_subset(&held) {
        return Err(RpcError::new(
            code::ADDRESS_OR_KEY,
            "Not all transactions found in specified or retrieved block",
        ));
    }
    let proof = MerkleBlock::from_block_with_predicate(&block, |txid| txids.contains(txid));
    Ok(json!(serialize_hex(&proof)))
}

fn common_block(engine: &Engine, txids: &HashSet<Txid>) -> Result<BlockHash, RpcError> {
    if txids.is_empty() {
        return Err(RpcError::new(code::INVALID_PARAMETER, "Parameter 'txids' cannot be empty"));
    }
    let place = txids.iter().find_map(|txid| engine.chain.view.place(txid));
    let missing = || RpcError::new(code::ADDRESS_OR_KEY, "Transaction not yet in block");
    place.map(|(hash, _)| hash).ok_or_else(missing)
}

fn verify_tx_out_proof(engine: &mut Engine, params: &Params) -> Answer {
    let failed = |text: &str| RpcError::new(code::DESERIALIZATION, text);
    let proof: MerkleBlock = deserialize_hex(params.text(0)?).map_err(|_| failed("Proof decode failed"))?;
    let (mut matches, mut indexes) = (Vec::new(), Vec::new());
    if proof.extract_matches(&mut matches, &mut indexes).is_err() {
        return Ok(json!([]));
    }
    let block = stored(engine, &proof.header.block_hash())?;
    if !engine.chain.is_active(&block) {
        return Err(RpcError::new(code::ADDRESS_OR_KEY, "Block not found in chain"));
    }
    Ok(json!(matches))
}

fn block_filter(engine: &mut Engine, params: &Params) -> Answer {
    let target = stored(engine, &params.block_hash(0)?)?;
    if params.get(1).is_some_and(|t| t != "basic") {
        return Err(RpcError::new(code::ADDRESS_OR_KEY, "Unknown filtertype"));
    }
    if !engine.chain.is_active(&target) {
        return Err(RpcError::new(code::MISC, "Filter not found. Block was not connected to active chain."));
    }
    let mut header = FilterHeader::all_zeros();
    let mut answer = Value::Null;
    for height in 0..=target.height {
        let filter = filter_at(engine, height)?;
        header = filter.filter_header(&header);
        answer = json!({ "filter": hex(&filter.content), "header": header });
    }
    Ok(answer)
}

fn filter_at(engine: &Engine, height: u32) -> Result<BlockFilter, RpcError> {
    let missing = || RpcError::new(code::MISC, "Filter not found.");
    let hash = *engine.chain.view.at(height).ok_or_else(missing)?;
    let block = stored(engine, &hash)?.block;
    let spent = engine.chain.view.spent_by(&hash).ok_or_else(missing)?;
    let script = |point: &bitcoin::OutPoint| {
        let found = spent.iter().find(|(p, _)| p == point).map(|(_, coin)| coin.out.script_pubkey.clone());
        found.ok_or(bitcoin::bip158::Error::UtxoMissing(*point))
    };
    BlockFilter::new_script_filter(&block, script).map_err(|e| RpcError::new(code::MISC, e.to_string()))
}
