//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p btc-finality --features schema --bin btc-finality-schema > contracts/btc-finality/schema/btc-finality.json`

use schemars::schema_for;
use staking_api::finality::{
    ActiveSet, Commits, Config, Consumer, Consumers, Evidence, Evidences, ExecuteMsg, Finalized,
    FinalizedHeights, InstantiateMsg, MigrateMsg, Outbox, ProviderInfo, ProviderInfos, QueryMsg, Rewards,
    Timestamps, VoteInfo, Votes,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "btc-finality",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "migrate": schema_for!(MigrateMsg),
        "responses": {
            "config": schema_for!(Config),
            "consumer": schema_for!(Option<Consumer>),
            "consumers": schema_for!(Consumers),
            "is_finalized": schema_for!(Finalized),
            "finalized_heights": schema_for!(FinalizedHeights),
            "active_set": schema_for!(ActiveSet),
            "power_table": schema_for!(Option<ActiveSet>),
            "provider": schema_for!(Option<ProviderInfo>),
            "providers": schema_for!(ProviderInfos),
            "commits": schema_for!(Commits),
            "votes": schema_for!(Votes),
            "vote": schema_for!(Option<VoteInfo>),
            "evidence": schema_for!(Option<Evidence>),
            "evidences": schema_for!(Evidences),
            "rewards": schema_for!(Rewards),
            "commission": schema_for!(Rewards),
            "timestamps": schema_for!(Timestamps),
            "outbox": schema_for!(Outbox),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
