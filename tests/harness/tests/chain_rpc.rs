//! The chain as programs meet it: signed transactions and queries over its RPC.
#![cfg(feature = "chain")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use cosmrs::proto::cosmos::staking::v1beta1::{MsgDelegate, QueryValidatorsRequest, QueryValidatorsResponse};
use cosmrs::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use cosmrs::proto::prost::{Message, Name};
use cosmrs::tx::{Body, Fee, SignDoc, SignerInfo};
use cosmrs::{Any, Coin};
use hex_conservative::DisplayHex;
use mesh_harness::clock::Clock;
use serde_json::{Value, json};
use std::net::TcpListener;
use support::{Fixture, START, start};

const FEE: u64 = 1_000;

struct World {
    f: Fixture,
    url: String,
}

fn world() -> World {
    let f = start("hub-1", "mesh", "umesh", &Clock::manual(START));
    let url = f.chain.rpc_url().unwrap().to_owned();
    World { f, url }
}

fn any<M: Name>(msg: &M) -> Any {
    Any { type_url: M::type_url(), value: msg.encode_to_vec() }
}

fn coin(amount: u64) -> ProtoCoin {
    ProtoCoin { denom: "umesh".into(), amount: amount.to_string() }
}

impl World {
    fn raw(&self, method: &str, params: &Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let mut response = ureq::post(&self.url).send_json(&request).unwrap();
        let answer: Value = response.body_mut().read_json().unwrap();
        assert_eq!(answer["id"], 7);
        answer
    }

    fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.raw(method, &params);
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    fn signed_for(&self, chain_id: &str, number: u64, sequence: u64, msgs: Vec<Any>) -> Vec<u8> {
        let fee = Fee::from_amount_and_gas(
            Coin { denom: "umesh".parse().unwrap(), amount: FEE.into() },
            500_000u64,
        );
        let key = self.f.user.signing_key();
        let auth = SignerInfo::single_direct(Some(key.public_key()), sequence).auth_info(fee);
        let body = Body::new(msgs, "memo", 0u32);
        let doc = SignDoc::new(&body, &auth, &chain_id.parse().unwrap(), number).unwrap();
        doc.sign(&key).unwrap().to_bytes().unwrap()
    }

    fn signed(&self, msgs: Vec<Any>) -> Vec<u8> {
        let account = self.f.chain.account(&self.f.address).unwrap().unwrap();
        self.signed_for("hub-1", account.number, account.sequence, msgs)
    }

    fn check(&self, tx: &[u8]) -> Value {
        self.call("broadcast_tx_sync", json!({ "tx": STANDARD.encode(tx) }))
    }

    /// Sends, expects the check to pass, and gives what the block says.
    fn send(&self, msgs: Vec<Any>) -> Value {
        let checked = self.check(&self.signed(msgs));
        assert_eq!(checked["code"], 0, "{checked}");
        let hash = Vec::<u8>::from_hex_upper(checked["hash"].as_str().unwrap());
        self.call("tx", json!({ "hash": STANDARD.encode(hash), "prove": false }))
    }

    fn abci<R: Message + Default>(&self, path: &str, request: &impl Message) -> Result<R, (i64, String)> {
        let data = request.encode_to_vec().to_lower_hex_string();
        let answer = self.call("abci_query", json!({ "path": path, "data": data }))["response"].clone();
        match answer["code"].as_i64().unwrap() {
            0 => {
                Ok(R::decode(STANDARD.decode(answer["value"].as_str().unwrap()).unwrap().as_slice()).unwrap())
            }
            code => Err((code, answer["log"].as_str().unwrap().to_owned())),
        }
    }

    fn store(&self) -> u64 {
        let wasm_byte_code = self.f.chain.code_bytes("echo").unwrap();
        let sender = self.f.address.clone();
        let done = self.send(vec![any(&wasm::MsgStoreCode {
            sender,
            wasm_byte_code,
            instantiate_permission: None,
        })]);
        attribute(&done, "store_code", "code_id").parse().unwrap()
    }

