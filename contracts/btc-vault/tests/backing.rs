//! What backs a lien and for how long: the end of timelocks, reports that come late, consumers that share.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

use contract_host::headers::TipRecord;
use cosmwasm_std::testing::{MockApi, MockQuerier, MockStorage, message_info, mock_dependencies, mock_env};
use cosmwasm_std::{
    Binary, ContractResult, OwnedDeps, Response, SystemResult, WasmQuery, from_json, to_json_binary,
};
use serde_json::{Value, json};
use staking_api::mesh::btc_vault::{
    Backing, CapacityResponse, ConsumersResponse, DelegationsResponse, ExecuteMsg, QueryMsg,
};
use staking_protocol::header::{ChainRules, Header, TipContext};

/// A header with regtest's proof of work; the vault looks at the height beside it only.
const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000";

struct Vault {
    deps: OwnedDeps<MockStorage, MockApi, MockQuerier>,
}

fn policy(mode: &str, margin: u32) -> Value {
    json!({ "mode": mode, "offline": "none", "require_fp_binding": false, "expiry_margin_blocks": margin })
}

impl Vault {
    fn address(&self, name: &str) -> String {
        self.deps.api.addr_make(name).into_string()
    }

    fn init(mode: &str, margin: u32, light_client: bool) -> Result<Self, String> {
        let mut v = Self { deps: mock_dependencies() };
        let msg = json!({ "denom": "sat", "btc_staking": v.address("staking"), "btc_finality": v.address("finality"),
            "light_client": light_client.then(|| v.address("headers")), "owner": v.address("owner"),
            "policy": policy(mode, margin) });
        let info = message_info(&v.deps.api.addr_make("owner"), &[]);
        btc_vault::instantiate(v.deps.as_mut(), mock_env(), info, serde_json::from_value(msg).unwrap())
            .map_err(|e| e.to_string())?;
        v.tip(100);
        Ok(v)
    }

    /// A vault with a margin of six blocks and one consumer.
    fn new() -> Self {
        let mut v = Self::init("strict", 6, true).unwrap();
        v.admit("c0", false);
        v
    }

    /// Bitcoin is at this height.
    fn tip(&mut self, height: u32) {
        let byte = |i: usize| u8::from_str_radix(&GENESIS[2 * i..2 * i + 2], 16).unwrap();
        let header: [u8; 80] = std::array::from_fn(byte);
        let context =
            TipContext::from_base(&ChainRules::REGTEST, Header::new(&header), height, None).unwrap();
        let tip = TipRecord { context, confirmation_depth: 3, max_tip_age: 0, deep_reorgs: 0 }.pack();
        let ratios = to_json_binary(&json!({ "slash_ratio_dsign": "0.1", "slash_ratio_offline": "0.01" }));
        let ratios = ratios.unwrap();
        self.deps.querier.update_wasm(move |ask| {
            let raw = matches!(ask, WasmQuery::Raw { .. });
            let answer = if raw { Binary::from(tip.clone()) } else { ratios.clone() };
            SystemResult::Ok(ContractResult::Ok(answer))
        });
    }

    fn says(&mut self, from: &str, msg: Value) -> Result<Response, String> {
        let info = message_info(&self.deps.api.addr_make(from), &[]);
        let msg: ExecuteMsg = serde_json::from_value(msg).unwrap();
        btc_vault::execute(self.deps.as_mut(), mock_env(), info, msg).map_err(|e| e.to_string())
    }

    fn ask<R: serde::de::DeserializeOwned>(&self, msg: QueryMsg) -> R {
        from_json(btc_vault::query(self.deps.as_ref(), mock_env(), msg).unwrap()).unwrap()
    }

    fn admit(&mut self, consumer: &str, shared: bool) {
        let set = json!({ "set_consumer": { "consumer": consumer, "external_staking": self.address(consumer),
            "slash_dsign": "0.1", "cap_sat": 1_000_000, "paused": false, "shared": shared } });
        self.says("owner", set).unwrap();
    }

    fn report(&mut self, msg: Value) {
        self.says("staking", msg).unwrap();
    }

    /// btc-staking reports a stake of alice that ends at a height, with 100 blocks of unbonding.
    fn delegate(&mut self, txid: &str, sat: u64, end: u32, consumers: &[&str]) {
        let fp = |c: &&str| json!({ "consumer": c, "fp_pk": format!("fp-{c}") });
        let fps: Vec<Value> = consumers.iter().map(fp).collect();
        self.report(json!({ "delegation_active": { "user": self.address("alice"), "txid": txid, "sat": sat,
            "slash_rate": "0.1", "fps": fps, "start_height": 50, "end_height": end, "unbonding_blocks": 100 } }));
    }

