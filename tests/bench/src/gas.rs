//! What messages cost: the built contracts in cosmwasm-vm, storage at the SDK's prices.
//!
//! Total = VM gas / 140 000 + store gas + what other contracts' storage is read for. A message that other contracts
//! are told of is shown with what they spend. Not counted: entering a contract (60 000, pinned 2 000), the
//! transaction's bytes, and the chain's own modules.

mod bitcoin;
mod contracts;
mod engine;
mod mesh;
mod meter;
mod print;
mod row;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::Gas;
use contracts::Engine;
use row::Row;

/// Why the bench may expect.
pub(crate) const SOUND: &str = "the bench's own inputs are valid";

/// A group of rows that share a scene.
type Group = (&'static str, fn(Engine) -> Result<Vec<Row>>);

const GROUPS: &[Group] = &[
    ("votes", bitcoin::votes),
    ("stakes", bitcoin::stakes),
    ("headers", bitcoin::headers),
    ("idle", bitcoin::idle),
    ("mesh", mesh::measure),
];

/// Measures and prints.
pub(crate) fn run(args: &Gas) -> Result<ExitCode> {
    let engine = if args.storage_only {
        Engine::Native
    } else {
        if let Some(code) = engine::hand_over()? {
            return Ok(code);
        }
        built_in()?
    };
    let chosen: Vec<_> = GROUPS
        .iter()
        .filter(|(name, _)| args.only.is_empty() || args.only.iter().any(|o| o == name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = GROUPS.iter().map(|(name, _)| *name).collect();
        bail!("the groups are {}", names.join(", "));
    }
    let (mut rows, mut failed) = (Vec::new(), false);
    for (name, measure) in chosen {
        eprintln!("measuring {name} …");
        // What cannot be measured must not take the other figures along.
        match measure(engine) {
            Ok(more) => rows.extend(more),
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                failed = true;
            }
        }
    }
    let sizes = print::sizes(engine)?;
    match (args.json, args.markdown) {
        (true, _) => println!("{}", print::json(&rows, &sizes)),
        (_, true) => print!("{}", print::markdown(&rows, &sizes, engine)?),
        _ => print!("{}", print::table(&rows, &sizes, args.calls)),
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[cfg(feature = "wasm")]
fn built_in() -> Result<Engine> {
    Ok(Engine::Wasm)
}

#[cfg(not(feature = "wasm"))]
fn built_in() -> Result<Engine> {
    bail!("the wasm engine is not in this build")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        engine: Engine,
        measure: fn(Engine) -> Result<Vec<Row>>,
    ) -> std::collections::BTreeMap<&'static str, u64> {
        measure(engine).unwrap().iter().map(|row| (row.op, row.figures().store())).collect()
    }

    /// What storage took when this was written and a little: a change that makes a message dearer says so here.
    const MOST: &[(&str, u64)] = &[
        ("finality-vote", 8_000),
        ("finality-vote-batch-100-each", 2_300),
        ("pubrand-commit", 7_000),
        ("evidence-slash", 21_500),
        ("header-batch-100-each", 1_650),
        ("delegation-register", 30_500),
        ("covenant-signatures", 14_700),
        ("delegation-activate", 27_500),
        ("undelegate", 23_200),
    ];

    #[test]
    fn storage_costs_no_more_than_it_did() {
        let mut rows = of(Engine::Native, bitcoin::votes);
        rows.extend(of(Engine::Native, bitcoin::stakes));
        rows.extend(of(Engine::Native, bitcoin::headers));
        for (op, most) in MOST {
            let store = rows.get(op).copied().unwrap_or_default();
            assert!(store > 0 && store <= *most, "{op}: {store}, at most {most}");
        }
    }
}
