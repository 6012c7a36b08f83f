//! Methods that fetch, test and send transactions.

use std::sync::Arc;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{BlockHash, Transaction};
use serde_json::{Map, Value, json};

use super::blocks::stored;
use super::params::Params;
use super::render;
use super::{Answer, Method, RpcError, btc, code, method};
use crate::bitcoin::engine::Engine;
use crate::bitcoin::mempool::Entry;
use crate::bitcoin::package::{Outcome, PackageReport, is_child_with_parents};
use crate::bitcoin::policy::{Reject, RejectKind, burned, fee_at};

pub(super) const METHODS: &[Method] = &[
    method("getrawtransaction", &["txid", "verbosity", "blockhash"], raw_transaction),
    method("decoderawtransaction", &["hexstring", "iswitness"], decode),
    method("sendrawtransaction", &["hexstring", "maxfeerate", "maxburnamount"], send),
    method("testmempoolaccept", &["rawtxs", "maxfeerate"], test_accept),
    method("submitpackage", &["package", "maxfeerate", "maxburnamount"], submit_package),
];

/// bitcoind's guard against absurd fees: 0.1 BTC per 1,000 virtual bytes, in satoshi.
const DEFAULT_MAX_FEE_RATE: u64 = 10_000_000;
const MAX_PACKAGE: usize = 25;
const NOT_FOUND: &str =
    "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.";

fn raw_transaction(engine: &mut Engine, params: &Params) -> Answer {
    let txid = params.txid(0)?;
    let verbosity = params.level(1, 0)?;
    if render::is_genesis_coinbase(&txid) {
        let text =
            "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved";
        return Err(RpcError::new(code::ADDRESS_OR_KEY, text));
    }
    let place = match params.get(2) {
        Some(_) => Some(in_block(engine, &params.block_hash(2)?, &txid)?),
        None => engine.chain.view.place(&txid),
    };
    let tx = match place {
        Some((hash, index)) => Arc::new(stored(engine, &hash)?.block.txdata[index].clone()),
        None => match engine.pool.get(&txid) {
            Some(entry) => entry.tx.clone(),
            None => return Err(RpcError::new(code::ADDRESS_OR_KEY, NOT_FOUND)),
        },
    };
    if verbosity <= 0 {
        return Ok(json!(serialize_hex(&*tx)));
    }
    let mut map = render::transaction(&tx);
    if let Some((hash, _)) = place {
        add_place(engine, &mut map, &hash, params.get(2).is_some())?;
    }
    Ok(Value::Object(map))
}

fn in_block(engine: &Engine, hash: &BlockHash, txid: &bitcoin::Txid) -> Result<(BlockHash, usize), RpcError> {
    let text = "Block hash not found";
    let block = stored(engine, hash).map_err(|_| RpcError::new(code::ADDRESS_OR_KEY, text))?;
    let index = block.block.txdata.iter().position(|tx| tx.compute_txid() == *txid);
    let text = "No such transaction found in the provided block. Use gettransaction for wallet transactions.";
    index.map(|i| (*hash, i)).ok_or_else(|| RpcError::new(code::ADDRESS_OR_KEY, text))
}

fn add_place(
    engine: &Engine,
    map: &mut Map<String, Value>,
    hash: &BlockHash,
    asked: bool,
) -> Result<(), RpcError> {
    let block = stored(engine, hash)?;
    let active = engine.chain.is_active(&block);
    if asked {
        map.insert("in_active_chain".into(), json!(active));
    }
    let confirmations = if active { engine.chain.view.height() - block.height + 1 } else { 0 };
    map.insert("blockhash".into(), json!(hash));
    map.insert("confirmations".into(), json!(confirmations));
    map.insert("time".into(), json!(block.header().time));
    map.insert("blocktime".into(), json!(block.header().time));
    Ok(())
}

fn decode(_: &mut Engine, params: &Params) -> Answer {
    let mut map = render::transaction(&*params.transaction(0)?);
    map.remove("hex");
    Ok(Value::Object(map))
}

fn send(engine: &mut Engine, params: &Params) -> Answer {
    let tx = params.transaction(0)?;
    let max_rate = params.amount(1, DEFAULT_MAX_FEE_RATE)?;
    check_burn(&tx, params.amount(2, 0)?)?;
    let txid = tx.compute_txid();
    if engine.pool.get(&txid).is_some() {
        return Ok(json!(txid));
    }
    let accepted = engine.evaluate(&tx).map_err(refusal)?;
    if exceeds(max_rate, accepted.entry.fee, accepted.entry.vsize) {
        let text = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)";
        return Err(RpcError::new(code::VERIFY, text));
    }
    engine.send(&tx).map_err(refusal)?;
    Ok(json!(txid))
}

