//! Limits, prices, bonuses, operators: what a consumer's governance and the vault's owner can count on.

mod mesh_world;

use mesh_harness::chain::Engine;
use mesh_harness::on_each_engine;
use mesh_world::{BTC, World, account};
use serde_json::{Value, json};
use staking_api::mesh::external::PendingRewards;
use staking_api::mesh::registry::{DelegableResponse, OverlapResponse, SelfBondResponse};
use staking_api::mesh::virtual_staking::SecurityReport;
use std::time::Duration;

/// A pairing with these limits and `n` BTC of alice staked with each of the first validators.
fn limited(on: Engine, limits: Value, stakes: &[u128]) -> World {
    let mut w = World::hub(on, &mesh_world::policy());
    w.add_consumer("cons-1", "0.05", limits);
    w.delegate("alice", "t1", 50 * BTC, &[("cons-1", "fp1")]);
    for (n, btc) in stakes.iter().enumerate() {
        w.stake("alice", 0, n, btc * BTC).unwrap();
    }
    w.run();
    w
}

fn governance(w: &World, msg: Value) {
    let c = &w.consumers[0];
    c.chain.execute(&c.gov, &c.virtual_staking, &msg, &[]).unwrap();
}

/// §15-11 (a): the absolute cap scales all virtual stake alike; raising it lets power follow.
fn an_absolute_cap_scales_all_alike_and_can_be_raised(on: Engine) {
    let w = limited(on, json!({ "max_cap": "270000000" }), &[1, 2]);
    let before = (w.power(0, 0), w.power(0, 1));
    w.epoch(0);
    assert_eq!((w.power(0, 0) - before.0, w.power(0, 1) - before.1), (90_000_000, 180_000_000));
    governance(&w, json!({ "set_limits": { "limits": { "max_cap": "1000000000000" } } }));
    w.epoch(0);
    assert_eq!((w.power(0, 0) - before.0, w.power(0, 1) - before.1), (180_000_000, 360_000_000));
}

/// §15-11 (c): beyond the knee power flattens below the cap.
fn power_flattens_towards_the_cap(on: Engine) {
    let w = limited(on, json!({ "max_cap": "180000000", "taper_from": "0.8" }), &[1]);
    let before = w.power(0, 0);
    w.epoch(0);
    // x = cap: 0.9 cap.
    assert_eq!(w.power(0, 0) - before, 162_000_000);
}

/// §15-11 (a, b): a share of native stake, and no validator above its share through virtual stake.
fn relative_limits_work_on_reported_native_stake(on: Engine) {
    let w = limited(
        on,
        json!({ "max_cap": "1000000000000", "max_of_native": "0.1", "max_per_validator": "0.36" }),
        &[2, 1],
    );
    let natives: Vec<(String, String)> =
        (0..3).map(|n| (w.validator(0, n), w.power(0, n).to_string())).collect();
    governance(&w, json!({ "report_native": { "stakes": natives } }));
    w.epoch(0);
    let bonded = w.status(0).bonded.0;
    assert_eq!(bonded, 300_000_000, "10 % of three times 10^9");
    let all: u128 = (0..3).map(|n| w.power(0, n)).sum();
    assert!(w.power(0, 0) * 100 <= all * 36 + 100, "{} of {all}", w.power(0, 0));
    assert!(w.power(0, 1) > 1_100_000_000, "what the first cannot take goes to the second");
    let c = &w.consumers[0];
    let report: SecurityReport =
        c.chain.query(&c.virtual_staking, &json!({ "security_report": {} })).unwrap();
    assert_eq!((report.third_native.0, report.third_total.0), (1_500_000_000, 1_650_000_000));
}

/// §16.7: without a fresh price nothing new is staked and nothing grows, but leaving and slashing go on.
fn a_stale_price_refuses_increases_and_nothing_else(on: Engine) {
    let mut w = limited(on, json!({ "max_cap": "1000000000000" }), &[1]);
    w.epoch(0);
    let power = w.power(0, 0);
    let c = &w.consumers[0];
    let msg = json!({ "set_price_feed": { "price_feed": c.virtual_staking } });
    c.chain.execute(&c.gov, &c.converter, &msg, &[]).unwrap();
    w.stake("alice", 0, 0, BTC).unwrap();
    w.run();
    assert_eq!(w.lien("alice", 0).h.0, BTC, "the refused stake is undone");
    w.unstake("alice", 0, 0, BTC / 2).unwrap();
    w.run();
    w.epoch(0);
    assert_eq!(w.power(0, 0), power - 90_000_000);
}

