//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p btc-staking --features schema --bin btc-staking-schema > contracts/btc-staking/schema/btc-staking.json`

use schemars::schema_for;
use staking_api::staking::{
    Config, Delegation, Delegations, ExecuteMsg, InstantiateMsg, MigrateMsg, Outbox, ParamsVersions,
    Provider, Providers, QueryMsg, SignaturesOf, VersionedParams,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "btc-staking",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "migrate": schema_for!(MigrateMsg),
        "responses": {
            "config": schema_for!(Config),
            "params_versions": schema_for!(ParamsVersions),
            "params_at": schema_for!(VersionedParams),
            "provider": schema_for!(Option<Provider>),
            "providers": schema_for!(Providers),
            "delegation": schema_for!(Option<Delegation>),
            "delegations": schema_for!(Delegations),
            "pending_for": schema_for!(Delegations),
            "covenant_signatures": schema_for!(SignaturesOf),
            "outbox": schema_for!(Outbox),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
