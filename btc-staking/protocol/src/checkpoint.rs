//! Checkpoints of an epoch in the two OP_RETURN payloads that carry them through Bitcoin, and what validators
//! sign. The signature itself is BLS, behind the feature `bls`. Spec §11.

use alloc::vec::Vec;
use core::fmt;

use bitcoin_hashes::{Hash, sha256};

/// Bytes of the tag that marks a chain's checkpoints.
pub const TAG_LEN: usize = 4;
/// Tag, version and part.
const HEADER_LEN: usize = 5;
/// Bytes of the first payload.
pub const FIRST_LEN: usize = 78;
/// Bytes of the second payload.
pub const SECOND_LEN: usize = 63;
/// Bytes of hash that bind the second payload to the first.
const CHECKSUM_LEN: usize = 10;
const CURRENT_VERSION: u8 = 0;

/// A validator set's signature over the last block of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the epoch.
    pub epoch: u64,
    /// Hash of the epoch's last block.
    pub block_hash: [u8; 32],
    /// Which validators signed, one bit each.
    pub bitmap: [u8; 13],
    /// Account that submitted the checkpoint.
    pub submitter: [u8; 20],
    /// Aggregated BLS signature.
    pub bls_sig: [u8; 48],
}

/// Position of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Epoch, hash, bitmap, submitter.
    First,
    /// Signature and checksum.
    Second,
}

impl Part {
    const fn index(self) -> u8 {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }

    const fn len(self) -> usize {
        match self {
            Self::First => FIRST_LEN,
            Self::Second => SECOND_LEN,
        }
    }
}

/// Why data is not a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Only version 0 exists.
    Version(u8),
    /// A field of another length.
    Field {
        /// Name of the field.
        name: &'static str,
        /// Length found.
        len: usize,
    },
    /// Payload of another length.
    Length {
        /// Which payload.
        part: Part,
        /// Length found.
        len: usize,
    },
    /// Payload carries another tag.
    Tag([u8; TAG_LEN]),
    /// Payload says to be another part than expected.
    WrongPart(u8),
    /// Second payload does not belong to the first.
    NotConnected,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(v) => write!(f, "unknown checkpoint version {v}"),
            Self::Field { name, len } => write!(f, "{name} has {len} bytes"),
            Self::Length { part, len } => write!(f, "{part:?} payload has {len} bytes, not {}", part.len()),
            Self::Tag(tag) => write!(f, "tag is {tag:02x?}"),
            Self::WrongPart(index) => write!(f, "payload is part {index}"),
            Self::NotConnected => f.write_str("checksum of the second payload does not match the first"),
        }
    }
}

impl core::error::Error for CheckpointError {}

impl Checkpoint {
    /// Bytes of the flat form.
    pub const LEN: usize = 121;

    /// Builds a checkpoint from fields of any length, as they come from messages.
    ///
    /// # Errors
    /// Refuses a field of another length.
    pub fn from_fields(
        epoch: u64,
        block_hash: &[u8],
        bitmap: &[u8],
        submitter: &[u8],
        bls_sig: &[u8],
    ) -> Result<Self, CheckpointError> {
        Ok(Self {
            epoch,
            block_hash: sized("block hash", block_hash)?,
            bitmap: sized("bitmap", bitmap)?,
            submitter: sized("submitter", submitter)?,
            bls_sig: sized("BLS signature", bls_sig)?,
        })
    }

    /// Encodes the two payloads.
    #[must_use]
    pub fn encode(&self, tag: [u8; TAG_LEN]) -> (Vec<u8>, Vec<u8>) {
        let flat = self.to_bytes();
        let (body, signature) = flat.split_at(FIRST_LEN.saturating_sub(HEADER_LEN));
        let first = [tag.as_slice(), &[header_byte(Part::First)], body].concat();
        let second = [tag.as_slice(), &[header_byte(Part::Second)], signature, &checksum(body)].concat();
        (first, second)
    }

    /// Joins and decodes the two payloads.
    ///
    /// # Errors
    /// As [`part_data`] and [`connect`].
    pub fn decode(tag: [u8; TAG_LEN], first: &[u8], second: &[u8]) -> Result<Self, CheckpointError> {
        let body = part_data(tag, Part::First, first)?;
        let rest = part_data(tag, Part::Second, second)?;
        Self::from_bytes(&connect(body, rest)?)
    }

