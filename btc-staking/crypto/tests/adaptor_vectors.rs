//! Family `adaptor`, and the published rows of `real/adaptor_spec_vectors.json`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use adaptor::{AdaptorSignature, EncryptionKey};
use common::{array, bytes, cases};
use serde_json::Value;
use staking_crypto::curve::{Libsecp, Pure};
use staking_crypto::{Curve, Point, SecretKey, SecretScalar, XOnly, adaptor, bip340};

/// The encryption key is the even point, whatever parity the full key has.
fn encryption_key(input: &Value) -> EncryptionKey {
    let full = Point::from_compressed(&array(input, "enc_pk_full").unwrap()).unwrap();
    EncryptionKey::from_x_only(&full.x_only()).unwrap()
}

fn sign(input: &Value, out: &Value) -> Option<()> {
    let (digest, aux) = (array(input, "msg")?, array(input, "aux")?);
    let key = SecretKey::from_bytes(&array(input, "sk")?).ok()?;
    let encryption = encryption_key(input);
    assert_eq!(encryption.point().to_compressed(), array(out, "enc_key").unwrap());
    let signature = adaptor::sign(&key, &encryption, &digest, &aux).ok()?;
    assert_eq!(signature.to_bytes(), array(out, "adaptor_sig").unwrap());
    let decryption = SecretKey::from_bytes(&array(input, "dec_sk")?).ok()?.to_even_secret();
    assert_eq!(*decryption.expose_secret(), array(out, "dec_key").unwrap());
    let opened = signature.decrypt(&decryption);
    assert_eq!(opened.to_bytes(), array(out, "schnorr_sig").unwrap());
    bip340::verify(&Pure, &key.x_only(), &digest, &opened).ok()?;
    let recovered = signature.extract(&Pure, &encryption, &opened).ok()?;
    assert_eq!(*recovered.expose_secret(), array(out, "recovered_dec_key").unwrap());
    Some(())
}

fn verify(curve: &dyn Curve, input: &Value, out: &Value) -> Option<()> {
    let parsed = AdaptorSignature::from_bytes(&bytes(input, "adaptor_sig"))
        .ok()
        .filter(|signature| signature.r0().is_ok());
    assert_eq!(parsed.is_some(), out["parse_ok"] == true, "{input}");
    let public = XOnly::from_bytes(&array(input, "pk")?).ok()?;
    adaptor::verify(&curve, &public, &encryption_key(input), &array(input, "msg")?, &parsed?).ok()
}

#[test]
fn adaptor_answers_equal_the_peer() {
    for case in cases("adaptor") {
        let (input, out, ok) = (&case["in"], &case["out"], case["ok"] == true);
        for curve in [&Pure as &dyn Curve, &Libsecp] {
            match input["op"].as_str() {
                Some("sign") => assert_eq!(sign(input, out).is_some(), ok, "{case}"),
                Some("verify") => assert_eq!(verify(curve, input, out).is_some(), ok, "{case}"),
                other => panic!("unknown op {other:?}"),
            }
        }
    }
}

fn signed() -> (SecretKey, EncryptionKey, SecretScalar, [u8; 32], AdaptorSignature) {
    let key = SecretKey::from_bytes(&[3; 32]).unwrap();
    let provider = SecretKey::from_bytes(&[4; 32]).unwrap();
    let encryption = EncryptionKey::from_x_only(&provider.x_only()).unwrap();
    let signature = adaptor::sign(&key, &encryption, &[9; 32], &[1; 32]).unwrap();
    (key, encryption, provider.to_even_secret(), [9; 32], signature)
}

/// B8: the other parity of R0 has the same x, and must not pass.
#[test]
fn the_other_parity_of_the_nonce_is_refused() {
    let (key, encryption, _, digest, signature) = signed();
    let mut bytes = signature.to_bytes();
    bytes[0] ^= 1;
    let other = AdaptorSignature::from_bytes(&bytes).unwrap();
    for curve in [&Pure as &dyn Curve, &Libsecp] {
        assert!(adaptor::verify(&curve, &key.x_only(), &encryption, &digest, &other).is_err());
    }
}

/// B8: a signature made for −T instead of T is a valid pre-signature of nothing that decrypts.
#[test]
fn the_negated_encryption_key_is_refused() {
    let (key, encryption, _, digest, signature) = signed();
    let negated = EncryptionKey::from_point(encryption.point().negate());
    for curve in [&Pure as &dyn Curve, &Libsecp] {
        assert!(adaptor::verify(&curve, &key.x_only(), &negated, &digest, &signature).is_err());
    }
}

