//! The demo as a user runs it: its JSON and its refusals.

use serde_json::Value;
use std::process::{Command, Output, Stdio};

fn demo(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mesh-devnet"))
        .arg("demo")
        .arg("--json")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn object(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).expect("text");
    assert_eq!(text.trim_end().lines().count(), 1, "exactly one object on stdout: {text}");
    serde_json::from_str(text).expect("JSON")
}

/// A spoiled byte stops the story with the contract's own words and exit code 5.
fn refused(spoil: &str, words: &str) {
    let output = demo(&["--spoil", spoil]);
    assert_eq!(output.status.code(), Some(5));
    let error = object(&output);
    assert_eq!(error["ok"], false);
    let message = error["error"]["message"].as_str().expect("a message");
    assert!(message.contains(words), "{message}");
}

#[test]
fn every_satoshi_is_accounted_for_and_power_rises_and_falls() {
    let output = demo(&["--seed", "11", "--amount", "0.2btc"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let report = object(&output);
    assert_eq!(report["schema"], "mesh-devnet/demo/1");
    let number = |at: &str| report.pointer(at).and_then(Value::as_u64).unwrap_or_else(|| panic!("{at}"));
    assert_eq!(report["audit"]["balanced"], true);
    let left = number("/audit/sat_out") + number("/audit/fees_sat") + number("/audit/burned_sat");
    assert_eq!(number("/audit/sat_in"), left);
    assert_eq!(number("/slashing/burned_sat"), number("/audit/burned_sat"));
    // 5 % of B's three fifths of 0.2 BTC.
    assert_eq!(number("/slashing/burned_sat"), 600_000);
    assert_eq!(number("/stakes/0/amount_sat"), 20_000_000);
    let (before, staked, after) =
        (number("/mesh/power_before"), number("/mesh/power_staked"), number("/mesh/power_after_slash"));
    assert!(before < staked && after < staked && after > before, "{before} {staked} {after}");
    assert_eq!(report["slashing"]["extracted_key_matches"], true);
    // Four heights of two chains at least, and neither provider has two thirds alone.
    assert!(number("/finality/votes") >= 16, "{}", number("/finality/votes"));
}

#[test]
fn another_seed_gives_other_transactions() {
    let txid = |seed| object(&demo(&["--seed", seed]))["stakes"][0]["txid"].clone();
    let (one, other) = (txid("21"), txid("22"));
    assert!(one.is_string() && one != other);
}

#[test]
fn a_spoiled_covenant_signature_is_refused_by_the_contract() {
    refused("covenant-signature", "slashing signature for provider 0");
}

#[test]
fn a_spoiled_inclusion_proof_is_refused_by_the_contract() {
    refused("inclusion-proof", "inclusion: branch leads to");
}

#[test]
fn spoiled_evidence_is_refused_by_the_contract() {
    refused("evidence", "evidence: extracted key belongs to");
}

#[test]
fn an_amount_without_its_unit_is_a_usage_error() {
    let output = demo(&["--amount", "5000000"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has no unit"));
}
