//! Reading the vector files and turning their fields into protocol types.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "test helpers; each test file uses a part"
)]

pub mod world;

use std::fs;
use std::path::PathBuf;

use hex_conservative::{DisplayHex, FromHex};
use serde_json::Value;
use staking_crypto::bip340::Signature;
use staking_protocol::keys::{CovenantKey, Covenants, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::{Params, ParamsUnchecked};
use staking_protocol::script::ScriptTemplates;
use staking_protocol::tx::{Sat, Transaction};

/// The backend that tests use.
pub const CURVE: staking_crypto::curve::Libsecp = staking_crypto::curve::Libsecp;

pub fn load(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    serde_json::from_str(&fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
        .unwrap()
}

pub struct Case {
    pub id: u64,
    pub kind: String,
    pub input: Value,
    pub output: Value,
    /// What we must answer; `None` where both answers pass.
    pub ok: Option<bool>,
}

/// Cases of a family with `stricter.json` applied.
pub fn cases(family: &str) -> Vec<Case> {
    let file = load(&format!("{family}.json"));
    let stricter = load("stricter.json");
    let listed = |list: &str, kind: &str| {
        stricter[family][list].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind))
    };
    let case = |raw: &Value| {
        let kind = raw["kind"].as_str().unwrap().to_owned();
        let ok = match (listed("either", &kind), listed("refuse", &kind)) {
            (true, _) => None,
            (_, true) => Some(false),
            _ => raw["ok"].as_bool(),
        };
        Case {
            id: raw["id"].as_u64().unwrap(),
            kind,
            input: raw["in"].clone(),
            output: raw["out"].clone(),
            ok,
        }
    };
    let cases: Vec<_> = file["cases"].as_array().unwrap().iter().map(case).collect();
    assert_eq!(cases.len() as u64, file["count"].as_u64().unwrap());
    cases
}

impl Case {
    /// Compares an outcome with the expected one; returns the value if it should be examined further.
    pub fn judge<T, E: std::fmt::Debug>(&self, result: Result<T, E>) -> Option<T> {
        match (result, self.ok) {
            (Ok(value), Some(true) | None) => Some(value),
            (Err(_), Some(false) | None) => None,
            (Ok(_), Some(false)) => panic!("{self}: accepted"),
            (Err(e), Some(true)) => panic!("{self}: refused with {e:?}"),
        }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "case {} ({})", self.id, self.kind)
    }
}

pub fn bytes(v: &Value) -> Vec<u8> {
    Vec::from_hex(v.as_str().unwrap_or_else(|| panic!("not text: {v}"))).unwrap()
}

pub fn array<const N: usize>(v: &Value) -> [u8; N] {
    bytes(v).try_into().unwrap()
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().to_lower_hex_string()
}

pub fn int(v: &Value) -> u64 {
    v.as_u64().unwrap_or_else(|| panic!("not a number: {v}"))
}

pub fn small(v: &Value) -> u32 {
    int(v).try_into().unwrap()
}

pub fn sat(v: &Value) -> Sat {
    Sat(int(v))
}

pub fn tx(v: &Value) -> Transaction {
    Transaction::parse(&bytes(v)).unwrap()
}

pub fn list(v: &Value) -> &[Value] {
    v.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub fn staker(v: &Value) -> StakerKey {
    StakerKey::from_bytes(&array(v)).unwrap()
}

pub fn provider(v: &Value) -> ProviderKey {
    ProviderKey::from_bytes(&array(v)).unwrap()
}

pub fn covenant(v: &Value) -> CovenantKey {
    CovenantKey::from_bytes(&array(v)).unwrap()
}

pub fn signature(v: &Value) -> Signature {
    Signature::from_bytes(&array(v)).unwrap()
}

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

pub fn stakers(input: &Value) -> Anyhow<Stakers> {
    match input.get("staker_pks") {
        Some(keys) => {
            Ok(Stakers::multi(list(keys).iter().map(staker).collect(), small(&input["staker_quorum"]))?)
        }
        None => Ok(Stakers::single(staker(&input["staker_pk"]))),
    }
}

pub fn providers(input: &Value) -> Anyhow<Providers> {
    Ok(Providers::new(list(&input["fp_pks"]).iter().map(provider).collect())?)
}

pub fn covenants(input: &Value) -> Anyhow<Covenants> {
    let keys = list(&input["covenant_pks"]).iter().map(covenant).collect();
    Ok(Covenants::new(keys, small(&input["covenant_quorum"]))?)
}

pub fn templates(input: &Value) -> Anyhow<ScriptTemplates> {
    Ok(ScriptTemplates::new(covenants(input)?))
}

pub fn raw_params(p: &Value) -> ParamsUnchecked {
    let signed = |name: &str| p[name].as_i64().unwrap();
    ParamsUnchecked {
        covenant_pks: list(&p["covenant_pks"]).iter().map(array).collect(),
        covenant_quorum: small(&p["covenant_quorum"]),
        min_staking_value_sat: signed("min_staking_value_sat"),
        max_staking_value_sat: signed("max_staking_value_sat"),
        min_staking_time_blocks: small(&p["min_staking_time_blocks"]),
        max_staking_time_blocks: small(&p["max_staking_time_blocks"]),
        slashing_pk_script: bytes(p.get("slashing_pk_script_hex").unwrap_or(&p["slashing_pk_script"])),
        min_slashing_tx_fee_sat: signed("min_slashing_tx_fee_sat"),
        slashing_rate: p["slashing_rate"].as_str().unwrap().to_owned(),
        unbonding_time_blocks: small(&p["unbonding_time_blocks"]),
        unbonding_fee_sat: signed("unbonding_fee_sat"),
        min_commission_rate: p["min_commission_rate"].as_str().unwrap().to_owned(),
        btc_activation_height: p["btc_activation_height"].as_u64().unwrap_or(0).try_into().unwrap(),
        allow_list_expiration_height: p["allow_list_expiration_height"].as_u64().unwrap_or(0),
        ..ParamsUnchecked::default()
    }
}

pub fn params(p: &Value) -> Params {
    raw_params(p).check().unwrap()
}
