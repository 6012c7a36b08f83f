//! PSBT for every transaction a person signs, and the check of what a wallet returns (BIP-174, BIP-371; feature
//! `bitcoin`).
//!
//! A wallet is not trusted: it may change outputs, sign another leaf, or use another sighash type. [`check_returned`]
//! compares the transaction byte for byte and verifies each signature over a digest computed here, from what was asked,
//! not from what came back.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bitcoin::bip32::KeySource;
use bitcoin::hashes::Hash as _;
use bitcoin::psbt::{Input, Psbt, PsbtSighashType};
use bitcoin::taproot::{ControlBlock, LeafVersion, TapLeafHash, TapNodeHash};
use bitcoin::{ScriptBuf, TapSighashType, Witness, XOnlyPublicKey};
use staking_crypto::bip340::{self, Signature};
use staking_crypto::{Curve, XOnly};

use crate::delegation::Presigned;
use crate::keys::{StakerKey, Stakers};
use crate::script::{StakingOutput, StakingPath, UnbondingPath};
use crate::taproot::{Leaf, NUMS, OutputKey};
use crate::tx::sighash::{Prevout, Sighash, script_path};
use crate::tx::{ExpansionTx, OutPoint, Sat, SlashingTx, Transaction, TxOut, WithdrawalTx};

/// A request to sign: the PSBT to hand out, and what is needed to judge the answer.
#[derive(Clone, Debug)]
pub struct SigningRequest {
    psbt: Psbt,
    tx: Transaction,
    inputs: Vec<RequestedInput>,
    stakers: Stakers,
}

/// An input that the staker signs through a script.
#[derive(Clone, Debug)]
struct RequestedInput {
    index: usize,
    leaf_hash: [u8; 32],
    digest: Sighash,
}

/// A script path that an input opens.
struct Opening<'a> {
    prevout: TxOut,
    key: OutputKey,
    leaf: &'a Leaf,
    control_block: Vec<u8>,
}

/// Where staker keys come from, for wallets that find their keys by BIP-32 path.
pub type KeyOrigins = BTreeMap<StakerKey, KeySource>;

/// Why a PSBT cannot be made or a returned one is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PsbtError {
    /// The PSBT library refuses the parts.
    #[error("psbt: {0}")]
    Build(Box<str>),
    /// The previous transaction of an input has another identifier.
    #[error("previous transaction of {0} is another one")]
    PreviousTransaction(OutPoint),
    /// The previous transaction says something else about an output than the wallet does.
    #[error("value or script of {0} is not what its transaction says")]
    PreviousOutput(OutPoint),
    /// The returned transaction is not the one that was sent.
    #[error("the wallet changed the transaction: {0}")]
    Changed(&'static str),
    /// A signature of another type than the default, or of another length.
    #[error("input {0} is signed with another sighash type")]
    SighashType(usize),
    /// The input has no signature by the key over the leaf.
    #[error("input {index} has {found} valid signatures of {quorum}")]
    Missing {
        /// Which input.
        index: usize,
        /// Signatures found.
        found: usize,
        /// Signatures required.
        quorum: u32,
    },
    /// A signature by a key that is not the staker's, or over another leaf.
    #[error("input {0} is signed by another key or for another script")]
    OtherKeyOrLeaf(usize),
    /// A signature is not valid.
    #[error("input {index}: signature by {key}: {error}")]
    Invalid {
        /// Which input.
        index: usize,
        /// The key.
        key: StakerKey,
        /// What is wrong.
        error: bip340::VerifyError,
    },
}

/// Signatures of the staker's keys, per requested input.
pub type Signed = Vec<Vec<(StakerKey, Signature)>>;

impl SigningRequest {
    /// Returns the PSBT to hand to the wallet.
    #[must_use]
    pub fn psbt(&self) -> &Psbt {
        &self.psbt
    }

    /// Asks for the signature on the slashing transaction of the staking output.
    ///
    /// # Errors
    /// [`PsbtError::Build`].
    pub fn slashing(
        presigned: &Presigned,
        stakers: &Stakers,
        origins: &KeyOrigins,
    ) -> Result<Self, PsbtError> {
        let output = &presigned.scripts().staking;
        let path = StakingPath::Slashing;
        let opening = staking_opening(output, presigned.staking().value, path);
        Self::slashing_tx(presigned.slashing(), opening, stakers, origins)
    }

