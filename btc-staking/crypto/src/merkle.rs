//! SHA-256 twice over two hashes: the step of Bitcoin's Merkle trees.

use bitcoin_hashes::{HashEngine, sha256};

/// What follows 64 bytes: a block of its own.
const PADDING: [u8; 64] = padded(0, 512);
/// What follows 32 bytes, in their block.
const HALF_BLOCK: [u8; 64] = padded(32, 256);

/// A block of which the first `used` bytes are for data; the message has `bits` bits.
#[allow(clippy::indexing_slicing, reason = "evaluated at compile time only")]
const fn padded(used: usize, bits: u16) -> [u8; 64] {
    let mut block = [0; 64];
    block[used] = 0x80;
    [block[62], block[63]] = bits.to_be_bytes();
    block
}

/// Returns SHA-256 of SHA-256 of `left ‖ right`.
///
/// Lengths are known, so that three whole blocks are all that is hashed: a branch is checked level after level, and
/// the usual padding byte by byte would take a third of its time.
#[must_use]
pub fn hash_pair(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let first = state_after(&[&crate::ecdsa::join(left, right), &PADDING]);
    let mut second = HALF_BLOCK;
    if let Some(half) = second.first_chunk_mut() {
        *half = first;
    }
    state_after(&[&second])
}

/// The state of SHA-256 after whole blocks, as bytes: the hash, if they end in padding.
fn state_after(blocks: &[&[u8; 64]]) -> [u8; 32] {
    let mut engine = sha256::HashEngine::default();
    blocks.iter().for_each(|block| engine.input(*block));
    engine.midstate().to_byte_array()
}

#[cfg(test)]
mod tests {
    use super::hash_pair;
    use bitcoin_hashes::{Hash, sha256d};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pair_is_hashed_as_64_bytes(left: [u8; 32], right: [u8; 32]) {
            let expected = sha256d::Hash::hash(&[left, right].concat()).to_byte_array();
            prop_assert_eq!(hash_pair(&left, &right), expected);
        }
    }
}
