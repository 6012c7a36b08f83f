//! BLS signatures of checkpoints over BLS12-381, signatures in G1 and keys in G2, by blst.
//!
//! Everything from outside is checked to be in its subgroup and not at infinity (trap B15). Adding keys up is safe
//! only among keys whose holders proved possession ([`PublicKey::verify_possession`]): a rogue key cancels others.
//! Native only; contracts do not verify BLS. Spec §3.5.

use alloc::vec::Vec;
use core::fmt;

use blst::BLST_ERROR;
use blst::min_sig as raw;

/// Domain of signatures.
const SIGNATURE_DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
/// Domain of proofs of possession.
const POSSESSION_DST: &[u8] = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";

/// Secret key; erased on drop.
pub struct SecretKey(raw::SecretKey);

impl SecretKey {
    /// Reads 32 big-endian bytes.
    ///
    /// # Errors
    /// Refuses zero and numbers not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BlsError> {
        raw::SecretKey::from_bytes(bytes).map(Self).map_err(|_| BlsError::SecretKey)
    }

    /// Public key of this secret.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.sk_to_pk())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message, SIGNATURE_DST, &[]))
    }

    /// Proves possession of the key to an address: signs the public key followed by the address text.
    #[must_use]
    pub fn prove_possession(&self, address: &[u8]) -> Signature {
        Signature(self.0.sign(&possession_message(&self.public(), address), POSSESSION_DST, &[]))
    }
}

/// Public key in its subgroup, not at infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(raw::PublicKey);

impl PublicKey {
    /// Length of the compressed form.
    pub const LEN: usize = 96;

    /// Reads the compressed form.
    ///
    /// # Errors
    /// Refuses other lengths, points off the curve or out of the subgroup, and infinity.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlsError> {
        if bytes.len() != Self::LEN {
            return Err(BlsError::Length { expected: Self::LEN, found: bytes.len() });
        }
        raw::PublicKey::key_validate(bytes).map(Self).map_err(BlsError::from_key)
    }

    /// Writes the compressed form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        self.0.to_bytes()
    }

    /// Adds keys up, so that one check verifies the signatures of all over one message.
    ///
    /// # Errors
    /// Refuses an empty list and keys that cancel each other.
    pub fn aggregate(keys: &[Self]) -> Result<Self, BlsError> {
        let inner: Vec<_> = keys.iter().map(|key| &key.0).collect();
        let sum = raw::AggregatePublicKey::aggregate(&inner, false).map_err(|_| BlsError::NoKeys)?;
        let sum = sum.to_public_key();
        sum.validate().map_err(BlsError::from_key)?;
        Ok(Self(sum))
    }

    /// Verifies a signature over a message.
    ///
    /// # Errors
    /// Refuses an invalid signature.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BlsError> {
        check(signature.0.verify(false, message, SIGNATURE_DST, &[], &self.0, false))
    }

    /// Verifies that the key's holder meant an address.
    ///
    /// # Errors
    /// Refuses an invalid proof.
    pub fn verify_possession(&self, address: &[u8], proof: &Signature) -> Result<(), BlsError> {
        let message = possession_message(self, address);
        check(proof.0.verify(false, &message, POSSESSION_DST, &[], &self.0, false))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Signature in its subgroup, not at infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(raw::Signature);

impl Signature {
    /// Length of the compressed form.
    pub const LEN: usize = 48;

    /// Reads the compressed form.
    ///
    /// # Errors
    /// Refuses other lengths, points off the curve or out of the subgroup, and infinity.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlsError> {
        if bytes.len() != Self::LEN {
            return Err(BlsError::Length { expected: Self::LEN, found: bytes.len() });
        }
        raw::Signature::sig_validate(bytes, true).map(Self).map_err(BlsError::from_signature)
    }

    /// Writes the compressed form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        self.0.to_bytes()
    }

    /// Adds signatures up.
    ///
    /// # Errors
    /// Refuses an empty list.
    pub fn aggregate(signatures: &[Self]) -> Result<Self, BlsError> {
        let inner: Vec<_> = signatures.iter().map(|s| &s.0).collect();
        let sum = raw::AggregateSignature::aggregate(&inner, false).map_err(|_| BlsError::NoKeys)?;
        Ok(Self(sum.to_signature()))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Verifies an aggregated signature of all keys over one message.
///
/// # Errors
/// Refuses an empty list and an invalid signature.
pub fn verify_aggregate(keys: &[PublicKey], message: &[u8], signature: &Signature) -> Result<(), BlsError> {
    PublicKey::aggregate(keys)?.verify(message, signature)
}

fn possession_message(key: &PublicKey, address: &[u8]) -> Vec<u8> {
    [key.to_bytes().as_slice(), address].concat()
}

fn check(result: BLST_ERROR) -> Result<(), BlsError> {
    if result == BLST_ERROR::BLST_SUCCESS { Ok(()) } else { Err(BlsError::Invalid) }
}

/// Why something of BLS was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlsError {
    /// Not a secret key.
    SecretKey,
    /// Other length than the point's compressed form.
    Length {
        /// Length of the form.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// Bytes are not a public key of the subgroup.
    PublicKey,
    /// Bytes are not a signature of the subgroup.
    Signature,
    /// Nothing to add up.
    NoKeys,
    /// Signature is invalid.
    Invalid,
}

impl BlsError {
    const fn from_key(_: BLST_ERROR) -> Self {
        Self::PublicKey
    }

    const fn from_signature(_: BLST_ERROR) -> Self {
        Self::Signature
    }
}

impl fmt::Display for BlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretKey => f.write_str("not a BLS secret key"),
            Self::Length { expected, found } => write!(f, "{found} bytes, not {expected}"),
            Self::PublicKey => f.write_str("not a BLS public key of the subgroup"),
            Self::Signature => f.write_str("not a BLS signature of the subgroup"),
            Self::NoKeys => f.write_str("nothing to aggregate"),
            Self::Invalid => f.write_str("invalid BLS signature"),
        }
    }
}