fn exceeds(max_rate: u64, fee: u64, vsize: u64) -> bool {
    max_rate > 0 && fee > fee_at(max_rate, vsize)
}

fn check_burn(tx: &Transaction, max: u64) -> Result<(), RpcError> {
    if burned(tx) > max {
        let text = "Unspendable output exceeds maximum configured by user (maxburnamount)";
        return Err(RpcError::new(code::VERIFY, text));
    }
    Ok(())
}

fn refusal(reject: Reject) -> RpcError {
    match reject.kind {
        RejectKind::MissingInputs => RpcError::new(code::VERIFY, reject.to_string()),
        RejectKind::AlreadyMined => {
            RpcError::new(code::ALREADY_MINED, "Transaction outputs already in utxo set")
        }
        _ => RpcError::new(code::REJECTED, reject.to_string()),
    }
}

fn test_accept(engine: &mut Engine, params: &Params) -> Answer {
    let txs = params.transactions(0)?;
    if txs.is_empty() || txs.len() > MAX_PACKAGE {
        let text = format!("Array must contain between 1 and {MAX_PACKAGE} transactions.");
        return Err(RpcError::new(code::INVALID_PARAMETER, text));
    }
    let max_rate = params.amount(1, DEFAULT_MAX_FEE_RATE)?;
    let results = engine.test(&txs);
    Ok(txs.iter().zip(results).map(|(tx, result)| test_result(tx, result, max_rate)).collect())
}

fn test_result(tx: &Transaction, result: Result<Entry, Reject>, max_rate: u64) -> Value {
    let mut map = Map::new();
    map.insert("txid".into(), json!(tx.compute_txid()));
    map.insert("wtxid".into(), json!(tx.compute_wtxid()));
    let refused = match result {
        Ok(entry) if exceeds(max_rate, entry.fee, entry.vsize) => Reject::plain("max-fee-exceeded"),
        Ok(entry) => {
            map.insert("allowed".into(), json!(true));
            map.insert("vsize".into(), json!(entry.vsize));
            map.insert("fees".into(), fees(entry.fee, entry.fee, entry.vsize, &[entry.wtxid]));
            return Value::Object(map);
        }
        Err(reject) => reject,
    };
    let short = if refused.kind == RejectKind::MissingInputs { "missing-inputs" } else { &refused.reason };
    map.insert("allowed".into(), json!(false));
    map.insert("reject-reason".into(), json!(short));
    map.insert("reject-details".into(), json!(refused.to_string()));
    Value::Object(map)
}

fn fees(base: u64, fee: u64, vsize: u64, shared: &[bitcoin::Wtxid]) -> Value {
    let rate = fee.saturating_mul(1_000) / vsize.max(1);
    json!({ "base": btc(base), "effective-feerate": btc(rate), "effective-includes": shared })
}

fn submit_package(engine: &mut Engine, params: &Params) -> Answer {
    let txs = params.transactions(0)?;
    if txs.is_empty() || txs.len() > MAX_PACKAGE {
        let text = format!("Array must contain between 1 and {MAX_PACKAGE} transactions.");
        return Err(RpcError::new(code::INVALID_PARAMETER, text));
    }
    let max_burn = params.amount(2, 0)?;
    for tx in &txs {
        check_burn(tx, max_burn)?;
    }
    if txs.len() > 1 && !is_child_with_parents(&txs) {
        let text = "package topology disallowed. not child-with-parents or parents depend on each other.";
        return Err(RpcError::new(code::VERIFY, text));
    }
    let report = engine.submit_package(&txs);
    Ok(package_result(&txs, &report))
}

fn package_result(txs: &[Arc<Transaction>], report: &PackageReport) -> Value {
    let mut results = Map::new();
    for tx in txs {
        let wtxid = tx.compute_wtxid();
        let mut map = Map::new();
        map.insert("txid".into(), json!(tx.compute_txid()));
        match report.outcomes.get(&wtxid) {
            Some(Outcome::Entered { vsize, fee, shared, shared_fee, shared_vsize }) => {
                map.insert("vsize".into(), json!(vsize));
                map.insert("fees".into(), fees(*fee, *shared_fee, *shared_vsize, shared));
            }
            Some(Outcome::Known { vsize, fee }) => {
                map.insert("vsize".into(), json!(vsize));
                map.insert("fees".into(), json!({ "base": btc(*fee) }));
            }
            Some(Outcome::Refused(reject)) => {
                map.insert("error".into(), json!(reject.to_string()));
            }
            None => {
                map.insert("error".into(), json!("package-not-validated"));
            }
        }
        results.insert(wtxid.to_string(), Value::Object(map));
    }
    let message = if report.is_success() { "success" } else { "transaction failed" };
    json!({ "package_msg": message, "tx-results": results, "replaced-transactions": report.replaced })
}
