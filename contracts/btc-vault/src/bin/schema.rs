//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p btc-vault --features schema --bin btc-vault-schema > contracts/btc-vault/schema/btc-vault.json`

use schemars::schema_for;
use staking_api::mesh::btc_vault::{
    BtcConfigResponse, CapacityResponse, ConsumersResponse, DelegationsResponse, ExecuteMsg, InstantiateMsg,
    QueryMsg, SettlementResponse, SlashCapacityResponse,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "btc-vault",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "responses": {
            "delegations": schema_for!(DelegationsResponse),
            "capacity": schema_for!(CapacityResponse),
            "slash_capacity": schema_for!(SlashCapacityResponse),
            "consumers": schema_for!(ConsumersResponse),
            "settlement": schema_for!(SettlementResponse),
            "btc_config": schema_for!(BtcConfigResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
