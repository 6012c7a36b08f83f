//! Registrations of expansions, derived registrations, and completing what was pre-signed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::CURVE;
use common::world::{
    MEMBER, PLAIN, PROVIDER, Registration, Shape, covenant_signatures, encryption_keys, raw_params, secret,
    sign, signatures, terms, x_only,
};
use staking_protocol::delegation::{
    DelegationRequest, ExpansionRequestError as E, PreviousStake, SlashedOutput, SlashingInput, StakeTerms,
    UnbondingInput, VerifiedExpansion, check_covenant_signatures, derive, verify_derived_delegation,
    verify_expansion,
};
use staking_protocol::params::Params;
use staking_protocol::script::{StakingPath, UnbondingPath};
use staking_protocol::tx::expansion::ExpansionError;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::witness::{self, Group, LeakedKey};
use staking_protocol::tx::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};

/// An old stake, new terms, and the transaction between them.
struct Expansion {
    old: Registration,
    params: Params,
    terms: StakeTerms,
    shape: Shape,
    funding: Transaction,
    tx: Transaction,
}

fn expansion(shape: Shape) -> Expansion {
    let old = Registration::new(&PLAIN);
    let (params, terms) = (raw_params(&shape).check().unwrap(), terms(&shape));
    let funding = Transaction {
        version: 2,
        inputs: vec![TxIn::unsigned(OutPoint { txid: Txid([2; 32]), vout: 1 }, 0xffff_fffd)],
        outputs: vec![TxOut::new(Sat(700_000), [&[0x00, 0x14][..], &[8; 20]].concat())],
        lock_time: 0,
    };
    let script = terms.scripts(&CURVE, &params).unwrap().staking.pk_script();
    let inputs =
        [OutPoint { txid: old.staking_tx.txid(), vout: 0 }, OutPoint { txid: funding.txid(), vout: 0 }];
    let tx = Transaction {
        version: 2,
        inputs: inputs.map(|outpoint| TxIn::unsigned(outpoint, TxIn::SEQUENCE_FINAL)).to_vec(),
        outputs: vec![TxOut::new(terms.value, script)],
        lock_time: 0,
    };
    Expansion { old, params, terms, shape, funding, tx }
}

impl Expansion {
    fn verify(&self) -> Result<VerifiedExpansion, E> {
        let outpoint = OutPoint { txid: self.tx.txid(), vout: 0 };
        let presigned = derive(&CURVE, &self.params, &self.terms, outpoint).unwrap();
        let digests = presigned.sighashes();
        let request = DelegationRequest {
            terms: &self.terms,
            staking_tx: &self.tx.serialize(),
            unbonding_time: self.params.unbonding_time(),
            unbonding_tx: &presigned.unbonding().transaction().serialize(),
            unbonding_value: presigned.unbonding().value(),
            slashing_tx: &presigned.slashing().transaction().serialize(),
            slashing_signatures: &signatures(&self.shape, &digests.slashing.0),
            unbonding_slashing_tx: &presigned.unbonding_slashing().transaction().serialize(),
            unbonding_slashing_signatures: &signatures(&self.shape, &digests.unbonding_slashing.0),
        };
        let previous = PreviousStake {
            outpoint: OutPoint { txid: self.old.staking_tx.txid(), vout: 0 },
            terms: &self.old.terms,
            params: &self.old.params,
        };
        verify_expansion(&CURVE, &self.params, SlashingPolicy::Exact, &previous, &self.funding, &request)
    }
}

const GROWN: Shape = Shape { value: 1_600_000, ..PLAIN };

#[test]
fn an_expansion_is_accepted_and_its_old_input_can_be_spent() {
    let expansion = expansion(Shape { providers: 2, ..GROWN });
    let verified = expansion.verify().unwrap();
    let digests = verified.delegation().sighashes();
    let digest = digests.expansion.unwrap();
    let keys = encryption_keys(&expansion.terms.providers);
    for i in 0..PLAIN.quorum {
        let (member, signatures) = covenant_signatures(i, digests, &keys);
        check_covenant_signatures(&CURVE, &member, &keys, digests, &signatures).unwrap();
    }
    // The old committee and the owner open the old unbonding path over both previous outputs.
    let old = &expansion.old;
    let members: Vec<_> =
        (0..PLAIN.quorum).map(|i| (x_only(MEMBER + i).into(), sign(MEMBER + i, &digest.0))).collect();
    let owner = [(x_only(0).into(), sign(0, &digest.0))];
    let output = verified.old_output();
    let (leaf, block) = (output.leaf(StakingPath::Unbonding), output.control_block(StakingPath::Unbonding));
    let (covenants, stakers) = (old.params.covenants(), &old.terms.stakers);
    let stack = witness::unbonding(covenants, &members, stakers, &owner, leaf, &block).unwrap();
    let groups = [Group::covenants(covenants), Group::stakers(stakers)];
    assert_eq!(witness::check(&CURVE, &stack, &groups, leaf, &block, &digest), Ok(()));
}

