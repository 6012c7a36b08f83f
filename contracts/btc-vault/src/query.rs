//! Answers of the vault.

use crate::custody::Bitcoin;
use crate::state::{BOUND, BY_USER, CONFIG, CONSUMERS, Consumer, DELEGATIONS, SAT, SLASHED, SUMS};
use cosmwasm_std::{Binary, Deps, StdError, StdResult, to_json_binary};
use mesh_accounting::store::{Book, ExternalCustody, face, table};
use staking_api::mesh::btc_vault::{
    Backing, BtcConfigResponse, CapacityResponse, ConsumerInfo, ConsumersResponse, DelegationInfo,
    DelegationsResponse, FpOf, QueryMsg, SettlementResponse, SlashCapacityResponse,
};
use staking_api::mesh::custody::{
    AmountResponse, CustodyQuery, FaultKey, Position, PositionResponse, PositionState,
};
use staking_api::mesh::vault::{
    ActiveExternalStakingResponse, AllAccountsItem, AllAccountsResponse, AllTxsResponse, ConfigResponse,
};
use staking_api::mesh::{Timestamp, Uint128};

type After = Option<String>;
/// Consumers looked at for a report.
const MAX_CONSUMERS: usize = 1_000;

pub(crate) fn query(deps: Deps, msg: QueryMsg) -> StdResult<Binary> {
    let s = deps.storage;
    match msg {
        QueryMsg::Account { account } => to_json_binary(&face::account(s, &Bitcoin, SAT, &account)?),
        QueryMsg::AccountDetails { account } => {
            to_json_binary(&face::account_details(s, &Bitcoin, SAT, &account)?)
        }
        QueryMsg::Config {} => to_json_binary(&ConfigResponse { denom: SAT.into(), local_staking: None }),
        QueryMsg::ActiveExternalStaking {} => {
            to_json_binary(&ActiveExternalStakingResponse { contracts: Book::holders(s, 100)? })
        }
        QueryMsg::Claim { account, lienholder } => to_json_binary(&face::claim(s, &account, &lienholder)?),
        QueryMsg::AccountClaims { account, start_after, limit } => {
            to_json_binary(&face::account_claims(s, &account, start_after.as_deref(), limit)?)
        }
        QueryMsg::AllAccounts { with_collateral, start_after, limit } => {
            to_json_binary(&all_accounts(deps, with_collateral, start_after, limit)?)
        }
        QueryMsg::PendingTx { tx_id } => to_json_binary(&face::pending_tx(s, tx_id)?),
        QueryMsg::AllPendingTxsDesc { start_after, limit } => {
            let txs = Book::pending_desc(s, start_after, table::page(limit))?;
            let txs = txs.into_iter().map(|(id, tx)| face::tx(id, tx)).collect();
            to_json_binary(&AllTxsResponse { txs })
        }
        QueryMsg::Delegations { user, start_after, limit } => {
            to_json_binary(&delegations(deps, &user, start_after, limit)?)
        }
        QueryMsg::Capacity { user, consumer } => to_json_binary(&capacity(deps, &user, &consumer)?),
        QueryMsg::SlashCapacity { user } => to_json_binary(&slash_capacity(deps, &user)?),
        QueryMsg::Debts { user } => to_json_binary(&face::debts(s, &user)?),
        QueryMsg::Consumers { start_after, limit } => to_json_binary(&consumers(deps, start_after, limit)?),
        QueryMsg::Settlement { fp_pk } => to_json_binary(&settlement(deps, &fp_pk)?),
        QueryMsg::BtcConfig {} => to_json_binary(&config(deps)?),
        QueryMsg::Custody(q) => custody(deps, q),
    }
}

fn custody(deps: Deps, q: CustodyQuery) -> StdResult<Binary> {
    match q {
        CustodyQuery::ActiveAmount { user } => {
            let amount = Uint128(Bitcoin.active_amount(deps.storage, &user)?);
            to_json_binary(&AmountResponse { amount })
        }
        CustodyQuery::Capacity { user, consumer } => to_json_binary(&capacity(deps, &user, &consumer)?),
        CustodyQuery::SlashCapacity { user } => to_json_binary(&slash_capacity(deps, &user)?),
        CustodyQuery::Position { id } => to_json_binary(&position(deps, id)?),
    }
}

fn all_accounts(
    deps: Deps,
    with_collateral: bool,
    after: After,
    limit: Option<u32>,
) -> StdResult<AllAccountsResponse> {
    let rows = SUMS.list(deps.storage, &[], after.as_deref().map(str::as_bytes), table::page(limit))?;
    let rows = rows.into_iter().filter(|(_, sums)| !with_collateral || sums.sat > 0);
    let one = |(k, _): (Vec<u8>, _)| {
        let user = table::text(k)?;
        let account = face::account(deps.storage, &Bitcoin, SAT, &user)?;
        Ok(AllAccountsItem { user, account })
    };
    Ok(AllAccountsResponse { accounts: rows.map(one).collect::<StdResult<_>>()? })
}

