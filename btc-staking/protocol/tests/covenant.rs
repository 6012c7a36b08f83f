//! Families `covenant_sigs` and `witness`, and the fully signed deterministic spends.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "test helpers")]

mod common;

use common::{
    CURVE, Case, array, bytes, cases, covenant, hex, int, list, load, provider, sat, signature, small,
    staker, tx,
};
use serde_json::Value;
use staking_crypto::adaptor::{AdaptorSignature, EncryptionKey};
use staking_crypto::bip340::Signature;
use staking_crypto::{SecretKey, SecretScalar, adaptor, bip340};
use staking_protocol::delegation::{
    CovenantSignatures, SighashSet, check_covenant_signatures, check_unbonding_signature,
};
use staking_protocol::keys::{CovenantKey, Providers, Stakers};
use staking_protocol::script::{DelegationScripts, StakingPath, UnbondingPath};
use staking_protocol::taproot::Leaf;
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::sighash::{Prevout, Sighash, script_path};
use staking_protocol::tx::witness::{self, Group, LeakedKey, SlashingSignatures, WitnessError};
use staking_protocol::tx::{Transaction, TxOut};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

/// A stake as the vectors describe it.
struct Stake {
    scripts: DelegationScripts,
    stakers: Stakers,
    providers: Providers,
    covenants: staking_protocol::keys::Covenants,
    staking: TxOut,
}

impl Stake {
    fn read(input: &Value) -> Self {
        let (staking_time, unbonding_time) = (small(&input["staking_time"]), small(&input["unbonding_time"]));
        let (stakers, providers) = (common::stakers(input).unwrap(), common::providers(input).unwrap());
        let times = (StakingTime::new(staking_time).unwrap(), UnbondingTime::new(unbonding_time).unwrap());
        let templates = common::templates(input).unwrap();
        let scripts = templates.scripts(&CURVE, &stakers, &providers, times.0, times.1).unwrap();
        let staking = tx(&input["staking_tx"]).output(small(&input["staking_output_idx"])).unwrap().clone();
        assert_eq!(staking.script, scripts.staking.pk_script());
        Self { scripts, stakers, providers, covenants: templates.covenants().clone(), staking }
    }

    fn slashing_sighash(&self, tx: &Transaction) -> Sighash {
        let leaf = self.scripts.staking.leaf(StakingPath::Slashing);
        script_path(tx, 0, &[Prevout::from(&self.staking)], leaf.hash()).unwrap()
    }

    fn unbonding_sighash(&self, tx: &Transaction) -> Sighash {
        let leaf = self.scripts.staking.leaf(StakingPath::Unbonding);
        script_path(tx, 0, &[Prevout::from(&self.staking)], leaf.hash()).unwrap()
    }

    fn unbonding_slashing_sighash(&self, tx: &Transaction, unbonding: &TxOut) -> Sighash {
        let leaf = self.scripts.unbonding.leaf(UnbondingPath::Slashing);
        script_path(tx, 0, &[Prevout::from(unbonding)], leaf.hash()).unwrap()
    }
}

fn adaptors(v: &Value) -> Anyhow<Vec<AdaptorSignature>> {
    Ok(list(v).iter().map(|s| AdaptorSignature::from_bytes(&bytes(s))).collect::<Result<_, _>>()?)
}

fn sighash_set(input: &Value) -> SighashSet {
    let stake = Stake::read(input);
    let unbonding = tx(&input["unbonding_tx"]);
    let unbonding_slashing = tx(&input["unbonding_slashing_tx"]);
    SighashSet {
        slashing: stake.slashing_sighash(&tx(&input["slashing_tx"])),
        unbonding: stake.unbonding_sighash(&unbonding),
        unbonding_slashing: stake.unbonding_slashing_sighash(&unbonding_slashing, &unbonding.outputs[0]),
        expansion: None,
    }
}

fn encryption_keys(input: &Value) -> Vec<EncryptionKey> {
    let key = |v| EncryptionKey::from_x_only(provider(v).x_only()).unwrap();
    list(&input["fp_pks"]).iter().map(key).collect()
}

