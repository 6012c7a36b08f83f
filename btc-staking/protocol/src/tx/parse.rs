//! Strict parsing of transactions (Bitcoin network form, BIP-144).
//!
//! Stricter than the btcd parser that Babylon uses: bytes after the transaction, a witness marker without a
//! witness, and non-minimal lengths are errors, so that a transaction has exactly one accepted encoding.

use super::raw::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};
use alloc::vec::Vec;
use bitcoin_hashes::{Hash, HashEngine, sha256d};
use core::fmt;
use core::ops::Range;

/// Longest accepted encoding: nothing longer fits a block.
pub const MAX_TX_BYTES: usize = 4_000_000;

/// Why bytes are not a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseTxError {
    /// The bytes end inside the field at this offset.
    UnexpectedEnd(usize),
    /// A length at this offset is not in its shortest form.
    NonMinimalLength(usize),
    /// The byte after a zero input count is not the witness flag 1.
    BadWitnessFlag(u8),
    /// The witness marker is there but every witness is empty.
    SuperfluousWitness,
    /// This many bytes follow the transaction.
    TrailingBytes(usize),
    /// The encoding is longer than a block may be.
    TooLong(usize),
}

impl fmt::Display for ParseTxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEnd(at) => write!(f, "transaction ends unexpectedly at byte {at}"),
            Self::NonMinimalLength(at) => write!(f, "non-minimal length at byte {at}"),
            Self::BadWitnessFlag(flag) => write!(f, "no inputs and witness flag {flag:#04x} instead of 0x01"),
            Self::SuperfluousWitness => f.write_str("witness marker without any witness"),
            Self::TrailingBytes(n) => write!(f, "{n} bytes after the transaction"),
            Self::TooLong(n) => write!(f, "transaction of {n} bytes does not fit a block"),
        }
    }
}

impl core::error::Error for ParseTxError {}

impl Transaction {
    /// Parses the network form; the whole input must be one transaction.
    ///
    /// # Errors
    /// See [`ParseTxError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseTxError> {
        let mut reader = Reader::new(bytes)?;
        let (tx, _) = reader.transaction(true)?;
        reader.finish()?;
        Ok(tx)
    }

    /// Parses the form without witnesses, which is the only one that can show a transaction without inputs.
    ///
    /// # Errors
    /// See [`ParseTxError`].
    pub fn parse_stripped(bytes: &[u8]) -> Result<Self, ParseTxError> {
        let mut reader = Reader::new(bytes)?;
        let (tx, _) = reader.transaction(false)?;
        reader.finish()?;
        Ok(tx)
    }
}

/// A transaction with what its bytes say about it, so that nothing is serialised again to hash or measure it.
pub(crate) struct Identified {
    pub(crate) tx: Transaction,
    pub(crate) txid: Txid,
    /// Length without witnesses.
    pub(crate) stripped_len: usize,
}

impl Identified {
    /// As [`Transaction::parse`].
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ParseTxError> {
        let mut reader = Reader::new(bytes)?;
        let (tx, body) = reader.transaction(true)?;
        reader.finish()?;
        // An accepted encoding is the only one, so that its parts are what would be written.
        let (version, lock_time) = (tx.version.to_le_bytes(), tx.lock_time.to_le_bytes());
        let body = bytes.get(body).unwrap_or_default();
        let mut engine = sha256d::Hash::engine();
        [&version as &[u8], body, &lock_time].into_iter().for_each(|part| engine.input(part));
        let txid = Txid(sha256d::Hash::from_engine(engine).to_byte_array());
        Ok(Self { tx, txid, stripped_len: body.len().saturating_add(8) })
    }
}

impl From<Transaction> for Identified {
    fn from(tx: Transaction) -> Self {
        Self { txid: tx.txid(), stripped_len: tx.stripped_len(), tx }
    }
}

impl TxOut {
    /// Parses the wire form of one output.
    ///
    /// # Errors
    /// See [`ParseTxError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseTxError> {
        let mut reader = Reader::new(bytes)?;
        let output = reader.output()?;
        reader.finish()?;
        Ok(output)
    }
}

/// Reads Bitcoin's wire types from a slice.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    total: usize,
}

