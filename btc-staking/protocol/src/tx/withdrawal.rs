//! Transactions through the time lock paths, and the proof that a stake can be withdrawn (spec §2.5).
//!
//! Any of the three outputs comes home the same way: the staker's signature, the time lock leaf, a sequence number of
//! at least the lock. [`WithdrawalTx::prove`] checks a *signed* withdrawal of an output that need not exist yet: a holder
//! who has one for the planned staking output cannot lose the coins to a wrong key or script.

use alloc::vec::Vec;
use staking_crypto::Curve;
use staking_crypto::bip340::Signature;

use super::dust::is_dust;
use super::parse::ParseTxError;
use super::raw::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};
use super::sanity::{SanityError, check_transaction};
use super::sighash::{Prevout, Sighash, SighashError, script_path};
use super::witness::{self, WitnessError, check_timelock};
use crate::keys::{StakerKey, Stakers};
use crate::script::{SlashingChange, StakingOutput, StakingPath, UnbondingOutput, UnbondingPath};
use crate::taproot::{Leaf, OutputKey};
use crate::timelock::{StakingTime, UnbondingTime};

/// Why a withdrawal cannot be built or is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WithdrawalError {
    /// The bytes are not a transaction.
    #[error(transparent)]
    Parse(#[from] ParseTxError),
    /// The transaction breaks a rule of Bitcoin.
    #[error(transparent)]
    Sanity(#[from] SanityError),
    /// The inputs do not spend the given outputs, in their order.
    #[error("input {0} does not spend the expected output")]
    Input(usize),
    /// The fee takes all.
    #[error("nothing left of {value} after a fee of {fee}")]
    FeeTakesAll {
        /// Sum of the withdrawn outputs.
        value: Sat,
        /// The fee.
        fee: Sat,
    },
    /// The outputs pay more than is withdrawn.
    #[error("pays {paid} out of {value}")]
    SpendsTooMuch {
        /// Sum of the withdrawn outputs.
        value: Sat,
        /// Sum of the outputs.
        paid: Sat,
    },
    /// An output would not be relayed.
    #[error("output of {0} is dust")]
    Dust(Sat),
    /// A digest cannot be computed.
    #[error(transparent)]
    Sighash(#[from] SighashError),
    /// A witness does not open its output.
    #[error("input {index}: {error}")]
    Witness {
        /// Which input.
        index: usize,
        /// What is wrong.
        error: WitnessError,
    },
}

/// An output that its staker can take back after a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawable {
    outpoint: OutPoint,
    value: Sat,
    key: OutputKey,
    pk_script: [u8; 34],
    leaf: Leaf,
    control_block: Vec<u8>,
    lock: u16,
}

impl Withdrawable {
    /// A staking output.
    #[must_use]
    pub fn staking(outpoint: OutPoint, value: Sat, output: &StakingOutput, time: StakingTime) -> Self {
        let path = StakingPath::Timelock;
        Self::new(
            outpoint,
            value,
            output.output_key(),
            output.leaf(path),
            output.control_block(path),
            time.blocks(),
        )
    }

    /// An unbonding output.
    #[must_use]
    pub fn unbonding(outpoint: OutPoint, value: Sat, output: &UnbondingOutput, time: UnbondingTime) -> Self {
        let path = UnbondingPath::Timelock;
        Self::new(
            outpoint,
            value,
            output.output_key(),
            output.leaf(path),
            output.control_block(path),
            time.blocks(),
        )
    }

    /// The change of a slashing transaction.
    #[must_use]
    pub fn change(outpoint: OutPoint, value: Sat, output: &SlashingChange, time: UnbondingTime) -> Self {
        Self::new(outpoint, value, output.output_key(), output.leaf(), output.control_block(), time.blocks())
    }

    fn new(
        outpoint: OutPoint,
        value: Sat,
        key: &OutputKey,
        leaf: &Leaf,
        control_block: Vec<u8>,
        lock: u16,
    ) -> Self {
        Self {
            outpoint,
            value,
            key: *key,
            pk_script: key.pk_script(),
            leaf: leaf.clone(),
            control_block,
            lock,
        }
    }

    /// Returns where it is.
    #[must_use]
    pub fn outpoint(&self) -> OutPoint {
        self.outpoint
    }

    /// Returns what it holds.
    #[must_use]
    pub fn value(&self) -> Sat {
        self.value
    }

    /// Returns the blocks that must pass after inclusion.
    #[must_use]
    pub fn lock(&self) -> u16 {
        self.lock
    }

    /// Returns the output key and tree root.
    #[must_use]
    pub fn output_key(&self) -> &OutputKey {
        &self.key
    }

    /// Returns the leaf that is opened.
    #[must_use]
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// Returns the control block of the leaf.
    #[must_use]
    pub fn control_block(&self) -> &[u8] {
        &self.control_block
    }

    /// Returns the output script.
    #[must_use]
    pub fn pk_script(&self) -> &[u8; 34] {
        &self.pk_script
    }

    fn prevout(&self) -> Prevout<'_> {
        Prevout { value: self.value, script: &self.pk_script }
    }
}

/// A transaction that takes outputs back through their time locks, unsigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalTx {
    tx: Transaction,
    sources: Vec<Withdrawable>,
}