#[test]
fn covenant_signatures_are_judged_as_on_babylon() {
    for case in cases("covenant_sigs") {
        let input = &case.input;
        let sighashes = sighash_set(input);
        let (member, keys) = (covenant(&input["covenant_pk"]), encryption_keys(input));
        for (field, digest) in [
            ("slashing_sighash", sighashes.slashing),
            ("unbonding_sighash", sighashes.unbonding),
            ("unbonding_slashing_sighash", sighashes.unbonding_slashing),
        ] {
            assert_eq!(hex(digest.0), case.output[field], "{case}: {field}");
        }
        let check = || -> Anyhow<()> {
            let signatures = CovenantSignatures {
                slashing: adaptors(&input["slashing_adaptor_sigs"])?,
                unbonding_slashing: adaptors(&input["unbonding_slashing_adaptor_sigs"])?,
                unbonding: Signature::from_bytes(&array(&input["unbonding_sig"]))?,
                expansion: None,
            };
            Ok(check_covenant_signatures(&CURVE, &member, &keys, &sighashes, &signatures)?)
        };
        case.judge(check());
        check_each(&case, &member, &keys, &sighashes);
    }
}

/// The three parts, judged one by one.
fn check_each(case: &Case, member: &CovenantKey, keys: &[EncryptionKey], sighashes: &SighashSet) {
    let (input, out) = (&case.input, &case.output);
    let unbonding = signature(&input["unbonding_sig"]);
    let unbonding = check_unbonding_signature(&CURVE, member, &sighashes.unbonding, &unbonding).is_ok();
    assert_eq!(unbonding, out["unbonding_ok"], "{case}");
    let valid = |field: &str, digest: &Sighash| {
        adaptors(&input[field]).is_ok_and(|signatures| {
            let pairs = keys.iter().zip(&signatures);
            pairs
                .map(|(key, s)| adaptor::verify(&CURVE, member.x_only(), key, &digest.0, s))
                .all(|r| r.is_ok())
        })
    };
    assert_eq!(valid("slashing_adaptor_sigs", &sighashes.slashing), out["slashing_ok"], "{case}");
    let field = "unbonding_slashing_adaptor_sigs";
    assert_eq!(valid(field, &sighashes.unbonding_slashing), out["unbonding_slashing_ok"], "{case}");
}

fn leaked(input: &Value) -> LeakedKey {
    let secret = SecretScalar::from_bytes(&array(&input["fp_sk"])).unwrap();
    LeakedKey::check(&CURVE, provider(&input["fp_pks"][int(&input["fp_index"]) as usize]), secret).unwrap()
}

fn sign_plain(secret: &SecretScalar, digest: &Sighash) -> Signature {
    bip340::sign(&SecretKey::from_bytes(secret.expose_secret()).unwrap(), &digest.0, &[0; 32])
}

fn slashing_witness(input: &Value, stake: &Stake, slashing: &Transaction) -> Anyhow<(Sighash, Vec<Vec<u8>>)> {
    let unbonding = input.get("unbonding_tx").map(tx);
    let (digest, leaf, block) = match &unbonding {
        Some(funding) => (
            stake.unbonding_slashing_sighash(slashing, &funding.outputs[0]),
            stake.scripts.unbonding.leaf(UnbondingPath::Slashing),
            stake.scripts.unbonding.control_block(UnbondingPath::Slashing),
        ),
        None => (
            stake.slashing_sighash(slashing),
            stake.scripts.staking.leaf(StakingPath::Slashing),
            stake.scripts.staking.control_block(StakingPath::Slashing),
        ),
    };
    let leaked = leaked(input);
    let member = |v: &Value| (covenant(&v["covenant_pk"]), adaptors(&v["adaptor_sigs"]).unwrap());
    let members: Vec<_> = list(&input["covenant_adaptor_sigs"]).iter().map(member).collect();
    let signatures = SlashingSignatures {
        covenants: &leaked.decrypt(&stake.providers, &members)?,
        provider: (leaked.provider(), sign_plain(leaked.secret(), &digest)),
        stakers: &[(stake.stakers.primary(), signature(&input["staker_sig"]))],
    };
    let stack =
        witness::slashing(&stake.covenants, &stake.providers, &stake.stakers, &signatures, leaf, &block)?;
    let groups = [
        Group::covenants(&stake.covenants),
        Group::providers(&stake.providers),
        Group::stakers(&stake.stakers),
    ];
    witness::check(&CURVE, &stack, &groups, leaf, &block, &digest)?;
    Ok((digest, stack))
}

