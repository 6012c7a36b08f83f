//! Pairings whose power x/meshsecurity mints: its messages, its epochs, its reports, its oddities (§9, §11.1, §12).

mod mesh_world;

use mesh_harness::chain::{Engine, Fault, FaultKind};
use mesh_harness::mesh::{ChainSpec, Mesh, Terms};
use mesh_harness::on_each_engine;
use mesh_world::contracts_for_module;
use serde_json::json;
use staking_api::mesh::external::{ListActiveValidatorsResponse, PendingRewards};
use std::time::Duration;

const M: u128 = 1_000_000;
/// Blocks of an epoch in these tests.
const EPOCH: u64 = 5;

/// The terms of upstream's end-to-end scenarios: price 0.5, discount 10 %.
fn e2e() -> Terms {
    Terms {
        price: "0.5".into(),
        discount: "0.1".into(),
        double_sign: "0.2".into(),
        offline: "0.1".into(),
        treasury: None,
        limits: json!({ "max_cap": "1000000000" }),
        ..Terms::default()
    }
}

/// A provider and a consumer with x/meshsecurity, two validators with a million each.
fn world(on: Engine, terms: &Terms) -> Mesh {
    let mut mesh = Mesh::new(1, contracts_for_module(on));
    mesh.add_chain(&ChainSpec::named("hub", &[100 * M], &["alice"])).unwrap();
    let consumer = ChainSpec { module: Some(EPOCH), ..ChainSpec::named("cons", &[M, M], &["alice"]) };
    mesh.add_chain(&consumer).unwrap();
    mesh.native_vault(0, "0.2").unwrap();
    mesh.pair(0, 1, terms).unwrap();
    mesh
}

/// Bonds, stakes at home and with both validators, and lets an epoch pass.
fn staked(on: Engine, terms: &Terms, bond: u128, local: u128, remote: [u128; 2]) -> Mesh {
    let mut mesh = world(on, terms);
    mesh.bond(0, "alice", bond).unwrap();
    mesh.stake_local(0, "alice", 0, local).unwrap();
    for (n, x) in remote.into_iter().enumerate().filter(|(_, x)| *x > 0) {
        mesh.stake(0, "alice", n, x).unwrap();
    }
    settle(&mut mesh);
    mesh
}

/// Packets and an epoch, twice; nothing that the module tells the contracts may fail.
fn settle(mesh: &mut Mesh) {
    for _ in 0..2 {
        mesh.run().unwrap();
        mesh.epoch(1).unwrap();
    }
    mesh.run().unwrap();
    assert_eq!(mesh.member(1).unwrap().chain.module_failures().unwrap(), Vec::<String>::new());
}

/// Ten per cent by consensus power, as for an absence in upstream's scenarios; gives what the validator has after it.
fn jail(mesh: &mut Mesh, n: usize) -> u128 {
    let operator = mesh.validator(1, n).unwrap();
    let fault = Fault { kind: FaultKind::Downtime, percent: 10, height: 3 };
    mesh.member(1).unwrap().chain.punish(&operator, fault).unwrap();
    let left = mesh.tokens(1, n).unwrap();
    settle(mesh);
    left
}

/// Collateral, largest lien, promises, free.
fn account(mesh: &Mesh) -> (u128, u128, u128, u128) {
    let a = mesh.account_of(0, "alice").unwrap();
    (a.bonded.0, a.max_lien.h.0, a.total_slashable.h.0, a.free.l.0)
}

fn delegated(mesh: &Mesh, n: usize) -> u128 {
    let p = mesh.pairing(0).unwrap();
    let at = &mesh.member(1).unwrap().chain;
    at.delegation(&p.virtual_staking, &mesh.validator(1, n).unwrap()).unwrap()
}

