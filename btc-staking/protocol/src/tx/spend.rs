//! Recognising that a stake was spent with its owner's consent (spec §5.5).
//!
//! Whoever reports a spend need not be trusted: the owner's signature in the witness shows the intent, whatever path,
//! sighash type or annex was used. Covenant and provider signatures are not looked at, Bitcoin has done that.

use alloc::vec::Vec;
use staking_crypto::Curve;
use staking_crypto::bip340::{self, ParseError, Signature, VerifyError};

use super::raw::{OutPoint, Transaction, TxOut, Txid};
use super::sighash::{Prevout, SighashError, SighashType, taproot};
use crate::keys::{StakerKey, Stakers, sorted};
use crate::taproot::{CommitmentError, NodeHash, check_commitment};

/// First byte of an annex.
const ANNEX: u8 = 0x50;

/// Why a transaction is not an authorised spend of a stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpendError {
    /// The spending transaction has no such input.
    #[error("no input {0}")]
    NoInput(usize),
    /// The input spends something else than the stake.
    #[error("input spends {found} instead of {expected}")]
    OtherOutput {
        /// The stake.
        expected: OutPoint,
        /// What it spends.
        found: OutPoint,
    },
    /// An input's previous transaction is not among the given ones.
    #[error("transaction {0}, which an input spends, is missing")]
    MissingFunding(Txid),
    /// A given transaction has no output of this index.
    #[error("{0} does not exist")]
    MissingOutput(OutPoint),
    /// The previous output is not the registered stake.
    #[error("spent output is not the stake")]
    NotTheStake,
    /// The witness is too short for a script path.
    #[error("witness of {0} items cannot be a script path")]
    ShortWitness(usize),
    /// Script and control block do not belong to the stake.
    #[error(transparent)]
    Commitment(#[from] CommitmentError),
    /// A signature has neither 64 nor 65 bytes.
    #[error("staker signature of {0} bytes")]
    SignatureLength(usize),
    /// The type byte is not allowed.
    #[error("sighash type {0:#04x}")]
    SighashType(u8),
    /// The digest cannot be computed.
    #[error(transparent)]
    Sighash(#[from] SighashError),
    /// The signature bytes are not a signature.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The signature is not the staker's.
    #[error("staker signature: {0}")]
    Verify(#[from] VerifyError),
    /// Fewer valid signatures than the quorum.
    #[error("{found} staker signatures of {quorum}")]
    BelowQuorum {
        /// Valid signatures.
        found: usize,
        /// Signatures required.
        quorum: u32,
    },
}

/// A reported spend.
#[derive(Clone, Copy, Debug)]
pub struct StakeSpend<'a> {
    /// The spending transaction, with witnesses.
    pub tx: &'a Transaction,
    /// Which input spends the stake.
    pub input: usize,
    /// The transactions whose outputs the inputs spend; all inputs must be covered.
    pub funding: &'a [Transaction],
}

impl StakeSpend<'_> {
    /// Finds the input that spends an outpoint.
    #[must_use]
    pub fn input_spending(tx: &Transaction, stake: OutPoint) -> Option<usize> {
        tx.inputs.iter().position(|input| input.previous_output == stake)
    }

    /// Verifies that the owner signed the spend of this stake.
    ///
    /// # Errors
    /// [`SpendError`].
    pub fn verify<C: Curve>(
        &self,
        curve: &C,
        stake: OutPoint,
        output: Prevout<'_>,
        stakers: &Stakers,
    ) -> Result<(), SpendError> {
        let input = self.tx.inputs.get(self.input).ok_or(SpendError::NoInput(self.input))?;
        if input.previous_output != stake {
            return Err(SpendError::OtherOutput { expected: stake, found: input.previous_output });
        }
        if self.prevouts()?.get(self.input) != Some(&output) {
            return Err(SpendError::NotTheStake);
        }
        self.verify_signatures(curve, output.script, stakers)
    }

    /// Verifies the witness of the input against an output script, whatever outpoint it spends.
    ///
    /// # Errors
    /// [`SpendError`].
    pub fn verify_signatures<C: Curve>(
        &self,
        curve: &C,
        pk_script: &[u8],
        stakers: &Stakers,
    ) -> Result<(), SpendError> {
        let path = self.script_path()?;
        let leaf = check_commitment(curve, pk_script, path.control_block, path.script)?;
        self.verify_path(curve, &path, &leaf, stakers)
    }

    /// Verifies the owner's signatures over a leaf that the caller knows to be the stake's: that of a pre-signed
    /// transaction, whose digest commits to it. Saves the multiplication that proves it from the control block.
    ///
    /// # Errors
    /// [`SpendError`].
    pub fn verify_for_leaf<C: Curve>(
        &self,
        curve: &C,
        leaf: &NodeHash,
        stakers: &Stakers,
    ) -> Result<(), SpendError> {
        self.verify_path(curve, &self.script_path()?, leaf, stakers)
    }

    fn script_path(&self) -> Result<ScriptPath<'_>, SpendError> {
        let input = self.tx.inputs.get(self.input).ok_or(SpendError::NoInput(self.input))?;
        let (stack, annex) = split_annex(&input.witness);
        match stack {
            [slots @ .., script, control_block] if !slots.is_empty() => {
                Ok(ScriptPath { slots, script, control_block, annex })
            }
            _ => Err(SpendError::ShortWitness(stack.len())),
        }
    }

    fn verify_path<C: Curve>(
        &self,
        curve: &C,
        path: &ScriptPath<'_>,
        leaf: &NodeHash,
        stakers: &Stakers,
    ) -> Result<(), SpendError> {
        let (prevouts, slots) = (self.prevouts()?, path.slots);
        let digest = |kind| Ok(taproot(self.tx, self.input, &prevouts, Some(leaf), kind, path.annex)?.0);
        match stakers.keys() {
            [only] => verify_slot(curve, only, slots.last().map(Vec::as_slice).unwrap_or_default(), &digest),
            many => verify_quorum(curve, many, stakers.quorum(), slots, &digest),
        }
    }

    fn prevouts(&self) -> Result<Vec<Prevout<'_>>, SpendError> {
        let txids: Vec<Txid> = self.funding.iter().map(Transaction::txid).collect();
        let find = |outpoint: OutPoint| -> Result<&TxOut, SpendError> {
            let funding = txids.iter().zip(self.funding).find(|(txid, _)| **txid == outpoint.txid);
            let (_, tx) = funding.ok_or(SpendError::MissingFunding(outpoint.txid))?;
            tx.output(outpoint.vout).ok_or(SpendError::MissingOutput(outpoint))
        };
        self.tx.inputs.iter().map(|input| find(input.previous_output).map(Prevout::from)).collect()
    }
}