/// Signatures in the order and number in which the case's maker put them on the stack.
fn unbonding_witness(input: &Value, stake: &Stake) -> Anyhow<(Sighash, Vec<Vec<u8>>)> {
    let unbonding = tx(&input["unbonding_tx"]);
    let digest = stake.unbonding_sighash(&unbonding);
    let (leaf, block) = (
        stake.scripts.staking.leaf(StakingPath::Unbonding),
        stake.scripts.staking.control_block(StakingPath::Unbonding),
    );
    let given: Vec<_> = list(&input["covenant_sigs"])
        .iter()
        .map(|v| (covenant(&v["covenant_pk"]), signature(&v["sig"])))
        .collect();
    let own = [(stake.stakers.primary(), signature(&input["staker_sig"]))];
    let stack = witness::unbonding(&stake.covenants, &given, &stake.stakers, &own, leaf, &block)?;
    Ok((digest, stack))
}

#[test]
fn slashing_witnesses_equal_babylons_except_for_the_providers_nonce() {
    for case in cases("witness").iter().filter(|case| case.kind.contains("slashing")) {
        let stake = Stake::read(&case.input);
        let slashing = tx(&case.input["slashing_tx"]);
        let Some((digest, stack)) = case.judge(slashing_witness(&case.input, &stake, &slashing)) else {
            continue;
        };
        assert_eq!(hex(digest.0), case.output["sighash"], "{case}");
        let expected = list(&case.output["witness"]);
        assert_eq!(stack.len(), expected.len(), "{case}");
        let providers =
            stake.covenants.keys().len()..stake.covenants.keys().len() + stake.providers.keys().len();
        for (i, (item, expected)) in stack.iter().zip(expected).enumerate() {
            if providers.contains(&i) {
                assert_eq!(item.len(), bytes(expected).len(), "{case}: provider slot {i}");
            } else {
                assert_eq!(hex(item), *expected, "{case}: item {i}");
            }
        }
    }
}

#[test]
fn unbonding_witnesses_equal_babylons() {
    for case in cases("witness").iter().filter(|case| case.kind == "unbonding") {
        let stake = Stake::read(&case.input);
        let (digest, stack) = unbonding_witness(&case.input, &stake).unwrap();
        assert_eq!(hex(digest.0), case.output["sighash"], "{case}");
        let stack: Vec<_> = stack.iter().map(hex).collect();
        assert_eq!(Value::from(stack), case.output["witness"], "{case}");
    }
}

fn check_unbonding_stack(case: &Case, stack: &[Vec<u8>]) -> Result<(), WitnessError> {
    let stake = Stake::read(&case.input);
    let digest = stake.unbonding_sighash(&tx(&case.input["unbonding_tx"]));
    let leaf = stake.scripts.staking.leaf(StakingPath::Unbonding);
    let block = stake.scripts.staking.control_block(StakingPath::Unbonding);
    let groups = [Group::covenants(&stake.covenants), Group::stakers(&stake.stakers)];
    witness::check(&CURVE, stack, &groups, leaf, &block, &digest)
}

/// Traps A10 and A11: what Bitcoin's script engine refuses, the check refuses.
#[test]
fn surplus_and_misplaced_signatures_are_refused() {
    for case in cases("witness") {
        let check = || {
            let stack: Vec<_> = list(&case.output["witness"]).iter().map(bytes).collect();
            check_unbonding_stack(&case, &stack)
        };
        match case.kind.as_str() {
            "unbonding-over-quorum" => {
                assert!(matches!(check(), Err(WitnessError::AboveQuorum { .. })), "{case}");
            }
            "unbonding-wrong-order" => assert!(matches!(check(), Err(WitnessError::Slot { .. })), "{case}"),
            _ => {}
        }
    }
}

