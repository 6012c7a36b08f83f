//! The finality vote: its message and its verification against committed randomness.

use alloc::vec::Vec;
use core::fmt;

use staking_crypto::eots::{self, EotsError, Signature};
use staking_crypto::{Curve, XOnly};

use super::merkle::MerkleProof;
use super::randomness::{CommitmentError, RandomnessCommitment};
use crate::context::Domain;

/// What the EOTS signs: context, height, application hash. It hashes once itself.
#[must_use]
pub fn vote_message(domain: &Domain, height: u64, app_hash: &[u8]) -> Vec<u8> {
    [domain.prefix(), &height.to_be_bytes(), app_hash].concat()
}

/// A provider's vote for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Height of the block.
    pub height: u64,
    /// Application hash of the block.
    pub app_hash: [u8; 32],
    /// Public randomness of the height.
    pub randomness: XOnly,
    /// One-time signature under that randomness.
    pub signature: Signature,
}

impl Vote {
    /// Message that the signature covers.
    #[must_use]
    pub fn message(&self, domain: &Domain) -> Vec<u8> {
        vote_message(domain, self.height, &self.app_hash)
    }

    /// Verifies the randomness against a commitment, then the signature.
    ///
    /// # Errors
    /// Refuses randomness that was not committed for the height and an invalid signature.
    pub fn verify<C: Curve>(
        &self,
        curve: &C,
        domain: &Domain,
        provider: &XOnly,
        commitment: &RandomnessCommitment,
        proof: &MerkleProof,
    ) -> Result<(), VoteError> {
        commitment.check_value(self.height, &self.randomness, proof).map_err(VoteError::Randomness)?;
        self.verify_signature(curve, domain, provider)
    }

    /// Verifies the signature alone: for votes whose randomness is known already, and for evidence.
    ///
    /// # Errors
    /// Refuses an invalid signature.
    pub fn verify_signature<C: Curve>(
        &self,
        curve: &C,
        domain: &Domain,
        provider: &XOnly,
    ) -> Result<(), VoteError> {
        let message = self.message(domain);
        eots::verify(curve, provider, &self.randomness, &message, &self.signature)
            .map_err(VoteError::Signature)
    }
}

/// Why a vote was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VoteError {
    /// Randomness is not the committed one.
    Randomness(CommitmentError),
    /// Signature is invalid.
    Signature(EotsError),
}

impl fmt::Display for VoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Randomness(error) => write!(f, "randomness: {error}"),
            Self::Signature(error) => write!(f, "signature: {error}"),
        }
    }
}

