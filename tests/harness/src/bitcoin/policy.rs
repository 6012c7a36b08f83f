//! Relay policy of Bitcoin Core 31 that the kernel library leaves out: standardness, dust, fees, TRUC (BIP-431).
//!
//! Pure functions over a transaction and the outputs it spends. Reject reasons are Core's own words. Left out: sigop limits of legacy scripts and the
//! input script types of P2SH, which nothing here spends.

use bitcoin::blockdata::script::Instruction;
use bitcoin::{Script, Transaction, TxOut, Weight, script};

/// Version of topologically restricted transactions (BIP-431).
pub(crate) const TRUC_VERSION: i32 = 3;
/// Largest TRUC transaction, in virtual bytes.
pub(crate) const TRUC_MAX_VSIZE: u64 = 10_000;
/// Largest TRUC transaction with an unconfirmed parent, in virtual bytes.
pub(crate) const TRUC_CHILD_MAX_VSIZE: u64 = 1_000;
/// Most transactions that hang together in the mempool.
pub(crate) const CLUSTER_LIMIT: usize = 64;
/// Most virtual bytes that hang together in the mempool.
pub(crate) const CLUSTER_VSIZE_LIMIT: u64 = 101_000;
/// Most transactions evicted by one replacement.
pub(crate) const MAX_REPLACEMENTS: usize = 100;

const MAX_STANDARD_WEIGHT: Weight = Weight::from_wu(400_000);
const MIN_NON_WITNESS_SIZE: usize = 65;
const MAX_SCRIPT_SIG: usize = 1_650;
const DUST_RELAY_PER_KVB: u64 = 3_000;
const MAX_STACK_ITEM: usize = 80;
const MAX_P2WSH_SCRIPT: usize = 3_600;
const MAX_P2WSH_ITEMS: usize = 100;
const ANNEX_TAG: u8 = 0x50;
const TAPSCRIPT_LEAF: u8 = 0xc0;

/// How a refusal is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RejectKind {
    /// An input does not exist or is spent.
    MissingInputs,
    /// The outputs are in the UTXO set: it was mined.
    AlreadyMined,
    /// Too little fee alone; may pass in a package.
    Reconsiderable,
    /// Anything else.
    Other,
}

/// Why the mempool does not take a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    pub(crate) kind: RejectKind,
    pub(crate) reason: String,
    pub(crate) detail: String,
}

impl Reject {
    pub(crate) fn new(reason: &str, detail: impl Into<String>) -> Self {
        Self { kind: RejectKind::Other, reason: reason.into(), detail: detail.into() }
    }

    pub(crate) fn plain(reason: &str) -> Self {
        Self::new(reason, "")
    }

    pub(crate) fn of_kind(kind: RejectKind, reason: &str, detail: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), detail: detail.into() }
    }

    /// Core's reason for a block, in the words it uses for the mempool.
    pub(crate) fn from_block(reason: &str) -> Self {
        let (reason, detail) = reason.split_once(", ").unwrap_or((reason, ""));
        let reason = match reason.strip_prefix("block-script-verify") {
            Some(rest) => format!("mempool-script-verify{rest}"),
            None => reason.to_owned(),
        };
        Self { kind: RejectKind::Other, reason, detail: detail.into() }
    }
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ", {}", self.detail) }
    }
}

/// Fee of `vsize` virtual bytes at `per_kvb` satoshi per 1,000 virtual bytes, rounded up as Core does.
pub(crate) fn fee_at(per_kvb: u64, vsize: u64) -> u64 {
    per_kvb.saturating_mul(vsize).div_ceil(1_000)
}

/// Checks that need no chain: well-formed and standard.
pub(crate) fn check_standard(tx: &Transaction) -> Result<(), Reject> {
    check_sane(tx)?;
    if !(1..=TRUC_VERSION).contains(&tx.version.0) {
        return Err(Reject::plain("version"));
    }
    if tx.weight() > MAX_STANDARD_WEIGHT {
        return Err(Reject::plain("tx-size"));
    }
    for input in &tx.input {
        check_script_sig(&input.script_sig)?;
    }
    if !tx.output.iter().all(|out| is_standard_output(&out.script_pubkey)) {
        return Err(Reject::plain("scriptpubkey"));
    }
    if dust_outputs(tx).len() > 1 {
        return Err(Reject::plain("dust"));
    }
    if tx.base_size() < MIN_NON_WITNESS_SIZE {
        return Err(Reject::plain("tx-size-small"));
    }
    Ok(())
}

