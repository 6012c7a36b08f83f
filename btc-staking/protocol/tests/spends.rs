//! Families `stake_expansion` and `stake_spend`, with the traps of both.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "test helpers")]

mod common;

use common::{CURVE, bytes, cases, hex, int, list, sat, signature, small, staker, tx};
use serde_json::Value;
use staking_crypto::bip340;
use staking_protocol::keys::Stakers;
use staking_protocol::taproot::leaf_hash;
use staking_protocol::tx::expansion::{ExpansionError, ExpansionTx};
use staking_protocol::tx::sighash::Prevout;
use staking_protocol::tx::spend::{SpendError, StakeSpend};
use staking_protocol::tx::{OutPoint, Sat, Transaction, TxOut, Txid};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn previous(input: &Value) -> OutPoint {
    let txid = Txid::from_display_order(common::array(&input["previous_staking_txid"]));
    OutPoint { txid, vout: small(&input["previous_output_idx"]) }
}

fn parse_expansion(input: &Value) -> Result<ExpansionTx, ExpansionError> {
    ExpansionTx::validate(tx(&input["expansion_tx"]), previous(input), &tx(&input["funding_tx"]))
}

#[test]
fn expansions_are_judged_as_on_babylon() {
    for case in cases("stake_expansion") {
        let (input, out) = (&case.input, &case.output);
        let parsed = parse_expansion(input);
        assert_eq!(parsed.is_ok(), out["parse_ok"], "{case}");
        let check = || -> Anyhow<ExpansionTx> {
            let expansion = parsed?;
            let old = tx(&input["previous_staking_tx"]);
            let old = old.output(small(&input["previous_output_idx"])).ok_or("no old output")?;
            let digest =
                expansion.sighash(Prevout::from(old), &leaf_hash(&bytes(&input["unbonding_script"])));
            assert_eq!(hex(digest.0), out["sighash_input0"], "{case}");
            assert_eq!(hex(expansion.funding().to_bytes()), out["funding_output"], "{case}");
            assert_eq!(expansion.funding_outpoint().vout, small(&out["funding_output_idx"]), "{case}");
            let key = staker(&input["staker_pk"]);
            bip340::verify(&CURVE, key.x_only(), &digest.0, &signature(&input["sig"]))?;
            Ok(expansion)
        };
        case.judge(check());
    }
}

/// Trap A17.
#[test]
fn an_expansion_needs_positive_funding_and_fee() {
    let case = cases("stake_expansion").into_iter().find(|case| case.kind == "plain").unwrap();
    let expansion = parse_expansion(&case.input).unwrap();
    let paid: u64 = expansion.transaction().outputs.iter().map(|o| o.value.0).sum();
    let funding = expansion.funding().value.0;
    let old = Sat(paid - funding + 1);
    assert_eq!(expansion.check_amounts(old, old), Ok(()));
    let no_fee = expansion.check_amounts(Sat(old.0 - 1), old);
    assert_eq!(no_fee, Err(ExpansionError::NoFee { available: Sat(paid), paid: Sat(paid) }));
    let shrunk = expansion.check_amounts(old, Sat(old.0 - 1));
    assert_eq!(shrunk, Err(ExpansionError::Shrinks { old, new: Sat(old.0 - 1) }));
    for bad in [Sat(0), Sat(u64::MAX)] {
        let empty = ExpansionTx::with_funding_output(
            expansion.transaction().clone(),
            expansion.previous(),
            expansion.funding_outpoint(),
            TxOut::new(bad, []),
        );
        assert_eq!(empty, Err(ExpansionError::FundingValue(bad)));
    }
}

/// Traps A18 and A23.
#[test]
fn an_owner_is_the_same_by_keys_and_quorum() {
    let case = cases("multisig_staker").into_iter().find(|case| case.kind == "plain").unwrap();
    let keys: Vec<_> = list(&case.input["staker_pks"]).iter().map(staker).collect();
    let owner = Stakers::multi(keys.clone(), 1).unwrap();
    let reversed = Stakers::multi(keys.iter().rev().copied().collect(), 1).unwrap();
    assert!(owner.same_owner(&reversed));
    assert!(!owner.same_owner(&Stakers::multi(keys.clone(), 2).unwrap()));
    assert!(!owner.same_owner(&Stakers::single(keys[0])));
}

/// Traps A21 and F14.
#[test]
fn spends_are_judged_as_on_babylon() {
    for case in cases("stake_spend") {
        let input = &case.input;
        let spending = tx(&input["spending_tx"]);
        let funding: Vec<Transaction> = list(&input["funding_txs"]).iter().map(tx).collect();
        let spend = StakeSpend { tx: &spending, input: int(&input["input_idx"]) as usize, funding: &funding };
        let stakers = Stakers::single(staker(&input["staker_pk"]));
        let script = bytes(&input["staking_output_pk_script"]);
        let verified = spend.verify_signatures(&CURVE, &script, &stakers);
        if case.judge(verified).is_some() {
            let outpoint = spending.inputs[spend.input].previous_output;
            let output = Prevout { value: sat(&input["staking_output_value"]), script: &script };
            assert_eq!(spend.verify(&CURVE, outpoint, output, &stakers), Ok(()), "{case}");
            let dearer = Prevout { value: Sat(output.value.0 + 1), ..output };
            assert_eq!(
                spend.verify(&CURVE, outpoint, dearer, &stakers),
                Err(SpendError::NotTheStake),
                "{case}"
            );
            assert_eq!(StakeSpend::input_spending(&spending, outpoint), Some(spend.input));
            let mut stack = spending.inputs[spend.input].witness.as_slice();
            if stack.last().is_some_and(|item| item.first() == Some(&0x50)) {
                stack = &stack[..stack.len() - 1];
            }
            let leaf = leaf_hash(&stack[stack.len() - 2]);
            assert_eq!(spend.verify_for_leaf(&CURVE, &leaf, &stakers), Ok(()), "{case}");
            let other = spend.verify_for_leaf(&CURVE, &leaf_hash(b"another script"), &stakers);
            assert!(matches!(other, Err(SpendError::Verify(_))), "{case}: {other:?}");
        }
    }
}

/// Trap A22.
#[test]
fn empty_slots_do_not_count_for_an_owner_of_several_keys() {
    let raw = common::load("extra/multisig_staker_vectors.json");
    let raw = &raw[0];
    let stakers = common::stakers(raw).unwrap();
    let staking = tx(&raw["staking_tx"]);
    let script = staking.outputs[0].script.clone();
    for field in ["unbonding_tx_signed", "withdraw_tx_signed", "slashing_tx_signed"] {
        let mut spending = tx(&raw[field]);
        let funding = [staking.clone()];
        let verify = |tx: &Transaction| {
            StakeSpend { tx, input: 0, funding: &funding }.verify_signatures(&CURVE, &script, &stakers)
        };
        assert_eq!(verify(&spending), Ok(()), "{field}");
        let slots = spending.inputs[0].witness.len() - 2;
        for slot in &mut spending.inputs[0].witness[..slots] {
            slot.clear();
        }
        assert_eq!(verify(&spending), Err(SpendError::BelowQuorum { found: 0, quorum: 2 }), "{field}");
        spending.inputs[0].witness.drain(..slots - 1);
        assert_eq!(verify(&spending), Err(SpendError::ShortWitness(1)), "{field}");
    }
}
