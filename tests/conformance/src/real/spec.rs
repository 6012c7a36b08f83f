//! Published specification vectors: adaptor signatures and staking scripts.

use serde_json::Value;
use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey};
use staking_crypto::{SecretKey, bip340};
use staking_protocol::keys::{CovenantKey, Covenants, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::script::{ScriptTemplates, StakingPath, UnbondingPath};
use staking_protocol::tag::{OpReturnV0, Tag};
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};

use super::{Checks, File, same, same_bytes};
use crate::case::{No, ensure};
use crate::read::{Fields, full_key, secret, signature, x_only};

/// A column of a table that is written in upper-case hexadecimal digits.
fn column(row: &Value, name: &str) -> Result<Value, No> {
    Ok(row.text(name)?.to_lowercase().into())
}

pub(super) fn adaptor(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    for (table, run) in [("presig", presig as Row), ("adapt", adapt), ("secadaptor", secadaptor)] {
        for row in file.content.list(table)? {
            checks.check(&format!("{table} {}", row["index"]), || {
                let verdict = match run(file, row) {
                    Err(No::Broken(why)) => return Err(No::Broken(why)),
                    answer => answer.is_ok(),
                };
                ensure(verdict == (row.text("result")? == "TRUE"), &format!("verdict {verdict}"))
            });
        }
    }
    Ok(())
}

type Row = fn(&File<'_>, &Value) -> Result<(), No>;

fn locked(row: &Value) -> Result<AdaptorSignature, No> {
    Ok(AdaptorSignature::from_bytes(&crate::read::bytes(&column(row, "pre-signature")?)?)?)
}

/// Rows with a key are signed too; two of them were made with the x-only key in the nonce, so that only the
/// verdict on our signature can be compared.
fn presig(file: &File<'_>, row: &Value) -> Result<(), No> {
    let (public, message) =
        (x_only(&column(row, "public key")?)?, crate::read::array(&column(row, "message")?)?);
    let encryption = EncryptionKey::from_point(full_key(&column(row, "adaptor")?)?);
    if !row.text("secret key")?.is_empty() && !row.text("aux_rand")?.is_empty() {
        let key = secret(&column(row, "secret key")?)?;
        let aux = crate::read::array(&column(row, "aux_rand")?)?;
        let made = adaptor::sign(&key, &encryption, &message, &aux)?;
        adaptor::verify(&file.curve, &key.x_only(), &encryption, &message, &made)?;
    }
    Ok(adaptor::verify(&file.curve, &public, &encryption, &message, &locked(row)?)?)
}

fn adapt(file: &File<'_>, row: &Value) -> Result<(), No> {
    let opened = locked(row)?.decrypt(&secret(&column(row, "secadaptor")?)?.to_secret());
    ensure(opened == signature(&column(row, "BIP340 signature")?)?, "decrypts to another signature")?;
    let (public, message) = (x_only(&column(row, "pubkey")?)?, crate::read::bytes(&column(row, "message")?)?);
    Ok(bip340::verify(&file.curve, &public, &message, &opened)?)
}

fn secadaptor(file: &File<'_>, row: &Value) -> Result<(), No> {
    let key: SecretKey = secret(&column(row, "secadaptor")?)?;
    let opened = signature(&column(row, "BIP340 signature")?)?;
    let found = locked(row)?.extract(&file.curve, &EncryptionKey::from_point(*key.public()), &opened)?;
    ensure(found.expose_secret() == key.to_secret().expose_secret(), "another secret")
}

pub(super) fn staking(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    for vector in file.content.list("vectors")? {
        checks.check(vector.text("name")?, || {
            one_stake(file, vector.at("parameters")?, vector.at("expected")?)
        });
    }
    Ok(())
}

struct Parties {
    staker: StakerKey,
    providers: Vec<ProviderKey>,
    templates: ScriptTemplates,
}

fn parties(p: &Value) -> Result<Parties, No> {
    let keys =
        |name: &str| p.list(name)?.iter().map(|k| Ok(full_key(k)?.x_only())).collect::<Result<Vec<_>, No>>();
    let covenants = keys("covenant_public_keys")?.into_iter().map(CovenantKey::from).collect();
    Ok(Parties {
        staker: full_key(p.at("staker_public_key")?)?.x_only().into(),
        providers: keys("finality_provider_public_keys")?.into_iter().map(ProviderKey::from).collect(),
        templates: ScriptTemplates::new(Covenants::new(covenants, p.small("covenant_quorum")?)?),
    })
}

fn one_stake(file: &File<'_>, p: &Value, expected: &Value) -> Result<(), No> {
    let Parties { staker, providers, templates } = parties(p)?;
    let (staking_time, unbonding_time) =
        (StakingTime::new(p.small("staking_time")?)?, UnbondingTime::new(p.small("unbonding_time")?)?);
    let (stakers, list) = (Stakers::single(staker), Providers::new(providers.clone())?);
    let scripts = templates.scripts(&file.curve, &stakers, &list, staking_time, unbonding_time)?;
    let field = |name: &str| expected.at(name);
    same_bytes("staking output", scripts.staking.pk_script(), field("staking_output_pkscript_hex")?)?;
    same("staking value", p.int("staking_value")?, field("staking_output_value")?)?;
    for (path, name) in [
        (StakingPath::Timelock, "staking_transaction_timelock_script_hex"),
        (StakingPath::Unbonding, "staking_transaction_unbonding_script_hex"),
        (StakingPath::Slashing, "staking_transaction_slashing_script_hex"),
    ] {
        same_bytes(name, scripts.staking.leaf(path).script(), field(name)?)?;
    }
    for (path, name) in [
        (UnbondingPath::Timelock, "unbonding_transaction_time_lock_script_hex"),
        (UnbondingPath::Slashing, "unbonding_transaction_slashing_script_hex"),
    ] {
        same_bytes(name, scripts.unbonding.leaf(path).script(), field(name)?)?;
    }
    let unbonding = unbonding_tx(p, &scripts.unbonding.pk_script())?;
    same_bytes("unbonding transaction", unbonding.serialize(), field("unbonding_transaction_hex")?)?;
    tagged(p, expected, staker, &providers, staking_time)
}

fn unbonding_tx(p: &Value, script: &[u8]) -> Result<Transaction, No> {
    let txid = Txid::from_display_order(p.array("staking_tx_hash")?);
    let input =
        TxIn::unsigned(OutPoint { txid, vout: p.small("staking_output_index")? }, TxIn::SEQUENCE_FINAL);
    let value = p.int("staking_value")?.saturating_sub(p.int("unbonding_fee")?);
    let outputs = vec![TxOut::new(Sat(value), script)];
    let version = i32::try_from(p.int("unbonding_tx_version")?).map_err(|e| No::Broken(e.to_string()))?;
    Ok(Transaction { version, inputs: vec![input], outputs, lock_time: 0 })
}

fn tagged(
    p: &Value,
    expected: &Value,
    staker: StakerKey,
    providers: &[ProviderKey],
    staking_time: StakingTime,
) -> Result<(), No> {
    let script = expected.get("op_return_script_hex").filter(|s| s.as_str().is_some_and(|s| !s.is_empty()));
    let (Some(script), [provider]) = (script, providers) else { return Ok(()) };
    let data = OpReturnV0 { tag: Tag(p.array("tag")?), staker, provider: *provider, staking_time };
    same_bytes("tag output", data.script(), script)
}
