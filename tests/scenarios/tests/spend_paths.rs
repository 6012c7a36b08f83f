//! Every way to spend every output of a stake, executed in Bitcoin Core's script interpreter; and the ways that must fail there.
//!
//! Spec §1.3 (scripts), §1.4 (witnesses), §2 (transactions). The rules outside of the script (maturity of locks, fees, standardness) are for
//! `stake_life_on_node.rs`.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "spend_paths/cast.rs"]
mod cast;

use cast::{Cast, SHAPES, STAKE, Shape, digest, run, run_all, run_with, sign, somewhere, spend};
use mesh_harness::bitcoin::script::ScriptError;
use staking_protocol::script::{StakingPath, UnbondingPath};
use staking_protocol::taproot::Leaf;
use staking_protocol::tx::sighash::{Prevout, SighashType, taproot};
use staking_protocol::tx::slashing::Funding;
use staking_protocol::tx::witness;
use staking_protocol::tx::{ExpansionTx, OutPoint, Sat, Transaction, TxIn, TxOut};

const REFUSED: Result<(), ScriptError> = Err(ScriptError::Refused { index: 0 });

/// The three outputs that end in a time lock: script, leaf, control block, blocks.
fn timelocks(cast: &Cast) -> [([u8; 34], Leaf, Vec<u8>, u32); 3] {
    let s = &cast.scripts;
    let (staking, unbonding) = (cast.staking_time.sequence(), cast.unbonding_time.sequence());
    let staking_path = StakingPath::Timelock;
    let unbonding_path = UnbondingPath::Timelock;
    [
        (
            s.staking.pk_script(),
            s.staking.leaf(staking_path).clone(),
            s.staking.control_block(staking_path),
            staking,
        ),
        (
            s.unbonding.pk_script(),
            s.unbonding.leaf(unbonding_path).clone(),
            s.unbonding.control_block(unbonding_path),
            unbonding,
        ),
        (s.change.pk_script(), s.change.leaf().clone(), s.change.control_block(), unbonding),
    ]
}

/// The two outputs that can be slashed: funding, script, leaf, control block.
fn slashables(cast: &Cast) -> [(Funding, [u8; 34], Leaf, Vec<u8>); 2] {
    let (staking, unbonding) = (&cast.scripts.staking, &cast.scripts.unbonding);
    let stake = Funding { outpoint: somewhere(), value: STAKE };
    let tx = cast.unbonding_tx(somewhere());
    let left = Funding { outpoint: tx.outpoint(), value: tx.value() };
    let (first, second) = (StakingPath::Slashing, UnbondingPath::Slashing);
    [
        (stake, staking.pk_script(), staking.leaf(first).clone(), staking.control_block(first)),
        (left, unbonding.pk_script(), unbonding.leaf(second).clone(), unbonding.control_block(second)),
    ]
}

fn timelock_spend(
    cast: &Cast,
    case: &([u8; 34], Leaf, Vec<u8>, u32),
    version: i32,
    sequence: u32,
) -> Result<(), ScriptError> {
    let (script, leaf, control, _) = case;
    let tx = spend(STAKE, version, sequence);
    let signatures = cast.staker_signatures(3, &digest(&tx, STAKE, script, leaf));
    let stack = witness::timelock(&cast.owner(), &signatures, leaf, control).unwrap();
    run_with(&tx, &stack, STAKE, script)
}

#[test]
fn the_owner_takes_back_every_output_after_its_lock() {
    for shape in SHAPES {
        let cast = Cast::new(shape);
        for case in timelocks(&cast) {
            assert_eq!(timelock_spend(&cast, &case, 2, case.3), Ok(()), "{shape:?}");
            assert_eq!(timelock_spend(&cast, &case, 2, case.3 + 1), Ok(()), "{shape:?}");
        }
    }
}

#[test]
fn no_sequence_or_version_opens_a_lock_early() {
    const DISABLED: u32 = 1 << 31;
    const SECONDS: u32 = 1 << 22;
    for shape in SHAPES {
        let cast = Cast::new(shape);
        for case in timelocks(&cast) {
            for sequence in [0, case.3 - 1, u32::MAX, DISABLED | case.3, SECONDS | case.3, SECONDS | 0xffff] {
                assert_eq!(timelock_spend(&cast, &case, 2, sequence), REFUSED, "{shape:?} {sequence:#x}");
            }
            assert_eq!(timelock_spend(&cast, &case, 1, case.3), REFUSED, "version 1 has no relative locks");
        }
    }
}