/// §15-10: the bonus is paid over credited stake, also where the cap holds power at zero; the budget holds.
fn the_bonus_follows_credited_stake_and_keeps_the_budget(on: Engine) {
    let mut w = limited(on, json!({ "max_cap": "0" }), &[1, 3]);
    let c = &w.consumers[0];
    let coins = [cosmwasm_std::Coin::new(10_000u128, "ucons")];
    c.chain.execute(&c.gov, &c.converter, &json!({ "fund_boost": {} }), &coins).unwrap();
    c.chain
        .execute(&c.gov, &c.converter, &json!({ "set_boost": { "per_epoch": "400", "epoch_s": 100 } }), &[])
        .unwrap();
    let pay = json!({ "pay_boost": {} });
    assert!(c.chain.execute(&c.gov, &c.converter, &pay, &[]).is_err(), "not due yet");
    w.clock.advance(Duration::from_secs(100));
    c.chain.execute(&c.gov, &c.converter, &pay, &[]).unwrap();
    assert!(c.chain.execute(&c.gov, &c.converter, &pay, &[]).is_err(), "once per epoch");
    w.run();
    let due = |w: &World, n: usize| {
        let ask = json!({ "pending_rewards": { "user": w.user("alice"), "validator": w.validator(0, n) } });
        w.ask::<PendingRewards>(&w.consumers[0].external, ask).rewards.amount.0
    };
    assert_eq!((due(&w, 0), due(&w, 1)), (100, 300));
}

/// §15-18: with weight zero anybody has the contract abstain; with inherited weight nobody can.
fn virtual_stake_abstains_unless_votes_are_inherited(on: Engine) {
    let w = limited(on, json!({ "max_cap": "1000" }), &[1]);
    governance(&w, json!({ "set_gov_weight": { "gov_weight": "inherit" } }));
    let c = &w.consumers[0];
    let vote = json!({ "abstain": { "proposal_id": 1 } });
    let refused = c.chain.execute(&c.gov, &c.virtual_staking, &vote, &[]).unwrap_err().to_string();
    assert!(refused.contains("inherits"), "{refused}");
}

/// §15-1: only the consumer's own governance changes its limits.
fn nobody_else_sets_a_consumers_limits(on: Engine) {
    let w = limited(on, json!({ "max_cap": "1000" }), &[1]);
    let c = &w.consumers[0];
    let msg = json!({ "set_limits": { "limits": { "max_cap": "5" } } });
    let stranger = account("alice", "cons");
    assert!(c.chain.execute(&stranger, &c.virtual_staking, &msg, &[]).is_err());
    assert!(c.chain.execute(&c.converter, &c.virtual_staking, &msg, &[]).is_err());
}

/// §16.9: exit, expiry and quarantine while a stake is in flight; two faults of one delegation cost once.
fn backing_that_goes_during_a_stake_in_flight_is_burned_on_arrival(on: Engine) {
    for what in ["unbonding", "expired", "quarantined", "slashed"] {
        let mut w = World::pair(on);
        w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
        w.stake("alice", 0, 0, BTC).unwrap();
        match what {
            "unbonding" => w.staking_sends(json!({ "delegation_unbonding": { "txid": "t1", "spend_txid": "s", "kind": "unbonding", "btc_height": 5 } })),
            "expired" => w.staking_sends(json!({ "delegation_expired": { "txid": "t1" } })),
            "quarantined" => w.staking_sends(json!({ "delegation_quarantined": { "txid": "t1" } })),
            _ => drop((w.fp_slashed("fp1", "cons-1"), w.fp_slashed("fp1", "cons-1"))),
        }
        w.run();
        assert_eq!((w.lien("alice", 0).h.0, w.foreign(0, 0).foreign.0), (0, 0), "{what}");
        assert_eq!(w.stake_of("alice", 0, 0).stake.h.0, 0, "{what}");
    }
}

/// §16.4: a requalified delegation backs new liens; an unknown or repeated report changes nothing.
fn quarantine_ends_with_a_new_proof(on: Engine) {
    let mut w = World::pair(on);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    assert_eq!(w.account("alice").bonded.0, BTC);
    w.staking_sends(json!({ "delegation_quarantined": { "txid": "t1" } }));
    assert!(w.stake("alice", 0, 0, BTC).is_err());
    w.staking_sends(json!({ "delegation_requalified": { "txid": "t1" } }));
    w.staking_sends(json!({ "delegation_requalified": { "txid": "nobody" } }));
    w.stake("alice", 0, 0, BTC).unwrap();
    w.run();
    assert_eq!(w.lien("alice", 0).l.0, BTC);
}

