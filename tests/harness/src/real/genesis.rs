//! The genesis document of a development chain, edited in place of some twenty command line calls.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::RealError;
use super::wasmd::Account;

/// Short governance, so that a suite can see a proposal through.
const VOTING: &str = "10s";
const EXPEDITED: &str = "5s";

/// Puts accounts and parameters into the document that `wasmd init` wrote.
pub(super) fn prepare(
    path: &Path,
    denom: &str,
    accounts: &[Account],
    unbonding: Duration,
) -> Result<(), RealError> {
    edit(path, |state| {
        set(state, "/wasm/params/code_upload_access", json!({ "permission": "Everybody", "addresses": [] }))?;
        set(state, "/wasm/params/instantiate_default_permission", json!("Everybody"))?;
        set(state, "/gov/params/voting_period", json!(VOTING))?;
        set(state, "/gov/params/expedited_voting_period", json!(EXPEDITED))?;
        set(state, "/gov/params/max_deposit_period", json!(VOTING))?;
        set(state, "/staking/params/unbonding_time", json!(format!("{}s", unbonding.as_secs())))?;
        set(state, "/auth/accounts", accounts.iter().map(base_account).collect())?;
        set(state, "/bank/balances", accounts.iter().map(|a| balance(a, denom)).collect())
    })
}

/// Adds the validator's signed transaction.
pub(super) fn add_gentx(path: &Path, gentx: &Value) -> Result<(), RealError> {
    edit(path, |state| set(state, "/genutil/gen_txs", json!([gentx])))
}

fn edit(path: &Path, change: impl FnOnce(&mut Value) -> Result<(), RealError>) -> Result<(), RealError> {
    let text = fs::read_to_string(path).map_err(RealError::io("cannot read the genesis", path))?;
    let mut genesis: Value = serde_json::from_str(&text).map_err(|e| RealError::unexpected("genesis", e))?;
    let state =
        genesis.pointer_mut("/app_state").ok_or_else(|| RealError::unexpected("genesis", "no app_state"))?;
    change(state)?;
    fs::write(path, genesis.to_string()).map_err(RealError::io("cannot write the genesis", path))
}

fn set(state: &mut Value, pointer: &'static str, value: Value) -> Result<(), RealError> {
    let slot = state.pointer_mut(pointer).ok_or_else(|| RealError::unexpected("genesis without", pointer))?;
    *slot = value;
    Ok(())
}

fn base_account(account: &Account) -> Value {
    json!({
        "@type": "/cosmos.auth.v1beta1.BaseAccount",
        "address": account.address, "pub_key": null, "account_number": "0", "sequence": "0",
    })
}

fn balance(account: &Account, denom: &str) -> Value {
    json!({ "address": account.address, "coins": [{ "denom": denom, "amount": account.amount.to_string() }] })
}
