//! Votes and how they are counted: in order, bounded, without overflow.

use staking_api::finality as fin;
use staking_api::{Binary, Hash32, Key};
use staking_protocol::context::Purpose;

use crate::HASH;
use crate::world::actors::{Provider, Randomness, public};
use crate::world::{HUB, World, event};

/// A world with one provider of all power, and its randomness from a height on.
fn one(consumer: &str, start: u64, count: u32) -> (World, Provider, Randomness) {
    let mut w = World::new();
    if consumer != HUB {
        w.consumer(consumer, |c| {
            c.activation_height = Some(start);
            c.max_vote_lead = Some(100_000);
            c.max_commit_lead = Some(u64::MAX);
        });
    }
    let provider = w.provider(11, &[consumer]);
    w.active(21, &[public(&provider.key)], 100_000, 10_000, 1);
    let randomness = w.commit(&provider, consumer, start, count);
    (w, provider, randomness)
}

fn finalize(w: &mut World, consumer: &str, limit: u32) -> Result<usize, String> {
    let anyone = w.account("anyone");
    let msg = fin::ExecuteMsg::Finalize { consumer: consumer.into(), limit };
    let response = w.finality(&anyone, &msg, &[])?;
    Ok(response.events.iter().filter(|e| e.ty == "wasm-height_finalized").count())
}

fn known(w: &World, id: &str) -> fin::Consumer {
    w.ask::<Option<fin::Consumer>>(&fin::QueryMsg::Consumer { id: id.into() }).unwrap()
}

/// D7: a height without a quorum holds up those above it; when it has one, all become final, none left out.
#[test]
fn heights_become_final_in_order_and_without_gaps() {
    let (mut w, provider, randomness) = one(HUB, 1, 50);
    w.vote(&provider, &randomness, HUB, 1..4, HASH).unwrap();
    w.vote(&provider, &randomness, HUB, 5..9, HASH).unwrap();
    assert_eq!(known(&w, HUB).last_finalized, Some(3));
    assert!(!w.finalized(HUB, 5).finalized);
    let response = w.vote(&provider, &randomness, HUB, 4..5, HASH).unwrap();
    let finals = response.events.iter().filter(|e| e.ty == "wasm-height_finalized").count();
    assert_eq!((finals, known(&w, HUB).last_finalized), (5, Some(8)));
    assert_eq!(known(&w, HUB).next_settlement, 7, "settled without a gap, two heights later");
}

/// D8: after ten thousand heights that were given up, settlement goes on, a bounded number a message.
#[test]
fn settlement_passes_over_heights_that_were_given_up() {
    let (mut w, provider, randomness) = one("long", 1, 10_100);
    w.vote(&provider, &randomness, "long", 1..3, HASH).unwrap();
    let admin = w.admin.clone();
    let resume = fin::ExecuteMsg::Resume { consumer: "long".into(), jail: vec![], next_height: Some(10_004) };
    w.finality(&admin, &resume, &[]).unwrap();
    for height in 10_004..10_060 {
        w.vote(&provider, &randomness, "long", height..height + 1, HASH).unwrap();
    }
    let at = known(&w, "long");
    assert_eq!((at.last_finalized, at.next_settlement), (Some(10_059), 10_058));
}

/// D9, F19: a long stall is made up for by messages of bounded work.
#[test]
fn a_stall_is_made_up_for_in_bounded_steps() {
    let (mut w, provider, randomness) = one("slow", 1, 1_000);
    let domain = w.domain(Purpose::FinalityVote, "slow");
    let anyone = w.account("anyone");
    for first in [1u64, 201, 401] {
        let votes = (first..first + 200).map(|h| provider.vote(&domain, &randomness, h, HASH)).collect();
        let (consumer, fp_pk) = ("slow".into(), public(&provider.key));
        let msg = fin::ExecuteMsg::SubmitVotes { consumer, fp_pk, votes, finalize: 0 };
        w.finality(&anyone, &msg, &[]).unwrap();
    }
    assert_eq!(known(&w, "slow").last_finalized, None);
    for _ in 0..3 {
        assert_eq!(finalize(&mut w, "slow", u32::MAX).unwrap(), 200);
    }
    assert!(finalize(&mut w, "slow", u32::MAX).unwrap_err().contains("othing"));
    assert_eq!(known(&w, "slow").last_finalized, Some(600));
}

