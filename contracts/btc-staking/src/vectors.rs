//! The families `params`, `pop`, `delegation`, `delegation_status`, `covenant_sigs`, `stake_spend` and
//! `stake_expansion` through the contract's messages, on every engine of the build
//! (`mesh_harness::chain::Engine`). Providers and delegations whose owner's keys a family does not tell are put
//! into the store first; everything after that is messages.

mod expansion;

use contract_host::headers::{Chunk, Entry, SETTINGS_KEY, TIP_KEY, TipRecord};
use cosmwasm_std::{
    Addr, Binary as CwBinary, ContractResult, Empty, Querier, QuerierResult, QueryRequest, SystemResult,
    WasmQuery, from_json,
};
use mesh_harness::chain::{Engine, Lone, NativeContract};
use serde_json::{Value, json};
use staking_api::light_client::InclusionProof;
use staking_api::staking::{
    Delegation, ExecuteMsg, InstantiateMsg, Params, QueryMsg, Signing, Spend, SpendKind, Status,
    VersionedParams,
};
use staking_api::{Binary, Key};
use staking_crypto::SecretKey;
use staking_protocol::delegation::CovenantSignatures;
use staking_protocol::header::{ChainRules, Header, Network, TipContext};
use staking_protocol::tx::{OutPoint, Transaction};

use crate::state::delegation::{Life, Previous, Registration, Spent};
use crate::state::provider::Provider;
use crate::state::signatures::{self, Signers};

/// A light client whose tip is one block that holds one transaction.
struct Bitcoin {
    network: u8,
    tip: TipContext,
}

impl Bitcoin {
    fn with_tx(network: &str, txid: [u8; 32], height: u32) -> (Self, [u8; 80]) {
        let mut header = [0; 80];
        header[36..68].copy_from_slice(&txid);
        header[72..76].copy_from_slice(&0x207f_ffffu32.to_le_bytes());
        for nonce in 0u32.. {
            header[76..].copy_from_slice(&nonce.to_le_bytes());
            if let Ok(tip) = TipContext::from_base(&ChainRules::REGTEST, Header::new(&header), height, None) {
                let tag = Network::ALL.iter().position(|n| n.name() == network).unwrap();
                return (Self { network: u8::try_from(tag).unwrap(), tip }, header);
            }
        }
        unreachable!("half of all nonces do")
    }

    fn read(&self, key: &[u8]) -> Vec<u8> {
        let height = self.tip.height();
        if key == TIP_KEY {
            let record =
                TipRecord { context: self.tip, confirmation_depth: 1, max_tip_age: 0, deep_reorgs: 0 };
            return record.pack();
        }
        if key == SETTINGS_KEY {
            return vec![self.network];
        }
        if key == Chunk::key(Chunk::number(height)) {
            let mut chunk = Chunk::begin(height);
            chunk.push(Entry { hash: self.tip.hash(), time: self.tip.time(), bits: self.tip.bits() });
            return chunk.pack();
        }
        Vec::new()
    }
}

impl Querier for Bitcoin {
    fn raw_query(&self, request: &[u8]) -> QuerierResult {
        let request: QueryRequest<Empty> = from_json(request).unwrap();
        let QueryRequest::Wasm(WasmQuery::Raw { key, .. }) = request else { unreachable!("raw reads only") };
        SystemResult::Ok(ContractResult::Ok(CwBinary::new(self.read(&key))))
    }
}

type Contract = Lone<Bitcoin>;

