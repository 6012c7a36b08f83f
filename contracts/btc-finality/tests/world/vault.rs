//! A neighbour that keeps what it is told, and refuses while it is told to.

use cosmwasm_std::{
    Addr, Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response, StdError, StdResult, to_json_binary,
};
use cw_multi_test::{ContractWrapper, Executor};
use serde_json::{Value, json};

use super::Chain;

const REFUSES: &[u8] = b"refuses";
const TOLD: &[u8] = b"told";

fn told(storage: &dyn cosmwasm_std::Storage) -> Vec<Value> {
    storage.get(TOLD).map_or(Vec::new(), |raw| serde_json::from_slice(&raw).unwrap())
}

fn instantiate(_: DepsMut<'_>, _: Env, _: MessageInfo, _: Empty) -> StdResult<Response> {
    Ok(Response::new())
}

fn execute(deps: DepsMut<'_>, _: Env, _: MessageInfo, msg: Value) -> StdResult<Response> {
    if let Some(refuse) = msg.get("refuse") {
        deps.storage.set(REFUSES, &[u8::from(refuse == true)]);
        return Ok(Response::new());
    }
    if deps.storage.get(REFUSES) == Some(vec![1]) {
        return Err(StdError::msg("the vault refuses"));
    }
    let mut all = told(deps.storage);
    all.push(msg);
    deps.storage.set(TOLD, &serde_json::to_vec(&all).unwrap());
    Ok(Response::new())
}

fn query(deps: Deps<'_>, _: Env, _: Value) -> StdResult<Binary> {
    to_json_binary(&told(deps.storage))
}

pub(super) fn deploy(app: &mut Chain, admin: &Addr) -> Addr {
    let code = app.store_code(Box::new(ContractWrapper::new(execute, instantiate, query)));
    app.instantiate_contract(code, admin.clone(), &Empty {}, &[], "vault", None).unwrap()
}

impl super::World {
    /// Lets the vault refuse everything, or not any more.
    pub fn vault_refuses(&mut self, vault: &Addr, refuse: bool) {
        let admin = self.admin.clone();
        self.app.execute_contract(admin, vault.clone(), &json!({"refuse": refuse}), &[]).unwrap();
    }

    /// Txids of which the vault was told something.
    pub fn vault_heard(&self, vault: &Addr, kind: &str) -> Vec<String> {
        let told: Vec<Value> = self.app.wrap().query_wasm_smart(vault, &json!({})).unwrap();
        let of_kind = told.iter().filter_map(|msg| msg.get(kind)?.get("txid")?.as_str());
        of_kind.map(str::to_owned).collect()
    }

    /// Names of what the vault was told, in order.
    pub fn vault_told(&self, vault: &Addr) -> Vec<String> {
        let told: Vec<Value> = self.app.wrap().query_wasm_smart(vault, &json!({})).unwrap();
        told.iter().map(|msg| msg.as_object().unwrap().keys().next().unwrap().clone()).collect()
    }
}
