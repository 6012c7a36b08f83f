//! Reads a vector file of `tests/vectors`.

use hex_conservative::FromHex;
use serde_json::Value;

/// Returns the cases of a family.
pub(crate) fn cases(family: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/vectors/{family}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut file: Value = serde_json::from_str(&text).expect("a vector file is JSON");
    match file["cases"].take() {
        Value::Array(cases) if !cases.is_empty() => cases,
        other => panic!("{path}: no cases: {other}"),
    }
}

/// Returns the bytes of a hex field.
pub(crate) fn bytes(object: &Value, field: &str) -> Vec<u8> {
    let text = object[field].as_str().unwrap_or_else(|| panic!("{field} is missing in {object}"));
    Vec::from_hex(text).unwrap_or_else(|error| panic!("{field}: {error}"))
}

/// Returns the bytes of a hex field if their number is right.
pub(crate) fn array<const N: usize>(object: &Value, field: &str) -> Option<[u8; N]> {
    bytes(object, field).try_into().ok()
}