/// Trap A10: the builder leaves surplus signatures out.
#[test]
fn the_builder_takes_exactly_the_quorum() {
    for case in cases("witness").iter().filter(|case| case.kind == "unbonding-over-quorum") {
        let stake = Stake::read(&case.input);
        let (_, stack) = unbonding_witness(&case.input, &stake).unwrap();
        assert_eq!(check_unbonding_stack(case, &stack), Ok(()), "{case}");
        let filled = stack.iter().take(stake.covenants.keys().len()).filter(|slot| !slot.is_empty()).count();
        assert_eq!(filled, stake.covenants.quorum() as usize);
    }
}

fn lock_leaf<'a>(case: &Case, scripts: &'a DelegationScripts, out: &TxOut) -> Option<(&'a Leaf, Vec<u8>)> {
    let (staking, unbonding, change) = (&scripts.staking, &scripts.unbonding, &scripts.change);
    let leaves = [
        (
            staking.pk_script(),
            staking.leaf(StakingPath::Timelock),
            staking.control_block(StakingPath::Timelock),
        ),
        (
            unbonding.pk_script(),
            unbonding.leaf(UnbondingPath::Timelock),
            unbonding.control_block(UnbondingPath::Timelock),
        ),
        (change.pk_script(), change.leaf(), change.control_block()),
    ];
    let found = leaves.into_iter().find(|(script, _, _)| out.script == script);
    assert!(found.is_some(), "{case}");
    found.map(|(_, leaf, block)| (leaf, block))
}

#[test]
fn timelock_witnesses_equal_babylons() {
    for case in cases("witness").iter().filter(|case| case.kind.contains("timelock")) {
        let input = &case.input;
        let stake = Stake::read(input);
        let prevout = TxOut::new(sat(&input["prev_out"]["value"]), bytes(&input["prev_out"]["pk_script"]));
        let (leaf, block) = lock_leaf(case, &stake.scripts, &prevout).unwrap();
        let mut spend = tx(&input["unsigned_tx"]);
        let digest = script_path(&spend, 0, &[Prevout::from(&prevout)], leaf.hash()).unwrap();
        assert_eq!(hex(digest.0), case.output["sighash"], "{case}");
        let own = [(stake.stakers.primary(), signature(&input["staker_sig"]))];
        spend.inputs[0].witness = witness::timelock(&stake.stakers, &own, leaf, &block).unwrap();
        assert_eq!(hex(spend.serialize()), case.output["tx"], "{case}");
        let lock = small(&input["lock_time"]).try_into().unwrap();
        let groups = [Group::stakers(&stake.stakers)];
        let stack = &spend.inputs[0].witness;
        let check = witness::check_timelock(&spend, 0, lock)
            .and_then(|()| witness::check(&CURVE, stack, &groups, leaf, &block, &digest));
        case.judge(check);
    }
}

/// Trap G7, as far as keys go: a leaked key of another provider decrypts nothing.
#[test]
fn a_secret_of_another_key_is_refused() {
    let case = cases("witness").into_iter().find(|case| case.kind == "slashing").unwrap();
    let secret = SecretScalar::from_bytes(&array(&case.input["staker_sk"])).unwrap();
    let key = provider(&case.input["fp_pks"][0]);
    assert!(matches!(LeakedKey::check(&CURVE, key, secret), Err(WitnessError::OtherSecret(k)) if k == key));
}

fn deterministic() -> Vec<Value> {
    let mut all = list(&load("extra/babylon_vectors.json")["scripts"]).to_vec();
    for raw in &mut all {
        raw["covenant_quorum"] = raw["quorum"].clone();
        raw["staking_output_idx"] = 0.into();
    }
    all
}

