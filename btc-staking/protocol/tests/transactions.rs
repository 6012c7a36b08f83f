//! Families `tx_parse`, `parse_v0`, `presigned_sanity`, `slashing_build`, `slashing_check`, dust and rounding vectors.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "test helpers")]

mod common;

use common::{CURVE, bytes, cases, hex, int, list, load, sat, small, staker, templates, tx};
use serde_json::Value;
use staking_protocol::keys::Stakers;
use staking_protocol::script::SlashingChange;
use staking_protocol::tag::{Tag, is_possible_v0, parse_v0, parse_v0_any_tag};
use staking_protocol::timelock::UnbondingTime;
use staking_protocol::tx::dust::{dust_threshold, is_dust};
use staking_protocol::tx::sanity::{
    check_slashing_form, check_unbonding_form, is_simple_transfer, is_transfer,
};
use staking_protocol::tx::slash_amount::{SlashRounding, SlashingRate};
use staking_protocol::tx::slashing::{Funding, SlashingPolicy, SlashingTerms, SlashingTx};
use staking_protocol::tx::{ParseTxError, Sat, Transaction, TxOut};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

#[test]
fn transactions_parse_as_in_btcd() {
    for case in cases("tx_parse") {
        let Some(tx) = case.judge(Transaction::parse(&bytes(&case.input["bytes"]))) else { continue };
        let out = &case.output;
        assert_eq!(tx.txid().to_string(), out["txid"], "{case}");
        assert_eq!(tx.wtxid().to_string(), out["wtxid"], "{case}");
        assert_eq!(hex(tx.serialize()), out["reserialized"], "{case}");
        assert_eq!(tx.inputs.len() as u64, int(&out["n_in"]), "{case}");
        assert_eq!(tx.outputs.len() as u64, int(&out["n_out"]), "{case}");
        assert_eq!(tx.total_len(), tx.serialize().len(), "{case}");
        assert_eq!(tx.stripped_len(), tx.serialize_stripped().len(), "{case}");
    }
}

/// Trap A7.
#[test]
fn a_byte_after_a_transaction_is_refused() {
    for case in cases("tx_parse").iter().filter(|case| case.ok == Some(true)) {
        let mut raw = bytes(&case.input["bytes"]);
        raw.push(0);
        assert_eq!(Transaction::parse(&raw), Err(ParseTxError::TrailingBytes(1)), "{case}");
    }
}

/// Trap A8.
#[test]
fn witnesses_do_not_change_the_identifier() {
    let tx = cases("witness")
        .iter()
        .find(|case| case.ok == Some(true))
        .map(|case| tx(&case.output["tx"]))
        .unwrap();
    assert!(tx.has_witness());
    let (txid, wtxid) = (tx.txid(), tx.wtxid());
    let stripped = tx.into_stripped();
    assert_eq!(stripped.txid(), txid);
    assert_ne!(wtxid, txid);
    assert_eq!(stripped.serialize(), stripped.serialize_stripped());
}

#[test]
fn identifiable_stakes_are_found_as_in_babylon() {
    for case in cases("parse_v0") {
        let tx = tx(&case.input["tx"]);
        let tag = Tag(common::array(&case.input["tag"]));
        let parse = || -> Anyhow<_> { Ok(parse_v0(&CURVE, &tx, tag, &templates(&case.input)?)?) };
        let any_tag = templates(&case.input).is_ok_and(|t| parse_v0_any_tag(&CURVE, &tx, &t).is_ok());
        if case.ok.is_some() {
            assert_eq!(is_possible_v0(&tx, tag), case.output["is_possible_v0"], "{case}");
            assert_eq!(any_tag, case.output["ok_without_tag"], "{case}");
        }
        let Some(stake) = case.judge(parse()) else { continue };
        let out = &case.output;
        assert_eq!(stake.outpoint.vout, small(&out["staking_output_idx"]), "{case}");
        assert_eq!(stake.op_return_idx, small(&out["op_return_output_idx"]), "{case}");
        assert_eq!(stake.value, sat(&out["value"]), "{case}");
        assert_eq!(stake.data.staker.to_string(), out["staker_pk"], "{case}");
        assert_eq!(stake.data.provider.to_string(), out["fp_pk"], "{case}");
        assert_eq!(u32::from(stake.data.staking_time.blocks()), small(&out["staking_time"]), "{case}");
    }
}

