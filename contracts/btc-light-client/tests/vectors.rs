//! The families `headers` and `spv` through the contract's messages, on every engine of the build
//! (`mesh_harness::chain::Engine`).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

use cosmwasm_std::testing::{MockQuerier, mock_env};
use cosmwasm_std::{Env, Timestamp, from_json};
use mesh_harness::chain::{Engine, Lone};
use mesh_harness::native_contract;
use serde_json::Value;
use staking_api::Binary;
use staking_api::light_client::{
    BaseHeader, Block, CustomRules, ExecuteMsg, Inclusion, InclusionProof, InstantiateMsg, Network, QueryMsg,
    SubmitHeadersResponse, Tip,
};

type Contract = Lone<MockQuerier>;

fn vectors(file: &str) -> Value {
    let path = format!("{}/../../tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn cases(family: &str) -> Vec<Value> {
    vectors(family)["cases"].as_array().unwrap().clone()
}

/// Kinds where we answer differently on purpose.
fn stricter(family: &str, list: &str, kind: &str) -> bool {
    vectors("stricter")[family][list].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind))
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn number(value: &Value) -> u32 {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap();
    u32::try_from(number).unwrap()
}

/// Far enough in the future that no header of the family is from there.
fn env() -> Env {
    let mut env = mock_env();
    env.block.time = Timestamp::from_seconds(u64::from(u32::MAX) + 10_000);
    env
}

fn instantiate(engine: Engine, network: Network, header: Vec<u8>, height: u32) -> Result<Contract, String> {
    let native = native_contract!(btc_light_client, migrate);
    let mut contract =
        Lone::new(engine, "btc-light-client", native, "cosmwasm", MockQuerier::default()).unwrap();
    contract.env = env();
    let msg = InstantiateMsg {
        network,
        base: BaseHeader { header: Binary(header), height, work: None },
        confirmation_depth: 1,
        max_reorg_depth: Some(1000),
        keep_depth: None,
        max_tip_age_seconds: Some(0),
        admin: None,
        guardian: None,
        reporters: vec![],
    };
    let admin = contract.account("admin");
    contract.instantiate(&admin, &msg)?;
    Ok(contract)
}

fn submit(contract: &mut Contract, headers: Vec<u8>) -> Result<SubmitHeadersResponse, String> {
    let msg = ExecuteMsg::SubmitHeaders { headers: Binary(headers), limit: None };
    let anyone = contract.account("anyone");
    Ok(from_json(contract.execute(&anyone, &msg)?.data.unwrap()).unwrap())
}

fn tip(contract: &Contract) -> Tip {
    contract.query(&QueryMsg::Tip {}).unwrap()
}

fn rules(params: &Value) -> CustomRules {
    let text = params["pow_limit"].as_str().unwrap();
    let limit = bytes(&Value::String(format!("{text:0>64}")));
    let reduce = params["reduce_min_difficulty"].as_bool().unwrap();
    CustomRules {
        pow_limit: <[u8; 32]>::try_from(limit).unwrap().into(),
        pow_limit_bits: number(&params["pow_limit_bits"]),
        target_timespan: number(&params["target_timespan_s"]),
        target_spacing: number(&params["target_spacing_s"]),
        retarget_factor: number(&params["retarget_factor"]),
        min_difficulty_after: reduce.then(|| number(&params["min_diff_reduction_s"])),
        no_retargeting: params["no_retargeting"].as_bool().unwrap(),
        bip94: false,
        bip34_height: number(&params["bip34_height"]),
        bip66_height: number(&params["bip66_height"]),
        bip65_height: number(&params["bip65_height"]),
    }
}

fn work(contract: &Contract) -> u128 {
    let work = tip(contract).work.to_bytes();
    u128::from_be_bytes(work[16..].try_into().unwrap())
}

/// E2, E3, E5, E7, and E9 (networks with the 20-minute rule are among the cases).
#[test]
fn headers_are_judged_as_babylon_does() {
    for engine in Engine::all() {
        cases("headers").iter().for_each(|case| judge_headers(*engine, case));
    }
}

