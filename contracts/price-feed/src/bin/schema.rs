//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p price-feed --features schema --bin price-feed-schema > contracts/price-feed/schema/price-feed.json`

use schemars::schema_for;
use staking_api::mesh::price::{
    ConfigResponse, ExecuteMsg, InstantiateMsg, PriceResponse, QueryMsg, SourcesResponse, SudoMsg,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "price-feed",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "sudo": schema_for!(SudoMsg),
        "responses": {
            "price": schema_for!(PriceResponse),
            "config": schema_for!(ConfigResponse),
            "sources": schema_for!(SourcesResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
