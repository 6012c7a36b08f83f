//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p native-staking-proxy --features schema --bin native-staking-proxy-schema > contracts/native-staking-proxy/schema/native-staking-proxy.json`

use schemars::schema_for;
use staking_api::mesh::native::{
    BookedResponse, ProxyConfigResponse, ProxyExecuteMsg, ProxyInstantiateMsg, ProxyQueryMsg,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "native-staking-proxy",
        "instantiate": schema_for!(ProxyInstantiateMsg),
        "execute": schema_for!(ProxyExecuteMsg),
        "query": schema_for!(ProxyQueryMsg),
        "responses": {
            "config": schema_for!(ProxyConfigResponse),
            "booked": schema_for!(BookedResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
