//! What the active chain means: unspent outputs, where each transaction is, and what each block spent (undo data).
//!
//! The kernel has a UTXO set but no way to ask it; this view is carried along by connecting and disconnecting blocks that the kernel has validated,
//! so it checks nothing itself.

use std::collections::HashMap;

use bitcoin::{Block, BlockHash, OutPoint, Script, TxOut, Txid};

/// Core's limit: a longer script can never run.
const MAX_SCRIPT_SIZE: usize = 10_000;

/// An unspent output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coin {
    pub(crate) out: TxOut,
    pub(crate) height: u32,
    pub(crate) coinbase: bool,
}

/// The state after the tip of the active chain.
#[derive(Default)]
pub(crate) struct ChainView {
    active: Vec<BlockHash>,
    coins: HashMap<OutPoint, Coin>,
    places: HashMap<Txid, (BlockHash, usize)>,
    spent: HashMap<BlockHash, Vec<(OutPoint, Coin)>>,
}

impl ChainView {
    pub(crate) fn height(&self) -> u32 {
        u32::try_from(self.active.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    pub(crate) fn tip(&self) -> Option<&BlockHash> {
        self.active.last()
    }

    pub(crate) fn at(&self, height: u32) -> Option<&BlockHash> {
        self.active.get(usize::try_from(height).ok()?)
    }

    pub(crate) fn coin(&self, point: &OutPoint) -> Option<&Coin> {
        self.coins.get(point)
    }

    pub(crate) fn coins(&self) -> impl Iterator<Item = (&OutPoint, &Coin)> {
        self.coins.iter()
    }

    /// Block and index of a confirmed transaction.
    pub(crate) fn place(&self, txid: &Txid) -> Option<(BlockHash, usize)> {
        self.places.get(txid).copied()
    }

    /// Outputs spent by an active block, in the order of its inputs.
    pub(crate) fn spent_by(&self, hash: &BlockHash) -> Option<&[(OutPoint, Coin)]> {
        self.spent.get(hash).map(Vec::as_slice)
    }

    /// Puts a validated block on top.
    pub(crate) fn connect(&mut self, block: &Block) {
        let hash = block.block_hash();
        let height = u32::try_from(self.active.len()).unwrap_or(u32::MAX);
        let mut spent = Vec::new();
        for (index, tx) in block.txdata.iter().enumerate() {
            let coinbase = tx.is_coinbase();
            if !coinbase {
                for input in &tx.input {
                    spent.extend(self.coins.remove_entry(&input.previous_output));
                }
            }
            self.add_outputs(tx, height, coinbase);
            self.places.insert(tx.compute_txid(), (hash, index));
        }
        self.spent.insert(hash, spent);
        self.active.push(hash);
    }

    /// Takes the top block off again.
    pub(crate) fn disconnect(&mut self, block: &Block) {
        for tx in block.txdata.iter().rev() {
            let txid = tx.compute_txid();
            for vout in 0..tx.output.len() {
                self.coins.remove(&OutPoint::new(txid, u32::try_from(vout).unwrap_or(u32::MAX)));
            }
            self.places.remove(&txid);
        }
        let hash = block.block_hash();
        let spent = self.spent.remove(&hash).unwrap_or_default();
        let created: std::collections::HashSet<_> =
            block.txdata.iter().map(bitcoin::Transaction::compute_txid).collect();
        self.coins.extend(spent.into_iter().filter(|(point, _)| !created.contains(&point.txid)));
        self.active.pop();
    }

    fn add_outputs(&mut self, tx: &bitcoin::Transaction, height: u32, coinbase: bool) {
        if height == 0 {
            return;
        }
        let txid = tx.compute_txid();
        for (vout, out) in (0u32..).zip(&tx.output) {
            if !is_unspendable(&out.script_pubkey) {
                self.coins.insert(OutPoint::new(txid, vout), Coin { out: out.clone(), height, coinbase });
            }
        }
    }
}

/// Whether Core leaves an output with this script out of the UTXO set.
pub(crate) fn is_unspendable(script: &Script) -> bool {
    script.is_op_return() || script.len() > MAX_SCRIPT_SIZE
}

#[cfg(test)]
mod tests {
    use bitcoin::constants::genesis_block;
    use bitcoin::hashes::Hash;
    use bitcoin::{Amount, Network, ScriptBuf, Sequence, Transaction, TxIn, Witness, absolute, transaction};

    use super::*;

    fn tx(inputs: &[OutPoint], outputs: usize, salt: u32) -> Transaction {
        let input = |p: &OutPoint| TxIn {
            previous_output: *p,
            script_sig: ScriptBuf::new(),
            sequence: Sequence(salt),
            witness: Witness::new(),
        };
        let out = TxOut { value: Amount::from_sat(1), script_pubkey: ScriptBuf::from_bytes(vec![0x51]) };
        Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: inputs.iter().map(input).collect(),
            output: vec![out; outputs],
        }
    }

    #[test]
    fn disconnecting_restores_the_coins_even_when_a_block_spends_its_own_outputs() {
        let mut block = genesis_block(Network::Regtest);
        let mut view = ChainView::default();
        view.connect(&block);
        let coinbase = tx(&[OutPoint::null()], 2, 1);
        block.txdata = vec![coinbase.clone()];
        view.connect(&block);
        let before = view.coins.clone();

        let first = tx(&[OutPoint::new(coinbase.compute_txid(), 0)], 1, 2);
        let second = tx(&[OutPoint::new(first.compute_txid(), 0)], 1, 3);
        block.header.prev_blockhash = BlockHash::all_zeros();
        block.header.nonce += 1;
        block.txdata = vec![tx(&[OutPoint::null()], 1, 9), first, second];
        view.connect(&block);
        assert_eq!(view.coins.len(), 3);
        view.disconnect(&block);
        assert_eq!(view.coins, before);
        assert_eq!(view.height(), 1);
    }
}
