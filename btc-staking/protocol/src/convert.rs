//! Conversions to and from rust-bitcoin, for programs (feature `bitcoin`).
//!
//! Both sides are the same bytes; property tests hold them together. Nothing here judges a transaction.

use bitcoin::hashes::Hash as _;
use bitcoin::{Address, Amount, Network, ScriptBuf, Sequence, Witness, absolute, transaction};

use crate::taproot::OutputKey;
use crate::tx::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};

impl From<Sat> for Amount {
    fn from(sat: Sat) -> Self {
        Self::from_sat(sat.0)
    }
}

impl From<Amount> for Sat {
    fn from(amount: Amount) -> Self {
        Self(amount.to_sat())
    }
}

impl From<Txid> for bitcoin::Txid {
    fn from(txid: Txid) -> Self {
        Self::from_byte_array(txid.0)
    }
}

impl From<bitcoin::Txid> for Txid {
    fn from(txid: bitcoin::Txid) -> Self {
        Self(txid.to_byte_array())
    }
}

impl From<OutPoint> for bitcoin::OutPoint {
    fn from(outpoint: OutPoint) -> Self {
        Self { txid: outpoint.txid.into(), vout: outpoint.vout }
    }
}

impl From<bitcoin::OutPoint> for OutPoint {
    fn from(outpoint: bitcoin::OutPoint) -> Self {
        Self { txid: outpoint.txid.into(), vout: outpoint.vout }
    }
}

impl From<&TxOut> for bitcoin::TxOut {
    fn from(output: &TxOut) -> Self {
        Self { value: output.value.into(), script_pubkey: ScriptBuf::from_bytes(output.script.clone()) }
    }
}

impl From<&bitcoin::TxOut> for TxOut {
    fn from(output: &bitcoin::TxOut) -> Self {
        Self::new(output.value.into(), output.script_pubkey.as_bytes())
    }
}

impl From<&TxIn> for bitcoin::TxIn {
    fn from(input: &TxIn) -> Self {
        Self {
            previous_output: input.previous_output.into(),
            script_sig: ScriptBuf::from_bytes(input.script_sig.clone()),
            sequence: Sequence(input.sequence),
            witness: Witness::from_slice(&input.witness),
        }
    }
}

impl From<&bitcoin::TxIn> for TxIn {
    fn from(input: &bitcoin::TxIn) -> Self {
        Self {
            previous_output: input.previous_output.into(),
            script_sig: input.script_sig.to_bytes(),
            sequence: input.sequence.0,
            witness: input.witness.to_vec(),
        }
    }
}

impl From<&Transaction> for bitcoin::Transaction {
    fn from(tx: &Transaction) -> Self {
        Self {
            version: transaction::Version(tx.version),
            lock_time: absolute::LockTime::from_consensus(tx.lock_time),
            input: tx.inputs.iter().map(Into::into).collect(),
            output: tx.outputs.iter().map(Into::into).collect(),
        }
    }
}

impl From<&bitcoin::Transaction> for Transaction {
    fn from(tx: &bitcoin::Transaction) -> Self {
        Self {
            version: tx.version.0,
            inputs: tx.input.iter().map(Into::into).collect(),
            outputs: tx.output.iter().map(Into::into).collect(),
            lock_time: tx.lock_time.to_consensus_u32(),
        }
    }
}

impl OutputKey {
    /// Returns the address of the output.
    #[must_use]
    pub fn address(&self, network: Network) -> Address {
        Address::from_script(bitcoin::Script::from_bytes(&self.pk_script()), network)
            .expect("a pay-to-taproot script has an address")
    }
}
