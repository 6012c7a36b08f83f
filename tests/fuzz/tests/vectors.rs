//! Every binary value and every object of the vector files goes through every target.

use std::fs;
use std::path::Path;

use hex_conservative::FromHex;
use mesh_fuzz::TARGETS;
use serde_json::Value;

fn visit(value: &Value, feed: &mut impl FnMut(&[u8])) {
    match value {
        Value::String(text) => {
            feed(text.as_bytes());
            if let Ok(bytes) = Vec::from_hex(text) {
                feed(&bytes);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, feed)),
        Value::Object(fields) => {
            feed(value.to_string().as_bytes());
            fields.values().for_each(|item| visit(item, feed));
        }
        _ => {}
    }
}

#[test]
fn no_target_fails_on_a_vector() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let mut fed = 0;
    for file in fs::read_dir(folder).expect("the vectors are there").flatten() {
        if file.path().extension().is_some_and(|end| end == "json") {
            let text = fs::read_to_string(file.path()).expect("a vector file");
            let value: Value = serde_json::from_str(&text).expect("JSON");
            visit(&value, &mut |bytes| {
                TARGETS.iter().for_each(|(_, target)| target(bytes));
                fed += 1;
            });
        }
    }
    assert!(fed > 10_000, "only {fed} values");
}
