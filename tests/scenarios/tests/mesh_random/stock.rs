//! A lien holder that refuses what the stock external-staking refuses: burning stake that is in flight (T4) or leaving
//! (T10). What it tells the vault it sends as plain messages, so that a vault's refusal would fail its own handler.

use cosmwasm_std::{
    Binary, Deps, DepsMut, Env, MessageInfo, Response, Storage, WasmMsg, from_json, to_json_binary,
};
use mesh_harness::chain::NativeContract;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use staking_api::mesh::Uint128;
use staking_api::mesh::vault::CrossStakingExecuteMsg;

/// Its code.
pub fn code() -> NativeContract {
    NativeContract::new(instantiate, execute, query)
}

/// One user's stake with one validator; the stock contract has many.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    vault: String,
    user: String,
    low: u128,
    high: u128,
    leaving: u128,
    /// Amount on its way, by transaction.
    pending: Vec<(u64, u128)>,
}

/// What the world makes it do, in place of packets.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Drive {
    Ack { tx_id: u64, ok: bool },
    Leave { amount: Uint128 },
    Mature {},
    Slash { user: String, amount: Uint128 },
}

fn load(s: &dyn Storage) -> State {
    s.get(b"state").map(|v| from_json(v).unwrap()).unwrap_or_default()
}

fn tell(vault: &str, msg: &Value) -> Result<Response, String> {
    let msg = to_json_binary(msg).map_err(|e| e.to_string())?;
    Ok(Response::new().add_message(WasmMsg::Execute { contract_addr: vault.into(), msg, funds: vec![] }))
}

fn instantiate(_: DepsMut, _: Env, _: MessageInfo, _: Value) -> Result<Response, String> {
    Ok(Response::new())
}

fn execute(deps: DepsMut, _env: Env, info: MessageInfo, msg: Value) -> Result<Response, String> {
    let msg = msg.to_string();
    let mut state = load(deps.storage);
    let done = match from_json::<CrossStakingExecuteMsg>(&msg) {
        Ok(asked) => asked_by_vault(&mut state, info.sender.as_str(), asked),
        Err(_) => driven(&mut state, from_json(msg).map_err(|e| e.to_string())?),
    }?;
    deps.storage.set(b"state", &to_json_binary(&state).map_err(|e| e.to_string())?);
    Ok(done)
}

fn asked_by_vault(state: &mut State, vault: &str, msg: CrossStakingExecuteMsg) -> Result<Response, String> {
    match msg {
        CrossStakingExecuteMsg::ReceiveVirtualStake { owner, amount, tx_id, .. } => {
            state.vault = vault.into();
            state.user = owner;
            state.high += amount.amount.0;
            state.pending.push((tx_id, amount.amount.0));
        }
        CrossStakingExecuteMsg::BurnVirtualStake { amount, .. } => {
            let x = amount.amount.0;
            // Stock panics below the lower bound, and knows nothing of what is leaving.
            state.low = state.low.checked_sub(x).ok_or("InsufficientDelegations")?;
            state.high -= x;
        }
    }
    Ok(Response::new())
}

fn driven(state: &mut State, msg: Drive) -> Result<Response, String> {
    let vault = state.vault.clone();
    match msg {
        Drive::Ack { tx_id, ok } => {
            if let Some(i) = state.pending.iter().position(|(id, _)| *id == tx_id) {
                let (_, x) = state.pending.remove(i);
                if ok { state.low += x } else { state.high -= x }
            }
            let name = if ok { "commit_tx" } else { "rollback_tx" };
            let mut body = json!({});
            body[name] = json!({ "tx_id": tx_id });
            tell(&vault, &body)
        }
        Drive::Leave { amount } => {
            let x = amount.0.min(state.low);
            state.low -= x;
            state.high -= x;
            state.leaving += x;
            Ok(Response::new())
        }
        Drive::Mature {} => {
            let amount = json!({ "denom": "sat", "amount": state.leaving.to_string() });
            state.leaving = 0;
            tell(&vault, &json!({ "release_cross_stake": { "owner": state.user, "amount": amount } }))
        }
        Drive::Slash { user, amount } => tell(
            &vault,
            &json!({ "cross_slash": { "slashes": [{ "user": user, "slash": amount }], "validator": "v" } }),
        ),
    }
}

fn query(deps: Deps, _: Env, msg: Value) -> Result<Binary, String> {
    let state = load(deps.storage);
    let answer = match msg.as_object().and_then(|o| o.keys().next()).map(String::as_str) {
        Some("max_slash") => json!({ "slash_ratio_dsign": "0.1", "slash_ratio_offline": "0.1" }),
        Some("stakes") => {
            let range = json!({ "l": state.low.to_string(), "h": state.high.to_string() });
            json!({ "stakes": [{ "owner": state.user, "validator": "v", "stake": range }] })
        }
        Some("held") => json!(u64::try_from(state.high + state.leaving).unwrap_or(u64::MAX)),
        _ => return Err("unknown query".into()),
    };
    to_json_binary(&answer).map_err(|e| e.to_string())
}