#[test]
fn the_owner_and_the_committee_unbond_at_any_time() {
    for shape in SHAPES {
        let cast = Cast::new(shape);
        let (output, path) = (&cast.scripts.staking, StakingPath::Unbonding);
        let tx = cast.unbonding_tx(somewhere());
        let digest = tx.sighash(STAKE, output);
        let stack = cast.unbonding_witness(&digest, output.leaf(path), &output.control_block(path));
        assert_eq!(run(&tx.with_witness(stack), STAKE, &output.pk_script()), Ok(()), "{shape:?}");
    }
}

#[test]
fn each_provider_that_leaks_its_key_can_be_slashed_from_both_outputs() {
    for shape in SHAPES {
        let cast = Cast::new(shape);
        for (funding, script, leaf, control) in slashables(&cast) {
            let tx = cast.slashing_tx(funding);
            let digest = tx.sighash(&script, leaf.hash());
            for index in 0..usize::from(shape.providers) {
                let stack = cast.slashing_witness(index, &digest, &leaf, &control);
                assert_eq!(
                    run(&tx.with_witness(stack), funding.value, &script),
                    Ok(()),
                    "{shape:?} provider {index}"
                );
            }
        }
    }
}

/// A10: NUMEQUAL is exact, one signature more than the quorum is as bad as one less.
#[test]
fn exactly_a_quorum_of_the_committee_must_sign() {
    for shape in SHAPES {
        let (members, quorum) = (usize::from(shape.covenants.0), usize::try_from(shape.covenants.1).unwrap());
        let cast = Cast::new(shape);
        let (output, path) = (&cast.scripts.staking, StakingPath::Unbonding);
        let tx = cast.unbonding_tx(somewhere());
        let digest = tx.sighash(STAKE, output);
        let stack = cast.unbonding_witness(&digest, output.leaf(path), &output.control_block(path));
        let all = cast.covenant_signatures(members, &digest);
        for filled in 0..=members {
            let mut stack = stack.clone();
            fill(
                &mut stack,
                cast.committee()
                    .keys()
                    .iter()
                    .rev()
                    .map(|k| all.iter().find(|(m, _)| m == k).unwrap().1.to_bytes()),
                filled,
            );
            let expected = if filled == quorum { Ok(()) } else { REFUSED };
            assert_eq!(
                run_with(tx.transaction(), &stack, STAKE, &output.pk_script()),
                expected,
                "{shape:?} {filled} signatures"
            );
        }
    }
}

/// Puts the first `filled` signatures into the bottom slots, in slot order.
fn fill(stack: &mut [Vec<u8>], signatures: impl Iterator<Item = [u8; 64]>, filled: usize) {
    for (index, signature) in signatures.enumerate() {
        stack[index] = if index < filled { signature.to_vec() } else { Vec::new() };
    }
}

/// A10 for owners of several keys, A22: empty slots do not count.
#[test]
fn exactly_a_quorum_of_the_owners_keys_must_sign() {
    for shape in SHAPES.into_iter().filter(|s| s.stakers.0 > 1) {
        let cast = Cast::new(shape);
        let quorum = usize::try_from(shape.stakers.1).unwrap();
        for (script, leaf, control, lock) in timelocks(&cast) {
            let tx = spend(STAKE, 2, lock);
            let all = cast.staker_signatures(3, &digest(&tx, STAKE, &script, &leaf));
            let good = witness::timelock(&cast.owner(), &all, &leaf, &control).unwrap();
            let mut slots: Vec<_> =
                all.iter().map(|(key, signature)| (key.to_bytes(), signature.to_bytes())).collect();
            slots.sort_unstable_by_key(|(key, _)| std::cmp::Reverse(*key));
            for filled in 0..=slots.len() {
                let mut stack = good.clone();
                fill(&mut stack, slots.iter().map(|(_, signature)| *signature), filled);
                let expected = if filled == quorum { Ok(()) } else { REFUSED };
                assert_eq!(run_with(&tx, &stack, STAKE, &script), expected, "{shape:?} {filled} signatures");
            }
        }
    }
}