/// D10, D16: ranges of randomness that overflow, are empty, too long, out of order or too far ahead are refused.
#[test]
fn ranges_of_randomness_are_bounded() {
    let (mut w, provider, _) = one(HUB, 10, 100);
    let raw = |w: &mut World, start, count| w.commit_raw(&provider, HUB, start, count, [7; 32]);
    for (start, count) in [
        (u64::MAX, 1),
        (u64::MAX - 5, 6),
        (200, 0),
        (200, 1 << 40),
        (200, u64::MAX),
        (109, 5),
        (0, 5),
        (50, 1),
    ] {
        assert!(raw(&mut w, start, count).is_err(), "{start} {count}");
    }
    assert!(raw(&mut w, 200_000, 5).unwrap_err().contains("too far ahead"));
    raw(&mut w, 110, 5).unwrap();
}

/// D11: each field of a vote that is not what it must be is refused by the handler itself.
#[test]
fn malformed_votes_are_refused() {
    let (mut w, provider, randomness) = one(HUB, 1, 50);
    let domain = w.domain(Purpose::FinalityVote, HUB);
    let anyone = w.account("anyone");
    let send = |w: &mut World, fp_pk: Key, consumer: &str, votes: Vec<fin::Vote>| {
        let msg = fin::ExecuteMsg::SubmitVotes { consumer: consumer.into(), fp_pk, votes, finalize: 0 };
        w.finality(&anyone, &msg, &[])
    };
    let (fp, good) = (public(&provider.key), provider.vote(&domain, &randomness, 5, HASH));
    type Change = fn(&mut fin::Vote);
    let changes: [(&str, Change); 9] = [
        ("height", |v| v.height = 6),
        ("height zero", |v| v.height = 0),
        ("last height", |v| v.height = u64::MAX),
        ("hash", |v| v.app_hash = Hash32::from_bytes([1; 32])),
        ("randomness", |v| v.pub_rand = Hash32::from_bytes([1; 32])),
        ("no proof", |v| v.proof = Binary(vec![])),
        ("half a proof", |v| v.proof.0.truncate(40)),
        ("long proof", |v| v.proof.0.extend([0; 32 * 200])),
        ("signature", |v| v.signature = Hash32::from_bytes([0xff; 32])),
    ];
    for (what, change) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(send(&mut w, fp, HUB, vec![bad]).is_err(), "{what}");
    }
    assert!(send(&mut w, fp, HUB, vec![]).is_err());
    assert!(send(&mut w, fp, HUB, vec![good.clone(), good.clone()]).is_err());
    assert!(send(&mut w, fp, "nowhere", vec![good.clone()]).is_err());
    assert!(send(&mut w, Key::from_bytes([0xff; 32]), HUB, vec![good.clone()]).is_err());
    let many = (1..=201).map(|height| fin::Vote { height, ..good.clone() }).collect();
    assert!(send(&mut w, fp, HUB, many).unwrap_err().contains("201"));
    send(&mut w, fp, HUB, vec![good]).unwrap();
}

/// D14: a vote for a height that is settled is refused, one for a height that is only final is kept.
#[test]
fn votes_end_with_settlement() {
    let (mut w, big, of_big) = one(HUB, 1, 100);
    let small = w.provider(12, &[HUB]);
    w.active(22, &[public(&small.key)], 20_000, 1_000, 2);
    let of_small = w.commit(&small, HUB, 1, 100);
    w.vote(&big, &of_big, HUB, 1..9, HASH).unwrap();
    let next = known(&w, HUB).next_settlement;
    assert_eq!(next, 7);
    let late = w.vote(&small, &of_small, HUB, next - 1..next, HASH);
    assert!(late.unwrap_err().contains("settled"));
    w.vote(&small, &of_small, HUB, next..next + 1, HASH).unwrap();
}

