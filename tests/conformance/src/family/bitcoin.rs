//! `headers`, `spv`, `op_return`: what is read from Bitcoin's chain.

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde_json::{Value, json};
use staking_protocol::header::chain::{HeaderStore, Insertion, plan_insert};
use staking_protocol::header::{
    BlockHash, ChainRules, Header, HeaderRecord, RawRules, TipContext, U256, ValidHeader,
};
use staking_protocol::inclusion::{MerkleBranch, confirm};
use staking_protocol::op_return as data;
use staking_protocol::tx::Transaction;

use crate::case::{Case, No, Out, ensure};
use crate::read::{Fields, array, hex, transaction};

fn rules(params: &Value) -> Result<ChainRules, No> {
    let reduce = params.flag("reduce_min_difficulty")?;
    Ok(ChainRules::new(RawRules {
        pow_limit: U256::from_be_bytes(params.array("pow_limit")?),
        pow_limit_bits: params.small("pow_limit_bits")?,
        target_timespan: params.small("target_timespan_s")?,
        target_spacing: params.small("target_spacing_s")?,
        retarget_factor: params.small("retarget_factor")?,
        min_difficulty_after: if reduce { Some(params.small("min_diff_reduction_s")?) } else { None },
        no_retargeting: params.flag("no_retargeting")?,
        bip94: false,
        bip34_height: params.small("bip34_height")?,
        bip66_height: params.small("bip66_height")?,
        bip65_height: params.small("bip65_height")?,
    })?)
}

/// A main chain in memory.
struct Chain {
    tip: TipContext,
    records: BTreeMap<u32, HeaderRecord>,
    heights: BTreeMap<BlockHash, u32>,
}

impl HeaderStore for Chain {
    type Error = Infallible;

    fn tip(&self) -> Result<TipContext, Infallible> {
        Ok(self.tip)
    }

    fn record(&self, height: u32) -> Result<Option<HeaderRecord>, Infallible> {
        Ok(self.records.get(&height).copied())
    }

    fn height_of(&self, hash: BlockHash) -> Result<Option<u32>, Infallible> {
        Ok(self.heights.get(&hash).copied())
    }
}

impl Chain {
    /// The store of a case: its first header is the base, whose work counts from itself.
    fn read(rules: &ChainRules, store: &[Value]) -> Result<Self, No> {
        let broken = |e: &dyn std::fmt::Display| No::Broken(format!("stored header: {e}"));
        let (base, rest) = store.split_first().ok_or_else(|| No::Broken("empty store".to_owned()))?;
        let raw: [u8; 80] = base.array("header")?;
        let height = base.small("height")?;
        let tip = TipContext::from_base(rules, Header::new(&raw), height, None).map_err(|e| broken(&e))?;
        let mut chain = Self { tip, records: BTreeMap::new(), heights: BTreeMap::new() };
        chain.keep(height, tip.hash(), tip.record(Header::new(&raw)));
        for stored in rest {
            let raw: [u8; 80] = stored.array("header")?;
            let header = Header::new(&raw);
            let (next, valid) = chain.tip.advance(rules, header).map_err(|e| broken(&e))?;
            if valid.height() != stored.small("height")? {
                return Err(No::Broken("heights of the store are not consecutive".to_owned()));
            }
            chain.keep(valid.height(), valid.hash(), next.record(header));
            chain.tip = next;
        }
        Ok(chain)
    }

    fn keep(&mut self, height: u32, hash: BlockHash, record: HeaderRecord) {
        self.records.insert(height, record);
        self.heights.insert(hash, height);
    }
}

fn inserted(insertion: &Insertion) -> Value {
    let row = |(valid, record): &(ValidHeader, HeaderRecord)| json!({"height": valid.height(), "hash": valid.hash().to_string(), "work": record.work.to_string()});
    insertion.headers.iter().map(row).collect()
}

pub(crate) fn headers(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let rules = rules(case.input.at("params")?)?;
    let chain = Chain::read(&rules, case.input.list("store")?)?;
    out.set("tip_work", chain.tip.work().to_string());
    let list = case.input.list("insert")?.iter().map(array::<80>).collect::<Result<Vec<_>, _>>()?;
    let insertion = plan_insert(&rules, &chain, list.iter().map(Header::new))?;
    out.set("inserted", inserted(&insertion));
    if let Some(height) = insertion.rollback_to {
        out.set("rollback_to_height", height);
    }
    Ok(())
}

/// Rules that know nothing but a limit of work.
fn limit_only(bits: u32) -> Result<ChainRules, No> {
    let pow_limit = staking_protocol::header::Bits::from_u32(bits).target()?;
    Ok(ChainRules::new(RawRules { pow_limit, pow_limit_bits: bits, ..*ChainRules::REGTEST.raw() })?)
}

pub(crate) fn spv(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let raw: [u8; 80] = input.array("header")?;
    let header = Header::new(&raw);
    out.set("merkle_root", hex(header.merkle_root()));
    let (tx, siblings, index) = (input.bytes("tx")?, input.bytes("proof")?, input.small("index")?);
    out.set("bare_proof_ok", bare_proof_holds(&tx, index, &siblings, header));
    let named = BlockHash::from_display_bytes(input.array("block_hash")?);
    let hash = header.check_work(&limit_only(input.small("pow_limit_bits")?)?)?;
    ensure(hash == named, "header is not the named one")?;
    ensure(!input.flag("proof_is_null")?, "no proof")?;
    let branch = MerkleBranch::new(index, &siblings)?;
    Ok(confirm(&tx, &branch, &ValidHeader::from_storage(header, 0)).map(|_| ())?)
}

/// The branch alone, without any rule about the transaction.
fn bare_proof_holds(tx: &[u8], index: u32, siblings: &[u8], header: Header<'_>) -> bool {
    let Ok(tx) = Transaction::parse(tx) else { return false };
    let root = MerkleBranch::new(index, siblings).and_then(|branch| branch.root(tx.txid()));
    root == Ok(header.merkle_root())
}

pub(crate) fn op_return(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let tx = transaction(case.input.at("tx")?)?;
    let standard: Vec<bool> = tx.outputs.iter().map(|output| data::is_standard(&output.script)).collect();
    out.set("is_null_data", standard);
    out.set("data", "");
    out.set("data", hex(data::standard_data(&tx)?.unwrap_or_default()));
    Ok(())
}
