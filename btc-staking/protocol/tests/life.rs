//! The moves of a delegation against its computed status: random histories, totals never counted twice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use proptest::prelude::*;
use staking_protocol::delegation::{
    DelegationFacts, Ended, IllegalMove, Inclusion, Life, Move, PowerChange, Status,
};

const INCLUSION: Inclusion = Inclusion { start: 100, end: 1_100 };

fn apply_all(moves: &[Move]) -> (Life, i64) {
    let mut life = Life::new();
    let mut total = 0;
    for event in moves {
        total += match life.apply(*event) {
            Ok(PowerChange::Added) => 1,
            Ok(PowerChange::Removed) => -1,
            _ => 0,
        };
    }
    (life, total)
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        Just(Move::QuorumReached),
        Just(Move::Included(INCLUSION)),
        Just(Move::Spent),
        Just(Move::Expire),
        Just(Move::ProviderSlashed),
    ]
}

proptest! {
    #[test]
    fn a_stake_is_in_the_total_exactly_when_it_counts(moves in proptest::collection::vec(any_move(), 0..20)) {
        let (life, total) = apply_all(&moves);
        prop_assert_eq!(total, i64::from(life.is_counted()));
        let slashed = moves.contains(&Move::ProviderSlashed);
        if life.is_counted() {
            prop_assert!(!slashed && life.ended().is_none() && life.inclusion().is_some());
        }
    }

    /// Trap A16: while a stake counts, its holder needs more than the unbonding time to leave, by whichever lock.
    #[test]
    fn a_stake_counts_only_while_no_lock_can_open_before_a_slashing(
        start in 1u32..1_000_000, time in 1u16.., unbonding in 1u16..2_000, passed in 0u32..66_000,
    ) {
        let tip = start + passed;
        let inclusion = Inclusion { start, end: start + u32::from(time) };
        let facts = DelegationFacts {
            unbonded_early: false, covenant_signatures: 3, quorum: 3, expansion: None,
            inclusion: Some(inclusion), unbonding_time: unbonding,
        };
        if facts.status(tip) == Status::Active {
            prop_assert!(inclusion.end - tip > u32::from(unbonding));
        }
    }

    /// Trap C4: the move and the computed status agree on both sides of the expiry height.
    #[test]
    fn expiry_height_is_where_the_status_changes(start in 1u32..1_000_000, time in 1u16.., unbonding in 1u16..) {
        let inclusion = Inclusion { start, end: start + u32::from(time) };
        let lock = staking_protocol::timelock::UnbondingTime::new(u32::from(unbonding)).unwrap();
        let expiry = inclusion.expiry_height(lock);
        let facts = DelegationFacts {
            unbonded_early: false, covenant_signatures: 3, quorum: 3, expansion: None,
            inclusion: Some(inclusion), unbonding_time: unbonding,
        };
        if expiry > start {
            prop_assert_eq!(facts.status(expiry - 1), Status::Active);
        }
        if expiry >= start {
            prop_assert_eq!(facts.status(expiry), Status::Expired);
        }
    }
}

/// Trap C1: power that would be added after a slash is not.
#[test]
fn a_stake_activated_after_its_provider_was_slashed_does_not_count() {
    assert_eq!(apply_all(&[Move::ProviderSlashed, Move::QuorumReached, Move::Included(INCLUSION)]).1, 0);
    assert_eq!(apply_all(&[Move::QuorumReached, Move::ProviderSlashed, Move::Included(INCLUSION)]).1, 0);
}

/// Trap C2.
#[test]
fn slashing_wins_in_any_order() {
    let moves = [Move::QuorumReached, Move::Included(INCLUSION), Move::ProviderSlashed];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(apply_all(&order.map(|i| moves[i])).1, 0, "{order:?}");
    }
}

/// Traps C3 and C6.
#[test]
fn what_was_never_added_is_never_taken_away() {
    for end in [Move::Expire, Move::Spent] {
        let mut life = Life::new();
        life.apply(Move::Included(INCLUSION)).unwrap();
        assert_eq!(life.apply(end), Ok(PowerChange::None));
    }
}

/// Traps C5 and F7.
#[test]
fn expiry_and_spend_together_take_away_once() {
    let active = [Move::QuorumReached, Move::Included(INCLUSION)];
    let (mut life, total) = apply_all(&active);
    assert_eq!(total, 1);
    assert_eq!(life.apply(Move::Expire), Ok(PowerChange::Removed));
    assert_eq!(life.apply(Move::Spent), Ok(PowerChange::None));
    let (mut life, _) = apply_all(&active);
    assert_eq!(life.apply(Move::Spent), Ok(PowerChange::Removed));
    assert_eq!(life.apply(Move::Expire), Err(IllegalMove::AlreadyEnded(Ended::Unbonded)));
}

/// Trap A20: whatever came before, and whatever became of an expansion, a stake that was spent can be ended.
#[test]
fn a_proven_spend_ends_a_stake_in_every_state() {
    let histories: [&[Move]; 6] = [
        &[],
        &[Move::QuorumReached],
        &[Move::Included(INCLUSION)],
        &[Move::QuorumReached, Move::Included(INCLUSION)],
        &[Move::QuorumReached, Move::Included(INCLUSION), Move::Expire],
        &[Move::QuorumReached, Move::Included(INCLUSION), Move::ProviderSlashed],
    ];
    for history in histories {
        let (mut life, total) = apply_all(history);
        let change = life.apply(Move::Spent).unwrap();
        assert_eq!(change == PowerChange::Removed, total == 1, "{history:?}");
        assert_eq!((life.ended(), life.is_counted()), (Some(Ended::Unbonded), false));
    }
}

/// Trap C10.
#[test]
fn a_move_that_arrives_twice_is_an_error_and_changes_nothing() {
    let mut life = Life::new();
    life.apply(Move::QuorumReached).unwrap();
    assert_eq!(life.apply(Move::QuorumReached), Err(IllegalMove::QuorumTwice));
    life.apply(Move::Included(INCLUSION)).unwrap();
    assert_eq!(life.apply(Move::Included(INCLUSION)), Err(IllegalMove::IncludedTwice));
    assert!(life.is_counted());
    assert_eq!(Life::new().apply(Move::Expire), Err(IllegalMove::ExpireBeforeInclusion));
}

/// Trap C20: a spend is final even when Bitcoin forgets it.
#[test]
fn a_spent_delegation_does_not_come_back() {
    let (mut life, _) = apply_all(&[Move::Included(INCLUSION), Move::Spent]);
    let again = life.apply(Move::QuorumReached);
    assert_eq!(again, Err(IllegalMove::AlreadyEnded(Ended::Unbonded)));
}
