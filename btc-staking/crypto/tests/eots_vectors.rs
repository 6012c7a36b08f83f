//! Families `eots`, `eots_rand` and the signatures of `finality_vote` and `evidence`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::{array, bytes, cases};
use serde_json::Value;
use staking_crypto::curve::{Libsecp, Pure};
use staking_crypto::{Curve, OneTimeNonce, SecretKey, XOnly, bip340, eots, nonce};

fn x_only(object: &Value, field: &str) -> Option<XOnly> {
    XOnly::from_bytes(&array(object, field)?).ok()
}

fn signature(object: &Value, field: &str) -> Option<eots::Signature> {
    eots::Signature::from_bytes(&array(object, field)?).ok()
}

fn public(input: &Value) -> Option<XOnly> {
    match input.get("pk_full") {
        Some(_) => XOnly::from_bytes(bytes(input, "pk_full")[1..].try_into().unwrap()).ok(),
        None => x_only(input, "pk"),
    }
}

fn verify(curve: &dyn Curve, input: &Value) -> Option<()> {
    let (randomness, sig) = (x_only(input, "pub_rand")?, signature(input, "sig1")?);
    eots::verify(&curve, &public(input)?, &randomness, &bytes(input, "msg1"), &sig).ok()
}

fn extract(curve: &dyn Curve, input: &Value) -> Option<[u8; 32]> {
    let (first, second) = (bytes(input, "msg1"), bytes(input, "msg2"));
    let (sig1, sig2) = (signature(input, "sig1")?, signature(input, "sig2")?);
    let randomness = x_only(input, "pub_rand")?;
    let key = eots::extract(&curve, &public(input)?, &randomness, (&first, &sig1), (&second, &sig2));
    key.ok().map(|key| *key.expose_secret())
}

fn sign(input: &Value, out: &Value) {
    let key = SecretKey::from_bytes(&array(input, "sk").unwrap()).unwrap();
    let nonce = || OneTimeNonce::from_bytes(&array(input, "priv_rand").unwrap()).unwrap();
    let randomness = nonce().public();
    let (msg1, msg2) = (bytes(input, "msg1"), bytes(input, "msg2"));
    assert_eq!(randomness.to_bytes(), array(out, "pub_rand").unwrap());
    let sig1 = eots::sign(nonce(), &key, &msg1).unwrap();
    let sig2 = eots::sign(nonce(), &key, &msg2).unwrap();
    assert_eq!(sig1.to_bytes(), array(out, "sig1").unwrap());
    assert_eq!(sig2.to_bytes(), array(out, "sig2").unwrap());
    assert_eq!(sig1.with_randomness(randomness).to_bytes(), array(out, "bip340_sig1").unwrap());
    eots::verify(&Pure, &key.x_only(), &randomness, &msg1, &sig1).unwrap();
    let leaked = eots::extract(&Pure, &key.x_only(), &randomness, (&msg1, &sig1), (&msg2, &sig2)).unwrap();
    assert_eq!(*leaked.expose_secret(), array(out, "extracted_sk_x_only").unwrap());
}

/// B6, B7: non-canonical values are refused, and extraction is told by the x-only key.
#[test]
fn eots_answers_equal_the_peer() {
    for case in cases("eots") {
        let (input, ok) = (&case["in"], case["ok"] == true);
        for curve in [&Pure as &dyn Curve, &Libsecp] {
            match input["op"].as_str() {
                Some("sign") => sign(input, &case["out"]),
                Some("verify") => assert_eq!(verify(curve, input).is_some(), ok, "{case}"),
                Some("extract") if ok => extract_matches(curve, &case),
                Some("extract") => assert_eq!(extract(curve, input), None, "{case}"),
                other => panic!("unknown op {other:?}"),
            }
        }
    }
}

/// The peer keeps the sign of the full key it was given; ours is the secret of the even point.
fn extract_matches(curve: &dyn Curve, case: &Value) {
    let ours = SecretKey::from_bytes(&extract(curve, &case["in"]).expect("a key")).unwrap();
    let theirs = SecretKey::from_bytes(&array(&case["out"], "sk").unwrap()).unwrap();
    assert!(!ours.public().is_odd());
    assert_eq!(ours.x_only(), theirs.x_only(), "{case}");
}

#[test]
fn nonces_are_derived_as_the_peer_derives_them() {
    for case in cases("eots_rand") {
        let (input, out) = (&case["in"], &case["out"]);
        let key = SecretKey::from_bytes(&array(input, "key").unwrap()).unwrap();
        let height = input["height"].as_str().unwrap().parse().unwrap();
        let context = bytes(input, "chain_id");
        let expected = array(out, "pub_rand").unwrap();
        assert_eq!(OneTimeNonce::derive(&key, &context, height).public().to_bytes(), expected);
        let secret = OneTimeNonce::from_bytes(&array(out, "priv_rand").unwrap()).unwrap();
        assert_eq!(secret.public().to_bytes(), expected);
        assert_eq!(nonce::public_randomness(&key, &context, height, 1)[0].to_bytes(), expected);
    }
}

