//! `checkpoint` and `bls`.

use serde_json::{Value, json};
use staking_protocol::bls::{PublicKey, SecretKey, Signature, verify_aggregate};
use staking_protocol::checkpoint::{
    Checkpoint, Part, TAG_LEN, check_version, connect, identify, part_data, signed_message,
};

use crate::case::{Case, No, Out, refuse};
use crate::read::{Fields, array, bytes, hex, hexes};

pub(crate) fn checkpoint(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    out.set("step", "encode");
    let version = u8::try_from(input.int("version")?).or_else(|_| refuse("version"))?;
    check_version(version)?;
    let tag: [u8; TAG_LEN] = input.array("tag")?;
    let encoded = Checkpoint::from_fields(
        input.int("epoch")?,
        &input.bytes("block_hash")?,
        &input.bytes("bitmap")?,
        &input.bytes("submitter")?,
        &input.bytes("bls_sig")?,
    )?;
    let (first, second) = encoded.encode(tag);
    out.set("first", hex(first));
    out.set("second", hex(second));
    decode(input, out)
}

fn decode(input: &Value, out: &mut Out) -> Result<(), No> {
    let tag: [u8; TAG_LEN] = input.array("decode_tag")?;
    let (first, second) = (input.bytes("decode_part1")?, input.bytes("decode_part2")?);
    match identify(tag, &first) {
        Some(Part::First) => out.set("part1_is_index", 0),
        Some(Part::Second) => out.set("part1_is_index", 1),
        None => {}
    }
    out.set("step", "part0");
    let body = part_data(tag, Part::First, &first)?;
    out.set("step", "part1");
    let rest = part_data(tag, Part::Second, &second)?;
    out.set("step", "connect");
    let connected = connect(body, rest)?;
    out.set("connected", hex(&connected));
    out.set("step", "decode");
    let decoded = Checkpoint::from_bytes(&connected)?;
    out.set("decoded", fields(&decoded));
    out.set("checkpoint_hash", hex(decoded.hash()));
    out.set("bls_signed_msg", hex(decoded.signed_message()));
    Ok(())
}

fn fields(checkpoint: &Checkpoint) -> Value {
    json!({
        "epoch": checkpoint.epoch.to_string(),
        "block_hash": hex(checkpoint.block_hash),
        "bitmap": hex(checkpoint.bitmap),
        "submitter": hex(checkpoint.submitter),
        "bls_sig": hex(checkpoint.bls_sig),
    })
}

pub(crate) fn bls(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let message = signed_message(input.int("epoch")?, &input.array("block_hash")?);
    out.set("msg", hex(message));
    let keys = input.list("sks")?.iter().map(|sk| Ok(SecretKey::from_bytes(&array(sk)?)?));
    let keys = keys.collect::<Result<Vec<_>, No>>()?;
    let public: Vec<_> = keys.iter().map(SecretKey::public).collect();
    let signatures: Vec<_> = keys.iter().map(|key| key.sign(&message)).collect();
    let proofs: Vec<_> = keys.iter().map(|key| key.prove_possession(b"bbnvaloper")).collect();
    for (key, proof) in public.iter().zip(&proofs) {
        key.verify_possession(b"bbnvaloper", proof)?;
    }
    out.set("pks", hexes(public.iter().map(PublicKey::to_bytes)));
    out.set("sigs", hexes(signatures.iter().map(Signature::to_bytes)));
    out.set("pops_over_pk_and_bbnvaloper", hexes(proofs.iter().map(Signature::to_bytes)));
    out.set("agg_sig", hex(Signature::aggregate(&signatures)?.to_bytes()));
    out.set("agg_pk", hex(PublicKey::aggregate(&public)?.to_bytes()));
    let given = input.list("verify_pks")?.iter().map(|pk| Ok(PublicKey::from_bytes(&bytes(pk)?)?));
    let given = given.collect::<Result<Vec<_>, No>>()?;
    let signature = Signature::from_bytes(&input.bytes("verify_sig")?)?;
    Ok(verify_aggregate(&given, &input.bytes("verify_msg")?, &signature)?)
}
