//! One body of tests that every external custody passes: bitcoin, and tokens attested by a threshold of accounts.

mod mesh_world;

use mesh_harness::chain::Engine;
use mesh_harness::on_each_engine;
use mesh_world::{World, account};
use serde_json::{Value, json};
use staking_api::mesh::btc_vault::{CapacityResponse, SlashCapacityResponse};
use staking_api::mesh::custody::{AmountResponse, PositionResponse, PositionState};

const AMOUNT: u128 = 100_000_000;

/// What differs between custodies: how a position comes about, leaves, and is at fault.
trait Custody {
    fn world(&self) -> &World;
    fn world_mut(&mut self) -> &mut World;
    fn attest(&self, user: &str, id: &str, keys: &[(&str, &str)]);
    fn exit(&self, id: &str);
    fn fault(&self, consumer: &str, key: &str);
}

struct Bitcoin(World);

impl Custody for Bitcoin {
    fn world(&self) -> &World {
        &self.0
    }
    fn world_mut(&mut self) -> &mut World {
        &mut self.0
    }
    fn attest(&self, user: &str, id: &str, keys: &[(&str, &str)]) {
        self.0.delegate(user, id, AMOUNT, keys);
    }
    fn exit(&self, id: &str) {
        let spent = json!({ "delegation_unbonding": { "txid": id, "spend_txid": "s", "kind": "unbonding", "btc_height": 9 } });
        self.0.staking_sends(spent);
    }
    fn fault(&self, consumer: &str, key: &str) {
        self.0.fp_slashed(key, consumer);
    }
}

struct Threshold(World);

impl Threshold {
    /// Two of the three attesters say it; one would not be enough.
    fn say(&self, msg: &Value) {
        for name in ["attester-1", "attester-2"] {
            self.0.hub.execute(&account(name, "mesh"), &self.0.vault, msg, &[]).unwrap();
        }
    }
}

impl Custody for Threshold {
    fn world(&self) -> &World {
        &self.0
    }
    fn world_mut(&mut self) -> &mut World {
        &mut self.0
    }
    fn attest(&self, user: &str, id: &str, keys: &[(&str, &str)]) {
        let keys: Vec<Value> = keys.iter().map(|(c, k)| json!({ "consumer": c, "key": k })).collect();
        self.say(&json!({ "attest": { "position": { "id": id, "user": self.0.user(user), "amount": AMOUNT.to_string(),
            "slash_rate": "0.1", "keys": keys, "until": "1900000000000000000" } } }));
    }
    fn exit(&self, id: &str) {
        self.say(&json!({ "exit": { "id": id } }));
    }
    fn fault(&self, consumer: &str, key: &str) {
        self.say(&json!({ "fault": { "consumer": consumer, "key": key } }));
    }
}

fn amount(c: &impl Custody, user: &str) -> u128 {
    let w = c.world();
    let ask = json!({ "custody": { "active_amount": { "user": w.user(user) } } });
    w.ask::<AmountResponse>(&w.vault, ask).amount.0
}

fn capacity(c: &impl Custody, user: &str, consumer: &str) -> (u128, u128, u128) {
    let w = c.world();
    let ask = json!({ "custody": { "capacity": { "user": w.user(user), "consumer": consumer } } });
    let a: CapacityResponse = w.ask(&w.vault, ask);
    (a.bound_sat.0, a.lien.0, a.free.0)
}

fn slash_capacity(c: &impl Custody, user: &str) -> (u128, u128) {
    let w = c.world();
    let a: SlashCapacityResponse =
        w.ask(&w.vault, json!({ "custody": { "slash_capacity": { "user": w.user(user) } } }));
    (a.s.0, a.used.0)
}

fn state(c: &impl Custody, id: &str) -> PositionState {
    let w = c.world();
    w.ask::<PositionResponse>(&w.vault, json!({ "custody": { "position": { "id": id } } })).state
}

/// The body. Position p1 is bound to both consumers, p2 to the first only.
fn every_custody(mut c: impl Custody) {
    c.attest("alice", "p1", &[("cons-1", "k1"), ("cons-2", "k2")]);
    c.attest("alice", "p2", &[("cons-1", "k3")]);
    assert_eq!((amount(&c, "alice"), slash_capacity(&c, "alice")), (2 * AMOUNT, (AMOUNT / 5, 0)));
    assert_eq!(capacity(&c, "alice", "cons-1"), (2 * AMOUNT, 0, 2 * AMOUNT));
    assert_eq!(capacity(&c, "alice", "cons-2"), (AMOUNT, 0, AMOUNT));
    // Only what is bound to a consumer backs it, and promises stay within what can be slashed.
    assert!(c.world().stake("alice", 1, 0, AMOUNT + 1).is_err());
    c.world().stake("alice", 0, 0, 2 * AMOUNT).unwrap();
    c.world().stake("alice", 1, 0, AMOUNT).unwrap();
    c.world_mut().run();
    assert_eq!(slash_capacity(&c, "alice"), (AMOUNT / 5, AMOUNT * 3 / 20));
    // An exit takes backing away at once; liens and stake follow.
    c.exit("p2");
    c.world_mut().run();
    assert_eq!((amount(&c, "alice"), state(&c, "p2")), (AMOUNT, PositionState::Exiting));
    assert_eq!((c.world().lien("alice", 0).h.0, c.world().foreign(0, 0).foreign.0), (AMOUNT, AMOUNT));
    // A fault takes the position for every consumer, once; one that is leaving is reached too.
    c.fault("cons-2", "k2");
    c.world_mut().run();
    assert_eq!((amount(&c, "alice"), slash_capacity(&c, "alice")), (0, (0, 0)));
    for consumer in 0..2 {
        assert_eq!((c.world().lien("alice", consumer).h.0, c.world().foreign(consumer, 0).foreign.0), (0, 0));
    }
    assert_eq!(state(&c, "p1"), PositionState::Slashed);
    c.fault("cons-1", "k3");
    assert_eq!(state(&c, "p2"), PositionState::Slashed);
    // What comes later under a faulty key backs nothing.
    c.attest("alice", "p3", &[("cons-2", "k2")]);
    assert_eq!(amount(&c, "alice"), 0);
}

fn bitcoin_is_an_external_custody(on: Engine) {
    let mut w = World::pair(on);
    w.add_consumer("cons-2", "0.05", json!({ "max_cap": "1000000000000" }));
    every_custody(Bitcoin(w));
}

fn attested_tokens_are_an_external_custody(on: Engine) {
    every_custody(Threshold(World::attested(on)));
}

fn one_attester_alone_changes_nothing(on: Engine) {
    let w = World::attested(on);
    let c = Threshold(w);
    let msg = json!({ "attest": { "position": { "id": "p", "user": c.0.user("alice"), "amount": "5", "slash_rate": "0.1",
        "keys": [], "until": "1900000000000000000" } } });
    for _ in 0..2 {
        c.0.hub.execute(&account("attester-1", "mesh"), &c.0.vault, &msg, &[]).unwrap();
    }
    assert_eq!(amount(&c, "alice"), 0);
    assert!(c.0.hub.execute(&c.0.user("bob"), &c.0.vault, &msg, &[]).is_err());
}

on_each_engine! {
    bitcoin_is_an_external_custody,
    attested_tokens_are_an_external_custody,
    one_attester_alone_changes_nothing,
}
