//! Signature hashes of taproot spends (BIP-341, BIP-342).
//!
//! Pre-signed transactions use the default type only. The other types exist because a staker may leave through any
//! valid spend, which a chain must recognise.

use bitcoin_hashes::{Hash, HashEngine, sha256};
use core::fmt;

use super::raw::{HashSink, Sat, Transaction, TxIn, TxOut, write_bytes};
use crate::taproot::{NodeHash, Tag};

static TAP_SIGHASH: Tag = Tag::new(b"TapSighash");

/// The digest that a signature signs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sighash(pub [u8; 32]);

impl AsRef<[u8; 32]> for Sighash {
    fn as_ref(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Sighash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sighash(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// An output that is spent, as far as a signature commits to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prevout<'a> {
    /// Its amount.
    pub value: Sat,
    /// Its script.
    pub script: &'a [u8],
}

impl<'a> From<&'a TxOut> for Prevout<'a> {
    fn from(output: &'a TxOut) -> Self {
        Self { value: output.value, script: &output.script }
    }
}

/// What a taproot signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SighashType(u8);

impl SighashType {
    /// Everything; the signature has no type byte.
    pub const DEFAULT: Self = Self(0);
    /// Everything, with the type byte written out.
    pub const ALL: Self = Self(1);

    /// Reads the type byte of a signature.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        matches!(byte, 0..=3 | 0x81..=0x83).then_some(Self(byte))
    }

    fn anyone_can_pay(self) -> bool {
        self.0 & 0x80 != 0
    }

    fn covers_all_outputs(self) -> bool {
        matches!(self.0 & 3, 0 | 1)
    }

    fn is_single(self) -> bool {
        self.0 & 3 == 3
    }
}

/// Why there is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SighashError {
    /// The transaction has no input of this index.
    #[error("no input {0}")]
    NoInput(usize),
    /// Not one previous output per input.
    #[error("{found} previous outputs for {inputs} inputs")]
    PrevoutCount {
        /// Inputs.
        inputs: usize,
        /// Previous outputs given.
        found: usize,
    },
    /// SIGHASH_SINGLE without an output of the input's index.
    #[error("single output {0} does not exist")]
    NoSingleOutput(usize),
}

/// Computes the digest of a script-path spend that covers everything.
///
/// # Errors
/// [`SighashError`].
pub fn script_path(
    tx: &Transaction,
    input: usize,
    prevouts: &[Prevout<'_>],
    leaf: &NodeHash,
) -> Result<Sighash, SighashError> {
    taproot(tx, input, prevouts, Some(leaf), SighashType::DEFAULT, None)
}

/// Computes the digest of any taproot spend: script path if a leaf is given, key path otherwise.
///
/// # Errors
/// [`SighashError`].
pub fn taproot(
    tx: &Transaction,
    input: usize,
    prevouts: &[Prevout<'_>],
    leaf: Option<&NodeHash>,
    kind: SighashType,
    annex: Option<&[u8]>,
) -> Result<Sighash, SighashError> {
    let spending = tx.inputs.get(input).ok_or(SighashError::NoInput(input))?;
    let count = SighashError::PrevoutCount { inputs: tx.inputs.len(), found: prevouts.len() };
    let prevout = prevouts.get(input).filter(|_| prevouts.len() == tx.inputs.len()).ok_or(count)?;
    let mut engine = TAP_SIGHASH.engine();
    // The epoch, then the common fields.
    engine.input(&[0, kind.0]);
    engine.input(&tx.version.to_le_bytes());
    engine.input(&tx.lock_time.to_le_bytes());
    if !kind.anyone_can_pay() {
        hash_inputs(&mut engine, tx, prevouts);
    }
    if kind.covers_all_outputs() {
        engine.input(&digest(|e| tx.outputs.iter().for_each(|output| output.write(&mut HashSink(e)))));
    }
    engine.input(&[u8::from(leaf.is_some()) << 1 | u8::from(annex.is_some())]);
    if kind.anyone_can_pay() {
        hash_this_input(&mut engine, spending, prevout);
    } else {
        engine.input(&u32::try_from(input).unwrap_or(u32::MAX).to_le_bytes());
    }
    if let Some(annex) = annex {
        engine.input(&digest(|e| write_bytes(&mut HashSink(e), annex)));
    }
    if kind.is_single() {
        let output = tx.outputs.get(input).ok_or(SighashError::NoSingleOutput(input))?;
        engine.input(&digest(|e| output.write(&mut HashSink(e))));
    }
    if let Some(leaf) = leaf {
        // Key version 0, no code separator.
        engine.input(leaf);
        engine.input(&[0, 0xff, 0xff, 0xff, 0xff]);
    }
    Ok(Sighash(sha256::Hash::from_engine(engine).to_byte_array()))
}

fn digest(write: impl FnOnce(&mut sha256::HashEngine)) -> [u8; 32] {
    let mut engine = sha256::Hash::engine();
    write(&mut engine);
    sha256::Hash::from_engine(engine).to_byte_array()
}

fn hash_inputs(engine: &mut sha256::HashEngine, tx: &Transaction, prevouts: &[Prevout<'_>]) {
    engine.input(&digest(|e| tx.inputs.iter().for_each(|i| e.input(&i.previous_output.to_bytes()))));
    engine.input(&digest(|e| prevouts.iter().for_each(|p| e.input(&p.value.0.to_le_bytes()))));
    engine.input(&digest(|e| prevouts.iter().for_each(|p| write_bytes(&mut HashSink(e), p.script))));
    engine.input(&digest(|e| tx.inputs.iter().for_each(|i| e.input(&i.sequence.to_le_bytes()))));
}

fn hash_this_input(engine: &mut sha256::HashEngine, input: &TxIn, prevout: &Prevout<'_>) {
    engine.input(&input.previous_output.to_bytes());
    engine.input(&prevout.value.0.to_le_bytes());
    write_bytes(&mut HashSink(engine), prevout.script);
    engine.input(&input.sequence.to_le_bytes());
}
