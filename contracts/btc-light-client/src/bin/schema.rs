//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p btc-light-client --features schema --bin btc-light-client-schema > contracts/btc-light-client/schema/btc-light-client.json`

use schemars::schema_for;
use staking_api::light_client::{
    Block, Blocks, Config, ExecuteMsg, Inclusion, InstantiateMsg, LocatedBlock, MigrateMsg, QueryMsg, Reorgs,
    SubmitHeadersResponse, Tip,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "btc-light-client",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "migrate": schema_for!(MigrateMsg),
        "responses": {
            "config": schema_for!(Config),
            "tip": schema_for!(Tip),
            "base": schema_for!(Block),
            "header": schema_for!(Option<Block>),
            "header_by_hash": schema_for!(Option<LocatedBlock>),
            "headers": schema_for!(Blocks),
            "common_ancestor": schema_for!(Option<Block>),
            "verify_inclusion": schema_for!(Inclusion),
            "reorgs": schema_for!(Reorgs),
            "submit_headers": schema_for!(SubmitHeadersResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
