//! Storage layout of `btc-light-client`, shared with the contracts that read it without entering it.
//!
//! The tip is one record: what validation of the next header needs, followed by what dependants need. Hashes
//! of the main chain lie in chunks of 16 heights: of each header only what proofs (hash), reorgs and retargets
//! (time, bits) need is kept. Zero bytes that all hashes of a chunk end in (proof of work) are left out, and
//! bits are kept once where they are equal.

use staking_protocol::header::{Bits, BlockHash, Network, TipContext};

use crate::pack::{CorruptState, Unpack};

/// Key of the tip record.
pub const TIP_KEY: &[u8] = &[0x01];
/// Key of the light client's settings; their first byte is the network's tag, see [`network_of`].
pub const SETTINGS_KEY: &[u8] = &[0x03];
/// Prefix of the chunks.
const CHUNK_PREFIX: u8 = 0x02;
/// Headers of a chunk.
pub const CHUNK: u32 = 16;

/// Key of a reorg at least k deep, by number from 1. The record begins with its number and fork height.
#[must_use]
pub const fn deep_reorg_key(number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [0x05, a, b, c, d]
}

/// Reads the fork height of a reorg record.
///
/// # Errors
/// It is none.
pub fn fork_height(raw: &[u8]) -> Result<u32, CorruptState> {
    let mut fields = Unpack::new("reorg", raw);
    fields.u32()?;
    fields.u32()
}

/// The tip and what dependants need to know with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TipRecord {
    /// What validation of the next header needs.
    pub context: TipContext,
    /// Confirmations k.
    pub confirmation_depth: u32,
    /// Seconds after which the tip proves nothing; 0 = no gate.
    pub max_tip_age: u64,
    /// Reorgs at least k deep so far.
    pub deep_reorgs: u32,
}

impl TipRecord {
    /// Writes the storage form.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(TipContext::LEN + 16);
        raw.extend_from_slice(&self.context.to_bytes());
        raw.extend_from_slice(&self.confirmation_depth.to_be_bytes());
        raw.extend_from_slice(&self.max_tip_age.to_be_bytes());
        raw.extend_from_slice(&self.deep_reorgs.to_be_bytes());
        raw
    }

    /// Reads the storage form.
    ///
    /// # Errors
    /// It is none.
    pub fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut fields = Unpack::new("tip", raw);
        let context = TipContext::from_bytes(fields.bytes(TipContext::LEN)?).ok_or(CorruptState("tip"))?;
        let record = Self {
            context,
            confirmation_depth: fields.u32()?,
            max_tip_age: fields.u64()?,
            deep_reorgs: fields.u32()?,
        };
        fields.end()?;
        Ok(record)
    }

    /// Whether the tip is young enough at `now` (seconds since 1970) to prove anything (trap E1).
    #[must_use]
    pub fn is_fresh(&self, now: u64) -> bool {
        self.max_tip_age == 0 || self.context.is_fresh(now, self.max_tip_age)
    }
}

/// Tags of the built-in networks. Any other tag is a chain described by its numbers.
pub const NETWORK_TAGS: [(u8, Network); 5] = [
    (0, Network::Mainnet),
    (1, Network::Testnet3),
    (2, Network::Testnet4),
    (3, Network::Signet),
    (4, Network::Regtest),
];

/// Reads the network from the light client's settings; `None` for a chain described by its numbers.
///
/// # Errors
/// The settings are empty.
pub fn network_of(settings: &[u8]) -> Result<Option<Network>, CorruptState> {
    let tag = Unpack::new("settings", settings).u8()?;
    Ok(NETWORK_TAGS.into_iter().find(|(t, _)| *t == tag).map(|(_, network)| network))
}

/// What is kept of a header of the main chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Hash.
    pub hash: BlockHash,
    /// Timestamp.
    pub time: u32,
    /// Compact difficulty.
    pub bits: Bits,
}

/// Headers of 16 consecutive heights, of which a beginning (below the base) or an end (above the tip) may be
/// missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    first: u32,
    entries: Vec<Entry>,
}

impl Chunk {
    /// Begins a chunk with the header of a height.
    #[must_use]
    pub fn begin(height: u32) -> Self {
        Self { first: height, entries: Vec::with_capacity(CHUNK as usize) }
    }

    /// Number of the chunk that holds a height.
    #[must_use]
    pub const fn number(height: u32) -> u32 {
        height / CHUNK
    }