/// S6 exactly: 46 million become 41.4 million. We invert the price once, rounding up, so the collateral is 190 000 000
/// where the stock contracts, rounding down twice, leave 190 000 001 (promises 66 000 000 for 66 000 001, free 0 for 1).
fn s6_a_jailed_validator_costs_a_tenth_of_the_stake_with_it(on: Engine) {
    let mut mesh = staked(on, &e2e(), 200 * M, 190 * M, [100 * M, 50 * M]);
    assert_eq!(account(&mesh), (200 * M, 190 * M, 68 * M, 10 * M));
    assert_eq!((delegated(&mesh, 0), delegated(&mesh, 1)), (45 * M, 22_500_000));
    assert_eq!(mesh.tokens(1, 0).unwrap(), 46 * M);
    assert_eq!(jail(&mut mesh, 0), 41_400_000);
    assert_eq!(account(&mesh), (190 * M, 190 * M, 66 * M, 0));
    assert_eq!((delegated(&mesh, 0), delegated(&mesh, 1)), (40_500_000, 22_500_000));
}

/// S7: 91 → 81.9 million; stock 180 000 001, 72 000 002.
fn s7_a_slash_beyond_free_collateral_burns_local_stake(on: Engine) {
    let mut mesh = staked(on, &e2e(), 200 * M, 200 * M, [200 * M, 0]);
    assert_eq!(account(&mesh), (200 * M, 200 * M, 80 * M, 0));
    assert_eq!(mesh.tokens(1, 0).unwrap(), 91 * M);
    assert_eq!(jail(&mut mesh, 0), 81_900_000);
    assert_eq!(account(&mesh), (180 * M, 180 * M, 72 * M, 0));
    assert_eq!(mesh.local_lien(0, "alice").unwrap().h.0, 180 * M);
}

/// S8: 68.5 → 61.7 million, because a slash counts whole units of power: 6.8 million, 6 700 730 of them ours, worth
/// 14 890 512 (stock: 14 890 510 after rounding down twice; collateral 185 109 490). Promises come to the same number; the
/// next epoch takes the unit of power back that rounding took off the stake.
fn s8_a_slash_counts_whole_units_of_power(on: Engine) {
    let mut mesh = staked(on, &e2e(), 200 * M, 190 * M, [150 * M, 0]);
    assert_eq!(mesh.tokens(1, 0).unwrap(), 68_500_000);
    assert_eq!(jail(&mut mesh, 0), 61_700_000);
    assert_eq!(account(&mesh), (185_109_488, 185_109_488, 64_043_796, 0));
    assert_eq!(delegated(&mesh, 0), 60_799_269);
}

/// S9.
fn s9_unstaking_lowers_virtual_stake_at_the_next_epoch(on: Engine) {
    let mut mesh = staked(on, &e2e(), 100 * M, 30 * M, [80 * M, 0]);
    assert_eq!(account(&mesh).3, 20 * M);
    assert_eq!(delegated(&mesh, 0), 36 * M);
    mesh.unstake(0, "alice", 0, 30 * M).unwrap();
    mesh.run().unwrap();
    let s = mesh.stake_of(0, "alice", 0).unwrap();
    let pending: u128 = s.pending_unbonds.iter().map(|u| u.amount.0).sum();
    assert_eq!((s.stake.h.0, pending), (50 * M, 30 * M));
    settle(&mut mesh);
    assert_eq!(delegated(&mesh, 0), 22_500_000);
    assert_eq!(mesh.tokens(1, 0).unwrap(), M + 22_500_000, "the tokens are gone, not unbonding");
}

/// S10.
fn s10_the_epoch_nets_stake_and_unstake(on: Engine) {
    let mut mesh = world(on, &Terms { discount: "0.4".into(), ..e2e() });
    mesh.bond(0, "alice", 5000).unwrap();
    mesh.stake(0, "alice", 0, 1000).unwrap();
    mesh.stake(0, "alice", 1, 4000).unwrap();
    mesh.run().unwrap();
    mesh.unstake(0, "alice", 1, 2000).unwrap();
    settle(&mut mesh);
    assert_eq!((delegated(&mesh, 0), delegated(&mesh, 1)), (300, 600));
}

