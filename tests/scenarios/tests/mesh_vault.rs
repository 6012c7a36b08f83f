//! The native vault between two consumers: golden numbers S1–S5 and what broke the stock contracts (T1–T10).

mod mesh_world;

use mesh_harness::chain::Engine;
use mesh_harness::on_each_engine;
use mesh_world::vault::{COLLATERAL, Native};

/// S1: a small slash uses the free collateral up; nobody else is told.
fn s1_a_slash_within_the_free_collateral_burns_nothing(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake_local("alice", 190);
    w.stake("alice", 0, 0, 100).unwrap();
    w.stake("alice", 0, 1, 50).unwrap();
    w.run();
    let a = w.account("alice");
    assert_eq!((a.max_lien.h.0, a.total_slashable.h.0, a.free.l.0), (190, 34, 10));
    w.slash("alice", 0, 0, 10);
    let a = w.account("alice");
    assert_eq!((a.bonded.0, a.max_lien.h.0, a.total_slashable.h.0, a.free.l.0), (190, 190, 33, 0));
    assert_eq!((w.local("alice"), w.lien("alice", 0)), (190, 140));
}

/// S2: the local stake is burned down to the collateral left.
fn s2_a_slash_beyond_it_burns_local_stake(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake_local("alice", 200);
    w.stake("alice", 0, 0, 200).unwrap();
    w.run();
    w.slash("alice", 0, 0, 20);
    let a = w.account("alice");
    assert_eq!((a.bonded.0, a.total_slashable.h.0, a.free.l.0), (180, 36, 0));
    assert_eq!((w.local("alice"), w.lien("alice", 0), w.delegated("alice")), (180, 180, 180));
}

/// S3.
fn s3_part_of_the_slash_is_free_and_part_is_burned(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake_local("alice", 190);
    w.stake("alice", 0, 0, 150).unwrap();
    w.run();
    w.slash("alice", 0, 0, 15);
    let a = w.account("alice");
    assert_eq!((a.bonded.0, a.total_slashable.h.0, a.free.l.0), (185, 32 + 1, 0), "promises round up");
    assert_eq!((w.local("alice"), w.lien("alice", 0)), (185, 135));
}

