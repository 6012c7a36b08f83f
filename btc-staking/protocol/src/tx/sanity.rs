//! Context-free validity: what every transaction must fulfil, and what a pre-signed one must.
//!
//! See the spec, §2.1 and §2.2. Says nothing about scripts or about whether the inputs exist.

use super::raw::{MAX_MONEY, OutPoint, Transaction, TxIn};
use core::fmt;
use core::ops::RangeInclusive;

/// Longest transaction without witnesses that fits a block, in bytes.
const MAX_STRIPPED_LEN: usize = 1_000_000;
/// Heaviest transaction that nodes relay.
pub const MAX_STANDARD_WEIGHT: usize = 400_000;

/// Which rule a transaction breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SanityError {
    /// No inputs.
    NoInputs,
    /// No outputs.
    NoOutputs,
    /// The form without witnesses has this many bytes, more than a block.
    TooLarge(usize),
    /// An output of this index pays more than 21 million bitcoin, or a negative amount.
    OutputValue(usize),
    /// The outputs together pay more than 21 million bitcoin.
    TotalValue,
    /// Two inputs spend this output.
    DuplicateInput(OutPoint),
    /// An input names no output, and this is not a coinbase.
    NullInput,
    /// The coinbase script has this length, outside 2..=100.
    CoinbaseScript(usize),
    /// A pre-signed transaction has exactly one input; this one has another number.
    InputCount(usize),
    /// The number of outputs is not the expected one.
    OutputCount {
        /// Outputs it must have.
        expected: usize,
        /// Outputs it has.
        found: usize,
    },
    /// A pre-signed transaction has lock time 0.
    LockTime(u32),
    /// The version is outside the allowed range.
    Version(i32),
    /// A pre-signed transaction's input has the final sequence number.
    Sequence(u32),
    /// A pre-signed transaction carries no signature script.
    ScriptSig,
    /// This weight is above what nodes relay.
    Weight(usize),
}

impl fmt::Display for SanityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInputs => f.write_str("transaction without inputs"),
            Self::NoOutputs => f.write_str("transaction without outputs"),
            Self::TooLarge(n) => write!(f, "transaction of {n} bytes does not fit a block"),
            Self::OutputValue(i) => write!(f, "value of output {i} is not an amount of money"),
            Self::TotalValue => f.write_str("outputs pay more than 21 million bitcoin"),
            Self::DuplicateInput(o) => write!(f, "two inputs spend {o}"),
            Self::NullInput => f.write_str("input names no output"),
            Self::CoinbaseScript(n) => write!(f, "coinbase script of {n} bytes"),
            Self::InputCount(n) => write!(f, "{n} inputs instead of 1"),
            Self::OutputCount { expected, found } => write!(f, "{found} outputs instead of {expected}"),
            Self::LockTime(t) => write!(f, "lock time {t} instead of 0"),
            Self::Version(v) => write!(f, "version {v} is not allowed"),
            Self::Sequence(s) => write!(f, "input sequence {s:#010x} instead of 0xffffffff"),
            Self::ScriptSig => f.write_str("signature script is not empty"),
            Self::Weight(w) => write!(f, "weight {w} is above {MAX_STANDARD_WEIGHT}"),
        }
    }
}

impl core::error::Error for SanityError {}

/// Checks what Bitcoin demands of any transaction, without context.
///
/// # Errors
/// The first broken rule.
pub fn check_transaction(tx: &Transaction) -> Result<(), SanityError> {
    check_sized_transaction(tx, tx.stripped_len())
}

/// As [`check_transaction`], for a transaction whose length without witnesses is known.
pub(crate) fn check_sized_transaction(tx: &Transaction, len: usize) -> Result<(), SanityError> {
    if tx.inputs.is_empty() {
        return Err(SanityError::NoInputs);
    }
    if tx.outputs.is_empty() {
        return Err(SanityError::NoOutputs);
    }
    if len > MAX_STRIPPED_LEN {
        return Err(SanityError::TooLarge(len));
    }
    check_values(tx)?;
    check_inputs(tx)
}