impl WithdrawalTx {
    /// Builds a transaction that pays everything, less the fee, to one script.
    ///
    /// # Errors
    /// [`WithdrawalError::FeeTakesAll`], [`WithdrawalError::Dust`].
    pub fn build(sources: Vec<Withdrawable>, destination: &[u8], fee: Sat) -> Result<Self, WithdrawalError> {
        let value = total(sources.iter().map(|source| source.value));
        let rest = value.checked_sub(fee).filter(|rest| *rest > Sat(0));
        let output = TxOut::new(rest.ok_or(WithdrawalError::FeeTakesAll { value, fee })?, destination);
        if is_dust(&output) {
            return Err(WithdrawalError::Dust(output.value));
        }
        let inputs = sources.iter().map(|s| TxIn::unsigned(s.outpoint, u32::from(s.lock))).collect();
        let tx = Transaction { version: 2, inputs, outputs: alloc::vec![output], lock_time: 0 };
        check_transaction(&tx)?;
        Ok(Self { tx, sources })
    }

    /// Computes the digest that the staker signs for each input.
    ///
    /// # Errors
    /// [`WithdrawalError::Sighash`]; not reachable for a built transaction.
    pub fn sighashes(&self) -> Result<Vec<Sighash>, WithdrawalError> {
        sighashes(&self.tx, &self.sources)
    }

    /// Returns the identifier.
    #[must_use]
    pub fn txid(&self) -> Txid {
        self.tx.txid()
    }

    /// Returns the unsigned transaction.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.tx
    }

    /// Returns the outputs that are withdrawn.
    #[must_use]
    pub fn sources(&self) -> &[Withdrawable] {
        &self.sources
    }

    /// Completes the transaction with the stakers' signatures, one list per input.
    ///
    /// # Errors
    /// [`WithdrawalError::Witness`] if a quorum is not reached, [`WithdrawalError::Input`] if a list is missing.
    pub fn sign(
        &self,
        stakers: &Stakers,
        signatures: &[Vec<(StakerKey, Signature)>],
    ) -> Result<Transaction, WithdrawalError> {
        let mut tx = self.tx.clone();
        for (index, (input, source)) in tx.inputs.iter_mut().zip(&self.sources).enumerate() {
            let signatures = signatures.get(index).ok_or(WithdrawalError::Input(index))?;
            input.witness = witness::timelock(stakers, signatures, &source.leaf, &source.control_block)
                .map_err(|error| WithdrawalError::Witness { index, error })?;
        }
        Ok(tx)
    }

    /// Verifies that a signed transaction withdraws exactly these outputs and would be valid once their locks end.
    ///
    /// The outputs need not exist. The destination is not judged.
    ///
    /// # Errors
    /// [`WithdrawalError`].
    pub fn prove<C: Curve>(
        curve: &C,
        stakers: &Stakers,
        sources: &[Withdrawable],
        signed: &Transaction,
    ) -> Result<(), WithdrawalError> {
        check_transaction(signed)?;
        if signed.inputs.len() != sources.len() {
            return Err(WithdrawalError::Input(sources.len().min(signed.inputs.len())));
        }
        let value = total(sources.iter().map(|source| source.value));
        let paid = total(signed.outputs.iter().map(|output| output.value));
        if paid > value {
            return Err(WithdrawalError::SpendsTooMuch { value, paid });
        }
        let digests = sighashes(signed, sources)?;
        for (index, ((source, digest), input)) in sources.iter().zip(&digests).zip(&signed.inputs).enumerate()
        {
            if input.previous_output != source.outpoint {
                return Err(WithdrawalError::Input(index));
            }
            prove_input(curve, stakers, source, signed, index, digest)
                .map_err(|error| WithdrawalError::Witness { index, error })?;
        }
        Ok(())
    }

    /// Parses raw bytes and verifies them; see [`WithdrawalTx::prove`].
    ///
    /// # Errors
    /// [`WithdrawalError`].
    pub fn parse_and_prove<C: Curve>(
        curve: &C,
        stakers: &Stakers,
        sources: &[Withdrawable],
        raw: &[u8],
    ) -> Result<Transaction, WithdrawalError> {
        let tx = Transaction::parse(raw)?;
        Self::prove(curve, stakers, sources, &tx)?;
        Ok(tx)
    }
}

fn prove_input<C: Curve>(
    curve: &C,
    stakers: &Stakers,
    source: &Withdrawable,
    tx: &Transaction,
    index: usize,
    digest: &Sighash,
) -> Result<(), WitnessError> {
    check_timelock(tx, index, source.lock)?;
    let stack = tx.inputs.get(index).map(|input| input.witness.as_slice()).unwrap_or_default();
    let groups = [witness::Group::stakers(stakers)];
    witness::check(curve, stack, &groups, &source.leaf, &source.control_block, digest)
}

fn sighashes(tx: &Transaction, sources: &[Withdrawable]) -> Result<Vec<Sighash>, WithdrawalError> {
    let prevouts: Vec<_> = sources.iter().map(Withdrawable::prevout).collect();
    let digest = |(i, source): (usize, &Withdrawable)| Ok(script_path(tx, i, &prevouts, source.leaf.hash())?);
    sources.iter().enumerate().map(digest).collect()
}

fn total(values: impl Iterator<Item = Sat>) -> Sat {
    values.fold(Sat(0), |sum, value| sum.checked_add(value).unwrap_or(Sat(u64::MAX)))
}