    /// Asks for the signature on the slashing transaction of the unbonding output.
    ///
    /// # Errors
    /// [`PsbtError::Build`].
    pub fn unbonding_slashing(
        presigned: &Presigned,
        stakers: &Stakers,
        origins: &KeyOrigins,
    ) -> Result<Self, PsbtError> {
        let output = &presigned.scripts().unbonding;
        let path = UnbondingPath::Slashing;
        let opening = Opening {
            prevout: TxOut::new(presigned.unbonding().value(), output.pk_script()),
            key: *output.output_key(),
            leaf: output.leaf(path),
            control_block: output.control_block(path),
        };
        Self::slashing_tx(presigned.unbonding_slashing(), opening, stakers, origins)
    }

    fn slashing_tx(
        slashing: &SlashingTx,
        opening: Opening<'_>,
        stakers: &Stakers,
        origins: &KeyOrigins,
    ) -> Result<Self, PsbtError> {
        let tx = slashing.transaction();
        let prevout = opening.prevout.clone();
        Self::new(tx, &[prevout], alloc::vec![(0, opening)], stakers, origins)
    }

    /// Asks for the signature that ends a stake early.
    ///
    /// # Errors
    /// [`PsbtError::Build`].
    pub fn unbonding(
        presigned: &Presigned,
        stakers: &Stakers,
        origins: &KeyOrigins,
    ) -> Result<Self, PsbtError> {
        let output = &presigned.scripts().staking;
        let opening = staking_opening(output, presigned.staking().value, StakingPath::Unbonding);
        let tx = presigned.unbonding().transaction();
        let prevout = opening.prevout.clone();
        Self::new(tx, &[prevout], alloc::vec![(0, opening)], stakers, origins)
    }

    /// Asks for the signature on the old stake's input of an expansion. The funding input is the wallet's own.
    ///
    /// # Errors
    /// [`PsbtError::Build`].
    pub fn expansion(
        expansion: &ExpansionTx,
        old_output: &StakingOutput,
        old_value: Sat,
        stakers: &Stakers,
        origins: &KeyOrigins,
    ) -> Result<Self, PsbtError> {
        let opening = staking_opening(old_output, old_value, StakingPath::Unbonding);
        let prevouts = [opening.prevout.clone(), expansion.funding().clone()];
        Self::new(expansion.transaction(), &prevouts, alloc::vec![(0, opening)], stakers, origins)
    }

    /// Asks for the signatures on a withdrawal.
    ///
    /// # Errors
    /// [`PsbtError::Build`].
    pub fn withdrawal(
        withdrawal: &WithdrawalTx,
        stakers: &Stakers,
        origins: &KeyOrigins,
    ) -> Result<Self, PsbtError> {
        let sources = withdrawal.sources();
        let prevouts: Vec<_> = sources.iter().map(|s| TxOut::new(s.value(), *s.pk_script())).collect();
        let openings = sources.iter().map(|source| Opening {
            prevout: TxOut::new(source.value(), *source.pk_script()),
            key: *source.output_key(),
            leaf: source.leaf(),
            control_block: source.control_block().to_vec(),
        });
        let openings = openings.enumerate().collect();
        Self::new(withdrawal.transaction(), &prevouts, openings, stakers, origins)
    }

    fn new(
        tx: &Transaction,
        prevouts: &[TxOut],
        openings: Vec<(usize, Opening<'_>)>,
        stakers: &Stakers,
        origins: &KeyOrigins,
    ) -> Result<Self, PsbtError> {
        let tx = tx.clone().into_stripped();
        let mut psbt = Psbt::from_unsigned_tx((&tx).into()).map_err(build_error)?;
        for (input, prevout) in psbt.inputs.iter_mut().zip(prevouts) {
            input.witness_utxo = Some(prevout.into());
        }
        let committed: Vec<_> = prevouts.iter().map(Prevout::from).collect();
        let mut inputs = Vec::with_capacity(openings.len());
        for (index, opening) in openings {
            let digest = script_path(&tx, index, &committed, opening.leaf.hash()).map_err(build_error)?;
            let input = psbt.inputs.get_mut(index).ok_or_else(|| build_error("no such input"))?;
            fill_input(input, &opening, stakers, origins)?;
            inputs.push(RequestedInput { index, leaf_hash: *opening.leaf.hash(), digest });
        }
        Ok(Self { psbt, tx, inputs, stakers: stakers.clone() })
    }
}

fn build_error(error: impl core::fmt::Display) -> PsbtError {
    PsbtError::Build(alloc::format!("{error}").into())
}

fn staking_opening(output: &StakingOutput, value: Sat, path: StakingPath) -> Opening<'_> {
    Opening {
        prevout: TxOut::new(value, output.pk_script()),
        key: *output.output_key(),
        leaf: output.leaf(path),
        control_block: output.control_block(path),
    }
}

