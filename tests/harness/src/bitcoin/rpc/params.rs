//! Parameters of a call, by position or by name, with bitcoind's error texts.

use std::str::FromStr;
use std::sync::Arc;

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{BlockHash, Network, ScriptBuf, Transaction, Txid};
use serde_json::Value;

use super::{RpcError, code};

/// Parameters in the method's order; missing ones are null.
pub(crate) struct Params {
    method: &'static str,
    names: &'static [&'static str],
    values: Vec<Value>,
}

impl Params {
    /// Reads the `params` member of a call.
    pub(crate) fn read(
        params: Option<&Value>,
        method: &'static str,
        names: &'static [&'static str],
    ) -> Result<Self, RpcError> {
        let values = match params {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(Value::Object(map)) => {
                if let Some(name) = map.keys().find(|k| !names.contains(&k.as_str()) && *k != "args") {
                    return Err(RpcError::new(
                        code::INVALID_PARAMETER,
                        format!("Unknown named parameter {name}"),
                    ));
                }
                let mut values = map.get("args").and_then(Value::as_array).cloned().unwrap_or_default();
                values.resize(names.len().max(values.len()), Value::Null);
                for (slot, name) in values.iter_mut().zip(names) {
                    if let Some(value) = map.get(*name) {
                        *slot = value.clone();
                    }
                }
                values
            }
            Some(_) => return Err(RpcError::new(code::INVALID_REQUEST, "Params must be an array or object")),
        };
        if values.len() > names.len() {
            return Err(RpcError::new(code::MISC, usage(method, names)));
        }
        Ok(Self { method, names, values })
    }

    /// The parameter, if given.
    pub(crate) fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index).filter(|v| !v.is_null())
    }

    fn need(&self, index: usize) -> Result<&Value, RpcError> {
        self.get(index).ok_or_else(|| RpcError::new(code::MISC, usage(self.method, self.names)))
    }

    pub(crate) fn text(&self, index: usize) -> Result<&str, RpcError> {
        let value = self.need(index)?;
        value.as_str().ok_or_else(|| wrong_type(value, "string"))
    }

    pub(crate) fn list(&self, index: usize) -> Result<&[Value], RpcError> {
        let value = self.need(index)?;
        value.as_array().map(Vec::as_slice).ok_or_else(|| wrong_type(value, "array"))
    }

    pub(crate) fn integer(&self, index: usize) -> Result<i64, RpcError> {
        let value = self.need(index)?;
        value.as_i64().ok_or_else(|| wrong_type(value, "number"))
    }

    /// A flag, or `default`; numbers count as flags where old clients send them.
    pub(crate) fn flag(&self, index: usize, default: bool) -> Result<bool, RpcError> {
        match self.get(index) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Number(n)) => Ok(n.as_i64() != Some(0)),
            Some(other) => Err(wrong_type(other, "bool")),
        }
    }

    /// A verbosity: number or flag.
    pub(crate) fn level(&self, index: usize, default: i64) -> Result<i64, RpcError> {
        match self.get(index) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(i64::from(*flag)),
            Some(value) => value.as_i64().ok_or_else(|| wrong_type(value, "number")),
        }
    }

    /// An amount in BTC as satoshi; number or text.
    pub(crate) fn amount(&self, index: usize, default: u64) -> Result<u64, RpcError> {
        let Some(value) = self.get(index) else { return Ok(default) };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) => format!("{:.8}", value.as_f64().unwrap_or(-1.0)),
            other => return Err(wrong_type(other, "number or string")),
        };
        bitcoin::Amount::from_str_in(&text, bitcoin::Denomination::Bitcoin)
            .map(bitcoin::Amount::to_sat)
            .map_err(|_| RpcError::new(code::TYPE, "Invalid amount"))
    }

    pub(crate) fn block_hash(&self, index: usize) -> Result<BlockHash, RpcError> {
        parse_hash(self.text(index)?, self.names[index])
    }

    pub(crate) fn txid(&self, index: usize) -> Result<Txid, RpcError> {
        parse_hash(self.text(index)?, self.names[index])
    }

    /// A raw transaction in hex.
    pub(crate) fn transaction(&self, index: usize) -> Result<Arc<Transaction>, RpcError> {
        parse_transaction(self.text(index)?)
    }

    /// Raw transactions in hex.
    pub(crate) fn transactions(&self, index: usize) -> Result<Vec<Arc<Transaction>>, RpcError> {
        let hex =
            |value: &Value| parse_transaction(value.as_str().ok_or_else(|| wrong_type(value, "string"))?);
        self.list(index)?.iter().map(hex).collect()
    }
}

/// Parses 64 hex digits; `name` is for the error.
pub(crate) fn parse_hash<H: FromStr>(text: &str, name: &str) -> Result<H, RpcError> {
    if text.len() != 64 {
        let message = format!("{name} must be of length 64 (not {}, for '{text}')", text.len());
        return Err(RpcError::new(code::INVALID_PARAMETER, message));
    }
    let message = || {
        RpcError::new(code::INVALID_PARAMETER, format!("{name} must be hexadecimal string (not '{text}')"))
    };
    H::from_str(text).map_err(|_| message())
}

/// Parses a raw transaction in hex.
pub(crate) fn parse_transaction(hex: &str) -> Result<Arc<Transaction>, RpcError> {
    let message = "TX decode failed. Make sure the tx has at least one input.";
    deserialize_hex::<Transaction>(hex)
        .map(Arc::new)
        .map_err(|_| RpcError::new(code::DESERIALIZATION, message))
}

/// Script of a regtest address.
pub(crate) fn address_script(text: &str) -> Option<ScriptBuf> {
    let address = bitcoin::Address::from_str(text).ok()?.require_network(Network::Regtest).ok()?;
    Some(address.script_pubkey())
}

fn wrong_type(value: &Value, expected: &str) -> RpcError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    RpcError::new(code::TYPE, format!("JSON value of type {found} is not of expected type {expected}"))
}

fn usage(method: &str, names: &[&str]) -> String {
    format!("{method} {}", names.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAMES: &[&str] = &["a", "b", "c"];

    #[test]
    fn names_and_positions_mean_the_same() {
        let named =
            Params::read(Some(&json!({"c": 3, "a": "x"})), "m", NAMES).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!((named.text(0).unwrap(), named.get(1), named.integer(2).unwrap()), ("x", None, 3));
        let mixed = Params::read(Some(&json!({"args": ["x"], "c": 3})), "m", NAMES)
            .unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!((mixed.text(0).unwrap(), mixed.integer(2).unwrap()), ("x", 3));
        assert_eq!(
            Params::read(Some(&json!({"d": 1})), "m", NAMES).err().unwrap().code,
            code::INVALID_PARAMETER
        );
        assert_eq!(Params::read(Some(&json!([1, 2, 3, 4])), "m", NAMES).err().unwrap().code, code::MISC);
    }

    #[test]
    fn amounts_are_exact() {
        for (value, sat) in [
            (json!(0.1), 10_000_000),
            (json!("0.00000001"), 1),
            (json!(20_999_999.976_9), 2_099_999_997_690_000),
        ] {
            let params = Params::read(Some(&json!([value])), "m", NAMES).unwrap_or_else(|e| panic!("{e:?}"));
            assert_eq!(params.amount(0, 0), Ok(sat));
        }
    }
}
