//! The program itself: what it prints and its exit status, on folders made here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

/// A folder with the given files, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &Value)]) -> Self {
        let dir = std::env::temp_dir().join(format!("mesh-conformance-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        for (file, content) in files {
            fs::write(dir.join(file), content.to_string()).unwrap();
        }
        Self(dir)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn family(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(vectors().join(name)).unwrap()).unwrap()
}

fn run(dir: &Path, more: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_mesh-conformance")).arg(dir).args(more).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn published_answers_pass_on_both_backends() {
    for backend in ["libsecp", "pure"] {
        let (ok, text) = run(&vectors(), &["--family", "evidence", "--backend", backend]);
        assert!(ok, "{text}");
        assert_eq!(text, "evidence: 30 passed, 0 failed\n30 passed, 0 failed\n");
    }
}

#[test]
fn a_changed_field_or_verdict_fails_and_names_the_case() {
    let mut changed = family("timelock.json");
    changed["cases"][3]["out"]["script"] = json!("00");
    changed["cases"][4]["ok"] = json!(false);
    let folder = Folder::new("changed", &[("timelock.json", &changed)]);
    let (ok, text) = run(&folder.0, &[]);
    assert!(!ok);
    assert!(text.contains("timelock: 28 passed, 2 failed"), "{text}");
    assert!(text.contains("case 3 (plain): script: expected \"00\""), "{text}");
    assert!(text.contains("case 4 (plain): expected a refusal"), "{text}");
}

#[test]
fn a_field_that_we_do_not_answer_fails() {
    let mut more = family("evidence.json");
    more["cases"][0]["out"]["new_field"] = json!(1);
    let folder = Folder::new("field", &[("evidence.json", &more)]);
    assert!(!run(&folder.0, &[]).0);
}

#[test]
fn unknown_families_missing_cases_and_empty_folders_fail() {
    let unknown = json!({"family": "nobody", "count": 0, "cases": []});
    let mut short = family("evidence.json");
    short["count"] = json!(31);
    for (name, files) in [
        ("unknown", vec![("nobody.json", &unknown)]),
        ("short", vec![("evidence.json", &short)]),
        ("empty", vec![]),
    ] {
        let folder = Folder::new(name, &files);
        assert!(!run(&folder.0, &[]).0, "{name}");
    }
    assert!(!run(&vectors(), &["--family", "nobody"]).0);
}

#[test]
fn a_folder_may_bring_its_own_list_of_stricter_kinds() {
    let timelock = family("timelock.json");
    let folder = Folder::new("stricter", &[("timelock.json", &timelock), ("stricter.json", &json!({}))]);
    let (ok, text) = run(&folder.0, &[]);
    assert!(!ok && text.contains("time-zero"), "{text}");
}

/// A delegation with the names of a node's answer, from a case with signatures of the older form.
fn delegation() -> Value {
    let cases = family("covenant_sigs.json");
    let case = cases["cases"].as_array().unwrap().iter().find(|case| case["kind"] == "old-format").unwrap();
    let (c, member) = (&case["in"], &case["in"]["covenant_pk"]);
    json!({
        "btc_pk": c["staker_pk"],
        "fp_btc_pk_list": c["fp_pks"],
        "covenant_pks": c["covenant_pks"],
        "covenant_quorum": c["covenant_quorum"],
        "staking_time": c["staking_time"],
        "unbonding_time": c["unbonding_time"],
        "staking_tx_hex": c["staking_tx"],
        "slashing_tx_hex": c["slashing_tx"],
        "covenant_sigs": [{"cov_pk": member, "adaptor_sigs": c["slashing_adaptor_sigs"]}],
        "undelegate_response": {
            "unbonding_tx_hex": c["unbonding_tx"],
            "slashing_tx_hex": c["unbonding_slashing_tx"],
            "covenant_slashing_sigs": [{"cov_pk": member, "adaptor_sigs": c["unbonding_slashing_adaptor_sigs"]}],
            "covenant_unbonding_sig_list": [{"pk": member, "sig": c["unbonding_sig"]}],
        },
    })
}

#[test]
fn a_delegation_as_a_node_prints_it_is_verified() {
    let whole = delegation();
    let folder = Folder::new("record", &[("anything.json", &whole)]);
    let (ok, text) = run(&folder.0, &[]);
    assert!(ok, "{text}");
    let mut other_stake = whole.clone();
    other_stake["unbonding_time"] = json!(whole["unbonding_time"].as_u64().unwrap() - 1);
    let mut other_member = whole.clone();
    other_member["covenant_sigs"][0]["cov_pk"] = whole["covenant_pks"][1].clone();
    let mut swapped = whole.clone();
    swapped["covenant_sigs"][0]["adaptor_sigs"] =
        whole["undelegate_response"]["covenant_slashing_sigs"][0]["adaptor_sigs"].clone();
    let mut unsigned = whole.clone();
    unsigned["covenant_sigs"] = json!([]);
    unsigned["undelegate_response"] = json!({});
    let mut gone = whole;
    gone["slashing_tx_hex"] = json!("");
    let spoiled = [other_stake, other_member, swapped, unsigned, gone];
    for (i, record) in spoiled.iter().enumerate() {
        let list = json!({"delegations": [record]});
        let folder = Folder::new(&format!("record-{i}"), &[("delegations.json", &list)]);
        let (ok, text) = run(&folder.0, &[]);
        assert!(!ok, "{i}: {text}");
    }
}

#[test]
fn real_and_extra_data_pass() {
    for folder in ["real", "extra"] {
        let (ok, text) = run(&vectors().join(folder), &[]);
        assert!(ok, "{text}");
    }
}
