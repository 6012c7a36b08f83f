//! The transaction format: fields, serialization, identifiers.
//!
//! Deliberately without script interpretation or fee logic. Parsing is in [`super::parse`].

use alloc::vec::Vec;
use bitcoin_hashes::{Hash, HashEngine, sha256d};
use core::fmt;

/// All bitcoin that can exist, in satoshi.
pub const MAX_MONEY: u64 = 2_100_000_000_000_000;

/// An amount in satoshi.
///
/// Not limited to [`MAX_MONEY`]: a parsed output may carry any 64 bits. [`Sat::is_money`] tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sat(pub u64);

impl Sat {
    /// Tells whether the amount lies in 0..=21 million bitcoin.
    #[must_use]
    pub fn is_money(self) -> bool {
        self.0 <= MAX_MONEY
    }

    /// Adds, if the sum fits 64 bits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Subtracts, if the result is not negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Sat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sat", self.0)
    }
}

/// A transaction identifier in natural (hash) byte order; printed reversed, as Bitcoin does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Txid(pub [u8; 32]);

impl Txid {
    /// Reads an identifier in display order.
    #[must_use]
    pub fn from_display_order(mut bytes: [u8; 32]) -> Self {
        bytes.reverse();
        Self(bytes)
    }

    /// Returns the bytes in display order.
    #[must_use]
    pub fn to_display_order(self) -> [u8; 32] {
        let mut bytes = self.0;
        bytes.reverse();
        bytes
    }
}

impl fmt::Display for Txid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Txid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Txid({self})")
    }
}

/// Names one output of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutPoint {
    /// The transaction.
    pub txid: Txid,
    /// The output's index in it.
    pub vout: u32,
}

impl OutPoint {
    /// The outpoint that a coinbase input names.
    pub const NULL: Self = Self { txid: Txid([0; 32]), vout: u32::MAX };

    /// Returns the 36 bytes of the wire form.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 36] {
        let mut bytes = [0; 36];
        let (txid, vout) = bytes.split_at_mut(32);
        txid.copy_from_slice(&self.txid.0);
        vout.copy_from_slice(&self.vout.to_le_bytes());
        bytes
    }
}

impl fmt::Display for OutPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.txid, self.vout)
    }
}

/// A transaction input with its witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxIn {
    /// The output it spends.
    pub previous_output: OutPoint,
    /// Signature script; empty for every segwit spend.
    pub script_sig: Vec<u8>,
    /// Sequence number (BIP-68).
    pub sequence: u32,
    /// Witness stack, bottom first.
    pub witness: Vec<Vec<u8>>,
}

impl TxIn {
    /// Sequence number of an input that is final: no replacement, no relative lock.
    pub const SEQUENCE_FINAL: u32 = 0xffff_ffff;

    /// Makes an input without scripts.
    #[must_use]
    pub fn unsigned(previous_output: OutPoint, sequence: u32) -> Self {
        Self { previous_output, script_sig: Vec::new(), sequence, witness: Vec::new() }
    }
}

/// A transaction output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxOut {
    /// Amount.
    pub value: Sat,
    /// Output script.
    pub script: Vec<u8>,
}

impl TxOut {
    /// Makes an output.
    #[must_use]
    pub fn new(value: Sat, script: impl Into<Vec<u8>>) -> Self {
        Self { value, script: script.into() }
    }

    /// Returns the wire form: value, script length, script.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.script.len().saturating_add(11));
        self.write(&mut out);
        out
    }

    pub(crate) fn write(&self, sink: &mut impl Sink) {
        sink.put(&self.value.0.to_le_bytes());
        write_bytes(sink, &self.script);
    }

    /// Length of the wire form in bytes.
    #[must_use]
    pub fn serialized_len(&self) -> usize {
        compact_size_len(self.script.len()).saturating_add(self.script.len()).saturating_add(8)
    }

    /// Tells whether the script is pay-to-taproot.
    #[must_use]
    pub fn is_p2tr(&self) -> bool {
        self.script.len() == 34 && self.script.starts_with(&[0x51, 0x20])
    }
}

/// A Bitcoin transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Version; BIP-68 needs at least 2.
    pub version: i32,
    /// Inputs.
    pub inputs: Vec<TxIn>,
    /// Outputs.
    pub outputs: Vec<TxOut>,
    /// Lock time.
    pub lock_time: u32,
}

impl Transaction {
    /// Computes the identifier, which does not depend on witnesses.
    #[must_use]
    pub fn txid(&self) -> Txid {
        let mut engine = sha256d::Hash::engine();
        self.write_stripped(&mut HashSink(&mut engine));
        Txid(sha256d::Hash::from_engine(engine).to_byte_array())
    }

