//! Explaining a PSBT from the transaction itself, never from text that came with it.

use super::Answer;
use anyhow::{Context, Result};
use bitcoin::psbt::Psbt;
use serde_json::json;
use std::io::Read;
use std::path::Path;

/// Says what a PSBT does.
pub(crate) fn explain(file: &Path) -> Result<Answer> {
    let psbt = read(file)?;
    let tx = &psbt.unsigned_tx;
    let spent: Option<u64> = psbt.iter_funding_utxos().map(|u| u.ok().map(|o| o.value.to_sat())).sum();
    let paid: u64 = tx.output.iter().map(|o| o.value.to_sat()).sum();
    let fee = spent.and_then(|spent| spent.checked_sub(paid));
    let outputs: Vec<_> = tx
        .output
        .iter()
        .map(|o| json!({"sat": o.value.to_sat(), "kind": kind(&o.script_pubkey), "script": o.script_pubkey.to_hex_string()}))
        .collect();
    let locks: Vec<_> = tx.input.iter().map(|i| i.sequence.to_consensus_u32()).collect();
    let mut text = format!(
        "spends {} sat of {} inputs\n",
        spent.map_or("?".to_owned(), |s| s.to_string()),
        tx.input.len()
    );
    for output in &tx.output {
        text += &format!("pays   {} sat to {}\n", output.value.to_sat(), kind(&output.script_pubkey));
    }
    text += &fee.map_or("fee unknown: the PSBT does not carry the coins it spends".to_owned(), |f| {
        format!("fee    {f} sat")
    });
    Ok(Answer {
        schema: "mesh-btc/psbt.explain/1",
        data: json!({"txid": tx.compute_txid().to_string(), "spent_sat": spent, "paid_sat": paid, "fee_sat": fee,
            "outputs": outputs, "sequences": locks}),
        text,
    })
}

fn kind(script: &bitcoin::Script) -> &'static str {
    if script.is_op_return() {
        "nobody (burned)"
    } else if script.is_p2tr() {
        "a taproot output"
    } else if script.is_p2wpkh() {
        "a key (P2WPKH)"
    } else {
        "another script"
    }
}

fn read(file: &Path) -> Result<Psbt> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    if bytes.starts_with(b"psbt\xff") {
        return Psbt::deserialize(&bytes).context("not a PSBT");
    }
    let text = std::str::from_utf8(&bytes).context("neither a binary nor a base64 PSBT")?;
    text.trim().parse().context("not a base64 PSBT")
}
