//! Keys of everybody in the story: from the seed and a name, so that the same seed tells the same story.

use bitcoin::hashes::{Hash as _, sha256};

/// A secret for a name. All but 2^-128 of the hashes are secret keys.
pub(crate) fn secret(seed: u64, name: &str) -> [u8; 32] {
    sha256::Hash::hash(format!("mesh-devnet/{seed}/{name}").as_bytes()).to_byte_array()
}

/// Randomness for a signature; it hardens nonces and need not be secret.
pub(crate) fn aux(seed: u64, purpose: &str) -> [u8; 32] {
    secret(seed, &format!("aux/{purpose}"))
}
