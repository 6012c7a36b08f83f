//! A signature is for one key, one message, one nonce: with a bit flipped in any operand it is none.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use proptest::prelude::*;
use staking_crypto::adaptor::{AdaptorSignature, EncryptionKey};
use staking_crypto::curve::{Libsecp, Pure};
use staking_crypto::ecdsa::{self, RecoverableSignature};
use staking_crypto::{Curve, OneTimeNonce, SecretKey, XOnly, adaptor, bip340, eots};

const CURVES: [&dyn Curve; 2] = [&Pure, &Libsecp];

/// Flips one bit.
fn flip<const N: usize>(mut bytes: [u8; N], bit: usize) -> [u8; N] {
    bytes[bit / 8 % N] ^= 1 << (bit % 8);
    bytes
}

fn flipped_key(key: &XOnly, bit: usize) -> Option<XOnly> {
    XOnly::from_bytes(&flip(key.to_bytes(), bit)).ok()
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed.clamp(1, 0xfe); 32]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_schnorr_signature_is_for_one_key_and_digest(seed: u8, digest: [u8; 32], which in 0..3, bit in 0usize..512) {
        let (key, public) = (key(seed), key(seed).x_only());
        let signature = bip340::sign(&key, &digest, &[0; 32]);
        let (other_key, other_digest, other) = match which {
            0 => (flipped_key(&public, bit), digest, Some(signature)),
            1 => (Some(public), flip(digest, bit), Some(signature)),
            _ => (Some(public), digest, bip340::Signature::from_bytes(&flip(signature.to_bytes(), bit)).ok()),
        };
        let (Some(other_key), Some(other)) = (other_key, other) else { return Ok(()) };
        for curve in CURVES {
            prop_assert_eq!(bip340::verify(&curve, &public, &digest, &signature), Ok(()));
            prop_assert!(bip340::verify(&curve, &other_key, &other_digest, &other).is_err());
        }
    }

    #[test]
    fn an_adaptor_signature_is_for_one_key_provider_and_digest(
        seed: u8, provider: u8, digest: [u8; 32], which in 0..4, bit in 0usize..520,
    ) {
        let (key, public) = (key(seed), key(seed).x_only());
        let provider = self::key(provider).x_only();
        let encryption = EncryptionKey::from_x_only(&provider).unwrap();
        let signature = adaptor::sign(&key, &encryption, &digest, &[0; 32]).unwrap();
        let mut changed = (Some(public), Some(encryption), digest, Some(signature));
        match which {
            0 => changed.0 = flipped_key(&public, bit),
            1 => changed.1 = flipped_key(&provider, bit).and_then(|key| EncryptionKey::from_x_only(&key).ok()),
            2 => changed.2 = flip(digest, bit),
            _ => changed.3 = AdaptorSignature::from_bytes(&flip(signature.to_bytes(), bit)).ok(),
        }
        let (Some(other_key), Some(other_encryption), other_digest, Some(other)) = changed else { return Ok(()) };
        for curve in CURVES {
            prop_assert_eq!(adaptor::verify(&curve, &public, &encryption, &digest, &signature), Ok(()));
            prop_assert!(adaptor::verify(&curve, &other_key, &other_encryption, &other_digest, &other).is_err());
        }
    }

    #[test]
    fn a_one_time_signature_is_for_one_key_randomness_and_message(
        seed: u8, height: u64, message: [u8; 40], which in 0..4, bit in 0usize..320,
    ) {
        let (key, public) = (key(seed), key(seed).x_only());
        let nonce = OneTimeNonce::derive(&key, b"chain-1", height);
        let randomness = nonce.public();
        let signature = eots::sign(nonce, &key, &message).unwrap();
        let mut changed = (Some(public), Some(randomness), message, Some(signature));
        match which {
            0 => changed.0 = flipped_key(&public, bit),
            1 => changed.1 = flipped_key(&randomness, bit),
            2 => changed.2 = flip(message, bit),
            _ => changed.3 = eots::Signature::from_bytes(&flip(signature.to_bytes(), bit)).ok(),
        }
        let (Some(other_key), Some(other_randomness), other_message, Some(other)) = changed else { return Ok(()) };
        for curve in CURVES {
            prop_assert_eq!(eots::verify(&curve, &public, &randomness, &message, &signature), Ok(()));
            prop_assert!(eots::verify(&curve, &other_key, &other_randomness, &other_message, &other).is_err());
        }
    }

    /// Recovery always finds some key; of other operands, another one.
    #[test]
    fn a_recoverable_signature_is_for_one_digest(z: [u8; 32], mut compact: [u8; 65], bit in 0usize..256, which in 0..2) {
        compact[0] = 27 + compact[0] % 2;
        compact[33] &= 0x3f;
        let Ok(signature) = RecoverableSignature::from_compact(&compact) else { return Ok(()) };
        let Ok(signer) = ecdsa::recover(&Pure, &z, &signature) else { return Ok(()) };
        let (digest, other) = match which {
            0 => (flip(z, bit), Ok(signature)),
            _ => (z, RecoverableSignature::from_compact(&flip(compact, 8 + bit))),
        };
        let Ok(other) = other else { return Ok(()) };
        for curve in CURVES {
            prop_assert_eq!(ecdsa::recover(&curve, &z, &signature), Ok(signer));
            prop_assert!(ecdsa::recover(&curve, &digest, &other) != Ok(signer));
        }
    }
}
