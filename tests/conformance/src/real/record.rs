//! Whole delegations as a node prints them or as the families name their fields: scripts rebuilt, the pre-signed
//! transactions against them, every signature that the record holds.
//!
//! A record says less than a registration (parameters are not in it), so that amounts are not judged.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hex_conservative::FromHex;
use serde_json::Value;
use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey};
use staking_crypto::bip340::{self, Signature};
use staking_protocol::keys::{CovenantKey, Covenants, Providers, StakerKey, Stakers};
use staking_protocol::script::{DelegationScripts, ScriptTemplates, StakingPath, UnbondingPath};
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::sighash::{Prevout, Sighash, script_path};
use staking_protocol::tx::{Transaction, TxOut, sanity};

use super::{Checks, File};
use crate::case::{No, ensure, refuse};
use crate::read::{Fields, covenant, int, provider, staker};

/// Names that a field goes by; the node puts what follows unbonding into an object of its own.
const STAKING_TX: &[&str] = &["staking_tx", "staking_tx_hex"];
const SLASHING_TX: &[&str] = &["slashing_tx", "slashing_tx_hex"];
const UNBONDING_TX: &[&str] = &["unbonding_tx", "unbonding_tx_hex"];
const UNBONDING_SLASHING_TX: &[&str] = &["unbonding_slashing_tx", "unbonding_slashing_tx_hex"];
const STAKER: &[&str] = &["staker_pk", "btc_pk"];
const PROVIDERS: &[&str] = &["fp_pks", "fp_btc_pk_list"];
const SLASHING_SIG: &[&str] = &["slashing_sig", "delegator_slash_sig_hex", "delegator_sig"];
const UNBONDING_SLASHING_SIG: &[&str] = &["unbonding_slashing_sig", "delegator_slashing_sig_hex"];
const SLASHING_ADAPTORS: &[&str] = &["covenant_sigs", "covenant_adaptor_sigs", "slashing_adaptor_sigs"];
const UNBONDING_SLASHING_ADAPTORS: &[&str] = &["covenant_slashing_sigs", "unbonding_slashing_adaptor_sigs"];
const UNBONDING_SIGS: &[&str] = &["covenant_unbonding_sig_list", "covenant_unbonding_sigs", "unbonding_sigs"];
const UNDELEGATION: &[&str] = &["undelegate_response", "btc_undelegation", "undelegation"];
const MEMBER: &[&str] = &["cov_pk", "covenant_pk", "pk"];

/// Whether a value looks like a delegation.
pub(super) fn is_record(value: &Value) -> bool {
    any(value, STAKING_TX).is_some() && any(value, PROVIDERS).is_some() && any(value, STAKER).is_some()
}

pub(super) fn delegations(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let listed =
        ["delegations", "btc_delegations"].iter().find_map(|name| file.content.get(name)?.as_array());
    let one = std::slice::from_ref(file.content);
    for (i, record) in listed.map_or(one, Vec::as_slice).iter().enumerate() {
        delegation(file, &format!("delegation {i}"), record, checks);
    }
    Ok(())
}

fn delegation(file: &File<'_>, label: &str, raw: &Value, checks: &mut Checks) {
    let mut record = None;
    checks.check(&format!("{label}: scripts and transactions"), || {
        record = Some(Record::read(file, raw)?);
        Ok(())
    });
    let Some(record) = record else { return };
    let mut signatures = 0_usize;
    for (name, run) in record.signatures() {
        signatures = signatures.saturating_add(1);
        checks.check(&format!("{label}: {name}"), || run.verify(file));
    }
    checks.check(&format!("{label}: signatures"), || ensure(signatures > 0, "the record holds no signature"));
}

fn any<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names
        .iter()
        .find_map(|name| value.get(name))
        .filter(|found| !found.is_null() && found.as_str() != Some(""))
}

fn need<'a>(value: &'a Value, names: &[&str]) -> Result<&'a Value, No> {
    any(value, names).ok_or_else(|| No::Broken(format!("no field of {names:?}")))
}

fn list<'a>(value: &'a Value, names: &[&str]) -> &'a [Value] {
    any(value, names).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Bytes in hex, or in base64 as a node prints byte fields.
fn bytes(value: &Value) -> Result<Vec<u8>, No> {
    let text = value.as_str().ok_or_else(|| No::Broken(format!("not text: {value}")))?;
    Vec::from_hex(text).or_else(|_| STANDARD.decode(text)).map_err(|e| No::Broken(format!("{e}: {text}")))
}

fn transaction(value: &Value) -> Result<Transaction, No> {
    Ok(Transaction::parse(&bytes(value)?)?)
}