/// Writes the taproot fields of BIP-371.
fn fill_input(
    input: &mut Input,
    opening: &Opening<'_>,
    stakers: &Stakers,
    origins: &KeyOrigins,
) -> Result<(), PsbtError> {
    let leaf_hash = TapLeafHash::from_byte_array(*opening.leaf.hash());
    let block = ControlBlock::decode(&opening.control_block).map_err(build_error)?;
    let script = ScriptBuf::from_bytes(opening.leaf.script().to_vec());
    input.tap_scripts.insert(block, (script, LeafVersion::TapScript));
    input.tap_internal_key = Some(XOnlyPublicKey::from_slice(&NUMS).map_err(build_error)?);
    input.tap_merkle_root = Some(TapNodeHash::from_byte_array(*opening.key.merkle_root()));
    input.sighash_type = Some(PsbtSighashType::from(TapSighashType::Default));
    for key in stakers.keys() {
        let x_only = XOnlyPublicKey::from_slice(key.as_bytes()).map_err(build_error)?;
        let origin = origins.get(key).cloned().unwrap_or_default();
        input.tap_key_origins.insert(x_only, (alloc::vec![leaf_hash], origin));
    }
    Ok(())
}

/// Checks what a wallet returned and takes the staker's signatures out of it.
///
/// # Errors
/// [`PsbtError`], naming what was changed or is missing.
pub fn check_returned<C: Curve>(
    curve: &C,
    request: &SigningRequest,
    returned: &Psbt,
) -> Result<Signed, PsbtError> {
    check_same_transaction(&request.psbt.unsigned_tx, &returned.unsigned_tx)?;
    let mut signed = Vec::with_capacity(request.inputs.len());
    for asked in &request.inputs {
        let original = request.psbt.inputs.get(asked.index).ok_or(PsbtError::Changed("number of inputs"))?;
        let input = returned.inputs.get(asked.index).ok_or(PsbtError::Changed("number of inputs"))?;
        if input.witness_utxo.is_some() && input.witness_utxo != original.witness_utxo {
            return Err(PsbtError::Changed("spent output"));
        }
        if input.sighash_type.is_some_and(|kind| kind != TapSighashType::Default.into()) {
            return Err(PsbtError::SighashType(asked.index));
        }
        signed.push(input_signatures(curve, request, asked, input)?);
    }
    Ok(signed)
}

/// Checks a signed transaction that a wallet returned instead of a PSBT, and takes the signatures out of it.
///
/// # Errors
/// [`PsbtError`].
pub fn check_returned_transaction<C: Curve>(
    curve: &C,
    request: &SigningRequest,
    returned: &Transaction,
) -> Result<Signed, PsbtError> {
    let stripped = returned.clone().into_stripped();
    check_same_transaction(&(&request.tx).into(), &(&stripped).into())?;
    let inputs = request.inputs.iter().map(|asked| {
        let input = returned.inputs.get(asked.index).ok_or(PsbtError::Changed("number of inputs"))?;
        witness_signatures(curve, request, asked, &Witness::from_slice(&input.witness))
    });
    inputs.collect()
}

/// Checks that a wallet signed the transaction it was given and no other, field by field.
///
/// # Errors
/// [`PsbtError::Changed`], naming the field.
pub fn check_same_transaction(
    asked: &bitcoin::Transaction,
    returned: &bitcoin::Transaction,
) -> Result<(), PsbtError> {
    let bare = |tx: &bitcoin::Transaction| -> Vec<_> {
        tx.input.iter().map(|i| (i.previous_output, i.sequence)).collect()
    };
    let changed = if asked.version != returned.version {
        "version"
    } else if asked.lock_time != returned.lock_time {
        "lock time"
    } else if bare(asked) != bare(returned) {
        "inputs or sequences"
    } else if asked.output != returned.output {
        "outputs"
    } else if returned.input.iter().any(|input| !input.script_sig.is_empty()) {
        "signature script"
    } else {
        return Ok(());
    };
    Err(PsbtError::Changed(changed))
}

