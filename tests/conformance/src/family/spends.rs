//! `stake_expansion` and `stake_spend`.

use staking_crypto::bip340;
use staking_protocol::keys::Stakers;
use staking_protocol::taproot::leaf_hash;
use staking_protocol::tx::expansion::ExpansionTx;
use staking_protocol::tx::sighash::Prevout;
use staking_protocol::tx::spend::StakeSpend;
use staking_protocol::tx::{OutPoint, Txid};

use crate::case::{Case, No, Out, refuse};
use crate::read::{Fields, hex, sat, signature, staker, transaction};

pub(crate) fn expansion(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    out.set("parse_ok", false);
    let index = input.small("previous_output_idx")?;
    let previous =
        OutPoint { txid: Txid::from_display_order(input.array("previous_staking_txid")?), vout: index };
    let funding = transaction(input.at("funding_tx")?)?;
    let parsed = ExpansionTx::validate(transaction(input.at("expansion_tx")?)?, previous, &funding)?;
    out.set("parse_ok", true);
    let old = transaction(input.at("previous_staking_tx")?)?;
    let Some(old) = old.output(index) else { return refuse("no such previous output") };
    let digest = parsed.sighash(Prevout::from(old), &leaf_hash(&input.bytes("unbonding_script")?));
    out.set("sighash_input0", hex(digest.0));
    out.set("funding_output", hex(parsed.funding().to_bytes()));
    out.set("funding_output_idx", parsed.funding_outpoint().vout);
    let key = staker(input.at("staker_pk")?)?;
    bip340::verify(&case.curve, key.x_only(), &digest.0, &signature(input.at("sig")?)?)?;
    Ok(())
}

pub(crate) fn spend(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let tx = transaction(input.at("spending_tx")?)?;
    let funding = input.list("funding_txs")?.iter().map(transaction).collect::<Result<Vec<_>, _>>()?;
    let index = usize::try_from(input.int("input_idx")?).or_else(|_| refuse("index out of range"))?;
    let spend = StakeSpend { tx: &tx, input: index, funding: &funding };
    let stakers = Stakers::single(staker(input.at("staker_pk")?)?);
    let script = input.bytes("staking_output_pk_script")?;
    // What the maker of the case signed; it is not an answer. Where we accept, it is what the signature verifies for.
    out.set("signed_sighash", case.expected.at("signed_sighash")?.clone());
    spend.verify_signatures(&case.curve, &script, &stakers)?;
    let Some(spent) = tx.inputs.get(index) else { return refuse("index out of range") };
    let value = sat(input, "staking_output_value")?;
    spend.verify(&case.curve, spent.previous_output, Prevout { value, script: &script }, &stakers)?;
    signed_digest_is_the_published_one(case, spent.witness.as_slice())
}

/// The staker's signature in the witness verifies for the published digest under its own key.
fn signed_digest_is_the_published_one(case: &Case<'_>, witness: &[Vec<u8>]) -> Result<(), No> {
    let witness = match witness {
        [rest @ .., last] if witness.len() >= 2 && last.first() == Some(&0x50) => rest,
        whole => whole,
    };
    let [.., signature, _, _] = witness else { return refuse("short witness") };
    let Some(signature) = signature.first_chunk::<64>() else { return refuse("short signature") };
    let parsed = bip340::Signature::from_bytes(signature)?;
    let digest: [u8; 32] = case.expected.array("signed_sighash")?;
    let key = staker(case.input.at("staker_pk")?)?;
    bip340::verify(&case.curve, key.x_only(), &digest, &parsed)?;
    Ok(())
}