fn plain(value: &Value) -> Result<Signature, No> {
    let bytes = bytes(value)?;
    let bytes = bytes.try_into().or_else(|b: Vec<u8>| refuse(format!("signature of {} bytes", b.len())))?;
    Ok(Signature::from_bytes(&bytes)?)
}

fn blocks(raw: &Value, name: &str) -> Result<u32, No> {
    int(raw.at(name)?).and_then(|n| n.try_into().ok()).ok_or_else(|| No::Broken(name.to_owned()))
}

/// One signature with what it must verify for.
enum Signed {
    Adaptor { member: CovenantKey, provider: EncryptionKey, digest: Sighash, signature: Vec<u8> },
    Plain { key: staking_crypto::XOnly, digest: Sighash, signature: Signature },
    Unreadable(String),
}

impl Signed {
    fn verify(&self, file: &File<'_>) -> Result<(), No> {
        match self {
            Self::Adaptor { member, provider, digest, signature } => {
                let signature = AdaptorSignature::from_bytes(signature)?;
                Ok(adaptor::verify(&file.curve, member.x_only(), provider, &digest.0, &signature)?)
            }
            Self::Plain { key, digest, signature } => {
                Ok(bip340::verify(&file.curve, key, &digest.0, signature)?)
            }
            Self::Unreadable(why) => Err(No::Broken(why.clone())),
        }
    }
}

struct Record<'a> {
    raw: &'a Value,
    staker: StakerKey,
    providers: Providers,
    slashing: Option<Sighash>,
    unbonding: Option<Sighash>,
    unbonding_slashing: Option<Sighash>,
}

impl<'a> Record<'a> {
    fn read(file: &File<'_>, raw: &'a Value) -> Result<Self, No> {
        let staker = staker(need(raw, STAKER)?)?;
        let keys = list(raw, PROVIDERS).iter().map(provider).collect::<Result<_, _>>()?;
        let providers = Providers::new(keys)?;
        let committee = raw.list("covenant_pks")?.iter().map(covenant).collect::<Result<_, _>>()?;
        let covenants = Covenants::new(committee, blocks(raw, "covenant_quorum")?)?;
        let staking_time = StakingTime::new(blocks(raw, "staking_time")?)?;
        let templates = ScriptTemplates::new(covenants);
        let owner = Stakers::single(staker);
        let mut record =
            Self { raw, staker, providers, slashing: None, unbonding: None, unbonding_slashing: None };
        let stake = templates.staking_output(&file.curve, &owner, &record.providers, staking_time)?;
        let staking = transaction(need(raw, STAKING_TX)?)?;
        sanity::check_transaction(&staking)?;
        let output = only_output(&staking, &stake.pk_script())?;
        let Some(unbonding_time) = raw.get("unbonding_time").and_then(int) else {
            return record.with_slashing(&output, stake.leaf(StakingPath::Slashing).hash());
        };
        let unbonding_time =
            UnbondingTime::new(u32::try_from(unbonding_time).or_else(|_| refuse("unbonding time"))?)?;
        let scripts =
            templates.scripts(&file.curve, &owner, &record.providers, staking_time, unbonding_time)?;
        record = record.with_slashing(&output, scripts.staking.leaf(StakingPath::Slashing).hash())?;
        record.with_unbonding(&output, &scripts)
    }

