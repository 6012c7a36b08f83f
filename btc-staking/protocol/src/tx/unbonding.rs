//! The transaction that ends a stake early (spec §2.2).
//!
//! For one staking output exactly one unbonding transaction can exist: version, lock time, sequence, script and fee
//! are all fixed, so [`UnbondingTx::build`] *is* the definition and validation compares with it, naming the field.

use alloc::vec;
use alloc::vec::Vec;

use super::parse::ParseTxError;
use super::raw::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};
use super::sanity::{SanityError, check_unbonding_form};
use super::sighash::{Prevout, Sighash, script_path};
use crate::script::{StakingOutput, StakingPath};

/// Why a transaction is not the unbonding transaction of a stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnbondingError {
    /// The bytes are not a transaction.
    #[error(transparent)]
    Parse(#[from] ParseTxError),
    /// The form is wrong: inputs, outputs, version, lock time, sequence, signature script, weight.
    #[error(transparent)]
    Sanity(#[from] SanityError),
    /// It does not spend the stake.
    #[error("unbonding transaction spends {found} instead of {expected}")]
    Input {
        /// The stake.
        expected: OutPoint,
        /// What it spends.
        found: OutPoint,
    },
    /// The output value is not the stake less the fee.
    #[error("unbonding output of {found} instead of {expected}")]
    Value {
        /// Stake less fee.
        expected: Sat,
        /// What it pays.
        found: Sat,
    },
    /// The output script is not the unbonding output's.
    #[error("unbonding output has another script")]
    Script,
    /// The fee takes the stake whole.
    #[error("fee {fee} is not below the stake {value}")]
    FeeTakesAll {
        /// The stake.
        value: Sat,
        /// The fee.
        fee: Sat,
    },
}

/// The unbonding transaction of a stake, unsigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnbondingTx {
    tx: Transaction,
    txid: Txid,
    staking: OutPoint,
    value: Sat,
    pk_script: [u8; 34],
}

impl UnbondingTx {
    /// Builds the unbonding transaction of a stake.
    ///
    /// # Errors
    /// [`UnbondingError::FeeTakesAll`].
    pub fn build(
        staking: OutPoint,
        staking_value: Sat,
        fee: Sat,
        pk_script: &[u8; 34],
    ) -> Result<Self, UnbondingError> {
        let value = unbonding_value(staking_value, fee)?;
        let tx = Transaction {
            version: 2,
            inputs: vec![TxIn::unsigned(staking, TxIn::SEQUENCE_FINAL)],
            outputs: vec![TxOut::new(value, *pk_script)],
            lock_time: 0,
        };
        let txid = tx.txid();
        Ok(Self { tx, txid, staking, value, pk_script: *pk_script })
    }

    /// Parses and validates raw bytes; see [`UnbondingTx::validate`].
    ///
    /// # Errors
    /// [`UnbondingError`].
    pub fn parse(
        raw: &[u8],
        staking: OutPoint,
        staking_value: Sat,
        fee: Sat,
        pk_script: &[u8; 34],
    ) -> Result<Self, UnbondingError> {
        Self::validate(Transaction::parse(raw)?, staking, staking_value, fee, pk_script)
    }

    /// Checks that a transaction is the unbonding transaction of a stake. A witness is ignored.
    ///
    /// # Errors
    /// The first field that differs.
    pub fn validate(
        tx: Transaction,
        staking: OutPoint,
        staking_value: Sat,
        fee: Sat,
        pk_script: &[u8; 34],
    ) -> Result<Self, UnbondingError> {
        let input = check_unbonding_form(&tx)?;
        if input.previous_output != staking {
            return Err(UnbondingError::Input { expected: staking, found: input.previous_output });
        }
        let value = unbonding_value(staking_value, fee)?;
        let [output] = tx.outputs.as_slice() else {
            return Err(SanityError::OutputCount { expected: 1, found: tx.outputs.len() }.into());
        };
        if output.value != value {
            return Err(UnbondingError::Value { expected: value, found: output.value });
        }
        if output.script != pk_script {
            return Err(UnbondingError::Script);
        }
        let txid = tx.txid();
        Ok(Self { tx: tx.into_stripped(), txid, staking, value, pk_script: *pk_script })
    }

    /// Returns the identifier.
    #[must_use]
    pub fn txid(&self) -> Txid {
        self.txid
    }

    /// Returns the stake it spends.
    #[must_use]
    pub fn staking(&self) -> OutPoint {
        self.staking
    }

    /// Returns its only output.
    #[must_use]
    pub fn outpoint(&self) -> OutPoint {
        OutPoint { txid: self.txid, vout: 0 }
    }

    /// Returns what the output pays.
    #[must_use]
    pub fn value(&self) -> Sat {
        self.value
    }

    /// Returns the output as a previous output.
    #[must_use]
    pub fn prevout(&self) -> Prevout<'_> {
        Prevout { value: self.value, script: &self.pk_script }
    }

    /// Returns the transaction, without witness.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.tx
    }

    /// Computes the digest that staker and covenant sign.
    #[must_use]
    pub fn sighash(&self, staking_value: Sat, staking: &StakingOutput) -> Sighash {
        let script = staking.pk_script();
        let prevout = Prevout { value: staking_value, script: &script };
        script_path(&self.tx, 0, &[prevout], staking.leaf(StakingPath::Unbonding).hash())
            .expect("the transaction has exactly one input")
    }

    /// Returns the transaction with a witness, as made by [`super::witness::unbonding`].
    #[must_use]
    pub fn with_witness(&self, witness: Vec<Vec<u8>>) -> Transaction {
        with_single_witness(&self.tx, witness)
    }
}

fn unbonding_value(value: Sat, fee: Sat) -> Result<Sat, UnbondingError> {
    let rest = value.checked_sub(fee).filter(|rest| *rest > Sat(0) && fee > Sat(0));
    rest.ok_or(UnbondingError::FeeTakesAll { value, fee })
}

pub(super) fn with_single_witness(tx: &Transaction, witness: Vec<Vec<u8>>) -> Transaction {
    let mut signed = tx.clone();
    if let Some(input) = signed.inputs.first_mut() {
        input.witness = witness;
    }
    signed
}
