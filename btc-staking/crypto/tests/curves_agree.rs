//! The backends give the same answer to every input: good operands, edges, keys that are not on the curve.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use proptest::prelude::*;
use staking_crypto::curve::{KnownKeys, Libsecp, Pure};
use staking_crypto::ecdsa::RecoverableSignature;
use staking_crypto::{Curve, CurveError, Point, Scalar, SecretKey, XOnly, adaptor, bip340, eots};

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        8 => any::<[u8; 32]>().prop_map(|bytes| Scalar::reduce(&bytes)),
        1 => Just(Scalar::ZERO),
        1 => Just(Scalar::ONE),
        1 => Just(Scalar::ONE.negate()),
    ]
}

fn key() -> impl Strategy<Value = XOnly> {
    prop_oneof![
        3 => any::<[u8; 32]>().prop_filter_map("below p", |bytes| XOnly::from_bytes(&bytes).ok()),
        3 => scalar().prop_filter_map("a key", |d| Pure.base_mul(&d).ok().map(|point| point.x_only())),
        1 => Just(XOnly::GENERATOR),
    ]
}

fn secret() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>().prop_filter("in 1..n", |bytes| SecretKey::from_bytes(bytes).is_ok())
}

proptest! {
    #[test]
    fn group_operations_agree(s in scalar(), e in scalar(), p in key()) {
        prop_assert_eq!(Libsecp.s_g_minus_e_p(&s, &e, &p), Pure.s_g_minus_e_p(&s, &e, &p));
        prop_assert_eq!(Libsecp.tweak_add(&p, &s), Pure.tweak_add(&p, &s));
        prop_assert_eq!(Libsecp.base_mul(&s), Pure.base_mul(&s));
        prop_assert_eq!(Libsecp.lift_x(&p), Pure.lift_x(&p));
    }

    #[test]
    fn known_keys_answer_alike(s in scalar(), e in scalar(), p in key(), t in scalar()) {
        let expected = Pure.s_g_minus_e_p(&s, &e, &p);
        match KnownKeys::new([p]) {
            Ok(known) => {
                prop_assert!(known.contains(&p));
                prop_assert_eq!(known.s_g_minus_e_p(&s, &e, &p), expected);
                let unknown = known.s_g_minus_e_p(&s, &e, &XOnly::GENERATOR);
                prop_assert_eq!(unknown, Pure.s_g_minus_e_p(&s, &e, &XOnly::GENERATOR));
                prop_assert_eq!(known.tweak_add(&p, &t), Pure.tweak_add(&p, &t));
                let Ok(base) = Pure.base_mul(&t) else { return Ok(()) };
                let expected = Pure.add_s_g_minus_e_p(&base, &s, &e, &p);
                prop_assert_eq!(known.add_s_g_minus_e_p(&base, &s, &e, &p), expected);
                prop_assert_eq!(Libsecp.add_s_g_minus_e_p(&base, &s, &e, &p), expected);
            }
            Err(_) => prop_assert!(p.lift().is_err()),
        }
    }

    #[test]
    fn sums_agree(a in scalar(), b in scalar(), equal: bool, opposite: bool) {
        let (Ok(a), Ok(b)) = (Pure.base_mul(&a), Pure.base_mul(&b)) else { return Ok(()) };
        let b = if equal { a } else { b };
        let b = if opposite { b.negate() } else { b };
        prop_assert_eq!(Libsecp.add(&a, &b), Pure.add(&a, &b));
    }

    /// B11: a point has one form, whatever arithmetic it came from.
    #[test]
    fn a_point_is_equal_to_itself_by_every_way(a in scalar(), b in scalar()) {
        let of = |d: &Scalar| Pure.base_mul(d);
        let (Ok(first), Ok(second), Ok(sum)) = (of(&a), of(&b), of(&a.plus(&b))) else { return Ok(()) };
        prop_assert_eq!(first.plus(&second), Ok(sum));
        prop_assert_eq!(Libsecp.add(&second, &first), Ok(sum));
        prop_assert_eq!(Libsecp.base_mul(&a.plus(&b)), Ok(sum));
        prop_assert_eq!(sum.plus(&second.negate()), Ok(first));
        prop_assert_eq!(sum.to_compressed(), first.plus(&second).unwrap().to_compressed());
    }

    #[test]
    fn ecdsa_recovery_agrees(digest: [u8; 32], mut compact in any::<[u8; 65]>()) {
        compact[0] = 27 + compact[0] % 2;
        compact[33] &= 0x3f;
        if let Ok(signature) = RecoverableSignature::from_compact(&compact) {
            prop_assert_eq!(
                Libsecp.recover_ecdsa(&digest, &signature),
                Pure.recover_ecdsa(&digest, &signature)
            );
        }
    }

    #[test]
    fn points_survive_every_encoding(d in scalar()) {
        let Ok(point) = Pure.base_mul(&d) else { return Ok(()) };
        prop_assert_eq!(Point::from_compressed(&point.to_compressed()), Ok(point));
        prop_assert_eq!(Point::from_xy(&point.to_xy()), Ok(point));
        prop_assert_eq!(point.negate().negate(), point);
        prop_assert_eq!(point.to_even(), point.x_only().lift().unwrap());
    }

    #[test]
    fn bip340_verdicts_agree(sk in secret(), digest: [u8; 32], aux: [u8; 32], flip in 0usize..512) {
        let key = SecretKey::from_bytes(&sk).unwrap();
        let good = bip340::sign(&key, &digest, &aux);
        prop_assert_eq!(bip340::verify(&Pure, &key.x_only(), &digest, &good), Ok(()));
        prop_assert_eq!(bip340::verify(&Libsecp, &key.x_only(), &digest, &good), Ok(()));
        let mut bytes = good.to_bytes();
        bytes[flip / 8] ^= 1 << (flip % 8);
        if let Ok(bad) = bip340::Signature::from_bytes(&bytes) {
            let verdict = bip340::verify(&Pure, &key.x_only(), &digest, &bad);
            prop_assert!(verdict.is_err());
            prop_assert_eq!(bip340::verify(&Libsecp, &key.x_only(), &digest, &bad), verdict);
        }
    }

    #[test]
    fn adaptor_verdicts_agree_and_decrypt(
        sk in secret(), t in secret(), digest: [u8; 32], aux: [u8; 32], flip in 0usize..520
    ) {
        let (key, provider) = (SecretKey::from_bytes(&sk).unwrap(), SecretKey::from_bytes(&t).unwrap());
        let encryption = adaptor::EncryptionKey::from_x_only(&provider.x_only()).unwrap();
        let good = adaptor::sign(&key, &encryption, &digest, &aux).unwrap();
        prop_assert_eq!(adaptor::verify(&Pure, &key.x_only(), &encryption, &digest, &good), Ok(()));
        let opened = good.decrypt(&provider.to_even_secret());
        prop_assert_eq!(bip340::verify(&Libsecp, &key.x_only(), &digest, &opened), Ok(()));
        let leaked = good.extract(&Pure, &encryption, &opened).unwrap();
        prop_assert_eq!(*leaked.expose_secret(), *provider.to_even_secret().expose_secret());
        let mut bytes = good.to_bytes();
        bytes[flip / 8] ^= 1 << (flip % 8);
        if let Ok(bad) = adaptor::AdaptorSignature::from_bytes(&bytes) {
            let verdict = adaptor::verify(&Pure, &key.x_only(), &encryption, &digest, &bad);
            prop_assert!(verdict.is_err());
            prop_assert_eq!(adaptor::verify(&Libsecp, &key.x_only(), &encryption, &digest, &bad), verdict);
        }
    }

    #[test]
    fn eots_verdicts_agree(sk in secret(), k in secret(), message: Vec<u8>, flip in 0usize..256) {
        let key = SecretKey::from_bytes(&sk).unwrap();
        let nonce = staking_crypto::OneTimeNonce::from_bytes(&k).unwrap();
        let randomness = nonce.public();
        let good = eots::sign(nonce, &key, &message).unwrap();
        prop_assert_eq!(eots::verify(&Pure, &key.x_only(), &randomness, &message, &good), Ok(()));
        let mut bytes = good.to_bytes();
        bytes[flip / 8] ^= 1 << (flip % 8);
        if let Ok(bad) = eots::Signature::from_bytes(&bytes) {
            let verdict = eots::verify(&Pure, &key.x_only(), &randomness, &message, &bad);
            prop_assert!(verdict.is_err());
            prop_assert_eq!(eots::verify(&Libsecp, &key.x_only(), &randomness, &message, &bad), verdict);
        }
    }
}