/// Two providers that both leaked are still slashed one at a time.
#[test]
fn two_providers_signatures_in_one_witness_are_refused() {
    for shape in SHAPES.into_iter().filter(|s| s.providers > 1) {
        let cast = Cast::new(shape);
        let members = usize::from(shape.covenants.0);
        for (funding, script, leaf, control) in slashables(&cast) {
            let tx = cast.slashing_tx(funding);
            let digest = tx.sighash(&script, leaf.hash());
            let mut stack = cast.slashing_witness(0, &digest, &leaf, &control);
            let second = cast.slashing_witness(1, &digest, &leaf, &control);
            for slot in members..members + usize::from(shape.providers) {
                if !second[slot].is_empty() {
                    stack[slot].clone_from(&second[slot]);
                }
            }
            assert_eq!(run_with(tx.transaction(), &stack, funding.value, &script), REFUSED, "{shape:?}");
            stack[members..members + usize::from(shape.providers)].fill(Vec::new());
            assert_eq!(
                run_with(tx.transaction(), &stack, funding.value, &script),
                REFUSED,
                "{shape:?} without provider"
            );
        }
    }
}

/// A11: slots are in descending order of keys; any two signatures exchanged make the witness invalid.
#[test]
fn signatures_in_other_slots_are_refused() {
    let shape = Shape { stakers: (3, 3), providers: 2, covenants: (3, 3) };
    let cast = Cast::new(shape);
    for (funding, script, leaf, control) in slashables(&cast) {
        let tx = cast.slashing_tx(funding);
        let good = cast.slashing_witness(0, &tx.sighash(&script, leaf.hash()), &leaf, &control);
        assert_eq!(run_with(tx.transaction(), &good, funding.value, &script), Ok(()));
        for (a, b) in (0..8).flat_map(|a| (a + 1..8).map(move |b| (a, b))) {
            let mut stack = good.clone();
            stack.swap(a, b);
            assert_eq!(
                run_with(tx.transaction(), &stack, funding.value, &script),
                REFUSED,
                "slots {a} and {b}"
            );
        }
    }
}

#[test]
fn a_strangers_signature_or_a_spoiled_one_opens_nothing() {
    let cast = Cast::new(SHAPES[4]);
    let mut cases = Vec::new();
    for (funding, script, leaf, control) in slashables(&cast) {
        let tx = cast.slashing_tx(funding);
        let digest = tx.sighash(&script, leaf.hash());
        cases.push((
            tx.transaction().clone(),
            cast.slashing_witness(1, &digest, &leaf, &control),
            digest,
            funding.value,
            script,
        ));
    }
    for (script, leaf, control, lock) in timelocks(&cast) {
        let tx = spend(STAKE, 2, lock);
        let digest = digest(&tx, STAKE, &script, &leaf);
        let stack =
            witness::timelock(&cast.owner(), &cast.staker_signatures(3, &digest), &leaf, &control).unwrap();
        cases.push((tx, stack, digest, STAKE, script));
    }
    for (tx, good, digest, value, script) in cases {
        assert_eq!(run_with(&tx, &good, value, &script), Ok(()));
        let foreign = sign(&cast.stranger, &digest).to_bytes();
        for slot in (0..good.len() - 2).filter(|slot| !good[*slot].is_empty()) {
            let mut stack = good.clone();
            stack[slot] = foreign.to_vec();
            assert_eq!(run_with(&tx, &stack, value, &script), REFUSED, "stranger in slot {slot}");
            stack[slot].clone_from(&good[slot]);
            stack[slot][40] ^= 1;
            assert_eq!(run_with(&tx, &stack, value, &script), REFUSED, "spoiled slot {slot}");
            stack[slot].clone_from(&good[slot]);
            stack[slot].push(1);
            assert_eq!(run_with(&tx, &stack, value, &script), REFUSED, "other sighash type in slot {slot}");
        }
    }
}

/// An adaptor signature is not a signature before the provider's key is out, and another provider's key does not make it one.
#[test]
fn undecrypted_and_wrongly_decrypted_adaptor_signatures_are_refused() {
    let cast = Cast::new(Shape { stakers: (1, 1), providers: 2, covenants: (1, 1) });
    for (funding, script, leaf, control) in slashables(&cast) {
        let tx = cast.slashing_tx(funding);
        let digest = tx.sighash(&script, leaf.hash());
        let mut stack = cast.slashing_witness(0, &digest, &leaf, &control);
        let encrypted = cast.encrypted(0, &digest);
        stack[0] = encrypted[1..].to_vec();
        assert_eq!(run_with(tx.transaction(), &stack, funding.value, &script), REFUSED);
        let parsed = staking_crypto::adaptor::AdaptorSignature::from_bytes(&encrypted).unwrap();
        stack[0] = parsed.decrypt(&cast.leaked_secret(1)).to_bytes().to_vec();
        assert_eq!(run_with(tx.transaction(), &stack, funding.value, &script), REFUSED);
        stack[0] = parsed.decrypt(&cast.leaked_secret(0)).to_bytes().to_vec();
        assert_eq!(run_with(tx.transaction(), &stack, funding.value, &script), Ok(()));
    }
}