    /// Epoch, hash, bitmap, submitter, signature, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let epoch = self.epoch.to_be_bytes();
        [epoch.as_slice(), &self.block_hash, &self.bitmap, &self.submitter, &self.bls_sig].concat()
    }

    /// Reads the flat form.
    ///
    /// # Errors
    /// Refuses another length.
    pub fn from_bytes(raw: &[u8]) -> Result<Self, CheckpointError> {
        let short = CheckpointError::Field { name: "checkpoint", len: raw.len() };
        let (epoch, rest) = raw.split_first_chunk::<8>().ok_or(short)?;
        let (block_hash, rest) = rest.split_first_chunk().ok_or(short)?;
        let (bitmap, rest) = rest.split_first_chunk().ok_or(short)?;
        let (submitter, bls_sig) = rest.split_first_chunk().ok_or(short)?;
        Ok(Self {
            epoch: u64::from_be_bytes(*epoch),
            block_hash: *block_hash,
            bitmap: *bitmap,
            submitter: *submitter,
            bls_sig: bls_sig.try_into().map_err(|_| short)?,
        })
    }

    /// Hash by which a chain names the checkpoint: over epoch, block hash, signature, bitmap.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let epoch = self.epoch.to_be_bytes();
        let fields = [epoch.as_slice(), &self.block_hash, &self.bls_sig, &self.bitmap].concat();
        sha256::Hash::hash(&fields).to_byte_array()
    }

    /// Message that each validator signed: epoch and block hash.
    #[must_use]
    pub fn signed_message(&self) -> [u8; 40] {
        signed_message(self.epoch, &self.block_hash)
    }
}

/// Message that a validator signs at the end of an epoch.
#[must_use]
pub fn signed_message(epoch: u64, block_hash: &[u8; 32]) -> [u8; 40] {
    let mut out = [0; 40];
    let (head, tail) = out.split_at_mut(8);
    head.copy_from_slice(&epoch.to_be_bytes());
    tail.copy_from_slice(block_hash);
    out
}

/// Reads a version as only version 0 exists.
///
/// # Errors
/// Refuses any other.
pub const fn check_version(version: u8) -> Result<(), CheckpointError> {
    if version == CURRENT_VERSION { Ok(()) } else { Err(CheckpointError::Version(version)) }
}

/// Body of a payload, after tag and header byte.
///
/// # Errors
/// Refuses another length, tag, version or part.
pub fn part_data(tag: [u8; TAG_LEN], part: Part, payload: &[u8]) -> Result<&[u8], CheckpointError> {
    let wrong = CheckpointError::Length { part, len: payload.len() };
    if payload.len() != part.len() {
        return Err(wrong);
    }
    let (found, rest) = payload.split_first_chunk::<TAG_LEN>().ok_or(wrong)?;
    if *found != tag {
        return Err(CheckpointError::Tag(*found));
    }
    let (header, body) = rest.split_first().ok_or(wrong)?;
    check_version(header & 0x0f)?;
    if header >> 4 == part.index() { Ok(body) } else { Err(CheckpointError::WrongPart(header >> 4)) }
}

/// Which part a payload is, if it is one under the tag.
#[must_use]
pub fn identify(tag: [u8; TAG_LEN], payload: &[u8]) -> Option<Part> {
    [Part::First, Part::Second].into_iter().find(|part| part_data(tag, *part, payload).is_ok())
}

/// Joins the bodies of the two payloads to the flat form.
///
/// # Errors
/// Refuses bodies whose checksum does not match.
pub fn connect(first: &[u8], second: &[u8]) -> Result<Vec<u8>, CheckpointError> {
    let (signature, found) =
        second.split_last_chunk::<CHECKSUM_LEN>().ok_or(CheckpointError::NotConnected)?;
    if *found != checksum(first) {
        return Err(CheckpointError::NotConnected);
    }
    Ok([first, signature].concat())
}

const fn header_byte(part: Part) -> u8 {
    (part.index() << 4) | CURRENT_VERSION
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let digest = sha256::Hash::hash(body).to_byte_array();
    digest.first_chunk().copied().unwrap_or_default()
}

fn sized<const N: usize>(name: &'static str, bytes: &[u8]) -> Result<[u8; N], CheckpointError> {
    bytes.try_into().map_err(|_| CheckpointError::Field { name, len: bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(epoch: u64) -> Checkpoint {
        Checkpoint { epoch, block_hash: [1; 32], bitmap: [2; 13], submitter: [3; 20], bls_sig: [4; 48] }
    }

    proptest! {
        #[test]
        fn payloads_round_trip_and_any_flipped_bit_is_noticed(epoch in any::<u64>(), bit in 0_usize..141 * 8) {
            let tag = *b"mesh";
            let (mut first, mut second) = sample(epoch).encode(tag);
            prop_assert_eq!(Checkpoint::decode(tag, &first, &second), Ok(sample(epoch)));
            let (byte, mask) = (bit / 8, 1 << (bit % 8));
            if byte < FIRST_LEN { first[byte] ^= mask } else { second[byte - FIRST_LEN] ^= mask }
            let decoded = Checkpoint::decode(tag, &first, &second);
            // The signature is not under the checksum; BLS covers it.
            prop_assert!(decoded.is_err() || decoded.unwrap().bls_sig != sample(epoch).bls_sig);
        }
    }

    #[test]
    fn payloads_fit_one_op_return_each() {
        let (first, second) = sample(1).encode(*b"mesh");
        assert_eq!((first.len(), second.len()), (FIRST_LEN, SECOND_LEN));
        assert_eq!(identify(*b"mesh", &second), Some(Part::Second));
        assert_eq!(identify(*b"mush", &second), None);
    }
}
