//! Contracts of pairings between chains.

use schemars::schema_for;
use serde_json::{Value, json};

/// Schemas of the contracts, each with its name in `contract`.
pub(crate) fn all() -> Vec<Value> {
    vec![
        mesh_vault(),
        external_staking(),
        native_staking(),
        native_staking_proxy(),
        converter(),
        virtual_staking(),
        price_feed(),
        operator_registry(),
        custody_example(),
    ]
}

fn mesh_vault() -> Value {
    use staking_api::mesh::vault::{
        AccountClaimsResponse, AccountDetailsResponse, AccountResponse, ActiveExternalStakingResponse,
        AllAccountsResponse, AllTxsResponse, ClaimResponse, ConfigResponse, DebtsResponse, ExecuteMsg,
        InstantiateMsg, QueryMsg, Tx,
    };
    json!({
        "contract": "mesh-vault",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "responses": {
            "account": schema_for!(AccountResponse),
            "account_details": schema_for!(AccountDetailsResponse),
            "config": schema_for!(ConfigResponse),
            "active_external_staking": schema_for!(ActiveExternalStakingResponse),
            "claim": schema_for!(ClaimResponse),
            "account_claims": schema_for!(AccountClaimsResponse),
            "all_accounts": schema_for!(AllAccountsResponse),
            "pending_tx": schema_for!(Tx),
            "all_pending_txs_desc": schema_for!(AllTxsResponse),
            "debts": schema_for!(DebtsResponse),
        },
    })
}

fn external_staking() -> Value {
    use staking_api::mesh::external::{
        AllPendingRewards, AuthorizedEndpoint, ConfigResponse, ExecuteMsg, IbcChannelResponse,
        InstantiateMsg, ListActiveValidatorsResponse, ListValidatorsResponse, OutboxResponse, PendingRewards,
        QueryMsg, StakeInfo, StakesResponse, ValidatorInfo,
    };
    json!({
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
    })
}

fn native_staking() -> Value {
    use staking_api::mesh::native::{
        ConfigResponse, ExecuteMsg, InstantiateMsg, OwnerByProxyResponse, ProxyByOwnerResponse, QueryMsg,
        SudoMsg,
    };
    json!({
        "contract": "native-staking",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "sudo": schema_for!(SudoMsg),
        "responses": {
            "config": schema_for!(ConfigResponse),
            "proxy_by_owner": schema_for!(ProxyByOwnerResponse),
            "owner_by_proxy": schema_for!(OwnerByProxyResponse),
        },
    })
}

fn native_staking_proxy() -> Value {
    use staking_api::mesh::native::{
        BookedResponse, ProxyConfigResponse, ProxyExecuteMsg, ProxyInstantiateMsg, ProxyQueryMsg,
    };
    json!({
        "contract": "native-staking-proxy",
        "instantiate": schema_for!(ProxyInstantiateMsg),
        "execute": schema_for!(ProxyExecuteMsg),
        "query": schema_for!(ProxyQueryMsg),
        "responses": {
            "config": schema_for!(ProxyConfigResponse),
            "booked": schema_for!(BookedResponse),
        },
    })
}

fn converter() -> Value {
    use staking_api::mesh::converter::{
        BoostResponse, ConfigResponse, ExecuteMsg, ForeignStake, ForeignStakesResponse, InstantiateMsg,
        PriceResponse, QueryMsg,
    };
    json!({
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
    })
}

fn virtual_staking() -> Value {
    use staking_api::mesh::virtual_staking::{
        AllStakeResponse, ConfigResponse, ExecuteMsg, InstantiateMsg, QueryMsg, RequestsResponse,
        SecurityReport, StakeResponse, StatusResponse, SudoMsg,
    };
    json!({
        "contract": "virtual-staking",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "sudo": schema_for!(SudoMsg),
        "responses": {
            "config": schema_for!(ConfigResponse),
            "get_stake": schema_for!(StakeResponse),
            "get_all_stake": schema_for!(AllStakeResponse),
            "status": schema_for!(StatusResponse),
            "requests": schema_for!(RequestsResponse),
            "security_report": schema_for!(SecurityReport),
        },
    })
}

fn price_feed() -> Value {
    use staking_api::mesh::price::{
        ConfigResponse, ExecuteMsg, InstantiateMsg, PriceResponse, QueryMsg, SourcesResponse, SudoMsg,
    };
    json!({
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
    })
}

fn operator_registry() -> Value {
    use staking_api::mesh::registry::{
        BoundFpResponse, BoundValidatorResponse, ConfigResponse, DelegableResponse, ExecuteMsg,
        InstantiateMsg, OperatorResponse, OverlapResponse, QueryMsg, SelfBondResponse,
    };
    json!({
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
    })
}

fn custody_example() -> Value {
    use staking_api::mesh::custody::{
        AmountResponse, ExecuteMsg, InstantiateMsg, PositionResponse, QueryMsg,
    };
    json!({
        "contract": "custody-example",
        "instantiate": schema_for!(InstantiateMsg),
        "execute": schema_for!(ExecuteMsg),
        "query": schema_for!(QueryMsg),
        "responses": {
            "active_amount": schema_for!(AmountResponse),
            "position": schema_for!(PositionResponse),
        },
    })
}