fn file(name: &str) -> Value {
    let path = format!("{}/../../tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn cases(family: &str) -> Vec<Value> {
    file(family)["cases"].as_array().unwrap().clone()
}

fn stricter(family: &str, list: &str, kind: &Value) -> bool {
    file("stricter")[family][list].as_array().is_some_and(|kinds| kinds.contains(kind))
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_default();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn base64(value: &Value) -> Value {
    serde_json::to_value(Binary(bytes(value))).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

/// Parameters of a case as a message says them.
fn params(raw: &Value, activation: u64) -> Value {
    let get = |name: &str| raw[name].clone();
    json!({
        "btc_activation_height": activation,
        "covenant_pks": get("covenant_pks"),
        "covenant_quorum": get("covenant_quorum"),
        "min_staking_value_sat": get("min_staking_value_sat"),
        "max_staking_value_sat": get("max_staking_value_sat"),
        "min_staking_time_blocks": get("min_staking_time_blocks"),
        "max_staking_time_blocks": get("max_staking_time_blocks"),
        "slashing_pk_script": base64(&raw["slashing_pk_script"]),
        "min_slashing_tx_fee_sat": get("min_slashing_tx_fee_sat"),
        "slashing_rate": get("slashing_rate"),
        "unbonding_time_blocks": get("unbonding_time_blocks"),
        "unbonding_fee_sat": get("unbonding_fee_sat"),
        "min_commission_rate": get("min_commission_rate"),
        "lax_slashing_tx": true,
    })
}

fn start(
    engine: Engine,
    bitcoin: Bitcoin,
    prefix: &'static str,
    params: Vec<Value>,
) -> Result<Contract, String> {
    let native =
        NativeContract::new(crate::instantiate, crate::execute, crate::query).with_reply(crate::reply);
    let mut contract = Lone::new(engine, "btc-staking", native, prefix, bitcoin).unwrap();
    let admin = contract.account("admin");
    let parsed: Result<Vec<Params>, _> = params.into_iter().map(serde_json::from_value).collect();
    let msg = InstantiateMsg {
        light_client: admin.to_string(),
        signing: Signing::Plain,
        params: parsed.map_err(|e| e.to_string())?,
        admin: None,
        guardian: None,
    };
    contract.instantiate(&admin, &msg)?;
    let finality = Some(contract.account("finality").into());
    contract.execute(&admin, &ExecuteMsg::SetPeers { finality, vault: None })?;
    Ok(contract)
}

fn send(contract: &mut Contract, from: &str, json: Value) -> Result<(), String> {
    contract.execute(&Addr::unchecked(from), &json).map(drop)
}

/// Each case of a family on each engine.
fn on_all(family: &str) -> Vec<(Engine, Value)> {
    let cases = cases(family);
    Engine::all().iter().flat_map(|engine| cases.iter().map(|case| (*engine, case.clone()))).collect()
}

fn at(height: u32) -> Bitcoin {
    Bitcoin::with_tx("regtest", [0; 32], height).0
}

#[test]
fn parameters_are_judged_as_babylon_does_or_stricter() {
    for (engine, case) in on_all("params") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let starts: Vec<u64> =
            input["version_start_heights"].as_array().unwrap().iter().map(number).collect();
        let versions = starts.iter().map(|start| params(&input["params"], *start)).collect();
        let answer = start(engine, at(1), "cosmwasm", versions);
        let ok = case["ok"] == true && !stricter("params", "refuse", kind);
        let Ok(contract) = answer else {
            assert!(!ok, "{engine:?} case {id} {kind}: {:?}", answer.err());
            continue;
        };
        assert!(ok, "{engine:?} case {id} {kind}");
        let height = u32::try_from(number(&input["query_height"])).unwrap();
        let found: Result<VersionedParams, String> =
            contract.query(&QueryMsg::ParamsAt { height: Some(height) });
        let version = found.ok().map(|found| u64::from(found.version));
        assert_eq!(version, case["out"]["version"].as_u64(), "{engine:?} case {id} {kind}");
    }
}

fn kind_of_pop(value: &Value) -> Option<&'static str> {
    ["bip340", "bip322", "ecdsa"].get(usize::try_from(value.as_u64()?).ok()?).copied()
}

/// Parameters that everything fits.
fn roomy() -> Value {
    json!({
        "btc_activation_height": 0,
        "covenant_pks": [GENERATOR],
        "covenant_quorum": 1, "min_staking_value_sat": 10_000, "max_staking_value_sat": 20_000,
        "min_staking_time_blocks": 1, "max_staking_time_blocks": 65_535, "slashing_pk_script": "agA=",
        "min_slashing_tx_fee_sat": 1, "slashing_rate": "0.1", "unbonding_time_blocks": 1,
        "unbonding_fee_sat": 1, "min_commission_rate": "0",
    })
}

/// B12, B13, B14, and F9 (addresses are of another prefix than in the other suites).
#[test]
fn possession_is_judged_as_babylon_does_or_stricter() {
    for (engine, case) in on_all("pop") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let bitcoin = Bitcoin::with_tx(input["network"].as_str().unwrap(), [0; 32], 1).0;
        let mut contract = start(engine, bitcoin, "bbn", vec![roomy()]).unwrap();
        let json = json!({"register_provider": {
            "fp_pk": input["pk"],
            "pop": {"kind": kind_of_pop(&input["sig_type"]), "signature": base64(&input["sig"])},
            "commission": {"rate": "0.1", "max_rate": "0.2", "max_change_rate": "0.1"},
            "consumers": ["hub"],
        }});
        let answer = send(&mut contract, input["babylon_address"].as_str().unwrap(), json);
        if stricter("pop", "either", kind) {
            continue;
        }
        let ok = case["ok"] == true && !stricter("pop", "refuse", kind);
        assert_eq!(answer.is_ok(), ok, "{engine:?} case {id} {kind}: {answer:?}");
    }
}

