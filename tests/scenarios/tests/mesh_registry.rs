//! Who is who, and what a token is worth: proofs of the operator registry, medians of the price feed.

mod mesh_world;

use bitcoin::hashes::{Hash, sha256};
use ed25519_consensus::SigningKey;
use mesh_harness::chain::{Chain, ChainConfig, DevAccount, Engine};
use mesh_harness::clock::Clock;
use mesh_harness::on_each_engine;
use mesh_world::{START, account, contracts};
use serde_json::{Value, json};
use staking_api::mesh::price::PriceResponse;
use staking_api::mesh::registry::{
    BoundFpResponse, BoundValidatorResponse, OperatorResponse, OverlapResponse, binding_message,
};
use staking_crypto::{SecretKey, bip340};
use std::time::Duration;

fn chain(on: Engine, clock: &Clock) -> Chain {
    let mut config = ChainConfig::new("hub-1", "mesh", "umesh").contracts(contracts(on)).rpc_port(None);
    config = config.clock(clock.clone());
    for name in ["owner", "carol", "mallory", "s1", "s2", "s3"] {
        config = config.fund(&account(name, "mesh"), 1_000_000);
    }
    Chain::start(config).unwrap()
}

struct Registry {
    chain: Chain,
    clock: Clock,
    address: String,
}

impl Registry {
    fn new(on: Engine) -> Self {
        let clock = Clock::manual(START);
        let chain = chain(on, &clock);
        let code = chain.store("operator-registry").unwrap();
        let owner = account("owner", "mesh");
        let init = json!({ "owner": owner, "reporters": [], "penalty": "none" });
        let address = chain.instantiate(&owner, code, &init, "registry", &[]).unwrap();
        let w = Self { chain, clock, address };
        for name in ["carol", "mallory"] {
            w.send(name, &json!({ "register_operator": { "moniker": name } })).unwrap();
        }
        w
    }

    fn send(&self, name: &str, msg: &Value) -> Result<(), String> {
        let sent = self.chain.execute(&account(name, "mesh"), &self.address, msg, &[]);
        sent.map(drop).map_err(|e| e.to_string())
    }

    /// What a key of `operator` signs for `name` on `chain`.
    fn message(&self, operator: &str, chain: &str, name: &str) -> Vec<u8> {
        binding_message(&self.address, &account(operator, "mesh"), chain, name)
    }

    fn bind(
        &self,
        operator: &str,
        kind: &str,
        valoper: &str,
        key: &[u8],
        signature: &[u8],
    ) -> Result<(), String> {
        self.send(operator, &json!({ "bind_validator": { "chain_id": "cons-1", "valoper": valoper, "kind": kind,
            "pub_key": cosmwasm_std::Binary::from(key), "signature": cosmwasm_std::Binary::from(signature) } }))
    }

    fn publish(&self, valoper: &str, key: &[u8]) {
        let keys = json!([[valoper, cosmwasm_std::Binary::from(key)]]);
        self.send("owner", &json!({ "publish_keys": { "chain_id": "cons-1", "keys": keys } })).unwrap();
    }

    fn ask<R: serde::de::DeserializeOwned>(&self, msg: &Value) -> R {
        self.chain.query(&self.address, msg).unwrap()
    }
}

