//! `covenant_sigs` and `witness`.

use serde_json::Value;
use staking_crypto::SecretScalar;
use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey};
use staking_crypto::bip340::{self, Signature};
use staking_protocol::delegation::{
    CovenantSignatures, SighashSet, check_covenant_signatures, check_unbonding_signature,
};
use staking_protocol::keys::{CovenantKey, Covenants, Providers, Stakers};
use staking_protocol::script::{DelegationScripts, StakingPath, UnbondingPath};
use staking_protocol::taproot::Leaf;
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::sighash::{Prevout, Sighash, script_path};
use staking_protocol::tx::witness::{self as stack, Group, LeakedKey, SlashingSignatures};
use staking_protocol::tx::{Transaction, TxOut};

use crate::case::{Case, No, Out, ensure, refuse};
use crate::read::{
    Fields, array, bytes, covenant, hex, hexes, provider, providers, sat, secret, signature, stakers,
    templates, transaction,
};

/// A stake as the vectors describe it.
struct Stake {
    scripts: DelegationScripts,
    stakers: Stakers,
    providers: Providers,
    covenants: Covenants,
    staking: TxOut,
}

/// Leaf and control block of one path.
type Path<'a> = (&'a Leaf, Vec<u8>);

impl Stake {
    fn read(case: &Case<'_>) -> Result<Self, No> {
        let input = case.input;
        let (stakers, providers, templates) = (stakers(input)?, providers(input)?, templates(input)?);
        let staking_time = StakingTime::new(input.small("staking_time")?)?;
        let unbonding_time = UnbondingTime::new(input.small("unbonding_time")?)?;
        let scripts = templates.scripts(&case.curve, &stakers, &providers, staking_time, unbonding_time)?;
        let tx = transaction(input.at("staking_tx")?)?;
        let staking = output(&tx, input.small("staking_output_idx")?)?;
        ensure(staking.script == scripts.staking.pk_script(), "staking output is not the rebuilt one")?;
        Ok(Self { scripts, stakers, providers, covenants: templates.covenants().clone(), staking })
    }

    fn staking_path(&self, path: StakingPath) -> Path<'_> {
        (self.scripts.staking.leaf(path), self.scripts.staking.control_block(path).to_vec())
    }

    fn unbonding_path(&self, path: UnbondingPath) -> Path<'_> {
        (self.scripts.unbonding.leaf(path), self.scripts.unbonding.control_block(path).to_vec())
    }
}

fn output(tx: &Transaction, index: u32) -> Result<TxOut, No> {
    tx.output(index).cloned().map_or_else(|| refuse(format!("no output {index}")), Ok)
}

fn digest(tx: &Transaction, spent: &TxOut, leaf: &Leaf) -> Result<Sighash, No> {
    Ok(script_path(tx, 0, &[Prevout::from(spent)], leaf.hash())?)
}

fn adaptors(values: &[Value]) -> Result<Vec<AdaptorSignature>, No> {
    values.iter().map(|value| Ok(AdaptorSignature::from_bytes(&bytes(value)?)?)).collect()
}

pub(crate) fn covenant_sigs(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let digests = covenant_digests(case)?;
    out.set("slashing_sighash", hex(digests.slashing.0));
    out.set("unbonding_sighash", hex(digests.unbonding.0));
    out.set("unbonding_slashing_sighash", hex(digests.unbonding_slashing.0));
    let member = covenant(input.at("covenant_pk")?)?;
    let keys = encryption_keys(input)?;
    let parts = CovenantParts { case, member: &member, keys: &keys };
    let slashing = parts.adaptors("slashing_adaptor_sigs", &digests.slashing);
    let unbonding_slashing = parts.adaptors("unbonding_slashing_adaptor_sigs", &digests.unbonding_slashing);
    let unbonding = parts.unbonding(&digests.unbonding);
    out.set("slashing_ok", slashing.is_ok());
    out.set("unbonding_slashing_ok", unbonding_slashing.is_ok());
    out.set("unbonding_ok", unbonding.is_ok());
    let signatures = CovenantSignatures {
        slashing: slashing?,
        unbonding_slashing: unbonding_slashing?,
        unbonding: unbonding?,
        expansion: None,
    };
    check_covenant_signatures(&case.curve, &member, &keys, &digests, &signatures)?;
    reproduce(input, &keys, &digests, &signatures)
}

