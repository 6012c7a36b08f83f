//! Each known trap of scripts, transactions and cryptography (lists A and B of the specification) has a test that
//! names it in its doc comment. This test reads the sources: a trap that nobody tests fails here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Lists whose traps must all be tested: letter, and the last number.
const LISTS: [(char, u32); 2] = [('A', 30), ('B', 18)];

/// Where tests are.
const FOLDERS: [&str; 5] = ["btc-staking", "bridge", "covenants", "contracts", "tests"];

type Tests = BTreeMap<String, Vec<String>>;

#[test]
fn every_trap_of_lists_a_and_b_is_tested() {
    let tests = named_traps();
    let ids = LISTS.into_iter().flat_map(|(letter, last)| (1..=last).map(move |n| format!("{letter}{n}")));
    let untested: Vec<_> = ids.filter(|id| !tests.contains_key(id)).collect();
    assert!(untested.is_empty(), "no test names {untested:?}");
}

/// What the other lists have; `--nocapture` prints it.
#[test]
fn tests_and_traps_can_be_listed() {
    let tests = named_traps();
    for (id, names) in &tests {
        println!("{id}: {}", names.join(", "));
    }
    assert!(tests.len() > 48);
}

fn named_traps() -> Tests {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut tests = Tests::new();
    for folder in FOLDERS {
        each_source(&top.join(folder), &mut |_, source| read_source(source, &mut tests));
    }
    tests
}

fn each_source(folder: &Path, read: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            each_source(&path, read);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            read(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// Collects the ids in the doc comments of test functions.
fn read_source(source: &str, tests: &mut Tests) {
    let (mut ids, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            ids.extend(trap_ids(doc));
        } else if line.starts_with("#[") {
            is_test |= line == "#[test]";
        } else {
            if let (true, Some((_, name))) = (is_test, line.split_once("fn ")) {
                let name = name.split(['(', '<']).next().unwrap_or(name);
                ids.drain(..).for_each(|id| tests.entry(id).or_default().push(name.to_owned()));
            }
            (ids, is_test) = (Vec::new(), false);
        }
    }
}

/// A letter of a list and a number without more letters or digits around them.
fn trap_ids(doc: &str) -> impl Iterator<Item = String> {
    doc.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| {
        let (letter, number) = word.split_at_checked(1)?;
        let known = matches!(letter, "A" | "B" | "C" | "D" | "E" | "F" | "G");
        (known && number.parse::<u32>().is_ok_and(|n| n > 0)).then(|| word.to_owned())
    })
}

/// Trap C11: what a chain computes may not depend on the order of a hash table.
#[test]
fn rules_and_contracts_iterate_in_order_only() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![
        "btc-staking/crypto/src".into(),
        "btc-staking/protocol/src".into(),
        "btc-staking/api/src".into(),
    ];
    let contracts = fs::read_dir(top.join("contracts")).unwrap();
    folders.extend(contracts.map(|entry| entry.unwrap().path().join("src")).filter(|src| src.is_dir()));
    let mut sources = 0;
    for folder in folders {
        each_source(&top.join(folder), &mut |path, source| {
            sources += 1;
            assert!(!source.contains("HashMap") && !source.contains("HashSet"), "{}", path.display());
        });
    }
    assert!(sources > 100);
}

#[test]
fn ids_are_read_from_tests_only() {
    let source =
        "/// Traps A1, B2: text of P2TR and B340x.\n#[test]\nfn a_claim() {}\n\n/// A3.\nfn helper() {}\n";
    let mut tests = Tests::new();
    read_source(source, &mut tests);
    let found: Vec<_> = tests.into_iter().collect();
    let claim = || vec!["a_claim".to_owned()];
    assert_eq!(found, [("A1".to_owned(), claim()), ("B2".to_owned(), claim())]);
}
