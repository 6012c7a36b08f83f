//! Shapes of a mesh: two chains that secure each other, a ring with its diagonals, many providers behind one consumer.

mod mesh_world;

use mesh_harness::chain::Engine;
use mesh_harness::faults::Dice;
use mesh_harness::mesh::{ChainSpec, Mesh, Terms};
use mesh_harness::on_each_engine;
use mesh_world::{contracts, policy};
use serde_json::{Value, json};
use staking_api::mesh::external::PendingRewards;
use staking_api::mesh::virtual_staking::CapsResponse;

const NATIVE: u128 = 1_000_000_000;

fn spec(name: &str) -> ChainSpec {
    ChainSpec::named(name, &[NATIVE; 3], &["alice", "bob"])
}

/// Chains `a`, `b`, … each with a native vault, and a pairing from everybody to everybody: `pairs[from][to]`.
fn everybody_with_everybody(on: Engine, names: &[&str], terms: &Terms) -> (Mesh, Vec<Vec<Option<usize>>>) {
    let mut mesh = Mesh::new(1, contracts(on));
    for name in names {
        mesh.add_chain(&spec(name)).unwrap();
    }
    for home in 0..names.len() {
        mesh.native_vault(home, "0.1").unwrap();
    }
    let mut pairs = vec![vec![None; names.len()]; names.len()];
    for (from, row) in pairs.iter_mut().enumerate() {
        for (to, pair) in row.iter_mut().enumerate().filter(|(to, _)| *to != from) {
            *pair = Some(mesh.pair(from, to, terms).unwrap());
        }
    }
    (mesh, pairs)
}

fn virtual_sum(mesh: &Mesh, chain: usize) -> u128 {
    mesh.security(chain).unwrap().virtual_stake.iter().map(|(_, x)| x).sum()
}

/// §15-1, §15-4: each of two chains provides to and consumes from the other, under its own governance; a slash on one
/// lowers power on the other and the other way round, and it ends.
fn two_chains_secure_each_other_and_a_slash_bites_on_both(on: Engine) {
    let (mut mesh, pairs) = everybody_with_everybody(on, &["left", "right"], &Terms::default());
    let (to_right, to_left) = (pairs[0][1].unwrap(), pairs[1][0].unwrap());
    for (vault, pairing) in [(0, to_right), (1, to_left)] {
        mesh.bond(vault, "alice", 1_000_000).unwrap();
        mesh.stake_local(vault, "alice", 0, 1_000_000).unwrap();
        mesh.stake(pairing, "alice", 0, 1_000_000).unwrap();
    }
    mesh.settle().unwrap();
    assert_eq!((virtual_sum(&mesh, 0), virtual_sum(&mesh, 1)), (1_000_000, 1_000_000));
    // A fault on the right: alice's collateral on the left falls by a tenth, and so does what she stakes there.
    mesh.slash(1, 0, 10).unwrap();
    mesh.settle().unwrap();
    assert_eq!(mesh.account_of(0, "alice").unwrap().bonded.0, 900_000);
    assert_eq!(mesh.local_lien(0, "alice").unwrap().h.0, 900_000);
    assert_eq!(virtual_sum(&mesh, 1), 900_000);
    // The same fault hit what she stakes on the right itself; reported there, it takes power on the left.
    mesh.report_local_slash(1, 0).unwrap();
    mesh.settle().unwrap();
    assert_eq!(mesh.account_of(1, "alice").unwrap().bonded.0, 900_000);
    assert_eq!(virtual_sum(&mesh, 0), 900_000);
    // Each governance changes its own limits; the other's stay.
    let set = |cap: &str| json!({ "set_limits": { "limits": { "max_cap": cap } } });
    let (left, right) = (mesh.pairing(to_left).unwrap().clone(), mesh.pairing(to_right).unwrap().clone());
    mesh.govern(0, &left.virtual_staking, &set("500")).unwrap();
    assert!(mesh.call(0, "alice", &left.virtual_staking, &set("1"), 0).is_err());
    mesh.settle().unwrap();
    assert_eq!((virtual_sum(&mesh, 0), virtual_sum(&mesh, 1)), (500, 900_000));
    mesh.govern(1, &right.virtual_staking, &set("700")).unwrap();
    mesh.settle().unwrap();
    assert_eq!((virtual_sum(&mesh, 0), virtual_sum(&mesh, 1)), (500, 700));
}

