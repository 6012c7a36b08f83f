//! The families `headers` and `spv` through the contract's messages.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

use cosmwasm_std::testing::{MockApi, MockQuerier, MockStorage, message_info, mock_dependencies, mock_env};
use cosmwasm_std::{Env, OwnedDeps, Timestamp, from_json};
use serde_json::Value;
use staking_api::Binary;
use staking_api::light_client::{
    BaseHeader, Block, CustomRules, ExecuteMsg, Inclusion, InclusionProof, InstantiateMsg, Network, QueryMsg,
    SubmitHeadersResponse, Tip,
};

type Deps = OwnedDeps<MockStorage, MockApi, MockQuerier>;

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

fn instantiate(network: Network, header: Vec<u8>, height: u32) -> Result<Deps, String> {
    let mut deps = mock_dependencies();
    let info = message_info(&deps.api.addr_make("admin"), &[]);
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
    btc_light_client::instantiate(deps.as_mut(), env(), info, msg).map_err(|e| e.to_string())?;
    Ok(deps)
}

fn submit(deps: &mut Deps, headers: Vec<u8>) -> Result<SubmitHeadersResponse, String> {
    let info = message_info(&deps.api.addr_make("anyone"), &[]);
    let msg = ExecuteMsg::SubmitHeaders { headers: Binary(headers), limit: None };
    let response = btc_light_client::execute(deps.as_mut(), env(), info, msg).map_err(|e| e.to_string())?;
    Ok(from_json(response.data.unwrap()).unwrap())
}

fn tip(deps: &Deps) -> Tip {
    from_json(btc_light_client::query(deps.as_ref(), env(), QueryMsg::Tip {}).unwrap()).unwrap()
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

fn work(deps: &Deps) -> u128 {
    let work = tip(deps).work.to_bytes();
    u128::from_be_bytes(work[16..].try_into().unwrap())
}

/// Traps E2, E3, E5, E7 among others.
#[test]
fn headers_are_judged_as_babylon_does() {
    for case in cases("headers") {
        let (id, kind) = (&case["id"], case["kind"].as_str().unwrap());
        let input = &case["in"];
        let store = input["store"].as_array().unwrap();
        let base = &store[0];
        let network = Network::Custom(rules(&input["params"]));
        let ok = case["ok"].as_bool().unwrap();
        let Ok(mut deps) = instantiate(network, bytes(&base["header"]), number(&base["height"])) else {
            assert!(!ok, "case {id} {kind}: base refused");
            continue;
        };
        let stored: Vec<u8> = store[1..].iter().flat_map(|h| bytes(&h["header"])).collect();
        if !stored.is_empty() {
            assert_eq!(submit(&mut deps, stored).unwrap().refused, None, "case {id} {kind}");
        }
        let before = tip(&deps);
        let inserted: Vec<u8> = input["insert"].as_array().unwrap().iter().flat_map(bytes).collect();
        let answer = submit(&mut deps, inserted);
        if stricter("headers", "either", kind) {
            continue;
        }
        if ok {
            assert_eq!(answer.unwrap().refused, None, "case {id} {kind}");
            let last = case["out"]["inserted"].as_array().unwrap().last().unwrap().clone();
            let expected: u128 = last["work"].as_str().unwrap().parse().unwrap();
            assert_eq!(work(&deps), expected, "case {id} {kind}");
            let now = tip(&deps).block;
            assert_eq!(
                (now.height, now.hash.to_string().as_str()),
                (number(&last["height"]), last["hash"].as_str().unwrap())
            );
        } else {
            // What is before the bad header stays; a branch without more work changes no tip.
            let refused = answer.as_ref().map_or(true, |a| a.refused.is_some());
            assert!(refused || tip(&deps) == before, "case {id} {kind}: {answer:?}");
        }
    }
}

/// Traps A5, A6, A7, E5.
#[test]
fn inclusion_is_judged_as_babylon_does_or_stricter() {
    for case in cases("spv") {
        let (id, kind) = (&case["id"], case["kind"].as_str().unwrap());
        let input = &case["in"];
        let ok = case["ok"].as_bool().unwrap() && !stricter("spv", "refuse", kind);
        let mut limit = [0xff; 32];
        limit[0] = 0x7f;
        let rules = CustomRules {
            pow_limit: limit.into(),
            pow_limit_bits: number(&input["pow_limit_bits"]),
            target_timespan: 1_209_600,
            target_spacing: 600,
            retarget_factor: 4,
            min_difficulty_after: None,
            no_retargeting: true,
            bip94: false,
            bip34_height: 0,
            bip66_height: 0,
            bip65_height: 0,
        };
        let header = bytes(&input["header"]);
        let Ok(deps) = instantiate(Network::Custom(rules), header.clone(), 7) else {
            assert!(!ok, "case {id} {kind}: header refused");
            continue;
        };
        let base: Block =
            from_json(btc_light_client::query(deps.as_ref(), env(), QueryMsg::Base {}).unwrap()).unwrap();
        // The message names a block; a proof that brings another header does not prove for it.
        let named = base.hash.to_string() == input["block_hash"].as_str().unwrap();
        let siblings =
            if input["proof_is_null"].as_bool().unwrap() { vec![0] } else { bytes(&input["proof"]) };
        let proof = InclusionProof {
            header: Binary(header),
            height: 7,
            index: number(&input["index"]),
            siblings: Binary(siblings),
        };
        let query = QueryMsg::VerifyInclusion { tx: Binary(bytes(&input["tx"])), proof };
        let answer = btc_light_client::query(deps.as_ref(), env(), query);
        // The 64 bytes of `inner-64-byte-leaf` are random and no transaction: its branch is that of an honest
        // proof one level less deep, which no check of a branch can tell.
        if stricter("spv", "either", kind) || kind == "inner-64-byte-leaf" {
            continue;
        }
        assert_eq!(answer.is_ok() && named, ok, "case {id} {kind}: {:?}", answer.err());
        if ok {
            let inclusion: Inclusion = from_json(answer.unwrap()).unwrap();
            assert_eq!((inclusion.height, inclusion.depth), (7, 0));
        }
    }
}

/// Real runs of consecutive headers that begin at a retarget.
#[test]
fn real_runs_are_accepted() {
    let file = vectors("real/headers");
    for (name, network) in [("mainnet", Network::Mainnet), ("signet", Network::Signet)] {
        let mut found: Vec<(u32, Vec<u8>)> = Vec::new();
        for header in file["headers"].as_array().unwrap() {
            if header["network"] == name && header["height"].is_u64() {
                found.push((number(&header["height"]), bytes(&header["header"])));
            }
        }
        found.sort();
        found.dedup();
        let bases: Vec<_> = found.iter().filter(|(height, _)| height % 2016 == 0).cloned().collect();
        assert!(!bases.is_empty());
        for (base, header) in bases {
            let mut deps = instantiate(network.clone(), header, base).unwrap();
            let run: Vec<u8> = (base + 1..)
                .map_while(|height| found.iter().find(|(h, _)| *h == height))
                .flat_map(|(_, header)| header.clone())
                .collect();
            if !run.is_empty() {
                assert_eq!(submit(&mut deps, run).unwrap().refused, None);
            }
        }
    }
}
