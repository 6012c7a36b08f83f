//! Recovery of ECDSA keys from signatures made by libsecp256k1, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use secp256k1::{Message, Secp256k1};
use staking_crypto::curve::{Libsecp, Pure};
use staking_crypto::ecdsa::{self, ParseError, RecoverableSignature};
use staking_crypto::{Scalar, SecretKey};

fn compact(secret: [u8; 32], digest: [u8; 32]) -> [u8; 65] {
    let secret = secp256k1::SecretKey::from_byte_array(secret).unwrap();
    let signature = Secp256k1::new().sign_ecdsa_recoverable(Message::from_digest(digest), &secret);
    let (id, halves) = signature.serialize_compact();
    let mut bytes = [0; 65];
    bytes[0] = 31 + u8::try_from(i32::from(id)).unwrap();
    bytes[1..].copy_from_slice(&halves);
    bytes
}

#[test]
fn the_signer_is_recovered_with_its_parity() {
    for byte in 1..20 {
        let (secret, digest) = ([byte; 32], [byte ^ 0x55; 32]);
        let signature = RecoverableSignature::from_compact(&compact(secret, digest)).unwrap();
        let expected = *SecretKey::from_bytes(&secret).unwrap().public();
        assert_eq!(ecdsa::recover(&Libsecp, &digest, &signature), Ok(expected));
        assert_eq!(ecdsa::recover(&Pure, &digest, &signature), Ok(expected));
        assert_ne!(ecdsa::recover(&Pure, &[0; 32], &signature), Ok(expected));
    }
}

/// B12: high s, r and s out of range and unknown headers are refused.
#[test]
fn malleable_encodings_are_refused() {
    let good = compact([7; 32], [8; 32]);
    let with = |range: std::ops::Range<usize>, bytes: &[u8]| {
        let mut bad = good;
        bad[range].copy_from_slice(bytes);
        RecoverableSignature::from_compact(&bad)
    };
    let s: [u8; 32] = good[33..].try_into().unwrap();
    let high = Scalar::from_bytes(&s).unwrap().negate().to_bytes();
    assert_eq!(with(33..65, &high), Err(ParseError::HighS));
    assert_eq!(with(33..65, &[0xff; 32]), Err(ParseError::S));
    assert_eq!(with(33..65, &[0; 32]), Err(ParseError::S));
    assert_eq!(with(1..33, &[0xff; 32]), Err(ParseError::R));
    assert_eq!(with(1..33, &[0; 32]), Err(ParseError::R));
    for header in [0, 26, 29, 30, 33, 34, 35, 255] {
        assert_eq!(with(0..1, &[header]), Err(ParseError::Header(header)));
    }
    let uncompressed = with(0..1, &[good[0] - 4]).unwrap();
    assert_eq!(uncompressed, RecoverableSignature::from_compact(&good).unwrap());
}
