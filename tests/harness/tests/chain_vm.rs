//! The wasm engine with built contracts: `contracts/build` makes the files.
#![cfg(feature = "wasm")]
#![allow(clippy::unwrap_used, clippy::panic)]

use cosmwasm_std::testing::{MockQuerier, MockStorage, message_info, mock_env};
use cosmwasm_std::{
    Addr, Binary, Deps, DepsMut, Empty, Event, QuerierWrapper, Reply, Response, StdError, SubMsgResponse,
    SubMsgResult,
};
use mesh_harness::chain::vm::VmContract;
use mesh_harness::chain::{
    Chain, ChainConfig, ContractSet, DevAccount, Entry, NativeContract, built_dir, read_built, to_bech32,
};
use serde_json::{Value, json};
use std::path::PathBuf;

fn price_feed() -> Vec<u8> {
    read_built(&built_dir(), "price-feed").unwrap_or_else(|e| panic!("{e}; run contracts/build price-feed"))
}

fn setting(price: &str) -> Value {
    json!({ "native_per_foreign": price, "owner": null, "sources": [], "min_sources": null, "ttl_s": null,
            "max_step": null, "step_s": null })
}

fn chain() -> (Chain, String) {
    let user = DevAccount::from_seed(1, "user").address("mesh").unwrap();
    let set = ContractSet::new().wasm("price-feed", price_feed());
    let config =
        ChainConfig::new("hub-1", "mesh", "umesh").fund(&user, 1_000_000).contracts(set).rpc_port(None);
    (Chain::start(config).unwrap(), user)
}

#[test]
fn a_built_contract_runs_on_a_chain_as_native_code_does() {
    let (chain, user) = chain();
    let code = chain.store("price-feed").unwrap();
    let feed = chain.instantiate(&user, code, &setting("2.5"), "feed", &[]).unwrap();
    let price: Value = chain.query(&feed, &json!({ "price": {} })).unwrap();
    assert_eq!(price["native_per_foreign"], "2.5");
    let update = json!({ "update_price": { "native_per_foreign": "3" } });
    let done = chain.execute(&user, &feed, &update, &[]).unwrap();
    assert!(done.gas_used > 60_000, "gas is counted: {}", done.gas_used);
    assert!(done.attribute("wasm-price_submitted", "source").is_some_and(|s| s == user));
    let other = DevAccount::from_seed(2, "other").address("mesh").unwrap();
    let refused = chain.execute(&other, &feed, &update, &[]).unwrap_err();
    assert!(refused.to_string().contains(&other), "{refused}");
    let price: Value = chain.query(&feed, &json!({ "price": {} })).unwrap();
    assert_eq!(price["native_per_foreign"], "3");
}

#[test]
fn bytes_that_are_no_contract_are_refused_at_storing() {
    let set = ContractSet::new().wasm("bad", b"\0asm\x01\0\0\0".to_vec());
    let chain =
        Chain::start(ChainConfig::new("hub-1", "mesh", "umesh").contracts(set).rpc_port(None)).unwrap();
    let refused = chain.store("bad").unwrap_err();
    let refusal = refused.refusal().unwrap();
    assert_eq!((refusal.code, refusal.codespace), (2, "wasm"), "{refusal}");
}

