//! Blocks, headers, transactions and scripts as the JSON of bitcoind.

use std::fmt::Write as _;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash;
use bitcoin::opcodes::{Class, ClassifyContext};
use bitcoin::script::Instruction;
use bitcoin::{Address, Network, Script, Transaction, TxIn, TxOut, WitnessVersion};
use serde_json::{Map, Value, json};

use super::btc;
use crate::bitcoin::chainstate::Chainstate;
use crate::bitcoin::policy::is_anchor;
use crate::bitcoin::store::StoredBlock;
use crate::bitcoin::view::Coin;

/// A block header with its place in the chain.
pub(super) fn header(chain: &Chainstate, stored: &StoredBlock) -> Map<String, Value> {
    let h = stored.header();
    let hash = h.block_hash();
    let active = chain.is_active(stored);
    let confirmations = if active { i64::from(chain.view.height() - stored.height) + 1 } else { -1 };
    let mut map = Map::new();
    map.insert("hash".into(), json!(hash));
    map.insert("confirmations".into(), json!(confirmations));
    map.insert("height".into(), json!(stored.height));
    map.insert("version".into(), json!(h.version.to_consensus()));
    map.insert("versionHex".into(), json!(format!("{:08x}", h.version.to_consensus())));
    map.insert("merkleroot".into(), json!(h.merkle_root));
    map.insert("time".into(), json!(h.time));
    map.insert("mediantime".into(), json!(chain.store.median_time(&hash)));
    map.insert("nonce".into(), json!(h.nonce));
    map.insert("bits".into(), json!(format!("{:08x}", h.bits.to_consensus())));
    map.insert("target".into(), json!(format!("{:064x}", h.target())));
    map.insert("difficulty".into(), json!(difficulty(stored)));
    map.insert("chainwork".into(), json!(format!("{:064x}", stored.chainwork)));
    map.insert("nTx".into(), json!(stored.block.txdata.len()));
    if stored.height > 0 {
        map.insert("previousblockhash".into(), json!(stored.parent()));
    }
    if let Some(next) = chain.view.at(stored.height + 1).filter(|_| active) {
        map.insert("nextblockhash".into(), json!(next));
    }
    map
}

/// Difficulty relative to the easiest mainnet target.
pub(super) fn difficulty(stored: &StoredBlock) -> f64 {
    stored.header().difficulty_float()
}

/// A block; verbosity 1 lists txids, 2 whole transactions with fees, 3 also the outputs they spend.
pub(super) fn block(chain: &Chainstate, stored: &StoredBlock, verbosity: i64) -> Value {
    let mut map = header(chain, stored);
    let b = &stored.block;
    let stripped =
        b.txdata.iter().map(Transaction::base_size).sum::<usize>() + 80 + varint_size(b.txdata.len());
    map.insert("strippedsize".into(), json!(stripped));
    map.insert("size".into(), json!(b.total_size()));
    map.insert("weight".into(), json!(b.weight().to_wu()));
    let txs: Vec<Value> = if verbosity == 1 {
        b.txdata.iter().map(|tx| json!(tx.compute_txid())).collect()
    } else {
        block_transactions(chain, stored, verbosity)
    };
    map.insert("tx".into(), Value::Array(txs));
    Value::Object(map)
}

fn block_transactions(chain: &Chainstate, stored: &StoredBlock, verbosity: i64) -> Vec<Value> {
    let mut spent = chain.view.spent_by(&stored.block.block_hash()).map(<[_]>::iter);
    let mut txs = Vec::new();
    for tx in &stored.block.txdata {
        let mut map = transaction(tx);
        if let (false, Some(spent)) = (tx.is_coinbase(), spent.as_mut()) {
            let coins: Vec<&Coin> = spent.take(tx.input.len()).map(|(_, coin)| coin).collect();
            add_spent(&mut map, tx, &coins, verbosity);
        }
        txs.push(Value::Object(map));
    }
    txs
}

fn add_spent(map: &mut Map<String, Value>, tx: &Transaction, coins: &[&Coin], verbosity: i64) {
    let value_in: u64 = coins.iter().map(|c| c.out.value.to_sat()).sum();
    let value_out: u64 = tx.output.iter().map(|o| o.value.to_sat()).sum();
    map.insert("fee".into(), btc(value_in.saturating_sub(value_out)));
    if verbosity < 3 {
        return;
    }
    for (vin, coin) in map.get_mut("vin").and_then(Value::as_array_mut).into_iter().flatten().zip(coins) {
        vin["prevout"] = json!({
            "generated": coin.coinbase,
            "height": coin.height,
            "value": btc(coin.out.value.to_sat()),
            "scriptPubKey": script_pubkey(&coin.out.script_pubkey),
        });
    }
}

