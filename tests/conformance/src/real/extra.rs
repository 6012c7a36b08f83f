//! Deterministic cases: every section of `babylon_vectors.json`, and the M-of-N stakers.

use serde_json::{Value, json};
use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey};
use staking_crypto::ecdsa::{RecoverableSignature, recover};
use staking_crypto::{OneTimeNonce, bip340, eots};
use staking_protocol::context::Domain;
use staking_protocol::finality::MerkleProof;
use staking_protocol::finality::randomness::signed_digest;
use staking_protocol::header::Network;
use staking_protocol::possession::{bip322, bip340_digest, ecdsa_digest, text_message};
use staking_protocol::script::{DelegationScripts, StakingPath, UnbondingPath};
use staking_protocol::tag::OpReturnV0;
use staking_protocol::taproot::Leaf;
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::dust::{dust_threshold, is_dust};
use staking_protocol::tx::sighash::{Prevout, script_path};
use staking_protocol::tx::slash_amount::{SlashRounding, SlashingRate};
use staking_protocol::tx::witness::{self, Group};
use staking_protocol::tx::{Sat, Transaction, TxOut};

use super::{Checks, File, same, same_bytes};
use crate::case::{No, ensure, refuse};
use crate::read::{
    Fields, array, bytes, full_key, hex, providers, sat, secret, signature, stakers, templates, transaction,
    x_only,
};