fn put_provider(contract: &mut Contract, fp: &Value) {
    let Some(key) = fp.as_str().and_then(|text| text.parse::<Key>().ok()) else { return };
    let consumers = vec![format!("c{}", &fp.as_str().unwrap()[..8])];
    let provider = Provider { retired: false, owner: vec![1; 20], consumers };
    provider.save(&mut contract.storage, &key).unwrap();
}

/// A1, A2, A3, A7, A12, A13, A14.
#[test]
fn delegations_are_judged_as_babylon_does_or_stricter() {
    for (engine, case) in on_all("delegation") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let bitcoin = Bitcoin::with_tx(input["network"].as_str().unwrap(), [0; 32], 1).0;
        let ok = case["ok"] == true && !stricter("delegation", "refuse", kind);
        let mut contract = match start(engine, bitcoin, "bbn", vec![params(&input["params"], 0)]) {
            Ok(contract) => contract,
            Err(error) => {
                assert!(!ok, "{engine:?} case {id} {kind}: {error}");
                continue;
            }
        };
        input["fp_pks"].as_array().unwrap().iter().for_each(|fp| put_provider(&mut contract, fp));
        let json = json!({"register_delegation": {
            "staker_pk": input["staker_pk"],
            "pop": {"kind": kind_of_pop(&input["pop_type"]), "signature": base64(&input["pop_sig"])},
            "fp_pks": input["fp_pks"],
            "staking_time": input["staking_time"],
            "staking_value_sat": input["staking_value"],
            "staking_tx": base64(&input["staking_tx"]),
            "slashing_signature": base64(&input["slashing_sig"]),
            "unbonding_slashing_signature": base64(&input["unbonding_slashing_sig"]),
            "transactions": {
                "slashing_tx": base64(&input["slashing_tx"]),
                "unbonding_tx": base64(&input["unbonding_tx"]),
                "unbonding_slashing_tx": base64(&input["unbonding_slashing_tx"]),
                "unbonding_time": input["unbonding_time"],
                "unbonding_value_sat": input["unbonding_value"],
            },
        }});
        let answer = send(&mut contract, input["staker_addr"].as_str().unwrap(), json);
        assert_eq!(answer.is_ok(), ok, "{engine:?} case {id} {kind}: {answer:?}");
        if !ok {
            continue;
        }
        let txid = case["out"]["staking_txid"].as_str().unwrap().parse().unwrap();
        let found: Option<Delegation> = contract.query(&QueryMsg::Delegation { txid }).unwrap();
        let found = found.unwrap();
        assert_eq!(u64::from(found.staking_output_index), number(&case["out"]["staking_output_idx"]));
        assert_eq!(found.status, Status::Pending);
        assert_eq!(found.slashing_tx.0, bytes(&input["slashing_tx"]), "{engine:?} case {id}");
        let registration = Registration::load(&contract.storage, txid.as_bytes()).unwrap().unwrap();
        let [slashing, _, unbonding_slashing] = registration.sighashes;
        assert_eq!(slashing.to_vec(), bytes(&case["out"]["slashing_sighash"]), "{engine:?} case {id}");
        assert_eq!(
            unbonding_slashing.to_vec(),
            bytes(&case["out"]["unbonding_slashing_sighash"]),
            "{engine:?} case {id}"
        );
    }
}

/// A registration as a family tells it, without what the family does not tell.
fn registration(
    outpoint: OutPoint,
    staker: &Value,
    fps: &[Value],
    value: u64,
    raw_tx: Vec<u8>,
) -> Registration {
    let key = |value: &Value| -> [u8; 32] { bytes(value).try_into().unwrap() };
    Registration {
        txid: outpoint.txid.0,
        owner: vec![1; 20],
        version: 0,
        registered: 0,
        staker: key(staker),
        fps: fps.iter().map(key).collect(),
        staking_time: 1000,
        unbonding_time: 10,
        slash_rate: 1000,
        quorum: 1,
        vout: outpoint.vout,
        value,
        sighashes: [[0; 32]; 3],
        slashing_signature: [0; 64],
        unbonding_slashing_signature: [0; 64],
        previous: None,
        multisig: None,
        slashing_txs: None,
        staking_tx: raw_tx,
    }
}

