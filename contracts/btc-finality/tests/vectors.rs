//! The families `pubrand_commit`, `finality_vote`, `evidence` and `signing_context` through the contract's
//! messages, on every engine of the build (`mesh_harness::chain::Engine`).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

use cosmwasm_std::{Addr, Querier, QuerierResult};
use mesh_harness::chain::{Engine, Lone};
use mesh_harness::native_contract;
use serde_json::Value;
use staking_api::finality::{
    ConsumerSettings, Evidence, ExecuteMsg, InstantiateMsg, PowerChange, ProviderUpdate, QueryMsg, Signing,
    Vote,
};
use staking_api::{Binary, Decimal, Key};
use staking_crypto::{OneTimeNonce, SecretKey, eots};
use staking_protocol::finality::merkle::MerkleProof;
use staking_protocol::finality::vote::vote_message;

type Contract = Lone<Nobody>;

/// F10: commitments, votes and evidence ask no other contract; who is asked here ends the test.
struct Nobody;

impl Querier for Nobody {
    fn raw_query(&self, request: &[u8]) -> QuerierResult {
        panic!("asked {}", String::from_utf8_lossy(request))
    }
}

fn cases(family: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/vectors/{family}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_default();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn long(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

/// A contract that knows one provider of one consumer.
fn start(engine: Engine, consumer: &str, address: &str, fp: &Value, signing: Signing) -> Option<Contract> {
    let native = native_contract!(btc_finality, reply, migrate);
    let mut contract = Lone::new(engine, "btc-finality", native, "cosmwasm", Nobody).unwrap();
    contract.env.contract.address = Addr::unchecked(address);
    let [staking, other] = ["staking", "other"].map(|name| contract.account(name));
    let msg = InstantiateMsg {
        staking: staking.to_string(),
        light_client: other.to_string(),
        vault: None,
        signing,
        timestamp_depth: 0,
        consumers: vec![settings(consumer)],
        admin: None,
        guardian: None,
    };
    // Our consumer ids are chain ids as Cosmos writes them; the family has some that are not.
    contract.instantiate(&other, &msg).ok()?;
    let update = ProviderUpdate {
        fp_pk: fp.as_str().and_then(|text| text.parse().ok())?,
        owner: other.to_string(),
        commission: Decimal::ZERO,
        consumers: vec![consumer.into()],
    };
    let change = PowerChange {
        txid: [1; 32].into(),
        staker: update.owner.clone(),
        sat: 1,
        fp_pks: vec![update.fp_pk],
        added: true,
    };
    contract.execute(&staking, &ExecuteMsg::ProviderUpdated(update)).unwrap();
    contract.execute(&staking, &ExecuteMsg::PowerChanges { changes: vec![change] }).unwrap();
    Some(contract)
}

/// A consumer that lets any height be committed to and voted on.
fn settings(id: &str) -> ConsumerSettings {
    ConsumerSettings {
        id: id.into(),
        activation_height: Some(1),
        max_active_providers: None,
        signed_blocks_window: None,
        min_signed_per_window: None,
        settle_lag: None,
        jail_seconds: None,
        min_pub_rand: None,
        max_pub_rand: None,
        max_commit_lead: Some(u64::MAX),
        max_vote_lead: Some(u64::MAX),
        reward_denom: None,
        reward_per_height: None,
    }
}

fn send(contract: &mut Contract, json: Value) -> Result<(), String> {
    let anyone = contract.account("anyone");
    contract.execute(&anyone, &json).map(drop)
}

fn base64(bytes: Vec<u8>) -> Value {
    serde_json::to_value(Binary(bytes)).unwrap()
}

fn commit_json(consumer: &str, fp: &Value, start: u64, count: u64, root: &Value, sig: &Value) -> Value {
    serde_json::json!({"commit_randomness": {
        "consumer": consumer, "fp_pk": fp, "start_height": start, "count": count,
        "commitment": root, "signature": base64(bytes(sig)),
    }})
}

/// B1 (commitment of 31 bytes) and D10 (overflow).
#[test]
fn commitments_are_judged_as_babylon_does() {
    for (engine, case) in on_all("pubrand_commit") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let mut contract = start(engine, "chain", "contract", &input["fp_pk"], Signing::Plain).unwrap();
        let (first, count) = (long(&input["start_height"]), long(&input["num_pub_rand"]));
        let json = commit_json("chain", &input["fp_pk"], first, count, &input["commitment"], &input["sig"]);
        let answer = send(&mut contract, json);
        assert_eq!(answer.is_ok(), case["ok"] == true, "{engine:?} case {id} {kind}: {answer:?}");
    }
}

/// Each case of a family on each engine.
fn on_all(family: &str) -> Vec<(Engine, Value)> {
    let cases = cases(family);
    Engine::all().iter().flat_map(|engine| cases.iter().map(|case| (*engine, case.clone()))).collect()
}

#[test]
fn votes_are_judged_as_babylon_does() {
    for (engine, case) in on_all("finality_vote") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let answer = vote(engine, input);
        assert_eq!(answer.is_ok(), case["ok"] == true, "{engine:?} case {id} {kind}: {answer:?}");
    }
}

