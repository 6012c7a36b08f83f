//! Output descriptors (BIP-380): of a script, and as `scantxoutset` and the mining calls take them.

use std::str::FromStr;

use bitcoin::{Address, Network, Script, ScriptBuf};
use miniscript::descriptor::checksum;
use miniscript::{Descriptor, DescriptorPublicKey};

use super::params::address_script;

/// Most scripts that one ranged descriptor may give.
const MAX_RANGE: u32 = 1_000_000;

/// Core's descriptor of a script: `addr(…)` where there is an address, else `raw(…)`.
pub(super) fn of_script(script: &Script) -> String {
    let text = match Address::from_script(script, Network::Regtest) {
        Ok(address) if !script.is_p2tr() => format!("addr({address})"),
        Ok(_) => format!("rawtr({})", super::render::hex(&script.as_bytes()[2..])),
        Err(_) => format!("raw({})", script.to_hex_string()),
    };
    with_checksum(&text)
}

/// A descriptor with its checksum.
pub(super) fn with_checksum(text: &str) -> String {
    match checksum::desc_checksum(text) {
        Ok(sum) => format!("{text}#{sum}"),
        Err(_) => text.into(),
    }
}

/// Scripts of a descriptor; `range` (inclusive) is for descriptors with a wildcard.
///
/// # Errors
/// A text for the caller.
pub(super) fn scripts(text: &str, range: (u32, u32)) -> Result<Vec<ScriptBuf>, String> {
    let body = checked_body(text)?;
    if let Some(hex) = inner(body, "raw") {
        return ScriptBuf::from_hex(hex).map(|s| vec![s]).map_err(|_| "Raw script is not hex".into());
    }
    if let Some(address) = inner(body, "addr") {
        return address_script(address).map(|s| vec![s]).ok_or_else(|| "Address is not valid".into());
    }
    if let Some(key) = inner(body, "rawtr") {
        return ScriptBuf::from_hex(&format!("5120{key}"))
            .map(|s| vec![s])
            .map_err(|_| "rawtr(): key is not valid".into());
    }
    derived(body, range)
}

fn derived(body: &str, (first, last): (u32, u32)) -> Result<Vec<ScriptBuf>, String> {
    let descriptor = Descriptor::<DescriptorPublicKey>::from_str(body).map_err(|e| e.to_string())?;
    let singles = descriptor.into_single_descriptors().map_err(|e| e.to_string())?;
    let mut found = Vec::new();
    for single in singles {
        let last = if single.has_wildcard() { last } else { first };
        if last.checked_sub(first).is_none_or(|n| n > MAX_RANGE) {
            return Err("Range is too large".into());
        }
        for index in first..=last {
            let definite = single.at_derivation_index(index).map_err(|e| e.to_string())?;
            found.push(definite.script_pubkey());
        }
    }
    Ok(found)
}

fn checked_body(text: &str) -> Result<&str, String> {
    match text.split_once('#') {
        None => Ok(text),
        Some((body, sum)) => match checksum::desc_checksum(body) {
            Ok(expected) if expected == sum => Ok(body),
            Ok(expected) => {
                Err(format!("Provided checksum '{sum}' does not match computed checksum '{expected}'"))
            }
            Err(error) => Err(error.to_string()),
        },
    }
}

fn inner<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    body.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

    #[test]
    fn raw_and_taproot_descriptors_give_scripts() {
        assert_eq!(scripts("raw(51)", (0, 0)).unwrap(), [ScriptBuf::from_hex("51").unwrap()]);
        assert_eq!(
            scripts(&format!("rawtr({KEY})"), (0, 0)).unwrap()[0].to_hex_string(),
            format!("5120{KEY}")
        );
        assert!(scripts(&format!("tr({KEY},pk({KEY}))"), (0, 0)).unwrap()[0].is_p2tr());
        assert!(scripts("raw(5)", (0, 0)).is_err());
        assert!(scripts("nonsense(51)", (0, 0)).is_err());
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let good = with_checksum("raw(51)");
        assert!(scripts(&good, (0, 0)).is_ok());
        assert!(scripts("raw(51)#aaaaaaaa", (0, 0)).unwrap_err().contains("does not match"));
    }
}
