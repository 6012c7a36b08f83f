//! Bitcoin stake becomes power of a consumer chain, falls with a slash, and comes home.

mod mesh_world;

use mesh_harness::chain::Engine;
use mesh_harness::on_each_engine;
use mesh_world::{BTC, World};
use serde_json::json;
use staking_api::mesh::external::PendingRewards;
use std::time::Duration;

/// The whole path: delegation, lien, packet, priced stake, real delegation (§15-2, §15-17).
fn cross_staked_bitcoin_raises_the_power_of_a_consumers_validator(on: Engine) {
    let mut w = World::pair(on);
    let before = w.power(0, 0);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    w.stake("alice", 0, 0, BTC).unwrap();
    assert_eq!((w.lien("alice", 0).l.0, w.lien("alice", 0).h.0), (0, BTC));
    w.run();
    assert_eq!(w.lien("alice", 0).l.0, BTC);
    w.epoch(0);
    // 10^8 sat × 2 ucons × (1 − 10 %).
    assert_eq!(w.power(0, 0), before + 180_000_000);
    assert_eq!(w.foreign(0, 0).local.0, 180_000_000);
}

/// §16.4: equivocation of the provider takes backing, lien and power.
fn a_slashed_provider_takes_lien_and_power_with_it(on: Engine) {
    let mut w = World::pair(on);
    let before = w.power(0, 0);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    w.delegate("bob", "t2", 2 * BTC, &[("cons-1", "fp2")]);
    w.stake("alice", 0, 0, BTC).unwrap();
    w.stake("bob", 0, 0, BTC).unwrap();
    w.run();
    w.epoch(0);
    assert_eq!(w.power(0, 0), before + 360_000_000);
    w.fp_slashed("fp2", "cons-1");
    assert_eq!(w.lien("bob", 0).h.0, 0);
    assert_eq!(w.account("bob").bonded.0, 0);
    w.run();
    w.epoch(0);
    assert_eq!(w.power(0, 0), before + 180_000_000);
    assert_eq!(w.lien("alice", 0).h.0, BTC);
    assert_eq!(w.stake_of("bob", 0, 0).stake.h.0, 0);
}

/// §16.4, graceful exit: unstake, wait, release; then everything is free.
fn unstaked_bitcoin_is_free_after_the_unbonding_period(on: Engine) {
    let mut w = World::pair(on);
    let before = w.power(0, 0);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    w.stake("alice", 0, 0, BTC).unwrap();
    w.run();
    w.epoch(0);
    w.unstake("alice", 0, 0, BTC).unwrap();
    w.run();
    w.epoch(0);
    assert_eq!(w.power(0, 0), before);
    let withdraw = |w: &World| {
        let msg = json!({ "withdraw_unbonded": {} });
        w.hub.execute(&w.user("alice"), &w.consumers[0].external, &msg, &[]).unwrap();
    };
    withdraw(&w);
    assert_eq!(w.lien("alice", 0).h.0, BTC, "not before the period is over");
    w.clock.advance(Duration::from_secs(86_400));
    withdraw(&w);
    assert_eq!(w.lien("alice", 0).h.0, 0);
    assert_eq!(w.account("alice").free.l.0, BTC);
}

/// §13: rewards of real delegations come to the stakers and are paid on the consumer.
fn rewards_of_virtual_stake_are_paid_to_the_staker_on_the_consumer(on: Engine) {
    let mut w = World::pair(on);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    w.stake("alice", 0, 0, BTC).unwrap();
    w.run();
    w.epoch(0);
    w.clock.advance(Duration::from_secs(30 * 86_400));
    w.consumers[0].chain.make_block().unwrap();
    w.epoch(0);
    w.run();
    let (external, validator) = (w.consumers[0].external.clone(), w.validator(0, 0));
    let due: PendingRewards =
        w.ask(&external, json!({ "pending_rewards": { "user": w.user("alice"), "validator": validator } }));
    assert!(due.rewards.amount.0 > 1_000_000, "{due:?}");
    let recipient = mesh_world::account("alice-there", "cons");
    let msg = json!({ "withdraw_rewards": { "validator": validator, "remote_recipient": recipient } });
    w.hub.execute(&w.user("alice"), &external, &msg, &[]).unwrap();
    w.run();
    assert_eq!(w.consumers[0].chain.balance(&recipient, "ucons").unwrap(), due.rewards.amount.0);
    let again = w.hub.execute(&w.user("alice"), &external, &msg, &[]).unwrap_err();
    assert!(again.to_string().contains("no rewards are due"), "{again}");
}