fn covenant_digests(case: &Case<'_>) -> Result<SighashSet, No> {
    let input = case.input;
    let stake = Stake::read(case)?;
    let unbonding = transaction(input.at("unbonding_tx")?)?;
    let slashing = transaction(input.at("slashing_tx")?)?;
    let unbonding_slashing = transaction(input.at("unbonding_slashing_tx")?)?;
    let unbonded = output(&unbonding, 0)?;
    Ok(SighashSet {
        slashing: digest(&slashing, &stake.staking, stake.staking_path(StakingPath::Slashing).0)?,
        unbonding: digest(&unbonding, &stake.staking, stake.staking_path(StakingPath::Unbonding).0)?,
        unbonding_slashing: digest(
            &unbonding_slashing,
            &unbonded,
            stake.unbonding_path(UnbondingPath::Slashing).0,
        )?,
        expansion: None,
    })
}

fn encryption_keys(input: &Value) -> Result<Vec<EncryptionKey>, No> {
    let key = |value| Ok(EncryptionKey::from_x_only(provider(value)?.x_only())?);
    input.list("fp_pks")?.iter().map(key).collect()
}

/// One member's signatures, judged one by one.
struct CovenantParts<'a> {
    case: &'a Case<'a>,
    member: &'a CovenantKey,
    keys: &'a [EncryptionKey],
}

impl CovenantParts<'_> {
    fn adaptors(&self, field: &str, digest: &Sighash) -> Result<Vec<AdaptorSignature>, No> {
        let signatures = adaptors(self.case.input.list(field)?)?;
        ensure(signatures.len() == self.keys.len(), "one signature per provider")?;
        for (key, signature) in self.keys.iter().zip(&signatures) {
            adaptor::verify(&self.case.curve, self.member.x_only(), key, &digest.0, signature)?;
        }
        Ok(signatures)
    }

    fn unbonding(&self, digest: &Sighash) -> Result<Signature, No> {
        let parsed = signature(self.case.input.at("unbonding_sig")?)?;
        check_unbonding_signature(&self.case.curve, self.member, digest, &parsed)?;
        Ok(parsed)
    }
}

/// The member's own signer makes the same adaptor signatures.
fn reproduce(
    input: &Value,
    keys: &[EncryptionKey],
    digests: &SighashSet,
    signatures: &CovenantSignatures,
) -> Result<(), No> {
    let member = secret(input.at("covenant_sk")?)?;
    let aux = input.list("aux")?.iter().map(array::<32>).collect::<Result<Vec<_>, _>>()?;
    let (pairs, []) = aux.as_chunks::<2>() else { return Err(No::Broken("aux is not in pairs".to_owned())) };
    let given = signatures.slashing.iter().zip(&signatures.unbonding_slashing);
    for ((key, [first, second]), (slashing, unbonding_slashing)) in keys.iter().zip(pairs).zip(given) {
        let made = adaptor::sign(&member, key, &digests.slashing.0, first)?;
        ensure(made == *slashing, "slashing signature is not reproduced")?;
        let made = adaptor::sign(&member, key, &digests.unbonding_slashing.0, second)?;
        ensure(made == *unbonding_slashing, "unbonding slashing signature is not reproduced")?;
    }
    Ok(())
}

pub(crate) fn witness(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let stake = Stake::read(case)?;
    if case.input.get("slashing_tx").is_some() {
        slashing(case, &stake, out)
    } else if case.input.get("unsigned_tx").is_some() {
        timelock(case, &stake, out)
    } else {
        unbonding(case, &stake, out)
    }
}

fn finish(mut tx: Transaction, witness: Vec<Vec<u8>>, digest: &Sighash, out: &mut Out) -> Result<(), No> {
    out.set("sighash", hex(digest.0));
    out.set("witness", hexes(&witness));
    let Some(input) = tx.inputs.first_mut() else { return refuse("no input") };
    input.witness = witness;
    out.set("tx", hex(tx.serialize()));
    Ok(())
}

fn slashing(case: &Case<'_>, stake: &Stake, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let tx = transaction(input.at("slashing_tx")?)?;
    let ((leaf, block), spent) = match input.get("unbonding_tx") {
        Some(raw) => (stake.unbonding_path(UnbondingPath::Slashing), output(&transaction(raw)?, 0)?),
        None => (stake.staking_path(StakingPath::Slashing), stake.staking.clone()),
    };
    let digest = digest(&tx, &spent, leaf)?;
    let leaked = leaked(case)?;
    let member = |v: &Value| Ok((covenant(v.at("covenant_pk")?)?, adaptors(v.list("adaptor_sigs")?)?));
    let members = input.list("covenant_adaptor_sigs")?.iter().map(member).collect::<Result<Vec<_>, No>>()?;
    let covenants = leaked.decrypt(&stake.providers, &members)?;
    let signatures = SlashingSignatures {
        covenants: &covenants,
        provider: (leaked.provider(), provider_signature(case, stake, &leaked, &digest)?),
        stakers: &[(stake.stakers.primary(), signature(input.at("staker_sig")?)?)],
    };
    let witness =
        stack::slashing(&stake.covenants, &stake.providers, &stake.stakers, &signatures, leaf, &block)?;
    let groups = [
        Group::covenants(&stake.covenants),
        Group::providers(&stake.providers),
        Group::stakers(&stake.stakers),
    ];
    stack::check(&case.curve, &witness, &groups, leaf, &block, &digest)?;
    finish(tx, witness, &digest, out)
}