    fn stake(&mut self, consumer: &str, sat: u64) -> Result<Response, String> {
        let contract = self.address(consumer);
        let msg = to_json_binary(&json!({ "validator": "v" })).unwrap();
        let amount = json!({ "denom": "sat", "amount": sat.to_string() });
        let stake = json!({ "stake_remote": { "contract": contract, "amount": amount, "msg": msg } });
        self.says("alice", stake)
    }

    fn expire(&mut self, limit: u32) -> Response {
        self.says("anybody", json!({ "expire": { "limit": limit } })).unwrap()
    }

    /// Sat that count for c0, and its lien.
    fn backing(&self) -> (u128, u128) {
        let ask = QueryMsg::Capacity { user: self.address("alice"), consumer: "c0".into() };
        let c: CapacityResponse = self.ask(ask);
        (c.bound_sat.0, c.lien.0)
    }

    fn states(&self) -> Vec<Backing> {
        let ask = QueryMsg::Delegations { user: self.address("alice"), start_after: None, limit: Some(100) };
        self.ask::<DelegationsResponse>(ask).delegations.into_iter().map(|d| d.state).collect()
    }
}

/// §16.3: a delegation counts while tip < end − unbonding − margin, and not a block longer.
#[test]
fn a_delegation_counts_until_the_margin_before_its_last_call() {
    let mut v = Vault::new();
    v.delegate("t1", 1_000, 1_000, &["c0"]);
    v.tip(893);
    v.stake("c0", 600).unwrap();
    assert_eq!(v.expire(50).messages.len(), 0, "893 + 6 < 1000 − 100");
    assert_eq!(v.backing(), (1_000, 600));
    v.tip(894);
    assert_eq!(v.expire(50).messages.len(), 1, "the holder is told to burn");
    assert_eq!((v.backing(), v.states()), ((0, 0), vec![Backing::Exiting]));
    // What left can still be slashed, and the report of btc-staking changes nothing any more.
    v.report(json!({ "delegation_expired": { "txid": "t1" } }));
    v.says("finality", json!({ "fp_slashed": { "fp_pk": "fp-c0", "consumer": "c0", "height": 1 } })).unwrap();
    assert_eq!(v.states(), [Backing::Slashed]);
}

/// §16.3: also where nobody asked for it, a new lien is made on what has not come near its end.
#[test]
fn a_new_lien_looks_at_the_ends_first() {
    let mut v = Vault::new();
    v.delegate("t1", 1_000, 1_000, &["c0"]);
    v.delegate("t2", 500, 2_000, &["c0"]);
    v.tip(950);
    v.stake("c0", 500).unwrap();
    assert_eq!((v.backing(), v.states()), ((500, 500), vec![Backing::Exiting, Backing::Active]));
    let refused = v.stake("c0", 1).unwrap_err();
    assert!(refused.contains("exceeds the 500 that back it"), "{refused}");
}

/// Work is bounded: ten ends before a lien, more by `expire`; meanwhile liens are refused.
#[test]
fn many_ends_at_once_are_taken_out_in_steps() {
    let many = || {
        let mut v = Vault::new();
        for n in 0..25 {
            v.delegate(&format!("t{n:02}"), 100, 1_000, &["c0"]);
        }
        v.delegate("u", 100, 2_000, &["c0"]);
        v.tip(900);
        v
    };
    // A chain would undo what a refused message did; here it is a vault of its own.
    assert!(many().stake("c0", 100).unwrap_err().contains("taken out with expire first"));
    let mut v = many();
    v.expire(15);
    assert_eq!(v.states().iter().filter(|state| **state == Backing::Active).count(), 11);
    v.stake("c0", 100).unwrap();
    assert_eq!(v.backing(), (100, 100));
}

/// A margin that could not be kept is refused, not ignored.
#[test]
fn a_margin_needs_the_light_client() {
    let words = "expiry_margin_blocks needs a light client";
    assert_eq!(Vault::init("strict", 6, false).err().unwrap(), words);
    let mut v = Vault::init("strict", 0, false).unwrap();
    assert_eq!(
        v.says("owner", json!({ "set_policy": { "policy": policy("strict", 1) } })).unwrap_err(),
        words
    );
    let mut v = Vault::new();
    let (staking, finality) = (v.address("staking"), v.address("finality"));
    let peers = json!({ "set_peers": { "btc_staking": staking, "btc_finality": finality } });
    assert_eq!(v.says("owner", peers).unwrap_err(), words);
}

