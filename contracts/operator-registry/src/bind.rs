//! Registering operators and binding validators and provider keys to them.

use crate::error::ExecuteError;
use crate::state::{
    Binding, CONFIG, COOLING_S, KEYS, OP_PROVIDERS, OP_VALIDATORS, OPERATORS, Operator, PROVIDERS,
    VALIDATORS, operator, validator_of,
};
use bitcoin_hashes::{Hash, hash160, sha256};
use contract_host::HostCurve;
use cosmwasm_std::{Api, DepsMut, Env, Event, MessageInfo, Response, Storage};
use staking_api::mesh::registry::{KeyKind, binding_message};
use staking_crypto::{XOnly, bip340};

fn named(name: &str) -> Result<(), ExecuteError> {
    if (1..=128).contains(&name.len()) { Ok(()) } else { Err(ExecuteError::Name(name.len())) }
}

pub(crate) fn register(deps: DepsMut, info: &MessageInfo, moniker: String) -> Result<Response, ExecuteError> {
    named(&moniker)?;
    let key: &[&[u8]] = &[info.sender.as_bytes()];
    let old = OPERATORS.get(deps.storage, key)?;
    let event = Event::new("operator")
        .add_attribute("operator", info.sender.as_str())
        .add_attribute("moniker", &moniker);
    OPERATORS.save(deps.storage, key, &Operator { moniker, ..old });
    Ok(Response::new().add_event(event))
}

/// Whether the key is the validator's: the consensus key published for it, or the key its address is the hash of. A
/// signature by any other key proves nothing about the validator.
fn validators_own(valoper: &str, kind: KeyKind, key: &[u8], published: Option<Vec<u8>>) -> bool {
    match kind {
        KeyKind::Ed25519 => published.is_some_and(|p| p == key),
        KeyKind::Secp256k1 => {
            let hash = hash160::Hash::hash(key).to_byte_array();
            published.is_none() && address_bytes(valoper).is_some_and(|a| a == hash)
        }
        KeyKind::Bip340 => false,
    }
}

