//! `tx_parse`, `parse_v0`, `presigned_sanity`, `slashing_build`, `slashing_check`.

use serde_json::Value;
use staking_protocol::keys::Stakers;
use staking_protocol::script::SlashingChange;
use staking_protocol::tag::{Tag, is_possible_v0, parse_v0 as find_stake, parse_v0_any_tag};
use staking_protocol::timelock::UnbondingTime;
use staking_protocol::tx::Transaction;
use staking_protocol::tx::sanity::{
    check_slashing_form, check_unbonding_form, is_simple_transfer, is_transfer,
};
use staking_protocol::tx::slash_amount::{SlashRounding, SlashingRate};
use staking_protocol::tx::slashing::{Funding, SlashingPolicy, SlashingTerms, SlashingTx};

use crate::args::Backend;
use crate::case::{Case, No, Out};
use crate::read::{Fields, either_form, hex, sat, staker, templates, transaction};

pub(crate) fn tx_parse(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let tx = Transaction::parse(&case.input.bytes("bytes")?)?;
    out.set("txid", tx.txid().to_string());
    out.set("wtxid", tx.wtxid().to_string());
    out.set("reserialized", hex(tx.serialize()));
    out.set("n_in", tx.inputs.len());
    out.set("n_out", tx.outputs.len());
    Ok(())
}

pub(crate) fn parse_v0(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let tx = transaction(case.input.at("tx")?)?;
    let tag = Tag(case.input.array("tag")?);
    out.set("is_possible_v0", is_possible_v0(&tx, tag));
    out.set("ok_without_tag", false);
    let templates = templates(case.input)?;
    out.set("ok_without_tag", parse_v0_any_tag(&case.curve, &tx, &templates).is_ok());
    let stake = find_stake(&case.curve, &tx, tag, &templates)?;
    out.set("staking_output_idx", stake.outpoint.vout);
    out.set("op_return_output_idx", stake.op_return_idx);
    out.set("value", stake.value.0);
    out.set("staker_pk", stake.data.staker.to_string());
    out.set("fp_pk", stake.data.provider.to_string());
    out.set("staking_time", stake.data.staking_time.blocks());
    Ok(())
}

pub(crate) fn presigned_sanity(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let mut tx = either_form(case.input, "tx")?;
    if let (Some(len), Some(first)) = (case.input.get("zero_witness_item_len"), tx.inputs.first_mut()) {
        let len = len.as_u64().and_then(|n| usize::try_from(n).ok());
        first.witness = vec![vec![0; len.ok_or(No::Broken("witness length".to_owned()))?]];
    }
    out.set("unbonding_ok", check_unbonding_form(&tx).is_ok());
    out.set("slashing_ok", check_slashing_form(&tx).is_ok());
    out.set("transfer_ok", is_transfer(&tx));
    out.set("simple_transfer_ok", is_simple_transfer(&tx));
    Ok(())
}

fn terms(input: &Value, fee: &str) -> Result<SlashingTerms, No> {
    Ok(SlashingTerms {
        pk_script: input.bytes("slashing_pk_script")?,
        rate: SlashingRate::parse(input.text("slashing_rate")?)?,
        rounding: SlashRounding::Double,
        min_fee: sat(input, fee)?,
    })
}

fn change(input: &Value, curve: Backend) -> Result<SlashingChange, No> {
    let time = UnbondingTime::new(input.small("change_lock_time")?)?;
    Ok(SlashingChange::new(&curve, &Stakers::single(staker(input.at("staker_pk")?)?), time)?)
}

pub(crate) fn slashing_build(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let funding = Funding::of(&transaction(input.at("funding_tx")?)?, input.small("funding_output_idx")?)?;
    let terms = terms(input, "fee")?;
    let change = change(input, case.curve)?;
    let built = SlashingTx::build(funding, &terms, terms.min_fee, &change.pk_script())?;
    out.set("slashing_tx", hex(built.transaction().serialize()));
    out.set("txid", built.txid().to_string());
    out.set("slashing_amount", built.slashed().0);
    out.set("change_amount", built.change().0);
    Ok(())
}

pub(crate) fn slashing_check(case: &Case<'_>, _: &mut Out) -> Result<(), No> {
    let input = case.input;
    let funding = either_form(input, "funding_tx")?;
    let funding = Funding::checked(&funding, input.small("funding_output_idx")?)?;
    let change = change(input, case.curve)?.pk_script();
    let terms = terms(input, "min_fee")?;
    SlashingTx::parse(&input.bytes("slashing_tx")?, funding, &terms, &change, SlashingPolicy::AtLeast)?;
    Ok(())
}