#[test]
fn real_stakes_are_found() {
    let (real, expected) = (load("real/staking_txs.json"), load("real/EXPECTED.json"));
    for (raw, expected) in list(&real["txs"]).iter().zip(list(&expected["staking_txs"])) {
        let tx = tx(&raw["tx"]);
        assert_eq!(tx.txid().to_string(), expected["txid"]);
        if let Some(tag) = raw.get("tag") {
            let stake = parse_v0(&CURVE, &tx, Tag(common::array(tag)), &templates(raw).unwrap()).unwrap();
            assert_eq!(stake.outpoint.vout, small(&expected["staking_output_idx"]));
            assert_eq!(stake.value, sat(&expected["value"]));
            assert_eq!(stake.data.provider.to_string(), expected["fp_pk"]);
        } else if raw.get("staker_pk").is_some() {
            let time = staking_protocol::timelock::StakingTime::new(small(&raw["staking_time"])).unwrap();
            let (stakers, providers) = (common::stakers(raw).unwrap(), common::providers(raw).unwrap());
            let output = templates(raw).unwrap().staking_output(&CURVE, &stakers, &providers, time).unwrap();
            let index = small(&expected["staking_output_idx"]);
            assert_eq!(tx.output(index).unwrap().script, output.pk_script());
        }
    }
}

#[test]
fn presigned_forms_are_judged_as_in_babylon() {
    for case in cases("presigned_sanity") {
        let input = &case.input;
        let mut tx = match input.get("tx") {
            Some(raw) => tx(raw),
            None => Transaction::parse_stripped(&bytes(&input["tx_no_witness"])).unwrap(),
        };
        if let Some(len) = input["zero_witness_item_len"].as_u64() {
            tx.inputs[0].witness = vec![vec![0; len as usize]];
        }
        assert_eq!(check_unbonding_form(&tx).is_ok(), case.output["unbonding_ok"], "{case}");
        assert_eq!(check_slashing_form(&tx).is_ok(), case.output["slashing_ok"], "{case}");
        assert_eq!(is_transfer(&tx), case.output["transfer_ok"], "{case}");
        assert_eq!(is_simple_transfer(&tx), case.output["simple_transfer_ok"], "{case}");
    }
}

fn terms(input: &Value, fee: &str) -> Anyhow<SlashingTerms> {
    Ok(SlashingTerms {
        pk_script: bytes(&input["slashing_pk_script"]),
        rate: SlashingRate::parse(input["slashing_rate"].as_str().unwrap())?,
        rounding: SlashRounding::Double,
        min_fee: Sat(input[fee].as_u64().ok_or("negative fee")?),
    })
}

fn change(input: &Value) -> Anyhow<SlashingChange> {
    let time = UnbondingTime::new(small(&input["change_lock_time"]))?;
    Ok(SlashingChange::new(&CURVE, &Stakers::single(staker(&input["staker_pk"])), time)?)
}

#[test]
fn slashing_transactions_are_built_byte_for_byte() {
    for case in cases("slashing_build") {
        let input = &case.input;
        let build = || -> Anyhow<_> {
            let funding = Funding::of(&tx(&input["funding_tx"]), small(&input["funding_output_idx"]))?;
            let terms = terms(input, "fee")?;
            Ok(SlashingTx::build(funding, &terms, terms.min_fee, &change(input)?.pk_script())?)
        };
        let Some(built) = case.judge(build()) else { continue };
        assert_eq!(hex(built.transaction().serialize()), case.output["slashing_tx"], "{case}");
        assert_eq!(built.txid().to_string(), case.output["txid"], "{case}");
        assert_eq!(built.slashed(), sat(&case.output["slashing_amount"]), "{case}");
        assert_eq!(built.change(), sat(&case.output["change_amount"]), "{case}");
    }
}