/// Traps A18, A23 and A29.
#[test]
fn an_expansion_keeps_owner_quorum_and_providers() {
    let mut other_owner = expansion(GROWN);
    other_owner.terms.stakers = StakeTerms { stakers: x_only_staker(9), ..terms(&PLAIN) }.stakers;
    assert_eq!(other_owner.verify(), Err(E::OtherOwner));
    let mut dropped = expansion(GROWN);
    dropped.old = Registration::new(&Shape { providers: 2, ..PLAIN });
    assert_eq!(dropped.verify(), Err(E::ProviderDropped(x_only(PROVIDER + 1).into())));
}

fn x_only_staker(i: u32) -> staking_protocol::keys::Stakers {
    staking_protocol::keys::StakerKey::from(x_only(i)).into()
}

/// Trap G6.
#[test]
fn an_expansion_needs_a_quorum_of_the_old_committee_in_the_new_one() {
    let mut rotated = expansion(GROWN);
    let mut raw = raw_params(&GROWN);
    for (i, key) in raw.covenant_pks.iter_mut().enumerate().skip(2) {
        *key = x_only(300 + u32::try_from(i).unwrap()).to_bytes();
    }
    rotated.params = raw.check().unwrap();
    assert_eq!(rotated.verify(), Err(E::Committee { shared: 2, quorum: 3 }));
}

/// Traps A17 and G5.
#[test]
fn an_expansion_spends_the_old_stake_and_the_named_funding_and_leaves_a_fee() {
    let refused = |spoil: fn(&mut Expansion)| {
        let mut expansion = expansion(GROWN);
        spoil(&mut expansion);
        match expansion.verify().unwrap_err() {
            E::Expansion(error) => error,
            other => panic!("{other:?}"),
        }
    };
    let error = refused(|e| e.tx.inputs.swap(0, 1));
    assert!(matches!(error, ExpansionError::PreviousStake { .. }), "{error:?}");
    let error = refused(|e| e.tx.inputs[0].previous_output.vout = 1);
    assert!(matches!(error, ExpansionError::PreviousStake { .. }), "{error:?}");
    let error = refused(|e| e.tx.inputs[1].previous_output.txid = Txid([9; 32]));
    assert!(matches!(error, ExpansionError::FundingTx { .. }), "{error:?}");
    let error = refused(|e| e.tx.inputs[1].previous_output.vout = 7);
    assert!(matches!(error, ExpansionError::NoFundingOutput(7)), "{error:?}");
    assert_eq!(refused(|e| e.tx.inputs.truncate(1)), ExpansionError::InputCount(1));
    let error = refused(|e| e.tx.outputs.push(TxOut::new(Sat(100_000), [0x51, 0x02, 0x4e, 0x73])));
    assert!(matches!(error, ExpansionError::NoFee { .. }), "{error:?}");
}

/// Trap A19: the output that funds an expansion may be a stake itself. The expansion is one of its first input only;
/// as an expansion of the stake that funds it, it is refused, so that nobody ends that stake, or counts it twice, by it.
#[test]
fn an_expansion_is_none_of_the_stake_that_funds_it() {
    let expansion = expansion(GROWN);
    assert!(expansion.verify().is_ok());
    let (first, second) = (expansion.tx.inputs[0].previous_output, expansion.tx.inputs[1].previous_output);
    let as_expansion_of = |previous, funding: &Transaction| {
        staking_protocol::tx::ExpansionTx::validate(expansion.tx.clone(), previous, funding)
    };
    assert_eq!(as_expansion_of(first, &expansion.funding).unwrap().previous(), first);
    let refused = as_expansion_of(second, &expansion.old.staking_tx);
    assert!(matches!(refused, Err(ExpansionError::PreviousStake { .. })), "{refused:?}");
}

