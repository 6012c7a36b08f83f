//! `scantxoutset`: unspent outputs by descriptor, answered at once because the UTXO set is in memory.

use std::collections::HashMap;

use bitcoin::{OutPoint, ScriptBuf};
use serde_json::{Value, json};

use super::params::Params;
use super::{Answer, Method, RpcError, btc, code, describe, method};
use crate::bitcoin::engine::Engine;
use crate::bitcoin::view::Coin;

pub(super) const METHODS: &[Method] = &[method("scantxoutset", &["action", "scanobjects"], scan)];

/// Core's default: indices 0 to 1,000 of a ranged descriptor.
const DEFAULT_LAST: u32 = 1_000;

fn scan(engine: &mut Engine, params: &Params) -> Answer {
    match params.text(0)? {
        "start" => start(engine, params),
        "status" => Ok(Value::Null),
        "abort" => Ok(json!(false)),
        other => Err(RpcError::new(code::INVALID_PARAMETER, format!("Invalid action '{other}'"))),
    }
}

fn start(engine: &Engine, params: &Params) -> Answer {
    let mut wanted: HashMap<ScriptBuf, String> = HashMap::new();
    for object in params.list(1)? {
        let (text, range) = scan_object(object)?;
        let scripts = describe::scripts(text, range).map_err(|e| RpcError::new(code::ADDRESS_OR_KEY, e))?;
        wanted.extend(scripts.into_iter().map(|script| {
            let described = describe::of_script(&script);
            (script, described)
        }));
    }
    let view = &engine.chain.view;
    let mut found: Vec<(&OutPoint, &Coin)> =
        view.coins().filter(|(_, c)| wanted.contains_key(&c.out.script_pubkey)).collect();
    found.sort_by_key(|(point, coin)| (coin.height, **point));
    let total = found.iter().map(|(_, c)| c.out.value.to_sat()).sum();
    let unspents: Vec<Value> =
        found.iter().map(|(p, c)| unspent(engine, p, c, &wanted[&c.out.script_pubkey])).collect();
    Ok(json!({
        "success": true,
        "txouts": view.coins().count(),
        "height": view.height(),
        "bestblock": engine.chain.tip(),
        "unspents": unspents,
        "total_amount": btc(total),
    }))
}

fn scan_object(object: &Value) -> Result<(&str, (u32, u32)), RpcError> {
    let invalid =
        || RpcError::new(code::INVALID_PARAMETER, "Scan object needs to be either a string or an object");
    if let Some(text) = object.as_str() {
        return Ok((text, (0, DEFAULT_LAST)));
    }
    let text = object.get("desc").and_then(Value::as_str).ok_or_else(invalid)?;
    let number = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok()).ok_or_else(invalid);
    let range = match object.get("range") {
        None => (0, DEFAULT_LAST),
        Some(Value::Array(ends)) if ends.len() == 2 => (number(&ends[0])?, number(&ends[1])?),
        Some(last) => (0, number(last)?),
    };
    Ok((text, range))
}

fn unspent(engine: &Engine, point: &OutPoint, coin: &Coin, desc: &str) -> Value {
    json!({
        "txid": point.txid,
        "vout": point.vout,
        "scriptPubKey": coin.out.script_pubkey.to_hex_string(),
        "desc": desc,
        "amount": btc(coin.out.value.to_sat()),
        "coinbase": coin.coinbase,
        "height": coin.height,
        "blockhash": engine.chain.view.at(coin.height),
        "confirmations": engine.chain.view.height() - coin.height + 1,
    })
}
