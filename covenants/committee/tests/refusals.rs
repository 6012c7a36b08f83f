//! A member signs what holds every rule, and refuses each spoiled field by the rule it breaks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use covenant_committee::presign::presign;
use covenant_committee::{Approved, Facts, Refusal, Request, RequestError, decide};
use staking_api::signer::Presign;
use staking_crypto::adaptor::EncryptionKey;
use staking_crypto::curve::Libsecp;
use staking_crypto::{adaptor, bip340};
use staking_protocol::keys::ProviderKey;
use staking_protocol::tx::{Sat, Transaction};
use world::{MEMBER, PROVIDER, api_params, key, member, params, secret};

fn judge(raw: Presign) -> Result<Approved, Refusal> {
    let request = Request::try_from(raw).unwrap();
    decide(&params(), &request, Facts { member: &member(0), slashed: &[] })
}

/// The rules that a spoiled request breaks.
fn broken(raw: Presign) -> Vec<&'static str> {
    match judge(raw) {
        Err(Refusal::Rule { findings, .. }) => {
            findings.iter().filter(|f| f.problem.is_some()).map(|f| f.rule).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Changes a transaction of a request.
fn edit(raw: &mut Vec<u8>, change: impl FnOnce(&mut Transaction)) {
    let mut tx = Transaction::parse(raw).unwrap();
    change(&mut tx);
    *raw = tx.serialize();
}

#[test]
fn an_honest_stake_is_signed_and_every_signature_verifies() {
    let approved = judge(world::presign()).unwrap();
    let signatures = presign(&secret(MEMBER), &approved, &[7; 32]).unwrap();
    let (digests, signer) = (approved.delegation().sighashes(), secret(MEMBER).x_only());
    bip340::verify(&Libsecp, &signer, &digests.unbonding.0, &signatures.unbonding).unwrap();
    let provider = ProviderKey::from_bytes(&key(PROVIDER)).unwrap();
    let to = EncryptionKey::from_x_only(provider.x_only()).unwrap();
    for (all, digest) in [
        (&signatures.slashing, &digests.slashing),
        (&signatures.unbonding_slashing, &digests.unbonding_slashing),
    ] {
        let [one] = all.as_slice() else { panic!("one provider, one adaptor signature") };
        adaptor::verify(&Libsecp, &signer, &to, &digest.0, one).unwrap();
    }
}

#[test]
fn each_spoiled_field_is_refused_by_the_rule_that_it_breaks() {
    type Spoil = fn(&mut Presign);
    let spoils: [(&str, Spoil); 13] = [
        ("staking-script", |p| p.staking_time += 1),
        ("staking-script", |p| p.staking_value += 1),
        ("staking-script", |p| p.staker_keys = vec![key(2).to_vec()]),
        ("staking-script", |p| p.provider_keys = vec![key(PROVIDER + 1).to_vec()]),
        ("staking-script", |p| edit(&mut p.staking_tx, |tx| tx.outputs.remove(0).value = Sat(0))),
        ("terms", |p| p.staking_value = 49_999),
        ("terms", |p| p.staking_time = 99),
        ("slashing", |p| edit(&mut p.slashing_tx, |tx| tx.outputs[0].value.0 -= 1)),
        ("slashing", |p| edit(&mut p.slashing_tx, |tx| tx.outputs[1].script[5] ^= 1)),
        ("unbonding", |p| edit(&mut p.unbonding_tx, |tx| tx.outputs[0].value.0 -= 1)),
        ("unbonding-slashing", |p| p.unbonding_slashing_tx = p.slashing_tx.clone()),
        ("staker-slashing-signature", |p| p.staker_slashing_sigs[0][40] ^= 1),
        ("staker-unbonding-slashing-signature", |p| {
            p.staker_unbonding_slashing_sigs = p.staker_slashing_sigs.clone();
        }),
    ];
    for (number, (rule, spoil)) in spoils.into_iter().enumerate() {
        let mut raw = world::presign();
        spoil(&mut raw);
        let broken = broken(raw);
        assert!(broken.contains(&rule), "spoil {number}: {rule} is not among {broken:?}");
    }
}

#[test]
fn a_refusal_says_which_rules_are_broken() {
    let mut raw = world::presign();
    edit(&mut raw.unbonding_tx, |tx| tx.outputs[0].value.0 -= 1);
    let said = judge(raw).unwrap_err().to_string();
    assert!(said.contains("unbonding output of") && said.contains("rules: unbonding)"), "{said}");
}

#[test]
fn who_is_not_in_the_committee_of_these_parameters_does_not_sign() {
    let request = Request::try_from(world::presign()).unwrap();
    let outsider = member(9);
    let verdict = decide(&params(), &request, Facts { member: &outsider, slashed: &[] });
    assert_eq!(verdict, Err(Refusal::NotInCommittee));
}

#[test]
fn a_stake_with_a_slashed_provider_is_not_signed() {
    let request = Request::try_from(world::presign()).unwrap();
    let slashed = [ProviderKey::from_bytes(&key(PROVIDER)).unwrap()];
    let verdict = decide(&params(), &request, Facts { member: &member(0), slashed: &slashed });
    assert_eq!(verdict, Err(Refusal::SlashedProvider(slashed[0])));
}

/// A stake made under one version is not signed under another that changes what is signed.
#[test]
fn other_parameters_refuse_the_stake() {
    let mut other = api_params();
    other.unbonding_fee_sat += 1;
    let other = staking_protocol::params::Params::try_from(&other).unwrap();
    let request = Request::try_from(world::presign()).unwrap();
    let verdict = decide(&other, &request, Facts { member: &member(0), slashed: &[] });
    assert!(matches!(verdict, Err(Refusal::Rule { .. })));
}

#[test]
fn malformed_requests_are_no_requests() {
    let spoiled = |spoil: fn(&mut Presign)| {
        let mut raw = world::presign();
        spoil(&mut raw);
        Request::try_from(raw).unwrap_err()
    };
    let short = spoiled(|p| p.staker_keys = vec![vec![1; 31]]);
    assert_eq!(short, RequestError::KeyLength { role: "staker", length: 31 });
    let field = spoiled(|p| p.provider_keys = vec![vec![0xff; 32]]);
    assert!(matches!(field, RequestError::Key { role: "provider", .. }));
    let signature = spoiled(|p| p.staker_slashing_sigs = vec![vec![1; 63]]);
    assert_eq!(signature, RequestError::SignatureLength(63));
    assert!(matches!(spoiled(|p| p.staking_time = 70_000), RequestError::StakingTime(_)));
    assert!(matches!(spoiled(|p| p.provider_keys.clear()), RequestError::Keys(_)));
}
