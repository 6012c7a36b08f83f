//! The two transactions that slash a stake, one from the staking and one from the unbonding output (spec §2.3).
//!
//! Babylon's rule has lower bounds only: the staker may let more be slashed, or pay more fee. A covenant of ours signs
//! under [`SlashingPolicy::Exact`], where there is one transaction per output; it is the one that
//! [`SlashingTx::build`] makes with the least fee.

use alloc::vec;
use alloc::vec::Vec;

use super::dust::is_dust_unless_burn;
use super::parse::ParseTxError;
use super::raw::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};
use super::sanity::{SanityError, check_slashing_form, check_transaction};
use super::sighash::{Prevout, Sighash, script_path};
use super::slash_amount::{SlashRounding, SlashingRate};
use super::unbonding::with_single_witness;
use crate::taproot::NodeHash;

/// What the parameters say about slashing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlashingTerms {
    /// Where slashed coins go.
    pub pk_script: Vec<u8>,
    /// The share that is slashed.
    pub rate: SlashingRate,
    /// How the slashed amount is rounded.
    pub rounding: SlashRounding,
    /// Least fee.
    pub min_fee: Sat,
}

impl SlashingTerms {
    /// Computes the slashed part of `value`; `None` if that is not an amount of money.
    #[must_use]
    pub fn slash(&self, value: Sat) -> Option<Sat> {
        self.rate.slash(value, self.rounding)
    }
}

/// How closely amounts must follow the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlashingPolicy {
    /// Babylon's rule: at least the slashed amount, at least the fee.
    AtLeast,
    /// Exactly the transaction that [`SlashingTx::build`] makes.
    Exact,
}

/// Why a transaction is not a slashing transaction of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlashingError {
    /// The bytes are not a transaction.
    #[error(transparent)]
    Parse(#[from] ParseTxError),
    /// The form is wrong: inputs, outputs, version, lock time, sequence, signature script, weight.
    #[error(transparent)]
    Sanity(#[from] SanityError),
    /// The transaction that is spent breaks a rule of Bitcoin.
    #[error("funding transaction: {0}")]
    Funding(SanityError),
    /// The transaction that is spent has no such output.
    #[error("funding transaction has no output {0}")]
    NoFundingOutput(u32),
    /// Only pay-to-taproot outputs are slashed.
    #[error("output {0} is not pay-to-taproot")]
    NotTaproot(u32),
    /// It spends another output.
    #[error("slashing transaction spends {found} instead of {expected}")]
    Input {
        /// The output to slash.
        expected: OutPoint,
        /// What it spends.
        found: OutPoint,
    },
    /// Nowhere for slashed coins to go.
    #[error("slashing script is empty")]
    EmptyScript,
    /// The first output does not pay the slashing script.
    #[error("first output does not pay the slashing script")]
    SlashScript,
    /// The second output is not the locked change.
    #[error("second output is not the staker's locked change")]
    ChangeScript,
    /// Less is slashed than the rate demands (or not exactly it).
    #[error("slashes {found} instead of {expected}")]
    SlashAmount {
        /// The rate's share.
        expected: Sat,
        /// What the first output pays.
        found: Sat,
    },
    /// The fee is below the least one (or not exactly it).
    #[error("fee of {found} instead of {expected}")]
    Fee {
        /// The least fee.
        expected: Sat,
        /// What it leaves to miners.
        found: Sat,
    },
    /// The outputs pay as much as, or more than, the output that is slashed.
    #[error("pays {paid} out of {value}")]
    SpendsTooMuch {
        /// The slashed output.
        value: Sat,
        /// What the outputs pay.
        paid: Sat,
    },
    /// After slash and fee no change is left.
    #[error("no change left of {0}")]
    NoChange(Sat),
    /// The rate leaves nothing to slash, or the value is no amount of money.
    #[error("nothing to slash of {0}")]
    NothingToSlash(Sat),
    /// An output is dust.
    #[error("output {index} of {value} is dust")]
    Dust {
        /// Which output.
        index: usize,
        /// What it pays.
        value: Sat,
    },
    /// Amounts fit but the version is not the one of the unique transaction.
    #[error("version {0} instead of 1")]
    Version(i32),
}

/// An output to be slashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funding {
    /// Where it is.
    pub outpoint: OutPoint,
    /// What it holds.
    pub value: Sat,
}

