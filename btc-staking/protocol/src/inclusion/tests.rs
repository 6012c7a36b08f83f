//! Proofs over trees built here, and what must not pass for one.

use alloc::vec;
use alloc::vec::Vec;

use bitcoin_hashes::{Hash, sha256d};
use proptest::prelude::*;

use super::*;
use crate::header::Header;
use crate::tx::{OutPoint, Sat, TxIn, TxOut};

fn tx(n: u32) -> Transaction {
    let previous = OutPoint { txid: Txid([7; 32]), vout: n };
    let outputs = vec![TxOut::new(Sat(50_000), vec![0x51; 34])];
    Transaction { version: 2, inputs: vec![TxIn::unsigned(previous, 0xffff_ffff)], outputs, lock_time: 0 }
}

fn hash2(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    sha256d::Hash::hash(&[left, right].concat()).to_byte_array()
}

/// Bitcoin's tree: the last node of an odd row is paired with itself. Returns the root and a branch.
fn prove(leaves: &[[u8; 32]], index: usize) -> ([u8; 32], Vec<u8>) {
    let (mut row, mut at, mut branch) = (leaves.to_vec(), index, Vec::new());
    while row.len() > 1 {
        if row.len() % 2 == 1 {
            row.push(*row.last().unwrap());
        }
        branch.extend_from_slice(&row[at ^ 1]);
        row = row.chunks(2).map(|pair| hash2(pair[0], pair[1])).collect();
        at /= 2;
    }
    (row[0], branch)
}

fn header(root: [u8; 32]) -> ValidHeader {
    let mut raw = [0; 80];
    raw[36..68].copy_from_slice(&root);
    ValidHeader::from_storage(Header::new(&raw), 100)
}

fn confirmed(
    raw: &[u8],
    index: u32,
    branch: &[u8],
    root: [u8; 32],
) -> Result<Confirmed<Transaction>, InclusionError> {
    confirm(raw, &MerkleBranch::new(index, branch)?, &header(root))
}

proptest! {
    #[test]
    fn every_transaction_of_a_block_is_proven_at_its_index_only(count in 1_u32..40, pick in any::<prop::sample::Index>()) {
        let txs: Vec<_> = (0..count).map(tx).collect();
        let leaves: Vec<_> = txs.iter().map(|t| t.txid().0).collect();
        let at = pick.index(txs.len());
        let (root, branch) = prove(&leaves, at);
        let raw = txs[at].serialize();
        for index in 0..=64 {
            let result = confirmed(&raw, index, &branch, root);
            prop_assert_eq!(result.is_ok(), usize::try_from(index).unwrap() == at, "index {} of {}", index, count);
        }
    }

    #[test]
    fn a_branch_with_a_flipped_bit_is_refused(bit in 0_usize..160 * 8) {
        let leaves: Vec<_> = (0..20).map(|n| tx(n).txid().0).collect();
        let (root, mut branch) = prove(&leaves, 11);
        branch[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(confirmed(&tx(11).serialize(), 11, &branch, root).is_err());
    }

    #[test]
    fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..200), index in any::<u32>(), branch in prop::collection::vec(any::<u8>(), 0..900)) {
        let _ = confirmed(&raw, index, &branch, [0; 32]);
    }
}

/// Trap A5: an index above the tree is an alias, with which a coinbase passed as something else.
#[test]
fn an_index_above_the_tree_is_refused() {
    let leaves: Vec<_> = (0..4).map(|n| tx(n).txid().0).collect();
    let (root, branch) = prove(&leaves, 0);
    for index in [4, 8, 1 << 31] {
        let refused = confirmed(&tx(0).serialize(), index, &branch, root);
        assert_eq!(refused.unwrap_err(), InclusionError::IndexOutsideTree { index, depth: 2 });
    }
}

/// Traps A4 and A5: a coinbase is known by its content, wherever it is said to stand.
#[test]
fn a_coinbase_is_refused_by_content() {
    let mut coinbase = tx(0);
    coinbase.inputs[0].previous_output = OutPoint::NULL;
    coinbase.inputs[0].script_sig = vec![1, 2, 3];
    let leaves = [tx(0).txid().0, coinbase.txid().0];
    let (root, branch) = prove(&leaves, 1);
    let proven = confirmed(&coinbase.serialize(), 1, &branch, root).unwrap();
    assert_eq!(proven.refuse_coinbase().unwrap_err(), InclusionError::Coinbase(coinbase.txid()));
}

