//! Data of real networks: headers, proofs, stakes, checkpoints, parameters.

use serde_json::Value;
use staking_protocol::checkpoint::{Checkpoint, TAG_LEN};
use staking_protocol::header::{Bits, BlockHash, Header, Network, TipContext, ValidHeader, retarget};
use staking_protocol::inclusion::{MerkleBranch, confirm};
use staking_protocol::keys::{CovenantKey, Covenants};
use staking_protocol::op_return::standard_data;
use staking_protocol::params::ParamsVersions;
use staking_protocol::tag::{Tag, parse_v0};
use staking_protocol::timelock::StakingTime;

use super::{Checks, File, same, same_bytes};
use crate::case::{No, ensure, refuse};
use crate::read::{Fields, array, hex, int, network, providers, raw_params, stakers, templates, transaction};

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn bits(value: &Value, name: &str) -> Result<Bits, No> {
    let text = value.text(name)?.trim_start_matches("0x");
    u32::from_str_radix(text, 16).map(Bits::from_u32).map_err(|e| No::Broken(format!("{name}: {e}")))
}

pub(super) fn headers(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let all = file.content.list("headers")?;
    for (i, entry) in all.iter().enumerate() {
        checks.check(&format!("header {i}"), || header(entry));
    }
    for (i, entry) in list(file.content, "retargets").iter().enumerate() {
        checks.check(&format!("retarget {i}"), || one_retarget(entry));
    }
    for (i, answer) in list(file.expected, "header_chains").iter().enumerate() {
        checks.check(&format!("chain {i}"), || chain(answer, all));
    }
    for (i, answer) in list(file.expected, "retargets").iter().enumerate() {
        checks.check(&format!("retarget answer {i}"), || {
            retarget_answer(answer, list(file.content, "retargets"))
        });
    }
    Ok(())
}

fn header(entry: &Value) -> Result<(), No> {
    let raw: [u8; 80] = entry.array("header")?;
    let header = Header::new(&raw);
    let hash = header.hash();
    same("hash", hash.to_string(), entry.at("hash")?)?;
    ensure(BlockHash::from_display_bytes(hash.to_display_bytes()) == hash, "byte orders")?;
    same("parent", header.parent().to_string(), entry.at("prev_hash")?)?;
    same("time", header.time(), entry.at("time")?)?;
    ensure(header.bits() == bits(entry, "bits")?, "bits")?;
    let worked = header.check_work(&network(entry)?.rules()).is_ok();
    same("proof of work", worked, entry.at("pow_ok")?)
}

fn next_bits(entry: &Value) -> Result<Bits, No> {
    let rules = network(entry)?.rules();
    Ok(retarget(&rules, bits(entry, "bits")?, entry.small("first_time")?, entry.small("last_time")?)?)
}

fn one_retarget(entry: &Value) -> Result<(), No> {
    let (found, expected) = (next_bits(entry)?, bits(entry, "next_bits")?);
    ensure(found == expected, &format!("expected {expected:?}, found {found:?}"))
}

fn retarget_answer(answer: &Value, entries: &[Value]) -> Result<(), No> {
    let is_it = |e: &&Value| e["network"] == answer["network"] && e["first_height"] == answer["first_height"];
    let entry = entries.iter().find(is_it).ok_or_else(|| No::Broken("no such retarget".to_owned()))?;
    ensure(next_bits(entry)? == bits(answer, "computed")?, "computed bits")
}

/// Follows one run of headers from its base.
fn chain(answer: &Value, all: &[Value]) -> Result<(), No> {
    let name = answer.text("chain")?.split(' ').next().unwrap_or_default();
    let network = Network::from_name(name).ok_or_else(|| No::Broken(format!("network {name}")))?;
    let rules = network.rules();
    let at = |height: u64| {
        let here = |e: &&Value| e["network"] == name && e["height"].as_u64() == Some(height);
        all.iter().find(here).ok_or_else(|| No::Broken(format!("no header {height}")))
    };
    let (base, tip_height) = (answer.int("base_height")?, answer.int("tip_height")?);
    let raw: [u8; 80] = at(base)?.array("header")?;
    let height = u32::try_from(base).or_else(|_| refuse("height"))?;
    let mut tip = TipContext::from_base(&rules, Header::new(&raw), height, None)?;
    for height in base.saturating_add(1)..=tip_height {
        let raw: [u8; 80] = at(height)?.array("header")?;
        tip = tip.advance(&rules, Header::new(&raw))?.0;
    }
    same("tip", tip.hash().to_string(), answer.at("tip_hash")?)?;
    same("work", tip.work().to_string(), answer.at("tip_work_from_base")?)
}

