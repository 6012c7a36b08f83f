//! Negative space by the bit: what covenant members sign, what makes a stake findable, what shows that a stake was
//! spent. A flipped bit is refused, with the error that names the field.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::world::{
    PLAIN, PROVIDER, Registration, Shape, covenant_signatures, encryption_keys, secret, sign,
};
use common::{CURVE, cases, list, staker, tx};
use proptest::prelude::*;
use staking_crypto::adaptor::AdaptorSignature;
use staking_crypto::{OneTimeNonce, SecretKey, bip340, eots};
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::delegation::{
    CovenantSignatures, CovenantSignaturesError, VerifiedDelegation, check_covenant_signatures,
};
use staking_protocol::finality::vote::vote_message;
use staking_protocol::finality::{Evidence, EvidenceError, RandomnessCommitment, SignedMessage};
use staking_protocol::header::{Header, ValidHeader};
use staking_protocol::inclusion::{InclusionError, MerkleBranch, confirm};
use staking_protocol::keys::{CovenantKey, Stakers};
use staking_protocol::script::{ScriptTemplates, StakingPath};
use staking_protocol::tag::{OpReturnV0, ParseV0Error, Tag, parse_v0};
use staking_protocol::tx::spend::{SpendError, StakeSpend};
use staking_protocol::tx::withdrawal::{Withdrawable, WithdrawalError, WithdrawalTx};
use staking_protocol::tx::witness::{self, Group, LeakedKey, SlashingSignatures, WitnessError};
use staking_protocol::tx::{Sat, Transaction};

fn flip(bytes: &mut [u8], bit: usize) {
    let at = bit / 8 % bytes.len();
    bytes[at] ^= 1 << (bit % 8);
}

/// A stake with two providers, and what one member signs of it.
fn signed() -> (VerifiedDelegation, CovenantKey, CovenantSignatures) {
    let registration = Registration::new(&Shape { providers: 2, ..PLAIN });
    let verified = registration.verify(staking_protocol::tx::slashing::SlashingPolicy::Exact).unwrap();
    let keys = encryption_keys(&verified.terms().providers);
    let (member, signatures) = covenant_signatures(0, verified.sighashes(), &keys);
    (verified, member, signatures)
}