    fn echo(&self) -> String {
        let msg = wasm::MsgInstantiateContract {
            sender: self.f.address.clone(),
            admin: self.f.address.clone(),
            code_id: self.store(),
            label: "echo".into(),
            msg: br#"{"value":"first"}"#.to_vec(),
            funds: vec![coin(5)],
        };
        let done = self.send(vec![any(&msg)]);
        attribute(&done, "instantiate", "_contract_address")
    }

    fn execute(&self, contract: &str, msg: &Value) -> Any {
        any(&wasm::MsgExecuteContract {
            sender: self.f.address.clone(),
            contract: contract.into(),
            msg: msg.to_string().into_bytes(),
            funds: vec![],
        })
    }
}

trait FromHexUpper {
    fn from_hex_upper(text: &str) -> Self;
}

impl FromHexUpper for Vec<u8> {
    fn from_hex_upper(text: &str) -> Self {
        hex_conservative::FromHex::from_hex(text).unwrap()
    }
}

fn attribute(tx: &Value, kind: &str, key: &str) -> String {
    let events = tx["tx_result"]["events"].as_array().unwrap();
    let found = events.iter().filter(|e| e["type"] == kind).flat_map(|e| e["attributes"].as_array().unwrap());
    let found =
        found.into_iter().find(|a| a["key"] == key).unwrap_or_else(|| panic!("no {kind}.{key} in {tx}"));
    found["value"].as_str().unwrap().to_owned()
}

