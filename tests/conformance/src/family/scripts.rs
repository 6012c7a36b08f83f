//! `staking`, `unbonding`, `timelock`, `multisig_staker`: outputs and their leaves.

use serde_json::{Value, json};
use staking_protocol::header::Network;
use staking_protocol::keys::Stakers;
use staking_protocol::script::{SlashingChange, StakingOutput, StakingPath, UnbondingOutput, UnbondingPath};
use staking_protocol::tag::{OpReturnV0, Tag};
use staking_protocol::taproot::Leaf;
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::{Sat, Transaction, TxOut};

use crate::case::{Case, No, Out, refuse};
use crate::read::{Fields, hex, network, provider, providers, sat, staker, stakers, templates};

/// Address of a segwit v1 output key.
fn address(network: Network, key: &[u8]) -> Result<String, No> {
    let hrp = bech32::Hrp::parse(network.address_hrp()).or_else(refuse)?;
    bech32::segwit::encode_v1(hrp, key).or_else(refuse)
}

fn leaf(leaf: &Leaf, control_block: &[u8]) -> Value {
    json!({"script": hex(leaf.script()), "leaf_hash": hex(leaf.hash()), "control_block": hex(control_block)})
}

fn staking_paths(output: &StakingOutput) -> [(&'static str, Value); 3] {
    [
        ("timelock", StakingPath::Timelock),
        ("unbonding", StakingPath::Unbonding),
        ("slashing", StakingPath::Slashing),
    ]
    .map(|(name, path)| (name, leaf(output.leaf(path), output.control_block(path).as_ref())))
}

fn unbonding_paths(output: &UnbondingOutput) -> [(&'static str, Value); 2] {
    [("timelock", UnbondingPath::Timelock), ("slashing", UnbondingPath::Slashing)]
        .map(|(name, path)| (name, leaf(output.leaf(path), output.control_block(path).as_ref())))
}

pub(crate) fn staking(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let time = StakingTime::new(input.small("staking_time")?)?;
    let output = templates(input)?.staking_output(&case.curve, &stakers(input)?, &providers(input)?, time)?;
    for (name, value) in staking_paths(&output) {
        out.set(name, value);
    }
    let key = output.output_key();
    out.set("merkle_root", hex(key.merkle_root()));
    out.set("output_key", hex(key.key().as_bytes()));
    out.set("output_key_odd", key.is_odd());
    out.set("pk_script", hex(output.pk_script()));
    out.set("address", address(network(input)?, key.key().as_bytes())?);
    let value = sat(input, "staking_amount")?;
    out.set("value", value.0);
    if input.get("tag").is_some() && input.list("fp_pks")?.len() == 1 {
        tagged(input, time, value, &output, out)?;
    }
    Ok(())
}

fn tagged(
    input: &Value,
    staking_time: StakingTime,
    value: Sat,
    output: &StakingOutput,
    out: &mut Out,
) -> Result<(), No> {
    let data = OpReturnV0 {
        tag: Tag(input.array("tag")?),
        staker: staker(input.at("staker_pk")?)?,
        provider: provider(&input.at("fp_pks")?[0])?,
        staking_time,
    };
    out.set("op_return_payload", hex(data.payload()));
    out.set("op_return_script", hex(data.script()));
    let outputs = vec![TxOut::new(value, output.pk_script().to_vec()), data.output()];
    let unfunded = Transaction { version: 2, inputs: Vec::new(), outputs, lock_time: 0 };
    out.set("unfunded_tx_no_witness", hex(unfunded.serialize_stripped()));
    Ok(())
}

pub(crate) fn unbonding(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let time = UnbondingTime::new(input.small("unbonding_time")?)?;
    let output =
        templates(input)?.unbonding_output(&case.curve, &stakers(input)?, &providers(input)?, time)?;
    for (name, value) in unbonding_paths(&output) {
        out.set(name, value);
    }
    let key = output.output_key();
    out.set("merkle_root", hex(key.merkle_root()));
    out.set("output_key_odd", key.is_odd());
    out.set("pk_script", hex(output.pk_script()));
    out.set("address", address(network(input)?, key.key().as_bytes())?);
    out.set("value", sat(input, "unbonding_amount")?.0);
    Ok(())
}

pub(crate) fn timelock(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let time = UnbondingTime::new(case.input.small("lock_time")?)?;
    let owner = Stakers::single(staker(case.input.at("pk")?)?);
    let change = SlashingChange::new(&case.curve, &owner, time)?;
    out.set("script", hex(change.leaf().script()));
    out.set("leaf_hash", hex(change.leaf().hash()));
    out.set("control_block", hex(change.control_block()));
    out.set("pk_script", hex(change.pk_script()));
    out.set("address", address(network(case.input)?, change.output_key().key().as_bytes())?);
    Ok(())
}

pub(crate) fn multisig_staker(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let time = input.small("lock_time")?;
    let (staking_time, unbonding_time) = (StakingTime::new(time)?, UnbondingTime::new(time)?);
    let (stakers, providers) = (stakers(input)?, providers(input)?);
    let scripts =
        templates(input)?.scripts(&case.curve, &stakers, &providers, staking_time, unbonding_time)?;
    let with_script = |paths: &[(&str, Value)], pk_script: &[u8]| {
        let mut all = json!({"pk_script": hex(pk_script)});
        paths.iter().for_each(|(name, value)| all[*name] = value.clone());
        all
    };
    out.set("staking", with_script(&staking_paths(&scripts.staking), &scripts.staking.pk_script()));
    out.set(
        "unbonding_output",
        with_script(&unbonding_paths(&scripts.unbonding), &scripts.unbonding.pk_script()),
    );
    let change = [("timelock", leaf(scripts.change.leaf(), scripts.change.control_block().as_ref()))];
    out.set("change", with_script(&change, &scripts.change.pk_script()));
    Ok(())
}
