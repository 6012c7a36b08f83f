//! `pubrand_commit`, `finality_vote`, `evidence`, `signing_context`.

use serde_json::{Value, json};
use staking_crypto::{OneTimeNonce, SecretKey, bip340, eots, nonce};
use staking_protocol::context::{Context, Domain, Purpose};
use staking_protocol::finality::randomness::signed_digest;
use staking_protocol::finality::vote::vote_message;
use staking_protocol::finality::{
    CommitmentTree, Evidence, MerkleProof, RandomnessCommitment, SignedMessage, Vote, merkle,
};
use staking_protocol::possession::{ChainAddress, Possession};

use crate::case::{Case, No, Out, ensure, refuse};
use crate::read::{Fields, array, hex, hexes, int, network, secret, signature, x_only};

/// Domain of a context written as text; empty text is the plain generation.
fn domain_of_text(text: &str) -> Result<Domain, No> {
    if text.is_empty() {
        return Ok(Domain::Plain);
    }
    Context::from_text(text).map(Domain::V0).ok_or_else(|| No::Broken(format!("{text} is no context")))
}

pub(crate) fn commit(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let (start, num, root) =
        (input.int("start_height")?, input.int("num_pub_rand")?, input.bytes("commitment")?);
    let public = x_only(input.at("fp_pk")?)?;
    let digest = signed_digest(&Domain::Plain, start, num, &root);
    let checked = RandomnessCommitment::new(start, num, &root);
    let signed = match input.get("sig") {
        Some(sig) => signature(sig).and_then(|sig| Ok(bip340::verify(&case.curve, &public, &digest, &sig)?)),
        None => refuse("no signature"),
    };
    out.set("hash_to_sign", hex(digest));
    out.set("validate_basic_ok", checked.is_ok());
    out.set("verify_sig_ok", signed.is_ok());
    tree(input, case.expected, out)?;
    if let Ok(checked) = checked {
        ensure(checked.digest(&Domain::Plain) == digest, "the two ways to the digest differ")?;
    }
    checked?;
    signed?;
    reproduce_values(input, start)
}

/// Root and proofs of the listed values, straight and by recomputed chunks.
fn tree(input: &Value, expected: &Value, out: &mut Out) -> Result<(), No> {
    let leaves = input.list("pub_rand_list")?.iter().map(array::<32>).collect::<Result<Vec<_>, _>>()?;
    let tree = CommitmentTree::new(&leaves);
    ensure(tree.root() == merkle::root(&leaves), "the two ways to the root differ")?;
    out.set("root", hex(tree.root()));
    let mut proofs = Vec::new();
    for published in expected.get("proofs").and_then(Value::as_array).into_iter().flatten() {
        let index = published.int("index")?;
        let proof = MerkleProof::build(&leaves, index)?;
        let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let range = tree.chunk_of(index);
        let chunk = leaves.get(at(range.start)..at(range.end)).unwrap_or_default();
        ensure(tree.prove(index, chunk)? == proof, "the two ways to a proof differ")?;
        let leaf = leaves.get(at(index)).ok_or_else(|| No::Broken(format!("index {index}")))?;
        proof.verify(leaf, &tree.root())?;
        proofs.push(json!({
            "total": proof.total,
            "index": proof.index,
            "leaf_hash": hex(proof.leaf_hash),
            "aunts": hexes(&proof.aunts),
        }));
    }
    out.set("proofs", proofs);
    Ok(())
}

/// The values are those that the provider's key gives for the heights.
fn reproduce_values(input: &Value, start: u64) -> Result<(), No> {
    let key = secret(input.at("fp_sk")?)?;
    let listed = input.list("pub_rand_list")?;
    let count = u32::try_from(listed.len()).or_else(|_| refuse("too many values"))?;
    let derived = nonce::public_randomness(&key, &input.bytes("chain_id")?, start, count);
    let derived = hexes(derived.iter().map(|value| value.to_bytes()));
    ensure(derived.as_array().is_some_and(|d| d == listed), "values are not derived from the key")
}

pub(crate) fn vote(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let (height, app_hash) = (input.int("block_height")?, input.bytes("block_app_hash")?);
    out.set("msg_to_sign", hex(vote_message(&Domain::Plain, height, &app_hash)));
    let sizes = app_hash.len() == 32
        && input.bytes("pub_rand")?.len() == 32
        && input.bytes("finality_sig")?.len() == 32
        && input.get("proof").is_some_and(Value::is_object);
    out.set("validate_basic_ok", sizes);
    ensure(sizes, "a field is missing or has another size")?;
    let vote = Vote {
        height,
        app_hash: input.array("block_app_hash")?,
        randomness: x_only(input.at("pub_rand")?)?,
        signature: eots::Signature::from_bytes(&input.array("finality_sig")?)?,
    };
    let root = input.bytes("commitment")?;
    let commitment = RandomnessCommitment::new(
        input.int("commit_start_height")?,
        input.int("commit_num_pub_rand")?,
        &root,
    )?;
    let provider = x_only(input.at("fp_pk")?)?;
    vote.verify(&case.curve, &Domain::Plain, &provider, &commitment, &proof(input.at("proof")?)?)?;
    reproduce_vote(input, &vote)
}

