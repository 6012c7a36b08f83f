//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p operator-registry --features schema --bin operator-registry-schema > contracts/operator-registry/schema/operator-registry.json`

use schemars::schema_for;
use staking_api::mesh::registry::{
    BoundFpResponse, BoundValidatorResponse, ConfigResponse, DelegableResponse, ExecuteMsg, InstantiateMsg,
    OperatorResponse, OverlapResponse, QueryMsg, SelfBondResponse,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "operator-registry",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "responses": {
            "config": schema_for!(ConfigResponse),
            "operator": schema_for!(OperatorResponse),
            "bound_fp": schema_for!(BoundFpResponse),
            "bound_validator": schema_for!(BoundValidatorResponse),
            "overlap": schema_for!(OverlapResponse),
            "delegable": schema_for!(DelegableResponse),
            "self_bond": schema_for!(SelfBondResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