/// A transaction, without its place in the chain.
pub(super) fn transaction(tx: &Transaction) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("txid".into(), json!(tx.compute_txid()));
    map.insert("hash".into(), json!(tx.compute_wtxid()));
    map.insert("version".into(), json!(tx.version.0));
    map.insert("size".into(), json!(tx.total_size()));
    map.insert("vsize".into(), json!(tx.vsize()));
    map.insert("weight".into(), json!(tx.weight().to_wu()));
    map.insert("locktime".into(), json!(tx.lock_time.to_consensus_u32()));
    map.insert("vin".into(), tx.input.iter().map(|i| input(tx, i)).collect());
    map.insert("vout".into(), (0u32..).zip(&tx.output).map(|(n, out)| output(n, out)).collect());
    map.insert("hex".into(), json!(serialize_hex(tx)));
    map
}

fn input(tx: &Transaction, input: &TxIn) -> Value {
    let mut map = Map::new();
    if tx.is_coinbase() {
        map.insert("coinbase".into(), json!(input.script_sig.to_hex_string()));
    } else {
        map.insert("txid".into(), json!(input.previous_output.txid));
        map.insert("vout".into(), json!(input.previous_output.vout));
        let script = json!({ "asm": asm(&input.script_sig), "hex": input.script_sig.to_hex_string() });
        map.insert("scriptSig".into(), script);
    }
    if !input.witness.is_empty() {
        map.insert("txinwitness".into(), input.witness.iter().map(|item| json!(hex(item))).collect());
    }
    map.insert("sequence".into(), json!(input.sequence.0));
    Value::Object(map)
}

fn output(n: u32, out: &TxOut) -> Value {
    json!({ "value": btc(out.value.to_sat()), "n": n, "scriptPubKey": script_pubkey(&out.script_pubkey) })
}

/// A script as `scriptPubKey` objects show it.
pub(super) fn script_pubkey(script: &Script) -> Value {
    let mut map = Map::new();
    map.insert("asm".into(), json!(asm(script)));
    map.insert("desc".into(), json!(super::describe::of_script(script)));
    map.insert("hex".into(), json!(script.to_hex_string()));
    if let Ok(address) = Address::from_script(script, Network::Regtest) {
        map.insert("address".into(), json!(address.to_string()));
    }
    map.insert("type".into(), json!(script_type(script)));
    Value::Object(map)
}

fn script_type(script: &Script) -> &'static str {
    let rules: [(bool, &str); 10] = [
        (script.is_p2tr(), "witness_v1_taproot"),
        (is_anchor(script), "anchor"),
        (script.is_p2wpkh(), "witness_v0_keyhash"),
        (script.is_p2wsh(), "witness_v0_scripthash"),
        (script.is_p2pkh(), "pubkeyhash"),
        (script.is_p2sh(), "scripthash"),
        (script.is_p2pk(), "pubkey"),
        (script.is_op_return(), "nulldata"),
        (script.is_multisig(), "multisig"),
        (script.witness_version().is_some_and(|v| v > WitnessVersion::V0), "witness_unknown"),
    ];
    rules.iter().find(|(holds, _)| *holds).map_or("nonstandard", |(_, name)| name)
}

/// A script in Core's notation: pushes as hex, short ones as numbers.
pub(super) fn asm(script: &Script) -> String {
    let mut words = Vec::new();
    for instruction in script.instructions() {
        match instruction {
            Ok(Instruction::PushBytes(bytes)) if bytes.is_empty() => words.push("0".into()),
            Ok(Instruction::PushBytes(bytes)) => words.push(push_word(bytes.as_bytes())),
            Ok(Instruction::Op(op)) => words.push(match op.classify(ClassifyContext::Legacy) {
                Class::PushNum(n) => n.to_string(),
                _ => op_word(&op.to_string()),
            }),
            Err(_) => {
                words.push("[error]".into());
                break;
            }
        }
    }
    words.join(" ")
}

fn push_word(bytes: &[u8]) -> String {
    if bytes.len() > 4 {
        return hex(bytes);
    }
    bitcoin::script::read_scriptint_non_minimal(bytes).map_or_else(|_| hex(bytes), |n| n.to_string())
}

fn op_word(name: &str) -> String {
    match name {
        "OP_CSV" => "OP_CHECKSEQUENCEVERIFY".into(),
        "OP_CLTV" => "OP_CHECKLOCKTIMEVERIFY".into(),
        other => other.into(),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn varint_size(n: usize) -> usize {
    bitcoin::VarInt::from(n).size()
}

/// Genesis check: its coinbase is no spendable transaction.
pub(super) fn is_genesis_coinbase(txid: &bitcoin::Txid) -> bool {
    let genesis = bitcoin::constants::genesis_block(Network::Regtest);
    genesis.header.merkle_root.to_byte_array() == txid.to_byte_array()
}

#[cfg(test)]
mod tests {
    use bitcoin::ScriptBuf;

    use super::*;

    #[test]
    fn asm_is_in_cores_notation() {
        let script = ScriptBuf::from_hex("02f401b275 20".replace(' ', "").as_str()).unwrap();
        assert_eq!(asm(&script), "500 OP_CHECKSEQUENCEVERIFY OP_DROP [error]");
        let script = ScriptBuf::from_bytes([&[0x51, 0x20][..], &[0xab; 32]].concat());
        assert_eq!(asm(&script), format!("1 {}", "ab".repeat(32)));
        assert_eq!(script_type(&script), "witness_v1_taproot");
    }
}