fn check_sane(tx: &Transaction) -> Result<(), Reject> {
    if tx.is_coinbase() {
        return Err(Reject::plain("coinbase"));
    }
    if tx.input.is_empty() {
        return Err(Reject::plain("bad-txns-vin-empty"));
    }
    if tx.output.is_empty() {
        return Err(Reject::plain("bad-txns-vout-empty"));
    }
    let mut total = 0u64;
    for out in &tx.output {
        total = total.saturating_add(out.value.to_sat());
        if total > bitcoin::Amount::MAX_MONEY.to_sat() {
            return Err(Reject::plain("bad-txns-txouttotal-toolarge"));
        }
    }
    let mut points: Vec<_> = tx.input.iter().map(|i| i.previous_output).collect();
    points.sort_unstable();
    points.dedup();
    if points.len() != tx.input.len() { Err(Reject::plain("bad-txns-inputs-duplicate")) } else { Ok(()) }
}

fn check_script_sig(script: &Script) -> Result<(), Reject> {
    if script.len() > MAX_SCRIPT_SIG {
        return Err(Reject::plain("scriptsig-size"));
    }
    if script.is_push_only() { Ok(()) } else { Err(Reject::plain("scriptsig-not-pushonly")) }
}

/// Whether Core relays an output with this script.
fn is_standard_output(script: &Script) -> bool {
    if script.is_op_return() {
        return Script::from_bytes(&script.as_bytes()[1..]).is_push_only();
    }
    let known = script.is_p2pkh() || script.is_p2sh() || script.is_p2pk() || is_small_multisig(script);
    known
        || script.witness_version().is_some_and(|v| v.to_num() > 0)
        || script.is_p2wpkh()
        || script.is_p2wsh()
}

fn is_small_multisig(script: &Script) -> bool {
    if !script.is_multisig() {
        return false;
    }
    let keys =
        script.instructions().filter(|i| matches!(i, Ok(Instruction::PushBytes(b)) if b.len() >= 33)).count();
    (1..=3).contains(&keys)
}

/// Indices of outputs that cost more to spend than they hold.
pub(crate) fn dust_outputs(tx: &Transaction) -> Vec<usize> {
    let is_dust = |out: &TxOut| out.value.to_sat() < dust_threshold(out);
    tx.output.iter().enumerate().filter(|(_, out)| is_dust(out)).map(|(i, _)| i).collect()
}

fn dust_threshold(out: &TxOut) -> u64 {
    if super::view::is_unspendable(&out.script_pubkey) {
        return 0;
    }
    let spend =
        if out.script_pubkey.is_witness_program() { 32 + 4 + 1 + 107 / 4 + 4 } else { 32 + 4 + 1 + 107 + 4 };
    let size = u64::try_from(out.size() + spend).unwrap_or(u64::MAX);
    fee_at(DUST_RELAY_PER_KVB, size)
}

/// Witness limits that are policy, not consensus: no annex, small stack items.
pub(crate) fn check_witnesses(tx: &Transaction, prev_outs: &[TxOut]) -> Result<(), Reject> {
    let fine = tx
        .input
        .iter()
        .zip(prev_outs)
        .all(|(input, out)| is_standard_witness(&input.witness, &out.script_pubkey));
    if fine { Ok(()) } else { Err(Reject::plain("bad-witness-nonstandard")) }
}

fn is_standard_witness(witness: &bitcoin::Witness, script: &Script) -> bool {
    if witness.is_empty() {
        return true;
    }
    if is_anchor(script) || !(script.is_witness_program() || script.is_p2sh()) {
        return false;
    }
    let items: Vec<&[u8]> = witness.iter().collect();
    if script.is_p2wsh() {
        let Some((last, stack)) = items.split_last() else { return true };
        return last.len() <= MAX_P2WSH_SCRIPT
            && stack.len() <= MAX_P2WSH_ITEMS
            && stack.iter().all(|i| i.len() <= MAX_STACK_ITEM);
    }
    if script.is_p2tr() { is_standard_taproot(&items) } else { true }
}

