//! Tagged hashes of BIP-340 from midstates computed at compile time.

use bitcoin_hashes::sha256::{self, Midstate};
use bitcoin_hashes::{Hash, HashEngine};

/// The state of SHA-256 after the two copies of a tag's hash.
pub(crate) struct Tag(Midstate);

impl Tag {
    const fn new(tag: &[u8]) -> Self {
        Self(Midstate::hash_tag(tag))
    }

    /// Hashes the concatenation of the parts under the tag.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut engine = sha256::HashEngine::from_midstate(self.0, 64);
        parts.iter().for_each(|part| engine.input(part));
        sha256::Hash::from_engine(engine).to_byte_array()
    }
}

/// e of BIP-340, adaptor signatures and EOTS.
pub(crate) static CHALLENGE: Tag = Tag::new(b"BIP0340/challenge");
/// Masks the key of an adaptor signer.
#[cfg(feature = "libsecp")]
pub(crate) static ADAPTOR_AUX: Tag = Tag::new(b"SchnorrAdaptor/aux");
/// The nonce of an adaptor signer.
#[cfg(feature = "libsecp")]
pub(crate) static ADAPTOR_NONCE: Tag = Tag::new(b"SchnorrAdaptor/nonce");