/// A24: the change of a slashing holds the time lock and nothing else; leaves of one output do not open another.
#[test]
fn a_leaf_opens_only_the_output_it_is_in() {
    let cast = Cast::new(SHAPES[1]);
    let s = &cast.scripts;
    let outputs = [s.staking.pk_script(), s.unbonding.pk_script(), s.change.pk_script()];
    for (home, (_, _, leaf, control)) in slashables(&cast).into_iter().enumerate() {
        for (index, script) in outputs.iter().enumerate() {
            let tx = spend(STAKE, 2, u32::MAX);
            let stack = cast.slashing_witness(0, &digest(&tx, STAKE, script, &leaf), &leaf, &control);
            let expected = if index == home { Ok(()) } else { REFUSED };
            assert_eq!(run_with(&tx, &stack, STAKE, script), expected, "slashing leaf of {home} on {index}");
        }
    }
    let path = StakingPath::Unbonding;
    for script in &outputs[1..] {
        let tx = spend(STAKE, 2, u32::MAX);
        let digest = digest(&tx, STAKE, script, s.staking.leaf(path));
        let stack = cast.unbonding_witness(&digest, s.staking.leaf(path), &s.staking.control_block(path));
        assert_eq!(run_with(&tx, &stack, STAKE, script), REFUSED);
    }
}

/// The internal key is a point nobody knows the logarithm of: no key of the cast spends by the key path.
#[test]
fn nobody_spends_by_the_key_path() {
    let cast = Cast::new(SHAPES[1]);
    let s = &cast.scripts;
    for script in [s.staking.pk_script(), s.unbonding.pk_script(), s.change.pk_script()] {
        let tx = spend(STAKE, 2, u32::MAX);
        let prevout = Prevout { value: STAKE, script: &script };
        let kind = SighashType::from_byte(0).unwrap();
        let digest = taproot(&tx, 0, &[prevout], None, kind, None).unwrap();
        let stakers = cast.staker_signatures(1, &digest).into_iter().map(|(_, s)| s);
        let covenants = cast.covenant_signatures(5, &digest).into_iter().map(|(_, s)| s);
        let others = [cast.provider_signature(0, &digest).1, sign(&cast.stranger, &digest)];
        for signature in stakers.chain(covenants).chain(others) {
            assert_eq!(run_with(&tx, &[signature.to_bytes().to_vec()], STAKE, &script), REFUSED);
        }
    }
}

/// An expansion spends the old stake by its unbonding path, next to a funding input that every signature commits to.
#[test]
fn an_expansion_spends_the_stake_beside_its_funding() {
    let cast = Cast::new(SHAPES[3]);
    let (output, path) = (&cast.scripts.staking, StakingPath::Unbonding);
    let funding = Transaction {
        outputs: vec![
            TxOut::new(Sat(50_000), output.pk_script()),
            TxOut::new(Sat(70_000), [&[0x51, 0x20][..], &[2; 32]].concat()),
        ],
        ..spend(STAKE, 2, u32::MAX)
    };
    let mut tx = spend(STAKE, 2, u32::MAX);
    tx.inputs.push(TxIn::unsigned(OutPoint { txid: funding.txid(), vout: 1 }, u32::MAX));
    let expansion = ExpansionTx::validate(tx.clone(), somewhere(), &funding).unwrap();
    let script = output.pk_script();
    let digest = expansion.sighash(Prevout { value: STAKE, script: &script }, output.leaf(path).hash());
    tx.inputs[0].witness = cast.unbonding_witness(&digest, output.leaf(path), &output.control_block(path));
    let stake = TxOut::new(STAKE, script);
    assert_eq!(run_all(&tx, &[stake.clone(), funding.outputs[1].clone()], 0), Ok(()));
    assert_eq!(run_all(&tx, &[stake, funding.outputs[0].clone()], 0), REFUSED, "another funding output");
}