    /// Computes the identifier of the form with witnesses.
    #[must_use]
    pub fn wtxid(&self) -> Txid {
        Txid(sha256d::Hash::hash(&self.serialize()).to_byte_array())
    }

    /// Returns the network form: with witnesses if there are any.
    #[must_use]
    pub fn serialize(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        if self.has_witness() {
            self.write_with_witness(&mut out);
        } else {
            self.write_stripped(&mut out);
        }
        out
    }

    /// Returns the form without witnesses.
    #[must_use]
    pub fn serialize_stripped(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write_stripped(&mut out);
        out
    }

    /// Tells whether any input carries a witness.
    #[must_use]
    pub fn has_witness(&self) -> bool {
        self.inputs.iter().any(|input| !input.witness.is_empty())
    }

    /// Tells whether this is a coinbase, by content: one input that names no output.
    #[must_use]
    pub fn is_coinbase(&self) -> bool {
        matches!(self.inputs.as_slice(), [only] if only.previous_output == OutPoint::NULL)
    }

    /// Returns the transaction without any witness.
    #[must_use]
    pub fn into_stripped(mut self) -> Self {
        for input in &mut self.inputs {
            input.witness = Vec::new();
        }
        self
    }

    /// Returns an output.
    #[must_use]
    pub fn output(&self, vout: u32) -> Option<&TxOut> {
        self.outputs.get(usize::try_from(vout).ok()?)
    }

    /// Length of the form without witnesses, in bytes.
    #[must_use]
    pub fn stripped_len(&self) -> usize {
        let mut counter = Counter(0);
        self.write_stripped(&mut counter);
        counter.0
    }

    /// Length of the network form, in bytes.
    #[must_use]
    pub fn total_len(&self) -> usize {
        let mut counter = Counter(0);
        if self.has_witness() {
            self.write_with_witness(&mut counter);
        } else {
            self.write_stripped(&mut counter);
        }
        counter.0
    }

    /// BIP-141 weight.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.stripped_len().saturating_mul(3).saturating_add(self.total_len())
    }

    /// BIP-141 virtual size: a quarter of the weight, rounded up.
    #[must_use]
    pub fn vsize(&self) -> usize {
        self.weight().div_ceil(4)
    }

    fn write_stripped(&self, sink: &mut impl Sink) {
        sink.put(&self.version.to_le_bytes());
        self.write_inputs_and_outputs(sink);
        sink.put(&self.lock_time.to_le_bytes());
    }

    fn write_with_witness(&self, sink: &mut impl Sink) {
        sink.put(&self.version.to_le_bytes());
        sink.put(&[0, 1]);
        self.write_inputs_and_outputs(sink);
        for input in &self.inputs {
            write_compact_size(sink, input.witness.len());
            input.witness.iter().for_each(|item| write_bytes(sink, item));
        }
        sink.put(&self.lock_time.to_le_bytes());
    }

    fn write_inputs_and_outputs(&self, sink: &mut impl Sink) {
        write_compact_size(sink, self.inputs.len());
        for input in &self.inputs {
            sink.put(&input.previous_output.to_bytes());
            write_bytes(sink, &input.script_sig);
            sink.put(&input.sequence.to_le_bytes());
        }
        write_compact_size(sink, self.outputs.len());
        self.outputs.iter().for_each(|output| output.write(sink));
    }
}

/// Where serialized bytes go: a buffer, a hash, a counter.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A hash engine as a sink.
pub(crate) struct HashSink<'a, E: HashEngine>(pub(crate) &'a mut E);

impl<E: HashEngine> Sink for HashSink<'_, E> {
    fn put(&mut self, bytes: &[u8]) {
        self.0.input(bytes);
    }
}

struct Counter(usize);

impl Sink for Counter {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }
}

/// Writes a length in Bitcoin's compact form.
pub(crate) fn write_compact_size(sink: &mut impl Sink, n: usize) {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    if let Ok(small @ 0..=0xfc) = u8::try_from(n) {
        sink.put(&[small]);
    } else if let Ok(short) = u16::try_from(n) {
        sink.put(&[0xfd]);
        sink.put(&short.to_le_bytes());
    } else if let Ok(long) = u32::try_from(n) {
        sink.put(&[0xfe]);
        sink.put(&long.to_le_bytes());
    } else {
        sink.put(&[0xff]);
        sink.put(&n.to_le_bytes());
    }
}

fn compact_size_len(n: usize) -> usize {
    match n {
        0..=0xfc => 1,
        0xfd..=0xffff => 3,
        _ => 5,
    }
}

pub(crate) fn write_bytes(sink: &mut impl Sink, bytes: &[u8]) {
    write_compact_size(sink, bytes.len());
    sink.put(bytes);
}
