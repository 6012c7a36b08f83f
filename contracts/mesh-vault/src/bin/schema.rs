//! Prints the JSON schemas of the contract's messages as one object.
//!
//! `cargo run -p mesh-vault --features schema --bin mesh-vault-schema > contracts/mesh-vault/schema/mesh-vault.json`

use schemars::schema_for;
use staking_api::mesh::vault::{
    AccountClaimsResponse, AccountDetailsResponse, AccountResponse, ActiveExternalStakingResponse,
    AllAccountsResponse, AllTxsResponse, ClaimResponse, ConfigResponse, DebtsResponse, ExecuteMsg,
    InstantiateMsg, QueryMsg, Tx,
};

fn main() -> Result<(), serde_json::Error> {
    let schema = serde_json::json!({
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
    });
    let text = serde_json::to_string_pretty(&schema)?;
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).map_err(serde_json::Error::io)
}