#[test]
fn one_call_alone_tells_its_vm_and_storage_gas() {
    let contract = VmContract::new(&price_feed(), "mesh").unwrap();
    let mut storage = MockStorage::new();
    let (api, querier) = (cosmwasm_std::testing::MockApi::default(), MockQuerier::<Empty>::new(&[]));
    let sender = Addr::unchecked(to_bech32("mesh", &[1; 20]).unwrap());
    let env = mock_env();
    let msg = setting("2").to_string().into_bytes();
    let deps = DepsMut { storage: &mut storage, api: &api, querier: QuerierWrapper::new(&querier) };
    let (made, gas) = contract.run(Entry::Instantiate(message_info(&sender, &[]), msg), deps, &env);
    made.unwrap();
    assert!(gas.vm > 0 && gas.store.writes >= 2 && gas.sdk() > gas.store.total(), "{gas:?}");
    let again = contract.clone();
    let deps = Deps { storage: &storage, api: &api, querier: QuerierWrapper::new(&querier) };
    let (answer, gas) = again.ask(deps, &env, br#"{"price":{}}"#);
    assert!(String::from_utf8(answer.unwrap().to_vec()).unwrap().contains("\"2\""));
    assert!(gas.store.writes == 0 && gas.store.reads >= 1, "{gas:?}");
    let deps = Deps { storage: &storage, api: &api, querier: QuerierWrapper::new(&querier) };
    assert!(again.ask(deps, &env, b"{}").0.is_err());
}

/// Their export of `reply` reads less than a whole reply.
#[test]
fn what_a_peer_refused_is_queued_by_built_contracts() {
    let (api, querier) = (cosmwasm_std::testing::MockApi::default(), MockQuerier::<Empty>::new(&[]));
    let env = mock_env();
    for name in ["btc-staking", "btc-finality"] {
        let wasm =
            read_built(&built_dir(), name).unwrap_or_else(|e| panic!("{e}; run contracts/build {name}"));
        let contract = VmContract::new(&wasm, "mesh").unwrap();
        let mut storage = MockStorage::new();
        let mut reply = |result| {
            let payload = Binary::from(br#"{"to":"peer","msg":"e30=","error":""}"#);
            let entry = Entry::Reply(Reply { id: u64::MAX, payload, gas_used: 5, result });
            let deps = DepsMut { storage: &mut storage, api: &api, querier: QuerierWrapper::new(&querier) };
            contract.run(entry, deps, &env).0
        };
        #[allow(deprecated, reason = "chains fill it in")]
        let success = SubMsgResponse {
            events: vec![Event::new("wasm").add_attribute("a", "b")],
            data: None,
            msg_responses: vec![],
        };
        let refused = format!("{:?}", reply(SubMsgResult::Ok(success)).unwrap_err());
        assert!(refused.contains("unexpected reply"), "{name}: {refused}");
        let response = reply(SubMsgResult::Err("the \"peer\" is full".into())).unwrap();
        assert_eq!(response.events.iter().filter(|event| event.ty == "message_queued").count(), 1, "{name}");
        let deps = Deps { storage: &storage, api: &api, querier: QuerierWrapper::new(&querier) };
        let waiting: Value =
            serde_json::from_slice(&contract.ask(deps, &env, br#"{"outbox":{}}"#).0.unwrap()).unwrap();
        let item = json!({"id": 1, "to": "peer", "msg": "e30=", "error": "the \"peer\" is full"});
        assert_eq!(waiting["items"], json!([item]), "{name}");
    }
}

#[test]
fn a_set_takes_its_files_by_name_and_names_the_missing_one() {
    let native = || {
        NativeContract::new(
            |_: DepsMut, _, _, _: Empty| Ok::<Response, StdError>(Response::new()),
            |_: DepsMut, _, _, _: Empty| Ok::<Response, StdError>(Response::new()),
            |_: Deps, _, _: Empty| Ok::<Binary, StdError>(Binary::default()),
        )
    };
    let found = ContractSet::new().native("price-feed", native()).from_wasm_dir(&built_dir()).unwrap();
    assert_eq!(found.code_bytes("price-feed").unwrap(), price_feed());
    let missing = ContractSet::new().native("no-such", native()).from_wasm_dir(&built_dir()).err().unwrap();
    assert!(missing.to_string().contains("no_such.wasm"), "{missing}");
}

/// What wasmd asks of a file before it stores it; cosmwasm-check asks the same. Contracts for chains with a module of
/// theirs are refused by a chain without it, which names what it lacks; `mesh_module.rs` runs them where it is.
#[test]
fn a_plain_chain_accepts_every_built_contract_but_those_for_a_module() {
    let files: Vec<PathBuf> =
        std::fs::read_dir(built_dir()).unwrap().map(|file| file.unwrap().path()).collect();
    let built: Vec<_> = files.iter().filter(|file| file.extension().is_some_and(|e| e == "wasm")).collect();
    assert!(built.len() >= 13, "run contracts/build: there are {built:?}");
    for file in built {
        let wasm = std::fs::read(file).unwrap();
        assert!(wasm.len() <= 800 * 1024, "{}: {} bytes", file.display(), wasm.len());
        let refusal = VmContract::new(&wasm, "mesh").err().map(|refusal| refusal.text);
        if file.to_string_lossy().ends_with("_module.wasm") {
            assert!(refusal.unwrap().contains("unavailable capabilities: {\"virtual_staking\"}"));
        } else {
            assert_eq!(refusal, None, "{}", file.display());
        }
    }
}