/// P1 exactly: 1000 at price 0.5 and discount 40 % are 300; at price 1 they are 600 (stock: 300 for ever). Whether the price
/// rose or fell, all of it can be unstaked (stock: refused, or half of the virtual tokens stay bonded).
fn p1_stake_is_valued_anew_and_leaves_nothing_behind(on: Engine) {
    for (price, value) in [("1", 600), ("0.25", 150)] {
        let mut mesh = world(on, &Terms { discount: "0.4".into(), ..e2e() });
        mesh.bond(0, "alice", 1000).unwrap();
        mesh.stake(0, "alice", 0, 1000).unwrap();
        settle(&mut mesh);
        assert_eq!(delegated(&mesh, 0), 300);
        let feed = mesh.pairing(0).unwrap().feed.clone();
        mesh.govern(1, &feed, &json!({ "update_price": { "native_per_foreign": price } })).unwrap();
        settle(&mut mesh);
        settle(&mut mesh);
        assert_eq!(delegated(&mesh, 0), value, "at {price}");
        mesh.unstake(0, "alice", 0, 1000).unwrap();
        settle(&mut mesh);
        assert_eq!((delegated(&mesh, 0), mesh.tokens(1, 0).unwrap()), (0, M), "at {price}");
    }
}

/// The module never lets more in than the cap; raised or lowered, power follows.
fn the_cap_of_the_module_binds_in_both_directions(on: Engine) {
    let mut mesh = staked(
        on,
        &Terms { limits: json!({ "max_cap": "30000000" }), ..e2e() },
        200 * M,
        M,
        [100 * M, 50 * M],
    );
    assert_eq!((delegated(&mesh, 0), delegated(&mesh, 1)), (20 * M, 10 * M));
    let (at, contract) =
        (mesh.member(1).unwrap().chain.clone(), mesh.pairing(0).unwrap().virtual_staking.clone());
    at.set_virtual_cap(&contract, 60 * M).unwrap();
    settle(&mut mesh);
    assert_eq!((delegated(&mesh, 0), delegated(&mesh, 1)), (40 * M, 20 * M));
    at.set_virtual_cap(&contract, 15 * M).unwrap();
    settle(&mut mesh);
    assert_eq!((delegated(&mesh, 0), delegated(&mesh, 1)), (10 * M, 5 * M));
}

/// 14-C12: the module goes on counting what was slashed, so that a full cap cannot be filled again; the epoch must not
/// fail for that.
fn a_slash_under_a_full_cap_does_not_stop_epochs(on: Engine) {
    let mut mesh =
        staked(on, &Terms { limits: json!({ "max_cap": "40000000" }), ..e2e() }, 200 * M, M, [100 * M, 0]);
    assert_eq!(delegated(&mesh, 0), 40 * M);
    jail(&mut mesh, 0);
    assert!(delegated(&mesh, 0) < 40 * M);
    mesh.unstake(0, "alice", 0, 50 * M).unwrap();
    settle(&mut mesh);
    assert!(delegated(&mesh, 0) <= 22_500_000, "{}", delegated(&mesh, 0));
}

/// 14-B3: a cap of zero takes all virtual tokens, once; stakers can leave, and power returns with the cap.
fn a_cap_of_zero_takes_the_power_and_not_the_stake(on: Engine) {
    let mut mesh = staked(on, &e2e(), 200 * M, M, [100 * M, 50 * M]);
    let (at, contract) =
        (mesh.member(1).unwrap().chain.clone(), mesh.pairing(0).unwrap().virtual_staking.clone());
    at.set_virtual_cap(&contract, 0).unwrap();
    settle(&mut mesh);
    settle(&mut mesh);
    assert_eq!((delegated(&mesh, 0), delegated(&mesh, 1), mesh.tokens(1, 0).unwrap()), (0, 0, M));
    mesh.unstake(0, "alice", 0, 100 * M).unwrap();
    settle(&mut mesh);
    mesh.clock.advance(Duration::from_secs(1001));
    mesh.withdraw_unbonded(0, "alice").unwrap();
    assert_eq!(mesh.lien(0, "alice").unwrap().h.0, 50 * M);
    at.set_virtual_cap(&contract, 1000 * M).unwrap();
    settle(&mut mesh);
    assert_eq!((delegated(&mesh, 0), delegated(&mesh, 1)), (0, 22_500_000));
}

