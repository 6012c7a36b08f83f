//! Proofs of possession of real providers and of the specifications.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use staking_crypto::ecdsa::{RecoverableSignature, recover};
use staking_protocol::context::Domain;
use staking_protocol::header::Network;
use staking_protocol::possession::{ChainAddress, Possession, bip322, ecdsa_digest};

use super::{Checks, File, same, same_bytes};
use crate::case::{No, ensure, refuse};
use crate::read::{Fields, secret, x_only};

pub(super) fn providers(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let name = file.content.text("btc_network")?;
    let network = Network::from_name(name).ok_or_else(|| No::Broken(format!("network {name}")))?;
    let answer = file.expected.get(file.name);
    let mut valid = 0_u64;
    for (i, provider) in file.content.list("fps")?.iter().enumerate() {
        checks.check(&provider["moniker"].to_string(), || match one_provider(file, provider, network) {
            Err(No::Refused(_)) if answer.is_some_and(|answer| is_invalid(answer, i, provider)) => Ok(()),
            Ok(()) => {
                valid = valid.saturating_add(1);
                Ok(())
            }
            no => no,
        });
    }
    if let Some(answer) = answer {
        checks.check("number of valid proofs", || same("valid", valid, answer.at("valid")?));
    }
    Ok(())
}

fn one_provider(file: &File<'_>, provider: &Value, network: Network) -> Result<(), No> {
    let proof = Possession::from_parts(provider.small("pop_type")?, &provider.bytes("pop_sig")?)?;
    let address = ChainAddress::parse(provider.text("address")?)?;
    let key = x_only(provider.at("btc_pk")?)?;
    Ok(proof.verify(&file.curve, &Domain::Plain, &key, &address, network)?)
}

/// Whether the answers list the provider as invalid: by position, key or address.
fn is_invalid(answer: &Value, position: usize, provider: &Value) -> bool {
    let listed = answer.get("invalid").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    listed.iter().any(|name| *name == position || *name == provider["btc_pk"] || *name == provider["address"])
}

fn base64(value: &Value, name: &str) -> Result<Vec<u8>, No> {
    STANDARD.decode(value.text(name)?).map_err(|e| No::Broken(e.to_string()))
}

pub(super) fn spec(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    checks.check("bip322 wallet", || {
        let entry = file.content.at("bip322_p2wpkh_wallet")?;
        let simple =
            bip322::Simple::from_parts(entry.text("address")?.as_bytes(), &base64(entry, "sig_base64")?)?;
        let network = crate::read::network(entry)?;
        let verified = simple.verify_message(&file.curve, &base64(entry, "msg_base64")?, network).is_ok();
        same("verdict", verified, file.expected.at("pop_spec")?.at("bip322_wallet_ok")?)
    });
    checks.check("ecdsa message", || {
        let entry = file.content.at("ecdsa_message")?;
        let raw = base64(entry, "sig_base64")?;
        let Ok(compact) = <&[u8; 65]>::try_from(raw.as_slice()) else { return refuse("length") };
        let digest = ecdsa_digest(entry.text("msg")?.as_bytes());
        let signer = recover(&file.curve, &digest, &RecoverableSignature::from_compact(compact)?)?;
        ensure(signer == *secret(entry.at("sk")?)?.public(), "recovered key is not the signer's")?;
        let answer = file.expected.at("pop_spec")?;
        same_bytes("recovered", signer.to_compressed(), answer.at("ecdsa_recovered")?)
    });
    Ok(())
}
