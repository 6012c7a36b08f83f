//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p converter --features schema --bin converter-schema > contracts/converter/schema/converter.json`

use schemars::schema_for;
use staking_api::mesh::converter::{
    BoostResponse, ConfigResponse, ExecuteMsg, ForeignStake, ForeignStakesResponse, InstantiateMsg,
    PriceResponse, QueryMsg,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "converter",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "responses": {
            "config": schema_for!(ConfigResponse),
            "foreign_stakes": schema_for!(ForeignStakesResponse),
            "foreign_stake": schema_for!(ForeignStake),
            "boost": schema_for!(BoostResponse),
            "price": schema_for!(PriceResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