/// B16: the old 66-byte form is read, and always written again as 65 bytes.
#[test]
fn the_old_form_is_read_and_written_as_the_new_one() {
    let (.., signature) = signed();
    let current = signature.to_bytes();
    let mut old = current.to_vec();
    old[0] = 0x02;
    old.push(current[0] - 2);
    assert_eq!(AdaptorSignature::from_bytes(&old), Ok(signature));
    assert_eq!(AdaptorSignature::from_bytes(&old).unwrap().to_bytes(), current);
    *old.last_mut().unwrap() = 2;
    assert_eq!(AdaptorSignature::from_bytes(&old), Err(adaptor::ParseError::Flag(2)));
    *old.last_mut().unwrap() = 0;
    old[0] = 0x03;
    assert_eq!(AdaptorSignature::from_bytes(&old), Err(adaptor::ParseError::Prefix(3)));
    assert!(AdaptorSignature::from_current(&[0x04; 65]).is_err());
    assert_eq!(AdaptorSignature::from_bytes(&[2; 67]), Err(adaptor::ParseError::Length(67)));
}

#[test]
fn a_signature_of_another_secret_reveals_nothing() {
    let (_, encryption, _, _, signature) = signed();
    let wrong = signature.decrypt(&SecretScalar::from_bytes(&[8; 32]).unwrap());
    assert!(signature.extract(&Pure, &encryption, &wrong).is_err());
}

fn spec_rows(family: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/vectors/real/adaptor_spec_vectors.json", env!("CARGO_MANIFEST_DIR"));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    match file[family].take() {
        Value::Array(rows) if !rows.is_empty() => rows,
        other => panic!("no rows in {family}: {other}"),
    }
}

fn signature(row: &Value) -> bip340::Signature {
    bip340::Signature::from_bytes(&array(row, "BIP340 signature").unwrap()).unwrap()
}

/// B8, B9: every row of the specification's verification table has its verdict, on both backends.
#[test]
fn the_specification_rows_have_their_verdict() {
    let verdict = |curve: &dyn Curve, row: &Value| {
        let signature = AdaptorSignature::from_bytes(&bytes(row, "pre-signature")).ok()?;
        let public = XOnly::from_bytes(&array(row, "public key")?).ok()?;
        let encryption = EncryptionKey::from_point(Point::from_compressed(&array(row, "adaptor")?).ok()?);
        adaptor::verify(&curve, &public, &encryption, &array(row, "message")?, &signature).ok()
    };
    for row in spec_rows("presig") {
        for curve in [&Pure as &dyn Curve, &Libsecp] {
            assert_eq!(verdict(curve, &row).is_some(), row["result"] == "TRUE", "{row}");
        }
    }
}

/// B9: two published rows hash the x-only key into the nonce; the peer and we hash the 33-byte key. The
/// signature differs, its validity does not.
#[test]
fn the_nonce_hashes_the_full_key_as_the_peer_does() {
    for row in spec_rows("presig").iter().take(2) {
        let key = SecretKey::from_bytes(&array(row, "secret key").unwrap()).unwrap();
        let encryption =
            EncryptionKey::from_point(Point::from_compressed(&array(row, "adaptor").unwrap()).unwrap());
        let digest = array(row, "message").unwrap();
        let ours = adaptor::sign(&key, &encryption, &digest, &array(row, "aux_rand").unwrap()).unwrap();
        assert_ne!(ours.to_bytes().as_slice(), bytes(row, "pre-signature"));
        adaptor::verify(&Pure, &key.x_only(), &encryption, &digest, &ours).unwrap();
    }
}

#[test]
fn the_specification_rows_decrypt() {
    for row in spec_rows("adapt") {
        let locked = AdaptorSignature::from_bytes(&bytes(&row, "pre-signature")).unwrap();
        let opened = locked.decrypt(&SecretScalar::from_bytes(&array(&row, "secadaptor").unwrap()).unwrap());
        let public = XOnly::from_bytes(&array(&row, "pubkey").unwrap()).unwrap();
        let digest: [u8; 32] = array(&row, "message").unwrap();
        let valid = opened == signature(&row) && bip340::verify(&Pure, &public, &digest, &opened).is_ok();
        assert_eq!(valid, row["result"] == "TRUE", "{row}");
    }
}

#[test]
fn the_specification_rows_reveal_the_secret() {
    for row in spec_rows("secadaptor") {
        let locked = AdaptorSignature::from_bytes(&bytes(&row, "pre-signature")).unwrap();
        let secret = SecretKey::from_bytes(&array(&row, "secadaptor").unwrap()).unwrap();
        let encryption = EncryptionKey::from_point(*secret.public());
        let revealed = locked.extract(&Libsecp, &encryption, &signature(&row));
        assert_eq!(revealed.is_ok(), row["result"] == "TRUE", "{row}");
    }
}
