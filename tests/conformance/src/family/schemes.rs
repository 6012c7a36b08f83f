//! `adaptor`, `eots`, `eots_rand`: the signature schemes themselves.

use bitcoin_hashes::{Hash, sha256};
use serde_json::Value;
use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey};
use staking_crypto::{OneTimeNonce, Scalar, XOnly, bip340, eots, nonce};

use crate::case::{Case, No, Out, ensure};
use crate::read::{Fields, full_key, hex, secret, x_only};

/// Encryption keys are points of even y, whatever parity the full key has.
fn encryption_key(input: &Value) -> Result<EncryptionKey, No> {
    Ok(EncryptionKey::from_x_only(&full_key(input.at("enc_pk_full")?)?.x_only())?)
}

pub(crate) fn adaptor(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    match case.input.text("op")? {
        "sign" => adaptor_sign(case, out),
        "verify" => adaptor_verify(case, out),
        other => Err(No::Broken(format!("unknown op {other}"))),
    }
}

fn adaptor_sign(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let (digest, aux) = (input.array("msg")?, input.array("aux")?);
    let (key, encryption) = (secret(input.at("sk")?)?, encryption_key(input)?);
    let locked = adaptor::sign(&key, &encryption, &digest, &aux)?;
    adaptor::verify(&case.curve, &key.x_only(), &encryption, &digest, &locked)?;
    let decryption = secret(input.at("dec_sk")?)?.to_even_secret();
    let opened = locked.decrypt(&decryption);
    bip340::verify(&case.curve, &key.x_only(), &digest, &opened)?;
    let recovered = locked.extract(&case.curve, &encryption, &opened)?;
    out.set("enc_key", hex(encryption.point().to_compressed()));
    out.set("adaptor_sig", hex(locked.to_bytes()));
    out.set("dec_key", hex(decryption.expose_secret()));
    out.set("schnorr_sig", hex(opened.to_bytes()));
    out.set("recovered_dec_key", hex(recovered.expose_secret()));
    Ok(())
}

fn adaptor_verify(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    out.set("parse_ok", false);
    let locked = AdaptorSignature::from_bytes(&input.bytes("adaptor_sig")?)?;
    locked.r0()?;
    out.set("parse_ok", true);
    out.set("reserialized", hex(locked.to_bytes()));
    let (public, message) = (x_only(input.at("pk")?)?, input.bytes("msg")?);
    let digest: Result<[u8; 32], No> = input.array("msg");
    let opened = locked.decrypt(&secret(input.at("dec_sk")?)?.to_even_secret());
    out.set("schnorr_sig", hex(opened.to_bytes()));
    out.set("schnorr_ok", bip340::verify(&case.curve, &public, &message, &opened).is_ok());
    adaptor::verify(&case.curve, &public, &encryption_key(input)?, &digest?, &locked)?;
    Ok(())
}

pub(crate) fn eots(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    match case.input.text("op")? {
        "sign" => eots_sign(case, out),
        "verify" => eots_verify(case),
        "extract" => eots_extract(case, out),
        other => Err(No::Broken(format!("unknown op {other}"))),
    }
}

