//! The host's answers equal those of the reference backend, on good and on spoiled operands.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use contract_host::HostCurve;
use cosmwasm_std::testing::MockApi;
use proptest::prelude::*;
use staking_crypto::curve::Pure;
use staking_crypto::ecdsa::RecoverableSignature;
use staking_crypto::{Curve, Scalar, XOnly};

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

proptest! {
    #[test]
    fn host_and_reference_agree(s in scalar(), e in scalar(), p in key()) {
        let api = MockApi::default();
        let host = HostCurve::new(&api);
        prop_assert_eq!(host.s_g_minus_e_p(&s, &e, &p), Pure.s_g_minus_e_p(&s, &e, &p));
        prop_assert_eq!(host.tweak_add(&p, &s), Pure.tweak_add(&p, &s));
        prop_assert_eq!(host.base_mul(&s), Pure.base_mul(&s));
        prop_assert_eq!(host.lift_x(&p), Pure.lift_x(&p));
    }

    #[test]
    fn host_and_reference_recover_the_same_key(digest: [u8; 32], mut compact in any::<[u8; 65]>()) {
        compact[0] = 27 + compact[0] % 2;
        compact[33] &= 0x3f;
        if let Ok(signature) = RecoverableSignature::from_compact(&compact) {
            let api = MockApi::default();
            let host = HostCurve::new(&api);
            prop_assert_eq!(
                host.recover_ecdsa(&digest, &signature),
                Pure.recover_ecdsa(&digest, &signature)
            );
        }
    }
}