pub(super) fn spv(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let mut valid = 0_u64;
    for (i, block) in file.content.list("blocks")?.iter().enumerate() {
        for proof in block.list("proofs")? {
            let label = format!("block {i} transaction {}", proof["index"]);
            checks.check(&label, || {
                inclusion(block, proof)?;
                valid = valid.saturating_add(1);
                Ok(())
            });
        }
    }
    if let Some(answer) = file.expected.get("spv") {
        checks.check("number of valid proofs", || same("valid", valid, answer.at("valid")?));
    }
    Ok(())
}

fn inclusion(block: &Value, proof: &Value) -> Result<(), No> {
    let raw: [u8; 80] = block.array("header")?;
    let header = Header::new(&raw);
    same("block", header.check_work(&network(block)?.rules())?.to_string(), block.at("hash")?)?;
    let siblings = proof.bytes("proof")?;
    let branch = MerkleBranch::new(proof.small("index")?, &siblings)?;
    let proven = confirm(&proof.bytes("tx")?, &branch, &ValidHeader::from_storage(header, 0))?;
    same("txid", proven.txid().to_string(), proof.at("txid")?)?;
    let first = branch.index() == 0;
    ensure(proven.refuse_coinbase().is_err() == first, "exactly the first transaction is a coinbase")
}

pub(super) fn staking_txs(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let answers = list(file.expected, "staking_txs");
    for (i, stake) in file.content.list("txs")?.iter().enumerate() {
        let answer = answers.get(i).unwrap_or(&Value::Null);
        checks.check(&format!("stake {i}"), || match one_stake(file, stake, answer) {
            Err(No::Refused(_)) if answer["ok"] == false => Ok(()),
            Ok(()) if answer["ok"] == false => refuse("accepted, though the answer is no"),
            verdict => verdict,
        });
    }
    Ok(())
}

fn one_stake(file: &File<'_>, stake: &Value, answer: &Value) -> Result<(), No> {
    let tx = transaction(stake.at("tx")?)?;
    if let Some(txid) = answer.get("txid") {
        same("txid", tx.txid().to_string(), txid)?;
    }
    if let Some(tag) = stake.get("tag") {
        let found = parse_v0(&file.curve, &tx, Tag(array(tag)?), &templates(stake)?)?;
        if answer.is_null() {
            return Ok(());
        }
        same("output", found.outpoint.vout, answer.at("staking_output_idx")?)?;
        same("value", found.value.0, answer.at("value")?)?;
        same("staker", found.data.staker.to_string(), answer.at("staker_pk")?)?;
        same("provider", found.data.provider.to_string(), answer.at("fp_pk")?)?;
        return same("time", found.data.staking_time.blocks(), answer.at("staking_time")?);
    }
    let Some(index) = answer.get("staking_output_idx") else { return Ok(()) };
    let time = StakingTime::new(stake.small("staking_time")?)?;
    let output = templates(stake)?.staking_output(&file.curve, &stakers(stake)?, &providers(stake)?, time)?;
    let found = tx.outputs.iter().position(|o| o.script == output.pk_script());
    same("output", found, index)
}

pub(super) fn checkpoints(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let tag: [u8; TAG_LEN] = file.content.array("tag")?;
    for (i, pair) in file.content.list("txs")?.chunks(2).enumerate() {
        // One checkpoint has been answered; of others it is shown that they are whole.
        let answer = if i == 0 { file.expected.get("checkpoint") } else { None };
        checks.check(&format!("checkpoint {i}"), || checkpoint(tag, pair, answer));
    }
    Ok(())
}

fn checkpoint(tag: [u8; TAG_LEN], txs: &[Value], answer: Option<&Value>) -> Result<(), No> {
    let part = |raw: &Value| {
        let tx = transaction(raw)?;
        Ok(standard_data(&tx)?.unwrap_or_default().to_vec())
    };
    let parts = txs.iter().map(part).collect::<Result<Vec<_>, No>>()?;
    let [first, second] = parts.as_slice() else { return refuse("a checkpoint has two transactions") };
    let decoded = Checkpoint::decode(tag, first, second)?;
    ensure(decoded.encode(tag) == (first.clone(), second.clone()), "does not encode to the same")?;
    staking_protocol::bls::Signature::from_bytes(&decoded.bls_sig)?;
    let Some(answer) = answer else { return Ok(()) };
    same_bytes("connected", decoded.to_bytes(), answer.at("connected")?)?;
    same_bytes("block hash", decoded.block_hash, answer.at("block_hash")?)?;
    same_bytes("bitmap", decoded.bitmap, answer.at("bitmap")?)?;
    same_bytes("submitter", decoded.submitter, answer.at("submitter")?)?;
    same_bytes("signature", decoded.bls_sig, answer.at("bls_sig")?)?;
    same("epoch", decoded.epoch, answer.at("epoch")?)
}

