//! Packets that are dropped, delayed, reordered, doubled or time out: the end is that of a quiet day.

mod mesh_world;

use mesh_harness::chain::Engine;
use mesh_harness::faults::{Dice, PacketFaults};
use mesh_harness::on_each_engine;
use mesh_world::vault::Native;

const USERS: [&str; 2] = ["alice", "bob"];

/// A few days of two users with three consumers; every step waits for nothing.
fn story(w: &mut Native, rough: Option<PacketFaults>) {
    if let Some(faults) = rough {
        w.relay.set_faults(faults);
    }
    for user in USERS {
        w.bond(user, 1000);
    }
    for (user, c, v, x) in
        [("alice", 0, 0, 600), ("alice", 1, 1, 500), ("bob", 0, 0, 300), ("bob", 2, 2, 900)]
    {
        w.stake(user, c, v, x).unwrap();
    }
    w.run();
    for (user, c, v, x) in [("alice", 0, 0, 200), ("bob", 2, 2, 100)] {
        w.unstake(user, c, v, x);
    }
    w.stake("alice", 2, 0, 250).unwrap();
    w.stake("bob", 1, 1, 70).unwrap();
    w.run();
    w.epochs();
    w.run();
    w.wait_unbonding();
    for user in USERS {
        w.withdraw_unbonded(user, 0);
        w.withdraw_unbonded(user, 2);
    }
    w.run();
}

/// Liens, stakes, foreign stakes and power: everything that should not depend on the weather.
fn end(w: &Native) -> Vec<u128> {
    let mut all = Vec::new();
    for c in 0..3 {
        for user in USERS {
            all.push(w.lien(user, c));
            all.extend((0..3).map(|v| w.staked(user, c, v)));
        }
        all.extend((0..3).map(|v| w.foreign(c, v)));
        all.extend((0..3).map(|v| w.power(c, v)));
    }
    all
}

fn a_rough_day_ends_like_a_quiet_one(on: Engine) {
    let mut quiet = Native::new(on, &["0.1", "0.1", "0.2"], "0.1");
    story(&mut quiet, None);
    let expected = end(&quiet);
    assert!(expected.iter().any(|x| *x > 0));
    for seed in 1..4 {
        let mut rough = Native::seeded(on, seed, &["0.1", "0.1", "0.2"], "0.1");
        story(&mut rough, Some(PacketFaults::ROUGH));
        assert_eq!(end(&rough), expected, "seed {seed}");
    }
}

/// Packets that time out are sent again; a stake comes about all the same.
fn packets_that_time_out_are_sent_again(on: Engine) {
    let mut quiet = Native::new(on, &["0.1", "0.1", "0.2"], "0.1");
    story(&mut quiet, None);
    let expected = end(&quiet);
    let faults = PacketFaults { timeout: 150, duplicate: 200, ..PacketFaults::NONE };
    for seed in 1..3 {
        let mut rough = Native::seeded(on, seed, &["0.1", "0.1", "0.2"], "0.1");
        story(&mut rough, Some(faults));
        assert_eq!(end(&rough), expected, "seed {seed}");
    }
}

/// §18-3 over real packets: whatever happens in whatever order, liens equal what holders hold, and no handler of an
/// acknowledgement, a timeout or a slash fails (a failing one would be stuck in the relay).
fn books_agree_after_any_sequence_of_actions_and_packets(on: Engine) {
    for seed in 0..6 {
        let mut dice = Dice::new(seed);
        let mut w = Native::seeded(on, seed, &["0.1", "0.3", "0.5"], "0.2");
        w.relay.set_faults(PacketFaults { timeout: 60, ..PacketFaults::ROUGH });
        for user in USERS {
            w.bond(user, 10_000);
            w.stake_local(user, 3_000);
        }
        for _ in 0..60 {
            act(&mut w, &mut dice);
        }
        w.relay.set_faults(PacketFaults::NONE);
        w.settle_everything();
        for user in USERS {
            let a = w.account(user);
            assert!(
                a.max_lien.h.0 <= a.bonded.0 && a.total_slashable.h.0 <= a.bonded.0,
                "seed {seed}: {a:?}"
            );
            for c in 0..3 {
                let (lien, debt, held) = (w.lien(user, c), w.debt(user, c), w.held(user, c));
                assert_eq!(lien + debt, held, "seed {seed}, {user}, consumer {c}");
            }
        }
        for c in 0..3 {
            for v in 0..3 {
                let staked: u128 = USERS.iter().map(|u| w.staked(u, c, v)).sum();
                let foreign = w.foreign(c, v);
                // A slash may round a unit per staker against the staker; one that meets a burn on its way to the
                // consumer costs there the ratio of stake that is gone here already, so power is what errs, downwards.
                let most = staked / 20 + 40;
                assert!(foreign.abs_diff(staked) <= most, "seed {seed}: {foreign} and {staked}");
            }
        }
    }
}

fn act(w: &mut Native, dice: &mut Dice) {
    let pick = |dice: &mut Dice, n: u64| usize::try_from(dice.below(n)).unwrap();
    let (user, c, v) = (USERS[pick(dice, 2)], pick(dice, 3), pick(dice, 3));
    let x = u128::from(1 + dice.below(2_000));
    match dice.below(10) {
        0..=3 => drop(w.stake(user, c, v, x)),
        4 | 5 => drop(w.try_unstake(user, c, v, x)),
        6 => {
            // At most what was agreed: 10, 30, 50 %.
            let cut = w.foreign(c, v) / ([10, 4, 2][c] + u128::from(dice.below(40)));
            if cut > 0 {
                w.report_slash(c, v, cut);
            }
        }
        7 => drop(w.unbond(user, x)),
        8 => w.withdraw_unbonded(user, c),
        _ => w.wait_unbonding(),
    }
    for _ in 0..dice.below(8) {
        w.relay.step().unwrap();
    }
}

on_each_engine! {
    a_rough_day_ends_like_a_quiet_one,
    packets_that_time_out_are_sent_again,
    books_agree_after_any_sequence_of_actions_and_packets,
}
