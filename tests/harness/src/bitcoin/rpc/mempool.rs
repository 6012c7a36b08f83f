//! Methods about the mempool and fees.

use bitcoin::Txid;
use serde_json::{Map, Value, json};

use super::params::Params;
use super::{Answer, Method, RpcError, btc, code, method};
use crate::bitcoin::engine::Engine;
use crate::bitcoin::mempool::{Entry, Mempool};

pub(super) const METHODS: &[Method] = &[
    method("getrawmempool", &["verbose", "mempool_sequence"], raw_mempool),
    method("getmempoolentry", &["txid"], entry),
    method("getmempoolancestors", &["txid", "verbose"], ancestors),
    method("getmempooldescendants", &["txid", "verbose"], descendants),
    method("getmempoolinfo", &[], info),
    method("estimatesmartfee", &["conf_target", "estimate_mode"], estimate),
];

fn raw_mempool(engine: &mut Engine, params: &Params) -> Answer {
    let pool = &engine.pool;
    let txids: Vec<Txid> = pool.iter().map(|e| e.txid).collect();
    if params.flag(0, false)? {
        return Ok(listed(pool, &txids, true));
    }
    if params.flag(1, false)? {
        return Ok(json!({ "txids": txids, "mempool_sequence": pool.sequence() }));
    }
    Ok(json!(txids))
}

fn listed(pool: &Mempool, txids: &[Txid], verbose: bool) -> Value {
    if !verbose {
        return json!(txids);
    }
    let described = txids.iter().filter_map(|t| pool.get(t)).map(|e| (e.txid.to_string(), describe(pool, e)));
    Value::Object(described.collect::<Map<_, _>>())
}

fn find<'a>(engine: &'a Engine, params: &Params) -> Result<&'a Entry, RpcError> {
    let txid = params.txid(0)?;
    engine.pool.get(&txid).ok_or_else(|| RpcError::new(code::ADDRESS_OR_KEY, "Transaction not in mempool"))
}

fn entry(engine: &mut Engine, params: &Params) -> Answer {
    let found = find(engine, params)?;
    Ok(describe(&engine.pool, found))
}

fn ancestors(engine: &mut Engine, params: &Params) -> Answer {
    let txids = engine.pool.ancestors(&find(engine, params)?.tx);
    Ok(listed(&engine.pool, &txids, params.flag(1, false)?))
}

fn descendants(engine: &mut Engine, params: &Params) -> Answer {
    let txids = engine.pool.descendants(&find(engine, params)?.txid);
    Ok(listed(&engine.pool, &txids, params.flag(1, false)?))
}

fn describe(pool: &Mempool, e: &Entry) -> Value {
    let sum = |txids: &[Txid]| {
        let entries = txids.iter().filter_map(|t| pool.get(t));
        entries.fold((1usize, e.vsize, e.fee), |(n, vsize, fee), x| (n + 1, vsize + x.vsize, fee + x.fee))
    };
    let (ancestors, ancestor_size, ancestor_fee) = sum(&pool.ancestors(&e.tx));
    let (descendants, descendant_size, descendant_fee) = sum(&pool.descendants(&e.txid));
    json!({
        "vsize": e.vsize,
        "weight": e.tx.weight().to_wu(),
        "time": e.time,
        "height": e.height,
        "descendantcount": descendants,
        "descendantsize": descendant_size,
        "ancestorcount": ancestors,
        "ancestorsize": ancestor_size,
        "wtxid": e.wtxid,
        "fees": {
            "base": btc(e.fee),
            "modified": btc(e.fee),
            "ancestor": btc(ancestor_fee),
            "descendant": btc(descendant_fee),
        },
        "depends": pool.parents(&e.tx),
        "spentby": pool.children(&e.txid),
        "bip125-replaceable": e.tx.input.iter().any(|i| i.sequence.is_rbf()),
        "unbroadcast": false,
    })
}

fn info(engine: &mut Engine, _: &Params) -> Answer {
    let (bytes, fees) = engine.pool.iter().fold((0, 0), |(bytes, fees), e| (bytes + e.vsize, fees + e.fee));
    let rules = engine.rules;
    Ok(json!({
        "loaded": true,
        "size": engine.pool.len(),
        "bytes": bytes,
        "usage": bytes,
        "total_fee": btc(fees),
        "maxmempool": 300_000_000,
        "mempoolminfee": btc(rules.mempool_min.max(rules.min_relay)),
        "minrelaytxfee": btc(rules.min_relay),
        "incrementalrelayfee": btc(rules.incremental),
        "unbroadcastcount": 0,
        "fullrbf": true,
        "permitbaremultisig": true,
        "maxdatacarriersize": 100_000,
    }))
}

fn estimate(engine: &mut Engine, params: &Params) -> Answer {
    let target = params.integer(0)?;
    if !(1..=1_008).contains(&target) {
        let text = "Invalid conf_target, must be between 1 and 1008";
        return Err(RpcError::new(code::INVALID_PARAMETER, text));
    }
    let floor = engine.rules.mempool_min.max(engine.rules.min_relay);
    Ok(match engine.fee_estimate {
        Some(rate) => json!({ "feerate": btc(rate.max(floor)), "blocks": target }),
        None => json!({ "errors": ["Insufficient data or no feerate found"], "blocks": target }),
    })
}
