//! Families `delegation` (all but the proof of possession), `params`, `delegation_status`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::{CURVE, Case, bytes, cases, hex, int, list, load, params, raw_params, sat, signature, small};
use serde_json::Value;
use staking_crypto::bip340;
use staking_protocol::delegation::{
    DelegationFacts, DelegationRequest, Inclusion, StakeTerms, VerifiedDelegation, derive, verify_delegation,
};
use staking_protocol::params::{Params, ParamsUnchecked, ParamsVersions, version_for_height};
use staking_protocol::script::StakingPath;
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::witness::{self, SlashingSignatures};
use staking_protocol::tx::{OutPoint, Txid};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn verify(input: &Value, policy: SlashingPolicy) -> Anyhow<VerifiedDelegation> {
    let params = params(&input["params"]);
    let stakers = common::stakers(input)?;
    let signed_by = stakers.primary();
    let terms = StakeTerms {
        stakers,
        providers: common::providers(input)?,
        staking_time: StakingTime::new(small(&input["staking_time"]))?,
        value: sat(&input["staking_value"]),
    };
    let (slashing, unbonding_slashing) =
        (signature(&input["slashing_sig"]), signature(&input["unbonding_slashing_sig"]));
    let request = DelegationRequest {
        terms: &terms,
        staking_tx: &bytes(&input["staking_tx"]),
        unbonding_time: UnbondingTime::new(small(&input["unbonding_time"]))?,
        unbonding_tx: &bytes(&input["unbonding_tx"]),
        unbonding_value: sat(&input["unbonding_value"]),
        slashing_tx: &bytes(&input["slashing_tx"]),
        slashing_signatures: &[(signed_by, slashing)],
        unbonding_slashing_tx: &bytes(&input["unbonding_slashing_tx"]),
        unbonding_slashing_signatures: &[(signed_by, unbonding_slashing)],
    };
    Ok(verify_delegation(&CURVE, &params, policy, &request)?)
}

fn without_possession() -> impl Iterator<Item = Case> {
    cases("delegation").into_iter().filter(|case| !case.kind.contains("pop"))
}

#[test]
fn registrations_are_judged_as_on_babylon() {
    for case in without_possession() {
        let Some(verified) = case.judge(verify(&case.input, SlashingPolicy::AtLeast)) else { continue };
        let out = &case.output;
        assert_eq!(verified.staking_output_idx(), small(&out["staking_output_idx"]), "{case}");
        assert_eq!(verified.staking_txid().to_string(), out["staking_txid"], "{case}");
        assert_eq!(hex(verified.sighashes().slashing.0), out["slashing_sighash"], "{case}");
        assert_eq!(
            hex(verified.sighashes().unbonding_slashing.0),
            out["unbonding_slashing_sighash"],
            "{case}"
        );
    }
}

#[test]
fn derived_transactions_have_the_registered_unbonding_transaction() {
    let mut same = 0;
    for case in without_possession().filter(|case| case.ok == Some(true)) {
        let verified = verify(&case.input, SlashingPolicy::AtLeast).unwrap();
        let params = params(&case.input["params"]);
        let derived = derive(&CURVE, &params, verified.terms(), verified.outpoint()).unwrap();
        assert_eq!(derived.scripts(), verified.presigned().scripts());
        // There is one unbonding transaction, whoever makes it.
        assert_eq!(derived.unbonding(), verified.presigned().unbonding(), "{case}");
        let exact = verify(&case.input, SlashingPolicy::Exact).is_ok();
        assert_eq!(exact, derived == *verified.presigned(), "{case}");
        same += u32::from(exact);
    }
    assert!(same > 0);
}

#[test]
fn parameters_are_judged_as_on_babylon() {
    for case in cases("params") {
        let starts: Vec<u64> = list(&case.input["version_start_heights"])
            .iter()
            .map(|v| v.as_str().unwrap().parse().unwrap())
            .collect();
        let height = case.input["query_height"].as_str().unwrap().parse().unwrap();
        let version = version_for_height(&starts, height).ok().map(u64::from);
        assert_eq!(version, case.output["version"].as_u64(), "{case}");
        let Some(params) = case.judge(raw_params(&case.input["params"]).check()) else { continue };
        assert_eq!(Params::unpack(&params.pack()).as_ref(), Ok(&params), "{case}");
        assert_eq!(params.to_unchecked().check().as_ref(), Ok(&params), "{case}");
    }
}

fn real_versions(file: &str) -> ParamsVersions {
    let mut versions = ParamsVersions::new();
    for raw in list(&load(file)["phase2_btcstaking_params"]) {
        versions.add(params(raw)).unwrap();
    }
    versions
}

/// Trap C7.
#[test]
fn real_parameters_apply_from_their_height() {
    let versions = real_versions("real/params_mainnet.json");
    assert_eq!(versions.at_height(857_909).unwrap_err().0, 857_909);
    for (height, version) in
        [(857_910, 0), (864_789, 0), (864_790, 1), (874_087, 1), (874_088, 2), (891_425, 3)]
    {
        let (found, params) = versions.at_height(height).unwrap();
        assert_eq!(found, version);
        assert!(params.btc_activation_height() <= height);
    }
    assert!(real_versions("real/params_testnet.json").all().len() > 1);
    let mut again = versions.clone();
    assert!(again.add(versions.get(3).unwrap().clone()).is_err());
}

