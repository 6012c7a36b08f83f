//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p external-staking --features schema --bin external-staking-schema > contracts/external-staking/schema/external-staking.json`

use schemars::schema_for;
use staking_api::mesh::external::{
    AllPendingRewards, AuthorizedEndpoint, ConfigResponse, ExecuteMsg, IbcChannelResponse, InstantiateMsg,
    ListActiveValidatorsResponse, ListValidatorsResponse, OutboxResponse, PendingRewards, QueryMsg,
    StakeInfo, StakesResponse, ValidatorInfo,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
        "contract": "external-staking",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "responses": {
            "config": schema_for!(ConfigResponse),
            "authorized_endpoint": schema_for!(AuthorizedEndpoint),
            "ibc_channel": schema_for!(IbcChannelResponse),
            "list_active_validators": schema_for!(ListActiveValidatorsResponse),
            "list_validators": schema_for!(ListValidatorsResponse),
            "stake": schema_for!(StakeInfo),
            "stakes": schema_for!(StakesResponse),
            "pending_rewards": schema_for!(PendingRewards),
            "all_pending_rewards": schema_for!(AllPendingRewards),
            "validator": schema_for!(ValidatorInfo),
            "outbox": schema_for!(OutboxResponse),
        },
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
