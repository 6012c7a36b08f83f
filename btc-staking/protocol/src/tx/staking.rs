//! The transaction that makes a stake: any one with exactly one output of the right value and script (spec §2.1).
//!
//! Other inputs and outputs are free, and so is the lock time: Bitcoin Core sets it to the height of the tip.

use alloc::vec::Vec;

use super::parse::ParseTxError;
use super::raw::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};
use super::sanity::{SanityError, check_transaction};
use super::sighash::Prevout;

/// Why a transaction is not the staking transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StakingTxError {
    /// The bytes are not a transaction.
    #[error(transparent)]
    Parse(#[from] ParseTxError),
    /// The transaction breaks a rule of Bitcoin.
    #[error(transparent)]
    Sanity(#[from] SanityError),
    /// A coinbase cannot be slashed for a hundred blocks.
    #[error("a coinbase cannot be a staking transaction")]
    Coinbase,
    /// No output has the value and script.
    #[error("no output of {0} with the staking script")]
    NoStakingOutput(Sat),
    /// Two outputs have the value and script.
    #[error("outputs {0} and {1} are both the staking output")]
    TwoStakingOutputs(u32, u32),
}

/// A transaction that contains a stake. Witnesses are dropped: identity is the txid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StakingTx {
    tx: Transaction,
    outpoint: OutPoint,
    value: Sat,
    pk_script: [u8; 34],
}

impl StakingTx {
    /// Builds a transaction of version 2 whose first output is the stake.
    ///
    /// # Errors
    /// [`StakingTxError`].
    pub fn build(
        pk_script: &[u8; 34],
        value: Sat,
        inputs: Vec<TxIn>,
        other_outputs: Vec<TxOut>,
    ) -> Result<Self, StakingTxError> {
        let mut outputs = alloc::vec![TxOut::new(value, *pk_script)];
        outputs.extend(other_outputs);
        Self::find(Transaction { version: 2, inputs, outputs, lock_time: 0 }, pk_script, value)
    }

    /// Parses a transaction and finds the stake in it.
    ///
    /// # Errors
    /// [`StakingTxError`].
    pub fn parse(raw: &[u8], pk_script: &[u8; 34], value: Sat) -> Result<Self, StakingTxError> {
        Self::find(Transaction::parse(raw)?, pk_script, value)
    }

    /// Finds the stake in a transaction: exactly one output of this value and script.
    ///
    /// # Errors
    /// [`StakingTxError`].
    pub fn find(tx: Transaction, pk_script: &[u8; 34], value: Sat) -> Result<Self, StakingTxError> {
        check_transaction(&tx)?;
        if tx.is_coinbase() {
            return Err(StakingTxError::Coinbase);
        }
        let mut matching =
            (0u32..).zip(&tx.outputs).filter(|(_, o)| o.value == value && o.script == pk_script);
        let (vout, _) = matching.next().ok_or(StakingTxError::NoStakingOutput(value))?;
        if let Some((second, _)) = matching.next() {
            return Err(StakingTxError::TwoStakingOutputs(vout, second));
        }
        let outpoint = OutPoint { txid: tx.txid(), vout };
        Ok(Self { tx: tx.into_stripped(), outpoint, value, pk_script: *pk_script })
    }

    /// Returns the identifier.
    #[must_use]
    pub fn txid(&self) -> Txid {
        self.outpoint.txid
    }

    /// Returns where the stake is.
    #[must_use]
    pub fn outpoint(&self) -> OutPoint {
        self.outpoint
    }

    /// Returns the staked amount.
    #[must_use]
    pub fn value(&self) -> Sat {
        self.value
    }

    /// Returns the staking output as a previous output.
    #[must_use]
    pub fn prevout(&self) -> Prevout<'_> {
        Prevout { value: self.value, script: &self.pk_script }
    }

    /// Returns the transaction, without witnesses.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.tx
    }
}
