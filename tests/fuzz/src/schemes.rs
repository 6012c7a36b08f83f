//! Encodings of keys, points and signatures; both backends must give one verdict.

use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey};
use staking_crypto::curve::{Libsecp, Pure};
use staking_crypto::ecdsa::RecoverableSignature;
use staking_crypto::{Curve, Point, Scalar, XOnly, bip340, eots};

use crate::take;

/// Adaptor signatures of both lengths: parse, write back, verify, decrypt and extract.
pub fn adaptor_signature(data: &[u8]) {
    if let Ok(parsed) = AdaptorSignature::from_bytes(data) {
        let bytes = parsed.to_bytes();
        assert_eq!(AdaptorSignature::from_bytes(&bytes), Ok(parsed));
        assert!(data == bytes || data.len() == 66);
        let key = XOnly::GENERATOR;
        let encryption = EncryptionKey::from_x_only(&key).expect("the generator is on the curve");
        let verdict = adaptor::verify(&Libsecp, &key, &encryption, &[7; 32], &parsed);
        assert_eq!(verdict, adaptor::verify(&Pure, &key, &encryption, &[7; 32], &parsed));
    }
}

/// Scalars, points, Schnorr, EOTS and recoverable signatures.
pub fn scheme_bytes(mut data: &[u8]) {
    if let Ok(compact) = data.try_into() {
        recoverable(compact);
    }
    let rest = &mut data;
    let Some(first) = take::<32>(rest) else { return };
    if let Ok(scalar) = Scalar::from_bytes(&first) {
        assert_eq!(scalar.to_bytes(), first);
    }
    let Ok(key) = XOnly::from_bytes(&first) else { return };
    assert_eq!(Libsecp.lift_x(&key), Pure.lift_x(&key));
    let Some(bytes) = take::<64>(rest) else { return };
    if let Ok(point) = Point::from_xy(&bytes) {
        assert_eq!(Point::from_compressed(&point.to_compressed()), Ok(point));
    }
    let Ok(signature) = bip340::Signature::from_bytes(&bytes) else { return };
    assert_eq!(signature.to_bytes(), bytes);
    let verdict = bip340::verify(&Libsecp, &key, rest, &signature);
    assert_eq!(verdict, bip340::verify(&Pure, &key, rest, &signature));
    extract(&key, &signature, rest);
}

fn recoverable(compact: &[u8; 65]) {
    if let Ok(signature) = RecoverableSignature::from_compact(compact) {
        assert_eq!(signature.to_bytes(), compact[1..]);
        let digest = [3; 32];
        assert_eq!(Libsecp.recover_ecdsa(&digest, &signature), Pure.recover_ecdsa(&digest, &signature));
    }
}

fn extract(key: &XOnly, signature: &bip340::Signature, message: &[u8]) {
    let first = eots::Signature::from_bytes(&signature.s().to_bytes()).expect("a scalar is canonical");
    let other =
        eots::Signature::from_bytes(&signature.s().negate().to_bytes()).expect("a scalar is canonical");
    let pair = ((message, &first), (b"other".as_slice(), &other));
    let found = eots::extract(&Libsecp, key, signature.r(), pair.0, pair.1).map(|key| *key.expose_secret());
    let expected = eots::extract(&Pure, key, signature.r(), pair.0, pair.1).map(|key| *key.expose_secret());
    assert_eq!(found, expected);
}