/// §15-14, §15-15: almost all stake of a chain, staked at home already, is staked on the other too, both ways; an attack
/// on either costs what both have staked (§15-6).
fn almost_all_stake_is_restaked_both_ways(on: Engine) {
    let (mut mesh, pairs) = everybody_with_everybody(on, &["left", "right"], &Terms::default());
    let stake = 97 * NATIVE;
    let before = [mesh.security(0).unwrap(), mesh.security(1).unwrap()];
    for (vault, pairing) in [(0, pairs[0][1].unwrap()), (1, pairs[1][0].unwrap())] {
        mesh.bond(vault, "alice", stake).unwrap();
        mesh.stake_local(vault, "alice", 1, stake).unwrap();
        mesh.stake(pairing, "alice", 1, stake).unwrap();
    }
    mesh.settle().unwrap();
    for chain in 0..2 {
        let now = mesh.security(chain).unwrap();
        assert_eq!((now.native, now.total()), (100 * NATIVE, 197 * NATIVE));
        assert_eq!(before[chain].third, 3 * NATIVE / 2);
        assert_eq!((now.third, now.two_thirds), (197 * NATIVE / 2, 394 * NATIVE));
    }
}

/// §15-5: four chains in a ring with both diagonals, twelve pairings. After any steps, each chain's power is its own
/// stake and what the three others lend, and every vault's liens are what its holders hold.
fn a_ring_of_four_with_diagonals_keeps_its_books(on: Engine) {
    let (mut mesh, pairs) =
        everybody_with_everybody(on, &["north", "east", "south", "west"], &Terms::default());
    assert_eq!(mesh.pairings.len(), 12);
    for vault in 0..4 {
        for user in ["alice", "bob"] {
            mesh.bond(vault, user, 1_000_000).unwrap();
            mesh.stake_local(vault, user, 0, 600_000).unwrap();
        }
    }
    let mut dice = Dice::new(4);
    for _ in 0..60 {
        step(&mut mesh, &pairs, &mut dice);
    }
    mesh.settle().unwrap();
    books_agree(&mesh);
    assert!((0..4).all(|chain| virtual_sum(&mesh, chain) > 0));
}

fn step(mesh: &mut Mesh, pairs: &[Vec<Option<usize>>], dice: &mut Dice) {
    let pick = |dice: &mut Dice, n: u64| usize::try_from(dice.below(n)).unwrap();
    let (from, over) = (pick(dice, 4), 1 + pick(dice, 3));
    let pairing = pairs[from][(from + over) % 4].unwrap();
    let (user, n, x) = (["alice", "bob"][pick(dice, 2)], pick(dice, 3), u128::from(1 + dice.below(400_000)));
    match dice.below(8) {
        0..=3 => drop(mesh.stake(pairing, user, n, x)),
        4 => drop(mesh.unstake(pairing, user, n, x)),
        5 => mesh.slash(from, n, 1 + dice.below(4)).unwrap(),
        6 => mesh.epoch(from).unwrap(),
        _ => drop(mesh.report_local_slash(from, 0).unwrap()),
    }
    if dice.chance(300) {
        mesh.run().unwrap();
    }
}

/// What a user has at a lien holder, stake and what is leaving, and what the vault says: lien and debts.
fn books_agree(mesh: &Mesh) {
    for (i, p) in mesh.pairings.iter().enumerate() {
        for user in ["alice", "bob"] {
            let held: u128 = (0..3)
                .map(|n| {
                    let s = mesh.stake_of(i, user, n).unwrap();
                    s.stake.h.0 + s.pending_unbonds.iter().map(|u| u.amount.0).sum::<u128>()
                })
                .sum();
            let a = mesh.account_of(p.vault, user).unwrap();
            assert!(a.max_lien.h.0 <= a.bonded.0 && a.total_slashable.h.0 <= a.bonded.0, "{a:?}");
            assert_eq!(mesh.lien(i, user).unwrap().h.0, held, "pairing {i}, {user}");
        }
    }
}

