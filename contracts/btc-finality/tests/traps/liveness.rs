//! Who does not vote goes to jail; who stays away halts nothing for ever.

use std::collections::BTreeMap;

use staking_api::Key;
use staking_api::finality as fin;

use crate::HASH;
use crate::world::actors::{Provider, Randomness, public};
use crate::world::{HUB, World, event};

/// Heights of a window, and of it those that must be voted on, in the settings of [`World`].
const WINDOW: u64 = 10;
const MUST: u64 = 5;
/// Heights between finality and settlement.
const LAG: u64 = 2;

/// A provider that finalises alone, another one that need not vote.
fn two() -> (World, [Provider; 2], [Randomness; 2]) {
    let mut w = World::new();
    let providers = [w.provider(11, &[HUB]), w.provider(12, &[HUB])];
    w.active(21, &[public(&providers[0].key)], 300_000, 10_000, 1);
    w.active(22, &[public(&providers[1].key)], 60_000, 10_000, 2);
    let randomness = [0, 1].map(|i| w.commit(&providers[i], HUB, 1, 1_000));
    (w, providers, randomness)
}

fn unjail(w: &mut World, owner: &str, fp_pk: Key) -> Result<(), String> {
    let owner = w.account(owner);
    w.finality(&owner, &fin::ExecuteMsg::Unjail { consumer: HUB.into(), fp_pk }, &[]).map(drop)
}

/// D19: one vote in a window is not liveness; the share of the window decides.
#[test]
fn one_vote_in_a_window_is_not_enough() {
    for votes in [1, MUST - 1, MUST, WINDOW] {
        let (mut w, [big, small], [of_big, of_small]) = two();
        w.vote(&small, &of_small, HUB, 1..1 + votes, HASH).unwrap();
        w.vote(&big, &of_big, HUB, 1..WINDOW + LAG, HASH).unwrap();
        assert!(!w.info(HUB, public(&small.key)).jailed, "the window is not over");
        let response = w.vote(&big, &of_big, HUB, WINDOW + LAG..WINDOW + LAG + 1, HASH).unwrap();
        let jailed = votes < MUST;
        assert_eq!(w.info(HUB, public(&small.key)).jailed, jailed, "{votes} votes");
        assert_eq!(event(&response, "provider_jailed").is_some(), jailed);
        assert_eq!(w.power(HUB, public(&small.key)), if jailed { 0 } else { 60_000 });
    }
}

/// Jail ends when its owner asks and its time is over, not before, and never for who is slashed.
#[test]
fn jail_ends_when_the_owner_asks_in_time() {
    let (mut w, [big, small], [of_big, of_small]) = two();
    let fp = public(&small.key);
    assert!(unjail(&mut w, "provider-12", fp).unwrap_err().contains("not jailed"));
    w.vote(&big, &of_big, HUB, 1..WINDOW + LAG + 1, HASH).unwrap();
    assert!(w.vote(&small, &of_small, HUB, 13..14, HASH).unwrap_err().contains("jailed"));
    assert!(unjail(&mut w, "provider-11", fp).unwrap_err().contains("own"));
    assert!(unjail(&mut w, "provider-12", fp).is_err(), "100 seconds are not over");
    w.mine(1);
    let other = fin::ExecuteMsg::Unjail { consumer: "mesh-consumer".into(), fp_pk: fp };
    let owner = w.account("provider-12");
    assert!(w.finality(&owner, &other, &[]).is_err());
    unjail(&mut w, "provider-12", fp).unwrap();
    assert_eq!((w.info(HUB, fp).jailed, w.power(HUB, fp)), (false, 60_000));
    w.vote(&small, &of_small, HUB, 13..14, HASH).unwrap();
    w.vote(&big, &of_big, HUB, 13..33, HASH).unwrap();
    w.mine(1);
    w.leak(&small).unwrap();
    assert!(unjail(&mut w, "provider-12", fp).unwrap_err().contains("is slashed"));
}

/// D12: random votes and misses against a plain model of windows.
#[test]
fn jails_follow_the_model() {
    for seed in 1..=4u64 {
        let (mut w, [big, small], [of_big, of_small]) = two();
        let fp = public(&small.key);
        let (mut state, mut voted) = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), BTreeMap::new());
        let (mut jails, mut releases) = (0, 0);
        // Model: settled heights since the window began, misses, whether in the active set as settlement sees it.
        let (mut settled, mut missed, mut jailed) = (0u64, 0u64, false);
        for height in 1..400u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let votes = (state >> 33) % 100 < 20 + 15 * seed;
            if votes && !jailed {
                w.vote(&small, &of_small, HUB, height..height + 1, HASH).unwrap();
                voted.insert(height, ());
            }
            w.vote(&big, &of_big, HUB, height..height + 1, HASH).unwrap();
            let Some(done) = height.checked_sub(LAG).filter(|h| *h > 0) else { continue };
            settled += 1;
            missed += u64::from(!jailed && !voted.contains_key(&done));
            if settled == WINDOW {
                if !jailed && missed > WINDOW - MUST {
                    (jailed, jails) = (true, jails + 1);
                }
                (settled, missed) = (0, 0);
            }
            assert_eq!(w.info(HUB, fp).jailed, jailed, "seed {seed} height {height}");
            if jailed && settled == 3 {
                w.mine(1);
                unjail(&mut w, "provider-12", fp).unwrap();
                (jailed, missed, releases) = (false, 0, releases + 1);
            }
        }
        assert!(seed > 1 || (jails > 0 && releases > 0), "seed 1 votes rarely");
    }
}

