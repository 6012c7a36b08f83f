//! Negative space: a valid registration is accepted in every shape, and each field of it, when changed, is refused with
//! an error that names it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::CURVE;
use common::world::{
    PLAIN, PROVIDER, Registration, Shape, covenant_signatures, encryption_keys, raw_params, secret, sign,
    x_only,
};
use proptest::prelude::*;
use staking_crypto::SecretScalar;
use staking_protocol::delegation::{
    CovenantSignatures, CovenantSignaturesError, DelegationError as E, StakerSignaturesError,
    check_covenant_signatures, derive,
};
use staking_protocol::keys::{ProviderKey, Providers, Stakers};
use staking_protocol::params::{ParamsError, ParamsUnchecked};
use staking_protocol::script::{StakingPath, UnbondingPath};
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::sanity::SanityError;
use staking_protocol::tx::slashing::{SlashingError, SlashingPolicy};
use staking_protocol::tx::staking::StakingTxError;
use staking_protocol::tx::unbonding::UnbondingError;
use staking_protocol::tx::witness::{self, Group, LeakedKey, SlashingSignatures};
use staking_protocol::tx::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};

prop_compose! {
    fn any_shape()(
        stakers in 1u32..5, staker_quorum in 1u32..5, providers in 1u32..5, members in 1u32..8,
        value in 500_000u64..2_000_000_000, staking_time in 100u32..64_000, unbonding_time in 1u32..2_000,
        rate in 100u16..9_000, burn in any::<bool>(),
    ) -> Shape {
        let quorum = members / 2 + 1;
        let staker_quorum = staker_quorum.min(stakers);
        Shape { stakers, staker_quorum, providers, members, quorum, value, staking_time, unbonding_time, rate, burn }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_registration_of_any_shape_is_accepted_and_can_be_slashed(shape in any_shape()) {
        let registration = Registration::new(&shape);
        let verified = registration.verify(SlashingPolicy::Exact).unwrap();
        prop_assert_eq!(&registration.verify(SlashingPolicy::AtLeast).unwrap(), &verified);
        prop_assert_eq!(verified.staking_output_idx(), 0);
        slash_both(&shape, &verified);
    }

    #[test]
    fn every_byte_of_every_transaction_matters(which in 0usize..4, at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let good = Registration::new(&PLAIN);
        let raw = |r: &Registration| [&r.staking_tx, &r.unbonding_tx, &r.slashing_tx, &r.unbonding_slashing_tx][which].serialize();
        let mut bytes = raw(&good);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok(tx) = Transaction::parse(&bytes) else { return Ok(()) };
        let mut bad = good.clone();
        *[&mut bad.staking_tx, &mut bad.unbonding_tx, &mut bad.slashing_tx, &mut bad.unbonding_slashing_tx][which] = tx;
        prop_assert!(bad.verify(SlashingPolicy::AtLeast).is_err(), "byte {} of {}", at, which);
    }

    #[test]
    fn every_bit_of_every_signature_matters(which in 0usize..2, at in 0usize..64, bit in 0u8..8) {
        let mut bad = Registration::new(&PLAIN);
        let slot = [&mut bad.slashing_signatures, &mut bad.unbonding_slashing_signatures];
        let (_, signature) = &mut slot.into_iter().nth(which).unwrap()[0];
        let mut bytes = signature.to_bytes();
        bytes[at] ^= 1 << bit;
        let Ok(spoiled) = staking_crypto::bip340::Signature::from_bytes(&bytes) else { return Ok(()) };
        *signature = spoiled;
        let refused = bad.verify(SlashingPolicy::AtLeast);
        let named = match which {
            0 => matches!(refused, Err(E::SlashingSignature(_))),
            _ => matches!(refused, Err(E::UnbondingSlashingSignature(_))),
        };
        prop_assert!(named);
    }
}

/// Completes both slashing transactions from adaptor signatures and the leaked key of the last provider.
fn slash_both(shape: &Shape, verified: &staking_protocol::delegation::VerifiedDelegation) {
    let (terms, digests) = (verified.terms(), verified.sighashes());
    let keys = encryption_keys(&terms.providers);
    let members: Vec<_> = (0..shape.quorum).map(|i| covenant_signatures(i, digests, &keys)).collect();
    for (member, signatures) in &members {
        check_covenant_signatures(&CURVE, member, &keys, digests, signatures).unwrap();
    }
    let index = PROVIDER + shape.providers - 1;
    let number = SecretScalar::from_bytes(&secret_bytes(index)).unwrap();
    let leaked = LeakedKey::check(&CURVE, x_only(index).into(), number).unwrap();
    let covenants = raw_params(shape).check().unwrap().covenants().clone();
    let scripts = verified.presigned().scripts();
    let parts = [
        (
            digests.slashing,
            verified.slashing_signatures(),
            scripts.staking.leaf(StakingPath::Slashing),
            scripts.staking.control_block(StakingPath::Slashing),
            members.iter().map(|(m, s)| (*m, s.slashing.clone())).collect::<Vec<_>>(),
        ),
        (
            digests.unbonding_slashing,
            verified.unbonding_slashing_signatures(),
            scripts.unbonding.leaf(UnbondingPath::Slashing),
            scripts.unbonding.control_block(UnbondingPath::Slashing),
            members.iter().map(|(m, s)| (*m, s.unbonding_slashing.clone())).collect(),
        ),
    ];
    for (digest, stakers, leaf, block, adaptors) in parts {
        let signatures = SlashingSignatures {
            covenants: &leaked.decrypt(&terms.providers, &adaptors).unwrap(),
            provider: (leaked.provider(), sign(index, &digest.0)),
            stakers,
        };
        let stack =
            witness::slashing(&covenants, &terms.providers, &terms.stakers, &signatures, leaf, &block)
                .unwrap();
        let groups = [
            Group::covenants(&covenants),
            Group::providers(&terms.providers),
            Group::stakers(&terms.stakers),
        ];
        witness::check(&CURVE, &stack, &groups, leaf, &block, &digest).unwrap();
    }
}

fn secret_bytes(i: u32) -> [u8; 32] {
    let mut bytes = [0x5a; 32];
    bytes[..4].copy_from_slice(&(i + 1).to_be_bytes());
    assert_eq!(secret(i).x_only(), x_only(i));
    bytes
}

fn refused(spoil: impl FnOnce(&mut Registration)) -> E {
    let mut registration = Registration::new(&PLAIN);
    spoil(&mut registration);
    registration.verify(SlashingPolicy::AtLeast).unwrap_err()
}

fn refused_exactly(spoil: impl FnOnce(&mut Registration)) -> E {
    let mut registration = Registration::new(&PLAIN);
    spoil(&mut registration);
    registration.verify(SlashingPolicy::Exact).unwrap_err()
}

macro_rules! names {
    ($error:expr, $pattern:pat) => {
        let error = $error;
        assert!(matches!(error, $pattern), "{error:?}");
    };
}

#[test]
fn terms_outside_the_parameters_are_refused_by_name() {
    use staking_protocol::delegation::TermsError as T;
    names!(
        refused(|r| r.terms.staking_time = StakingTime::new(99).unwrap()),
        E::Terms(T::StakingTime { .. })
    );
    names!(
        refused(|r| r.terms.staking_time = StakingTime::new(64_001).unwrap()),
        E::Terms(T::StakingTime { .. })
    );
    names!(refused(|r| r.terms.value = Sat(499_999)), E::Terms(T::Value { .. }));
    names!(refused(|r| r.terms.value = Sat(2_000_000_001)), E::Terms(T::Value { .. }));
    let many = |n| Providers::new((0..n).map(|i| ProviderKey::from(x_only(PROVIDER + i))).collect()).unwrap();
    names!(refused(|r| r.terms.providers = many(11)), E::Terms(T::TooManyProviders { max: 10, found: 11 }));
    let owners = Stakers::multi((0..18).map(|i| x_only(i).into()).collect(), 2).unwrap();
    names!(refused(|r| r.terms.stakers = owners), E::Terms(T::TooManyStakers { .. }));
    names!(refused(|r| r.unbonding_time = UnbondingTime::new(102).unwrap()), E::UnbondingTime { .. });
    names!(refused(|r| r.unbonding_value.0 += 1), E::UnbondingValue { .. });
}

#[test]
fn terms_that_the_transactions_do_not_carry_are_refused_by_name() {
    names!(
        refused(|r| r.terms.staking_time = StakingTime::new(1_001).unwrap()),
        E::Staking(StakingTxError::NoStakingOutput(_))
    );
    names!(refused(|r| r.terms.value.0 += 1), E::Staking(StakingTxError::NoStakingOutput(_)));
    names!(refused(|r| r.terms.stakers = Stakers::single(x_only(9).into())), E::Staking(_));
    names!(refused(|r| r.terms.providers = Providers::single(x_only(8).into())), E::Staking(_));
    names!(refused(|r| r.terms.providers = Providers::single(x_only(0).into())), E::Scripts(_));
}

/// Trap A3.
#[test]
fn two_equal_staking_outputs_are_refused() {
    names!(
        refused(|r| r.staking_tx.outputs.push(r.staking_tx.outputs[0].clone())),
        E::Staking(StakingTxError::TwoStakingOutputs(0, 2))
    );
}

/// Trap A4.
#[test]
fn a_coinbase_cannot_be_a_stake() {
    names!(
        refused(|r| {
            r.staking_tx.inputs[0].previous_output = OutPoint::NULL;
            r.staking_tx.inputs[0].script_sig = vec![1, 2, 3];
        }),
        E::Staking(StakingTxError::Coinbase)
    );
}

/// Trap A28.
#[test]
fn an_input_spent_twice_is_refused() {
    names!(
        refused(|r| r.staking_tx.inputs.push(r.staking_tx.inputs[0].clone())),
        E::Staking(StakingTxError::Sanity(SanityError::DuplicateInput(_)))
    );
}

/// Trap A30: the lock time of the staking transaction is Bitcoin's business.
#[test]
fn a_staking_transaction_may_have_any_lock_time_and_witness() {
    let mut registration = Registration::new(&PLAIN);
    let (params, terms) = (registration.params.clone(), registration.terms.clone());
    let mut staking = registration.staking_tx.clone();
    staking.lock_time = 850_000;
    let presigned = derive(&CURVE, &params, &terms, OutPoint { txid: staking.txid(), vout: 0 }).unwrap();
    // Trap A8: witness bytes change nothing and are not kept.
    staking.inputs[0].witness = vec![vec![1, 2, 3]];
    registration.staking_tx = staking.clone();
    registration.unbonding_tx = presigned.unbonding().transaction().clone();
    registration.slashing_tx = presigned.slashing().transaction().clone();
    registration.unbonding_slashing_tx = presigned.unbonding_slashing().transaction().clone();
    let digests = presigned.sighashes();
    registration.slashing_signatures = common::world::signatures(&PLAIN, &digests.slashing.0);
    registration.unbonding_slashing_signatures =
        common::world::signatures(&PLAIN, &digests.unbonding_slashing.0);
    let verified = registration.verify(SlashingPolicy::Exact).unwrap();
    assert_eq!(verified.staking_txid(), staking.txid());
    assert!(!verified.staking().transaction().has_witness());
}

/// Trap A7.
#[test]
fn a_byte_after_a_registered_transaction_is_refused() {
    let r = Registration::new(&PLAIN);
    let mut raw = r.staking_tx.serialize();
    raw.push(0);
    let script = r.presigned().scripts().staking.pk_script();
    let refused = staking_protocol::tx::StakingTx::parse(&raw, &script, r.terms.value);
    assert!(matches!(refused, Err(StakingTxError::Parse(_))));
}

/// Traps A1 and A2.
#[test]
fn any_other_unbonding_transaction_is_refused_by_name() {
    use SanityError as S;
    use UnbondingError as U;
    names!(refused(|r| r.unbonding_tx.version = 1), E::Unbonding(U::Sanity(S::Version(1))));
    names!(refused(|r| r.unbonding_tx.version = 3), E::Unbonding(U::Sanity(S::Version(3))));
    names!(refused(|r| r.unbonding_tx.lock_time = 1), E::Unbonding(U::Sanity(S::LockTime(1))));
    names!(refused(|r| r.unbonding_tx.inputs[0].sequence -= 1), E::Unbonding(U::Sanity(S::Sequence(_))));
    names!(refused(|r| r.unbonding_tx.inputs[0].script_sig.push(0)), E::Unbonding(U::Sanity(S::ScriptSig)));
    names!(refused(|r| r.unbonding_tx.inputs[0].previous_output.vout = 1), E::Unbonding(U::Input { .. }));
    names!(
        refused(|r| r.unbonding_tx.inputs[0].previous_output.txid = Txid([8; 32])),
        E::Unbonding(U::Input { .. })
    );
    let extra = TxIn::unsigned(OutPoint { txid: Txid([7; 32]), vout: 0 }, TxIn::SEQUENCE_FINAL);
    names!(refused(|r| r.unbonding_tx.inputs.push(extra)), E::Unbonding(U::Sanity(S::InputCount(2))));
    let output = TxOut::new(Sat(330), [0x51; 34]);
    names!(refused(|r| r.unbonding_tx.outputs.push(output)), E::Unbonding(U::Sanity(S::OutputCount { .. })));
    names!(refused(|r| r.unbonding_tx.outputs[0].value.0 += 1), E::Unbonding(U::Value { .. }));
    names!(refused(|r| r.unbonding_tx.outputs[0].value.0 -= 1), E::Unbonding(U::Value { .. }));
    names!(refused(|r| r.unbonding_tx.outputs[0].script[33] ^= 1), E::Unbonding(U::Script));
}

/// Trap A1: fee and unbonding time come from the parameters, so another version makes another stake's transaction.
#[test]
fn one_stake_has_one_unbonding_transaction_per_parameters() {
    let registration = Registration::new(&PLAIN);
    let mut first = registration.presigned().unbonding().clone();
    for _ in 0..3 {
        let again = derive(&CURVE, &registration.params, &registration.terms, first.staking()).unwrap();
        assert_eq!(*again.unbonding(), first);
        first = again.unbonding().clone();
    }
    let other = ParamsUnchecked { unbonding_fee_sat: 3_001, ..raw_params(&PLAIN) }.check().unwrap();
    let mut under_other = registration.clone();
    under_other.params = other;
    names!(
        under_other.verify(SlashingPolicy::Exact).unwrap_err(),
        E::Unbonding(UnbondingError::Value { .. })
    );
}

type Part = fn(&mut Registration) -> &mut Transaction;

fn slashing_error(error: E) -> SlashingError {
    match error {
        E::Slashing(error) | E::UnbondingSlashing(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_other_slashing_transaction_is_refused_by_name() {
    use SanityError as S;
    use SlashingError as L;
    let parts: [Part; 2] = [|r| &mut r.slashing_tx, |r| &mut r.unbonding_slashing_tx];
    for part in parts {
        let spoiled = |spoil: fn(&mut Transaction)| slashing_error(refused(|r| spoil(part(r))));
        names!(spoiled(|tx| tx.version = 0), L::Sanity(S::Version(0)));
        names!(spoiled(|tx| tx.version = 3), L::Sanity(S::Version(3)));
        names!(spoiled(|tx| tx.lock_time = 1), L::Sanity(S::LockTime(1)));
        names!(spoiled(|tx| tx.inputs[0].sequence = 0), L::Sanity(S::Sequence(0)));
        names!(spoiled(|tx| tx.inputs[0].script_sig.push(1)), L::Sanity(S::ScriptSig));
        names!(spoiled(|tx| tx.inputs[0].previous_output.vout += 1), L::Input { .. });
        names!(spoiled(|tx| tx.inputs.clear()), L::Parse(_));
        names!(spoiled(|tx| tx.outputs.truncate(1)), L::Sanity(S::OutputCount { .. }));
        names!(spoiled(|tx| tx.outputs.swap(0, 1)), L::SlashScript);
        names!(spoiled(|tx| tx.outputs[0].script[5] ^= 1), L::SlashScript);
        names!(spoiled(|tx| tx.outputs[1].script[5] ^= 1), L::ChangeScript);
        names!(spoiled(|tx| tx.outputs[0].value.0 -= 1), L::SlashAmount { .. });
        names!(spoiled(|tx| tx.outputs[1].value.0 += 1), L::Fee { .. });
        names!(spoiled(|tx| tx.outputs[1].value.0 += 3_000), L::SpendsTooMuch { .. });
        names!(spoiled(|tx| tx.outputs[1].value.0 = 329), L::Dust { index: 1, .. });
    }
}

/// Trap A14: under the exact policy the staker cannot turn change into fee or into slash.
#[test]
fn the_exact_policy_accepts_one_slashing_transaction() {
    use SlashingError as L;
    let spoiled =
        |spoil: fn(&mut Transaction)| slashing_error(refused_exactly(|r| spoil(&mut r.slashing_tx)));
    names!(spoiled(|tx| tx.outputs[1].value.0 -= 1), L::Fee { .. });
    names!(spoiled(|tx| tx.outputs[1].value = Sat(330)), L::Fee { .. });
    names!(spoiled(|tx| tx.outputs[0].value.0 += 1), L::SlashAmount { .. });
    names!(spoiled(|tx| tx.version = 2), L::Version(2));
}

#[test]
fn swapped_transactions_are_refused() {
    names!(
        refused(|r| std::mem::swap(&mut r.slashing_tx, &mut r.unbonding_slashing_tx)),
        E::Slashing(SlashingError::Input { .. })
    );
    names!(refused(|r| r.unbonding_tx = r.slashing_tx.clone()), E::Unbonding(_));
    names!(
        refused(|r| std::mem::swap(&mut r.slashing_signatures, &mut r.unbonding_slashing_signatures)),
        E::SlashingSignature(StakerSignaturesError::Invalid { .. })
    );
}

#[test]
fn signatures_of_several_keys_are_counted_by_key() {
    let shape = Shape { stakers: 3, staker_quorum: 2, ..PLAIN };
    let refused = |spoil: fn(&mut Registration)| {
        let mut registration = Registration::new(&shape);
        spoil(&mut registration);
        match registration.verify(SlashingPolicy::AtLeast).unwrap_err() {
            E::SlashingSignature(error) => error,
            other => panic!("{other:?}"),
        }
    };
    use StakerSignaturesError as S;
    names!(refused(|r| r.slashing_signatures.truncate(1)), S::BelowQuorum { found: 1, quorum: 2 });
    names!(refused(|r| r.slashing_signatures[1] = r.slashing_signatures[0]), S::Twice(_));
    names!(refused(|r| r.slashing_signatures[1].0 = x_only(77).into()), S::UnknownKey(_));
    names!(refused(|r| r.slashing_signatures[0].0 = x_only(2).into()), S::NoPrimary(_));
    names!(refused(|r| r.slashing_signatures[1].0 = x_only(2).into()), S::Invalid { .. });
}

fn covenant_refuses(spoil: impl FnOnce(&mut CovenantSignatures)) -> CovenantSignaturesError {
    let shape = Shape { providers: 2, ..PLAIN };
    let verified = Registration::new(&shape).verify(SlashingPolicy::Exact).unwrap();
    let keys = encryption_keys(&verified.terms().providers);
    let (member, mut signatures) = covenant_signatures(0, verified.sighashes(), &keys);
    spoil(&mut signatures);
    check_covenant_signatures(&CURVE, &member, &keys, verified.sighashes(), &signatures).unwrap_err()
}

/// Trap G2: no signature serves for another transaction or provider.
#[test]
fn covenant_signatures_are_refused_by_name() {
    use CovenantSignaturesError as C;
    names!(covenant_refuses(|s| s.slashing.truncate(1)), C::Count { providers: 2, found: 1, .. });
    names!(covenant_refuses(|s| s.unbonding_slashing.push(s.slashing[0])), C::Count { found: 3, .. });
    names!(covenant_refuses(|s| s.slashing.swap(0, 1)), C::Slashing { provider: 0, .. });
    names!(covenant_refuses(|s| s.slashing[1] = s.unbonding_slashing[1]), C::Slashing { provider: 1, .. });
    names!(
        covenant_refuses(|s| s.unbonding_slashing[1] = s.slashing[1]),
        C::UnbondingSlashing { provider: 1, .. }
    );
    names!(covenant_refuses(|s| s.unbonding = sign(5, &[1; 32])), C::Unbonding(_));
    names!(covenant_refuses(|s| s.expansion = Some(s.unbonding)), C::ExpansionPresence);
}

#[test]
fn parameters_are_refused_by_name() {
    use ParamsError as P;
    let refused = |spoil: fn(&mut ParamsUnchecked)| {
        let mut raw = raw_params(&PLAIN);
        spoil(&mut raw);
        raw.check().unwrap_err()
    };
    names!(refused(|p| p.covenant_quorum = 2), P::QuorumNotMajority { .. });
    names!(refused(|p| p.covenant_quorum = 6), P::Committee(_));
    names!(refused(|p| p.covenant_pks.clear()), P::Committee(_));
    names!(refused(|p| p.covenant_pks[0] = p.covenant_pks[1]), P::Committee(_));
    names!(refused(|p| p.covenant_pks[0] = [0xff; 32]), P::CovenantKey(_));
    names!(refused(|p| p.min_staking_value_sat = 0), P::NotPositive { field: "min_staking_value_sat", .. });
    names!(refused(|p| p.max_staking_value_sat = -1), P::NotPositive { field: "max_staking_value_sat", .. });
    names!(refused(|p| p.max_staking_value_sat = 1), P::MinAboveMax(_));
    names!(refused(|p| p.min_staking_time_blocks = 0), P::LockTime { field: "min_staking_time_blocks", .. });
    names!(
        refused(|p| p.max_staking_time_blocks = 65_536),
        P::LockTime { field: "max_staking_time_blocks", .. }
    );
    names!(refused(|p| p.max_staking_time_blocks = 1), P::MinAboveMax(_));
    names!(refused(|p| p.slashing_pk_script.clear()), P::EmptySlashingScript);
    names!(
        refused(|p| p.min_slashing_tx_fee_sat = 0),
        P::NotPositive { field: "min_slashing_tx_fee_sat", .. }
    );
    names!(refused(|p| p.slashing_rate = "1".into()), P::SlashingRate(_));
    names!(refused(|p| p.slashing_rate = "0.00001".into()), P::SlashingRate(_));
    names!(refused(|p| p.unbonding_time_blocks = 0), P::LockTime { field: "unbonding_time_blocks", .. });
    names!(refused(|p| p.unbonding_fee_sat = 500_000), P::UnbondingFee { .. });
    names!(refused(|p| p.slashing_rate = "0.0001".into()), P::SlashIsDust(_));
    names!(refused(|p| p.min_commission_rate = "1.1".into()), P::Commission(_));
    names!(refused(|p| p.min_commission_rate = "much".into()), P::CommissionNotANumber(_));
    names!(refused(|p| p.max_finality_providers = 0), P::NoProviders);
    names!(refused(|p| p.max_staker_quorum = 8), P::StakerCaps { .. });
}

#[test]
fn parameters_survive_json() {
    let raw = raw_params(&PLAIN);
    let text = serde_json::to_string(&raw).unwrap();
    assert_eq!(serde_json::from_str::<ParamsUnchecked>(&text).unwrap(), raw);
    assert!(text.contains("\"slash_rounding\":\"double\""));
    assert!(serde_json::from_str::<ParamsUnchecked>("{}").unwrap().check().is_err());
}