/// A consumer secured by a native vault, bitcoin and attested tokens; prices 1 (bitcoin: 2).
fn three_providers(on: Engine) -> Mesh {
    let mut mesh = Mesh::new(1, contracts(on));
    let (hub, consumer) = (mesh.add_chain(&spec("hub")).unwrap(), mesh.add_chain(&spec("cons")).unwrap());
    mesh.native_vault(hub, "0.1").unwrap();
    mesh.bitcoin_vault(hub, &policy()).unwrap();
    mesh.attested_vault(hub, "eth").unwrap();
    for vault in 0..3 {
        let price = if vault == 1 { "2" } else { "1" };
        let terms = Terms { price: price.into(), double_sign: "0.05".into(), ..Terms::default() };
        mesh.pair(vault, consumer, &terms).unwrap();
    }
    mesh
}

/// Alice puts 1 000 000 of everything to work with the first validator.
fn all_to_work(mesh: &mut Mesh) {
    mesh.bond(0, "alice", 1_000_000).unwrap();
    mesh.delegate_btc(1, "alice", "t1", 1_000_000, &[("cons-1", "fp1")]).unwrap();
    let user = mesh_harness::mesh::account("alice", "hub").unwrap();
    let attest = json!({ "attest": { "position": { "id": "p1", "user": user, "amount": "1000000", "slash_rate": "0.1",
        "keys": [{ "consumer": "cons-1", "key": "k1" }], "until": "1900000000000000000" } } });
    mesh.attest(2, &attest).unwrap();
    for pairing in 0..3 {
        mesh.stake(pairing, "alice", 0, 1_000_000).unwrap();
    }
    mesh.settle().unwrap();
}

fn lent(mesh: &Mesh) -> Vec<u128> {
    mesh.security(1).unwrap().virtual_stake.iter().map(|(_, x)| *x).collect()
}

/// §15-5, §15-6, §15-17: native, bitcoin and a second custody behind one consumer add up; each falls by itself.
fn three_kinds_of_collateral_add_up_behind_one_consumer(on: Engine) {
    let mut mesh = three_providers(on);
    let before = mesh.security(1).unwrap();
    all_to_work(&mut mesh);
    let now = mesh.security(1).unwrap();
    assert_eq!(lent(&mesh), [1_000_000, 2_000_000, 1_000_000]);
    assert_eq!((now.native, now.total()), (before.native, before.native + 4_000_000));
    assert_eq!((now.third - before.third, now.two_thirds - before.two_thirds), (2_000_000, 8_000_000));
    // A double vote of alice's Bitcoin provider takes bitcoin's power and no other.
    mesh.provider_faults(1, "fp1", "cons-1").unwrap();
    mesh.settle().unwrap();
    assert_eq!(lent(&mesh), [1_000_000, 0, 1_000_000]);
    // A slash of the validator takes the same share of the two that are left, on both sides.
    mesh.slash(1, 0, 5).unwrap();
    mesh.settle().unwrap();
    assert_eq!(lent(&mesh), [950_000, 0, 950_000]);
    assert_eq!(mesh.account_of(0, "alice").unwrap().bonded.0, 950_000);
    mesh.attest(2, &json!({ "exit": { "id": "p1" } })).unwrap();
    mesh.settle().unwrap();
    assert_eq!(lent(&mesh), [950_000, 0, 0]);
}

/// §15-11 (a): every provider has its own cap, absolute or relative to native stake.
fn each_provider_has_its_own_cap(on: Engine) {
    let mut mesh = three_providers(on);
    all_to_work(&mut mesh);
    let native: Vec<(String, String)> =
        (0..3).map(|n| (mesh.validator(1, n).unwrap(), NATIVE.to_string())).collect();
    let limit = |mesh: &Mesh, pairing: usize, limits: Value| {
        let to = mesh.pairing(pairing).unwrap().virtual_staking.clone();
        mesh.govern(1, &to, &json!({ "report_native": { "stakes": native } })).unwrap();
        mesh.govern(1, &to, &json!({ "set_limits": { "limits": limits } })).unwrap();
    };
    limit(&mesh, 0, json!({ "max_cap": "300000" }));
    limit(&mesh, 1, json!({ "max_cap": "1000000000000", "max_of_native": "0.0005" }));
    mesh.settle().unwrap();
    assert_eq!(lent(&mesh), [300_000, 1_500_000, 1_000_000]);
}