impl core::error::Error for BlsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<SecretKey> {
        (1_u8..5).map(|n| SecretKey::from_bytes(&[n; 32]).unwrap()).collect()
    }

    #[test]
    fn an_aggregate_verifies_for_exactly_its_signers() {
        let keys = keys();
        let signatures: Vec<_> = keys.iter().map(|k| k.sign(b"epoch")).collect();
        let public: Vec<_> = keys.iter().map(SecretKey::public).collect();
        let all = Signature::aggregate(&signatures).unwrap();
        assert_eq!(verify_aggregate(&public, b"epoch", &all), Ok(()));
        assert!(verify_aggregate(&public[1..], b"epoch", &all).is_err());
        assert!(verify_aggregate(&public, b"other", &all).is_err());
        assert!(verify_aggregate(&[], b"epoch", &all).is_err());
    }

    /// Trap B15: infinity and points outside the subgroup are no keys.
    #[test]
    fn infinity_and_small_subgroups_are_refused() {
        let (mut key, mut signature) = ([0; 96], [0; 48]);
        key[0] = 0xc0;
        signature[0] = 0xc0;
        assert_eq!(PublicKey::from_bytes(&key), Err(BlsError::PublicKey));
        assert_eq!(Signature::from_bytes(&signature), Err(BlsError::Signature));
        // x = 4 is on the curve of G1 but not in the subgroup.
        signature = [0; 48];
        (signature[0], signature[47]) = (0x80, 4);
        assert_eq!(Signature::from_bytes(&signature), Err(BlsError::Signature));
    }

    #[test]
    fn a_proof_of_possession_is_no_signature() {
        let key = &keys()[0];
        let proof = key.prove_possession(b"addr");
        assert_eq!(key.public().verify_possession(b"addr", &proof), Ok(()));
        assert!(key.public().verify_possession(b"other", &proof).is_err());
        assert!(key.public().verify(&possession_message(&key.public(), b"addr"), &proof).is_err());
    }
}