#[test]
fn what_recovery_cannot_express_is_refused_by_all() {
    let above_order = XOnly::from_bytes(&{
        let mut bytes = [0xff; 32];
        bytes[27] = 0xfe;
        bytes[28..].copy_from_slice(&[0xff, 0xff, 0xfc, 0x2e]);
        bytes
    })
    .unwrap();
    for curve in [&Pure as &dyn Curve, &Libsecp] {
        let zero = curve.s_g_minus_e_p(&Scalar::ONE, &Scalar::ZERO, &XOnly::GENERATOR);
        assert_eq!(zero, Err(CurveError::ZeroFactor));
        let key = curve.s_g_minus_e_p(&Scalar::ONE, &Scalar::ONE, &above_order);
        assert_eq!(key, Err(CurveError::KeyAboveOrder(above_order)));
        let infinity = curve.s_g_minus_e_p(&Scalar::ONE, &Scalar::ONE, &XOnly::GENERATOR);
        assert_eq!(infinity, Err(CurveError::NoPoint));
    }
}

/// B10: signing many times with one key switches to precomputed multiples for the check of what was signed;
/// the signatures stay the same.
#[test]
fn the_three_hundredth_adaptor_signature_is_the_first() {
    let key = SecretKey::from_bytes(&[3; 32]).unwrap();
    let provider = SecretKey::from_bytes(&[4; 32]).unwrap();
    let encryption = adaptor::EncryptionKey::from_x_only(&provider.x_only()).unwrap();
    let sign = || adaptor::sign(&key, &encryption, &[9; 32], &[1; 32]).unwrap();
    let first = sign();
    assert!((0..300).all(|_| sign() == first));
}

/// B8: s = e·d cancels the nonce; then R0 = T would pass where sums are folded into one.
#[test]
fn a_cancelled_nonce_is_refused_by_all() {
    let known = KnownKeys::new([XOnly::GENERATOR]).unwrap();
    let t = Pure.base_mul(&Scalar::reduce(&[7; 32])).unwrap();
    for curve in [&Pure as &dyn Curve, &Libsecp, &known] {
        let folded = curve.add_s_g_minus_e_p(&t, &Scalar::ONE, &Scalar::ONE, &XOnly::GENERATOR);
        assert_eq!(folded, Err(CurveError::NoPoint));
    }
}