/// B8, C19, F14.
#[test]
fn covenant_signatures_are_judged_as_babylon_does() {
    for (engine, case) in on_all("covenant_sigs") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let mut terms = roomy();
        terms["covenant_pks"] = input["covenant_pks"].clone();
        terms["covenant_quorum"] = json!(input["covenant_pks"].as_array().unwrap().len());
        let mut contract = start(engine, at(1), "bbn", vec![terms]).unwrap();
        let fps = input["fp_pks"].as_array().unwrap();
        fps.iter().for_each(|fp| put_provider(&mut contract, fp));
        let raw = bytes(&input["staking_tx"]);
        let tx = Transaction::parse(&raw).unwrap();
        let vout = u32::try_from(number(&input["staking_output_idx"])).unwrap();
        let outpoint = OutPoint { txid: tx.txid(), vout };
        let value = tx.output(vout).unwrap().value.0;
        let mut stored = registration(outpoint, &input["staker_pk"], fps, value, tx.serialize_stripped());
        let hash = |name: &str| -> [u8; 32] { bytes(&case["out"][name]).try_into().unwrap() };
        stored.sighashes =
            [hash("slashing_sighash"), hash("unbonding_sighash"), hash("unbonding_slashing_sighash")];
        stored.save(&mut contract.storage).unwrap();
        let list =
            |name: &str| -> Vec<Value> { input[name].as_array().unwrap().iter().map(base64).collect() };
        let json = json!({"add_covenant_signatures": {"covenant_pk": input["covenant_pk"], "items": [{
            "txid": tx.txid().to_string(),
            "slashing": list("slashing_adaptor_sigs"),
            "unbonding": base64(&input["unbonding_sig"]),
            "unbonding_slashing": list("unbonding_slashing_adaptor_sigs"),
        }]}});
        let answer = send(&mut contract, "anyone", json.clone());
        assert_eq!(answer.is_ok(), case["ok"] == true, "{engine:?} case {id} {kind}: {answer:?}");
        if answer.is_ok() {
            assert!(send(&mut contract, "anyone", json).unwrap_err().contains("signed already"));
        }
    }
}

/// A21, A22, G3.
#[test]
fn spends_are_judged_as_babylon_does() {
    for (engine, case) in on_all("stake_spend") {
        let (id, kind, input) = (&case["id"], &case["kind"], &case["in"]);
        let Ok(tx) = Transaction::parse(&bytes(&input["spending_tx"])) else {
            assert_ne!(case["ok"], true, "{engine:?} case {id} {kind}");
            continue;
        };
        let index = usize::try_from(number(&input["input_idx"])).unwrap_or(usize::MAX);
        let (Some(spent), ok) = (tx.inputs.get(index), case["ok"] == true) else { continue };
        let outpoint = spent.previous_output;
        let (bitcoin, header) = Bitcoin::with_tx("regtest", tx.txid().0, 5);
        let mut contract = start(engine, bitcoin, "bbn", vec![roomy()]).unwrap();
        let funding: Vec<Vec<u8>> = input["funding_txs"].as_array().unwrap().iter().map(bytes).collect();
        let staking =
            funding.iter().filter_map(|raw| Transaction::parse(raw).ok()).find(|f| f.txid() == outpoint.txid);
        let Some(staking) = staking else {
            assert!(!ok, "{engine:?} case {id} {kind}");
            continue;
        };
        let script = bytes(&input["staking_output_pk_script"]);
        let output = staking.output(outpoint.vout);
        let (value, same) =
            (number(&input["staking_output_value"]), output.is_some_and(|o| o.script == script));
        if !same {
            assert!(!ok, "{engine:?} case {id} {kind}");
            continue;
        }
        let fp = json!(GENERATOR);
        put_provider(&mut contract, &fp);
        registration(outpoint, &input["staker_pk"], &[fp], value, staking.serialize_stripped())
            .save(&mut contract.storage)
            .unwrap();
        let spend = Spend {
            txid: outpoint.txid.0.into(),
            spending_tx: Binary(bytes(&input["spending_tx"])),
            proof: InclusionProof {
                header: Binary(header.to_vec()),
                height: 5,
                index: 0,
                siblings: Binary(vec![]),
            },
            funding_txs: funding.into_iter().map(Binary).collect(),
        };
        let json = serde_json::to_value(ExecuteMsg::Undelegate { items: vec![spend] }).unwrap();
        let answer = send(&mut contract, "anyone", json);
        assert_eq!(answer.is_ok(), ok, "{engine:?} case {id} {kind}: {answer:?}");
    }
}

