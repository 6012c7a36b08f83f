//! The comparison as a user runs it: its JSON, and what must hold between the designs.

use serde_json::Value;
use std::process::Command;

fn compare(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_mesh-devnet"))
        .arg("compare")
        .args(args)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} in {value}"))
}

/// §15-3, §15-16: one set, four designs, run by the contracts; dollars.
#[test]
fn designs_differ_in_sovereignty_and_in_what_an_attack_costs() {
    let text = compare(&["--json"]);
    assert_eq!(text.trim_end().lines().count(), 1, "exactly one object");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["schema"], "mesh-devnet/compare/1");
    let designs = report["designs"].as_array().expect("designs");
    let names: Vec<_> = designs.iter().map(|d| d["design"].as_str().expect("a name")).collect();
    assert_eq!(names, ["replicated", "opt-in", "layered", "mesh"]);
    for d in designs {
        let (third, two) = (number(d, "attack_cost_third"), number(d, "attack_cost_two_thirds"));
        assert!(third > 0 && two.abs_diff(4 * third) <= 4, "half of the power and twice the power: {d}");
    }
    let of = |name: &str| designs.iter().find(|d| d["design"] == name).expect("there");
    // Replicated: the whole hub stands behind every chain, whose own stake does not count.
    assert_eq!(
        (number(of("replicated"), "attack_cost_third"), number(of("replicated"), "pairings")),
        (250_000_000, 3)
    );
    assert_eq!(of("replicated")["own_validator_set"], false);
    assert_eq!(number(of("replicated"), "chains_one_party_can_rule"), 3);
    assert!(number(of("opt-in"), "attack_cost_third") < number(of("replicated"), "attack_cost_third"));
    for name in ["layered", "mesh"] {
        assert_eq!(
            (of(name)["own_validator_set"] == true, number(of(name), "chains_one_party_can_rule")),
            (true, 0)
        );
    }
    assert!(number(of("mesh"), "attack_cost_third") > number(of("layered"), "attack_cost_third"));
    assert_eq!((number(of("mesh"), "pairings"), of("mesh")["uses_bitcoin"] == true), (16, true));
}

/// The same numbers from the built contracts; only where the program has their engine.
#[cfg(feature = "wasm")]
#[test]
fn both_engines_come_to_the_same_figures() {
    assert_eq!(compare(&["--json", "--engine", "wasm"]), compare(&["--json", "--engine", "native"]));
}

#[test]
fn people_get_a_table_and_help_that_explains_it() {
    let text = compare(&[]);
    for word in ["replicated", "opt-in", "layered", "mesh", "halt (1/3)", "bitcoin"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let help = compare(&["--help"]);
    assert!(help.contains("ICS v1") && help.contains("attack_cost_third"), "{help}");
}