/// Traps C8 and F6: the margin before the end is the unbonding time, with equality.
#[test]
fn status_and_power_follow_from_the_facts() {
    for case in cases("delegation_status") {
        let input = &case.input;
        let expansion = input["is_stake_expansion"].as_bool().unwrap();
        let facts = DelegationFacts {
            unbonded_early: input["unbonded_early"].as_bool().unwrap(),
            covenant_signatures: small(&input["covenant_sigs"]),
            quorum: small(&input["covenant_quorum"]),
            expansion: expansion
                .then(|| (small(&input["previous_covenant_sigs"]), small(&input["previous_quorum"]))),
            inclusion: Inclusion::from_heights(small(&input["start_height"]), small(&input["end_height"])),
            unbonding_time: small(&input["unbonding_time"]).try_into().unwrap(),
        };
        let tip = small(&input["btc_height"]);
        assert_eq!(facts.status(tip).name(), case.output["status"], "{case}");
        let power = facts.voting_power(tip, sat(&input["total_sat"]));
        assert_eq!(power.0, int(&case.output["voting_power"]), "{case}");
    }
}

/// Trap C25.
#[test]
fn the_allow_list_ends_before_its_height() {
    let raw = ParamsUnchecked {
        allow_list_expiration_height: 100,
        ..raw_params(&load("real/params_mainnet.json")["phase2_btcstaking_params"][0])
    };
    let listed = raw.clone().check().unwrap();
    assert!(listed.allow_list_applies(0) && listed.allow_list_applies(99));
    assert!(!listed.allow_list_applies(100) && !listed.allow_list_applies(101));
    let open = ParamsUnchecked { allow_list_expiration_height: 0, ..raw }.check().unwrap();
    assert!(!open.allow_list_applies(0));
}

/// Trap A15: nobody can raise the fee of a slashing transaction once it is signed, so the fee that the parameters fix
/// must hold when blocks are full: on mainnet a hundred times the least rate that nodes relay, with the whole witness.
#[test]
fn slashing_transactions_pay_enough_for_full_blocks() {
    for (file, least) in [("real/params_mainnet.json", 100), ("real/params_testnet.json", 1)] {
        for raw in list(&load(file)["phase2_btcstaking_params"]) {
            let params = params(raw);
            let (fee, vsize) = signed_slashing(&params);
            assert!(fee >= least * vsize, "{file}: {fee} sat for {vsize} vB");
        }
    }
}

/// Fee and size of the slashing transaction of the least stake, with a witness of the right shape.
fn signed_slashing(params: &Params) -> (u64, u64) {
    let key = |i: u8| staking_crypto::SecretKey::from_bytes(&[i; 32]).unwrap().x_only();
    let terms = StakeTerms {
        stakers: staking_protocol::keys::StakerKey::from(key(1)).into(),
        providers: staking_protocol::keys::ProviderKey::from(key(2)).into(),
        staking_time: params.min_staking_time(),
        value: params.min_staking_value(),
    };
    let outpoint = OutPoint { txid: Txid([1; 32]), vout: 0 };
    let presigned = derive(&CURVE, params, &terms, outpoint).unwrap();
    let any = bip340::Signature::from_bytes(&[1; 64]).unwrap();
    let members: Vec<_> = params.covenants().keys().iter().map(|member| (*member, any)).collect();
    let signatures = SlashingSignatures {
        covenants: &members,
        provider: (terms.providers.keys()[0], any),
        stakers: &[(terms.stakers.primary(), any)],
    };
    let (output, path) = (&presigned.scripts().staking, StakingPath::Slashing);
    let (leaf, block) = (output.leaf(path), output.control_block(path));
    let stack =
        witness::slashing(params.covenants(), &terms.providers, &terms.stakers, &signatures, leaf, &block);
    let slashing = presigned.slashing();
    let fee = terms.value.0 - slashing.slashed().0 - slashing.change().0;
    (fee, slashing.with_witness(stack.unwrap()).vsize().try_into().unwrap())
}

/// Trap G6.
#[test]
fn a_rotated_committee_must_keep_a_quorum_of_the_old_one() {
    let raw = raw_params(&load("real/params_mainnet.json")["phase2_btcstaking_params"][0]);
    let old = raw.clone().check().unwrap();
    let with_old_members = |kept: usize| {
        let mut next = raw.clone();
        let fresh = cases("staking").into_iter().find(|case| case.kind == "large-committee").unwrap();
        let fresh = list(&fresh.input["covenant_pks"]).iter().map(common::array).take(9 - kept);
        next.covenant_pks = raw.covenant_pks.iter().copied().take(kept).chain(fresh).collect();
        next.check().unwrap()
    };
    assert!(old.can_expand_into(&with_old_members(6)));
    assert!(!old.can_expand_into(&with_old_members(5)));
}