    /// What follows unbonding: in an object of its own or beside the rest.
    fn undelegation(&self) -> &'a Value {
        any(self.raw, UNDELEGATION).unwrap_or(self.raw)
    }

    fn with_slashing(mut self, stake: &Located, leaf: &[u8; 32]) -> Result<Self, No> {
        if let Some(raw) = any(self.raw, SLASHING_TX) {
            self.slashing = Some(slashing(raw, stake, leaf)?);
        }
        Ok(self)
    }

    fn with_unbonding(mut self, stake: &Located, scripts: &DelegationScripts) -> Result<Self, No> {
        let part = self.undelegation();
        let Some(raw) = any(part, UNBONDING_TX).or_else(|| any(self.raw, UNBONDING_TX)) else {
            return Ok(self);
        };
        let tx = transaction(raw)?;
        let input = sanity::check_unbonding_form(&tx)?;
        ensure(stake.is_spent_by(input.previous_output), "unbonding transaction spends something else")?;
        let leaf = scripts.staking.leaf(StakingPath::Unbonding).hash();
        self.unbonding = Some(script_path(&tx, 0, &[Prevout::from(&stake.output)], leaf)?);
        let unbonded = only_output(&tx, &scripts.unbonding.pk_script())?;
        let nested = if std::ptr::eq(part, self.raw) { None } else { any(part, SLASHING_TX) };
        if let Some(raw) = nested.or_else(|| any(self.raw, UNBONDING_SLASHING_TX)) {
            let leaf = scripts.unbonding.leaf(UnbondingPath::Slashing).hash();
            self.unbonding_slashing = Some(slashing(raw, &unbonded, leaf)?);
        }
        Ok(self)
    }

    fn signatures(&self) -> Vec<(String, Signed)> {
        let (part, mut out) = (self.undelegation(), Vec::new());
        let own = |names| any(self.raw, names).or_else(|| any(part, names));
        for (name, found, digest) in [
            ("staker's slashing signature", own(SLASHING_SIG), self.slashing),
            ("staker's unbonding slashing signature", own(UNBONDING_SLASHING_SIG), self.unbonding_slashing),
        ] {
            if let Some(raw) = found {
                out.push((name.to_owned(), signed_by(*self.staker.x_only(), digest, raw)));
            }
        }
        for (name, entries, digest) in [
            ("slashing", list(self.raw, SLASHING_ADAPTORS), self.slashing),
            ("unbonding slashing", list(part, UNBONDING_SLASHING_ADAPTORS), self.unbonding_slashing),
        ] {
            for entry in entries {
                self.adaptors(name, entry, digest, &mut out);
            }
        }
        for entry in list(part, UNBONDING_SIGS) {
            let signed = member(entry).and_then(|member| {
                Ok(signed_by(*member.x_only(), self.unbonding, need(entry, &["sig", "signature"])?))
            });
            out.push(("unbonding signature".to_owned(), signed.unwrap_or_else(unreadable)));
        }
        out
    }

    /// One member's signatures: one for each provider, in the order of the registration.
    fn adaptors(&self, name: &str, entry: &Value, digest: Option<Sighash>, out: &mut Vec<(String, Signed)>) {
        let all = list(entry, &["adaptor_sigs"]);
        let one = any(entry, &["adaptor_sig", "sig"]).map(std::slice::from_ref).unwrap_or_default();
        let given = if all.is_empty() { one } else { all };
        if given.len() != self.providers.keys().len() {
            let why = format!("{} signatures for {} providers", given.len(), self.providers.keys().len());
            out.push((name.to_owned(), Signed::Unreadable(why)));
            return;
        }
        for (provider, raw) in self.providers.keys().iter().zip(given) {
            let signed = || {
                Ok(Signed::Adaptor {
                    member: member(entry)?,
                    provider: EncryptionKey::from_x_only(provider.x_only())?,
                    digest: digest.ok_or_else(|| No::Broken("signed transaction is missing".to_owned()))?,
                    signature: bytes(raw)?,
                })
            };
            out.push((format!("{name} signature for {provider}"), signed().unwrap_or_else(unreadable)));
        }
    }
}

fn unreadable(no: No) -> Signed {
    Signed::Unreadable(no.to_string())
}

fn member(entry: &Value) -> Result<CovenantKey, No> {
    covenant(need(entry, MEMBER)?)
}

fn signed_by(key: staking_crypto::XOnly, digest: Option<Sighash>, raw: &Value) -> Signed {
    let Some(digest) = digest else { return Signed::Unreadable("signed transaction is missing".to_owned()) };
    plain(raw).map_or_else(unreadable, |signature| Signed::Plain { key, digest, signature })
}

/// An output and where it is.
struct Located {
    txid: staking_protocol::tx::Txid,
    vout: usize,
    output: TxOut,
}

impl Located {
    fn is_spent_by(&self, outpoint: staking_protocol::tx::OutPoint) -> bool {
        outpoint.txid == self.txid && usize::try_from(outpoint.vout) == Ok(self.vout)
    }
}

fn only_output(tx: &Transaction, script: &[u8]) -> Result<Located, No> {
    let mut found = tx.outputs.iter().enumerate().filter(|(_, output)| output.script == script);
    let Some((vout, output)) = found.next() else { return refuse("no output with the rebuilt script") };
    ensure(found.next().is_none(), "two outputs with the rebuilt script")?;
    Ok(Located { txid: tx.txid(), vout, output: output.clone() })
}

/// Digest of a slashing transaction that spends the output.
fn slashing(raw: &Value, spent: &Located, leaf: &[u8; 32]) -> Result<Sighash, No> {
    let tx = transaction(raw)?;
    let input = sanity::check_slashing_form(&tx)?;
    ensure(spent.is_spent_by(input.previous_output), "slashing transaction spends something else")?;
    Ok(script_path(&tx, 0, &[Prevout::from(&spent.output)], leaf)?)
}
