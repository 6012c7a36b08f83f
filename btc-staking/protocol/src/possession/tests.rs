//! Proofs made here with libsecp256k1, and what must not pass for one.

use alloc::vec::Vec;

use proptest::prelude::*;
use staking_crypto::SecretKey;
use staking_crypto::curve::{Libsecp, Pure};

use super::*;
use crate::context::Purpose;
use crate::finality::randomness::signed_digest;

const ADDRESS: &str = "mesh1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnr5k56f";

fn address() -> ChainAddress {
    let hrp = bech32::Hrp::parse("mesh").unwrap();
    let text = bech32::encode::<bech32::Bech32>(hrp, &[7; 20]).unwrap();
    ChainAddress::parse(&text).unwrap()
}

fn key() -> SecretKey {
    SecretKey::from_bytes(&[0x42; 32]).unwrap()
}

fn domain() -> Domain {
    Domain::v0(Purpose::StakerPossession, "mesh-1", "mesh1staking")
}

fn proof() -> Possession {
    Possession::Bip340(bip340::sign(&key(), &bip340_digest(&domain(), address().raw()), &[0; 32]))
}

#[test]
fn a_bip340_proof_verifies_on_every_backend() {
    let (key, address) = (key().x_only(), address());
    assert_eq!(proof().verify(&Libsecp, &domain(), &key, &address, Network::Regtest), Ok(()));
    assert_eq!(proof().verify(&Pure, &domain(), &key, &address, Network::Regtest), Ok(()));
}

/// Traps B1 and B2: purpose, chain and verifier are part of what is signed.
#[test]
fn a_proof_for_another_domain_is_refused() {
    let others = [
        Domain::Plain,
        Domain::v0(Purpose::ProviderPossession, "mesh-1", "mesh1staking"),
        Domain::v0(Purpose::StakerPossession, "mesh-2", "mesh1staking"),
        Domain::v0(Purpose::StakerPossession, "mesh-1", "mesh1other"),
    ];
    for other in others {
        let result = proof().verify(&Libsecp, &other, &key().x_only(), &address(), Network::Regtest);
        assert!(result.is_err(), "{other:?}");
    }
}

/// Trap B1 itself: without contexts, a proof over a 20-byte address is byte for byte a commitment of four bytes;
/// with them the digests differ, and four bytes are no commitment anyway.
#[test]
fn a_proof_is_not_a_randomness_commitment() {
    let address = address();
    let (start, rest) = address.raw().split_at(8);
    let (num, root) = rest.split_at(8);
    let start = u64::from_be_bytes(start.try_into().unwrap());
    let num = u64::from_be_bytes(num.try_into().unwrap());
    assert_eq!(bip340_digest(&Domain::Plain, address.raw()), signed_digest(&Domain::Plain, start, num, root));
    let commit = Domain::v0(Purpose::RandomnessCommitment, "mesh-1", "mesh1staking");
    assert_ne!(bip340_digest(&domain(), address.raw()), signed_digest(&commit, start, num, root));
    assert!(crate::finality::RandomnessCommitment::new(start, num, root).is_err());
}

/// Trap B14: each type has its own message; a signature of one is none of another.
#[test]
fn types_are_not_interchangeable() {
    let Possession::Bip340(signature) = proof() else { unreachable!() };
    let mut recoverable = [31; 65];
    recoverable[1..].copy_from_slice(&signature.to_bytes());
    if let Ok(ecdsa) = Possession::from_parts(2, &recoverable) {
        assert!(ecdsa.verify(&Libsecp, &domain(), &key().x_only(), &address(), Network::Regtest).is_err());
    }
    assert_eq!(
        Possession::from_parts(2, &signature.to_bytes()),
        Err(PossessionError::Length { expected: 65, found: 64 })
    );
    assert_eq!(Possession::from_parts(3, &signature.to_bytes()), Err(PossessionError::Type(3)));
}

/// Trap B18: an address is 20 or 32 bytes, and its text is one.
#[test]
fn other_texts_are_no_address() {
    assert!(ChainAddress::parse(ADDRESS).is_err(), "checksum");
    let hrp = bech32::Hrp::parse("mesh").unwrap();
    let odd = bech32::encode::<bech32::Bech32>(hrp, &[7; 21]).unwrap();
    assert_eq!(ChainAddress::parse(&odd), Err(AddressError::Length(21)));
    assert_eq!(ChainAddress::parse(&address().text().to_uppercase()), Err(AddressError::UpperCase));
}

fn proto() -> Vec<u8> {
    let Possession::Bip340(signature) = proof() else { unreachable!() };
    [&[0x12, 0x40], signature.to_bytes().as_slice()].concat()
}

#[test]
fn protobuf_is_read_strictly() {
    assert_eq!(Possession::from_proto(&proto()), Ok(proof()));
    let explicit_zero = [&[0x08, 0x00], proto().as_slice()].concat();
    let twice = [proto(), proto()].concat();
    let unknown = [proto().as_slice(), &[0x1a, 0x00]].concat();
    let long_number = [&[0x08, 0x80, 0x00], proto().as_slice()].concat();
    for spoiled in [explicit_zero, twice, unknown, long_number, proto()[..20].to_vec(), Vec::new()] {
        assert!(Possession::from_proto(&spoiled).is_err(), "{spoiled:02x?}");
    }
}

