//! Start-up proof that Core's verdict on a candidate transaction reaches us.
//!
//! With script worker threads `bad-cb-amount` hides a bad signature, and then everything would be accepted. So once per process a throw-away node
//! is asked about a good and a bad signature before any answer of the embedded node is trusted.

use std::sync::{Arc, OnceLock};

use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, Secp256k1, TapTweak};
use bitcoin::secp256k1::{Message, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, absolute, taproot, transaction,
};

use super::NodeError;
use super::chainstate::Chainstate;
use super::clock::BlockClock;

static RESULT: OnceLock<Result<(), String>> = OnceLock::new();

/// Runs the proof, the first time it is called in a process.
pub(crate) fn ensure() -> Result<(), NodeError> {
    RESULT.get_or_init(|| run().map_err(|e| e.to_string())).clone().map_err(NodeError::SelfTest)
}

fn run() -> Result<(), NodeError> {
    let fail = |text: String| NodeError::SelfTest(text);
    let dir = tempfile::tempdir().map_err(|source| NodeError::Disk { path: std::env::temp_dir(), source })?;
    let mut chain = Chainstate::open(dir.path(), BlockClock::default())?;
    let secp = Secp256k1::new();
    let secret = SecretKey::from_slice(&[7; 32]).expect("7…7 is below the group order");
    let pair = Keypair::from_secret_key(&secp, &secret);
    let home = ScriptBuf::new_p2tr(&secp, pair.x_only_public_key().0, None);
    let mut first = None;
    for _ in 0..101 {
        let block = chain.template(&[], 0, home.clone());
        first.get_or_insert_with(|| block.txdata[0].clone());
        chain.submit(&block)?;
    }
    let coinbase = first.ok_or_else(|| fail("no block".into()))?;
    let good = spend(&secp, &pair, &coinbase);
    chain
        .trial(&[Arc::new(good.clone())], 1_000)
        .map_err(|r| fail(format!("good signature refused: {r}")))?;
    let mut bad = good;
    bad.output[0].value -= Amount::ONE_SAT;
    match chain.trial(&[Arc::new(bad)], 1_001) {
        Err(reject) if reject.reason.starts_with("mempool-script-verify-flag-failed") => Ok(()),
        other => Err(fail(format!("bad signature: {other:?}"))),
    }
}

fn spend(secp: &Secp256k1<bitcoin::secp256k1::All>, pair: &Keypair, coinbase: &Transaction) -> Transaction {
    let out = coinbase.output[0].clone();
    let input = TxIn {
        previous_output: OutPoint::new(coinbase.compute_txid(), 0),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let change =
        TxOut { value: out.value - Amount::from_sat(1_000), script_pubkey: out.script_pubkey.clone() };
    let mut tx = Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![input],
        output: vec![change],
    };
    let hash = SighashCache::new(&tx)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&[out]), TapSighashType::Default)
        .expect("input 0 exists and its output is given");
    let tweaked = pair.tap_tweak(secp, None);
    let signature =
        secp.sign_schnorr_no_aux_rand(&Message::from_digest(hash.to_byte_array()), &tweaked.to_keypair());
    let signature = taproot::Signature { signature, sighash_type: TapSighashType::Default };
    tx.input[0].witness = Witness::p2tr_key_spend(&signature);
    tx
}