#[test]
fn deterministic_unbonding_and_withdrawal_spends_are_reproduced() {
    for raw in deterministic() {
        let stake = Stake::read(&raw);
        let unbonding = tx(&raw["unbonding_tx"]);
        assert_eq!(hex(stake.unbonding_sighash(&unbonding).0), raw["unbonding_sighash"]);
        let signed = tx(&raw["unbonding_tx_signed"]);
        let stack = &signed.inputs[0].witness;
        let leaf = stake.scripts.staking.leaf(StakingPath::Unbonding);
        let block = stake.scripts.staking.control_block(StakingPath::Unbonding);
        let groups = [Group::covenants(&stake.covenants), Group::stakers(&stake.stakers)];
        let digest = stake.unbonding_sighash(&unbonding);
        assert_eq!(witness::check(&CURVE, stack, &groups, leaf, &block, &digest), Ok(()));
    }
}

#[test]
fn deterministic_slashings_are_reproduced() {
    for raw in deterministic() {
        for part in ["slashing", "unbonding_slashing"] {
            let stake = Stake::read(&raw);
            let mut input = raw.clone();
            let funding = (part == "unbonding_slashing").then(|| raw["unbonding_tx"].clone());
            input.as_object_mut().unwrap().remove("unbonding_tx");
            if let Some(funding) = funding {
                input["unbonding_tx"] = funding;
            }
            let fp = provider(&raw[part]["fp_pk"]);
            let index = stake.providers.position(&fp).unwrap();
            input["fp_index"] = (index as u64).into();
            input["fp_sk"] = raw["fp_sks"][index].clone();
            input["staker_sig"] = raw[part]["staker_sig"].clone();
            let slashing = tx(&raw[format!("{part}_tx")]);
            // One adaptor signature per member, for this provider; fill the other providers' places with it.
            let members = list(&raw[part]["adaptor"]).iter().map(|a| {
                let all: Vec<_> = stake.providers.keys().iter().map(|_| a["adaptor_sig"].clone()).collect();
                serde_json::json!({"covenant_pk": a["covenant_pk"], "adaptor_sigs": all})
            });
            input["covenant_adaptor_sigs"] = members.collect();
            let (digest, stack) = slashing_witness(&input, &stake, &slashing).unwrap();
            assert_eq!(hex(digest.0), raw[part]["sighash"]);
            assert_eq!(stack.len(), tx(&raw[part]["signed_tx"]).inputs[0].witness.len());
        }
    }
}

#[test]
fn deterministic_multisig_spends_open_their_paths() {
    for mut raw in list(&load("extra/multisig_staker_vectors.json")).to_vec() {
        raw["staking_output_idx"] = 0.into();
        let stake = Stake::read(&raw);
        let signed = tx(&raw["unbonding_tx_signed"]);
        let digest = stake.unbonding_sighash(&signed);
        let leaf = stake.scripts.staking.leaf(StakingPath::Unbonding);
        let block = stake.scripts.staking.control_block(StakingPath::Unbonding);
        let groups = [Group::covenants(&stake.covenants), Group::stakers(&stake.stakers)];
        witness::check(&CURVE, &signed.inputs[0].witness, &groups, leaf, &block, &digest).unwrap();

        let withdrawal = tx(&raw["withdraw_tx_signed"]);
        let leaf = stake.scripts.staking.leaf(StakingPath::Timelock);
        let block = stake.scripts.staking.control_block(StakingPath::Timelock);
        let digest = script_path(&withdrawal, 0, &[Prevout::from(&stake.staking)], leaf.hash()).unwrap();
        let groups = [Group::stakers(&stake.stakers)];
        witness::check(&CURVE, &withdrawal.inputs[0].witness, &groups, leaf, &block, &digest).unwrap();

        let slashing = tx(&raw["slashing_tx_signed"]);
        let digest = stake.slashing_sighash(&slashing);
        let leaf = stake.scripts.staking.leaf(StakingPath::Slashing);
        let block = stake.scripts.staking.control_block(StakingPath::Slashing);
        let groups = [
            Group::covenants(&stake.covenants),
            Group::providers(&stake.providers),
            Group::stakers(&stake.stakers),
        ];
        witness::check(&CURVE, &slashing.inputs[0].witness, &groups, leaf, &block, &digest).unwrap();
        assert!(staker(&raw["staker_pks"][0]).lift().is_ok());
    }
}