/// A tombstone takes all virtual stake off the validator; an unjailed one can be staked with again.
fn jailed_validators_come_back_and_tombstoned_ones_do_not(on: Engine) {
    let mut mesh = staked(on, &e2e(), 200 * M, M, [50 * M, 50 * M]);
    jail(&mut mesh, 0);
    assert!(mesh.stake(0, "alice", 0, M).is_err(), "jailed");
    let (at, first, second) =
        (mesh.member(1).unwrap().chain.clone(), mesh.validator(1, 0).unwrap(), mesh.validator(1, 1).unwrap());
    at.unjail(&first).unwrap();
    settle(&mut mesh);
    mesh.stake(0, "alice", 0, M).unwrap();
    at.punish(&second, Fault { kind: FaultKind::DoubleSign, percent: 5, height: 9 }).unwrap();
    settle(&mut mesh);
    assert_eq!(delegated(&mesh, 1), 0);
    at.unjail(&second).unwrap();
    settle(&mut mesh);
    assert!(mesh.stake(0, "alice", 1, M).is_err(), "tombstoned");
    let external = mesh.pairing(0).unwrap().external.clone();
    let active: ListActiveValidatorsResponse =
        mesh.ask(0, &external, &json!({ "list_active_validators": {} })).unwrap();
    assert_eq!(active.validators, [first]);
}

/// 14-C1 (G1): on a real chain the height on the wire is the power, so that stock external-staking ignores the slash;
/// ours does not go by it. 14-C14: stake that was leaving is hit, as the module knows no time.
fn a_slash_with_swapped_height_and_power_is_not_ignored(on: Engine) {
    let mut mesh = staked(on, &e2e(), 200 * M, M, [100 * M, 0]);
    mesh.unstake(0, "alice", 0, 40 * M).unwrap();
    settle(&mut mesh);
    let operator = mesh.validator(1, 0).unwrap();
    let fault = Fault { kind: FaultKind::Downtime, percent: 10, height: 1_000_000 };
    mesh.member(1).unwrap().chain.punish(&operator, fault).unwrap();
    settle(&mut mesh);
    let s = mesh.stake_of(0, "alice", 0).unwrap();
    assert_eq!((s.stake.h.0, s.pending_unbonds[0].amount.0), (54 * M, 36 * M));
    assert_eq!(account(&mesh).0, 190 * M);
}

/// §13: rewards of virtual tokens go through the converter to the staker.
fn virtual_tokens_earn_for_their_stakers(on: Engine) {
    let mut mesh = staked(on, &e2e(), 200 * M, M, [100 * M, 0]);
    mesh.clock.advance(Duration::from_secs(30 * 86_400));
    settle(&mut mesh);
    let p = mesh.pairing(0).unwrap().clone();
    let user = mesh_harness::mesh::account("alice", "hub").unwrap();
    let ask = json!({ "pending_rewards": { "user": user, "validator": mesh.validator(1, 0).unwrap() } });
    let due = mesh.ask::<PendingRewards>(0, &p.external, &ask).unwrap().rewards.amount.0;
    // 45 million at 10 % a year for a month, less 5 % commission: 351 369.
    assert!((350_000..353_000).contains(&due), "{due}");
    let held = mesh.member(1).unwrap().chain.balance(&p.converter, "ucons").unwrap();
    assert!(held >= due);
}

/// Anybody may ask for an epoch of a treasury; with x/meshsecurity only the module runs them.
fn only_the_module_runs_epochs(on: Engine) {
    let mesh = world(on, &e2e());
    let contract = mesh.pairing(0).unwrap().virtual_staking.clone();
    let refused = mesh.govern(1, &contract, &json!({ "handle_epoch": {} })).unwrap_err().to_string();
    assert!(refused.contains("x/meshsecurity runs the epochs"), "{refused}");
}

on_each_engine! {
    s6_a_jailed_validator_costs_a_tenth_of_the_stake_with_it,
    s7_a_slash_beyond_free_collateral_burns_local_stake,
    s8_a_slash_counts_whole_units_of_power,
    s9_unstaking_lowers_virtual_stake_at_the_next_epoch,
    s10_the_epoch_nets_stake_and_unstake,
    p1_stake_is_valued_anew_and_leaves_nothing_behind,
    the_cap_of_the_module_binds_in_both_directions,
    a_slash_under_a_full_cap_does_not_stop_epochs,
    a_cap_of_zero_takes_the_power_and_not_the_stake,
    jailed_validators_come_back_and_tombstoned_ones_do_not,
    a_slash_with_swapped_height_and_power_is_not_ignored,
    virtual_tokens_earn_for_their_stakers,
    only_the_module_runs_epochs,
}