impl Funding {
    /// Takes a pay-to-taproot output of a transaction.
    ///
    /// # Errors
    /// [`SlashingError::NoFundingOutput`], [`SlashingError::NotTaproot`].
    pub fn of(tx: &Transaction, vout: u32) -> Result<Self, SlashingError> {
        let output = tx.output(vout).ok_or(SlashingError::NoFundingOutput(vout))?;
        if !output.is_p2tr() {
            return Err(SlashingError::NotTaproot(vout));
        }
        Ok(Self { outpoint: OutPoint { txid: tx.txid(), vout }, value: output.value })
    }

    /// As [`Funding::of`], for any script, after checking the transaction's sanity.
    ///
    /// # Errors
    /// [`SlashingError::Funding`], [`SlashingError::NoFundingOutput`].
    pub fn checked(tx: &Transaction, vout: u32) -> Result<Self, SlashingError> {
        check_transaction(tx).map_err(SlashingError::Funding)?;
        let output = tx.output(vout).ok_or(SlashingError::NoFundingOutput(vout))?;
        Ok(Self { outpoint: OutPoint { txid: tx.txid(), vout }, value: output.value })
    }
}

/// A slashing transaction, unsigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlashingTx {
    tx: Transaction,
    txid: Txid,
    funding: Funding,
}

impl SlashingTx {
    /// Builds the slashing transaction of an output: version 1, the slashed part, the locked change.
    ///
    /// # Errors
    /// [`SlashingError`] if an amount comes out empty or dust.
    pub fn build(
        funding: Funding,
        terms: &SlashingTerms,
        fee: Sat,
        change_script: &[u8; 34],
    ) -> Result<Self, SlashingError> {
        let value = funding.value;
        if terms.pk_script.is_empty() {
            return Err(SlashingError::EmptyScript);
        }
        let slash =
            terms.slash(value).filter(|slash| *slash > Sat(0)).ok_or(SlashingError::NothingToSlash(value))?;
        let change =
            value.checked_sub(slash).and_then(|rest| rest.checked_sub(fee)).filter(|rest| *rest > Sat(0));
        let change = change.ok_or(SlashingError::NoChange(value))?;
        let outputs = vec![TxOut::new(slash, terms.pk_script.as_slice()), TxOut::new(change, *change_script)];
        check_dust(&outputs)?;
        let inputs = vec![TxIn::unsigned(funding.outpoint, TxIn::SEQUENCE_FINAL)];
        let tx = Transaction { version: 1, inputs, outputs, lock_time: 0 };
        let txid = tx.txid();
        Ok(Self { tx, txid, funding })
    }

    /// Parses and validates raw bytes; see [`SlashingTx::validate`].
    ///
    /// # Errors
    /// [`SlashingError`].
    pub fn parse(
        raw: &[u8],
        funding: Funding,
        terms: &SlashingTerms,
        change_script: &[u8; 34],
        policy: SlashingPolicy,
    ) -> Result<Self, SlashingError> {
        Self::validate(Transaction::parse(raw)?, funding, terms, change_script, policy)
    }