fn eots_sign(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let key = secret(input.at("sk")?)?;
    let drawn: [u8; 32] = input.array("priv_rand")?;
    let (msg1, msg2) = (input.bytes("msg1")?, input.bytes("msg2")?);
    let first = OneTimeNonce::from_bytes(&drawn)?;
    let randomness = first.public();
    let sig1 = eots::sign(first, &key, &msg1)?;
    let sig2 = eots::sign(OneTimeNonce::from_bytes(&drawn)?, &key, &msg2)?;
    let public = key.x_only();
    eots::verify(&case.curve, &public, &randomness, &msg1, &sig1)?;
    eots::verify(&case.curve, &public, &randomness, &msg2, &sig2)?;
    let leaked = eots::extract(&case.curve, &public, &randomness, (&msg1, &sig1), (&msg2, &sig2))?;
    let full = full_key(input.at("pk_full")?)?;
    let with_sign = if full.is_odd() { *leaked.negate().expose_secret() } else { *leaked.expose_secret() };
    out.set("pub_rand", hex(randomness.as_bytes()));
    out.set("sig1", hex(sig1.to_bytes()));
    out.set("sig2", hex(sig2.to_bytes()));
    out.set("bip340_sig1", hex(sig1.with_randomness(randomness).to_bytes()));
    out.set("extracted_sk_x_only", hex(leaked.expose_secret()));
    out.set("extracted_sk_full_pk", hex(with_sign));
    let digest = sha256::Hash::hash(&msg1).to_byte_array();
    bip340::verify(&case.curve, &public, &digest, &sig1.with_randomness(randomness))?;
    Ok(())
}

fn eots_signature(input: &Value, name: &str) -> Result<eots::Signature, No> {
    Ok(eots::Signature::from_bytes(&input.array(name)?)?)
}

fn eots_verify(case: &Case<'_>) -> Result<(), No> {
    let input = case.input;
    let (public, randomness) = (x_only(input.at("pk")?)?, x_only(input.at("pub_rand")?)?);
    let signature = eots_signature(input, "sig1")?;
    Ok(eots::verify(&case.curve, &public, &randomness, &input.bytes("msg1")?, &signature)?)
}

fn eots_extract(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let full = full_key(input.at("pk_full")?)?;
    let (public, randomness) = (full.x_only(), x_only(input.at("pub_rand")?)?);
    let (msg1, msg2) = (input.bytes("msg1")?, input.bytes("msg2")?);
    let (sig1, sig2) = (eots_signature(input, "sig1")?, eots_signature(input, "sig2")?);
    if let Some(solution) = solve(&public, &randomness, (&msg1, &sig1), (&msg2, &sig2)) {
        // The peer answers with the sign of the full key it was given.
        let with_sign = if full.is_odd() { solution.negate() } else { solution };
        out.set("sk", hex(with_sign.to_bytes()));
    }
    let leaked = eots::extract(&case.curve, &public, &randomness, (&msg1, &sig1), (&msg2, &sig2))?;
    let with_sign = if full.is_odd() { *leaked.negate().expose_secret() } else { *leaked.expose_secret() };
    out.set("sk", hex(with_sign));
    Ok(())
}

/// The solution of the two equations even where it is nobody's key; our library gives out checked keys only.
fn solve(
    public: &XOnly,
    randomness: &XOnly,
    first: (&[u8], &eots::Signature),
    second: (&[u8], &eots::Signature),
) -> Option<Scalar> {
    let challenge =
        |message: &[u8]| bip340::challenge(randomness, public, sha256::Hash::hash(message).as_byte_array());
    let (e1, e2) = (challenge(first.0), challenge(second.0));
    let inverse = e1.scalar().minus(e2.scalar()).invert_vartime()?;
    Some(first.1.s().minus(second.1.s()).times(&inverse))
}

pub(crate) fn eots_rand(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let key = secret(input.at("key")?)?;
    let (context, height) = (input.bytes("chain_id")?, input.int("height")?);
    let derived = OneTimeNonce::derive(&key, &context, height);
    out.set("pub_rand", hex(derived.public().as_bytes()));
    let listed = nonce::public_randomness(&key, &context, height, 1);
    ensure(listed == [derived.public()], "derivation of one and of many heights differ")?;
    // The library does not show a nonce. The published one is the same iff both make the same signature.
    let published: [u8; 32] = case.expected.array("priv_rand")?;
    let theirs = eots::sign(OneTimeNonce::from_bytes(&published)?, &key, b"probe")?;
    if eots::sign(derived, &key, b"probe")? == theirs {
        out.set("priv_rand", hex(published));
    }
    Ok(())
}
