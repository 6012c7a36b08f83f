//! The mesh messages equal, key for key, what the stock types serialise (vectors/mesh-wire.json).

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use staking_api::mesh::{
    external, native, packet, price, types,
    vault::{self, CrossStakingExecuteMsg, StakingQueryMsg, Tx, VaultApiExecuteMsg},
    virtual_staking::{CustomMsg, CustomQuery, SudoMsg},
};

fn samples() -> Value {
    let text = include_str!("../../../tests/vectors/mesh-wire.json");
    serde_json::from_str::<Value>(text).expect("vector file is JSON")["vectors"].clone()
}

/// Parses the sample as `T` and demands that it serialises to the same value.
fn round_trips<T: Serialize + DeserializeOwned>(all: &Value, name: &str) {
    let text = all[name]["json_text"].as_str().unwrap_or_else(|| panic!("no sample {name}"));
    let typed: T = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let sorted = serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), sorted, "{name}");
}

#[test]
fn every_wire_sample_round_trips() {
    let v = samples();
    for name in ["stake", "unstake", "burn", "transfer_rewards"] {
        round_trips::<packet::ProviderPacket>(&v, &format!("packet.provider.{name}"));
    }
    for name in ["valset_update", "internal_unstake", "distribute", "distribute_batch"] {
        round_trips::<packet::ConsumerPacket>(&v, &format!("packet.consumer.{name}"));
    }
    round_trips::<packet::Ack>(&v, "ack.success");
    round_trips::<packet::Ack>(&v, "ack.error");
    round_trips::<packet::ChannelVersion>(&v, "channel.version");
    for name in ["none", "new", "existing"] {
        round_trips::<vault::InstantiateMsg>(&v, &format!("vault.instantiate.{name}"));
    }
    round_trips::<types::Range>(&v, "valuerange");
    round_trips::<Tx>(&v, "tx.in_flight_staking");
    round_trips::<external::StakeInfo>(&v, "external.stake.default");
    round_trips::<external::PendingUnbond>(&v, "external.pending_unbond");
    round_trips::<external::ValState>(&v, "external.state.active");
    round_trips::<CrossStakingExecuteMsg>(&v, "api.receive_virtual_stake");
    round_trips::<external::ExecuteMsg>(&v, "api.receive_virtual_stake");
    round_trips::<CrossStakingExecuteMsg>(&v, "api.burn_virtual_stake");
    round_trips::<StakingQueryMsg>(&v, "api.max_slash");
    round_trips::<VaultApiExecuteMsg>(&v, "api.vault.cross_slash");
    round_trips::<vault::ExecuteMsg>(&v, "api.vault.cross_slash");
    round_trips::<staking_api::mesh::btc_vault::ExecuteMsg>(&v, "api.vault.cross_slash");
    round_trips::<SudoMsg>(&v, "sudo.virtual.handle_epoch");
    round_trips::<SudoMsg>(&v, "sudo.virtual.handle_valset_update");
    round_trips::<native::SudoMsg>(&v, "sudo.native.jailing");
    round_trips::<price::SudoMsg>(&v, "sudo.pricefeed.handle_epoch");
    for name in ["bond", "update_delegation", "delete_tasks", "provider.bond", "provider.unstake"] {
        round_trips::<CustomMsg>(&v, &format!("custom.{name}"));
    }
    for name in ["bond_status", "all_delegations"] {
        round_trips::<CustomQuery>(&v, &format!("customquery.{name}"));
    }
}

#[test]
fn the_success_acknowledgement_has_the_stock_bytes() {
    assert_eq!(serde_json::to_string(&packet::Ack::ok()).unwrap(), r#"{"result":"e30="}"#);
}

#[test]
fn unknown_fields_are_tolerated_and_unknown_variants_refused() {
    let extra =
        json!({"stake":{"delegator":"a","validator":"b","stake":{"denom":"d","amount":"1"},"tx_id":1,"x":2}});
    assert!(serde_json::from_value::<packet::ProviderPacket>(extra).is_ok());
    assert!(serde_json::from_value::<packet::ProviderPacket>(json!({"stakes":{}})).is_err());
    let version = json!({"protocol":"mesh-security","version":"0.11.0","more":1});
    assert!(serde_json::from_value::<packet::ChannelVersion>(version).is_ok());
}

/// VEC: the tagged form that the stock schema shows is not what the stock contract parses.
#[test]
fn the_tagged_form_of_existing_is_refused() {
    let tagged = json!({"denom":"d","local_staking":{"existing":{"existing":"addr"}}});
    assert!(serde_json::from_value::<vault::InstantiateMsg>(tagged).is_err());
}

#[test]
fn decimals_keep_eighteen_digits() {
    for (text, shown) in [
        ("0.1", "0.1"),
        ("1", "1"),
        ("0.100000000000000000", "0.1"),
        ("2000.000000000000000001", "2000.000000000000000001"),
    ] {
        assert_eq!(text.parse::<types::Decimal>().unwrap().to_string(), shown);
    }
    for bad in ["", ".", "1.", ".5", "-1", "1e3", "0.1234567890123456789", "400000000000000000000"] {
        assert!(bad.parse::<types::Decimal>().is_err(), "{bad}");
    }
}