/// Witness of a script path, taken apart.
struct ScriptPath<'a> {
    slots: &'a [Vec<u8>],
    script: &'a [u8],
    control_block: &'a [u8],
    annex: Option<&'a [u8]>,
}

/// Separates the annex (BIP-341): the last of at least two items, if it begins with 0x50.
fn split_annex(witness: &[Vec<u8>]) -> (&[Vec<u8>], Option<&[u8]>) {
    match witness {
        [stack @ .., annex] if !stack.is_empty() && annex.first() == Some(&ANNEX) => (stack, Some(annex)),
        stack => (stack, None),
    }
}

fn verify_slot<C: Curve>(
    curve: &C,
    key: &StakerKey,
    slot: &[u8],
    digest: &impl Fn(SighashType) -> Result<[u8; 32], SpendError>,
) -> Result<(), SpendError> {
    let (bytes, kind) = split_signature(slot)?;
    let signature = Signature::from_bytes(bytes)?;
    Ok(bip340::verify(curve, key.x_only(), &digest(kind)?, &signature)?)
}

fn split_signature(slot: &[u8]) -> Result<(&[u8; 64], SighashType), SpendError> {
    let length = SpendError::SignatureLength(slot.len());
    let (bytes, rest) = slot.split_first_chunk::<64>().ok_or(length)?;
    match rest {
        [] => Ok((bytes, SighashType::DEFAULT)),
        // Zero means "default" and must be left out (BIP-341).
        [0] => Err(SpendError::SighashType(0)),
        [byte] => Ok((bytes, SighashType::from_byte(*byte).ok_or(SpendError::SighashType(*byte))?)),
        _ => Err(length),
    }
}

/// The owner's slots are the ones next to the script, in descending key order; at least the quorum must be valid.
fn verify_quorum<C: Curve>(
    curve: &C,
    keys: &[StakerKey],
    quorum: u32,
    slots: &[Vec<u8>],
    digest: &impl Fn(SighashType) -> Result<[u8; 32], SpendError>,
) -> Result<(), SpendError> {
    let keys = sorted(keys);
    let short = SpendError::ShortWitness(slots.len());
    let first = slots.len().checked_sub(keys.len()).ok_or(short)?;
    let own = slots.get(first..).ok_or(short)?;
    let mut found = 0usize;
    for (key, slot) in keys.iter().rev().zip(own).filter(|(_, slot)| !slot.is_empty()) {
        verify_slot(curve, key, slot, digest)?;
        found = found.saturating_add(1);
    }
    let enough = usize::try_from(quorum).is_ok_and(|quorum| found >= quorum);
    if enough { Ok(()) } else { Err(SpendError::BelowQuorum { found, quorum }) }
}