/// §16.4: a slashed provider with many delegations is settled in bounded steps, and backs nothing meanwhile.
fn many_delegations_of_a_slashed_provider_are_settled_in_steps(on: Engine) {
    let mut w = World::pair(on);
    for n in 0..25 {
        w.delegate(if n < 24 { "alice" } else { "bob" }, &format!("t{n:02}"), 1_000, &[("cons-1", "fp1")]);
    }
    w.delegate("bob", "other", BTC, &[("cons-1", "fp2")]);
    w.fp_slashed("fp1", "cons-1");
    assert_eq!(w.account("alice").bonded.0, 14_000);
    let refused = w.stake("bob", 0, 0, BTC).unwrap_err().to_string();
    assert!(refused.contains("settle_slash"), "{refused}");
    let msg = json!({ "settle_slash": { "fp_pk": "fp1", "limit": 50 } });
    w.hub.execute(&w.user("alice"), &w.vault, &msg, &[]).unwrap();
    assert_eq!(w.account("alice").bonded.0, 0);
    w.stake("bob", 0, 0, BTC).unwrap();
    w.run();
    assert!(w.hub.execute(&w.user("alice"), &w.vault, &msg, &[]).is_err(), "nothing is left");
}

/// §16.4, hard rule: what a lien holder reports is never refused, known or not.
fn reports_of_a_lien_holder_never_fail(on: Engine) {
    let w = World::pair(on);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    w.stake("alice", 0, 0, BTC).unwrap();
    let (holder, alice) = (w.consumers[0].external.clone(), w.user("alice"));
    let coin = json!({ "denom": "sat", "amount": "999999999999" });
    for msg in [
        json!({ "commit_tx": { "tx_id": 77 } }),
        json!({ "rollback_tx": { "tx_id": 77 } }),
        json!({ "cross_slash": { "slashes": [{ "user": alice, "slash": "999999999999" }, { "user": "nobody", "slash": "1" }], "validator": "v" } }),
        json!({ "release_cross_stake": { "owner": alice, "amount": coin } }),
        json!({ "commit_tx": { "tx_id": 1 } }),
        json!({ "rollback_tx": { "tx_id": 1 } }),
    ] {
        w.hub.execute(&holder, &w.vault, &msg, &[]).unwrap();
        w.hub.execute(&w.user("bob"), &w.vault, &msg, &[]).unwrap();
    }
    assert_eq!((w.lien("alice", 0).h.0, w.account("alice").bonded.0), (0, BTC));
}

/// §16.5: a consumer whose evidence may be older than bitcoin stays slashable is refused.
fn a_consumer_that_bitcoin_would_leave_too_early_is_refused(on: Engine) {
    let w = World::pair(on);
    let set = |age: u64| {
        json!({ "set_consumer": { "consumer": "cons-1", "external_staking": w.consumers[0].external, "slash_dsign": "0.05", "cap_sat": 1,
            "paused": false, "timing": { "epoch_s": 3600, "evidence_age_s": age } } })
    };
    let policy = json!({ "set_policy": { "policy": { "mode": "strict", "offline": "none", "require_fp_binding": false,
        "expiry_margin_blocks": 0, "min_unbonding_blocks": 1008 } } });
    w.hub.execute(&w.owner, &w.vault, &policy, &[]).unwrap();
    let refused = w.hub.execute(&w.owner, &w.vault, &set(21 * 86_400), &[]).unwrap_err().to_string();
    assert!(refused.contains("1008 blocks covers 483840 s, this consumer needs"), "{refused}");
    w.hub.execute(&w.owner, &w.vault, &set(3600), &[]).unwrap();
}

fn registry(w: &World, penalty: Value) -> String {
    let code = w.hub.store("operator-registry").unwrap();
    let init = json!({ "owner": w.owner, "reporters": [w.finality], "penalty": penalty });
    w.hub.instantiate(&w.owner, code, &init, "registry", &[]).unwrap()
}

/// §15-7: three of four operators in common with 72 % of the power.
fn overlap_is_counted_by_validators_and_by_power(on: Engine) {
    let w = World::hub(on, &mesh_world::policy());
    let registry = registry(&w, json!("none"));
    for n in 0..4 {
        let operator = account(&format!("op-{n}"), "mesh");
        let vouch = |chain: &str, name: String| json!({ "vouch": { "operator": operator, "chain_id": chain, "valoper": name } });
        w.hub.execute(&w.owner, &registry, &vouch("a", format!("a{n}")), &[]).unwrap();
        if n < 3 {
            w.hub.execute(&w.owner, &registry, &vouch("b", format!("b{n}")), &[]).unwrap();
        }
    }
    let powers = json!([["a0", "30"], ["a1", "22"], ["a2", "20"], ["a3", "28"]]);
    w.hub
        .execute(&w.owner, &registry, &json!({ "set_powers": { "chain_id": "a", "powers": powers } }), &[])
        .unwrap();
    let o: OverlapResponse = w.ask(&registry, json!({ "overlap": { "chain_a": "a", "chain_b": "b" } }));
    assert_eq!(
        (o.common_operators, o.by_count.to_string(), o.by_power.to_string()),
        (3, "0.75".into(), "0.72".into())
    );
}