fn proof(proof: &Value) -> Result<MerkleProof, No> {
    // Numbers are signed on the wire; a negative one is a refusal.
    let number = |name: &str| int(proof.at(name)?).map_or_else(|| refuse(format!("{name} is negative")), Ok);
    Ok(MerkleProof {
        total: number("total")?,
        index: number("index")?,
        leaf_hash: proof.array("leaf_hash")?,
        aunts: proof.list("aunts")?.iter().map(array).collect::<Result<_, _>>()?,
    })
}

fn reproduce_vote(input: &Value, vote: &Vote) -> Result<(), No> {
    let key = secret(input.at("fp_sk")?)?;
    let derived = OneTimeNonce::derive(&key, &input.bytes("chain_id")?, vote.height);
    ensure(derived.public() == vote.randomness, "randomness is not derived from the key")?;
    let again = eots::sign(derived, &key, &vote.message(&Domain::Plain))?;
    ensure(again == vote.signature, "signature is not reproduced")
}

pub(crate) fn evidence(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let height = input.int("block_height")?;
    let signed = |hash: &str, sig: &str| -> Result<SignedMessage, No> {
        let Some(sig) = input.get(sig).filter(|s| !s.is_null()) else { return refuse(format!("no {sig}")) };
        let signature = eots::Signature::from_bytes(&array(sig)?)?;
        Ok(SignedMessage::vote(&Domain::Plain, height, &input.array(hash)?, signature))
    };
    let evidence = Evidence {
        provider: x_only(input.at("fp_pk")?)?,
        randomness: x_only(input.at("pub_rand")?)?,
        first: signed("canonical_app_hash", "canonical_sig")?,
        second: signed("fork_app_hash", "fork_sig")?,
    };
    out.set("extracted_sk", hex(evidence.extract(&case.curve)?.expose_secret()));
    Ok(())
}

pub(crate) fn signing_context(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let (chain, verifier) = (input.text("chain_id")?, input.text("module_address")?);
    let context = |purpose| Context::v0(purpose, chain, verifier);
    for purpose in Purpose::ALL {
        out.set(&format!("{}_context", purpose.name()), context(purpose).as_text());
    }
    let key = secret(input.at("sk")?)?;
    out.set("vote", context_vote(input.at("vote")?, &key, &context(Purpose::FinalityVote).into())?);
    let commit = input.at("commit")?;
    let digest = commit_digest(commit, &context(Purpose::RandomnessCommitment).into())?;
    out.set("commit", json!({"hash_to_sign": hex(digest)}));
    let committed = context_commit(case, commit);
    let possessed = context_possession(case, input.at("pop")?);
    out.set("commit_ok", committed.is_ok());
    out.set("pop_ok", possessed.is_ok());
    committed.and(possessed)
}

fn context_vote(vote: &Value, key: &SecretKey, domain: &Domain) -> Result<Value, No> {
    let nonce = OneTimeNonce::from_bytes(&vote.array("priv_rand")?)?;
    let randomness = nonce.public();
    let message = vote_message(domain, vote.int("block_height")?, &vote.bytes("block_app_hash")?);
    let sig = eots::sign(nonce, key, &message)?;
    Ok(
        json!({"msg_to_sign": hex(&message), "pub_rand": hex(randomness.as_bytes()), "sig": hex(sig.to_bytes())}),
    )
}

fn commit_digest(commit: &Value, domain: &Domain) -> Result<[u8; 32], No> {
    let (start, num) = (commit.int("start_height")?, commit.int("num_pub_rand")?);
    Ok(RandomnessCommitment::new(start, num, &commit.bytes("commitment")?)?.digest(domain))
}

fn context_commit(case: &Case<'_>, commit: &Value) -> Result<(), No> {
    let digest = commit_digest(commit, &domain_of_text(commit.text("verify_with_context")?)?)?;
    let public = x_only(case.input.at("pk")?)?;
    Ok(bip340::verify(&case.curve, &public, &digest, &signature(commit.at("sig")?)?)?)
}

fn context_possession(case: &Case<'_>, pop: &Value) -> Result<(), No> {
    let proof = Possession::from_parts(pop.small("sig_type")?, &pop.bytes("sig")?)?;
    let address = ChainAddress::parse(case.input.text("address")?)?;
    ensure(hex(address.raw()) == case.input.text("address_bytes")?, "address text and bytes differ")?;
    let domain = domain_of_text(pop.text("verify_with_context")?)?;
    let public = x_only(case.input.at("pk")?)?;
    Ok(proof.verify(&case.curve, &domain, &public, &address, network(pop)?)?)
}