fn is_standard_taproot(items: &[&[u8]]) -> bool {
    let [stack @ .., leaf, control] = items else { return true };
    let _ = leaf;
    if control.first() == Some(&ANNEX_TAG) || control.is_empty() {
        return false;
    }
    control[0] & 0xfe != TAPSCRIPT_LEAF || stack.iter().all(|i| i.len() <= MAX_STACK_ITEM)
}

/// Pay-to-anchor: `OP_1 <4e73>`.
pub(crate) fn is_anchor(script: &Script) -> bool {
    script.as_bytes() == [0x51, 0x02, 0x4e, 0x73]
}

/// Satoshi put into outputs nobody can ever spend.
pub(crate) fn burned(tx: &Transaction) -> u64 {
    let dead =
        |out: &&TxOut| super::view::is_unspendable(&out.script_pubkey) || has_bad_opcodes(&out.script_pubkey);
    tx.output.iter().filter(dead).map(|out| out.value.to_sat()).max().unwrap_or(0)
}

fn has_bad_opcodes(script: &Script) -> bool {
    script.instructions().any(|i: Result<_, script::Error>| i.is_err())
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;
    use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, TxIn, Txid, Witness, absolute, transaction};

    use super::*;

    fn p2tr() -> ScriptBuf {
        ScriptBuf::from_bytes([&[0x51, 0x20][..], &[2; 32]].concat())
    }

    fn tx(outputs: Vec<TxOut>) -> Transaction {
        let input = TxIn {
            previous_output: OutPoint::new(Txid::all_zeros(), 0),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        };
        Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: vec![input],
            output: outputs,
        }
    }

    fn out(sat: u64, script_pubkey: ScriptBuf) -> TxOut {
        TxOut { value: Amount::from_sat(sat), script_pubkey }
    }

    #[test]
    fn the_dust_limits_are_330_for_taproot_and_546_for_key_hashes() {
        assert_eq!(dust_threshold(&out(0, p2tr())), 330);
        let p2pkh = ScriptBuf::new_p2pkh(&bitcoin::PubkeyHash::all_zeros());
        assert_eq!(dust_threshold(&out(0, p2pkh)), 546);
        assert_eq!(dust_threshold(&out(0, ScriptBuf::new_op_return([]))), 0);
    }

    #[test]
    fn op_returns_of_any_number_and_size_are_standard() {
        let data =
            |n: usize| ScriptBuf::new_op_return(bitcoin::script::PushBytesBuf::try_from(vec![1; n]).unwrap());
        let tx = tx(vec![out(0, data(71)), out(0, data(400)), out(330, p2tr())]);
        assert_eq!(check_standard(&tx), Ok(()));
    }

    #[test]
    fn odd_transactions_are_refused_in_cores_words() {
        let reason = |tx: &Transaction| check_standard(tx).unwrap_err().reason;
        let good = tx(vec![out(330, p2tr())]);
        assert_eq!(check_standard(&good), Ok(()));
        let mut odd = good.clone();
        odd.version = transaction::Version(4);
        assert_eq!(reason(&odd), "version");
        let mut odd = good.clone();
        odd.input.push(odd.input[0].clone());
        assert_eq!(reason(&odd), "bad-txns-inputs-duplicate");
        assert_eq!(reason(&tx(vec![out(1, p2tr()), out(2, p2tr())])), "dust");
        assert_eq!(reason(&tx(vec![out(1_000, ScriptBuf::from_bytes(vec![0x51]))])), "scriptpubkey");
        assert_eq!(reason(&tx(vec![out(0, ScriptBuf::new_op_return([]))])), "tx-size-small");
    }

    #[test]
    fn fees_round_up() {
        assert_eq!(fee_at(100, 111), 12);
        assert_eq!(fee_at(100, 110), 11);
        assert_eq!(fee_at(0, 110), 0);
    }
}
