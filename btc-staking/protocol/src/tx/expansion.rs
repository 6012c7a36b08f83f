//! The transaction that turns an active stake and new coins into a larger stake (spec §2.4).
//!
//! It is a [`super::StakingTx`] for the new stake and a spend of the old one; this type is the second view. That the
//! funding output is not itself a stake can only be known from a chain's records: the caller checks
//! [`ExpansionTx::funding_outpoint`] at registration *and* at activation.

use super::raw::{OutPoint, Sat, Transaction, TxOut, Txid};
use super::sighash::{Prevout, Sighash, script_path};
use crate::taproot::NodeHash;

/// Why a transaction does not expand a stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpansionError {
    /// An expansion has exactly two inputs.
    #[error("{0} inputs instead of 2")]
    InputCount(usize),
    /// The first input is not the old stake.
    #[error("first input spends {found} instead of {expected}")]
    PreviousStake {
        /// The old stake.
        expected: OutPoint,
        /// What is spent.
        found: OutPoint,
    },
    /// The second input does not spend the given funding transaction.
    #[error("second input spends {found} instead of an output of {expected}")]
    FundingTx {
        /// The given transaction.
        expected: Txid,
        /// What is spent.
        found: OutPoint,
    },
    /// The funding transaction has no such output.
    #[error("funding transaction has no output {0}")]
    NoFundingOutput(u32),
    /// The funding output holds no positive amount of money.
    #[error("funding output holds {0}")]
    FundingValue(Sat),
    /// The new stake is smaller than the old one.
    #[error("new stake of {new} is below the old one of {old}")]
    Shrinks {
        /// The old stake.
        old: Sat,
        /// The new stake.
        new: Sat,
    },
    /// Nothing is left for a fee.
    #[error("outputs pay {paid} out of {available}: no fee")]
    NoFee {
        /// Sum of the inputs.
        available: Sat,
        /// Sum of the outputs.
        paid: Sat,
    },
    /// An output spent by a signature does not have the script or value of the stake.
    #[error("previous output is not the old stake")]
    PreviousOutput,
}

/// A transaction that spends an old stake and one funding output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpansionTx {
    tx: Transaction,
    txid: Txid,
    previous: OutPoint,
    funding_outpoint: OutPoint,
    funding: TxOut,
}

impl ExpansionTx {
    /// Checks the inputs of an expansion.
    ///
    /// # Errors
    /// [`ExpansionError`].
    pub fn validate(
        tx: Transaction,
        previous: OutPoint,
        funding_tx: &Transaction,
    ) -> Result<Self, ExpansionError> {
        let [stake, funding] = tx.inputs.as_slice() else {
            return Err(ExpansionError::InputCount(tx.inputs.len()));
        };
        if stake.previous_output != previous {
            return Err(ExpansionError::PreviousStake { expected: previous, found: stake.previous_output });
        }
        let funding_outpoint = funding.previous_output;
        let funding_txid = funding_tx.txid();
        if funding_outpoint.txid != funding_txid {
            return Err(ExpansionError::FundingTx { expected: funding_txid, found: funding_outpoint });
        }
        let output = funding_tx.output(funding_outpoint.vout);
        let output = output.ok_or(ExpansionError::NoFundingOutput(funding_outpoint.vout))?;
        Self::with_funding_output(tx, previous, funding_outpoint, output.clone())
    }

    /// As [`ExpansionTx::validate`] when the funding output is known, for instance from a chain's own record.
    ///
    /// # Errors
    /// [`ExpansionError`].
    pub fn with_funding_output(
        tx: Transaction,
        previous: OutPoint,
        funding_outpoint: OutPoint,
        funding: TxOut,
    ) -> Result<Self, ExpansionError> {
        let [stake, other] = tx.inputs.as_slice() else {
            return Err(ExpansionError::InputCount(tx.inputs.len()));
        };
        if stake.previous_output != previous {
            return Err(ExpansionError::PreviousStake { expected: previous, found: stake.previous_output });
        }
        if other.previous_output != funding_outpoint {
            let expected = funding_outpoint.txid;
            return Err(ExpansionError::FundingTx { expected, found: other.previous_output });
        }
        if funding.value == Sat(0) || !funding.value.is_money() {
            return Err(ExpansionError::FundingValue(funding.value));
        }
        let txid = tx.txid();
        Ok(Self { tx: tx.into_stripped(), txid, previous, funding_outpoint, funding })
    }

    /// Checks the amounts: the stake does not shrink and a fee is left.
    ///
    /// # Errors
    /// [`ExpansionError::Shrinks`], [`ExpansionError::NoFee`].
    pub fn check_amounts(&self, old_stake: Sat, new_stake: Sat) -> Result<(), ExpansionError> {
        if new_stake < old_stake {
            return Err(ExpansionError::Shrinks { old: old_stake, new: new_stake });
        }
        let sum = |total: Sat, value: Sat| total.checked_add(value).unwrap_or(Sat(u64::MAX));
        let available = sum(old_stake, self.funding.value);
        let paid = self.tx.outputs.iter().fold(Sat(0), |total, output| sum(total, output.value));
        if paid < available { Ok(()) } else { Err(ExpansionError::NoFee { available, paid }) }
    }

    /// Returns the identifier.
    #[must_use]
    pub fn txid(&self) -> Txid {
        self.txid
    }

    /// Returns the old stake.
    #[must_use]
    pub fn previous(&self) -> OutPoint {
        self.previous
    }

    /// Returns where the new coins come from.
    #[must_use]
    pub fn funding_outpoint(&self) -> OutPoint {
        self.funding_outpoint
    }

    /// Returns the funding output.
    #[must_use]
    pub fn funding(&self) -> &TxOut {
        &self.funding
    }

    /// Returns the transaction, without witnesses.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.tx
    }

    /// Computes the digest that staker and covenant sign for the first input, over both previous outputs.
    #[must_use]
    pub fn sighash(&self, old_stake: Prevout<'_>, unbonding_leaf: &NodeHash) -> Sighash {
        script_path(&self.tx, 0, &[old_stake, Prevout::from(&self.funding)], unbonding_leaf)
            .expect("validation saw two inputs")
    }
}