    /// Checks that a transaction slashes an output. A witness is ignored.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(
        tx: Transaction,
        funding: Funding,
        terms: &SlashingTerms,
        change_script: &[u8; 34],
        policy: SlashingPolicy,
    ) -> Result<Self, SlashingError> {
        let input = check_slashing_form(&tx)?;
        if input.previous_output != funding.outpoint {
            return Err(SlashingError::Input { expected: funding.outpoint, found: input.previous_output });
        }
        let [slashed, change] = tx.outputs.as_slice() else {
            return Err(SanityError::OutputCount { expected: 2, found: tx.outputs.len() }.into());
        };
        check_scripts(slashed, change, terms, change_script)?;
        check_amounts(slashed, change, funding.value, terms, policy)?;
        check_dust(&tx.outputs)?;
        if policy == SlashingPolicy::Exact && tx.version != 1 {
            return Err(SlashingError::Version(tx.version));
        }
        let txid = tx.txid();
        Ok(Self { tx: tx.into_stripped(), txid, funding })
    }

    /// Returns the identifier.
    #[must_use]
    pub fn txid(&self) -> Txid {
        self.txid
    }

    /// Returns the output that is slashed.
    #[must_use]
    pub fn funding(&self) -> Funding {
        self.funding
    }

    /// Returns what is slashed.
    #[must_use]
    pub fn slashed(&self) -> Sat {
        self.tx.output(0).map_or(Sat(0), |output| output.value)
    }

    /// Returns what is left to the staker.
    #[must_use]
    pub fn change(&self) -> Sat {
        self.tx.output(1).map_or(Sat(0), |output| output.value)
    }

    /// Returns the change output.
    #[must_use]
    pub fn change_outpoint(&self) -> OutPoint {
        OutPoint { txid: self.txid, vout: 1 }
    }

    /// Returns the transaction, without witness.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.tx
    }

    /// Computes the digest that staker, covenant and provider sign.
    #[must_use]
    pub fn sighash(&self, funding_script: &[u8; 34], slashing_leaf: &NodeHash) -> Sighash {
        let prevout = Prevout { value: self.funding.value, script: funding_script };
        script_path(&self.tx, 0, &[prevout], slashing_leaf).expect("the transaction has exactly one input")
    }

    /// Returns the transaction with a witness, as made by [`super::witness::slashing`].
    #[must_use]
    pub fn with_witness(&self, witness: Vec<Vec<u8>>) -> Transaction {
        with_single_witness(&self.tx, witness)
    }
}

fn check_scripts(
    slashed: &TxOut,
    change: &TxOut,
    terms: &SlashingTerms,
    change_script: &[u8; 34],
) -> Result<(), SlashingError> {
    if terms.pk_script.is_empty() {
        return Err(SlashingError::EmptyScript);
    }
    if slashed.script != terms.pk_script {
        return Err(SlashingError::SlashScript);
    }
    if change.script != change_script { Err(SlashingError::ChangeScript) } else { Ok(()) }
}

fn check_amounts(
    slashed: &TxOut,
    change: &TxOut,
    value: Sat,
    terms: &SlashingTerms,
    policy: SlashingPolicy,
) -> Result<(), SlashingError> {
    let exact = policy == SlashingPolicy::Exact;
    let expected =
        terms.slash(value).filter(|slash| *slash > Sat(0)).ok_or(SlashingError::NothingToSlash(value))?;
    if slashed.value < expected || (exact && slashed.value != expected) {
        return Err(SlashingError::SlashAmount { expected, found: slashed.value });
    }
    let paid = slashed.value.checked_add(change.value).unwrap_or(Sat(u64::MAX));
    let fee = value.checked_sub(paid).filter(|fee| *fee > Sat(0));
    let found = fee.ok_or(SlashingError::SpendsTooMuch { value, paid })?;
    if found < terms.min_fee || (exact && found != terms.min_fee) {
        return Err(SlashingError::Fee { expected: terms.min_fee, found });
    }
    Ok(())
}

fn check_dust(outputs: &[TxOut]) -> Result<(), SlashingError> {
    match outputs.iter().enumerate().find(|(_, output)| is_dust_unless_burn(output)) {
        Some((index, output)) => Err(SlashingError::Dust { index, value: output.value }),
        None => Ok(()),
    }
}