/// §15-7: an operator and its validator's consensus key each sign for the other; anything else is refused.
fn a_consensus_key_and_an_operator_vouch_for_each_other(on: Engine) {
    let w = Registry::new(on);
    let key = SigningKey::from([7u8; 32]);
    let public = key.verification_key().to_bytes();
    let sign = |operator: &str| key.sign(&w.message(operator, "cons-1", "val-1")).to_bytes();
    let refused = w.bind("carol", "ed25519", "val-1", &public, &sign("carol")).unwrap_err();
    assert!(refused.contains("this is not the key of val-1"), "nobody published it: {refused}");
    w.publish("val-1", &public);
    // A stranger with a key of its own, a signature made for another operator, one bit changed, another name.
    let own = SigningKey::from([8u8; 32]);
    let of_own = own.sign(&w.message("mallory", "cons-1", "val-1")).to_bytes();
    assert!(w.bind("mallory", "ed25519", "val-1", &own.verification_key().to_bytes(), &of_own).is_err());
    assert!(
        w.bind("mallory", "ed25519", "val-1", &public, &sign("carol")).unwrap_err().contains("signature")
    );
    let mut spoiled = sign("carol");
    spoiled[10] ^= 1;
    assert!(w.bind("carol", "ed25519", "val-1", &public, &spoiled).is_err());
    assert!(w.bind("carol", "ed25519", "val-2", &public, &sign("carol")).is_err());
    w.bind("carol", "ed25519", "val-1", &public, &sign("carol")).unwrap();
    // Once bound, no other operator can have it, whatever it signs.
    let refused = w.bind("mallory", "ed25519", "val-1", &public, &sign("mallory")).unwrap_err();
    assert!(refused.contains("is bound to"), "{refused}");
    let carol: OperatorResponse = w.ask(&json!({ "operator": { "operator": account("carol", "mesh") } }));
    assert!(!carol.validators[0].vouched, "proven, not vouched");
}

/// Without a published key, the account key of the validator's own address speaks for it, and no other key does.
fn the_key_of_a_validators_address_speaks_for_it(on: Engine) {
    let w = Registry::new(on);
    let secret = [9u8; 32];
    let valoper = DevAccount::from_secret(secret).unwrap().address("consvaloper").unwrap();
    let secp = bitcoin::secp256k1::Secp256k1::new();
    let key = bitcoin::secp256k1::SecretKey::from_slice(&secret).unwrap();
    let public = key.public_key(&secp).serialize();
    let digest = sha256::Hash::hash(&w.message("carol", "cons-1", &valoper)).to_byte_array();
    let signature =
        secp.sign_ecdsa(&bitcoin::secp256k1::Message::from_digest(digest), &key).serialize_compact();
    let other = DevAccount::from_secret([10u8; 32]).unwrap().address("consvaloper").unwrap();
    assert!(w.bind("carol", "secp256k1", &other, &public, &signature).is_err());
    w.bind("carol", "secp256k1", &valoper, &public, &signature).unwrap();
}

/// §16.3 I3: a Bitcoin provider key binds the same way; validator and provider then find each other, and overlap counts
/// them. A binding is removed only after its cooling-off time.
fn a_provider_key_and_a_validator_of_one_operator_find_each_other(on: Engine) {
    let w = Registry::new(on);
    let key = SigningKey::from([7u8; 32]);
    let public = key.verification_key().to_bytes();
    w.publish("val-1", &public);
    let signature = key.sign(&w.message("carol", "cons-1", "val-1")).to_bytes();
    w.bind("carol", "ed25519", "val-1", &public, &signature).unwrap();
    let provider = SecretKey::from_bytes(&[11; 32]).unwrap();
    let fp: String = provider.x_only().to_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let bind = |operator: &str, signed_for: &str| {
        let digest = sha256::Hash::hash(&w.message(signed_for, "cons-1", &fp)).to_byte_array();
        let signature = bip340::sign(&provider, &digest, &[0; 32]).to_bytes();
        w.send(
            operator,
            &json!({ "bind_provider": { "consumer": "cons-1", "fp_pk": fp,
            "signature": cosmwasm_std::Binary::from(signature.as_slice()) } }),
        )
    };
    assert!(bind("mallory", "carol").unwrap_err().contains("signature"));
    bind("carol", "carol").unwrap();
    let of_validator: BoundFpResponse =
        w.ask(&json!({ "bound_fp": { "consumer": "cons-1", "validator": "val-1" } }));
    assert_eq!(of_validator.fp_pk, Some(fp.clone()));
    let of_provider: BoundValidatorResponse =
        w.ask(&json!({ "bound_validator": { "consumer": "cons-1", "fp_pk": fp } }));
    assert_eq!(of_provider.validator.as_deref(), Some("val-1"));
    let overlap: OverlapResponse = w.ask(&json!({ "overlap": { "chain_a": "cons-1", "chain_b": "cons-1" } }));
    assert_eq!((overlap.common_operators, overlap.by_count.to_string()), (1, "1".into()));
    let unbind = json!({ "unbind_validator": { "chain_id": "cons-1", "valoper": "val-1" } });
    drop(w.send("carol", &unbind));
    let still: BoundFpResponse =
        w.ask(&json!({ "bound_fp": { "consumer": "cons-1", "validator": "val-1" } }));
    assert!(still.fp_pk.is_some(), "cooling off");
    w.clock.advance(Duration::from_secs(21 * 86_400 + 1));
    w.send("carol", &unbind).unwrap();
    let gone: BoundFpResponse = w.ask(&json!({ "bound_fp": { "consumer": "cons-1", "validator": "val-1" } }));
    assert_eq!(gone.fp_pk, None);
}