fn check_values(tx: &Transaction) -> Result<(), SanityError> {
    let mut total = 0u64;
    for (i, output) in tx.outputs.iter().enumerate() {
        if !output.value.is_money() {
            return Err(SanityError::OutputValue(i));
        }
        total = total.saturating_add(output.value.0);
        if total > MAX_MONEY {
            return Err(SanityError::TotalValue);
        }
    }
    Ok(())
}

fn check_inputs(tx: &Transaction) -> Result<(), SanityError> {
    if let [only] = tx.inputs.as_slice() {
        return check_single_input(only);
    }
    if tx.inputs.iter().any(|input| input.previous_output == OutPoint::NULL) {
        return Err(SanityError::NullInput);
    }
    let mut spent: alloc::vec::Vec<_> = tx.inputs.iter().map(|input| input.previous_output).collect();
    crate::sort::heap_sort(&mut spent);
    match spent.array_windows().find(|[a, b]| a == b) {
        Some([twice, _]) => Err(SanityError::DuplicateInput(*twice)),
        None => Ok(()),
    }
}

/// A single input that names no output makes a coinbase, for which only the script length counts.
fn check_single_input(input: &TxIn) -> Result<(), SanityError> {
    let len = input.script_sig.len();
    if input.previous_output == OutPoint::NULL && !(2..=100).contains(&len) {
        return Err(SanityError::CoinbaseScript(len));
    }
    Ok(())
}

/// Versions that a slashing transaction may have.
pub const SLASHING_VERSIONS: RangeInclusive<i32> = 1..=2;
/// Versions that an unbonding transaction may have: exactly one, so that there is exactly one such transaction.
pub const UNBONDING_VERSIONS: RangeInclusive<i32> = 2..=2;

/// Checks what is common to transactions that are signed before they can be mined, and returns the one input.
///
/// A witness is not looked at except for the weight.
///
/// # Errors
/// The first broken rule.
pub fn check_presigned<'a>(
    tx: &'a Transaction,
    outputs: usize,
    versions: &RangeInclusive<i32>,
) -> Result<&'a TxIn, SanityError> {
    check_transaction(tx)?;
    let [input] = tx.inputs.as_slice() else { return Err(SanityError::InputCount(tx.inputs.len())) };
    if tx.outputs.len() != outputs {
        return Err(SanityError::OutputCount { expected: outputs, found: tx.outputs.len() });
    }
    if tx.lock_time != 0 {
        return Err(SanityError::LockTime(tx.lock_time));
    }
    if !versions.contains(&tx.version) {
        return Err(SanityError::Version(tx.version));
    }
    if input.sequence != TxIn::SEQUENCE_FINAL {
        return Err(SanityError::Sequence(input.sequence));
    }
    if !input.script_sig.is_empty() {
        return Err(SanityError::ScriptSig);
    }
    match tx.weight() {
        ..=MAX_STANDARD_WEIGHT => Ok(input),
        heavy => Err(SanityError::Weight(heavy)),
    }
}

/// Checks the form of an unbonding transaction: one input, one output, version 2.
///
/// # Errors
/// The first broken rule.
pub fn check_unbonding_form(tx: &Transaction) -> Result<&TxIn, SanityError> {
    check_presigned(tx, 1, &UNBONDING_VERSIONS)
}

/// Checks the form of a slashing transaction: one input, two outputs, version 1 or 2.
///
/// # Errors
/// The first broken rule.
pub fn check_slashing_form(tx: &Transaction) -> Result<&TxIn, SanityError> {
    check_presigned(tx, 2, &SLASHING_VERSIONS)
}

/// Tells whether the transaction has one input and one output.
#[must_use]
pub fn is_transfer(tx: &Transaction) -> bool {
    tx.inputs.len() == 1 && tx.outputs.len() == 1
}

/// Tells whether the transaction is a transfer that is final: sequence `ffffffff` and lock time 0.
#[must_use]
pub fn is_simple_transfer(tx: &Transaction) -> bool {
    let final_input = |input: &TxIn| input.sequence == TxIn::SEQUENCE_FINAL;
    is_transfer(tx) && tx.lock_time == 0 && tx.inputs.iter().all(final_input)
}