#[test]
fn a_contract_is_stored_instantiated_called_and_asked_with_signed_transactions() {
    let w = world();
    let echo = w.echo();
    assert_eq!(w.f.chain.balance(&echo, "umesh").unwrap(), 5);
    let done = w.send(vec![w.execute(&echo, &json!({ "set": { "value": "signed" } }))]);
    assert_eq!(done["tx_result"]["code"], 0);
    assert_eq!(attribute(&done, "wasm", "_contract_address"), echo);
    assert_eq!(attribute(&done, "message", "sender"), w.f.address);
    let request = wasm::QuerySmartContractStateRequest {
        address: echo.clone(),
        query_data: br#"{"value":{}}"#.to_vec(),
    };
    let answer: wasm::QuerySmartContractStateResponse =
        w.abci("/cosmwasm.wasm.v1.Query/SmartContractState", &request).unwrap();
    assert_eq!(answer.data, br#""signed""#);
    let info: wasm::QueryContractInfoResponse = w
        .abci(
            "/cosmwasm.wasm.v1.Query/ContractInfo",
            &wasm::QueryContractInfoRequest { address: echo.clone() },
        )
        .unwrap();
    assert_eq!(info.contract_info.unwrap().ibc_port_id, format!("wasm.{echo}"));
    let raw: wasm::QueryRawContractStateResponse = w
        .abci(
            "/cosmwasm.wasm.v1.Query/RawContractState",
            &wasm::QueryRawContractStateRequest { address: echo.clone(), query_data: b"value".to_vec() },
        )
        .unwrap();
    assert_eq!(raw.data, b"signed");
    let found = w.call(
        "tx_search",
        json!({ "query": format!("wasm._contract_address='{echo}'"), "order_by": "desc" }),
    );
    assert_eq!(found["total_count"], "2");
    assert_eq!(found["txs"][0]["hash"], done["hash"]);
}

#[test]
fn a_contracts_refusal_is_in_the_block_with_its_text_and_the_fee_is_paid() {
    let w = world();
    let echo = w.echo();
    let before = w.f.chain.balance(&w.f.address, "umesh").unwrap();
    let done = w.send(vec![w.execute(&echo, &json!({ "fail": { "value": "z" } }))]);
    assert_eq!((&done["tx_result"]["code"], &done["tx_result"]["codespace"]), (&json!(5), &json!("wasm")));
    let log = done["tx_result"]["log"].as_str().unwrap();
    assert!(log.starts_with("failed to execute message; message index: 0: "), "{log}");
    assert!(log.contains("\"z\" is refused: execute wasm contract failed"), "{log}");
    assert_eq!(w.f.chain.balance(&w.f.address, "umesh").unwrap(), before - u128::from(FEE));
}

#[test]
fn of_two_messages_none_remains_when_the_second_fails() {
    let w = world();
    let echo = w.echo();
    let msgs = vec![
        w.execute(&echo, &json!({ "set": { "value": "half" } })),
        w.execute(&echo, &json!({ "fail": { "value": "z" } })),
    ];
    let done = w.send(msgs);
    assert!(done["tx_result"]["log"].as_str().unwrap().contains("message index: 1"));
    assert_eq!(w.f.value(&echo), "first");
}

#[test]
fn wrong_sequence_signature_and_funds_are_refused_with_the_sdks_codes() {
    let w = world();
    let to = w.f.chain.validators().unwrap();
    let account = w.f.chain.account(&w.f.address).unwrap().unwrap();
    let send = |amount: u64| {
        any(&MsgSend {
            from_address: w.f.address.clone(),
            to_address: w.f.address.clone(),
            amount: vec![coin(amount)],
        })
    };
    let code = |tx: &[u8]| w.check(tx)["code"].as_i64().unwrap();
    assert_eq!(code(&w.signed_for("hub-1", account.number, account.sequence + 1, vec![send(1)])), 32);
    assert_eq!(code(&w.signed_for("hub-2", account.number, account.sequence, vec![send(1)])), 4);
    assert_eq!(code(&w.signed_for("hub-1", account.number + 1, account.sequence, vec![send(1)])), 4);
    assert_eq!(code(b"nonsense"), 2);
    let mut spoiled = w.signed(vec![send(1)]);
    let last = spoiled.len() - 1;
    spoiled[last] ^= 1;
    assert_eq!(code(&spoiled), 4);
    let height = w.f.chain.height().unwrap();
    let done = w.send(vec![send(u64::MAX / 2)]);
    assert_eq!((&done["tx_result"]["code"], &done["tx_result"]["codespace"]), (&json!(5), &json!("sdk")));
    assert_eq!(w.f.chain.height().unwrap(), height + 1, "what the check refuses makes no block");
    let foreign = MsgDelegate {
        delegator_address: w.f.address.clone(),
        validator_address: to[0].operator.clone(),
        amount: Some(coin(3_000_000)),
    };
    assert_eq!(w.send(vec![any(&foreign)])["tx_result"]["code"], 0);
    let validators: QueryValidatorsResponse =
        w.abci("/cosmos.staking.v1beta1.Query/Validators", &QueryValidatorsRequest::default()).unwrap();
    assert_eq!(validators.validators[0].tokens, "103000000");
}

#[test]
fn the_same_transaction_is_taken_once() {
    let w = world();
    let tx = w.signed(vec![any(&MsgSend {
        from_address: w.f.address.clone(),
        to_address: w.f.address.clone(),
        amount: vec![coin(1)],
    })]);
    assert_eq!(w.check(&tx)["code"], 0);
    let again = w.raw("broadcast_tx_sync", &json!({ "tx": STANDARD.encode(&tx) }));
    assert_eq!(again["error"]["data"], "tx already exists in cache");
}

#[test]
fn a_simulation_tells_gas_and_changes_nothing() {
    let w = world();
    let echo = w.echo();
    let hash = w.f.chain.tip().unwrap().app_hash_after;
    let tx_bytes = w.signed(vec![w.execute(&echo, &json!({ "set": { "value": "dry" } }))]);
    let request = SimulateRequest { tx_bytes, ..Default::default() };
    let answer: SimulateResponse = w.abci("/cosmos.tx.v1beta1.Service/Simulate", &request).unwrap();
    assert!(answer.gas_info.unwrap().gas_used > 60_000);
    assert_eq!(w.f.value(&echo), "first");
    assert_eq!(w.f.chain.tip().unwrap().app_hash_after, hash);
    let tx_bytes = w.signed(vec![w.execute(&echo, &json!({ "fail": { "value": "dry" } }))]);
    let request = SimulateRequest { tx_bytes, ..Default::default() };
    let refused = w.abci::<SimulateResponse>("/cosmos.tx.v1beta1.Service/Simulate", &request).unwrap_err();
    assert!(refused.1.contains("\"dry\" is refused"), "{refused:?}");
}

#[test]
fn headers_chain_and_carry_the_state_before_them() {
    let w = world();
    w.store();
    let block = |h: u64| w.call("block", json!({ "height": h.to_string() }));
    let (one, two) = (block(1), block(2));
    assert_eq!(two["block"]["header"]["last_block_id"]["hash"], one["block_id"]["hash"]);
    let results = w.call("block_results", json!({ "height": "1" }));
    let after = STANDARD.decode(results["app_hash"].as_str().unwrap()).unwrap();
    assert_eq!(two["block"]["header"]["app_hash"].as_str().unwrap(), after.to_upper_hex_string());
    assert_eq!(two["block"]["data"]["txs"].as_array().unwrap().len(), 1);
    let status = w.call("status", json!({}));
    assert_eq!(status["sync_info"]["latest_block_height"], "2");
    assert_eq!(status["node_info"]["network"], "hub-1");
    let beyond = w.raw("block", &json!({ "height": "99" }));
    assert!(beyond["error"]["data"].as_str().unwrap().contains("must be less than or equal"));
    let commit = w.call("commit", json!({}));
    assert_eq!(commit["signed_header"]["commit"]["block_id"]["hash"], two["block_id"]["hash"]);
    let validators = w.call("validators", json!({}));
    assert_eq!(validators["validators"][0]["voting_power"], "100");
}

#[test]
fn the_uri_style_answers_like_json_rpc() {
    let w = world();
    let get = |path: &str| -> Value {
        ureq::get(&format!("{}/{path}", w.url)).call().unwrap().body_mut().read_json().unwrap()
    };
    assert_eq!(get("block?height=1")["result"], w.call("block", json!({ "height": "1" })));
    assert_eq!(get("health")["result"], json!({}));
    assert_eq!(get("nonsense")["error"]["code"], -32601);
    assert!(get("tx?hash=0x00")["error"]["data"].as_str().unwrap().contains("not found"));
}

#[test]
fn an_unknown_account_and_an_unknown_contract_are_told_apart_from_failures() {
    let w = world();
    let request = cosmrs::proto::cosmos::auth::v1beta1::QueryAccountRequest { address: "mesh1nobody".into() };
    let unknown = w
        .abci::<cosmrs::proto::cosmos::auth::v1beta1::QueryAccountResponse>(
            "/cosmos.auth.v1beta1.Query/Account",
            &request,
        )
        .unwrap_err();
    assert_eq!(unknown.0, 22);
    let done = w.send(vec![w.execute("mesh1nobody", &json!({}))]);
    assert_eq!((&done["tx_result"]["code"], &done["tx_result"]["codespace"]), (&json!(22), &json!("wasm")));
}

#[test]
fn a_stopped_chain_gives_its_port_back() {
    let w = world();
    let port = w.url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    w.f.chain.stop();
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
    assert!(ureq::get(&w.url).call().is_err());
}

#[test]
fn a_taken_port_is_a_clear_error() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = mesh_harness::chain::ChainConfig::new("hub-1", "mesh", "umesh").rpc_port(Some(port));
    let refused = mesh_harness::chain::Chain::start(config).err().unwrap();
    assert!(refused.to_string().contains("RPC of hub-1"), "{refused}");
}
