//! Proof that a provider signed two messages under one nonce.
//!
//! The two need not be votes for one height, nor for canonical blocks, nor even of one chain: any two distinct
//! messages under one randomness reveal the key, and the key is what is checked (traps B3, B17, D1–D5). Whether
//! the provider is jailed or has power plays no part.

use alloc::vec::Vec;
use core::fmt;

use staking_crypto::eots::{self, ExtractError, Signature};
use staking_crypto::{Curve, SecretScalar, XOnly};

use super::vote::vote_message;
use crate::context::Domain;

/// A message with its one-time signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedMessage {
    /// Exactly what was signed, context included.
    pub message: Vec<u8>,
    /// Signature.
    pub signature: Signature,
}

impl SignedMessage {
    /// A vote as a signed message.
    #[must_use]
    pub fn vote(domain: &Domain, height: u64, app_hash: &[u8; 32], signature: Signature) -> Self {
        Self { message: vote_message(domain, height, app_hash), signature }
    }
}

/// Two messages of one provider under one randomness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Accused provider.
    pub provider: XOnly,
    /// Randomness used twice.
    pub randomness: XOnly,
    /// One message.
    pub first: SignedMessage,
    /// Another message.
    pub second: SignedMessage,
}

impl Evidence {
    /// Extracts the provider's secret key. That it is the provider's is what proves the offence: nobody else
    /// could have made a pair of signatures that yields it.
    ///
    /// # Errors
    /// Refuses equal messages, and signatures that yield another key.
    pub fn extract<C: Curve>(&self, curve: &C) -> Result<SecretScalar, EvidenceError> {
        if self.first.message == self.second.message {
            return Err(EvidenceError::SameMessage);
        }
        let first = (self.first.message.as_slice(), &self.first.signature);
        let second = (self.second.message.as_slice(), &self.second.signature);
        eots::extract(curve, &self.provider, &self.randomness, first, second).map_err(EvidenceError::Extract)
    }
}

/// Why evidence proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Both messages are the same.
    SameMessage,
    /// The signatures do not yield the provider's key.
    Extract(ExtractError),
}

impl fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameMessage => f.write_str("both messages are the same"),
            Self::Extract(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EvidenceError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Purpose;
    use proptest::prelude::*;
    use staking_crypto::curve::Libsecp;
    use staking_crypto::{OneTimeNonce, SecretKey};

    fn domain(chain: &str) -> Domain {
        Domain::v0(Purpose::FinalityVote, chain, "mesh1finality")
    }

    fn sign(key: &SecretKey, message: &[u8]) -> SignedMessage {
        let nonce = OneTimeNonce::derive(key, b"shared by mistake", 7);
        SignedMessage { message: message.to_vec(), signature: eots::sign(nonce, key, message).unwrap() }
    }

    fn evidence(key: &SecretKey, first: &[u8], second: &[u8]) -> Evidence {
        let randomness = OneTimeNonce::derive(key, b"shared by mistake", 7).public();
        Evidence { provider: key.x_only(), randomness, first: sign(key, first), second: sign(key, second) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Trap D1: two blocks that are both not canonical; trap B7: keys of either parity.
        #[test]
        fn any_two_votes_reveal_the_key(secret in any::<[u8; 32]>(), height in any::<u64>(), a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
            prop_assume!(a != b);
            let Ok(key) = SecretKey::from_bytes(&secret) else { return Ok(()) };
            let domain = domain("mesh-1");
            let pair = evidence(&key, &vote_message(&domain, height, &a), &vote_message(&domain, height, &b));
            let leaked = pair.extract(&Libsecp).unwrap();
            prop_assert_eq!(SecretKey::from_secret(&leaked).x_only(), key.x_only());
            // Trap B5: extraction changes nothing and may be repeated.
            prop_assert!(pair.extract(&Libsecp).is_ok());
        }

        /// Traps D4 and D5: evidence that was tampered with accuses nobody.
        #[test]
        fn evidence_with_a_flipped_bit_is_refused(bit in 0_usize..256, what in 0..4) {
            let key = SecretKey::from_bytes(&[5; 32]).unwrap();
            let mut pair = evidence(&key, b"block a", b"block b");
            let flip = |bytes: [u8; 32]| { let mut b = bytes; b[bit / 8] ^= 1 << (bit % 8); b };
            match what {
                0 => match Signature::from_bytes(&flip(pair.first.signature.to_bytes())) { Ok(s) => pair.first.signature = s, Err(_) => return Ok(()) },
                1 => match XOnly::from_bytes(&flip(pair.provider.to_bytes())) { Ok(p) => pair.provider = p, Err(_) => return Ok(()) },
                2 => match XOnly::from_bytes(&flip(pair.randomness.to_bytes())) { Ok(r) => pair.randomness = r, Err(_) => return Ok(()) },
                _ => pair.second.message[bit % 7] ^= 1 << (bit % 8),
            }
            prop_assert!(pair.extract(&Libsecp).is_err());
        }
    }

    /// Trap B3: one randomness used on two chains leaks the key though neither chain saw two votes.
    #[test]
    fn votes_of_two_chains_under_one_randomness_reveal_the_key() {
        let key = SecretKey::from_bytes(&[9; 32]).unwrap();
        let block = [1; 32];
        let pair = evidence(
            &key,
            &vote_message(&domain("mesh-1"), 7, &block),
            &vote_message(&domain("mesh-2"), 7, &block),
        );
        assert!(pair.extract(&Libsecp).is_ok());
    }

    #[test]
    fn one_message_twice_is_no_offence() {
        let key = SecretKey::from_bytes(&[9; 32]).unwrap();
        let refused = evidence(&key, b"same", b"same").extract(&Libsecp);
        assert_eq!(refused.err(), Some(EvidenceError::SameMessage));
    }
}
