//! Methods about blocks and the chain of them.

use std::collections::HashSet;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{BlockHash, OutPoint, Txid};
use serde_json::{Value, json};

use super::params::Params;
use super::render;
use super::{Answer, Method, RpcError, btc, code, method};
use crate::bitcoin::engine::Engine;
use crate::bitcoin::store::StoredBlock;

pub(super) const METHODS: &[Method] = &[
    method("getblockchaininfo", &[], chain_info),
    method("getblockcount", &[], |engine, _| Ok(json!(engine.chain.view.height()))),
    method("getbestblockhash", &[], |engine, _| Ok(json!(engine.chain.tip()))),
    method("getdifficulty", &[], |engine, _| Ok(json!(render::difficulty(&tip(engine)?)))),
    method("getblockhash", &["height"], block_hash),
    method("getblockheader", &["blockhash", "verbose"], block_header),
    method("getblock", &["blockhash", "verbosity"], block),
    method("getchaintips", &[], chain_tips),
    method("gettxout", &["txid", "n", "include_mempool"], tx_out),
    method("gettxoutsetinfo", &["hash_type"], tx_out_set_info),
    method("invalidateblock", &["blockhash"], invalidate_block),
    method("reconsiderblock", &["blockhash"], reconsider_block),
];

/// A known block.
///
/// # Errors
/// -5 as bitcoind.
pub(super) fn stored(engine: &Engine, hash: &BlockHash) -> Result<StoredBlock, RpcError> {
    engine
        .chain
        .store
        .get(hash)
        .cloned()
        .ok_or_else(|| RpcError::new(code::ADDRESS_OR_KEY, "Block not found"))
}

fn tip(engine: &Engine) -> Result<StoredBlock, RpcError> {
    stored(engine, &engine.chain.tip())
}

fn chain_info(engine: &mut Engine, _: &Params) -> Answer {
    let tip = tip(engine)?;
    let header = render::header(&engine.chain, &tip);
    Ok(json!({
        "chain": "regtest",
        "blocks": tip.height,
        "headers": tip.height,
        "bestblockhash": header["hash"],
        "bits": header["bits"],
        "target": header["target"],
        "difficulty": header["difficulty"],
        "time": header["time"],
        "mediantime": header["mediantime"],
        "verificationprogress": 1,
        "initialblockdownload": false,
        "chainwork": header["chainwork"],
        "size_on_disk": 0,
        "pruned": false,
        "warnings": [],
    }))
}

fn block_hash(engine: &mut Engine, params: &Params) -> Answer {
    let height = u32::try_from(params.integer(0)?).ok();
    let hash = height.and_then(|h| engine.chain.view.at(h));
    hash.map(|h| json!(h)).ok_or_else(|| RpcError::new(code::INVALID_PARAMETER, "Block height out of range"))
}

fn block_header(engine: &mut Engine, params: &Params) -> Answer {
    let block = stored(engine, &params.block_hash(0)?)?;
    if params.flag(1, true)? {
        return Ok(Value::Object(render::header(&engine.chain, &block)));
    }
    Ok(json!(serialize_hex(block.header())))
}

fn block(engine: &mut Engine, params: &Params) -> Answer {
    let block = stored(engine, &params.block_hash(0)?)?;
    let verbosity = params.level(1, 1)?;
    if verbosity <= 0 {
        return Ok(json!(serialize_hex(&*block.block)));
    }
    Ok(render::block(&engine.chain, &block, verbosity))
}

fn chain_tips(engine: &mut Engine, _: &Params) -> Answer {
    let chain = &engine.chain;
    let mut tips: Vec<StoredBlock> =
        chain.store.leaves().iter().filter_map(|h| chain.store.get(h)).cloned().collect();
    if !tips.iter().any(|t| chain.is_active(t)) {
        tips.push(tip(engine)?);
    }
    tips.sort_by_key(|t| (std::cmp::Reverse(t.height), t.block.block_hash()));
    let describe = |tip: &StoredBlock| {
        let hash = tip.block.block_hash();
        let status = match () {
            () if chain.is_active(tip) => "active",
            () if chain.is_invalidated(&hash) => "invalid",
            () => "valid-headers",
        };
        json!({ "height": tip.height, "hash": hash, "branchlen": branch_length(engine, tip), "status": status })
    };
    Ok(tips.iter().map(describe).collect())
}

fn branch_length(engine: &Engine, tip: &StoredBlock) -> u32 {
    let mut length = 0;
    let mut at = Some(tip);
    while let Some(block) = at.filter(|b| !engine.chain.is_active(b)) {
        length += 1;
        at = engine.chain.store.get(&block.parent());
    }
    length
}

fn tx_out(engine: &mut Engine, params: &Params) -> Answer {
    let vout =
        u32::try_from(params.integer(1)?).map_err(|_| RpcError::new(code::INVALID_PARAMETER, "Invalid n"))?;
    let point = OutPoint::new(params.txid(0)?, vout);
    let with_pool = params.flag(2, true)?;
    if with_pool && engine.pool.spender(&point).is_some() {
        return Ok(Value::Null);
    }
    let unconfirmed = engine.pool.output(&point).filter(|_| with_pool);
    let (out, confirmations, coinbase) = match (engine.chain.view.coin(&point), unconfirmed) {
        (Some(coin), _) => (&coin.out, engine.chain.view.height() - coin.height + 1, coin.coinbase),
        (None, Some(out)) => (out, 0, false),
        (None, None) => return Ok(Value::Null),
    };
    Ok(json!({
        "bestblock": engine.chain.tip(),
        "confirmations": confirmations,
        "value": btc(out.value.to_sat()),
        "scriptPubKey": render::script_pubkey(&out.script_pubkey),
        "coinbase": coinbase,
    }))
}

fn tx_out_set_info(engine: &mut Engine, _: &Params) -> Answer {
    let view = &engine.chain.view;
    let total: u64 = view.coins().map(|(_, coin)| coin.out.value.to_sat()).sum();
    let transactions: HashSet<Txid> = view.coins().map(|(point, _)| point.txid).collect();
    Ok(json!({
        "height": view.height(),
        "bestblock": engine.chain.tip(),
        "txouts": view.coins().count(),
        "bogosize": view.coins().map(|(_, coin)| 50 + coin.out.script_pubkey.len()).sum::<usize>(),
        "transactions": transactions.len(),
        "disk_size": 0,
        "total_amount": btc(total),
    }))
}

fn invalidate_block(engine: &mut Engine, params: &Params) -> Answer {
    let hash = params.block_hash(0)?;
    if stored(engine, &hash)?.height == 0 {
        return Err(RpcError::new(code::INVALID_PARAMETER, "The genesis block cannot be invalidated"));
    }
    engine.invalidate(&hash)?;
    Ok(Value::Null)
}

fn reconsider_block(engine: &mut Engine, params: &Params) -> Answer {
    let hash = params.block_hash(0)?;
    stored(engine, &hash)?;
    engine.reconsider(&hash)?;
    Ok(Value::Null)
}
