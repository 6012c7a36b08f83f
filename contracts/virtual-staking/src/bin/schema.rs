//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p virtual-staking --features schema --bin virtual-staking-schema > contracts/virtual-staking/schema/virtual-staking.json`

use schemars::schema_for;
use staking_api::mesh::virtual_staking::{
    AllStakeResponse, ConfigResponse, ExecuteMsg, InstantiateMsg, QueryMsg, RequestsResponse, SecurityReport,
    StakeResponse, StatusResponse, SudoMsg,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "virtual-staking",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "sudo": schema_for!(SudoMsg),
        "responses": {
            "config": schema_for!(ConfigResponse),
            "get_stake": schema_for!(StakeResponse),
            "get_all_stake": schema_for!(AllStakeResponse),
            "status": schema_for!(StatusResponse),
            "requests": schema_for!(RequestsResponse),
            "security_report": schema_for!(SecurityReport),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
