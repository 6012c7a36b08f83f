//! Families `staking`, `unbonding`, `timelock`, `multisig_staker` and the deterministic script vectors.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::{CURVE, bytes, cases, hex, int, list, load, providers, small, staker, stakers, templates};
use serde_json::Value;
use staking_protocol::keys::{ProviderKey, StakerKey, Stakers};
use staking_protocol::script::{
    DelegationScripts, SlashingChange, StakingOutput, StakingPath, UnbondingOutput, UnbondingPath,
};
use staking_protocol::tag::{OpReturnV0, Tag};
use staking_protocol::taproot::Leaf;
use staking_protocol::timelock::{StakingTime, UnbondingTime};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn check_leaf(expected: &Value, leaf: &Leaf, control_block: Vec<u8>, at: &str) {
    assert_eq!(hex(leaf.script()), expected["script"], "{at}: script");
    assert_eq!(hex(control_block), expected["control_block"], "{at}: control block");
    if let Some(hash) = expected["leaf_hash"].as_str() {
        assert_eq!(hex(leaf.hash()), hash, "{at}: leaf hash");
    }
}

fn check_staking(out: &Value, output: &StakingOutput, at: &str) {
    for (name, path) in [
        ("timelock", StakingPath::Timelock),
        ("unbonding", StakingPath::Unbonding),
        ("slashing", StakingPath::Slashing),
    ] {
        check_leaf(&out[name], output.leaf(path), output.control_block(path), at);
    }
}

fn check_unbonding(out: &Value, output: &UnbondingOutput, at: &str) {
    for (name, path) in [("timelock", UnbondingPath::Timelock), ("slashing", UnbondingPath::Slashing)] {
        check_leaf(&out[name], output.leaf(path), output.control_block(path), at);
    }
}

fn staking(input: &Value) -> Anyhow<StakingOutput> {
    let time = StakingTime::new(small(&input["staking_time"]))?;
    Ok(templates(input)?.staking_output(&CURVE, &stakers(input)?, &providers(input)?, time)?)
}

#[test]
fn staking_outputs_equal_babylons() {
    for case in cases("staking") {
        let Some(output) = case.judge(staking(&case.input)) else { continue };
        let (out, at) = (&case.output, case.to_string());
        check_staking(out, &output, &at);
        assert_eq!(hex(output.pk_script()), out["pk_script"], "{at}");
        assert_eq!(hex(output.output_key().merkle_root()), out["merkle_root"], "{at}");
        assert_eq!(hex(output.output_key().key().as_bytes()), out["output_key"], "{at}");
        assert_eq!(output.output_key().is_odd(), out["output_key_odd"], "{at}");
        check_tag(&case.input, out, &at);
    }
}

fn check_tag(input: &Value, out: &Value, at: &str) {
    let Some(payload) = out["op_return_payload"].as_str() else { return };
    let data = OpReturnV0 {
        tag: Tag(common::array(&input["tag"])),
        staker: staker(&input["staker_pk"]),
        provider: common::provider(&input["fp_pks"][0]),
        staking_time: StakingTime::new(small(&input["staking_time"])).unwrap(),
    };
    assert_eq!(hex(data.payload()), payload, "{at}");
    assert_eq!(hex(data.script()), out["op_return_script"], "{at}");
    assert_eq!(OpReturnV0::read(&CURVE, &data.script()), Some(data), "{at}");
}

#[test]
fn unbonding_outputs_equal_babylons() {
    for case in cases("unbonding") {
        let build = || -> Anyhow<_> {
            let time = UnbondingTime::new(small(&case.input["unbonding_time"]))?;
            let (stakers, providers) = (stakers(&case.input)?, providers(&case.input)?);
            Ok(templates(&case.input)?.unbonding_output(&CURVE, &stakers, &providers, time)?)
        };
        let Some(output) = case.judge(build()) else { continue };
        check_unbonding(&case.output, &output, &case.to_string());
        assert_eq!(hex(output.pk_script()), case.output["pk_script"], "{case}");
        assert_eq!(hex(output.output_key().merkle_root()), case.output["merkle_root"], "{case}");
        assert_eq!(output.output_key().is_odd(), case.output["output_key_odd"], "{case}");
    }
}

#[test]
fn slashing_change_equals_babylons() {
    for case in cases("timelock") {
        let build = || -> Anyhow<_> {
            let time = UnbondingTime::new(small(&case.input["lock_time"]))?;
            Ok(SlashingChange::new(&CURVE, &Stakers::single(staker(&case.input["pk"])), time)?)
        };
        let Some(change) = case.judge(build()) else { continue };
        check_leaf(&case.output, change.leaf(), change.control_block(), &case.to_string());
        assert_eq!(hex(change.pk_script()), case.output["pk_script"], "{case}");
    }
}

fn all_outputs(input: &Value, staking_time: u64, unbonding_time: u64) -> Anyhow<DelegationScripts> {
    let staking_time = StakingTime::new(staking_time.try_into()?)?;
    let unbonding_time = UnbondingTime::new(unbonding_time.try_into()?)?;
    let (stakers, providers) = (stakers(input)?, providers(input)?);
    Ok(templates(input)?.scripts(&CURVE, &stakers, &providers, staking_time, unbonding_time)?)
}