/// D17: when too much power is silent nothing becomes final, and governance's list of jailed lets it go on: from the
/// halted height, with its votes, and without touching what was final.
#[test]
fn governance_resumes_after_a_halt() {
    let mut w = World::new();
    let [live, dead] = [w.provider(11, &[HUB]), w.provider(12, &[HUB])];
    w.active(21, &[public(&live.key)], 100_000, 10_000, 1);
    let randomness = w.commit(&live, HUB, 1, 100);
    w.vote(&live, &randomness, HUB, 1..4, HASH).unwrap();
    w.commit(&dead, HUB, 1, 100);
    w.active(22, &[public(&dead.key)], 100_000, 10_000, 2);
    w.vote(&live, &randomness, HUB, 4..9, HASH).unwrap();
    let halted = w.finalized(HUB, 6);
    assert_eq!((halted.finalized, halted.power, halted.total), (false, 100_000, 200_000));
    let msg = |jail, next_height| fin::ExecuteMsg::Resume { consumer: HUB.into(), jail, next_height };
    let (admin, anyone) = (w.admin.clone(), w.account("anyone"));
    let silent = vec![public(&dead.key)];
    assert!(w.finality(&anyone, &msg(silent.clone(), None), &[]).is_err());
    assert!(w.finality(&admin, &msg(vec![], Some(2)), &[]).is_err(), "not backwards");
    w.finality(&admin, &msg(silent, None), &[]).unwrap();
    let finalize = fin::ExecuteMsg::Finalize { consumer: HUB.into(), limit: 10 };
    w.finality(&anyone, &finalize, &[]).unwrap();
    for height in 1..9 {
        assert!(w.finalized(HUB, height).finalized, "{height}");
    }
    assert_eq!(w.finalized(HUB, 3).total, 100_000);
}

/// A guardian stops votes and counting at one consumer; only governance lets them go on.
#[test]
fn a_pause_stops_one_consumer() {
    let mut w = World::with_guardian();
    let both = w.provider(11, &[HUB, "mesh-consumer"]);
    w.active(21, &[public(&both.key)], 100_000, 10_000, 1);
    let [here, there] = [HUB, "mesh-consumer"].map(|consumer| w.commit(&both, consumer, 1, 100));
    let pause = |paused| fin::ExecuteMsg::SetPaused { consumer: HUB.into(), paused };
    let (admin, guardian, anyone) = (w.admin.clone(), w.account("guardian"), w.account("anyone"));
    assert!(w.finality(&anyone, &pause(true), &[]).is_err());
    w.finality(&guardian, &pause(true), &[]).unwrap();
    assert!(w.vote(&both, &here, HUB, 1..2, HASH).unwrap_err().contains("paused"));
    let finalize = fin::ExecuteMsg::Finalize { consumer: HUB.into(), limit: 10 };
    assert!(w.finality(&anyone, &finalize, &[]).unwrap_err().contains("paused"));
    w.vote(&both, &there, "mesh-consumer", 1..2, HASH).unwrap();
    assert!(w.finality(&guardian, &pause(false), &[]).is_err());
    w.finality(&admin, &pause(false), &[]).unwrap();
    w.vote(&both, &here, HUB, 1..2, HASH).unwrap();
    assert!(w.finalized(HUB, 1).finalized);
}

/// A provider without usable randomness cannot vote, so its power does not count yet (spec 8.2): it holds nobody up.
#[test]
fn power_without_randomness_holds_nobody_up() {
    let mut w = World::new();
    let [ready, unready] = [w.provider(11, &[HUB]), w.provider(12, &[HUB])];
    w.active(21, &[public(&ready.key)], 100_000, 10_000, 1);
    let randomness = w.commit(&ready, HUB, 1, 100);
    w.vote(&ready, &randomness, HUB, 1..3, HASH).unwrap();
    w.active(22, &[public(&unready.key)], 900_000, 10_000, 2);
    w.vote(&ready, &randomness, HUB, 3..6, HASH).unwrap();
    let done = w.finalized(HUB, 5);
    assert_eq!((done.finalized, done.total), (true, 100_000));
    let of_unready = w.commit(&unready, HUB, 7, 100);
    w.vote(&ready, &randomness, HUB, 6..9, HASH).unwrap();
    assert_eq!(w.finalized(HUB, 8).total, 100_000, "one snapshot a message");
    w.vote(&ready, &randomness, HUB, 9..12, HASH).unwrap();
    assert_eq!(w.finalized(HUB, 9).total, 100_000, "that of the height before");
    let next = w.finalized(HUB, 10);
    assert_eq!((next.finalized, next.power, next.total), (false, 100_000, 1_000_000), "now it counts");
    w.vote(&unready, &of_unready, HUB, 10..12, HASH).unwrap();
    assert_eq!(w.finalized(HUB, 11).total, 1_000_000);
}