fn delegations(deps: Deps, user: &str, after: After, limit: Option<u32>) -> StdResult<DelegationsResponse> {
    let key: &[&[u8]] = &[user.as_bytes()];
    let rows = BY_USER.list(deps.storage, key, after.as_deref().map(str::as_bytes), table::page(limit))?;
    let one = |(k, ()): (Vec<u8>, ())| {
        let txid = table::text(k)?;
        let d = DELEGATIONS.load(deps.storage, &[txid.as_bytes()])?;
        let fps = d.fps.into_iter().map(|(consumer, fp_pk)| FpOf { consumer, fp_pk }).collect();
        Ok(DelegationInfo {
            txid,
            sat: d.sat,
            slash_rate: d.rate.into(),
            fps,
            start_height: d.start,
            end_height: d.end,
            unbonding_blocks: d.unbonding,
            state: d.state.0,
        })
    };
    Ok(DelegationsResponse { delegations: rows.into_iter().map(one).collect::<StdResult<_>>()? })
}

fn capacity(deps: Deps, user: &str, consumer: &str) -> StdResult<CapacityResponse> {
    let bound = BOUND.get(deps.storage, &[user.as_bytes(), consumer.as_bytes()])?;
    let Some(c) = CONSUMERS.may_load(deps.storage, &[consumer.as_bytes()])? else {
        return Ok(CapacityResponse { bound_sat: Uint128(bound), lien: Uint128(0), free: Uint128(0) });
    };
    let lien = Book::lien(deps.storage, user, &c.contract)?.amount.high;
    let collateral = Bitcoin.active_amount(deps.storage, user)?;
    let by_amount = bound.min(collateral).saturating_sub(lien);
    let spare = Bitcoin
        .slash_capacity(deps.storage, user)?
        .saturating_sub(Book::totals(deps.storage, user)?.slashable.high);
    let free = if c.paused { 0 } else { by_amount.min(c.ratio.inverse_floor(spare)) };
    Ok(CapacityResponse { bound_sat: Uint128(bound), lien: Uint128(lien), free: Uint128(free) })
}

fn slash_capacity(deps: Deps, user: &str) -> StdResult<SlashCapacityResponse> {
    let s = Uint128(Bitcoin.slash_capacity(deps.storage, user)?);
    Ok(SlashCapacityResponse { s, used: Uint128(Book::totals(deps.storage, user)?.slashable.high) })
}

fn consumers(deps: Deps, after: After, limit: Option<u32>) -> StdResult<ConsumersResponse> {
    let rows = CONSUMERS.list(deps.storage, &[], after.as_deref().map(str::as_bytes), table::page(limit))?;
    let together = sharers(deps)?;
    let one = |(k, c): (Vec<u8>, Consumer)| {
        let lien = Book::held_by(deps.storage, &c.contract)?;
        let sharers = if c.shared { together.max(1) } else { 1 };
        Ok(ConsumerInfo {
            consumer: table::text(k)?,
            lien_sat: Uint128(lien),
            sharers,
            own_sat: Uint128(lien / u128::from(sharers)),
            external_staking: c.contract,
            slash_dsign: c.ratio.into(),
            cap_sat: c.cap,
            paused: c.paused,
            shared: c.shared,
        })
    };
    Ok(ConsumersResponse { consumers: rows.into_iter().map(one).collect::<StdResult<_>>()? })
}

/// Consumers with liens that count once together; none in strict mode.
fn sharers(deps: Deps) -> StdResult<u32> {
    if !CONFIG.load(deps.storage)?.shared {
        return Ok(0);
    }
    let mut count = 0u32;
    for (_, c) in CONSUMERS.list(deps.storage, &[], None, MAX_CONSUMERS)? {
        let counts = c.shared && Book::held_by(deps.storage, &c.contract)? > 0;
        count = count.saturating_add(counts.into());
    }
    Ok(count)
}

fn settlement(deps: Deps, fp: &str) -> StdResult<SettlementResponse> {
    let found = SLASHED.may_load(deps.storage, &[fp.as_bytes()])?;
    Ok(SettlementResponse {
        slashed: found.is_some(),
        done: found.as_ref().is_some_and(|p| p.done),
        delegations_settled: found.as_ref().map_or(0, |p| p.count),
        sat_settled: Uint128(found.map_or(0, |p| p.sat)),
    })
}

fn config(deps: Deps) -> StdResult<BtcConfigResponse> {
    let c = CONFIG.load(deps.storage)?;
    let policy = c.policy();
    Ok(BtcConfigResponse {
        btc_staking: c.btc_staking,
        btc_finality: c.btc_finality,
        registry: c.registry,
        light_client: c.light_client,
        owner: c.owner,
        policy,
    })
}

/// A delegation as any custody shows a position. The end of the lock is a Bitcoin height, not a time.
fn position(deps: Deps, id: String) -> StdResult<PositionResponse> {
    let d = DELEGATIONS.may_load(deps.storage, &[id.as_bytes()])?;
    let d = d.ok_or_else(|| StdError::msg(format!("no delegation {id}")))?;
    let state = match d.state.0 {
        Backing::Active => PositionState::Active,
        Backing::Exiting => PositionState::Exiting,
        Backing::Slashed => PositionState::Slashed,
        Backing::Quarantined | Backing::TooShort => PositionState::Proposed,
    };
    let keys = d.fps.into_iter().map(|(consumer, key)| FaultKey { consumer, key }).collect();
    let position = Position {
        id,
        user: d.user,
        amount: Uint128(d.sat.into()),
        slash_rate: d.rate.into(),
        keys,
        until: Timestamp(0),
    };
    Ok(PositionResponse { position, state })
}