fn vote(engine: Engine, input: &Value) -> Result<(), String> {
    let secret: [u8; 32] = bytes(&input["fp_sk"]).try_into().unwrap();
    let key = SecretKey::from_bytes(&secret).unwrap();
    let public = Value::String(Key::from_bytes(key.x_only().to_bytes()).to_string());
    let mut contract = start(engine, "chain", "contract", &public, Signing::Plain).unwrap();
    let (first, count) = (long(&input["commit_start_height"]), long(&input["commit_num_pub_rand"]));
    // The commitment of the case, signed by the case's provider so that it is stored.
    let root: [u8; 32] = bytes(&input["commitment"]).try_into().map_err(|_| "commitment")?;
    let domain = staking_protocol::context::Domain::Plain;
    let digest = staking_protocol::finality::randomness::signed_digest(&domain, first, count, &root);
    let signature = staking_crypto::bip340::sign(&key, &digest, &[0; 32]).to_bytes();
    let sig = Value::String(staking_api::hex::encode(&signature));
    send(&mut contract, commit_json("chain", &public, first, count, &input["commitment"], &sig))?;
    let proof = &input["proof"];
    let aunts: Vec<u8> = proof["aunts"].as_array().ok_or("no proof")?.iter().flat_map(bytes).collect();
    // Position, size and leaf follow from the commitment; a proof that claims others is another proof.
    let index = proof["index"].as_i64().and_then(|i| u64::try_from(i).ok()).ok_or("negative index")?;
    let height = long(&input["block_height"]);
    let leaf = staking_protocol::finality::merkle::leaf_hash(&bytes(&input["pub_rand"]));
    if first.checked_add(index) != Some(height)
        || long(&proof["total"]) != count
        || bytes(&proof["leaf_hash"]) != leaf
    {
        return Err("proof of something else".into());
    }
    let json = serde_json::json!({"submit_votes": {
        "consumer": "chain", "fp_pk": input["fp_pk"], "votes": [{
            "height": height, "app_hash": input["block_app_hash"], "pub_rand": input["pub_rand"],
            "proof": base64(aunts), "signature": input["finality_sig"],
        }],
    }});
    send(&mut contract, json)
}

/// B7, D1, D4, D5.
#[test]
fn evidence_is_judged_as_babylon_does() {
    for (engine, case) in on_all("evidence") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let mut contract = start(engine, "chain", "contract", &input["fp_pk"], Signing::Plain).unwrap();
        let height = long(&input["block_height"]);
        let side = |hash: &str, sig: &str| {
            let message =
                vote_message(&staking_protocol::context::Domain::Plain, height, &bytes(&input[hash]));
            serde_json::json!({"message": base64(message), "signature": input[sig]})
        };
        let json = serde_json::json!({"submit_evidence": {
            "fp_pk": input["fp_pk"], "pub_rand": input["pub_rand"],
            "first": side("canonical_app_hash", "canonical_sig"), "second": side("fork_app_hash", "fork_sig"),
        }});
        let answer = send(&mut contract, json);
        if kind == "app-hash-31" || kind == "other-height" {
            // Any two messages under one nonce convict; the key decides, not the form.
            if answer.is_err() {
                assert_ne!(case["ok"], true, "{engine:?} case {id}");
            }
            continue;
        }
        assert_eq!(answer.is_ok(), case["ok"] == true, "{engine:?} case {id} {kind}: {answer:?}");
        if answer.is_ok() {
            let fp_pk: Key = input["fp_pk"].as_str().unwrap().parse().unwrap();
            let evidence: Option<Evidence> = contract.query(&QueryMsg::Evidence { fp_pk }).unwrap();
            let secret = evidence.unwrap().secret_key.to_string();
            assert_eq!(secret, case["out"]["extracted_sk"].as_str().unwrap(), "{engine:?} case {id}");
        }
    }
}

