//! What each kind of message cost on a chain, read back from its blocks.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cosmrs::proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use cosmrs::proto::cosmwasm::wasm::v1::{MsgExecuteContract, MsgInstantiateContract, MsgStoreCode};
use cosmrs::proto::prost::Message as _;
use serde::Serialize;
use serde_json::{Value, json};
use staking_clients::cosmos::Rpc;
use std::collections::BTreeMap;
use std::path::Path;

/// Transactions in an answer: few, since those that store code are large.
const PAGE: usize = 10;

/// A kind of message and its price.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// What was done; the names of `mesh-bench gas` where that has a row for it.
    op: String,
    /// Gas of a transaction with one such message, its signature, bytes and fee included: the mean.
    gas_used: u64,
    /// Transactions that the mean is of.
    transactions: u64,
}

/// The contracts of one chain by address; two chains of one prefix give the same addresses to different contracts.
pub(crate) type Names = BTreeMap<String, &'static str>;

/// Writes the rows of both chains to a file.
pub(crate) fn write(path: &Path, node: &str, chains: &[(&Rpc, Names)]) -> Result<()> {
    let mut seen = BTreeMap::new();
    for (chain, names) in chains {
        collect(chain, names, &mut seen)?;
    }
    let mean = |all: &Vec<u64>| all.iter().sum::<u64>() / (all.len() as u64).max(1);
    let rows: Vec<_> = seen
        .into_iter()
        .map(|(op, all)| Row { op, gas_used: mean(&all), transactions: all.len() as u64 })
        .collect();
    let text = serde_json::to_string_pretty(&json!({"measured_on": node, "rows": rows}))?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

fn collect(chain: &Rpc, names: &Names, seen: &mut BTreeMap<String, Vec<u64>>) -> Result<()> {
    for page in 1.. {
        let query = json!({
            "query": "tx.height>0", "prove": false, "page": page.to_string(), "per_page": PAGE.to_string(),
            "order_by": "asc",
        });
        let answer = chain.call("tx_search", query)?;
        let txs = answer["txs"].as_array().context("tx_search without txs")?;
        for tx in txs {
            if let Some((op, gas)) = priced(tx, names)? {
                seen.entry(op).or_default().push(gas);
            }
        }
        if txs.len() < PAGE {
            break;
        }
    }
    Ok(())
}

/// The one message of a transaction that succeeded, and its gas; nothing for several messages.
fn priced(tx: &Value, names: &Names) -> Result<Option<(String, u64)>> {
    let result = &tx["tx_result"];
    if result["code"].as_u64().unwrap_or(0) != 0 {
        return Ok(None);
    }
    let raw = STANDARD.decode(tx["tx"].as_str().context("a transaction without bytes")?)?;
    let body = TxBody::decode(TxRaw::decode(raw.as_slice())?.body_bytes.as_slice())?;
    let [message] = body.messages.as_slice() else { return Ok(None) };
    let gas = result["gas_used"].as_str().context("no gas_used")?.parse()?;
    let op = match message.type_url.as_str() {
        "/cosmwasm.wasm.v1.MsgExecuteContract" => execution(&message.value, names)?,
        "/cosmwasm.wasm.v1.MsgInstantiateContract" => {
            format!("{}/instantiate", MsgInstantiateContract::decode(message.value.as_slice())?.label)
        }
        "/cosmwasm.wasm.v1.MsgStoreCode" => {
            format!(
                "store-code-{}-bytes",
                MsgStoreCode::decode(message.value.as_slice())?.wasm_byte_code.len()
            )
        }
        other => other.trim_start_matches('/').to_owned(),
    };
    Ok(Some((op, gas)))
}

fn execution(message: &[u8], names: &Names) -> Result<String> {
    let call = MsgExecuteContract::decode(message)?;
    let content: Value = serde_json::from_slice(&call.msg)?;
    let (kind, body) =
        content.as_object().and_then(|o| o.iter().next()).context("a message without a name")?;
    let contract = names.get(&call.contract).copied().unwrap_or("other");
    Ok(op_name(contract, kind, body))
}

/// Names of the cost table (docs/gas.md) where it has the same operation, with the number of items where it matters.
fn op_name(contract: &str, kind: &str, body: &Value) -> String {
    let count = |at: &str| body[at].as_array().map_or(0, Vec::len);
    match (contract, kind) {
        ("btc-finality", "submit_votes") => match count("votes") {
            1 => "finality-vote".to_owned(),
            n => format!("finality-vote-batch-{n}"),
        },
        ("btc-finality", "commit_randomness") => "pubrand-commit".to_owned(),
        ("btc-finality", "submit_evidence") => "evidence-slash".to_owned(),
        ("btc-light-client", "submit_headers") => {
            let headers = body["headers"].as_str().and_then(|t| STANDARD.decode(t).ok()).unwrap_or_default();
            format!("header-batch-{}", headers.len() / 80)
        }
        ("btc-staking", "register_delegation") => "delegation-register".to_owned(),
        ("btc-staking", "add_covenant_signatures") => several("covenant-signatures", count("items")),
        ("btc-staking", "activate") => several("delegation-activate", count("items")),
        ("btc-staking", "undelegate") => several("undelegate", count("items")),
        _ => format!("{contract}/{kind}"),
    }
}

fn several(name: &str, items: usize) -> String {
    if items == 1 { name.to_owned() } else { format!("{name}-batch-{items}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_carry_the_names_of_the_cost_table() {
        let votes = json!({"votes": [{}]});
        assert_eq!(op_name("btc-finality", "submit_votes", &votes), "finality-vote");
        let votes = json!({"votes": [{}, {}]});
        assert_eq!(op_name("btc-finality", "submit_votes", &votes), "finality-vote-batch-2");
        let headers = json!({"headers": STANDARD.encode([0; 160])});
        assert_eq!(op_name("btc-light-client", "submit_headers", &headers), "header-batch-2");
        assert_eq!(op_name("btc-vault", "stake_remote", &json!({})), "btc-vault/stake_remote");
        assert_eq!(op_name("btc-staking", "undelegate", &json!({"items": [{}]})), "undelegate");
    }
}