fn leaked(case: &Case<'_>) -> Result<LeakedKey, No> {
    let index = usize::try_from(case.input.int("fp_index")?).or_else(|_| refuse("fp_index"))?;
    let key = case.input.list("fp_pks")?.get(index).ok_or_else(|| No::Broken("fp_index".to_owned()))?;
    let secret = SecretScalar::from_bytes(&case.input.array("fp_sk")?)?;
    Ok(LeakedKey::check(&case.curve, provider(key)?, secret)?)
}

/// The provider's signature has a random nonce: the published one is taken if it is valid, else one of ours.
fn provider_signature(
    case: &Case<'_>,
    stake: &Stake,
    leaked: &LeakedKey,
    digest: &Sighash,
) -> Result<Signature, No> {
    let published =
        case.expected.get("witness").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let slots = published.iter().skip(stake.covenants.keys().len()).take(stake.providers.keys().len());
    for slot in slots.filter(|slot| slot.as_str().is_some_and(|s| !s.is_empty())) {
        let found = signature(slot)?;
        if bip340::verify(&case.curve, leaked.provider().x_only(), &digest.0, &found).is_ok() {
            return Ok(found);
        }
    }
    let key = staking_crypto::SecretKey::from_secret(leaked.secret());
    Ok(bip340::sign(&key, &digest.0, &[0; 32]))
}

/// Two answers in one: which witness we build, and whether the published one, which may be spoiled on purpose,
/// satisfies the script.
fn unbonding(case: &Case<'_>, stake: &Stake, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let tx = transaction(input.at("unbonding_tx")?)?;
    let (leaf, block) = stake.staking_path(StakingPath::Unbonding);
    let digest = digest(&tx, &stake.staking, leaf)?;
    let given = |v: &Value| Ok((covenant(v.at("covenant_pk")?)?, signature(v.at("sig")?)?));
    let covenants = input.list("covenant_sigs")?.iter().map(given).collect::<Result<Vec<_>, No>>()?;
    let own = [(stake.stakers.primary(), signature(input.at("staker_sig")?)?)];
    let built = stack::unbonding(&stake.covenants, &covenants, &stake.stakers, &own, leaf, &block)?;
    let groups = [Group::covenants(&stake.covenants), Group::stakers(&stake.stakers)];
    stack::check(&case.curve, &built, &groups, leaf, &block, &digest)?;
    let published = case.expected.list("witness")?.iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
    let judged = stack::check(&case.curve, &published, &groups, leaf, &block, &digest);
    // A spoiled witness is not one that our builder can make; it is judged, not rebuilt.
    let witness = if judged.is_ok() { built } else { published };
    finish(tx, witness, &digest, out)?;
    Ok(judged?)
}

fn timelock(case: &Case<'_>, stake: &Stake, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let tx = transaction(input.at("unsigned_tx")?)?;
    let previous = input.at("prev_out")?;
    let spent = TxOut::new(sat(previous, "value")?, previous.bytes("pk_script")?);
    let (leaf, block) = lock_path(stake, &spent)?;
    let digest = digest(&tx, &spent, leaf)?;
    let own = [(stake.stakers.primary(), signature(input.at("staker_sig")?)?)];
    let witness = stack::timelock(&stake.stakers, &own, leaf, &block)?;
    finish(tx.clone(), witness.clone(), &digest, out)?;
    let lock = u16::try_from(input.small("lock_time")?).or_else(|_| refuse("lock time"))?;
    stack::check_timelock(&tx, 0, lock)?;
    Ok(stack::check(&case.curve, &witness, &[Group::stakers(&stake.stakers)], leaf, &block, &digest)?)
}

fn lock_path<'a>(stake: &'a Stake, spent: &TxOut) -> Result<Path<'a>, No> {
    let scripts = &stake.scripts;
    if spent.script == scripts.staking.pk_script() {
        Ok(stake.staking_path(StakingPath::Timelock))
    } else if spent.script == scripts.unbonding.pk_script() {
        Ok(stake.unbonding_path(UnbondingPath::Timelock))
    } else if spent.script == scripts.change.pk_script() {
        Ok((scripts.change.leaf(), scripts.change.control_block().to_vec()))
    } else {
        refuse("previous output is none of the stake's")
    }
}