/// D21: pruning forgets votes, not where voting began nor what is final.
#[test]
fn pruning_does_not_move_the_beginning() {
    let (mut w, provider, randomness) = one("late", 500, 300);
    w.vote(&provider, &randomness, "late", 500..560, HASH).unwrap();
    let anyone = w.account("anyone");
    let prune = fin::ExecuteMsg::Prune { consumer: "late".into(), limit: 100 };
    w.finality(&anyone, &prune, &[]).unwrap();
    let found = known(&w, "late");
    assert_eq!(found.settings.activation_height, Some(500));
    assert!(w.finalized("late", 500).finalized);
    let early = w.vote(&provider, &randomness, "late", 560..561, HASH);
    assert!(early.is_ok());
}

/// D22: the order in which votes come leaves no trace.
#[test]
fn the_order_of_votes_leaves_no_trace() {
    let tell = |order: [usize; 3]| {
        let mut w = World::new();
        let providers = [11, 12, 13].map(|byte| w.provider(byte, &[HUB]));
        for (salt, provider) in (1u8..).zip(&providers) {
            w.active(20 + salt, &[public(&provider.key)], 50_000, 1_000, salt);
        }
        let randomness: Vec<_> = providers.iter().map(|p| w.commit(p, HUB, 1, 20)).collect();
        let domain = w.domain(Purpose::FinalityVote, HUB);
        let anyone = w.account("anyone");
        for i in order {
            let votes = vec![providers[i].vote(&domain, &randomness[i], 1, HASH)];
            let (consumer, fp_pk) = (HUB.into(), public(&providers[i].key));
            let msg = fin::ExecuteMsg::SubmitVotes { consumer, fp_pk, votes, finalize: 0 };
            w.finality(&anyone, &msg, &[]).unwrap();
        }
        w.dump(&w.finality)
    };
    let first = tell([0, 1, 2]);
    assert!(first == tell([2, 1, 0]) && first == tell([1, 2, 0]));
}

/// D24, D22: heights are 64 bits wide, up to the last one.
#[test]
fn heights_are_64_bits_wide() {
    for start in [(1u64 << 32) + 1, u64::MAX - 8] {
        let (mut w, provider, randomness) = one("far", start, 8);
        w.vote(&provider, &randomness, "far", start..start + 4, HASH).unwrap();
        assert!(w.finalized("far", start + 3).finalized);
        w.vote(&provider, &randomness, "far", start + 4..start + 8, HASH).unwrap();
        assert_eq!(known(&w, "far").last_finalized, Some(start + 7));
        let _ = finalize(&mut w, "far", 5);
        assert!(w.vote(&provider, &randomness, "far", start + 7..start + 8, HASH).is_err());
    }
}

/// Timestamps: randomness that Bitcoin's clock has not seen deep enough is of no use yet.
#[test]
fn randomness_waits_for_bitcoins_clock() {
    let mut w = World::with(|_| {}, 2);
    let provider = w.provider(11, &[HUB]);
    w.active(21, &[public(&provider.key)], 100_000, 1_000, 1);
    let randomness = w.commit(&provider, HUB, 1, 50);
    let anyone = w.account("anyone");
    let touch = |w: &mut World| w.finality(&anyone, &fin::ExecuteMsg::TouchBtcTip {}, &[]).map(drop);
    touch(&mut w).unwrap();
    assert!(w.vote(&provider, &randomness, HUB, 1..2, HASH).is_err());
    w.mine(1);
    touch(&mut w).unwrap();
    assert!(w.vote(&provider, &randomness, HUB, 1..2, HASH).is_err());
    w.mine(1);
    touch(&mut w).unwrap();
    let response = w.vote(&provider, &randomness, HUB, 1..2, HASH).unwrap();
    assert!(event(&response, "height_finalized").is_some());
}
