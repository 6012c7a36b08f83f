//! Parameters of an RPC call, given as JSON or in a URI.

use super::RpcError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hex_conservative::FromHex;
use serde_json::Value;
use std::collections::HashMap;

/// The parameters as they came.
pub(crate) enum Params {
    /// An object by name or an array by place.
    Json(Value),
    /// A query string.
    Uri(HashMap<String, String>),
}

impl Params {
    fn json(&self, name: &str, place: usize) -> Option<&Value> {
        let Self::Json(value) = self else { return None };
        let found = value.get(name).or_else(|| value.get(place));
        found.filter(|v| !v.is_null())
    }

    /// A text; quotes around it are taken off in a URI.
    pub(crate) fn text(&self, name: &str, place: usize) -> Option<String> {
        match self {
            Self::Json(_) => match self.json(name, place)? {
                Value::String(s) => Some(s.clone()),
                other => Some(other.to_string()),
            },
            Self::Uri(query) => {
                query.get(name).map(|s| s.trim_matches('"').to_owned()).filter(|s| !s.is_empty())
            }
        }
    }

    /// A number, as number or text.
    pub(crate) fn number(&self, name: &str, place: usize) -> Result<Option<u64>, RpcError> {
        let parse =
            |s: String| s.parse().map_err(|_| RpcError::params(format!("{name}: {s} is not a number")));
        self.text(name, place).map(parse).transpose()
    }

    /// Bytes: base64 in JSON; `0x…` or plain text in a URI.
    pub(crate) fn bytes(&self, name: &str, place: usize) -> Result<Vec<u8>, RpcError> {
        let text = self.text(name, place).ok_or_else(|| RpcError::params(format!("{name} is missing")))?;
        match self {
            Self::Json(_) => STANDARD.decode(&text).map_err(|e| RpcError::params(format!("{name}: {e}"))),
            Self::Uri(_) => match text.strip_prefix("0x") {
                Some(hex) => from_hex(name, hex),
                None => Ok(text.into_bytes()),
            },
        }
    }

    /// Hex bytes, with or without `0x`; empty when missing.
    pub(crate) fn hex(&self, name: &str, place: usize) -> Result<Vec<u8>, RpcError> {
        let text = self.text(name, place).unwrap_or_default();
        from_hex(name, text.strip_prefix("0x").unwrap_or(&text))
    }
}

fn from_hex(name: &str, text: &str) -> Result<Vec<u8>, RpcError> {
    Vec::from_hex(text).map_err(|e| RpcError::params(format!("{name}: {e}")))
}