impl<'a> Reader<'a> {
    /// Starts reading.
    ///
    /// # Errors
    /// [`ParseTxError::TooLong`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, ParseTxError> {
        if bytes.len() > MAX_TX_BYTES {
            return Err(ParseTxError::TooLong(bytes.len()));
        }
        Ok(Self { rest: bytes, total: bytes.len() })
    }

    /// Offset of the next byte.
    #[must_use]
    pub fn position(&self) -> usize {
        self.total.saturating_sub(self.rest.len())
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`ParseTxError::TrailingBytes`] if bytes are left.
    pub fn finish(self) -> Result<(), ParseTxError> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(ParseTxError::TrailingBytes(n)),
        }
    }

    /// Takes the next `n` bytes.
    ///
    /// # Errors
    /// [`ParseTxError::UnexpectedEnd`].
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], ParseTxError> {
        let (head, tail) =
            self.rest.split_at_checked(n).ok_or(ParseTxError::UnexpectedEnd(self.position()))?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ParseTxError> {
        let (head, tail) =
            self.rest.split_first_chunk::<N>().ok_or(ParseTxError::UnexpectedEnd(self.position()))?;
        self.rest = tail;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, ParseTxError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads a length; only its shortest form is accepted.
    ///
    /// # Errors
    /// [`ParseTxError::UnexpectedEnd`], [`ParseTxError::NonMinimalLength`].
    pub fn compact_size(&mut self) -> Result<u64, ParseTxError> {
        let at = self.position();
        let [first] = self.array()?;
        let (n, least) = match first {
            0xfd => (u64::from(u16::from_le_bytes(self.array()?)), 0xfd),
            0xfe => (u64::from(u32::from_le_bytes(self.array()?)), 0x1_0000),
            0xff => (u64::from_le_bytes(self.array()?), 0x1_0000_0000),
            small => (u64::from(small), 0),
        };
        if n < least { Err(ParseTxError::NonMinimalLength(at)) } else { Ok(n) }
    }

    /// Reads a length-prefixed byte string.
    ///
    /// # Errors
    /// As [`Reader::compact_size`] and [`Reader::take`].
    pub fn var_bytes(&mut self) -> Result<&'a [u8], ParseTxError> {
        let n = self.compact_size()?;
        let n = usize::try_from(n).map_err(|_| ParseTxError::UnexpectedEnd(self.position()))?;
        self.take(n)
    }

    /// Reads `n` items of at least `min_len` bytes; memory is bounded by the bytes that are there.
    fn items<T>(
        &mut self,
        n: u64,
        min_len: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseTxError>,
    ) -> Result<Vec<T>, ParseTxError> {
        let fits = self.rest.len().checked_div(min_len).unwrap_or(0);
        let n = usize::try_from(n).ok().filter(|n| *n <= fits);
        let n = n.ok_or(ParseTxError::UnexpectedEnd(self.total))?;
        let mut out = Vec::with_capacity(n);
        for _ in 0..n {
            out.push(item(self)?);
        }
        Ok(out)
    }

    fn input(&mut self) -> Result<TxIn, ParseTxError> {
        let previous_output = OutPoint { txid: Txid(self.array()?), vout: self.u32()? };
        let script_sig = self.var_bytes()?.to_vec();
        Ok(TxIn { previous_output, script_sig, sequence: self.u32()?, witness: Vec::new() })
    }

    fn output(&mut self) -> Result<TxOut, ParseTxError> {
        let value = Sat(u64::from_le_bytes(self.array()?));
        Ok(TxOut { value, script: self.var_bytes()?.to_vec() })
    }

    fn witness(&mut self) -> Result<Vec<Vec<u8>>, ParseTxError> {
        let n = self.compact_size()?;
        self.items(n, 1, |r| r.var_bytes().map(<[u8]>::to_vec))
    }

    /// Also says where the part between version and lock time is that has no witnesses.
    fn transaction(&mut self, allow_witness: bool) -> Result<(Transaction, Range<usize>), ParseTxError> {
        let version = i32::from_le_bytes(self.array()?);
        let mut start = self.position();
        let mut n_in = self.compact_size()?;
        let with_witness = allow_witness && n_in == 0;
        if with_witness {
            let [flag] = self.array()?;
            if flag != 1 {
                return Err(ParseTxError::BadWitnessFlag(flag));
            }
            start = self.position();
            n_in = self.compact_size()?;
        }
        let mut inputs = self.items(n_in, 41, Self::input)?;
        let n_out = self.compact_size()?;
        let outputs = self.items(n_out, 9, Self::output)?;
        let body = start..self.position();
        if with_witness {
            self.witnesses(&mut inputs)?;
        }
        Ok((Transaction { version, inputs, outputs, lock_time: self.u32()? }, body))
    }

    fn witnesses(&mut self, inputs: &mut [TxIn]) -> Result<(), ParseTxError> {
        for input in inputs.iter_mut() {
            input.witness = self.witness()?;
        }
        if inputs.iter().all(|input| input.witness.is_empty()) {
            return Err(ParseTxError::SuperfluousWitness);
        }
        Ok(())
    }
}
