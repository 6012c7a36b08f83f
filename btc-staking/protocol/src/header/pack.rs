//! Fixed-width storage forms. Numbers are big-endian, hashes and headers stay as Bitcoin serialises them.

use core::mem;

use super::{Bits, BlockHash, Header, U256};

/// Writes fixed-width fields one after the other.
pub(super) struct Packer<'a>(&'a mut [u8]);

impl<'a> Packer<'a> {
    pub(super) fn new(out: &'a mut [u8]) -> Self {
        Self(out)
    }

    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some((head, rest)) = mem::take(&mut self.0).split_first_chunk_mut::<N>() {
            *head = bytes;
            self.0 = rest;
        }
    }

    pub(super) fn put_u32(&mut self, value: u32) {
        self.put(value.to_be_bytes());
    }
}

/// Reads fixed-width fields one after the other.
pub(super) struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn take_u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is stored of each header of the chain: enough to rebuild the [`super::TipContext`] at any height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRecord {
    /// The serialised header.
    pub header: [u8; Header::LEN],
    /// Work of the chain up to and with this header.
    pub work: U256,
    /// Difficulty of the last header, up to and with this one, that was not lowered by the 20-minute rule.
    pub real_bits: Bits,
}

impl HeaderRecord {
    /// Length of a stored record.
    pub const LEN: usize = 116;

    /// The header.
    #[must_use]
    pub fn header(&self) -> Header<'_> {
        Header::new(&self.header)
    }

    /// Hash of the header. Computed at each call.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        self.header().hash()
    }

    /// Writes the storage form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let mut packer = Packer::new(&mut out);
        packer.put(self.header);
        packer.put(self.work.to_be_bytes());
        packer.put_u32(self.real_bits.to_u32());
        out
    }

    /// Reads the storage form; `None` for another length.
    #[must_use]
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        let mut fields = Unpacker::new(raw);
        let header = fields.take()?;
        let work = U256::from_be_bytes(fields.take()?);
        let real_bits = Bits::from_u32(fields.take_u32()?);
        fields.is_empty().then_some(Self { header, work, real_bits })
    }
}