/// §15-8: a proven fault on one chain costs the operator its self-bond and its place on the others, once.
fn a_fault_costs_the_operator_on_every_chain_once(on: Engine) {
    let w = World::hub(on, &mesh_world::policy());
    let registry = registry(&w, json!({ "slash": { "ratio": "0.2" } }));
    let code = w.hub.store("mesh-vault").unwrap();
    let vault = w
        .hub
        .instantiate(&w.owner, code, &json!({ "denom": "umesh", "local_staking": null }), "v", &[])
        .unwrap();
    let operator = w.user("alice");
    let call = |from: &str, to: &str, msg: Value| w.hub.execute(from, to, &msg, &[]);
    call(&w.owner, &registry, json!({ "set_vaults": { "vaults": [vault] } })).unwrap();
    for (chain, name) in [("c1", "v1"), ("c2", "v2")] {
        let fp = (chain == "c1").then_some("fp1");
        let msg =
            json!({ "vouch": { "operator": operator, "chain_id": chain, "valoper": name, "fp_pk": fp } });
        call(&w.owner, &registry, msg).unwrap();
    }
    let coins = [cosmwasm_std::Coin::new(1000u128, "umesh")];
    w.hub.execute(&operator, &vault, &json!({ "bond": {} }), &coins).unwrap();
    let bond = json!({ "stake_remote": { "contract": registry, "amount": { "denom": "umesh", "amount": "1000" }, "msg": "e30=" } });
    call(&operator, &vault, bond).unwrap();
    let fault = json!({ "report_fault": { "chain_id": "c1", "fp_pk": "fp1" } });
    assert!(call(&operator, &registry, fault.clone()).is_err(), "only reporters");
    call(&w.finality, &registry, fault.clone()).unwrap();
    call(&w.finality, &registry, fault).unwrap();
    let left: SelfBondResponse =
        w.ask(&registry, json!({ "self_bond": { "operator": operator, "vault": vault } }));
    assert_eq!(left.amount.0, 800);
    let twin: DelegableResponse =
        w.ask(&registry, json!({ "delegable": { "chain_id": "c2", "validator": "v2" } }));
    assert!(!twin.delegable);
    let release =
        json!({ "release_self_bond": { "vault": vault, "amount": { "denom": "umesh", "amount": "800" } } });
    assert!(call(&operator, &registry, release.clone()).is_err(), "a jailed operator keeps its bond");
    call(&w.owner, &registry, json!({ "pardon": { "operator": operator } })).unwrap();
    call(&operator, &registry, release).unwrap();
    call(&operator, &vault, json!({ "unbond": { "amount": { "denom": "umesh", "amount": "800" } } }))
        .unwrap();
}

/// §16.3 I3: with binding, only the validator of the provider's operator can be chosen.
fn the_validator_must_be_bound_to_the_provider_of_the_delegation(on: Engine) {
    let mut w = World::pair(on);
    let registry = registry(&w, json!("none"));
    let peers = json!({ "set_peers": { "btc_staking": w.staking, "btc_finality": w.finality, "registry": registry } });
    w.hub.execute(&w.owner, &w.vault, &peers, &[]).unwrap();
    let policy = json!({ "set_policy": { "policy": { "mode": "strict", "offline": "none", "require_fp_binding": true, "expiry_margin_blocks": 0 } } });
    w.hub.execute(&w.owner, &w.vault, &policy, &[]).unwrap();
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    let vouch = json!({ "vouch": { "operator": account("op", "mesh"), "chain_id": "cons-1", "valoper": w.validator(0, 1), "fp_pk": "fp1" } });
    w.hub.execute(&w.owner, &registry, &vouch, &[]).unwrap();
    let refused = w.stake("alice", 0, 0, BTC).unwrap_err().to_string();
    assert!(refused.contains("is not bound to a provider of this user"), "{refused}");
    w.stake("alice", 0, 1, BTC).unwrap();
    w.run();
    assert_eq!(w.lien("alice", 0).l.0, BTC);
}

on_each_engine! {
    an_absolute_cap_scales_all_alike_and_can_be_raised,
    power_flattens_towards_the_cap,
    relative_limits_work_on_reported_native_stake,
    a_stale_price_refuses_increases_and_nothing_else,
    the_bonus_follows_credited_stake_and_keeps_the_budget,
    virtual_stake_abstains_unless_votes_are_inherited,
    nobody_else_sets_a_consumers_limits,
    backing_that_goes_during_a_stake_in_flight_is_burned_on_arrival,
    quarantine_ends_with_a_new_proof,
    many_delegations_of_a_slashed_provider_are_settled_in_steps,
    reports_of_a_lien_holder_never_fail,
    a_consumer_that_bitcoin_would_leave_too_early_is_refused,
    overlap_is_counted_by_validators_and_by_power,
    a_fault_costs_the_operator_on_every_chain_once,
    the_validator_must_be_bound_to_the_provider_of_the_delegation,
}
