//! Contracts of the Bitcoin side.

use schemars::schema_for;
use serde_json::{Value, json};

/// Schemas of the contracts, each with its name in `contract`.
pub(crate) fn all() -> Vec<Value> {
    vec![btc_light_client(), btc_staking(), btc_finality(), btc_vault()]
}

fn btc_light_client() -> Value {
    use staking_api::light_client::{
        Block, Blocks, Config, ExecuteMsg, Inclusion, InstantiateMsg, LocatedBlock, MigrateMsg, QueryMsg,
        Reorgs, SubmitHeadersResponse, Tip,
    };
    json!({
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
    })
}

fn btc_staking() -> Value {
    use staking_api::staking::{
        Config, Delegation, Delegations, ExecuteMsg, InstantiateMsg, MigrateMsg, Outbox, ParamsVersions,
        Provider, Providers, QueryMsg, SignaturesOf, VersionedParams,
    };
    json!({
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
    })
}

fn btc_finality() -> Value {
    use staking_api::finality::{
        ActiveSet, Commits, Config, Consumer, Consumers, Evidence, Evidences, ExecuteMsg, Finalized,
        FinalizedHeights, InstantiateMsg, MigrateMsg, Outbox, ProviderInfo, ProviderInfos, QueryMsg, Rewards,
        Timestamps, VoteInfo, Votes,
    };
    json!({
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
    })
}

fn btc_vault() -> Value {
    use staking_api::mesh::btc_vault::{
        BtcConfigResponse, CapacityResponse, ConsumersResponse, DelegationsResponse, ExecuteMsg,
        InstantiateMsg, QueryMsg, SettlementResponse, SlashCapacityResponse,
    };
    json!({
        "contract": "btc-vault",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "responses": {
            "delegations": schema_for!(DelegationsResponse),
            "capacity": schema_for!(CapacityResponse),
            "slash_capacity": schema_for!(SlashCapacityResponse),
            "consumers": schema_for!(ConsumersResponse),
            "settlement": schema_for!(SettlementResponse),
            "btc_config": schema_for!(BtcConfigResponse),
        },
    })
}
