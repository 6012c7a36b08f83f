//! Answers of the vault.

use crate::custody::Coins;
use crate::state::{COLLATERAL, CONFIG, LOCAL};
use cosmwasm_std::{Binary, Deps, StdResult, to_json_binary};
use mesh_accounting::store::{Book, face, table};
use staking_api::mesh::vault::{
    ActiveExternalStakingResponse, AllAccountsItem, AllAccountsResponse, AllTxsResponse, ConfigResponse,
    QueryMsg,
};

pub(crate) fn query(deps: Deps, msg: QueryMsg) -> StdResult<Binary> {
    let (s, denom) = (deps.storage, CONFIG.load(deps.storage)?.denom);
    let local = LOCAL.may_load(s)?.map(|l| l.contract);
    match msg {
        QueryMsg::Account { account } => to_json_binary(&face::account(s, &Coins, &denom, &account)?),
        QueryMsg::AccountDetails { account } => {
            to_json_binary(&face::account_details(s, &Coins, &denom, &account)?)
        }
        QueryMsg::Config {} => to_json_binary(&ConfigResponse { denom, local_staking: local }),
        QueryMsg::ActiveExternalStaking {} => {
            let mut contracts = Book::holders(s, 100)?;
            contracts.retain(|c| local.as_ref() != Some(c));
            to_json_binary(&ActiveExternalStakingResponse { contracts })
        }
        QueryMsg::Claim { account, lienholder } => to_json_binary(&face::claim(s, &account, &lienholder)?),
        QueryMsg::AccountClaims { account, start_after, limit } => {
            to_json_binary(&face::account_claims(s, &account, start_after.as_deref(), limit)?)
        }
        QueryMsg::AllAccounts { with_collateral, start_after, limit } => {
            let rows =
                COLLATERAL.list(s, &[], start_after.as_deref().map(str::as_bytes), table::page(limit))?;
            let rows = rows.into_iter().filter(|(_, c)| !with_collateral || *c > 0);
            let one = |(k, _): (Vec<u8>, u128)| {
                let user = table::text(k)?;
                let account = face::account(s, &Coins, &denom, &user)?;
                Ok(AllAccountsItem { user, account })
            };
            to_json_binary(&AllAccountsResponse { accounts: rows.map(one).collect::<StdResult<_>>()? })
        }
        QueryMsg::PendingTx { tx_id } => to_json_binary(&face::pending_tx(s, tx_id)?),
        QueryMsg::AllPendingTxsDesc { start_after, limit } => {
            let txs = Book::pending_desc(s, start_after, table::page(limit))?;
            let txs = txs.into_iter().map(|(id, tx)| face::tx(id, tx)).collect();
            to_json_binary(&AllTxsResponse { txs })
        }
        QueryMsg::Debts { user } => to_json_binary(&face::debts(s, &user)?),
    }
}
