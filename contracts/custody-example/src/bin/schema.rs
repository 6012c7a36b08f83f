//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p custody-example --features schema --bin custody-example-schema > contracts/custody-example/schema/custody-example.json`

use schemars::schema_for;
use staking_api::mesh::custody::{AmountResponse, ExecuteMsg, InstantiateMsg, PositionResponse, QueryMsg};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "custody-example",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "responses": {
            "active_amount": schema_for!(AmountResponse),
            "position": schema_for!(PositionResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