/// Protobuf leaves empty fields out, so that their absence is a matter of the fields, not of the message.
#[test]
fn absent_fields_are_empty() {
    let signature = PossessionError::Length { expected: 64, found: 0 };
    assert_eq!(Possession::from_proto(&[]), Err(signature));
    assert_eq!(Possession::from_proto(&[0x12, 0]), Err(PossessionError::Wire(WireError::Number)));
    let address = bip322::Simple::from_proto(&[0x12, 1, 0]).unwrap();
    assert_eq!(address.address(), "");
    let witness = bip322::Simple::from_proto(&[0x0a, 1, b'a']);
    assert!(matches!(witness, Err(Bip322Error::Witness(_))), "{witness:?}");
    let swapped = bip322::Simple::from_proto(&[0x12, 1, 0, 0x0a, 1, b'a']);
    assert_eq!(swapped, Err(Bip322Error::Wire(WireError::Field(0x0a))));
}

/// Kinds of addresses that no key alone can answer for: P2SH (a nested P2WPKH too), P2WSH, later versions.
#[test]
fn only_single_key_addresses_sign() {
    let key = key().x_only();
    let program = |version, bytes: &[u8]| {
        let version = bech32::Fe32::try_from(version).unwrap();
        bech32::segwit::encode(bech32::hrp::BCRT, version, bytes).unwrap()
    };
    let addresses = [
        ("2NBtTFs7hGzAUAJm7MRp9QJYyhcJHXEcvhE".into(), Bip322Error::Address),
        (program(0u8, &[7; 32]), Bip322Error::AddressType),
        (program(1, &[7; 20]), Bip322Error::AddressType),
        (program(1, &[0xff; 32]), Bip322Error::AddressType),
        (program(2, &[7; 32]), Bip322Error::AddressType),
    ];
    for (address, expected) in addresses {
        let simple = bip322::Simple::from_parts(address.as_bytes(), &[1, 1, 0]).unwrap();
        let found = simple.verify_by_key(&Libsecp, &key, b"message", Network::Regtest);
        assert_eq!(found, Err(expected), "{address}");
    }
    let upper = program(0, &[7; 20]).to_uppercase();
    let simple = bip322::Simple::from_parts(upper.as_bytes(), &[1, 1, 0]).unwrap();
    assert!(simple.verify_by_key(&Libsecp, &key, b"message", Network::Regtest).is_err());
    let signet = bech32::segwit::encode_v0(bech32::hrp::TB, &[7; 20]).unwrap();
    let simple = bip322::Simple::from_parts(signet.as_bytes(), &[1, 1, 0]).unwrap();
    for network in [Network::Signet, Network::Testnet3, Network::Testnet4] {
        let found = simple.verify_by_key(&Libsecp, &key, b"message", network);
        assert_eq!(found, Err(Bip322Error::WitnessItems(1)), "{network}");
    }
    let found = simple.verify_by_key(&Libsecp, &key, b"message", Network::Mainnet);
    assert!(matches!(found, Err(Bip322Error::Network { .. })));
}

/// A taproot proof by the key path: which type bytes are taken, and that the key must be the one tweaked (BIP-86).
/// Trap B13.
#[test]
fn taproot_proofs_cover_everything() {
    let owner = key();
    let output = bip322::taproot_output_key(&Libsecp, &owner.x_only()).unwrap();
    let address = bech32::segwit::encode_v1(bech32::hrp::BCRT, output.as_bytes()).unwrap();
    let verify = |signature: &[u8], key: &XOnly| {
        let witness = [&[1, u8::try_from(signature.len()).unwrap()], signature].concat();
        let simple = bip322::Simple::from_parts(address.as_bytes(), &witness).unwrap();
        simple.verify_by_key(&Libsecp, key, b"message", Network::Regtest)
    };
    let junk = bip340::sign(&owner, &[1; 32], &[0; 32]).to_bytes();
    assert_eq!(verify(&junk, &owner.x_only()), Err(Bip322Error::Signature));
    for kind in [2, 3, 0x80, 0x81, 0x82, 0x83, 0xff] {
        let typed = [junk.as_slice(), &[kind]].concat();
        assert_eq!(verify(&typed, &owner.x_only()), Err(Bip322Error::SighashType(kind)));
    }
    // Zero means "default" and must be left out (BIP-341).
    assert_eq!(verify(&[junk.as_slice(), &[0]].concat(), &owner.x_only()), Err(Bip322Error::SignatureForm));
    for length in [0, 63, 66] {
        assert_eq!(verify(&[1; 66][..length], &owner.x_only()), Err(Bip322Error::SignatureForm));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_proof_with_a_flipped_bit_is_refused(bit in 0_usize..66 * 8) {
        let mut raw = proto();
        raw[bit / 8] ^= 1 << (bit % 8);
        let result = Possession::from_proto(&raw)
            .and_then(|p| p.verify(&Libsecp, &domain(), &key().x_only(), &address(), Network::Regtest));
        prop_assert!(result.is_err());
    }

    #[test]
    fn no_bytes_panic(sig_type in 0_u32..4, raw in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Possession::from_proto(&raw);
        if let Ok(parsed) = Possession::from_parts(sig_type, &raw) {
            let _ = parsed.verify(&Libsecp, &domain(), &key().x_only(), &address(), Network::Regtest);
        }
    }
}

/// The specification's own transaction identifiers for "Hello World".
#[test]
fn bip322_transactions_match_the_specification() {
    let script = [&[0x00, 0x14], [0x2b; 20].as_slice()].concat();
    let empty = bip322::to_spend(b"", &script);
    let hello = bip322::to_spend(b"Hello World", &script);
    assert_ne!(empty.txid(), hello.txid());
    assert_eq!(bip322::to_sign(&hello).inputs[0].previous_output.txid, hello.txid());
}