fn judge_headers(engine: Engine, case: &Value) {
    let (id, kind) = (&case["id"], case["kind"].as_str().unwrap());
    let name = format!("{engine:?} case {id} {kind}");
    let input = &case["in"];
    let store = input["store"].as_array().unwrap();
    let base = &store[0];
    let network = Network::Custom(rules(&input["params"]));
    let ok = case["ok"].as_bool().unwrap();
    let Ok(mut contract) = instantiate(engine, network, bytes(&base["header"]), number(&base["height"]))
    else {
        assert!(!ok, "{name}: base refused");
        return;
    };
    let stored: Vec<u8> = store[1..].iter().flat_map(|h| bytes(&h["header"])).collect();
    if !stored.is_empty() {
        assert_eq!(submit(&mut contract, stored).unwrap().refused, None, "{name}");
    }
    let before = tip(&contract);
    let inserted: Vec<u8> = input["insert"].as_array().unwrap().iter().flat_map(bytes).collect();
    let answer = submit(&mut contract, inserted);
    if stricter("headers", "either", kind) {
        return;
    }
    if !ok {
        // What is before the bad header stays; a branch without more work changes no tip.
        let refused = answer.as_ref().map_or(true, |a| a.refused.is_some());
        assert!(refused || tip(&contract) == before, "{name}: {answer:?}");
        return;
    }
    assert_eq!(answer.unwrap().refused, None, "{name}");
    let last = case["out"]["inserted"].as_array().unwrap().last().unwrap().clone();
    let expected: u128 = last["work"].as_str().unwrap().parse().unwrap();
    assert_eq!(work(&contract), expected, "{name}");
    let now = tip(&contract).block;
    assert_eq!(
        (now.height, now.hash.to_string().as_str()),
        (number(&last["height"]), last["hash"].as_str().unwrap()),
        "{name}"
    );
}

/// A5, A6, A7, E5.
#[test]
fn inclusion_is_judged_as_babylon_does_or_stricter() {
    for engine in Engine::all() {
        cases("spv").iter().for_each(|case| judge_inclusion(*engine, case));
    }
}

/// Rules under which the one header of a case stands alone.
fn rules_of_one_header(pow_limit_bits: u32) -> CustomRules {
    let mut limit = [0xff; 32];
    limit[0] = 0x7f;
    CustomRules {
        pow_limit: limit.into(),
        pow_limit_bits,
        target_timespan: 1_209_600,
        target_spacing: 600,
        retarget_factor: 4,
        min_difficulty_after: None,
        no_retargeting: true,
        bip94: false,
        bip34_height: 0,
        bip66_height: 0,
        bip65_height: 0,
    }
}

fn judge_inclusion(engine: Engine, case: &Value) {
    let (id, kind) = (&case["id"], case["kind"].as_str().unwrap());
    let name = format!("{engine:?} case {id} {kind}");
    let input = &case["in"];
    let ok = case["ok"].as_bool().unwrap() && !stricter("spv", "refuse", kind);
    let rules = rules_of_one_header(number(&input["pow_limit_bits"]));
    let header = bytes(&input["header"]);
    let Ok(contract) = instantiate(engine, Network::Custom(rules), header.clone(), 7) else {
        assert!(!ok, "{name}: header refused");
        return;
    };
    let base: Block = contract.query(&QueryMsg::Base {}).unwrap();
    // The message names a block; a proof that brings another header does not prove for it.
    let named = base.hash.to_string() == input["block_hash"].as_str().unwrap();
    let siblings = if input["proof_is_null"].as_bool().unwrap() { vec![0] } else { bytes(&input["proof"]) };
    let proof = InclusionProof {
        header: Binary(header),
        height: 7,
        index: number(&input["index"]),
        siblings: Binary(siblings),
    };
    let query = QueryMsg::VerifyInclusion { tx: Binary(bytes(&input["tx"])), proof };
    let answer: Result<Inclusion, String> = contract.query(&query);
    // The 64 bytes of `inner-64-byte-leaf` are random and no transaction: its branch is that of an honest
    // proof one level less deep, which no check of a branch can tell.
    if stricter("spv", "either", kind) || kind == "inner-64-byte-leaf" {
        return;
    }
    assert_eq!(answer.is_ok() && named, ok, "{name}: {:?}", answer.err());
    if ok {
        let inclusion = answer.unwrap();
        assert_eq!((inclusion.height, inclusion.depth), (7, 0));
    }
}

/// Real runs of consecutive headers that begin at a retarget.
#[test]
fn real_runs_are_accepted() {
    for (name, network) in [("mainnet", Network::Mainnet), ("signet", Network::Signet)] {
        let found = real_headers(name);
        let bases: Vec<_> = found.iter().filter(|(height, _)| height % 2016 == 0).cloned().collect();
        assert!(!bases.is_empty());
        for (engine, (base, header)) in Engine::all().iter().flat_map(|e| bases.iter().map(move |b| (*e, b)))
        {
            let mut contract = instantiate(engine, network.clone(), header.clone(), *base).unwrap();
            let run: Vec<u8> = (base + 1..)
                .map_while(|height| found.iter().find(|(h, _)| *h == height))
                .flat_map(|(_, header)| header.clone())
                .collect();
            if !run.is_empty() {
                assert_eq!(submit(&mut contract, run).unwrap().refused, None, "{engine:?} {name} {base}");
            }
        }
    }
}

fn real_headers(network: &str) -> Vec<(u32, Vec<u8>)> {
    let file = vectors("real/headers");
    let all = file["headers"].as_array().unwrap().iter();
    let ours = all.filter(|h| h["network"] == network && h["height"].is_u64());
    let mut found: Vec<_> = ours.map(|h| (number(&h["height"]), bytes(&h["header"]))).collect();
    found.sort();
    found.dedup();
    found
}