    /// Key of a chunk.
    #[must_use]
    pub const fn key(number: u32) -> [u8; 5] {
        let [a, b, c, d] = number.to_be_bytes();
        [CHUNK_PREFIX, a, b, c, d]
    }

    /// The header of a height, if it is here.
    #[must_use]
    pub fn get(&self, height: u32) -> Option<&Entry> {
        self.entries.get(height.checked_sub(self.first)? as usize)
    }

    /// Lowest height here.
    #[must_use]
    pub const fn first(&self) -> u32 {
        self.first
    }

    /// Headers in order of height.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds the header of the next height.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Drops the headers above a height.
    pub fn truncate(&mut self, last: u32) {
        let keep = last.checked_sub(self.first).map_or(0, |n| n as usize + 1);
        self.entries.truncate(keep);
    }

    /// Writes the storage form.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let cut = self.entries.iter().map(|e| trailing_zeros(&e.hash.to_bytes())).min().unwrap_or(0);
        let bits = self.common_bits();
        let offset = u8::try_from(self.first % CHUNK).unwrap_or(0);
        let mut raw = Vec::with_capacity(8 + self.entries.len() * 40);
        raw.push(offset << 4 | u8::from(bits.is_none()));
        raw.push(u8::try_from(cut).unwrap_or(0));
        raw.extend(bits.iter().flat_map(|b| b.to_u32().to_be_bytes()));
        for entry in &self.entries {
            raw.extend(entry.hash.to_bytes().iter().take(32 - cut));
            raw.extend_from_slice(&entry.time.to_be_bytes());
            if bits.is_none() {
                raw.extend_from_slice(&entry.bits.to_u32().to_be_bytes());
            }
        }
        raw
    }

    /// Reads the storage form of a chunk.
    ///
    /// # Errors
    /// It is none.
    pub fn unpack(number: u32, raw: &[u8]) -> Result<Self, CorruptState> {
        let mut fields = Unpack::new("header chunk", raw);
        let head = fields.u8()?;
        let kept = 32usize.checked_sub(usize::from(fields.u8()?)).ok_or(CorruptState("header chunk"))?;
        let common = if head & 1 == 0 { Some(fields.u32()?) } else { None };
        let first = number.saturating_mul(CHUNK).saturating_add(u32::from(head >> 4));
        let mut entries = Vec::with_capacity(CHUNK as usize);
        while !fields.is_empty() {
            let mut hash = [0; 32];
            hash.iter_mut().zip(fields.bytes(kept)?).for_each(|(to, from)| *to = *from);
            let time = fields.u32()?;
            let bits = common.map_or_else(|| fields.u32(), Ok)?;
            entries.push(Entry { hash: BlockHash::from_bytes(hash), time, bits: Bits::from_u32(bits) });
        }
        Ok(Self { first, entries })
    }

    fn common_bits(&self) -> Option<Bits> {
        let first = self.entries.first()?.bits;
        self.entries.iter().all(|e| e.bits == first).then_some(first)
    }
}

fn trailing_zeros(hash: &[u8; 32]) -> usize {
    hash.iter().rev().take_while(|byte| **byte == 0).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(seed: u8, zeros: usize, bits: u32) -> Entry {
        let mut hash = [seed.max(1); 32];
        hash.iter_mut().rev().take(zeros).for_each(|b| *b = 0);
        Entry { hash: BlockHash::from_bytes(hash), time: u32::from(seed) * 600, bits: Bits::from_u32(bits) }
    }

    proptest! {
        #[test]
        fn a_chunk_reads_back(first in 0u32..100, shape in prop::collection::vec((any::<u8>(), 0usize..12, 0u32..2), 1..16)) {
            let mut chunk = Chunk::begin(first);
            let room = (CHUNK - first % CHUNK) as usize;
            shape.iter().take(room).for_each(|(s, z, b)| chunk.push(entry(*s, *z, 0x1d00_ffff + b)));
            prop_assert_eq!(Chunk::unpack(Chunk::number(first), &chunk.pack()).unwrap(), chunk);
        }
    }

    #[test]
    fn mainnet_hashes_are_stored_short() {
        let mut chunk = Chunk::begin(32);
        (0..16).for_each(|i| chunk.push(entry(i, 9, 0x1702_0000)));
        assert_eq!(chunk.pack().len(), 6 + 16 * 27);
    }
}