/// §16.3: the example. What Bitcoin can take, once, bounds all promises.
fn promises_never_exceed_what_bitcoin_can_take(on: Engine) {
    let mut w = World::pair(on);
    w.add_consumer("cons-2", "0.05", json!({ "max_cap": "1000000000000" }));
    w.add_consumer("cons-3", "0.05", json!({ "max_cap": "1000000000000" }));
    let fps = [("cons-1", "f1"), ("cons-2", "f2"), ("cons-3", "f3")];
    w.delegate("alice", "t1", 6 * BTC / 10, &fps);
    w.delegate("alice", "t2", 4 * BTC / 10, &fps);
    w.stake("alice", 0, 0, BTC).unwrap();
    w.stake("alice", 1, 0, BTC).unwrap();
    let refused = w.stake("alice", 2, 0, BTC).unwrap_err().to_string();
    assert!(refused.contains("promises of 15000000 exceed the slash capacity of 10000000"), "{refused}");
    w.run();
    let spend = json!({ "delegation_unbonding": { "txid": "t2", "spend_txid": "s", "kind": "unbonding", "btc_height": 5 } });
    w.staking_sends(spend);
    assert_eq!((w.lien("alice", 0).h.0, w.lien("alice", 1).h.0), (60_000_000, 60_000_000));
    w.run();
    assert_eq!((w.foreign(0, 0).foreign.0, w.foreign(1, 0).foreign.0), (60_000_000, 60_000_000));
}

/// P1: stake is re-priced, unstaking works at any price and leaves nothing behind.
fn a_price_change_moves_power_and_never_blocks_an_unstake(on: Engine) {
    let mut w = World::pair(on);
    let before = w.power(0, 0);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    w.stake("alice", 0, 0, BTC).unwrap();
    w.run();
    w.epoch(0);
    w.set_price(0, "4");
    w.epoch(0);
    assert_eq!(w.power(0, 0), before + 360_000_000);
    w.set_price(0, "1");
    w.unstake("alice", 0, 0, BTC / 2).unwrap();
    w.run();
    w.epoch(0);
    assert_eq!(w.power(0, 0), before + 45_000_000);
    w.set_price(0, "8");
    w.unstake("alice", 0, 0, BTC / 2).unwrap();
    w.run();
    w.epoch(0);
    assert_eq!(w.power(0, 0), before);
}

/// §12: a slash on the consumer cuts the provider side in proportion to the power it really had.
fn a_slash_on_the_consumer_reaches_the_lien(on: Engine) {
    let mut w = World::pair(on);
    w.delegate("alice", "t1", BTC, &[("cons-1", "fp1")]);
    w.stake("alice", 0, 0, BTC).unwrap();
    w.run();
    w.epoch(0);
    let operator = w.validator(0, 0);
    w.consumers[0].chain.slash_validator(&operator, 5).unwrap();
    w.epoch(0);
    w.run();
    assert_eq!(w.stake_of("alice", 0, 0).stake.h.0, 95_000_000);
    assert_eq!(w.lien("alice", 0).h.0, 95_000_000);
    assert_eq!(w.foreign(0, 0).foreign.0, 95_000_000);
    w.epoch(0);
    assert_eq!(w.status(0).bonded.0, 171_000_000);
}

on_each_engine! {
    cross_staked_bitcoin_raises_the_power_of_a_consumers_validator,
    a_slashed_provider_takes_lien_and_power_with_it,
    unstaked_bitcoin_is_free_after_the_unbonding_period,
    rewards_of_virtual_stake_are_paid_to_the_staker_on_the_consumer,
    promises_never_exceed_what_bitcoin_can_take,
    a_price_change_moves_power_and_never_blocks_an_unstake,
    a_slash_on_the_consumer_reaches_the_lien,
}