impl core::error::Error for VoteError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Purpose;
    use proptest::prelude::*;
    use staking_crypto::curve::{Libsecp, Pure};
    use staking_crypto::{OneTimeNonce, SecretKey, bip340};

    use crate::finality::merkle::root;

    const CHAIN: &str = "mesh-1";

    fn domain(chain: &str) -> Domain {
        Domain::v0(Purpose::FinalityVote, chain, "mesh1finality")
    }

    fn key() -> SecretKey {
        SecretKey::from_bytes(&[0x31; 32]).unwrap()
    }

    fn signed(height: u64) -> (Vote, RandomnessCommitment, MerkleProof) {
        let key = key();
        let values = staking_crypto::nonce::public_randomness(&key, CHAIN.as_bytes(), 100, 20);
        let commitment = RandomnessCommitment::new(100, 20, &root(&values)).unwrap();
        let nonce = OneTimeNonce::derive(&key, CHAIN.as_bytes(), height);
        let (randomness, app_hash) = (nonce.public(), [0xab; 32]);
        let message = vote_message(&domain(CHAIN), height, &app_hash);
        let signature = eots::sign(nonce, &key, &message).unwrap();
        let proof = MerkleProof::build(&values, height - 100).unwrap();
        (Vote { height, app_hash, randomness, signature }, commitment, proof)
    }

    #[test]
    fn an_honest_vote_verifies_on_every_backend() {
        let (vote, commitment, proof) = signed(107);
        let provider = key().x_only();
        assert_eq!(vote.verify(&Libsecp, &domain(CHAIN), &provider, &commitment, &proof), Ok(()));
        assert_eq!(vote.verify(&Pure, &domain(CHAIN), &provider, &commitment, &proof), Ok(()));
    }

    /// Trap B2: a vote for one chain is none for another that shares the key.
    #[test]
    fn a_vote_replayed_on_another_chain_is_refused() {
        let (vote, commitment, proof) = signed(107);
        let replayed = vote.verify(&Libsecp, &domain("mesh-2"), &key().x_only(), &commitment, &proof);
        assert!(matches!(replayed, Err(VoteError::Signature(_))), "{replayed:?}");
        let plain = vote.verify(&Libsecp, &Domain::Plain, &key().x_only(), &commitment, &proof);
        assert!(plain.is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_vote_changed_anywhere_is_refused(what in 0..6, bit in 0_usize..256) {
            let (mut vote, mut commitment, mut proof) = signed(107);
            let mut provider = key().x_only();
            let flip = |bytes: [u8; 32]| { let mut b = bytes; b[bit / 8] ^= 1 << (bit % 8); b };
            match what {
                0 => vote.app_hash = flip(vote.app_hash),
                1 => vote.height ^= 1 << (bit % 64),
                2 => match XOnly::from_bytes(&flip(vote.randomness.to_bytes())) { Ok(r) => vote.randomness = r, Err(_) => return Ok(()) },
                3 => match Signature::from_bytes(&flip(vote.signature.to_bytes())) { Ok(s) => vote.signature = s, Err(_) => return Ok(()) },
                4 => match XOnly::from_bytes(&flip(provider.to_bytes())) { Ok(p) => provider = p, Err(_) => return Ok(()) },
                _ => {
                    proof.leaf_hash = flip(proof.leaf_hash);
                    commitment = RandomnessCommitment::new(100, 20, &commitment.root()).unwrap();
                }
            }
            prop_assert!(vote.verify(&Libsecp, &domain(CHAIN), &provider, &commitment, &proof).is_err());
        }

        #[test]
        fn a_commitment_changed_anywhere_loses_its_signature(what in 0..3, bit in 0_usize..256) {
            let key = key();
            let (_, commitment, _) = signed(107);
            let domain = Domain::v0(Purpose::RandomnessCommitment, CHAIN, "mesh1finality");
            let signature = bip340::sign(&key, &commitment.digest(&domain), &[0; 32]);
            prop_assert!(commitment.verify(&Libsecp, &domain, &key.x_only(), &signature).is_ok());
            let (mut start, mut num, mut root) = (commitment.start(), commitment.num(), commitment.root());
            match what {
                0 => start ^= 1 << (bit % 63),
                1 => num ^= 1 << (bit % 32),
                _ => root[bit / 8] ^= 1 << (bit % 8),
            }
            if let Ok(changed) = RandomnessCommitment::new(start, num, &root) {
                prop_assert!(changed.verify(&Libsecp, &domain, &key.x_only(), &signature).is_err());
            }
        }
    }

    /// Trap D10, and D16: the largest number of heights is bounded.
    #[test]
    fn ranges_that_overflow_or_are_endless_are_refused() {
        let make = |start, num| RandomnessCommitment::new(start, num, &[1; 32]);
        assert_eq!(make(5, 0), Err(CommitmentError::Empty));
        assert_eq!(make(u64::MAX - 9, 10), Err(CommitmentError::Overflow { start: u64::MAX - 9, num: 10 }));
        assert_eq!(make(u64::MAX - 10, 10).unwrap().last(), u64::MAX - 1);
        assert_eq!(make(0, 1 << 40), Err(CommitmentError::TooLong(1 << 40)));
        assert!(RandomnessCommitment::new(1, 1, &[0; 4]).is_err(), "trap B1: four bytes are no commitment");
    }

    /// Trap B4: ranges only go up.
    #[test]
    fn a_range_must_begin_after_the_last_one() {
        let range = RandomnessCommitment::new(100, 20, &[1; 32]).unwrap();
        assert!(range.check_follows(99).is_ok());
        assert!(range.check_follows(100).is_err());
        assert_eq!(range.index_of(119), Some(19));
        assert_eq!(range.index_of(120), None);
        assert_eq!(range.index_of(99), None);
    }
}