/// Delegations that came before the light client are in no order of ends, so it must come first.
#[test]
fn a_light_client_comes_before_delegations() {
    let mut v = Vault::init("strict", 0, false).unwrap();
    let peers = json!({ "set_peers": { "btc_staking": v.address("staking"), "btc_finality": v.address("finality"),
        "light_client": v.address("headers") } });
    v.delegate("t1", 1_000, 1_000, &[]);
    assert!(v.says("owner", peers.clone()).unwrap_err().contains("cannot be added any more"));
    let mut v = Vault::init("strict", 0, false).unwrap();
    v.says("owner", peers.clone()).unwrap();
    v.delegate("t1", 1_000, 1_000, &[]);
    v.says("owner", peers).unwrap();
}

/// §16.5: what was admitted under a policy keeps it from being loosened.
#[test]
fn a_policy_cannot_fall_below_what_admitted_consumers_need() {
    let mut v = Vault::new();
    let with = |blocks: u32| {
        let mut policy = policy("strict", 6);
        policy["min_unbonding_blocks"] = json!(blocks);
        json!({ "set_policy": { "policy": policy } })
    };
    let admit = json!({ "set_consumer": { "consumer": "c1", "external_staking": v.address("c1"), "slash_dsign": "0.1",
        "cap_sat": 1, "paused": false, "timing": { "epoch_s": 3600, "evidence_age_s": 3600 } } });
    let refused = v.says("owner", admit.clone()).unwrap_err();
    assert_eq!(refused, "an unbonding time of 0 blocks covers 0 s, this consumer needs 187800 s");
    v.says("owner", with(1008)).unwrap();
    v.says("owner", admit).unwrap();
    assert!(v.says("owner", with(391)).unwrap_err().contains("391 blocks covers 187680 s"));
    v.says("owner", with(392)).unwrap();
}

/// §16.4: reports that overtake the one of a delegation's beginning, which a vault not yet wired refused, still stand.
#[test]
fn what_was_reported_before_a_delegation_is_known_stands() {
    let spent = |kind: &str| json!({ "delegation_unbonding": { "txid": "t", "spend_txid": "s", "kind": kind, "btc_height": 60 } });
    let noted = |what: &str| json!({ format!("delegation_{what}"): { "txid": "t" } });
    let (unbonding, slashing) = (spent("unbonding"), spent("slashing"));
    let [expired, quarantined, requalified] = ["expired", "quarantined", "requalified"].map(noted);
    for (early, expected) in [
        (vec![&requalified], Backing::Active),
        (vec![&quarantined], Backing::Quarantined),
        (vec![&quarantined, &requalified], Backing::Active),
        (vec![&unbonding, &quarantined, &requalified], Backing::Exiting),
        (vec![&quarantined, &expired], Backing::Exiting),
        (vec![&expired, &slashing, &unbonding], Backing::Slashed),
    ] {
        let mut v = Vault::new();
        early.iter().for_each(|msg| v.report((*msg).clone()));
        v.delegate("t", 1_000, 5_000, &["c0"]);
        let counts = if expected == Backing::Active { 1_000 } else { 0 };
        assert_eq!((v.states(), v.backing().0), (vec![expected], counts), "{early:?}");
    }
}

/// §16.9: five consumers share one capacity, so each has a fifth of what it sees; one that does not share is not
/// counted among them.
#[test]
fn a_sharer_is_reported_its_part() {
    let all = ["c0", "c1", "c2", "c3", "c4", "own"];
    let report = |mode: &str| -> Vec<(u128, u32, u128)> {
        let mut v = Vault::init(mode, 6, true).unwrap();
        all.iter().for_each(|c| v.admit(c, *c != "own"));
        v.delegate("t1", 1_000, 9_000, &all);
        let refused = all.iter().filter(|c| v.stake(c, 500).is_err()).count();
        assert_eq!(refused, if mode == "strict" { 4 } else { 0 }, "{mode}: 6 × 50 promised of 100");
        let ask = QueryMsg::Consumers { start_after: None, limit: Some(100) };
        let consumers = v.ask::<ConsumersResponse>(ask).consumers;
        consumers.into_iter().map(|c| (c.lien_sat.0, c.sharers, c.own_sat.0)).collect()
    };
    assert_eq!(report("shared"), [vec![(500, 5, 100); 5], vec![(500, 1, 500)]].concat());
    assert_eq!(report("strict"), [vec![(500, 1, 500); 2], vec![(0, 1, 0); 4]].concat());
}