struct Feed {
    chain: Chain,
    clock: Clock,
    address: String,
}

impl Feed {
    fn new(on: Engine) -> Self {
        let clock = Clock::manual(START);
        let chain = chain(on, &clock);
        let code = chain.store("price-feed").unwrap();
        let sources: Vec<String> = ["s1", "s2", "s3"].iter().map(|s| account(s, "mesh")).collect();
        let init = json!({ "native_per_foreign": "100", "owner": account("owner", "mesh"), "sources": sources,
            "min_sources": 2, "ttl_s": 600, "max_step": "0.1", "step_s": 60 });
        let address = chain.instantiate(&account("owner", "mesh"), code, &init, "feed", &[]).unwrap();
        Self { chain, clock, address }
    }

    fn say(&self, who: &str, price: &str) -> Result<(), String> {
        let msg = json!({ "update_price": { "native_per_foreign": price } });
        let sent = self.chain.execute(&account(who, "mesh"), &self.address, &msg, &[]);
        sent.map(drop).map_err(|e| e.to_string())
    }

    fn price(&self) -> Result<String, String> {
        let answer = self.chain.query::<_, PriceResponse>(&self.address, &json!({ "price": {} }));
        answer.map(|p| p.native_per_foreign.to_string()).map_err(|e| e.to_string())
    }
}

/// §16.7: the median of signed sources; one that lies moves nothing, and even all of them move a step at a time.
fn one_source_cannot_move_the_price_and_all_only_by_steps(on: Engine) {
    let f = Feed::new(on);
    assert!(f.say("mallory", "1").unwrap_err().contains("not a source"));
    assert!(f.say("s1", "0").is_err());
    f.clock.advance(Duration::from_secs(61));
    f.say("s1", "1000000").unwrap();
    assert_eq!(f.price().unwrap(), "100", "one is not enough");
    f.say("s2", "104").unwrap();
    f.say("s3", "104").unwrap();
    f.clock.advance(Duration::from_secs(61));
    f.say("s2", "104").unwrap();
    assert_eq!(f.price().unwrap(), "104", "the liar is not the median");
    for _ in 0..2 {
        f.clock.advance(Duration::from_secs(61));
        for s in ["s1", "s2", "s3"] {
            f.say(s, "1000").unwrap();
        }
    }
    assert_eq!(f.price().unwrap(), "125.84", "two steps of a tenth");
}

/// §10: a price nobody stands behind any more is not given, and comes back with fresh words.
fn an_old_price_is_not_given(on: Engine) {
    let f = Feed::new(on);
    f.clock.advance(Duration::from_secs(601));
    f.chain.make_block().unwrap();
    assert!(f.price().unwrap_err().contains("outdated"));
    f.say("s1", "101").unwrap();
    assert!(f.price().is_err(), "one of two");
    f.say("s2", "101").unwrap();
    assert_eq!(f.price().unwrap(), "101");
}

on_each_engine! {
    a_consensus_key_and_an_operator_vouch_for_each_other,
    the_key_of_a_validators_address_speaks_for_it,
    a_provider_key_and_a_validator_of_one_operator_find_each_other,
    one_source_cannot_move_the_price_and_all_only_by_steps,
    an_old_price_is_not_given,
}
