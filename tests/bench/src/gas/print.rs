//! The table as text, JSON and Markdown.

use std::fmt::Write;

use anyhow::{Context, Result};
use mesh_harness::chain::{built_dir, built_file};
use serde_json::{Value, json};

use super::contracts::{ALL, Engine};
use super::engine::{root, wasm_file};
use super::row::{Row, aim, existing};

/// A built contract and its bytes.
type Size = (&'static str, usize);

/// Sizes of the contracts that are built; none where nothing built is measured.
pub(crate) fn sizes(engine: Engine) -> Result<Vec<Size>> {
    if engine == Engine::Native {
        return Ok(Vec::new());
    }
    let built = |name: &&str| built_file(&built_dir(), name).exists();
    ALL.into_iter().filter(built).map(|name| Ok((name, wasm_file(name)?.len()))).collect()
}

/// The object that `--json` prints.
pub(crate) fn json(rows: &[Row], sizes: &[Size]) -> Value {
    let row = |row: &Row| {
        let f = row.figures();
        json!({ "op": row.op, "vm_gas": f.vm, "store_gas": f.store(), "sdk_gas": f.total() })
    };
    let size = |(contract, bytes): &Size| json!({ "contract": contract, "bytes": bytes });
    json!({
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "wasm": sizes.iter().map(size).collect::<Vec<_>>(),
    })
}

/// The table for a terminal.
pub(crate) fn table(rows: &[Row], sizes: &[Size], calls: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:<40} {:>7} {:>8} {:>8} {:>8} {:>9} {:>8}",
        "operation, SDK gas", "vm", "reads", "writes", "queries", "total", "goal"
    );
    for row in rows {
        let f = row.figures();
        let goal = aim(row.op)
            .map_or(String::new(), |aim| format!("{aim}{}", if f.total() > aim { " MISSED" } else { "" }));
        let _ = writeln!(
            out,
            "{:<40} {:>7} {:>8} {:>8} {:>8} {:>9} {goal:>8}",
            row.op,
            f.vm,
            f.reads,
            f.writes,
            f.queries,
            f.total()
        );
        if calls {
            list_calls(&mut out, row);
        }
    }
    for (contract, bytes) in sizes {
        let _ = writeln!(out, "{contract:<40} {bytes:>7} bytes of wasm");
    }
    out
}

fn list_calls(out: &mut String, row: &Row) {
    for call in &row.calls {
        let place = format!("  {} {}", call.contract, call.entry);
        let s = call.store;
        let _ = writeln!(
            out,
            "{place:<40} {:>7} {:>8} {:>8} {:>8}   {} reads, {} writes",
            call.vm, s.read, s.write, call.queries, s.reads, s.writes
        );
    }
}

/// What a kind of message cost on a wasmd chain.
struct OnWasmd {
    op: String,
    gas_used: u64,
    transactions: u64,
}

/// Figures of messages on a wasmd chain, if a run of one left them: `docs/gas-wasmd.json`,
/// `{"rows":[{"op","gas_used","transactions"}]}`.
fn on_wasmd() -> Result<Vec<OnWasmd>> {
    let file = root().join("docs/gas-wasmd.json");
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let all: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    let rows = all.get("rows").and_then(Value::as_array).context("gas-wasmd.json has no rows")?;
    let number = |row: &Value, field: &str| row.get(field)?.as_u64();
    let row = |row: &Value| {
        let op = row.get("op")?.as_str()?.to_owned();
        Some(OnWasmd { op, gas_used: number(row, "gas_used")?, transactions: number(row, "transactions")? })
    };
    rows.iter().map(|r| row(r).context("gas-wasmd.json: a row is incomplete")).collect()
}

const HEAD: &str = include_str!("head.md");

const STORAGE_ONLY: &str = "**This copy was made with `--storage-only`: the VM's share is not in it.** Totals are storage and \
                            sub-queries, held against goals that include the VM.\n\n";

const ON_WASMD: &str = "\n## Messages on wasmd\n\nWhat wasmd charged for a transaction with one such message, all of it (see above): \
                        the mean of so many transactions of\n`mesh-devnet demo --real --gas docs/gas-wasmd.json`.\n\n\
                        | message | gas used | transactions |\n|---|--:|--:|\n";

/// The page `docs/gas.md`.
pub(crate) fn markdown(rows: &[Row], sizes: &[Size], engine: Engine) -> Result<String> {
    let wasmd = on_wasmd()?;
    let native = engine == Engine::Native;
    let mut out = HEAD.to_owned();
    out.push_str(if native { STORAGE_ONLY } else { "" });
    out.push_str("| operation | VM | reads | writes | sub-queries | **total** | goal | existing contracts | gas used on wasmd |\n");
    out.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for row in rows {
        let f = row.figures();
        let vm = if native { "–".to_owned() } else { f.vm.to_string() };
        let goal = aim(row.op).map_or(String::new(), |aim| aim.to_string());
        let real = wasmd.iter().find(|real| real.op == row.op);
        let real = real.map_or(String::new(), |real| real.gas_used.to_string());
        let (reads, writes, queries, total) = (f.reads, f.writes, f.queries, f.total());
        let (op, existing) = (row.op, existing(row.op));
        let _ = writeln!(
            out,
            "| {op} | {vm} | {reads} | {writes} | {queries} | **{total}** | {goal} | {existing} | {real} |"
        );
    }
    if !sizes.is_empty() {
        out.push_str("\n## Size of the built contracts\n\n| contract | bytes |\n|---|--:|\n");
    }
    for (contract, bytes) in sizes {
        let _ = writeln!(out, "| {contract} | {bytes} |");
    }
    if !wasmd.is_empty() {
        out.push_str(ON_WASMD);
    }
    for OnWasmd { op, gas_used, transactions } in wasmd {
        let _ = writeln!(out, "| {op} | {gas_used} | {transactions} |");
    }
    Ok(out)
}