/// S4: two consumers; the other one burns in proportion over its validators.
fn s4_the_other_consumer_burns_over_its_validators(on: Engine) {
    let mut w = Native::new(on, &["0.1", "0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake_local("alice", 190);
    for (c, v, x) in [(0, 0, 140), (0, 1, 40), (1, 0, 100), (1, 1, 88)] {
        w.stake("alice", c, v, x).unwrap();
    }
    w.run();
    // 19 + 18 + 18.8 = 55.8, rounded up per promise.
    assert_eq!((w.account("alice").total_slashable.h.0, w.account("alice").free.l.0), (56, 10));
    w.slash("alice", 0, 0, 14);
    w.run();
    let a = w.account("alice");
    assert_eq!((a.bonded.0, w.local("alice"), w.lien("alice", 0), w.lien("alice", 1)), (186, 186, 166, 186));
    assert_eq!((w.staked("alice", 0, 0), w.staked("alice", 0, 1)), (126, 40));
    assert_eq!((w.staked("alice", 1, 0), w.staked("alice", 1, 1)), (99, 87));
    assert_eq!((w.foreign(1, 0), w.foreign(1, 1)), (99, 87), "the consumer splits as we do");
    // 18.6 + 16.6 + 18.6 = 53.8, rounded up per promise.
    assert_eq!((a.max_lien.h.0, a.total_slashable.h.0, a.free.l.0), (186, 55, 0));
}

/// S5: where promises bind, all liens keep the same share (stock: each loses the same amount, 21.875).
fn s5_promises_are_scaled_alike(on: Engine) {
    let mut w = Native::new(on, &["0.5", "0.5", "0.5"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake_local("alice", 100);
    for (c, x) in [(0, 180), (1, 80), (2, 100)] {
        w.stake("alice", c, 0, x).unwrap();
    }
    w.run();
    assert_eq!((w.account("alice").total_slashable.h.0, w.account("alice").free.l.0), (190, 10));
    w.slash("alice", 0, 0, 90);
    let a = w.account("alice");
    assert_eq!((a.bonded.0, a.total_slashable.h.0, a.free.l.0), (110, 110, 0));
    let liens = [w.local("alice"), w.lien("alice", 0), w.lien("alice", 1), w.lien("alice", 2)];
    assert_eq!(liens, [75, 68, 60, 75]);
}

/// T1: stake 5 + 5 at 10 %, take 10 back at once: the release works.
fn t1_rounding_does_not_freeze_a_release(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake("alice", 0, 0, 5).unwrap();
    w.stake("alice", 0, 0, 5).unwrap();
    w.run();
    w.unstake("alice", 0, 0, 10);
    w.run();
    w.wait_unbonding();
    w.withdraw_unbonded("alice", 0);
    let a = w.account("alice");
    assert_eq!((a.free.l.0, a.total_slashable.h.0), (COLLATERAL, 0));
}

/// T2: after a slash both invariants hold and accounts can be asked.
fn t2_the_second_invariant_is_restored_too(on: Engine) {
    let mut w = Native::new(on, &["0.5", "0.55"], "0.1");
    w.bond("alice", 100);
    w.stake("alice", 0, 0, 100).unwrap();
    w.stake("alice", 1, 0, 90).unwrap();
    w.run();
    w.slash("alice", 0, 0, 20);
    let a = w.account("alice");
    assert!(a.total_slashable.h.0 <= a.bonded.0 && a.max_lien.h.0 <= a.bonded.0, "{a:?}");
}

/// T3: the same with a small third lien: 50 + 50 + 2 promise 51 of 50 that are left, so all are scaled and one unit goes.
fn t3_a_small_third_lien_changes_nothing_about_it(on: Engine) {
    let mut w = Native::new(on, &["0.5", "0.5", "0.5"], "0.1");
    w.bond("alice", 100);
    for (c, x) in [(0, 100), (1, 98), (2, 2)] {
        w.stake("alice", c, 0, x).unwrap();
    }
    w.run();
    w.slash("alice", 0, 0, 50);
    let a = w.account("alice");
    assert_eq!((a.bonded.0, a.max_lien.h.0, a.total_slashable.h.0), (50, 49, 50));
    let liens = [w.lien("alice", 0), w.lien("alice", 1), w.lien("alice", 2)];
    assert_eq!((liens.iter().sum::<u128>(), liens[2]), (48 + 49 + 1, 1), "{liens:?}");
    w.run();
    assert_eq!([w.foreign(0, 0), w.foreign(1, 0), w.foreign(2, 0)], liens);
}

/// T3b: a dust lien does not make a user un-slashable.
fn t3b_dust_does_not_protect_from_a_slash(on: Engine) {
    let mut w = Native::new(on, &["0.8", "0.8", "0.8"], "0.5");
    w.bond("alice", 100);
    w.stake_local("alice", 1);
    for c in 0..3 {
        w.stake("alice", c, 0, 40).unwrap();
    }
    w.run();
    w.slash("alice", 0, 0, 32);
    let a = w.account("alice");
    assert_eq!(a.bonded.0, 68);
    assert!(a.total_slashable.h.0 <= 68, "{a:?}");
}

/// T4: a slash while a stake is in flight elsewhere; whatever the answer, books agree afterwards.
fn t4_a_slash_during_a_stake_in_flight_ends_well_either_way(on: Engine) {
    for arrives in [true, false] {
        let mut w = Native::new(on, &["0.1", "0.1"], "0.1");
        w.bond("alice", COLLATERAL);
        w.stake("alice", 0, 0, 200).unwrap();
        w.run();
        w.stake("alice", 1, 0, 200).unwrap();
        w.slash("alice", 0, 0, 20);
        assert_eq!(w.account("alice").bonded.0, 180);
        if arrives {
            w.run()
        } else {
            w.refuse_all()
        }
        let left = if arrives { 180 } else { 0 };
        assert_eq!((w.lien("alice", 1), w.staked("alice", 1, 0), w.foreign(1, 0)), (left, left, left));
        assert!(w.pending("alice", 1).is_empty());
    }
}

/// T4b: the same while half of the other stake is certain and half in flight: the burn of 20 falls on the certain half,
/// either answer is booked, nothing waits for ever and nothing fails.
fn t4b_a_slash_during_the_second_half_of_a_stake_ends_well_either_way(on: Engine) {
    for arrives in [true, false] {
        let mut w = Native::new(on, &["0.1", "0.1"], "0.1");
        w.bond("alice", COLLATERAL);
        w.stake("alice", 0, 0, 200).unwrap();
        w.stake("alice", 1, 0, 100).unwrap();
        w.run();
        w.stake("alice", 1, 0, 100).unwrap();
        w.slash("alice", 0, 0, 20);
        assert_eq!(w.account("alice").bonded.0, 180);
        if arrives {
            w.run()
        } else {
            w.refuse_all()
        }
        // The burn was refused too, and is sent again.
        w.settle_everything();
        let (lien, debt, left) = (w.lien("alice", 1), w.debt("alice", 1), w.staked("alice", 1, 0));
        assert_eq!((lien + debt, w.foreign(1, 0)), (left, left), "arrives: {arrives}");
        assert_eq!(left, if arrives { 180 } else { 80 });
        assert!(w.pending("alice", 1).is_empty());
    }
}

/// T5: what was asked for is reserved, so three requests before an answer pay once; a failed payment is due again.
fn t5_rewards_are_paid_once(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.bond("bob", COLLATERAL);
    w.stake("alice", 0, 0, 100).unwrap();
    w.stake("bob", 0, 0, 100).unwrap();
    w.run();
    w.reward(0, 0, 100);
    w.run();
    let before = w.paid("alice", 0);
    assert_eq!((w.due("alice", 0, 0), w.due("bob", 0, 0)), (50, 50));
    w.withdraw_rewards("alice", 0, 0).unwrap();
    w.refuse_all();
    assert_eq!((w.due("alice", 0, 0), w.paid("alice", 0) - before), (50, 0));
    w.withdraw_rewards("alice", 0, 0).unwrap();
    for _ in 0..2 {
        let refused = w.withdraw_rewards("alice", 0, 0).unwrap_err().to_string();
        assert!(refused.contains("no rewards are due"), "{refused}");
    }
    assert_eq!(w.due("alice", 0, 0), 0);
    w.run();
    assert_eq!((w.due("alice", 0, 0), w.paid("alice", 0) - before), (0, 50));
    assert_eq!(w.due("bob", 0, 0), 50, "nobody else's share is touched");
}

/// T6: rewards for a validator without certain stake, and a slash of one whose stake is all leaving.
fn t6_nothing_is_divided_by_no_stake(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.reward(0, 0, 50);
    w.run();
    w.stake("alice", 0, 0, 100).unwrap();
    w.run();
    // What came while nobody was there is for whoever is there at the next reward.
    w.reward(0, 0, 50);
    w.run();
    assert_eq!(w.due("alice", 0, 0), 100);
    w.unstake("alice", 0, 0, 100);
    w.run();
    assert_eq!((w.staked("alice", 0, 0), w.held("alice", 0)), (0, 100));
    w.slash("alice", 0, 0, 10);
    w.run();
    assert!(w.held("alice", 0) <= 100 && w.account("alice").bonded.0 <= COLLATERAL);
    assert_eq!(w.lien("alice", 0), w.held("alice", 0));
}

/// T8: all rewards withdrawn and an unstake in flight: rewards can be asked for, and asking gives none.
fn t8_an_unstake_in_flight_leaves_rewards_at_nothing(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake("alice", 0, 0, 100).unwrap();
    w.run();
    w.reward(0, 0, 50);
    w.run();
    w.withdraw_rewards("alice", 0, 0).unwrap();
    w.run();
    w.unstake("alice", 0, 0, 60);
    assert_eq!(w.due("alice", 0, 0), 0);
    assert!(w.withdraw_rewards("alice", 0, 0).is_err());
    w.run();
    assert_eq!((w.due("alice", 0, 0), w.staked("alice", 0, 0)), (0, 40));
}

/// T7: one fault costs at most the agreed ratio of the lien, whatever the holder reports.
fn t7_a_slash_takes_at_most_the_agreed_ratio(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake("alice", 0, 0, 100).unwrap();
    w.run();
    w.slash("alice", 0, 0, 60);
    assert_eq!(w.account("alice").bonded.0, 190);
    w.slash("alice", 0, 0, 60);
    assert_eq!(w.account("alice").bonded.0, 181);
}

/// T9: a holder whose liens are slashed away leaves nothing behind.
fn t9_a_full_slash_leaves_no_empty_liens(on: Engine) {
    let mut w = Native::new(on, &["1", "1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake("alice", 0, 0, 200).unwrap();
    w.run();
    w.slash("alice", 0, 0, 200);
    assert_eq!((w.account("alice").bonded.0, w.claims("alice")), (0, 0));
}

/// T10: a lien that is mostly leaving can still be burned by a slash elsewhere.
fn t10_leaving_stake_is_reached_by_a_slash_elsewhere(on: Engine) {
    let mut w = Native::new(on, &["0.5", "0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake("alice", 0, 0, 200).unwrap();
    w.stake("alice", 1, 0, 200).unwrap();
    w.run();
    w.unstake("alice", 1, 0, 190);
    w.run();
    w.slash("alice", 0, 0, 60);
    w.run();
    assert_eq!((w.account("alice").bonded.0, w.lien("alice", 1), w.held("alice", 1)), (140, 140, 140));
}

/// §4, cross-staking is refused beyond the collateral, and collateral under a lien cannot leave.
fn collateral_under_a_lien_cannot_leave(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake("alice", 0, 0, 150).unwrap();
    w.run();
    assert!(w.stake("alice", 0, 0, 51).unwrap_err().to_string().contains("exceeds the 200 that back it"));
    assert!(w.unbond("alice", 51).unwrap_err().to_string().contains("50 free"));
    w.unbond("alice", 50).unwrap();
}

/// §5: a slash on the vault's own chain, found by comparing books, reaches the consumers.
fn a_slash_on_the_own_chain_cuts_every_consumer(on: Engine) {
    let mut w = Native::new(on, &["0.1"], "0.1");
    w.bond("alice", COLLATERAL);
    w.stake_local("alice", 200);
    w.stake("alice", 0, 0, 200).unwrap();
    w.run();
    w.slash_own_chain(10);
    w.run();
    let a = w.account("alice");
    assert_eq!((a.bonded.0, w.local("alice"), w.lien("alice", 0), w.foreign(0, 0)), (180, 180, 180, 180));
}

on_each_engine! {
    s1_a_slash_within_the_free_collateral_burns_nothing,
    s2_a_slash_beyond_it_burns_local_stake,
    s3_part_of_the_slash_is_free_and_part_is_burned,
    s4_the_other_consumer_burns_over_its_validators,
    s5_promises_are_scaled_alike,
    t1_rounding_does_not_freeze_a_release,
    t2_the_second_invariant_is_restored_too,
    t3_a_small_third_lien_changes_nothing_about_it,
    t3b_dust_does_not_protect_from_a_slash,
    t4_a_slash_during_a_stake_in_flight_ends_well_either_way,
    t4b_a_slash_during_the_second_half_of_a_stake_ends_well_either_way,
    t5_rewards_are_paid_once,
    t6_nothing_is_divided_by_no_stake,
    t8_an_unstake_in_flight_leaves_rewards_at_nothing,
    t7_a_slash_takes_at_most_the_agreed_ratio,
    t9_a_full_slash_leaves_no_empty_liens,
    t10_leaving_stake_is_reached_by_a_slash_elsewhere,
    collateral_under_a_lien_cannot_leave,
    a_slash_on_the_own_chain_cuts_every_consumer,
}