/// B1, B2: a commitment or vote signed for another chain, contract or purpose is refused.
#[test]
fn signing_contexts_are_bound_to_chain_and_contract() {
    let mut checked = 0;
    for (engine, case) in on_all("signing_context") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let (chain, module) =
            (input["chain_id"].as_str().unwrap(), input["module_address"].as_str().unwrap());
        let Some(mut contract) = start(engine, chain, module, &input["pk"], Signing::ContextV0) else {
            continue;
        };
        checked += 1;
        let commit = &input["commit"];
        let (first, count) = (long(&commit["start_height"]), long(&commit["num_pub_rand"]));
        let json = commit_json(chain, &input["pk"], first, count, &commit["commitment"], &commit["sig"]);
        let answer = send(&mut contract, json);
        // `verify_with_context` is what the case checks with; ours is always the right one.
        let context = &case["out"]["fp_rand_commit_context"];
        if commit["verify_with_context"] == *context {
            let ok = case["out"]["commit_ok"] == true;
            assert_eq!(answer.is_ok(), ok, "{engine:?} case {id} {kind}: {answer:?}");
        }
        check_vote(engine, &case, chain, module);
    }
    assert!(checked > 15 * Engine::all().len(), "{checked} cases");
}

/// The vote of a case, under a commitment to its randomness alone.
fn check_vote(engine: Engine, case: &Value, chain: &str, module: &str) {
    let input = &case["in"];
    let vote = &input["vote"];
    let secret: [u8; 32] = bytes(&input["sk"]).try_into().unwrap();
    let key = SecretKey::from_bytes(&secret).unwrap();
    let nonce: [u8; 32] = bytes(&vote["priv_rand"]).try_into().unwrap();
    let nonce = OneTimeNonce::from_bytes(&nonce).unwrap();
    let randomness = nonce.public().to_bytes();
    let height = long(&vote["block_height"]);
    let out = &case["out"]["vote"];
    assert_eq!(out["pub_rand"].as_str().unwrap(), staking_api::hex::encode(&randomness));
    let signature = eots::sign(nonce, &key, &bytes(&out["msg_to_sign"])).unwrap();
    assert_eq!(out["sig"].as_str().unwrap(), staking_api::hex::encode(&signature.to_bytes()));

    let mut contract = start(engine, chain, module, &input["pk"], Signing::ContextV0).unwrap();
    let root = MerkleProof::build(&[randomness], 0).unwrap().leaf_hash;
    let purpose = staking_protocol::context::Purpose::RandomnessCommitment;
    let domain = staking_protocol::context::Domain::v0(purpose, chain, module);
    let digest = staking_protocol::finality::randomness::signed_digest(&domain, height, 1, &root);
    let commit = staking_crypto::bip340::sign(&key, &digest, &[0; 32]).to_bytes();
    let sig = Value::String(staking_api::hex::encode(&commit));
    let root = Value::String(staking_api::hex::encode(&root));
    send(&mut contract, commit_json(chain, &input["pk"], height, 1, &root, &sig)).unwrap();
    let app_hash: [u8; 32] = bytes(&vote["block_app_hash"]).try_into().unwrap();
    let msg = ExecuteMsg::SubmitVotes {
        consumer: chain.into(),
        fp_pk: input["pk"].as_str().unwrap().parse().unwrap(),
        votes: vec![Vote {
            height,
            app_hash: app_hash.into(),
            pub_rand: randomness.into(),
            proof: Binary(vec![]),
            signature: signature.to_bytes().into(),
        }],
        finalize: 0,
    };
    let anyone = contract.account("anyone");
    let answer = contract.execute(&anyone, &msg);
    let purpose = staking_protocol::context::Purpose::FinalityVote;
    let context = staking_protocol::context::Context::v0(purpose, chain, module);
    let right = bytes(&out["msg_to_sign"]).starts_with(context.as_bytes());
    assert_eq!(answer.is_ok(), right, "{engine:?} case {}: {:?}", case["id"], answer.err());
}