type Section = fn(&File<'_>, &Value) -> Result<(), No>;

const SECTIONS: &[(&str, Section)] = &[
    ("adaptor", one_adaptor),
    ("dust", one_dust),
    ("eots", one_eots),
    ("op_return", one_op_return),
    ("pop", one_pop),
    ("pub_rand", one_commitment),
    ("rounding", one_rounding),
    ("scripts", one_stake),
];

pub(super) fn babylon(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let sections = file.content.as_object().ok_or_else(|| No::Broken("not an object".to_owned()))?;
    for (name, entries) in sections {
        let known = SECTIONS.iter().find(|(section, _)| section == name);
        let Some((_, run)) = known else {
            checks.check(name, || refuse("unknown section"));
            continue;
        };
        for (i, entry) in entries.as_array().into_iter().flatten().enumerate() {
            checks.check(&format!("{name} {i}"), || run(file, entry));
        }
    }
    Ok(())
}

fn one_adaptor(file: &File<'_>, v: &Value) -> Result<(), No> {
    let (key, digest) = (secret(v.at("sk")?)?, v.array("msg")?);
    let encryption = EncryptionKey::from_point(full_key(v.at("enc_key")?)?);
    let locked = adaptor::sign(&key, &encryption, &digest, &v.array("aux")?)?;
    same_bytes("adaptor signature", locked.to_bytes(), v.at("adaptor_sig")?)?;
    adaptor::verify(&file.curve, &key.x_only(), &encryption, &digest, &locked)?;
    let opened = locked.decrypt(&secret(v.at("dec_key")?)?.to_secret());
    same_bytes("signature", opened.to_bytes(), v.at("sig")?)?;
    let found = locked.extract(&file.curve, &encryption, &opened)?;
    same_bytes("extracted", found.expose_secret(), v.at("extracted")?)
}

fn one_dust(_: &File<'_>, v: &Value) -> Result<(), No> {
    let script = v.bytes("script")?;
    match v.get("min_non_dust").and_then(Value::as_u64) {
        Some(least) => ensure(dust_threshold(&script) == Sat(least), "threshold"),
        None => ensure(is_dust(&TxOut::new(Sat(1_000_000), script)), "data carriers are dust at any value"),
    }
}

fn one_eots(file: &File<'_>, v: &Value) -> Result<(), No> {
    let key = secret(v.at("sk")?)?;
    let nonce = || -> Result<OneTimeNonce, No> { Ok(OneTimeNonce::from_bytes(&v.array("priv_rand")?)?) };
    let randomness = nonce()?.public();
    same_bytes("randomness", randomness.as_bytes(), v.at("pub_rand")?)?;
    let (msg1, msg2) = (v.bytes("msg1")?, v.bytes("msg2")?);
    let (sig1, sig2) = (eots::sign(nonce()?, &key, &msg1)?, eots::sign(nonce()?, &key, &msg2)?);
    same_bytes("sig1", sig1.to_bytes(), v.at("sig1")?)?;
    same_bytes("sig2", sig2.to_bytes(), v.at("sig2")?)?;
    let public = x_only(v.at("pk")?)?;
    let leaked = eots::extract(&file.curve, &public, &randomness, (&msg1, &sig1), (&msg2, &sig2))?;
    // The peer keeps the sign of the full key.
    let odd = full_key(v.at("pk_compressed")?)?.is_odd();
    let with_sign = if odd { *leaked.negate().expose_secret() } else { *leaked.expose_secret() };
    let found = [hex(with_sign), hex(leaked.expose_secret())];
    ensure(found.iter().any(|f| v["extracted"] == f.as_str()), "extracted key")
}

fn one_op_return(file: &File<'_>, v: &Value) -> Result<(), No> {
    let script = v.bytes("script")?;
    let Some(data) = OpReturnV0::read(&file.curve, &script) else { return refuse("not read") };
    same("staker", data.staker.to_string(), v.at("staker_pk")?)?;
    same("provider", data.provider.to_string(), v.at("fp_pk")?)?;
    same("time", data.staking_time.blocks(), v.at("time")?)?;
    same_bytes("script", data.script(), v.at("script")?)
}

fn one_pop(file: &File<'_>, v: &Value) -> Result<(), No> {
    let domain = match v.text("ctx_hex")? {
        "" => Domain::Plain,
        text => staking_protocol::context::Context::from_text(text)
            .map(Domain::V0)
            .ok_or_else(|| No::Broken("context".to_owned()))?,
    };
    let key = x_only(v.at("pk")?)?;
    let digest = bip340_digest(&domain, &v.bytes("raw_address")?);
    same_bytes("digest", digest, v.at("bip340_hash")?)?;
    bip340::verify(&file.curve, &key, &digest, &signature(v.at("bip340_sig")?)?)?;
    let message = text_message(&domain, v.text("bech32")?);
    let recoverable = RecoverableSignature::from_compact(&v.array("ecdsa_sig")?)?;
    ensure(recover(&file.curve, &ecdsa_digest(&message), &recoverable)?.x_only() == key, "recovered key")?;
    for form in ["bip322_p2tr", "bip322_p2wpkh"] {
        let entry = v.at(form)?;
        let simple =
            bip322::Simple::from_parts(entry.text("address")?.as_bytes(), &entry.bytes("simple_sig")?)?;
        simple.verify_by_key(&file.curve, &key, &message, Network::Regtest)?;
        let published = transaction(entry.at("to_spend")?)?;
        let Some(output) = published.outputs.first() else { return refuse("no output") };
        ensure(bip322::to_spend(&message, &output.script) == published, "to_spend")?;
        same("to_spend txid", published.txid().to_string(), entry.at("to_spend_txid")?)?;
    }
    Ok(())
}

fn one_commitment(file: &File<'_>, v: &Value) -> Result<(), No> {
    let root: [u8; 32] = v.array("root")?;
    let (start, num) = (v.int("start")?, v.int("n")?);
    let digest = signed_digest(&Domain::Plain, start, num, &root);
    same_bytes("digest", digest, v.at("hash_to_sign")?)?;
    bip340::verify(&file.curve, &x_only(v.at("fp_pk")?)?, &digest, &signature(v.at("sig")?)?)?;
    let proof = MerkleProof {
        total: num,
        index: v.int("proof_index")?,
        leaf_hash: v.array("leaf_hash")?,
        aunts: v.list("aunts")?.iter().map(array).collect::<Result<_, _>>()?,
    };
    let found =
        staking_protocol::finality::merkle::root_from_aunts(num, proof.index, proof.leaf_hash, &proof.aunts)?;
    ensure(found == root, "root of the proof")
}

fn one_rounding(_: &File<'_>, v: &Value) -> Result<(), No> {
    let rate = SlashingRate::parse(v.text("rate")?)?;
    for sample in v.list("samples")? {
        let slashed = rate.slash(sat(sample, "value")?, SlashRounding::Double);
        ensure(slashed == Some(sat(sample, "slashed")?), &format!("sample {sample}"))?;
    }
    for example in v.list("examples")? {
        let value = sat(example, "value")?;
        let found = [SlashRounding::Double, SlashRounding::ExactHalfUp].map(|r| rate.slash(value, r));
        let published = [Some(sat(example, "float")?), Some(sat(example, "exact_half_up")?)];
        ensure(found == published, &format!("example {example}"))?;
    }
    Ok(())
}

fn scripts(file: &File<'_>, v: &Value) -> Result<DelegationScripts, No> {
    let mut input = v.clone();
    if input.get("covenant_quorum").is_none() {
        input["covenant_quorum"] = v.at("quorum")?.clone();
    }
    let staking_time = StakingTime::new(v.small("staking_time")?)?;
    let unbonding_time = UnbondingTime::new(v.small("unbonding_time")?)?;
    let (stakers, providers) = (stakers(&input)?, providers(&input)?);
    Ok(templates(&input)?.scripts(&file.curve, &stakers, &providers, staking_time, unbonding_time)?)
}

fn check_leaf(leaf: &Leaf, block: impl AsRef<[u8]>, published: &Value) -> Result<(), No> {
    same_bytes("script", leaf.script(), published.at("script")?)?;
    same_bytes("control block", block, published.at("control_block")?)
}

fn one_stake(file: &File<'_>, v: &Value) -> Result<(), No> {
    let scripts = scripts(file, v)?;
    for (path, name) in STAKING_PATHS {
        let published = v.at("staking")?.at(name)?;
        check_leaf(scripts.staking.leaf(path), scripts.staking.control_block(path), published)?;
    }
    for (path, name) in [(UnbondingPath::Timelock, "timelock"), (UnbondingPath::Slashing, "slashing")] {
        let published = v.at("unbonding")?.at(name)?;
        check_leaf(scripts.unbonding.leaf(path), scripts.unbonding.control_block(path), published)?;
    }
    check_leaf(scripts.change.leaf(), scripts.change.control_block(), v.at("slashing_change")?)?;
    same_bytes("staking output", scripts.staking.pk_script(), v.at("staking_pkscript")?)?;
    same_bytes("unbonding output", scripts.unbonding.pk_script(), v.at("unbonding_pkscript")?)?;
    same_bytes("change output", scripts.change.pk_script(), v.at("slashing_change_pkscript")?)?;
    let staking = transaction(v.at("staking_tx")?)?;
    same("staking txid", staking.txid().to_string(), v.at("staking_txid")?)?;
    spend(
        file,
        v,
        &scripts,
        "unbonding_tx_signed",
        &Funded::Staking(StakingPath::Unbonding),
        "unbonding_sighash",
    )?;
    one_slashing(file, v, &scripts, "slashing", &Funded::Staking(StakingPath::Slashing))?;
    one_slashing(file, v, &scripts, "unbonding_slashing", &Funded::Unbonding)
}

const STAKING_PATHS: [(StakingPath, &str); 3] = [
    (StakingPath::Timelock, "timelock"),
    (StakingPath::Unbonding, "unbonding"),
    (StakingPath::Slashing, "slashing"),
];

/// What a signed transaction spends.
enum Funded {
    Staking(StakingPath),
    Unbonding,
}

/// Checks a signed spend against its path, as Bitcoin would; returns the digest.
fn check_spend(
    file: &File<'_>,
    v: &Value,
    scripts: &DelegationScripts,
    tx: &Transaction,
    funded: &Funded,
) -> Result<[u8; 32], No> {
    let mut input = v.clone();
    if input.get("covenant_quorum").is_none() {
        input["covenant_quorum"] = v.at("quorum")?.clone();
    }
    let (stakers, providers, templates) = (stakers(&input)?, providers(&input)?, templates(&input)?);
    let own = Group::stakers(&stakers);
    let (covenants, fps) = (Group::covenants(templates.covenants()), Group::providers(&providers));
    let (groups, leaf, block, funding) = match funded {
        Funded::Staking(path) => {
            let groups = match path {
                StakingPath::Timelock => vec![own],
                StakingPath::Unbonding => vec![covenants, own],
                StakingPath::Slashing => vec![covenants, fps, own],
            };
            (groups, scripts.staking.leaf(*path), scripts.staking.control_block(*path).to_vec(), "staking_tx")
        }
        Funded::Unbonding => {
            let path = UnbondingPath::Slashing;
            let block = scripts.unbonding.control_block(path).to_vec();
            (vec![covenants, fps, own], scripts.unbonding.leaf(path), block, "unbonding_tx")
        }
    };
    let funding = transaction(v.at(funding)?)?;
    let spent = tx.inputs.first().and_then(|i| funding.output(i.previous_output.vout));
    let Some(spent) = spent else { return refuse("spends no output of the funding") };
    let digest = script_path(tx, 0, &[Prevout::from(spent)], leaf.hash())?;
    let stack = tx.inputs.first().map(|i| i.witness.as_slice()).unwrap_or_default();
    witness::check(&file.curve, stack, &groups, leaf, &block, &digest)?;
    Ok(digest.0)
}

fn spend(
    file: &File<'_>,
    v: &Value,
    scripts: &DelegationScripts,
    field: &str,
    funded: &Funded,
    digest: &str,
) -> Result<(), No> {
    let tx = transaction(v.at(field)?)?;
    let found = check_spend(file, v, scripts, &tx, funded)?;
    same_bytes(digest, found, v.at(digest)?)
}

fn one_slashing(
    file: &File<'_>,
    v: &Value,
    scripts: &DelegationScripts,
    part: &str,
    funded: &Funded,
) -> Result<(), No> {
    let entry = v.at(part)?;
    let signed = transaction(entry.at("signed_tx")?)?;
    let digest = check_spend(file, v, scripts, &signed, funded)?;
    same_bytes("sighash", digest, entry.at("sighash")?)?;
    let unsigned = signed.into_stripped();
    same_bytes("slashing transaction", unsigned.serialize(), v.at(&format!("{part}_tx"))?)?;
    let encryption = EncryptionKey::from_point(full_key(entry.at("fp_enc_key")?)?);
    let opener = secret(entry.at("fp_dec_key")?)?.to_secret();
    for member in entry.list("adaptor")? {
        let locked = AdaptorSignature::from_bytes(&bytes(member.at("adaptor_sig")?)?)?;
        let key = x_only(member.at("covenant_pk")?)?;
        adaptor::verify(&file.curve, &key, &encryption, &digest, &locked)?;
        same_bytes("decrypted", locked.decrypt(&opener).to_bytes(), member.at("decrypted")?)?;
    }
    Ok(())
}

pub(super) fn multisig(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let entries = file.content.as_array().ok_or_else(|| No::Broken("not a list".to_owned()))?;
    for (i, entry) in entries.iter().enumerate() {
        checks.check(&format!("stake {i}"), || one_multisig(file, entry));
    }
    Ok(())
}

fn one_multisig(file: &File<'_>, v: &Value) -> Result<(), No> {
    let scripts = scripts(file, v)?;
    for (path, name) in STAKING_PATHS {
        same_bytes(name, scripts.staking.leaf(path).script(), v.at(&format!("{name}_script"))?)?;
    }
    let unbonding = scripts.unbonding.leaf(UnbondingPath::Timelock).script();
    same_bytes("unbonding timelock", unbonding, v.at("unbonding_timelock_script")?)?;
    same_bytes("staking output", scripts.staking.pk_script(), v.at("staking_pkscript")?)?;
    same_bytes("unbonding output", scripts.unbonding.pk_script(), v.at("unbonding_pkscript")?)?;
    same_bytes("change output", scripts.change.pk_script(), v.at("slashing_change_pkscript")?)?;
    for (field, path) in [
        ("unbonding_tx_signed", StakingPath::Unbonding),
        ("withdraw_tx_signed", StakingPath::Timelock),
        ("slashing_tx_signed", StakingPath::Slashing),
    ] {
        check_spend(file, v, &scripts, &transaction(v.at(field)?)?, &Funded::Staking(path))?;
    }
    ensure(v.at("engine")? == &json!(["ok", "ok", "ok"]), "the published engine run")
}
