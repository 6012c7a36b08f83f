//! The JSON-RPC of the embedded node: bitcoind's method names, parameters, answers, error codes and texts.
//!
//! [`server`] does HTTP, this file the JSON-RPC envelope, the other files the methods. A call holds the node's lock for its whole duration, so
//! every answer is of one moment.

mod blocks;
mod describe;
mod mempool;
mod mining;
mod network;
mod params;
mod proofs;
mod render;
mod scan;
pub(crate) mod server;
mod transactions;

use serde_json::{Map, Value, json};

use super::NodeError;
use super::engine::Engine;
use params::Params;

/// Error codes of bitcoind (`rpc/protocol.h`).
pub(crate) mod code {
    pub(crate) const INVALID_REQUEST: i64 = -32600;
    pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
    pub(crate) const PARSE_ERROR: i64 = -32700;
    pub(crate) const MISC: i64 = -1;
    pub(crate) const TYPE: i64 = -3;
    pub(crate) const ADDRESS_OR_KEY: i64 = -5;
    pub(crate) const INVALID_PARAMETER: i64 = -8;
    pub(crate) const DATABASE: i64 = -20;
    pub(crate) const DESERIALIZATION: i64 = -22;
    pub(crate) const VERIFY: i64 = -25;
    pub(crate) const REJECTED: i64 = -26;
    pub(crate) const ALREADY_MINED: i64 = -27;
    pub(crate) const WARMING_UP: i64 = -28;
}

/// An error as JSON-RPC reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl RpcError {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<NodeError> for RpcError {
    fn from(error: NodeError) -> Self {
        let code = if matches!(error, NodeError::Disk { .. }) { code::DATABASE } else { code::MISC };
        Self::new(code, error.to_string())
    }
}

type Answer = Result<Value, RpcError>;

/// A method: its name, the names of its parameters, what it does.
struct Method {
    name: &'static str,
    params: &'static [&'static str],
    run: fn(&mut Engine, &Params) -> Answer,
}

const fn method(
    name: &'static str,
    params: &'static [&'static str],
    run: fn(&mut Engine, &Params) -> Answer,
) -> Method {
    Method { name, params, run }
}

static METHODS: &[&[Method]] = &[
    blocks::METHODS,
    transactions::METHODS,
    mempool::METHODS,
    mining::METHODS,
    network::METHODS,
    proofs::METHODS,
    scan::METHODS,
];

fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().flat_map(|group| group.iter()).find(|m| m.name == name)
}

/// An answer and the HTTP status bitcoind gives it.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
}

/// Answers one HTTP body.
pub(crate) fn answer(engine: &mut Engine, body: &[u8]) -> Reply {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        let error = RpcError::new(code::PARSE_ERROR, "Parse error");
        return Reply { status: 500, body: Some(envelope(false, Err(error), Value::Null)) };
    };
    match request {
        Value::Array(calls) => {
            let replies = calls.iter().filter_map(|call| answer_one(engine, call).body).collect();
            Reply { status: 200, body: Some(Value::Array(replies)) }
        }
        call => answer_one(engine, &call),
    }
}

fn answer_one(engine: &mut Engine, call: &Value) -> Reply {
    let modern = call.get("jsonrpc").and_then(Value::as_str) == Some("2.0");
    let notification = modern && call.get("id").is_none();
    let id = call.get("id").cloned().unwrap_or(Value::Null);
    let result = dispatch(engine, call);
    if notification {
        return Reply { status: 204, body: None };
    }
    let status = match &result {
        _ if modern => 200,
        Ok(_) => 200,
        Err(error) => http_status(error.code),
    };
    Reply { status, body: Some(envelope(modern, result, id)) }
}

fn http_status(error: i64) -> u16 {
    match error {
        code::INVALID_REQUEST => 400,
        code::METHOD_NOT_FOUND => 404,
        _ => 500,
    }
}

fn envelope(modern: bool, result: Answer, id: Value) -> Value {
    let mut map = Map::new();
    if modern {
        map.insert("jsonrpc".into(), json!("2.0"));
    }
    match result {
        Ok(value) => {
            map.insert("result".into(), value);
            if !modern {
                map.insert("error".into(), Value::Null);
            }
        }
        Err(error) => {
            if !modern {
                map.insert("result".into(), Value::Null);
            }
            map.insert("error".into(), json!({ "code": error.code, "message": error.message }));
        }
    }
    map.insert("id".into(), id);
    Value::Object(map)
}

fn dispatch(engine: &mut Engine, call: &Value) -> Answer {
    let invalid = |text: &str| RpcError::new(code::INVALID_REQUEST, text);
    let call = call.as_object().ok_or_else(|| invalid("Invalid Request object"))?;
    let name = call.get("method").ok_or_else(|| invalid("Missing method"))?;
    let name = name.as_str().ok_or_else(|| invalid("Method must be a string"))?;
    if let Some(text) = &engine.warming_up {
        return Err(RpcError::new(code::WARMING_UP, text.clone()));
    }
    if name == "help" {
        return Ok(json!(help()));
    }
    let method = find(name).ok_or_else(|| RpcError::new(code::METHOD_NOT_FOUND, "Method not found"))?;
    let params = Params::read(call.get("params"), method.name, method.params)?;
    (method.run)(engine, &params)
}

fn help() -> String {
    let mut lines: Vec<String> =
        METHODS.iter().flat_map(|g| g.iter()).map(|m| format!("{} {}", m.name, m.params.join(" "))).collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Satoshi as the decimal bitcoin number that bitcoind's JSON uses; exact for every amount there is.
#[allow(clippy::cast_precision_loss)]
fn btc(sat: u64) -> Value {
    json!(sat as f64 / 100_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_one_entry() {
        let mut names: Vec<_> = METHODS.iter().flat_map(|g| g.iter()).map(|m| m.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn old_and_new_envelopes_differ_as_in_bitcoind() {
        let error = || Err(RpcError::new(-5, "x"));
        assert_eq!(envelope(false, Ok(json!(1)), json!(7)), json!({"result": 1, "error": null, "id": 7}));
        assert_eq!(envelope(true, Ok(json!(1)), json!(7)), json!({"jsonrpc": "2.0", "result": 1, "id": 7}));
        assert_eq!(
            envelope(false, error(), json!(7)),
            json!({"result": null, "error": {"code": -5, "message": "x"}, "id": 7})
        );
        assert_eq!(
            envelope(true, error(), json!(7)),
            json!({"jsonrpc": "2.0", "error": {"code": -5, "message": "x"}, "id": 7})
        );
    }
}