#[test]
fn slashing_transactions_are_judged_as_in_babylon() {
    for case in cases("slashing_check") {
        let input = &case.input;
        let check = || -> Anyhow<_> {
            let funding = match input.get("funding_tx") {
                Some(raw) => tx(raw),
                None => Transaction::parse_stripped(&bytes(&input["funding_tx_no_witness"]))?,
            };
            let funding = Funding::checked(&funding, small(&input["funding_output_idx"]))?;
            let (terms, change) = (terms(input, "min_fee")?, change(input)?.pk_script());
            let raw = bytes(&input["slashing_tx"]);
            Ok(SlashingTx::parse(&raw, funding, &terms, &change, SlashingPolicy::AtLeast)?)
        };
        case.judge(check());
    }
}

/// Trap A13.
#[test]
fn slashed_amounts_are_those_of_double_arithmetic() {
    for group in list(&load("extra/babylon_vectors.json")["rounding"]) {
        let rate = SlashingRate::parse(group["rate"].as_str().unwrap()).unwrap();
        for sample in list(&group["samples"]) {
            let slashed = rate.slash(sat(&sample["value"]), SlashRounding::Double);
            assert_eq!(slashed, Some(sat(&sample["slashed"])), "{rate}");
        }
        for example in list(&group["examples"]) {
            let value = sat(&example["value"]);
            assert_eq!(rate.slash(value, SlashRounding::Double), Some(sat(&example["float"])));
            assert_eq!(rate.slash(value, SlashRounding::ExactHalfUp), Some(sat(&example["exact_half_up"])));
        }
    }
    let rate = SlashingRate::parse("0.29").unwrap();
    assert_eq!(rate.slash(Sat(50), SlashRounding::Double), Some(Sat(14)));
    assert_eq!(rate.slash(Sat(50), SlashRounding::ExactHalfUp), Some(Sat(15)));
}

/// The computation that is emulated, in floating point.
fn with_doubles(ten_thousandths: u16, value: u64) -> u64 {
    let rate: f64 = format!("0.{ten_thousandths:04}").parse().unwrap();
    (value as f64 * rate + 0.5) as u64
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]

    #[test]
    fn emulation_equals_the_machines_doubles(rate in 1u16..10_000, value in 0u64..=2_100_000_000_000_000) {
        let emulated = SlashingRate::from_ten_thousandths(rate).unwrap().slash(Sat(value), SlashRounding::Double);
        proptest::prop_assert_eq!(emulated, Some(Sat(with_doubles(rate, value))));
    }

    #[test]
    fn emulation_equals_doubles_near_ties(rate in 1u16..10_000, k in 0u64..210_000_000_000, d in 0u64..4) {
        // Products close to n + 1/2 are where the roundings show.
        let value = (k * 10_000 + 5_000) / u64::from(rate) + d;
        let value = value.min(2_100_000_000_000_000);
        let emulated = SlashingRate::from_ten_thousandths(rate).unwrap().slash(Sat(value), SlashRounding::Double);
        proptest::prop_assert_eq!(emulated, Some(Sat(with_doubles(rate, value))));
    }

    #[test]
    fn parsing_never_fails_other_than_by_an_error(bytes in proptest::collection::vec(0u8.., 0..300)) {
        if let Ok(tx) = Transaction::parse(&bytes) {
            proptest::prop_assert_eq!(tx.serialize(), bytes);
        }
    }
}

#[test]
fn dust_thresholds_equal_btcds() {
    for row in list(&load("extra/babylon_vectors.json")["dust"]) {
        let script = bytes(&row["script"]);
        match row["min_non_dust"].as_u64() {
            Some(least) => assert_eq!(dust_threshold(&script), Sat(least), "{}", row["type"]),
            // Data carriers are dust at any value.
            None => assert!(is_dust(&TxOut::new(Sat(1_000_000), script)), "{}", row["type"]),
        }
    }
}