/// C4, C8: as a question about a stored delegation.
#[test]
fn states_are_computed_as_babylon_does() {
    let mut asked = 0;
    for (engine, case) in on_all("delegation_status") {
        let Some((delegation, life, signers)) = stored(&case["in"]) else { continue };
        let tip = u32::try_from(number(&case["in"]["btc_height"])).unwrap();
        let mut contract = start(engine, at(tip), "bbn", vec![roomy()]).unwrap();
        put_provider(&mut contract, &json!(THRICE));
        delegation.save(&mut contract.storage).unwrap();
        life.save(&mut contract.storage, delegation.id());
        signatures::add(&mut contract.storage, delegation.id(), None, (0, signers), &no_signatures());
        let query = QueryMsg::Delegation { txid: delegation.txid.into() };
        let found: Option<Delegation> = contract.query(&query).unwrap();
        let status = format!("{:?}", found.unwrap().status).to_uppercase();
        assert_eq!(status, case["out"]["status"].as_str().unwrap(), "{engine:?} case {}", case["id"]);
        asked += 1;
    }
    assert!(asked >= 25 * Engine::all().len(), "{asked} cases");
}

/// The generator's x coordinate: a key that everybody has.
const GENERATOR: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// The x coordinate of thrice the generator.
const THRICE: &str = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";

/// The records of a case; `None` where the contract could not have come to store them.
fn stored(input: &Value) -> Option<(Registration, Life, Signers)> {
    let short = |name: &str| u32::try_from(number(&input[name])).unwrap();
    let (start, end) = (short("start_height"), short("end_height"));
    let included = start != 0 && end != 0;
    let staker = json!("c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5");
    let value = number(&input["total_sat"]);
    let staking_tx = one_output(value);
    let outpoint = OutPoint { txid: Transaction::parse(&staking_tx).unwrap().txid(), vout: 0 };
    let mut delegation = registration(outpoint, &staker, &[json!(THRICE)], value, staking_tx);
    delegation.unbonding_time = u16::try_from(short("unbonding_time")).unwrap();
    delegation.quorum = u8::try_from(short("covenant_quorum")).unwrap();
    if included {
        delegation.staking_time = u16::try_from(end.checked_sub(start)?).ok().filter(|time| *time > 0)?;
    }
    delegation.previous = (input["is_stake_expansion"] == true).then(|| Previous {
        txid: [2; 32],
        version: 0,
        quorum: u8::try_from(short("previous_quorum")).unwrap(),
        sighash: [0; 32],
        funding_output: vec![],
    });
    let (new, old) = (short("covenant_sigs"), short("previous_covenant_sigs"));
    if new == 0 && old > 0 {
        return None;
    }
    // Members of the old committee beyond those of the new one are counted and have no bit of their own.
    let signers = (0..new).fold(Signers::default(), |s, i| s.with(u8::try_from(i).unwrap(), i < old));
    let signers = (new..old).fold(signers, |s, _| s.with(0, true));
    let spent = Spent { kind: SpendKind::Unbonding, height: 1, other_txid: None };
    let spent = (input["unbonded_early"] == true).then_some(spent);
    Some((delegation, Life { start: included.then_some(start), spent, ..Life::default() }, signers))
}

/// A transaction of one input and one output, in network serialisation.
fn one_output(value: u64) -> Vec<u8> {
    let input = [&[1; 32][..], &[0; 4], &[0], &[0xff; 4]].concat();
    [&[2, 0, 0, 0, 1][..], &input, &[1], &value.to_le_bytes(), &[0], &[0; 4]].concat()
}

fn no_signatures() -> CovenantSignatures {
    let unbonding = staking_crypto::bip340::sign(&secret(1), &[0; 32], &[0; 32]);
    CovenantSignatures { slashing: vec![], unbonding_slashing: vec![], unbonding, expansion: None }
}

/// A secret key made of one byte.
fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}