/// The bytes of a bech32 address. The checksum is not looked at: the bytes are compared with a hash.
fn address_bytes(address: &str) -> Option<Vec<u8>> {
    const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let data = address.rsplit_once('1')?.1.as_bytes();
    let (mut out, mut bits, mut held) = (Vec::with_capacity(20), 0u32, 0u32);
    for c in data.get(..data.len().checked_sub(6)?)? {
        let five = CHARSET.iter().position(|d| d == c)?;
        held = (held << 5 | u32::try_from(five).ok()?) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}

/// Whether `key` signed the binding.
fn signed(api: &dyn Api, kind: KeyKind, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let digest = sha256::Hash::hash(message).to_byte_array();
    match kind {
        KeyKind::Ed25519 => api.ed25519_verify(message, signature, key).unwrap_or(false),
        KeyKind::Secp256k1 => api.secp256k1_verify(&digest, signature, key).unwrap_or(false),
        KeyKind::Bip340 => bip340_signed(api, key, &digest, signature).is_some(),
    }
}

fn bip340_signed(api: &dyn Api, key: &[u8], digest: &[u8; 32], signature: &[u8]) -> Option<()> {
    let key = XOnly::from_bytes(key.try_into().ok()?).ok()?;
    let signature = bip340::Signature::from_bytes(signature.try_into().ok()?).ok()?;
    bip340::verify(&HostCurve::new(api), &key, digest, &signature).ok()
}

#[allow(clippy::too_many_arguments, reason = "the fields of one message")]
pub(crate) fn validator(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    chain: &str,
    valoper: &str,
    kind: KeyKind,
    key: &[u8],
    signature: &[u8],
) -> Result<Response, ExecuteError> {
    named(chain)?;
    named(valoper)?;
    operator(deps.storage, info.sender.as_str())?;
    let published = KEYS.may_load(deps.storage, &[chain.as_bytes(), valoper.as_bytes()])?;
    if !validators_own(valoper, kind, key, published) {
        return Err(ExecuteError::WrongKey(valoper.into()));
    }
    let message = binding_message(env.contract.address.as_str(), info.sender.as_str(), chain, valoper);
    if !signed(deps.api, kind, key, &message, signature) {
        return Err(ExecuteError::BadSignature(valoper.into()));
    }
    bind_validator(deps.storage, info.sender.as_str(), chain, valoper, false)
}

fn bind_validator(
    s: &mut dyn Storage,
    operator: &str,
    chain: &str,
    valoper: &str,
    vouched: bool,
) -> Result<Response, ExecuteError> {
    if let Some(old) = validator_of(s, chain, valoper)?.filter(|b| b.operator != operator) {
        return Err(ExecuteError::Bound { name: valoper.into(), operator: old.operator });
    }
    let binding = Binding { operator: operator.into(), vouched, leaving: 0 };
    VALIDATORS.save(s, &[chain.as_bytes(), valoper.as_bytes()], &binding);
    OP_VALIDATORS.save(s, &[operator.as_bytes(), chain.as_bytes(), valoper.as_bytes()], &());
    Ok(Response::new().add_event(bound("validator_bound", operator, chain, valoper, vouched)))
}

fn bound(kind: &str, operator: &str, chain: &str, name: &str, vouched: bool) -> Event {
    Event::new(kind)
        .add_attribute("operator", operator)
        .add_attribute("chain_id", chain)
        .add_attribute("name", name)
        .add_attribute("vouched", vouched.to_string())
}

pub(crate) fn provider(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    consumer: &str,
    fp: &str,
    signature: &[u8],
) -> Result<Response, ExecuteError> {
    named(consumer)?;
    operator(deps.storage, info.sender.as_str())?;
    let message = binding_message(env.contract.address.as_str(), info.sender.as_str(), consumer, fp);
    let key = from_hex(fp).unwrap_or_default();
    if !signed(deps.api, KeyKind::Bip340, &key, &message, signature) {
        return Err(ExecuteError::BadSignature(fp.into()));
    }
    bind_provider(deps.storage, info.sender.as_str(), consumer, fp, false)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    text.as_bytes().chunks(2).map(|c| Some(digit(*c.first()?)? << 4 | digit(*c.get(1)?)?)).collect()
}

fn bind_provider(
    s: &mut dyn Storage,
    operator: &str,
    consumer: &str,
    fp: &str,
    vouched: bool,
) -> Result<Response, ExecuteError> {
    let key: [&[u8]; 2] = [consumer.as_bytes(), fp.as_bytes()];
    if let Some(old) = PROVIDERS.may_load(s, &key)?.filter(|b| b.operator != operator) {
        return Err(ExecuteError::Bound { name: fp.into(), operator: old.operator });
    }
    let own: [&[u8]; 2] = [operator.as_bytes(), consumer.as_bytes()];
    if let Some(fp_pk) = OP_PROVIDERS.may_load(s, &own)?.filter(|old| old != fp) {
        return Err(ExecuteError::OneProvider { consumer: consumer.into(), fp_pk });
    }
    PROVIDERS.save(s, &key, &Binding { operator: operator.into(), vouched, leaving: 0 });
    OP_PROVIDERS.save(s, &own, &fp.to_string());
    Ok(Response::new().add_event(bound("provider_bound", operator, consumer, fp, vouched)))
}

/// Asked for once, done when asked for again after the cooling-off time.
pub(crate) fn unbind(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    chain: &str,
    valoper: &str,
) -> Result<Response, ExecuteError> {
    let operator = info.sender.as_str();
    let binding = validator_of(deps.storage, chain, valoper)?.filter(|b| b.operator == operator);
    let mut binding = binding.ok_or_else(|| ExecuteError::NotBound(valoper.into()))?;
    let now = env.block.time.seconds();
    let key: [&[u8]; 2] = [chain.as_bytes(), valoper.as_bytes()];
    if binding.leaving == 0 {
        binding.leaving = now;
        VALIDATORS.save(deps.storage, &key, &binding);
        return Ok(Response::new().add_event(bound(
            "validator_leaving",
            operator,
            chain,
            valoper,
            binding.vouched,
        )));
    }
    let at = binding.leaving.saturating_add(COOLING_S);
    if now < at {
        return Err(ExecuteError::CoolingOff { name: valoper.into(), at });
    }
    VALIDATORS.remove(deps.storage, &key);
    OP_VALIDATORS.remove(deps.storage, &[operator.as_bytes(), chain.as_bytes(), valoper.as_bytes()]);
    Ok(Response::new().add_event(bound("validator_unbound", operator, chain, valoper, binding.vouched)))
}

/// The owner binds by its word what cannot sign.
pub(crate) fn vouch(
    deps: DepsMut,
    info: &MessageInfo,
    operator: &str,
    chain: &str,
    valoper: &str,
    fp: Option<&str>,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    named(chain)?;
    let operator = deps.api.addr_validate(operator)?.into_string();
    let key: &[&[u8]] = &[operator.as_bytes()];
    if !OPERATORS.has(deps.storage, key) {
        OPERATORS.save(deps.storage, key, &Operator { moniker: valoper.into(), jailed: false });
    }
    let mut response = bind_validator(deps.storage, &operator, chain, valoper, true)?;
    if let Some(fp) = fp {
        response = response.add_events(bind_provider(deps.storage, &operator, chain, fp, true)?.events);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP-173's first address: the program follows the witness version, so we take an address without one.
    #[test]
    fn an_address_gives_its_bytes() {
        let bytes = address_bytes("cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrujsuw");
        assert_eq!(bytes, Some((0..20).collect()));
        assert_eq!(address_bytes("cosmos1b"), None);
        assert_eq!(address_bytes("nothing"), None);
    }

    #[test]
    fn only_the_validators_own_key_speaks_for_it() {
        let key = [2u8; 33];
        let published = || Some(vec![7u8; 32]);
        assert!(validators_own("v", KeyKind::Ed25519, &[7; 32], published()));
        assert!(!validators_own("v", KeyKind::Ed25519, &[7; 32], None));
        assert!(!validators_own("v", KeyKind::Ed25519, &[8; 32], published()));
        assert!(!validators_own(
            "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrujsuw",
            KeyKind::Secp256k1,
            &key,
            None
        ));
        assert!(!validators_own("v", KeyKind::Bip340, &[7; 32], published()));
    }
}