/// Trap A6, first direction: a 64-byte transaction may be an inner node.
#[test]
fn a_transaction_of_64_bytes_is_refused() {
    let mut short = tx(0);
    short.outputs[0].script = vec![0x51; 4];
    assert_eq!(short.stripped_len(), 64);
    let (root, branch) = prove(&[short.txid().0, tx(1).txid().0], 0);
    let refused = confirmed(&short.serialize(), 0, &branch, root);
    assert_eq!(refused.unwrap_err(), InclusionError::SixtyFourBytes(short.txid()));
}

/// Trap A6, other direction: a mined 64-byte transaction must not serve as a node above a forged leaf.
#[test]
fn a_node_that_is_a_transaction_is_refused() {
    let mut short = tx(0);
    short.outputs[0].script = vec![0x51; 4];
    let bytes: [u8; 64] = short.serialize().try_into().unwrap();
    let (left, forged) = bytes.split_at(32);
    let branch = MerkleBranch::new(1, left).unwrap();
    let leaf = Txid(forged.try_into().unwrap());
    assert_eq!(branch.root(leaf), Err(InclusionError::NodeIsTransaction(0)));
}

/// Trap A6 in general: whatever 64 bytes were mined as a leaf, the coinbase shows that the branch is too deep.
#[test]
fn a_branch_deeper_than_the_coinbases_is_refused() {
    let mut coinbase = tx(0);
    coinbase.inputs[0].previous_output = OutPoint::NULL;
    coinbase.inputs[0].script_sig = vec![1, 2, 3];
    let forged = tx(5);
    let leaf = hash2([0xab; 32], forged.txid().0);
    let (root, first) = prove(&[coinbase.txid().0, leaf], 0);
    let (_, second) = prove(&[coinbase.txid().0, leaf], 1);
    let deep = [[0xab; 32].as_slice(), &second].concat();
    let (raw, header) = (forged.serialize(), header(root));
    let branch = MerkleBranch::new(3, &deep).unwrap();
    assert!(confirm(&raw, &branch, &header).is_ok(), "a branch alone does not show it");
    let shown = MerkleBranch::new(0, &first).unwrap();
    let refused = confirm_beside_coinbase(&raw, &branch, &coinbase.serialize(), &shown, &header);
    assert_eq!(refused.unwrap_err(), InclusionError::OtherDepth { found: 2, expected: 1 });
    let none = confirm_beside_coinbase(&raw, &branch, &raw, &branch, &header);
    assert_eq!(none.unwrap_err(), InclusionError::NotCoinbase(forged.txid()));
}

/// Trap A7.
#[test]
fn a_byte_after_the_transaction_is_refused() {
    let (root, branch) = prove(&[tx(0).txid().0, tx(1).txid().0], 1);
    let mut raw = tx(1).serialize();
    raw.push(0);
    assert_eq!(
        confirmed(&raw, 1, &branch, root).unwrap_err(),
        InclusionError::Parse(ParseTxError::TrailingBytes(1))
    );
}

/// Trap A8: witness bytes do not matter to the identifier under which a transaction is proven.
#[test]
fn a_junk_witness_changes_nothing() {
    let (root, branch) = prove(&[tx(0).txid().0, tx(1).txid().0], 1);
    let mut junk = tx(1);
    junk.inputs[0].witness = vec![vec![9; 70]];
    assert_eq!(confirmed(&junk.serialize(), 1, &branch, root).unwrap().txid(), tx(1).txid());
}

#[test]
fn a_block_of_one_transaction_has_an_empty_branch() {
    let root = tx(0).txid().0;
    assert!(confirmed(&tx(0).serialize(), 0, &[], root).is_ok());
    assert!(confirmed(&tx(0).serialize(), 1, &[], root).is_err());
    assert!(confirmed(&tx(0).serialize(), 0, &[0; 31], root).is_err());
    assert!(confirmed(&tx(0).serialize(), 0, &[0; 25 * 32], root).is_err());
}

#[test]
fn depth_counts_blocks_on_top() {
    let proven = confirmed(&tx(0).serialize(), 0, &[], tx(0).txid().0).unwrap();
    assert_eq!(proven.check_depth(110, 10), Ok(10));
    assert!(proven.check_depth(109, 10).is_err());
    assert!(proven.check_depth(99, 0).is_err());
}
