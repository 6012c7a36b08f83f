//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p native-staking --features schema --bin native-staking-schema > contracts/native-staking/schema/native-staking.json`

use schemars::schema_for;
use staking_api::mesh::native::{
    ConfigResponse, ExecuteMsg, InstantiateMsg, OwnerByProxyResponse, ProxyByOwnerResponse, QueryMsg, SudoMsg,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "native-staking",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "sudo": schema_for!(SudoMsg),
        "responses": {
            "config": schema_for!(ConfigResponse),
            "proxy_by_owner": schema_for!(ProxyByOwnerResponse),
            "owner_by_proxy": schema_for!(OwnerByProxyResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
