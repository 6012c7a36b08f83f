//! Headers, inclusion proofs and randomness commitments.

use staking_crypto::{bip340, nonce};
use staking_protocol::context::Domain;
use staking_protocol::finality::{CommitmentTree, RandomnessCommitment};
use staking_protocol::header::{ChainRules, Header, TipContext, ValidHeader};
use staking_protocol::inclusion::{MerkleBranch, confirm};

use super::schemes::key;
use super::world::world;
use super::{Entry, Op, SOUND, pool, rotate};

pub(super) const OPS: &[Entry] = &[
    ("header-verify", header_verify),
    ("spv-verify", || spv_verify(5)),
    ("spv-verify-12", || spv_verify(12)),
    ("commit-pubrand-10000", commit_randomness),
];

/// A regtest header on top of another one: half of all nonces have the work.
fn mine(parent: [u8; 32], root: [u8; 32], time: u32) -> [u8; 80] {
    let mut raw = [0; 80];
    raw[..4].copy_from_slice(&4u32.to_le_bytes());
    raw[4..36].copy_from_slice(&parent);
    raw[36..68].copy_from_slice(&root);
    raw[68..72].copy_from_slice(&time.to_le_bytes());
    raw[72..76].copy_from_slice(&0x207f_ffffu32.to_le_bytes());
    for nonce in 0u32.. {
        raw[76..].copy_from_slice(&nonce.to_le_bytes());
        if Header::from_slice(&raw).expect(SOUND).check_work(&ChainRules::REGTEST).is_ok() {
            break;
        }
    }
    raw
}

/// One header on top of its ancestors: link, bits, work, median time.
fn header_verify() -> Op {
    let rules = ChainRules::REGTEST;
    let base = mine([0; 32], [1; 32], 1_000_000);
    let mut context =
        TipContext::from_base(&rules, Header::from_slice(&base).expect(SOUND), 0, None).expect(SOUND);
    let mut parent = Header::from_slice(&base).expect(SOUND).hash();
    let inputs = pool(|seed| {
        let raw = mine(parent.to_bytes(), [seed; 32], 1_000_000 + 600 * u32::from(seed));
        let before = context;
        let header = Header::from_slice(&raw).expect(SOUND);
        context = before.advance(&rules, header).expect(SOUND).0;
        parent = header.hash();
        (before, raw)
    });
    rotate(inputs, move |(context, raw)| {
        context.advance(&ChainRules::REGTEST, Header::from_slice(raw).expect(SOUND)).expect(SOUND)
    })
}

/// A raw transaction and a branch under a valid header. The blocks of the vectors have a depth of about 5, those of
/// mainnet of 12, where the time is that of 36 hashes one after the other.
fn spv_verify(depth: usize) -> Op {
    let inputs = pool(|seed| {
        let world = world(seed);
        let siblings = vec![[seed; 32]; depth].concat();
        let index = u32::from(seed) % (1 << depth);
        let branch = MerkleBranch::new(index, &siblings).expect(SOUND);
        let root = branch.root(world.staking.txid()).expect(SOUND);
        let header = mine([0; 32], root, 1_000_000);
        let header = ValidHeader::from_storage(Header::from_slice(&header).expect(SOUND), 7);
        (world.staking.transaction().serialize(), index, siblings, header)
    });
    rotate(inputs, |(raw, index, siblings, header)| {
        let branch = MerkleBranch::new(*index, siblings).expect(SOUND);
        confirm(raw, &branch, header).expect(SOUND)
    })
}

/// Ten thousand heights derived, committed to and signed.
fn commit_randomness() -> Op {
    let (key, mut start) = (key(7), 1);
    Box::new(move |_| {
        let values = nonce::public_randomness(&key, b"bench-1", start, 10_000);
        let root = CommitmentTree::new(&values).root();
        let commitment = RandomnessCommitment::new(start, 10_000, &root).expect(SOUND);
        std::hint::black_box(bip340::sign(&key, &commitment.digest(&Domain::Plain), &[0; 32]));
        start += 10_000;
    })
}
