//! Writes the JSON schemas of all contracts' messages, or checks that the committed ones are current.
//!
//! ```text
//! cargo build --release --locked --workspace --features staking-api/schema --example schemas
//! target/release/examples/schemas            # writes contracts/*/schema/*.json
//! target/release/examples/schemas --check    # exit code 1 if one is not current
//! ```

mod btc;
mod mesh;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

fn main() -> ExitCode {
    let check = std::env::args().any(|arg| arg == "--check");
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    let results: Vec<_> = btc::all().iter().chain(&mesh::all()).map(|s| one(&contracts, s, check)).collect();
    let failed = results.iter().filter(|result| result.is_err()).count();
    results.iter().filter_map(|result| result.as_ref().err()).for_each(|error| eprintln!("{error}"));
    println!("{} passed, {failed} failed", results.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Writes or checks the schema of one contract.
fn one(contracts: &Path, schema: &Value, check: bool) -> Result<(), String> {
    let name = schema["contract"].as_str().ok_or("a schema without a contract")?;
    let file = contracts.join(name).join("schema").join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(schema).map_err(|e| e.to_string())? + "\n";
    if check { hold(&file, &text) } else { write(&file, &text) }
}

fn hold(file: &PathBuf, text: &str) -> Result<(), String> {
    let found = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    if found == text { Ok(()) } else { Err(format!("{} is not current; write it anew", file.display())) }
}

fn write(file: &PathBuf, text: &str) -> Result<(), String> {
    let folder = file.parent().ok_or("no folder")?;
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file, text)).map_err(|e| e.to_string())
}
