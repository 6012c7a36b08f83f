//! Answers of the custody.

use crate::custody::Attested;
use crate::state::{BOUND, CONFIG, CONSUMERS, POSITIONS};
use cosmwasm_std::{Binary, Deps, StdError, StdResult, to_json_binary};
use mesh_accounting::store::{Book, ExternalCustody, face};
use staking_api::mesh::btc_vault::{CapacityResponse, SlashCapacityResponse};
use staking_api::mesh::custody::{
    AmountResponse, CustodyQuery, FaultKey, Position, PositionResponse, QueryMsg,
};
use staking_api::mesh::{Timestamp, Uint128};

pub(crate) fn query(deps: Deps, msg: QueryMsg) -> StdResult<Binary> {
    let (s, denom) = (deps.storage, CONFIG.load(deps.storage)?.denom);
    match msg {
        QueryMsg::Account { account } => to_json_binary(&face::account(s, &Attested, &denom, &account)?),
        QueryMsg::AccountDetails { account } => {
            to_json_binary(&face::account_details(s, &Attested, &denom, &account)?)
        }
        QueryMsg::Claim { account, lienholder } => to_json_binary(&face::claim(s, &account, &lienholder)?),
        QueryMsg::AccountClaims { account, start_after, limit } => {
            to_json_binary(&face::account_claims(s, &account, start_after.as_deref(), limit)?)
        }
        QueryMsg::PendingTx { tx_id } => to_json_binary(&face::pending_tx(s, tx_id)?),
        QueryMsg::Debts { user } => to_json_binary(&face::debts(s, &user)?),
        QueryMsg::Custody(q) => custody(deps, q),
    }
}

fn custody(deps: Deps, q: CustodyQuery) -> StdResult<Binary> {
    match q {
        CustodyQuery::ActiveAmount { user } => {
            to_json_binary(&AmountResponse { amount: Uint128(Attested.active_amount(deps.storage, &user)?) })
        }
        CustodyQuery::Capacity { user, consumer } => to_json_binary(&capacity(deps, &user, &consumer)?),
        CustodyQuery::SlashCapacity { user } => {
            let s = Uint128(Attested.slash_capacity(deps.storage, &user)?);
            let used = Uint128(Book::totals(deps.storage, &user)?.slashable.high);
            to_json_binary(&SlashCapacityResponse { s, used })
        }
        CustodyQuery::Position { id } => to_json_binary(&position(deps, id)?),
    }
}

fn capacity(deps: Deps, user: &str, consumer: &str) -> StdResult<CapacityResponse> {
    let bound = BOUND.get(deps.storage, &[user.as_bytes(), consumer.as_bytes()])?;
    let Some(c) = CONSUMERS.may_load(deps.storage, &[consumer.as_bytes()])? else {
        return Ok(CapacityResponse { bound_sat: Uint128(bound), lien: Uint128(0), free: Uint128(0) });
    };
    let lien = Book::lien(deps.storage, user, &c.contract)?.amount.high;
    let promised = Book::totals(deps.storage, user)?.slashable.high;
    let spare = Attested.slash_capacity(deps.storage, user)?.saturating_sub(promised);
    let free = bound.saturating_sub(lien).min(c.ratio.inverse_floor(spare));
    Ok(CapacityResponse { bound_sat: Uint128(bound), lien: Uint128(lien), free: Uint128(free) })
}

fn position(deps: Deps, id: String) -> StdResult<PositionResponse> {
    let p = POSITIONS.may_load(deps.storage, &[id.as_bytes()])?;
    let p = p.ok_or_else(|| StdError::msg(format!("position {id} is not known")))?;
    let keys = p.keys.into_iter().map(|(consumer, key)| FaultKey { consumer, key }).collect();
    let position = Position {
        id,
        user: p.user,
        amount: Uint128(p.amount),
        slash_rate: p.rate.into(),
        keys,
        until: Timestamp(p.until.saturating_mul(1_000_000_000)),
    };
    Ok(PositionResponse { position, state: p.state.0 })
}