#[test]
fn votes_are_reproduced_byte_for_byte() {
    for case in cases("finality_vote").iter().filter(|case| case["ok"] == true) {
        let (input, out) = (&case["in"], &case["out"]);
        let key = SecretKey::from_bytes(&array(input, "fp_sk").unwrap()).unwrap();
        let height = input["block_height"].as_str().unwrap().parse().unwrap();
        let nonce = OneTimeNonce::derive(&key, &bytes(input, "chain_id"), height);
        assert_eq!(nonce.public().to_bytes(), array(input, "pub_rand").unwrap());
        let message = bytes(out, "msg_to_sign");
        let signature = eots::sign(nonce, &key, &message).unwrap();
        assert_eq!(signature.to_bytes(), array(input, "finality_sig").unwrap(), "{case}");
    }
}

/// B5: extraction changes nothing, so it gives the same key as often as it is asked.
#[test]
fn extraction_may_be_repeated() {
    let key = SecretKey::from_bytes(&[5; 32]).unwrap();
    let nonce = || OneTimeNonce::from_bytes(&[6; 32]).unwrap();
    let randomness = nonce().public();
    let a = eots::sign(nonce(), &key, b"a").unwrap();
    let b = eots::sign(nonce(), &key, b"b").unwrap();
    let again = || eots::extract(&Libsecp, &key.x_only(), &randomness, (b"a", &a), (b"b", &b)).unwrap();
    assert_eq!(again().expose_secret(), again().expose_secret());
    let swapped = eots::extract(&Libsecp, &key.x_only(), &randomness, (b"b", &b), (b"a", &a)).unwrap();
    assert_eq!(swapped.expose_secret(), again().expose_secret());
}

/// B3: one nonce used in two contexts leaks the key although neither chain saw two votes.
#[test]
fn one_nonce_in_two_contexts_leaks_the_key_and_derivation_prevents_it() {
    let key = SecretKey::from_bytes(&[5; 32]).unwrap();
    let one = OneTimeNonce::derive(&key, b"chain-1", 9).public();
    assert_ne!(one, OneTimeNonce::derive(&key, b"chain-2", 9).public());
    assert_ne!(one, OneTimeNonce::derive(&key, b"chain-1", 10).public());
    let reused = || OneTimeNonce::derive(&key, b"chain-1", 9);
    let first = eots::sign(reused(), &key, b"context-1 vote").unwrap();
    let second = eots::sign(reused(), &key, b"context-2 vote").unwrap();
    let pair = ((b"context-1 vote".as_slice(), &first), (b"context-2 vote".as_slice(), &second));
    let leaked = eots::extract(&Pure, &key.x_only(), &one, pair.0, pair.1).unwrap();
    assert_eq!(SecretKey::from_secret(&leaked).x_only(), key.x_only());
}

/// B4: randomness is bound to the height, so a range derived anew repeats the old one.
#[test]
fn a_range_derived_again_is_the_same_range() {
    let key = SecretKey::from_bytes(&[5; 32]).unwrap();
    let range = nonce::public_randomness(&key, b"chain-1", 100, 40);
    assert_eq!(range.len(), 40);
    assert_eq!(range[7..], nonce::public_randomness(&key, b"chain-1", 107, 33));
    assert_eq!(range[3], OneTimeNonce::derive(&key, b"chain-1", 103).public());
    assert!(nonce::public_randomness(&key, b"chain-1", 100, 0).is_empty());
}

/// B6: s + n is another encoding of the same number, and is refused.
#[test]
fn a_signature_with_s_above_the_order_is_refused() {
    let order_plus_one = {
        let mut bytes = [0xff; 32];
        bytes[15] = 0xfe;
        bytes[16..].copy_from_slice(&[
            0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x42,
        ]);
        bytes
    };
    assert!(eots::Signature::from_bytes(&order_plus_one).is_err());
    let mut bip340_bytes = [0; 64];
    bip340_bytes[32..].copy_from_slice(&order_plus_one);
    assert!(bip340::Signature::from_bytes(&bip340_bytes).is_err());
    bip340_bytes[..32].fill(0xff);
    bip340_bytes[32..].fill(1);
    assert!(bip340::Signature::from_bytes(&bip340_bytes).is_err());
}

/// A known nonce point changes the cost of a signature, not the signature; another key gets none.
#[test]
fn nonces_of_a_range_are_those_derived_one_by_one() {
    let (key, other) = (SecretKey::from_bytes(&[3; 32]).unwrap(), SecretKey::from_bytes(&[4; 32]).unwrap());
    let range = nonce::NonceRange::derive(&key, b"chain-1", 100, 40);
    assert_eq!(
        (range.start(), range.public()),
        (100, nonce::public_randomness(&key, b"chain-1", 100, 40).as_slice())
    );
    for height in 100..140 {
        let (known, fresh) =
            (range.nonce(&key, height).unwrap(), OneTimeNonce::derive(&key, b"chain-1", height));
        assert_eq!(known.public(), fresh.public());
        let message = height.to_be_bytes();
        assert_eq!(eots::sign(known, &key, &message), eots::sign(fresh, &key, &message), "{height}");
        assert!(range.nonce(&other, height).is_none());
    }
    assert!(range.nonce(&key, 99).is_none() && range.nonce(&key, 140).is_none());
    assert!(nonce::NonceRange::derive(&key, b"chain-1", u64::MAX, 0).public().is_empty());
}