/// §15-12: a consumer's governance divides its cap among providers by its trade with their chains. The contract advises,
/// governance sets, power follows; together they never exceed the total.
fn caps_follow_economic_ties(on: Engine) {
    let mut mesh = three_providers(on);
    all_to_work(&mut mesh);
    let contract = mesh.pairing(0).unwrap().virtual_staking.clone();
    let ask = json!({ "weigh_caps": { "total": "1000001", "economic_weights": ["5000", "3000", "2000"] } });
    let caps = mesh.ask::<CapsResponse>(1, &contract, &ask).unwrap().caps;
    assert_eq!(lent(&mesh), [1_000_000, 2_000_000, 1_000_000], "advice alone changes nothing");
    for (pairing, cap) in caps.iter().enumerate() {
        let to = mesh.pairing(pairing).unwrap().virtual_staking.clone();
        mesh.govern(1, &to, &json!({ "set_limits": { "limits": { "max_cap": cap } } })).unwrap();
    }
    mesh.settle().unwrap();
    assert_eq!(lent(&mesh), [500_000, 300_000, 200_000]);
}

/// §15-19: the phases of a launch are steps of governance on one and the same deployment: watched without power, a low
/// cap, open. Stake and rewards of the earlier phase go on.
fn a_launch_goes_through_its_phases_without_a_new_deployment(on: Engine) {
    let mut mesh = Mesh::new(1, contracts(on));
    let (hub, consumer) = (mesh.add_chain(&spec("hub")).unwrap(), mesh.add_chain(&spec("cons")).unwrap());
    let vault = mesh.bitcoin_vault(hub, &policy()).unwrap();
    let terms = Terms { double_sign: "0.05".into(), limits: json!({ "max_cap": "0" }), ..Terms::default() };
    let pairing = mesh.pair(vault, consumer, &terms).unwrap();
    let contract = mesh.pairing(pairing).unwrap().virtual_staking.clone();
    let phase = |mesh: &mut Mesh, cap: &str| {
        mesh.govern(1, &contract, &json!({ "set_limits": { "limits": { "max_cap": cap } } })).unwrap();
        mesh.settle().unwrap();
        virtual_sum(mesh, 1)
    };
    mesh.delegate_btc(0, "alice", "t1", 1_000_000, &[("cons-1", "fp1")]).unwrap();
    mesh.stake(pairing, "alice", 0, 1_000_000).unwrap();
    mesh.settle().unwrap();
    assert_eq!((virtual_sum(&mesh, 1), mesh.lien(pairing, "alice").unwrap().l.0), (0, 1_000_000), "watched");
    assert_eq!(phase(&mut mesh, "100000"), 100_000, "low cap");
    // A fault in this phase costs what had power, and no more.
    mesh.slash(1, 0, 5).unwrap();
    mesh.settle().unwrap();
    let left = mesh.lien(pairing, "alice").unwrap().h.0;
    assert!((994_000..1_000_000).contains(&left), "{left}");
    assert_eq!(phase(&mut mesh, "1000000000"), left, "open");
    assert_eq!(phase(&mut mesh, "0"), 0, "and back");
}

/// §15-9: one vault behind two consumers. A slash on one cuts collateral and the other's power; a slash of the vault's
/// own chain cuts all of them.
fn a_slash_reaches_the_other_consumers_power(on: Engine) {
    let mut mesh = Mesh::new(1, contracts(on));
    for name in ["hub", "one", "two"] {
        mesh.add_chain(&spec(name)).unwrap();
    }
    mesh.native_vault(0, "0.1").unwrap();
    for consumer in [1, 2] {
        mesh.pair(0, consumer, &Terms::default()).unwrap();
    }
    mesh.bond(0, "alice", 1_000_000).unwrap();
    mesh.stake_local(0, "alice", 0, 1_000_000).unwrap();
    for pairing in 0..2 {
        mesh.stake(pairing, "alice", 0, 1_000_000).unwrap();
    }
    mesh.settle().unwrap();
    mesh.slash(1, 0, 10).unwrap();
    mesh.settle().unwrap();
    assert_eq!(mesh.account_of(0, "alice").unwrap().bonded.0, 900_000);
    assert_eq!((virtual_sum(&mesh, 1), virtual_sum(&mesh, 2)), (900_000, 900_000));
    assert_eq!(mesh.lien(1, "alice").unwrap().h.0, 900_000);
    // What local staking burned is unbonding at home; a slash of the own validator takes a tenth of what is bonded.
    mesh.slash(0, 0, 10).unwrap();
    mesh.report_local_slash(0, 0).unwrap();
    mesh.settle().unwrap();
    let left = mesh.account_of(0, "alice").unwrap().bonded.0;
    assert_eq!(left, 810_000);
    assert_eq!((virtual_sum(&mesh, 1), virtual_sum(&mesh, 2)), (left, left));
}