#[test]
fn a_stake_does_not_shrink_by_expansion() {
    let shrunk = expansion(Shape { value: 999_999, ..PLAIN });
    let refused = shrunk.verify();
    assert!(matches!(refused, Err(E::Expansion(ExpansionError::Shrinks { .. }))), "{refused:?}");
}

#[test]
fn a_registration_without_derivable_transactions_equals_the_full_one() {
    let full = Registration::new(&PLAIN);
    let derived = verify_derived_delegation(
        &CURVE,
        &full.params,
        &full.terms,
        &full.staking_tx.serialize(),
        &full.slashing_signatures,
        &full.unbonding_slashing_signatures,
    );
    assert_eq!(derived, full.verify(SlashingPolicy::Exact));
}

#[test]
fn pre_signed_transactions_are_completed() {
    let shape = Shape { providers: 3, stakers: 2, staker_quorum: 2, ..PLAIN };
    let registration = Registration::new(&shape);
    let verified = registration.verify(SlashingPolicy::Exact).unwrap();
    let (presigned, digests) = (verified.presigned(), verified.sighashes());
    let (terms, covenants) = (verified.terms(), registration.params.covenants());
    let keys = encryption_keys(&terms.providers);
    let members: Vec<_> = (0..5).map(|i| covenant_signatures(i, digests, &keys)).collect();

    let plain: Vec<_> = members.iter().map(|(member, s)| (*member, s.unbonding)).collect();
    let owner = signatures(&shape, &digests.unbonding.0);
    let input = UnbondingInput { covenants: &plain, stakers: &owner };
    let unbonding = presigned.complete_unbonding(terms, covenants, &input).unwrap();
    assert_eq!(unbonding.txid(), presigned.unbonding().txid());
    let output = &presigned.scripts().staking;
    let (leaf, block) = (output.leaf(StakingPath::Unbonding), output.control_block(StakingPath::Unbonding));
    let groups = [Group::covenants(covenants), Group::stakers(&terms.stakers)];
    let stack = &unbonding.inputs[0].witness;
    assert_eq!(witness::check(&CURVE, stack, &groups, leaf, &block, &digests.unbonding), Ok(()));

    let provider = PROVIDER + 1;
    let leaked = LeakedKey::check(&CURVE, x_only(provider).into(), secret(provider).to_secret()).unwrap();
    for (which, digest, stakers, adaptors) in [
        (
            SlashedOutput::Staking,
            digests.slashing,
            verified.slashing_signatures(),
            members.iter().map(|(m, s)| (*m, s.slashing.clone())).collect::<Vec<_>>(),
        ),
        (
            SlashedOutput::Unbonding,
            digests.unbonding_slashing,
            verified.unbonding_slashing_signatures(),
            members.iter().map(|(m, s)| (*m, s.unbonding_slashing.clone())).collect(),
        ),
    ] {
        let own = sign(provider, &digest.0);
        let input = SlashingInput { leaked: &leaked, provider: own, covenants: &adaptors, stakers };
        let tx = presigned.complete_slashing(which, terms, covenants, &input).unwrap();
        let scripts = presigned.scripts();
        let (leaf, block) = match which {
            SlashedOutput::Staking => (
                scripts.staking.leaf(StakingPath::Slashing),
                scripts.staking.control_block(StakingPath::Slashing),
            ),
            SlashedOutput::Unbonding => (
                scripts.unbonding.leaf(UnbondingPath::Slashing),
                scripts.unbonding.control_block(UnbondingPath::Slashing),
            ),
        };
        let groups =
            [Group::covenants(covenants), Group::providers(&terms.providers), Group::stakers(&terms.stakers)];
        assert_eq!(witness::check(&CURVE, &tx.inputs[0].witness, &groups, leaf, &block, &digest), Ok(()));
        let change = presigned.withdrawable_change(which, registration.params.unbonding_time());
        assert_eq!(change.outpoint().txid, tx.txid());
    }
    assert_eq!(presigned.withdrawable_stake(terms).lock(), 1_000);
    let unbonded = presigned.withdrawable_unbonded(registration.params.unbonding_time());
    assert_eq!(unbonded.outpoint().txid, unbonding.txid());
}
