//! Family `pop`, and the traps of each form of proof.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::{CURVE, Case, array, bytes, cases};
use proptest::prelude::*;
use staking_crypto::XOnly;
use staking_protocol::context::Domain;
use staking_protocol::header::Network;
use staking_protocol::possession::{Bip322Error, ChainAddress, Possession, PossessionError};

fn verify(case: &Case, sig: &[u8]) -> Result<(), PossessionError> {
    let input = &case.input;
    let sig_type = input["sig_type"].as_u64().unwrap().try_into().unwrap();
    let address = ChainAddress::parse(input["babylon_address"].as_str().unwrap()).unwrap();
    let key = XOnly::from_bytes(&array(&input["pk"])).unwrap();
    let network = Network::from_name(input["network"].as_str().unwrap()).unwrap();
    Possession::from_parts(sig_type, sig)?.verify(&CURVE, &Domain::Plain, &key, &address, network)
}

#[test]
fn proofs_are_judged_as_on_babylon() {
    for case in cases("pop") {
        case.judge(verify(&case, &bytes(&case.input["sig"])));
    }
}

fn refusal(kind: &str) -> PossessionError {
    let case = cases("pop").into_iter().find(|case| case.kind == kind).unwrap();
    verify(&case, &bytes(&case.input["sig"])).unwrap_err()
}

/// Trap B13: a signature of another type does not cover the message.
#[test]
fn bip322_signatures_must_cover_everything() {
    for kind in ["322-sighash-none-p2tr", "322-sighash-none-p2wpkh"] {
        assert_eq!(refusal(kind), PossessionError::Bip322(Bip322Error::SighashType(2)), "{kind}");
    }
}

/// Trap B12: of the two signatures that an ECDSA signature gives, only the low one passes.
#[test]
fn ecdsa_signatures_must_have_a_low_s() {
    assert!(matches!(refusal("ecdsa-high-s"), PossessionError::EcdsaForm(_)));
    assert!(matches!(refusal("322-other-network"), PossessionError::Bip322(Bip322Error::Network { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Trap C9: absent fields and cut messages are errors; no bytes panic. What is read has one encoding, so that
    /// nothing can be added to it.
    #[test]
    fn no_message_panics_and_each_proof_has_one(
        raw in proptest::collection::vec(any::<u8>(), 0..200), pick in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
    ) {
        let _ = Possession::from_proto(&raw);
        let all = cases("pop");
        let good = bytes(&pick.get(&all).input["pop_proto"]);
        prop_assert!(Possession::from_proto(&good[..cut.index(good.len())]).is_err());
        let more = [good.as_slice(), &raw].concat();
        prop_assert!(raw.is_empty() || Possession::from_proto(&more).is_err());
    }

    /// Wherever a bit of a valid proof is flipped, it is refused.
    #[test]
    fn a_valid_proof_with_a_flipped_bit_is_refused(pick in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>()) {
        let valid: Vec<_> = cases("pop").into_iter().filter(|case| case.ok == Some(true)).collect();
        let case = pick.get(&valid);
        let mut sig = bytes(&case.input["sig"]);
        prop_assert_eq!(verify(case, &sig), Ok(()));
        let bit = bit.index(sig.len() * 8);
        // The compression flag of a recoverable signature's header says how a wallet writes its key, nothing else.
        prop_assume!(!(case.input["sig_type"] == 2 && bit / 8 == 0));
        sig[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify(case, &sig).is_err());
    }
}
