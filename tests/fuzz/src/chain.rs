//! Headers, inclusion proofs, checkpoints, randomness commitments and evidence.

use staking_crypto::curve::Libsecp;
use staking_crypto::{XOnly, eots};
use staking_protocol::bls;
use staking_protocol::checkpoint::Checkpoint;
use staking_protocol::finality::merkle;
use staking_protocol::finality::{
    CommitmentTree, Evidence, MerkleProof, RandomnessCommitment, SignedMessage,
};
use staking_protocol::header::{ChainRules, Header, HeaderRecord, Network, TipContext, ValidHeader};
use staking_protocol::inclusion::{MerkleBranch, confirm};

use crate::take;

/// A list of raw headers on every network's rules, and stored contexts.
pub fn header_batch(data: &[u8]) {
    if let Some(context) = TipContext::from_bytes(data) {
        assert_eq!(TipContext::from_bytes(&context.to_bytes()), Some(context));
    }
    if let Some(record) = HeaderRecord::from_bytes(data) {
        assert_eq!(record.to_bytes().as_slice(), data);
    }
    let Ok(headers) = Header::list(data) else { return };
    for rules in Network::ALL.map(Network::rules) {
        advance(&rules, headers.clone());
    }
}

fn advance<'a>(rules: &ChainRules, mut headers: impl Iterator<Item = Header<'a>>) {
    let Some(base) = headers.next() else { return };
    let Ok(mut context) = TipContext::from_base(rules, base, 2016, None) else { return };
    for header in headers {
        match context.advance(rules, header) {
            Ok((next, _)) => context = next,
            Err(_) => return,
        }
        assert_eq!(TipContext::from_bytes(&context.to_bytes()), Some(context));
    }
}

/// Index, header, branch and transaction of an inclusion proof.
pub fn inclusion_proof(mut data: &[u8]) {
    let rest = &mut data;
    let (Some(index), Some(levels), Some(header)) = (take::<4>(rest), take::<1>(rest), take::<80>(rest))
    else {
        return;
    };
    let split = usize::from(levels[0] % 40) * 32;
    let Some((siblings, tx)) = rest.split_at_checked(split) else { return };
    let Ok(branch) = MerkleBranch::new(u32::from_le_bytes(index), siblings) else { return };
    let Ok(header) = Header::from_slice(&header) else { return };
    let _ = confirm(tx, &branch, &ValidHeader::from_storage(header, 7));
}

/// Both parts of a checkpoint, and a whole one.
pub fn checkpoint(data: &[u8]) {
    if let Ok(whole) = Checkpoint::from_bytes(data) {
        let (first, second) = whole.encode(*b"fuzz");
        assert_eq!(Checkpoint::decode(*b"fuzz", &first, &second), Ok(whole));
    }
    let (first, second) = data.split_at(data.len() / 2);
    let _ = Checkpoint::decode(*b"fuzz", first, second);
}

/// BLS keys and signatures: what is read is in the group, and has one encoding.
pub fn bls(data: &[u8]) {
    if let Ok(key) = bls::PublicKey::from_bytes(data) {
        assert_eq!(key.to_bytes().as_slice(), data);
    }
    if let Ok(signature) = bls::Signature::from_bytes(data) {
        assert_eq!(signature.to_bytes().as_slice(), data);
    }
}

/// Commitments, proofs under them, and evidence of two messages.
pub fn finality(mut data: &[u8]) {
    let rest = &mut data;
    let (Some(start), Some(total), Some(index)) = (take::<8>(rest), take::<8>(rest), take::<8>(rest)) else {
        return;
    };
    let [start, total, index] = [start, total, index].map(u64::from_le_bytes);
    let (leaves, tail) = rest.as_chunks::<32>();
    let Some((leaf, aunts)) = leaves.split_first() else { return };
    let proof = MerkleProof { total, index, leaf_hash: merkle::leaf_hash(leaf), aunts: aunts.to_vec() };
    if let (Ok(commitment), Ok(value)) =
        (RandomnessCommitment::new(start, total, leaf), XOnly::from_bytes(leaf))
    {
        let _ = commitment.check_value(start.wrapping_add(index), &value, &proof);
    }
    prove_each(leaves);
    accuse(leaves, tail);
}

/// Proves every leaf of a tree; the work is quadratic, so large inputs are cut.
fn prove_each(leaves: &[[u8; 32]]) {
    let leaves = leaves.get(..33).unwrap_or(leaves);
    let root = CommitmentTree::new(leaves).root();
    for (index, leaf) in (0..).zip(leaves) {
        let proof = MerkleProof::build(leaves, index).expect("the index is inside");
        assert_eq!(proof.verify(leaf, &root), Ok(()));
    }
}

fn accuse(words: &[[u8; 32]], message: &[u8]) {
    let [provider, randomness, s1, s2, ..] = words else { return };
    let (Ok(provider), Ok(randomness)) = (XOnly::from_bytes(provider), XOnly::from_bytes(randomness)) else {
        return;
    };
    let signed = |message: &[u8], s| {
        let signature = eots::Signature::from_bytes(s).ok()?;
        Some(SignedMessage { message: message.to_vec(), signature })
    };
    if let (Some(first), Some(second)) = (signed(message, s1), signed(b"other", s2)) {
        let _ = Evidence { provider, randomness, first, second }.extract(&Libsecp);
    }
}