#[test]
fn multisig_outputs_equal_those_of_the_multisig_branch() {
    for case in cases("multisig_staker") {
        let time = int(&case.input["lock_time"]);
        let Some(scripts) = case.judge(all_outputs(&case.input, time, time)) else { continue };
        let (out, at) = (&case.output, case.to_string());
        check_staking(&out["staking"], &scripts.staking, &at);
        check_unbonding(&out["unbonding_output"], &scripts.unbonding, &at);
        check_leaf(&out["change"]["timelock"], scripts.change.leaf(), scripts.change.control_block(), &at);
        assert_eq!(hex(scripts.staking.pk_script()), out["staking"]["pk_script"], "{at}");
        assert_eq!(hex(scripts.unbonding.pk_script()), out["unbonding_output"]["pk_script"], "{at}");
        assert_eq!(hex(scripts.change.pk_script()), out["change"]["pk_script"], "{at}");
    }
}

fn quorum_as_in_families(raw: &Value) -> Value {
    let mut input = raw.clone();
    if input.get("covenant_quorum").is_none() {
        input["covenant_quorum"] = raw["quorum"].clone();
    }
    input
}

#[test]
fn deterministic_outputs_equal_babylons() {
    for raw in list(&load("extra/babylon_vectors.json")["scripts"]) {
        let input = quorum_as_in_families(raw);
        let scripts = all_outputs(&input, int(&raw["staking_time"]), int(&raw["unbonding_time"])).unwrap();
        check_staking(&raw["staking"], &scripts.staking, "extra");
        check_unbonding(&raw["unbonding"], &scripts.unbonding, "extra");
        check_leaf(&raw["slashing_change"], scripts.change.leaf(), scripts.change.control_block(), "extra");
        assert_eq!(hex(scripts.staking.pk_script()), raw["staking_pkscript"]);
        assert_eq!(hex(scripts.unbonding.pk_script()), raw["unbonding_pkscript"]);
        assert_eq!(hex(scripts.change.pk_script()), raw["slashing_change_pkscript"]);
    }
}

#[test]
fn deterministic_multisig_outputs_equal_the_branchs() {
    for raw in list(&load("extra/multisig_staker_vectors.json")) {
        let scripts = all_outputs(raw, int(&raw["staking_time"]), int(&raw["unbonding_time"])).unwrap();
        let (staking, unbonding) = (&scripts.staking, &scripts.unbonding);
        assert_eq!(hex(staking.leaf(StakingPath::Timelock).script()), raw["timelock_script"]);
        assert_eq!(hex(staking.leaf(StakingPath::Unbonding).script()), raw["unbonding_script"]);
        assert_eq!(hex(staking.leaf(StakingPath::Slashing).script()), raw["slashing_script"]);
        assert_eq!(hex(unbonding.leaf(UnbondingPath::Timelock).script()), raw["unbonding_timelock_script"]);
        assert_eq!(hex(staking.pk_script()), raw["staking_pkscript"]);
        assert_eq!(hex(unbonding.pk_script()), raw["unbonding_pkscript"]);
        assert_eq!(hex(scripts.change.pk_script()), raw["slashing_change_pkscript"]);
    }
}

#[test]
fn deterministic_op_returns_equal_babylons() {
    for raw in list(&load("extra/babylon_vectors.json")["op_return"]) {
        let data = OpReturnV0 {
            tag: Tag::BBN_1,
            staker: staker(&raw["staker_pk"]),
            provider: common::provider(&raw["fp_pk"]),
            staking_time: StakingTime::new(small(&raw["time"])).unwrap(),
        };
        let script = data.script();
        let read = OpReturnV0::read(&CURVE, &bytes(&raw["script"])).unwrap();
        assert_eq!(hex(OpReturnV0 { tag: read.tag, ..data }.script()), raw["script"]);
        assert_eq!(script.len(), 73);
    }
}

/// Trap A9: equality is by x coordinate and over all roles.
#[test]
fn one_key_in_two_roles_is_refused() {
    let case = cases("staking").into_iter().find(|case| case.kind == "plain").unwrap();
    let templates = templates(&case.input).unwrap();
    let time = StakingTime::new(1000).unwrap();
    let (own, providers) = (stakers(&case.input).unwrap(), providers(&case.input).unwrap());
    let member = templates.covenants().keys()[0].to_bytes();
    let as_staker = Stakers::single(StakerKey::from_bytes(&member).unwrap());
    let as_provider = ProviderKey::from_bytes(&member).unwrap().into();
    let own_provider = ProviderKey::from_bytes(own.primary().as_bytes()).unwrap().into();
    assert!(templates.staking_output(&CURVE, &as_staker, &providers, time).is_err());
    assert!(templates.staking_output(&CURVE, &own, &as_provider, time).is_err());
    assert!(templates.staking_output(&CURVE, &own, &own_provider, time).is_err());
    assert!(templates.staking_output(&CURVE, &own, &providers, time).is_ok());
}

/// Trap A24: the change has the time lock leaf and nothing else.
#[test]
fn the_change_is_one_timelock_leaf() {
    let raw = &load("extra/babylon_vectors.json")["scripts"][3];
    let input = quorum_as_in_families(raw);
    let scripts = all_outputs(&input, int(&raw["staking_time"]), int(&raw["unbonding_time"])).unwrap();
    assert_eq!(scripts.change.leaf(), scripts.unbonding.leaf(UnbondingPath::Timelock));
    assert_eq!(scripts.change.control_block().len(), 33);
    assert_eq!(scripts.change.output_key().merkle_root(), scripts.change.leaf().hash());
    assert_eq!(scripts.unbonding.leaf(UnbondingPath::Slashing), scripts.staking.leaf(StakingPath::Slashing));
}
