//! Keys and hand-made transactions for the node's tests.
#![allow(dead_code, reason = "each test binary uses a part")]

use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, Secp256k1, TapTweak, TweakedKeypair};
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_CSV, OP_DROP};
use bitcoin::script::Builder;
use bitcoin::secp256k1::{All, Message, SecretKey, XOnlyPublicKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::{LeafVersion, TapLeafHash, TaprootBuilder, TaprootSpendInfo};
use bitcoin::{
    Address, Amount, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, absolute,
    transaction,
};

/// The BIP-341 point nobody knows the key of.
const NUMS: &str = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

/// One key with its BIP-86 address and time-locked addresses.
pub(crate) struct Wallet {
    secp: Secp256k1<All>,
    pair: Keypair,
}

impl Wallet {
    pub(crate) fn new(seed: u8) -> Self {
        let secp = Secp256k1::new();
        let pair = Keypair::from_secret_key(&secp, &SecretKey::from_slice(&[seed; 32]).unwrap());
        Self { secp, pair }
    }

    fn key(&self) -> XOnlyPublicKey {
        self.pair.x_only_public_key().0
    }

    pub(crate) fn address(&self) -> Address {
        Address::p2tr(&self.secp, self.key(), None, Network::Regtest)
    }

    pub(crate) fn descriptor(&self) -> String {
        format!("tr({})", self.key())
    }

    /// Pays `value` of a coin to itself, the rest is fee.
    pub(crate) fn pay(&self, point: OutPoint, coin: u64, value: u64) -> Transaction {
        self.signed(2, point, coin, &[value])
    }

    pub(crate) fn signed(&self, version: i32, point: OutPoint, coin: u64, values: &[u64]) -> Transaction {
        let script = self.address().script_pubkey();
        let output = values.iter().map(|v| out(*v, script.clone())).collect();
        self.sign_key_path(
            unsigned(version, point, output, Sequence::ENABLE_RBF_NO_LOCKTIME),
            out(coin, script),
        )
    }

    /// Tries to spend somebody else's coin.
    pub(crate) fn pay_from(&self, owner: &Self, point: OutPoint, coin: u64, value: u64) -> Transaction {
        let output = vec![out(value, self.address().script_pubkey())];
        let tx = unsigned(2, point, output, Sequence::MAX);
        self.sign_key_path(tx, out(coin, owner.address().script_pubkey()))
    }

    /// Puts `value` of a coin into an OP_RETURN output.
    pub(crate) fn burn(&self, point: OutPoint, coin: u64, value: u64) -> Transaction {
        let output = vec![out(value, ScriptBuf::new_op_return(*b"burned"))];
        self.sign_key_path(
            unsigned(2, point, output, Sequence::MAX),
            out(coin, self.address().script_pubkey()),
        )
    }

    pub(crate) fn csv_address(&self, blocks: u16) -> Address {
        Address::p2tr_tweaked(self.csv_tree(blocks).1.output_key(), Network::Regtest)
    }

    /// Spends a time-locked coin through its only leaf.
    pub(crate) fn spend_csv(
        &self,
        blocks: u16,
        point: OutPoint,
        coin: u64,
        value: u64,
        sequence: Sequence,
    ) -> Transaction {
        let (leaf, info) = self.csv_tree(blocks);
        let mut tx = unsigned(2, point, vec![out(value, self.address().script_pubkey())], sequence);
        let spent = [out(coin, self.csv_address(blocks).script_pubkey())];
        let leaf_hash = TapLeafHash::from_script(&leaf, LeafVersion::TapScript);
        let hash = SighashCache::new(&tx)
            .taproot_script_spend_signature_hash(
                0,
                &Prevouts::All(&spent),
                leaf_hash,
                TapSighashType::Default,
            )
            .unwrap();
        let signature =
            self.secp.sign_schnorr_no_aux_rand(&Message::from_digest(hash.to_byte_array()), &self.pair);
        let control = info.control_block(&(leaf.clone(), LeafVersion::TapScript)).unwrap();
        let items: [Vec<u8>; 3] = [signature.as_ref().to_vec(), leaf.into_bytes(), control.serialize()];
        tx.input[0].witness = Witness::from_slice(&items);
        tx
    }

    fn csv_tree(&self, blocks: u16) -> (ScriptBuf, TaprootSpendInfo) {
        let builder = Builder::new()
            .push_sequence(Sequence::from_height(blocks))
            .push_opcode(OP_CSV)
            .push_opcode(OP_DROP);
        let leaf = builder.push_x_only_key(&self.key()).push_opcode(OP_CHECKSIG).into_script();
        let tree = TaprootBuilder::new().add_leaf(0, leaf.clone()).unwrap();
        (leaf, tree.finalize(&self.secp, NUMS.parse().unwrap()).unwrap())
    }

    fn sign_key_path(&self, mut tx: Transaction, spent: TxOut) -> Transaction {
        let hash = SighashCache::new(&tx)
            .taproot_key_spend_signature_hash(0, &Prevouts::All(&[spent]), TapSighashType::Default)
            .unwrap();
        let tweaked: TweakedKeypair = self.pair.tap_tweak(&self.secp, None);
        let message = Message::from_digest(hash.to_byte_array());
        let signature = self.secp.sign_schnorr_no_aux_rand(&message, &tweaked.to_keypair());
        tx.input[0].witness = Witness::from_slice(&[signature.as_ref()]);
        tx
    }
}

fn out(sat: u64, script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(sat), script_pubkey }
}

fn unsigned(version: i32, point: OutPoint, output: Vec<TxOut>, sequence: Sequence) -> Transaction {
    let input =
        TxIn { previous_output: point, script_sig: ScriptBuf::new(), sequence, witness: Witness::new() };
    Transaction {
        version: transaction::Version(version),
        lock_time: absolute::LockTime::ZERO,
        input: vec![input],
        output,
    }
}