/// §15-10: who secures two consumers with one collateral earns at both; the budgets hold.
fn two_liens_on_one_collateral_earn_twice(on: Engine) {
    let mut mesh = Mesh::new(1, contracts(on));
    for name in ["hub", "one", "two"] {
        mesh.add_chain(&spec(name)).unwrap();
    }
    mesh.native_vault(0, "0.1").unwrap();
    for consumer in [1, 2] {
        mesh.pair(0, consumer, &Terms::default()).unwrap();
    }
    for (user, pairings) in [("alice", 0..2), ("bob", 0..1)] {
        mesh.bond(0, user, 1_000_000).unwrap();
        for pairing in pairings {
            mesh.stake(pairing, user, 0, 1_000_000).unwrap();
        }
    }
    mesh.settle().unwrap();
    for (pairing, chain) in [(0, 1), (1, 2)] {
        let (to, at) =
            (mesh.pairing(pairing).unwrap().converter.clone(), mesh.member(chain).unwrap().clone());
        let coins = [cosmwasm_std::Coin::new(1_000u128, at.chain.denom())];
        at.chain.execute(&at.gov, &to, &json!({ "fund_boost": {} }), &coins).unwrap();
        let set = json!({ "set_boost": { "per_epoch": "1000", "epoch_s": 1 } });
        mesh.govern(chain, &to, &set).unwrap();
        mesh.clock.advance(std::time::Duration::from_secs(2));
        mesh.govern(chain, &to, &json!({ "pay_boost": {} })).unwrap();
    }
    mesh.run().unwrap();
    let due = |user: &str| -> u128 {
        let one = |pairing: usize| {
            let p = mesh.pairing(pairing).unwrap();
            let user = mesh_harness::mesh::account(user, "hub").unwrap();
            let ask = json!({ "pending_rewards": { "user": user, "validator": mesh.validator(p.consumer, 0).unwrap() } });
            mesh.ask::<PendingRewards>(0, &p.external, &ask).unwrap().rewards.amount.0
        };
        one(0) + one(1)
    };
    // Rewards of the staked tokens themselves come on top, little as they are in these minutes.
    let (alice, bob) = (due("alice"), due("bob"));
    assert!((1_500..1_600).contains(&alice) && (500..550).contains(&bob), "{alice} and {bob}");
}

/// §15-18: with weight zero the contract's vote is Abstain, with all of its stake.
fn shared_stake_of_weight_zero_abstains(on: Engine) {
    let mut mesh = Mesh::new(1, contracts(on));
    let (hub, consumer) = (mesh.add_chain(&spec("hub")).unwrap(), mesh.add_chain(&spec("cons")).unwrap());
    let vault = mesh.native_vault(hub, "0.1").unwrap();
    let terms = Terms { gov_weight: "zero".into(), ..Terms::default() };
    let pairing = mesh.pair(vault, consumer, &terms).unwrap();
    let contract = mesh.pairing(pairing).unwrap().virtual_staking.clone();
    mesh.call(consumer, "alice", &contract, &json!({ "abstain": { "proposal_id": 7 } }), 0).unwrap();
    let vote = mesh.member(consumer).unwrap().chain.vote(7, &contract).unwrap().expect("a vote");
    assert!(String::from_utf8(vote).unwrap().contains("abstain"));
    let none = mesh.member(consumer).unwrap().chain.vote(8, &contract).unwrap();
    assert!(none.is_none());
}

on_each_engine! {
    two_chains_secure_each_other_and_a_slash_bites_on_both,
    almost_all_stake_is_restaked_both_ways,
    a_ring_of_four_with_diagonals_keeps_its_books,
    three_kinds_of_collateral_add_up_behind_one_consumer,
    each_provider_has_its_own_cap,
    caps_follow_economic_ties,
    a_launch_goes_through_its_phases_without_a_new_deployment,
    a_slash_reaches_the_other_consumers_power,
    two_liens_on_one_collateral_earn_twice,
    shared_stake_of_weight_zero_abstains,
}