fn input_signatures<C: Curve>(
    curve: &C,
    request: &SigningRequest,
    asked: &RequestedInput,
    input: &Input,
) -> Result<Vec<(StakerKey, Signature)>, PsbtError> {
    if let Some(witness) = &input.final_script_witness {
        return witness_signatures(curve, request, asked, witness);
    }
    let mut found = Vec::new();
    for ((key, leaf), signature) in &input.tap_script_sigs {
        let key = staker_key(request, &key.serialize()).ok_or(PsbtError::OtherKeyOrLeaf(asked.index))?;
        if leaf.to_byte_array() != asked.leaf_hash {
            return Err(PsbtError::OtherKeyOrLeaf(asked.index));
        }
        if signature.sighash_type != TapSighashType::Default {
            return Err(PsbtError::SighashType(asked.index));
        }
        found.push((key, verified(curve, asked, key, &signature.signature.serialize())?));
    }
    at_least_quorum(request, asked, found)
}

/// Takes the staker's slots, which are next to the script, out of a finished witness.
fn witness_signatures<C: Curve>(
    curve: &C,
    request: &SigningRequest,
    asked: &RequestedInput,
    witness: &Witness,
) -> Result<Vec<(StakerKey, Signature)>, PsbtError> {
    let stack = witness.to_vec();
    let [slots @ .., script, _] = stack.as_slice() else {
        return Err(PsbtError::OtherKeyOrLeaf(asked.index));
    };
    if crate::taproot::leaf_hash(script) != asked.leaf_hash {
        return Err(PsbtError::OtherKeyOrLeaf(asked.index));
    }
    let keys = crate::keys::sorted(request.stakers.keys());
    let mut found = Vec::new();
    for (key, slot) in keys.iter().zip(slots.iter().rev()).filter(|(_, slot)| !slot.is_empty()) {
        let bytes =
            <&[u8; 64]>::try_from(slot.as_slice()).map_err(|_| PsbtError::SighashType(asked.index))?;
        found.push((*key, verified(curve, asked, *key, bytes)?));
    }
    at_least_quorum(request, asked, found)
}

fn staker_key(request: &SigningRequest, bytes: &[u8; 32]) -> Option<StakerKey> {
    request.stakers.keys().iter().find(|key| key.as_bytes() == bytes).copied()
}

fn verified<C: Curve>(
    curve: &C,
    asked: &RequestedInput,
    key: StakerKey,
    bytes: &[u8; 64],
) -> Result<Signature, PsbtError> {
    let index = asked.index;
    let signature = Signature::from_bytes(bytes).map_err(|_| PsbtError::SighashType(index))?;
    let x_only: &XOnly = key.x_only();
    bip340::verify(curve, x_only, &asked.digest.0, &signature).map_err(|error| PsbtError::Invalid {
        index,
        key,
        error,
    })?;
    Ok(signature)
}

fn at_least_quorum(
    request: &SigningRequest,
    asked: &RequestedInput,
    found: Vec<(StakerKey, Signature)>,
) -> Result<Vec<(StakerKey, Signature)>, PsbtError> {
    let quorum = request.stakers.quorum();
    if usize::try_from(quorum).is_ok_and(|quorum| found.len() >= quorum) {
        return Ok(found);
    }
    Err(PsbtError::Missing { index: asked.index, found: found.len(), quorum })
}

/// Checks what a wallet says about an output that an input spends against the transaction that made it.
///
/// # Errors
/// [`PsbtError::PreviousTransaction`], [`PsbtError::PreviousOutput`].
pub fn check_previous_output(
    outpoint: OutPoint,
    claimed: &TxOut,
    previous: &Transaction,
) -> Result<(), PsbtError> {
    if previous.txid() != outpoint.txid {
        return Err(PsbtError::PreviousTransaction(outpoint));
    }
    match previous.output(outpoint.vout) {
        Some(output) if output == claimed => Ok(()),
        _ => Err(PsbtError::PreviousOutput(outpoint)),
    }
}
