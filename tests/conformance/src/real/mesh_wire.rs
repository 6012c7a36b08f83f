//! Messages of the mesh: what the stock types printed must read into ours and print the same.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use staking_api::mesh::{external, native, packet, price, types, vault, virtual_staking};

use super::{Checks, File};
use crate::case::{No, ensure, refuse};
use crate::read::Fields;

pub(super) fn messages(file: &File<'_>, checks: &mut Checks) -> Result<(), No> {
    let vectors = file.content.at("vectors")?.as_object();
    for (name, sample) in vectors.ok_or_else(|| No::Broken("vectors is no object".to_owned()))? {
        checks.check(name, || message(name, sample));
    }
    Ok(())
}

fn message(name: &str, sample: &Value) -> Result<(), No> {
    if let Some(answer) = behaviour(name) {
        return answer;
    }
    let text = sample.text("json_text")?;
    let printed = round_trip(name, text)?;
    let published: Value = serde_json::from_str(text)?;
    ensure(printed == published, "prints differently")?;
    ensure(published == *sample.at("value")?, "text and value of the vector differ")
}

/// Samples that describe a behaviour in words.
fn behaviour(name: &str) -> Option<Result<(), No>> {
    let stake =
        r#"{"stake":{"delegator":"a","validator":"b","stake":{"denom":"d","amount":"1"},"tx_id":1,"x":2}}"#;
    let version = r#"{"protocol":"mesh-security","version":"0.11.0","x":1}"#;
    let tagged = r#"{"denom":"d","local_staking":{"existing":{"existing":"addr"}}}"#;
    match name {
        "unknown_field_in_packet" => Some(reads::<packet::ProviderPacket>(stake)),
        "unknown_field_in_version" => Some(reads::<packet::ChannelVersion>(version)),
        "tagged_existing" => Some(match reads::<vault::InstantiateMsg>(tagged) {
            Ok(()) => refuse("the tagged form is read"),
            Err(_) => Ok(()),
        }),
        _ => None,
    }
}

fn reads<T: DeserializeOwned>(text: &str) -> Result<(), No> {
    serde_json::from_str::<T>(text).map(|_| ()).map_err(No::from)
}

fn through<T: Serialize + DeserializeOwned>(text: &str) -> Result<Value, No> {
    Ok(serde_json::to_value(serde_json::from_str::<T>(text)?)?)
}

fn round_trip(name: &str, text: &str) -> Result<Value, No> {
    match name {
        "channel.version" => through::<packet::ChannelVersion>(text),
        "valuerange" => through::<types::Range>(text),
        "tx.in_flight_staking" => through::<vault::Tx>(text),
        "external.stake.default" => through::<external::StakeInfo>(text),
        "external.pending_unbond" => through::<external::PendingUnbond>(text),
        "external.state.active" => through::<external::ValState>(text),
        "api.receive_virtual_stake" | "api.burn_virtual_stake" => {
            through::<vault::CrossStakingExecuteMsg>(text)
        }
        "api.max_slash" => through::<vault::StakingQueryMsg>(text),
        "api.vault.cross_slash" => through::<vault::VaultApiExecuteMsg>(text),
        "sudo.native.jailing" => through::<native::SudoMsg>(text),
        "sudo.pricefeed.handle_epoch" => through::<price::SudoMsg>(text),
        _ => by_prefix(name, text),
    }
}

fn by_prefix(name: &str, text: &str) -> Result<Value, No> {
    if name.starts_with("packet.provider.") {
        through::<packet::ProviderPacket>(text)
    } else if name.starts_with("packet.consumer.") {
        through::<packet::ConsumerPacket>(text)
    } else if name.starts_with("ack.") {
        through::<packet::Ack>(text)
    } else if name.starts_with("vault.instantiate.") {
        through::<vault::InstantiateMsg>(text)
    } else if name.starts_with("sudo.virtual.") {
        through::<virtual_staking::SudoMsg>(text)
    } else if name.starts_with("custom.") {
        through::<virtual_staking::CustomMsg>(text)
    } else if name.starts_with("customquery.") {
        through::<virtual_staking::CustomQuery>(text)
    } else {
        refuse(format!("no type for {name}"))
    }
}
