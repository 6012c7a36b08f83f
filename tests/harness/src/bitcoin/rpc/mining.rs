//! Methods that make blocks, take blocks and set the clock.

use std::sync::Arc;

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Block, ScriptBuf, Transaction};
use serde_json::{Value, json};

use super::params::{Params, address_script, parse_hash, parse_transaction};
use super::{Answer, Method, RpcError, code, describe, method};
use crate::bitcoin::engine::Engine;
use crate::bitcoin::kernel::Verdict;
use crate::bitcoin::policy::Reject;

pub(super) const METHODS: &[Method] = &[
    method("generatetoaddress", &["nblocks", "address", "maxtries"], generate_to_address),
    method("generatetodescriptor", &["num_blocks", "descriptor", "maxtries"], generate_to_descriptor),
    method("generateblock", &["output", "transactions", "submit"], generate_block),
    method("submitblock", &["hexdata", "dummy"], submit_block),
    method("setmocktime", &["timestamp"], set_mock_time),
];

fn generate_to_address(engine: &mut Engine, params: &Params) -> Answer {
    let script = address_script(params.text(1)?)
        .ok_or_else(|| RpcError::new(code::ADDRESS_OR_KEY, "Error: Invalid address"))?;
    generate(engine, params.integer(0)?, &script)
}

fn generate_to_descriptor(engine: &mut Engine, params: &Params) -> Answer {
    let script = single_script(params.text(1)?).map_err(|e| RpcError::new(code::ADDRESS_OR_KEY, e))?;
    generate(engine, params.integer(0)?, &script)
}

fn generate(engine: &mut Engine, blocks: i64, script: &ScriptBuf) -> Answer {
    let mut hashes = Vec::new();
    for _ in 0..blocks {
        hashes.push(engine.mine(script.clone())?);
    }
    Ok(json!(hashes))
}

fn single_script(descriptor: &str) -> Result<ScriptBuf, String> {
    let mut scripts = describe::scripts(descriptor, (0, 0))?;
    if scripts.len() > 1 {
        Err("Ranged descriptor not accepted".into())
    } else {
        scripts.pop().ok_or_else(String::new)
    }
}

fn generate_block(engine: &mut Engine, params: &Params) -> Answer {
    let output = params.text(0)?;
    let script = address_script(output).map_or_else(|| single_script(output), Ok);
    let script =
        script.map_err(|_| RpcError::new(code::ADDRESS_OR_KEY, "Error: Invalid address or descriptor"))?;
    let txs = params.list(1)?.iter().map(|v| named_transaction(engine, v)).collect::<Result<Vec<_>, _>>()?;
    let fees = total_fees(engine, &txs)
        .map_err(|r| RpcError::new(code::VERIFY, format!("testBlockValidity failed: {r}")))?;
    let block = engine.build(&txs, fees, script);
    if params.flag(2, true)? {
        let hash = engine.submit_own(&block)?;
        return Ok(json!({ "hash": hash }));
    }
    Ok(json!({ "hash": block.block_hash(), "hex": serialize_hex(&block) }))
}

fn named_transaction(engine: &Engine, value: &Value) -> Result<Arc<Transaction>, RpcError> {
    let text = value.as_str().unwrap_or_default();
    if text.len() != 64 {
        return parse_transaction(text);
    }
    let txid = parse_hash(text, "transaction")?;
    let missing = || RpcError::new(code::ADDRESS_OR_KEY, format!("Transaction {txid} not in mempool."));
    engine.pool.get(&txid).map(|e| e.tx.clone()).ok_or_else(missing)
}

/// What the transactions of a block pay, and whether Core takes them in this order.
fn total_fees(engine: &mut Engine, txs: &[Arc<Transaction>]) -> Result<u64, Reject> {
    let mut made = std::collections::HashMap::new();
    let mut fees = 0u64;
    for tx in txs {
        let mut value_in = 0u64;
        for input in &tx.input {
            let point = input.previous_output;
            let known =
                engine.chain.view.coin(&point).map(|c| c.out.value).or_else(|| made.get(&point).copied());
            value_in += known.ok_or_else(|| Reject::plain("bad-txns-inputs-missingorspent"))?.to_sat();
        }
        let value_out: u64 = tx.output.iter().map(|o| o.value.to_sat()).sum();
        fees += value_in.checked_sub(value_out).ok_or_else(|| Reject::plain("bad-txns-in-belowout"))?;
        let txid = tx.compute_txid();
        made.extend((0u32..).zip(&tx.output).map(|(n, out)| (bitcoin::OutPoint::new(txid, n), out.value)));
    }
    if !txs.is_empty() {
        engine.chain.trial(txs, fees)?;
    }
    Ok(fees)
}

fn submit_block(engine: &mut Engine, params: &Params) -> Answer {
    let failed = || RpcError::new(code::DESERIALIZATION, "Block decode failed");
    let block: Block = deserialize_hex(params.text(0)?).map_err(|_| failed())?;
    let hash = block.block_hash();
    Ok(match engine.submit_block(&block)? {
        Verdict::Refused(reason) => json!(reason.split(", ").next()),
        Verdict::Duplicate => json!("duplicate"),
        Verdict::Accepted if engine.chain.view.tip() == Some(&hash) => Value::Null,
        Verdict::Accepted => json!("inconclusive"),
    })
}

fn set_mock_time(engine: &mut Engine, params: &Params) -> Answer {
    let time = u32::try_from(params.integer(0)?).map_err(|_| {
        RpcError::new(code::INVALID_PARAMETER, "Mocktime must be in the range [0, 4294967295]")
    })?;
    engine.set_mock_time(time);
    Ok(Value::Null)
}
