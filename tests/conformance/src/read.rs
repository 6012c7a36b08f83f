//! Reading vector fields into protocol types, and writing answers the way vectors do.

use hex_conservative::{DisplayHex, FromHex};
use serde_json::Value;
use staking_crypto::bip340::Signature;
use staking_crypto::{Point, SecretKey, XOnly};
use staking_protocol::header::Network;
use staking_protocol::keys::{CovenantKey, Covenants, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::ParamsUnchecked;
use staking_protocol::script::ScriptTemplates;
use staking_protocol::tx::{Sat, Transaction};

use crate::case::{No, refuse};

/// Access to fields that must be there.
pub(crate) trait Fields {
    fn at(&self, name: &str) -> Result<&Value, No>;
    fn text(&self, name: &str) -> Result<&str, No>;
    fn bytes(&self, name: &str) -> Result<Vec<u8>, No>;
    fn array<const N: usize>(&self, name: &str) -> Result<[u8; N], No>;
    fn int(&self, name: &str) -> Result<u64, No>;
    fn small(&self, name: &str) -> Result<u32, No>;
    fn flag(&self, name: &str) -> Result<bool, No>;
    fn list(&self, name: &str) -> Result<&[Value], No>;
}

impl Fields for Value {
    fn at(&self, name: &str) -> Result<&Value, No> {
        self.get(name).ok_or_else(|| No::Broken(format!("no field {name}")))
    }

    fn text(&self, name: &str) -> Result<&str, No> {
        self.at(name)?.as_str().ok_or_else(|| No::Broken(format!("{name} is not text")))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, No> {
        bytes(self.at(name)?)
    }

    fn array<const N: usize>(&self, name: &str) -> Result<[u8; N], No> {
        array(self.at(name)?)
    }

    fn int(&self, name: &str) -> Result<u64, No> {
        int(self.at(name)?).ok_or_else(|| No::Broken(format!("{name} is not an unsigned number")))
    }

    fn small(&self, name: &str) -> Result<u32, No> {
        u32::try_from(self.int(name)?).or_else(|_| refuse(format!("{name} exceeds 32 bits")))
    }

    fn flag(&self, name: &str) -> Result<bool, No> {
        self.at(name)?.as_bool().ok_or_else(|| No::Broken(format!("{name} is not a flag")))
    }

    fn list(&self, name: &str) -> Result<&[Value], No> {
        list(self.at(name)?)
    }
}

fn list(value: &Value) -> Result<&[Value], No> {
    match value {
        Value::Null => Ok(&[]),
        other => {
            other.as_array().map(Vec::as_slice).ok_or_else(|| No::Broken(format!("not a list: {other}")))
        }
    }
}

/// Unsigned number, written as one or as decimal text.
pub(crate) fn int(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

pub(crate) fn bytes(value: &Value) -> Result<Vec<u8>, No> {
    let text = value.as_str().ok_or_else(|| No::Broken(format!("not text: {value}")))?;
    Vec::from_hex(text).map_err(|e| No::Broken(format!("{e}: {text}")))
}

/// Bytes of a fixed length; another length is a matter for the rules, not for the reader.
pub(crate) fn array<const N: usize>(value: &Value) -> Result<[u8; N], No> {
    let bytes = bytes(value)?;
    let len = bytes.len();
    bytes.try_into().or_else(|_| refuse(format!("{len} bytes instead of {N}")))
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().to_lower_hex_string()
}

pub(crate) fn hexes<T: AsRef<[u8]>>(items: impl IntoIterator<Item = T>) -> Value {
    items.into_iter().map(hex).collect::<Vec<_>>().into()
}

pub(crate) fn transaction(value: &Value) -> Result<Transaction, No> {
    Ok(Transaction::parse(&bytes(value)?)?)
}

/// The field, or its form without witnesses for transactions without inputs.
pub(crate) fn either_form(input: &Value, name: &str) -> Result<Transaction, No> {
    match input.get(name) {
        Some(raw) => transaction(raw),
        None => Ok(Transaction::parse_stripped(&input.bytes(&format!("{name}_no_witness"))?)?),
    }
}

pub(crate) fn x_only(value: &Value) -> Result<XOnly, No> {
    Ok(XOnly::from_bytes(&array(value)?)?)
}

pub(crate) fn full_key(value: &Value) -> Result<Point, No> {
    Ok(Point::from_compressed(&array(value)?)?)
}

pub(crate) fn secret(value: &Value) -> Result<SecretKey, No> {
    Ok(SecretKey::from_bytes(&array(value)?)?)
}

pub(crate) fn signature(value: &Value) -> Result<Signature, No> {
    Ok(Signature::from_bytes(&array(value)?)?)
}

pub(crate) fn staker(value: &Value) -> Result<StakerKey, No> {
    Ok(StakerKey::from_bytes(&array(value)?)?)
}

pub(crate) fn provider(value: &Value) -> Result<ProviderKey, No> {
    Ok(ProviderKey::from_bytes(&array(value)?)?)
}

pub(crate) fn covenant(value: &Value) -> Result<CovenantKey, No> {
    Ok(CovenantKey::from_bytes(&array(value)?)?)
}

pub(crate) fn stakers(input: &Value) -> Result<Stakers, No> {
    match input.get("staker_pks") {
        Some(keys) => {
            let keys = list(keys)?.iter().map(staker).collect::<Result<_, _>>()?;
            Ok(Stakers::multi(keys, input.small("staker_quorum")?)?)
        }
        None => Ok(Stakers::single(staker(input.at("staker_pk")?)?)),
    }
}

pub(crate) fn providers(input: &Value) -> Result<Providers, No> {
    Ok(Providers::new(input.list("fp_pks")?.iter().map(provider).collect::<Result<_, _>>()?)?)
}

pub(crate) fn templates(input: &Value) -> Result<ScriptTemplates, No> {
    let keys = input.list("covenant_pks")?.iter().map(covenant).collect::<Result<_, _>>()?;
    Ok(ScriptTemplates::new(Covenants::new(keys, input.small("covenant_quorum")?)?))
}

pub(crate) fn network(input: &Value) -> Result<Network, No> {
    let name = match input.text("network")? {
        "testnet" => "testnet3",
        name => name,
    };
    Network::from_name(name).ok_or_else(|| No::Broken(format!("unknown network {name}")))
}

pub(crate) fn sat(input: &Value, name: &str) -> Result<Sat, No> {
    let value = input.at(name)?;
    if value.as_i64().is_some_and(|v| v < 0) {
        return refuse(format!("{name} is negative"));
    }
    input.int(name).map(Sat)
}

/// Staking parameters as the families and the real records write them.
pub(crate) fn raw_params(p: &Value) -> Result<ParamsUnchecked, No> {
    let signed =
        |name: &str| p.at(name)?.as_i64().ok_or_else(|| No::Broken(format!("{name} is not a number")));
    let script = if p.get("slashing_pk_script_hex").is_some() {
        "slashing_pk_script_hex"
    } else {
        "slashing_pk_script"
    };
    let optional = |name: &str| p.get(name).and_then(int).unwrap_or(0);
    Ok(ParamsUnchecked {
        covenant_pks: p.list("covenant_pks")?.iter().map(array).collect::<Result<_, _>>()?,
        covenant_quorum: p.small("covenant_quorum")?,
        min_staking_value_sat: signed("min_staking_value_sat")?,
        max_staking_value_sat: signed("max_staking_value_sat")?,
        min_staking_time_blocks: p.small("min_staking_time_blocks")?,
        max_staking_time_blocks: p.small("max_staking_time_blocks")?,
        slashing_pk_script: p.bytes(script)?,
        min_slashing_tx_fee_sat: signed("min_slashing_tx_fee_sat")?,
        slashing_rate: p.text("slashing_rate")?.to_owned(),
        unbonding_time_blocks: p.small("unbonding_time_blocks")?,
        unbonding_fee_sat: signed("unbonding_fee_sat")?,
        min_commission_rate: p.text("min_commission_rate")?.to_owned(),
        btc_activation_height: u32::try_from(optional("btc_activation_height")).unwrap_or(u32::MAX),
        allow_list_expiration_height: optional("allow_list_expiration_height"),
        ..ParamsUnchecked::default()
    })
}
