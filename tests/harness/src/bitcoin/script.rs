//! Runs one input of a transaction through Bitcoin Core's own script interpreter.
//!
//! For tests of every crate that builds scripts and witnesses: a spending path counts as covered when it ran here. Deliberately says nothing about
//! contextual rules (maturity, median time, fees); those are the node's business. Flags: P2SH, DERSIG, NULLDUMMY, CLTV (BIP-65), CSV (BIP-112),
//! witness (BIP-141/143), taproot (BIP-341/342).

use bitcoin::consensus::serialize;
use bitcoin::{Transaction, TxOut};
use bitcoinkernel::{
    KernelError, PrecomputedTransactionData, ScriptPubkey, ScriptVerifyError, Transaction as KernelTx,
    TxOut as KernelTxOut, VERIFY_ALL, verify,
};

/// Why an input was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The transaction has no such input.
    #[error("input {index} of a transaction with {inputs} inputs")]
    NoSuchInput {
        /// The index asked for.
        index: usize,
        /// Number of inputs of the transaction.
        inputs: usize,
    },
    /// One spent output per input is needed (BIP-341 signs them all).
    #[error("{found} spent outputs for {expected} inputs")]
    PrevOuts {
        /// Number of inputs.
        expected: usize,
        /// Number of outputs given.
        found: usize,
    },
    /// The interpreter refused the input.
    #[error("script verification of input {index} failed")]
    Refused {
        /// The refused input.
        index: usize,
    },
    /// The interpreter could not run.
    #[error("script interpreter: {0}")]
    Interpreter(String),
}

/// Verifies that `input` of `tx` may spend `prev_outs[input]`, in Core's interpreter with all consensus flags.
///
/// `prev_outs` are the outputs spent by all inputs, in input order.
///
/// # Errors
/// [`ScriptError::Refused`] when the interpreter says no; the other variants when the question makes no sense.
pub fn verify_spend(prev_outs: &[TxOut], tx: &Transaction, input: usize) -> Result<(), ScriptError> {
    if prev_outs.len() != tx.input.len() {
        return Err(ScriptError::PrevOuts { expected: tx.input.len(), found: prev_outs.len() });
    }
    let spent =
        prev_outs.get(input).ok_or(ScriptError::NoSuchInput { index: input, inputs: tx.input.len() })?;
    let kernel_tx = KernelTx::new(&serialize(tx)).map_err(interpreter)?;
    let outs = prev_outs.iter().map(kernel_out).collect::<Result<Vec<_>, _>>()?;
    let data = PrecomputedTransactionData::new(&kernel_tx, &outs).map_err(interpreter)?;
    let script = ScriptPubkey::new(spent.script_pubkey.as_bytes()).map_err(interpreter)?;
    let amount = signed(spent)?;
    verify(&script, Some(amount), &kernel_tx, input, Some(VERIFY_ALL), &data).map_err(|e| match e {
        KernelError::ScriptVerify(ScriptVerifyError::Invalid) => ScriptError::Refused { index: input },
        other => interpreter(other),
    })
}

fn kernel_out(out: &TxOut) -> Result<KernelTxOut, ScriptError> {
    let script = ScriptPubkey::new(out.script_pubkey.as_bytes()).map_err(interpreter)?;
    Ok(KernelTxOut::new(&script, signed(out)?))
}

fn signed(out: &TxOut) -> Result<i64, ScriptError> {
    i64::try_from(out.value.to_sat())
        .map_err(|_| ScriptError::Interpreter(format!("amount {} out of range", out.value)))
}

fn interpreter(error: KernelError) -> ScriptError {
    ScriptError::Interpreter(error.to_string())
}
