//! Withdrawals through each time lock, and the proof that a planned stake can be withdrawn.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::CURVE;
use common::world::{PLAIN, Registration, Shape, sign, x_only};
use proptest::prelude::*;
use staking_protocol::keys::Stakers;
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::withdrawal::{Withdrawable, WithdrawalError, WithdrawalTx};
use staking_protocol::tx::witness::WitnessError;
use staking_protocol::tx::{Sat, Transaction, TxOut};

const HOME: [u8; 22] = [0, 20, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];

fn sources(registration: &Registration) -> Vec<Withdrawable> {
    let presigned = registration.presigned();
    let (scripts, stake) = (presigned.scripts(), presigned.staking());
    let unbonding = presigned.unbonding();
    let slashing = presigned.slashing();
    let time = registration.params.unbonding_time();
    vec![
        Withdrawable::staking(stake.outpoint, stake.value, &scripts.staking, registration.terms.staking_time),
        Withdrawable::unbonding(unbonding.outpoint(), unbonding.value(), &scripts.unbonding, time),
        Withdrawable::change(slashing.change_outpoint(), slashing.change(), &scripts.change, time),
    ]
}

fn signed(shape: &Shape, tx: &WithdrawalTx, stakers: &Stakers) -> Transaction {
    let sign_all = |digest: &staking_protocol::tx::Sighash| {
        (0..shape.staker_quorum).map(|i| (x_only(i).into(), sign(i, &digest.0))).collect()
    };
    let signatures: Vec<Vec<_>> = tx.sighashes().unwrap().iter().map(sign_all).collect();
    tx.sign(stakers, &signatures).unwrap()
}

#[test]
fn every_output_comes_home_alone_and_together() {
    for shape in [PLAIN, Shape { stakers: 4, staker_quorum: 3, ..PLAIN }] {
        let registration = Registration::new(&shape);
        let stakers = &registration.terms.stakers;
        let all = sources(&registration);
        let mut selections: Vec<Vec<Withdrawable>> = all.iter().map(|source| vec![source.clone()]).collect();
        selections.push(all);
        for selection in selections {
            let tx = WithdrawalTx::build(selection.clone(), &HOME, Sat(1_000)).unwrap();
            let tx = signed(&shape, &tx, stakers);
            assert_eq!(WithdrawalTx::prove(&CURVE, stakers, &selection, &tx), Ok(()));
            let raw = tx.serialize();
            assert_eq!(WithdrawalTx::parse_and_prove(&CURVE, stakers, &selection, &raw), Ok(tx));
        }
    }
}

fn refused(spoil: impl FnOnce(&mut Transaction, &mut Vec<Withdrawable>)) -> WithdrawalError {
    let registration = Registration::new(&PLAIN);
    let stakers = &registration.terms.stakers;
    let mut selection = sources(&registration);
    selection.truncate(1);
    let tx = WithdrawalTx::build(selection.clone(), &HOME, Sat(1_000)).unwrap();
    let mut tx = signed(&PLAIN, &tx, stakers);
    spoil(&mut tx, &mut selection);
    WithdrawalTx::prove(&CURVE, stakers, &selection, &tx).unwrap_err()
}

#[test]
fn a_proof_that_proves_something_else_is_refused_by_name() {
    use WithdrawalError as W;
    let witness = |error| match error {
        W::Witness { index: 0, error } => error,
        other => panic!("{other:?}"),
    };
    // Signed values are committed to: any change breaks the signature.
    let slot = |error| assert!(matches!(witness(error), WitnessError::Slot { .. }), "{error:?}");
    slot(refused(|tx, _| tx.outputs[0].value.0 -= 1));
    slot(refused(|tx, _| tx.outputs[0].script[3] ^= 1));
    slot(refused(|tx, _| tx.lock_time += 1));
    slot(refused(|tx, _| tx.inputs[0].sequence += 1));
    slot(refused(|tx, _| tx.inputs[0].witness[0][10] ^= 1));
    slot(refused(|tx, _| tx.inputs[0].witness[0].push(1)));
    assert!(matches!(
        refused(|tx, _| tx.outputs.push(TxOut::new(Sat(9_999_999), HOME))),
        W::SpendsTooMuch { .. }
    ));
    assert!(matches!(refused(|tx, _| tx.inputs[0].previous_output.vout += 1), W::Input(0)));
    assert!(matches!(refused(|_, sources| sources.clear()), W::Input(0)));
    let script = refused(|tx, _| tx.inputs[0].witness[1].push(0));
    assert!(matches!(witness(script), WitnessError::Script));
    let items = refused(|tx, _| tx.inputs[0].witness.insert(0, vec![]));
    assert!(matches!(witness(items), WitnessError::ItemCount { expected: 3, found: 4 }));
    assert!(matches!(refused(|tx, _| tx.outputs.clear()), W::Sanity(_)));
}

/// A withdrawal that Bitcoin would refuse for its lock proves nothing, even when the signature is right.
#[test]
fn a_withdrawal_that_comes_too_early_is_refused() {
    let registration = Registration::new(&PLAIN);
    let stakers = &registration.terms.stakers;
    let (presigned, terms) = (registration.presigned(), &registration.terms);
    let with_lock = |time| {
        let (stake, output) = (presigned.staking(), &presigned.scripts().staking);
        vec![Withdrawable::staking(stake.outpoint, stake.value, output, time)]
    };
    let early = with_lock(StakingTime::new(u32::from(terms.staking_time.blocks()) - 1).unwrap());
    let tx = signed(&PLAIN, &WithdrawalTx::build(early, &HOME, Sat(1_000)).unwrap(), stakers);
    let refused = WithdrawalTx::prove(&CURVE, stakers, &with_lock(terms.staking_time), &tx);
    assert!(matches!(
        refused,
        Err(WithdrawalError::Witness { error: WitnessError::Lock { lock: 1_000, .. }, .. })
    ));
}

#[test]
fn a_withdrawal_must_leave_something() {
    let registration = Registration::new(&PLAIN);
    let source = || vec![sources(&registration).remove(0)];
    let all = WithdrawalTx::build(source(), &HOME, Sat(1_000_000));
    assert!(matches!(all, Err(WithdrawalError::FeeTakesAll { .. })));
    let dust = WithdrawalTx::build(source(), &HOME, Sat(1_000_000 - 293));
    assert!(matches!(dust, Err(WithdrawalError::Dust(Sat(293)))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_proof_depends_on_every_key_and_time_of_the_plan(which in 0u32..4, delta in 1u16..50) {
        let registration = Registration::new(&PLAIN);
        let stakers = registration.terms.stakers.clone();
        let mut selection = sources(&registration);
        selection.truncate(1);
        let tx = WithdrawalTx::build(selection, &HOME, Sat(1_000)).unwrap();
        let tx = signed(&PLAIN, &tx, &stakers);
        // The plan is changed after signing: the proof no longer holds.
        let shape = match which {
            0 => Shape { providers: 2, ..PLAIN },
            1 => Shape { members: 7, quorum: 4, ..PLAIN },
            2 => Shape { staking_time: PLAIN.staking_time + u32::from(delta), ..PLAIN },
            _ => Shape { value: PLAIN.value + u64::from(delta), ..PLAIN },
        };
        let mut other = sources(&Registration::new(&shape));
        other.truncate(1);
        prop_assert!(WithdrawalTx::prove(&CURVE, &stakers, &other, &tx).is_err());
    }
}