pub(super) fn params(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let content = file.content;
    checks.check("versions", || versions(content.list("phase2_btcstaking_params")?));
    for (i, version) in content
        .get("phase1_global_params")
        .map(|p| list(p, "versions"))
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        checks.check(&format!("phase 1 version {i}"), || phase1(version));
    }
    let network = match content.get("btc_network").and_then(Value::as_str) {
        Some(name) => Network::from_name(name).ok_or_else(|| No::Broken(format!("network {name}")))?,
        None => Network::Mainnet,
    };
    let entries = content.as_object().into_iter().flatten();
    for (name, entry) in entries {
        if name.starts_with("base_btc_header") {
            checks.check(name, || base_headers(network, entry));
        } else if name.starts_with("covenant_committee") {
            checks.check(name, || committee(entry));
        } else if name.starts_with("btccheckpoint") {
            checks.check(name, || depths(entry));
        }
    }
    Ok(())
}

fn versions(raw: &[Value]) -> Result<(), No> {
    let mut versions = ParamsVersions::new();
    for (i, p) in raw.iter().enumerate() {
        let added = versions.add(raw_params(p)?.check()?)?;
        ensure(usize::try_from(added) == Ok(i), "versions count up from 0")?;
    }
    for (i, p) in raw.iter().enumerate() {
        let start = p.small("btc_activation_height")?;
        let (found, _) = versions.at_height(start)?;
        ensure(usize::try_from(found) == Ok(i), "a version applies from its own height")?;
        let before = start.checked_sub(1).and_then(|h| versions.at_height(h).ok()).map(|(v, _)| v);
        ensure(before.and_then(|v| usize::try_from(v).ok()) == i.checked_sub(1), "not one block earlier")?;
    }
    Ok(())
}

/// Phase 1 writes full keys and other names; committee and quorum must make scripts all the same.
fn phase1(version: &Value) -> Result<(), No> {
    version.array::<4>("tag")?;
    let quorum = version.small("covenant_quorum")?;
    Covenants::new(full_keys(version.list("covenant_pks")?)?, quorum)?;
    ensure(version.int("min_staking_amount")? <= version.int("max_staking_amount")?, "amounts")?;
    StakingTime::new(version.small("min_staking_time")?)?;
    StakingTime::new(version.small("max_staking_time")?)?;
    Ok(())
}

fn full_keys(keys: &[Value]) -> Result<Vec<CovenantKey>, No> {
    keys.iter().map(|key| Ok(CovenantKey::from(crate::read::full_key(key)?.x_only()))).collect()
}

fn base_headers(network: Network, entries: &Value) -> Result<(), No> {
    let entries = entries.as_array().ok_or_else(|| No::Broken("not a list".to_owned()))?;
    for entry in entries {
        let raw: [u8; 80] = entry.array("header")?;
        let hash = Header::new(&raw).check_work(&network.rules())?;
        same("hash", hash.to_string(), entry.at("hash")?)?;
        ensure(network.rules().opens_period(entry.small("height")?), "base opens a retarget period")?;
    }
    Ok(())
}

fn committee(entry: &Value) -> Result<(), No> {
    for key in entry.as_object().into_iter().flat_map(|members| members.keys()) {
        crate::read::covenant(&Value::from(key.as_str()))?.lift()?;
    }
    Ok(())
}

fn depths(entry: &Value) -> Result<(), No> {
    let number = |name: &str| int(entry.at(name)?).ok_or_else(|| No::Broken(name.to_owned()));
    let (depth, timeout) = (number("btc_confirmation_depth")?, number("checkpoint_finalization_timeout")?);
    ensure(depth > 0 && depth < timeout, "confirmation depth is positive and below the timeout")?;
    let tag: [u8; TAG_LEN] = entry.array("checkpoint_tag")?;
    same("tag", hex(tag), entry.at("checkpoint_tag")?)
}