fn spoil(signature: &mut AdaptorSignature, bit: usize) -> Option<()> {
    let mut bytes = signature.to_bytes();
    flip(&mut bytes, bit);
    *signature = AdaptorSignature::from_bytes(&bytes).ok()?;
    Some(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_bit_of_every_covenant_signature_matters(which in 0..3, at in 0usize..2, bit in 0usize..520) {
        use CovenantSignaturesError as C;
        let (verified, member, mut signatures) = signed();
        let spoiled = match which {
            0 => spoil(&mut signatures.slashing[at], bit),
            1 => spoil(&mut signatures.unbonding_slashing[at], bit),
            _ => {
                let mut bytes = signatures.unbonding.to_bytes();
                flip(&mut bytes, bit);
                bip340::Signature::from_bytes(&bytes).ok().map(|spoiled| signatures.unbonding = spoiled)
            }
        };
        // Some bits make bytes that are no signature at all.
        prop_assume!(spoiled.is_some());
        let keys = encryption_keys(&verified.terms().providers);
        let refused = check_covenant_signatures(&CURVE, &member, &keys, verified.sighashes(), &signatures).unwrap_err();
        match which {
            0 => prop_assert!(matches!(refused, C::Slashing { provider, .. } if provider == at), "{refused:?}"),
            1 => prop_assert!(matches!(refused, C::UnbondingSlashing { provider, .. } if provider == at), "{refused:?}"),
            _ => prop_assert!(matches!(refused, C::Unbonding(_)), "{refused:?}"),
        }
    }

    #[test]
    fn no_other_digest_or_member_fits_a_covenant_signature(which in 0..4, bit in 0usize..256) {
        use CovenantSignaturesError as C;
        let (verified, member, signatures) = signed();
        let mut digests = *verified.sighashes();
        let mut key = member.to_bytes();
        match which {
            0 => flip(&mut digests.slashing.0, bit),
            1 => flip(&mut digests.unbonding.0, bit),
            2 => flip(&mut digests.unbonding_slashing.0, bit),
            _ => flip(&mut key, bit),
        }
        let Ok(member) = CovenantKey::from_bytes(&key) else { return Ok(()) };
        let keys = encryption_keys(&verified.terms().providers);
        let refused = check_covenant_signatures(&CURVE, &member, &keys, &digests, &signatures).unwrap_err();
        match which {
            0 => prop_assert!(matches!(refused, C::Slashing { provider: 0, .. }), "{refused:?}"),
            2 => prop_assert!(matches!(refused, C::UnbondingSlashing { provider: 0, .. }), "{refused:?}"),
            _ => prop_assert!(matches!(refused, C::Unbonding(_)), "{refused:?}"),
        }
    }

    #[test]
    fn every_bit_that_makes_a_stake_findable_matters(bit in 0usize..71 * 8, stake_bit in 0usize..34 * 8) {
        let (tx, tag, templates) = identifiable();
        prop_assert_eq!(parse_v0(&CURVE, &tx, tag, &templates).unwrap().op_return_idx, 2);
        let mut moved = tx.clone();
        flip(&mut moved.outputs[0].script, stake_bit);
        prop_assert_eq!(parse_v0(&CURVE, &moved, tag, &templates), Err(ParseV0Error::NoStakingOutput));
        let mut spoiled = tx;
        flip(&mut spoiled.outputs[2].script[2..], bit);
        let refused = parse_v0(&CURVE, &spoiled, tag, &templates).unwrap_err();
        let named = match bit / 8 {
            0..4 => matches!(refused, ParseV0Error::OtherTag { .. }),
            4 => refused == ParseV0Error::NoOpReturn,
            // Half of all numbers are no key.
            5..69 => matches!(refused, ParseV0Error::NoOpReturn | ParseV0Error::NoStakingOutput),
            _ => refused == ParseV0Error::NoStakingOutput,
        };
        prop_assert!(named, "{refused:?}");
    }

    #[test]
    fn every_bit_of_an_inclusion_proof_matters(pick in any::<prop::sample::Index>(), which in 0..3, bit in any::<prop::sample::Index>()) {
        let plain: Vec<_> = cases("spv").into_iter().filter(|case| case.kind == "plain").collect();
        let input = &pick.get(&plain).input;
        let index = common::small(&input["index"]);
        let (mut tx, mut siblings) = (tx(&input["tx"]).serialize_stripped(), common::bytes(&input["proof"]));
        let mut header: [u8; 80] = common::array(&input["header"]);
        let judge = |tx: &[u8], siblings: &[u8], header: &[u8; 80]| {
            let branch = MerkleBranch::new(index, siblings)?;
            confirm(tx, &branch, &ValidHeader::from_storage(Header::new(header), 7)).map(|_| ())
        };
        prop_assert_eq!(judge(&tx, &siblings, &header), Ok(()));
        match which {
            0 => { let at = bit.index(tx.len() * 8); flip(&mut tx, at); }
            1 => { let at = bit.index(siblings.len() * 8); flip(&mut siblings, at); }
            _ => flip(&mut header[36..68], bit.index(256)),
        }
        let refused = judge(&tx, &siblings, &header).unwrap_err();
        prop_assert!(which == 0 || matches!(refused, InclusionError::WrongRoot { .. }), "{refused:?}");
    }

    /// What completes a slashing: signatures of three roles, script, control block.
    #[test]
    fn every_bit_of_a_slashing_witness_matters(item in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>()) {
        let registration = Registration::new(&PLAIN);
        let (terms, presigned) = (&registration.terms, registration.presigned());
        let (digests, keys) = (presigned.sighashes(), encryption_keys(&terms.providers));
        let covenants = registration.params.covenants();
        let members: Vec<_> = (0..covenants.quorum())
            .map(|i| covenant_signatures(i, &digests, &keys))
            .map(|(member, signatures)| (member, signatures.slashing))
            .collect();
        let leaked = LeakedKey::check(&CURVE, terms.providers.keys()[0], secret(PROVIDER).to_secret()).unwrap();
        let signatures = SlashingSignatures {
            covenants: &leaked.decrypt(&terms.providers, &members).unwrap(),
            provider: (leaked.provider(), sign(PROVIDER, &digests.slashing.0)),
            stakers: &registration.slashing_signatures,
        };
        let output = &presigned.scripts().staking;
        let (leaf, block) = (output.leaf(StakingPath::Slashing), output.control_block(StakingPath::Slashing));
        let mut stack =
            witness::slashing(covenants, &terms.providers, &terms.stakers, &signatures, leaf, &block).unwrap();
        let groups =
            [Group::covenants(covenants), Group::providers(&terms.providers), Group::stakers(&terms.stakers)];
        let check = |stack: &[Vec<u8>]| witness::check(&CURVE, stack, &groups, leaf, &block, &digests.slashing);
        prop_assert_eq!(check(&stack), Ok(()));
        let filled: Vec<_> = (0..stack.len()).filter(|i| !stack[*i].is_empty()).collect();
        let item = *item.get(&filled);
        let is_slot = item + 2 < stack.len();
        let at = bit.index(stack[item].len() * 8);
        flip(&mut stack[item], at);
        let refused = check(&stack).unwrap_err();
        let named = if is_slot { matches!(refused, WitnessError::Slot { .. }) } else { refused == WitnessError::Script };
        prop_assert!(named, "{item}: {refused:?}");
    }

    /// The proof that a stake can be withdrawn.
    #[test]
    fn every_bit_of_a_withdrawal_matters(bit in any::<prop::sample::Index>()) {
        let registration = Registration::new(&PLAIN);
        let (terms, presigned) = (&registration.terms, registration.presigned());
        let (stake, output) = (presigned.staking(), &presigned.scripts().staking);
        let source = [Withdrawable::staking(stake.outpoint, stake.value, output, terms.staking_time)];
        let tx = WithdrawalTx::build(source.to_vec(), &[0x51; 34], Sat(1_000)).unwrap();
        let own: Vec<_> = tx.sighashes().unwrap().iter().map(|digest| vec![(terms.stakers.primary(), sign(0, &digest.0))]).collect();
        let mut raw = tx.sign(&terms.stakers, &own).unwrap().serialize();
        let prove = |raw: &[u8]| WithdrawalTx::parse_and_prove(&CURVE, &terms.stakers, &source, raw);
        prop_assert!(prove(&raw).is_ok());
        let at = bit.index(raw.len() * 8);
        flip(&mut raw, at);
        let refused = prove(&raw).unwrap_err();
        let outpoint = (7 * 8..(7 + 36) * 8).contains(&at);
        prop_assert!(!outpoint || refused == WithdrawalError::Input(0), "{at}: {refused:?}");
    }

    /// What a provider signs when it commits to randomness.
    #[test]
    fn every_bit_of_a_signed_commitment_matters(bit in 0usize..(48 + 64) * 8) {
        let (key, domain) = (secret(PROVIDER), Domain::v0(Purpose::RandomnessCommitment, "mesh-1", "mesh1finality"));
        let mut raw = [[0, 0, 0, 0, 0, 0, 0, 100].as_slice(), &[0, 0, 0, 0, 0, 0, 3, 0], &[7; 32]].concat();
        let read = |raw: &[u8]| {
            let number = |at: usize| u64::from_be_bytes(raw[at..at + 8].try_into().unwrap());
            RandomnessCommitment::new(number(0), number(8), &raw[16..48])
        };
        let signature = bip340::sign(&key, &read(&raw).unwrap().digest(&domain), &[0; 32]);
        raw.extend(signature.to_bytes());
        let accepts = |raw: &[u8]| {
            let signature = bip340::Signature::from_bytes(raw[48..].try_into().unwrap());
            let (Ok(commitment), Ok(signature)) = (read(raw), signature) else { return false };
            bip340::verify(&CURVE, &key.x_only(), &commitment.digest(&domain), &signature).is_ok()
        };
        prop_assert!(accepts(&raw));
        flip(&mut raw, bit);
        prop_assert!(!accepts(&raw));
    }

    #[test]
    fn every_signed_bit_of_a_spend_matters(pick in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>()) {
        let plain: Vec<_> = cases("stake_spend").into_iter().filter(|case| case.kind == "plain").collect();
        let case = pick.get(&plain);
        let (spending, funding) = (tx(&case.input["spending_tx"]), tx(&case.input["funding_txs"][0]));
        prop_assert_eq!(list(&case.input["funding_txs"]).len(), 1);
        let owner = Stakers::single(staker(&case.input["staker_pk"]));
        let script = common::bytes(&case.input["staking_output_pk_script"]);
        let judge = |tx: &Transaction| {
            StakeSpend { tx, input: 0, funding: core::slice::from_ref(&funding) }.verify_signatures(&CURVE, &script, &owner)
        };
        prop_assert_eq!(judge(&spending), Ok(()));
        // What the signature covers.
        let mut raw = spending.serialize_stripped();
        let at = bit.index(raw.len() * 8);
        flip(&mut raw, at);
        if let Ok(mut spoiled) = Transaction::parse_stripped(&raw) && spoiled.inputs.len() == 1 {
            spoiled.inputs[0].witness.clone_from(&spending.inputs[0].witness);
            prop_assert!(judge(&spoiled).is_err());
        }
        // The signature, the script, the control block.
        let items = spending.inputs[0].witness.len();
        for item in items - 3..items {
            let mut spoiled = spending.clone();
            let bytes = &mut spoiled.inputs[0].witness[item];
            let at = bit.index(bytes.len() * 8);
            flip(bytes, at);
            let refused = judge(&spoiled).unwrap_err();
            if item + 3 == items {
                prop_assert!(matches!(refused, SpendError::Verify(_) | SpendError::Parse(_)), "{refused:?}");
            } else {
                prop_assert!(matches!(refused, SpendError::Commitment(_)), "{refused:?}");
            }
        }
    }
}

/// Trap B17: evidence holds what was signed, context included. Under a forged context it accuses nobody.
#[test]
fn evidence_under_a_forged_context_is_refused() {
    let key = SecretKey::from_bytes(&[9; 32]).unwrap();
    let vote = |chain: &str, block: u8| {
        vote_message(&Domain::v0(Purpose::FinalityVote, chain, "mesh1finality"), 7, &[block; 32])
    };
    let nonce = || OneTimeNonce::derive(&key, b"shared by mistake", 7);
    let signed =
        |message: Vec<u8>| SignedMessage { signature: eots::sign(nonce(), &key, &message).unwrap(), message };
    let honest = Evidence {
        provider: key.x_only(),
        randomness: nonce().public(),
        first: signed(vote("mesh-1", 1)),
        second: signed(vote("mesh-1", 2)),
    };
    assert!(honest.extract(&CURVE).is_ok());
    let mut forged = honest;
    forged.first.message = vote("mesh-2", 1);
    let refused = forged.extract(&CURVE).map(|_| ());
    assert!(
        matches!(refused, Err(EvidenceError::Extract(eots::ExtractError::OtherKey { .. }))),
        "{refused:?}"
    );
    forged.second.message = vote("mesh-2", 2);
    let refused = forged.extract(&CURVE).map(|_| ());
    assert!(
        matches!(refused, Err(EvidenceError::Extract(eots::ExtractError::OtherKey { .. }))),
        "{refused:?}"
    );
}

/// A staking transaction of the first phase: stake, change, OP_RETURN.
fn identifiable() -> (Transaction, Tag, ScriptTemplates) {
    let registration = Registration::new(&PLAIN);
    let tag = Tag(*b"mesh");
    let data = OpReturnV0 {
        tag,
        staker: registration.terms.stakers.primary(),
        provider: registration.terms.providers.keys()[0],
        staking_time: registration.terms.staking_time,
    };
    let mut tx = registration.staking_tx;
    tx.outputs.push(data.output());
    (tx, tag, registration.params.scripts().clone())
}
