//! Answers of virtual-staking.

use crate::execute::liquid;
use crate::state::{BURNED, CONFIG, EPOCH, TREASURY, VALS, Val, val, vals};
use cosmwasm_std::{Deps, Env, StdError, StdResult};
use mesh_accounting::cap::by_weight;
use mesh_accounting::store::table;
use staking_api::mesh::virtual_staking::{
    AllStakeResponse, CapsResponse, ConfigResponse, Request, RequestsResponse, SecurityReport, StakeResponse,
    StatusResponse,
};
use staking_api::mesh::{Timestamp, Uint128};

pub(crate) fn config(deps: Deps) -> StdResult<ConfigResponse> {
    let c = CONFIG.load(deps.storage)?;
    Ok(ConfigResponse { denom: c.denom, converter: c.converter })
}

pub(crate) fn stake(deps: Deps, validator: &str) -> StdResult<StakeResponse> {
    Ok(StakeResponse { stake: Uint128(val(deps.storage, validator)?.bonded) })
}

pub(crate) fn all_stake(deps: Deps) -> StdResult<AllStakeResponse> {
    let stakes = vals(deps.storage)?.into_iter().filter(|(_, v)| v.bonded > 0);
    Ok(AllStakeResponse { stakes: stakes.map(|(name, v)| (name, Uint128(v.bonded))).collect() })
}

fn sum(vals: &[(String, Val)], of: impl Fn(&Val) -> u128) -> u128 {
    vals.iter().fold(0u128, |a, (_, v)| a.saturating_add(of(v)))
}

pub(crate) fn status(deps: Deps, env: &Env) -> StdResult<StatusResponse> {
    let (config, treasury) = (CONFIG.load(deps.storage)?, TREASURY.may_load(deps.storage)?);
    let (vals, epoch) = (vals(deps.storage)?, EPOCH.get(deps.storage)?);
    let liquid = match treasury {
        Some(_) => liquid(deps, env, &config).map_err(|e| StdError::msg(e.to_string()))?,
        None => 0,
    };
    Ok(StatusResponse {
        treasury: treasury.map(|t| t.shown()),
        requested: Uint128(sum(&vals, |v| v.requested)),
        bonded: Uint128(sum(&vals, |v| v.bonded)),
        liquid: Uint128(liquid),
        last_epoch: Timestamp(epoch.last.saturating_mul(1_000_000_000)),
        epochs: epoch.count,
        burned: Uint128(BURNED.get(deps.storage)?),
    })
}

pub(crate) fn requests(
    deps: Deps,
    start_after: Option<&str>,
    limit: Option<u32>,
) -> StdResult<RequestsResponse> {
    let rows = VALS.list(deps.storage, &[], start_after.map(str::as_bytes), table::page(limit))?;
    let one = |(k, v): (Vec<u8>, Val)| {
        Ok(Request {
            validator: table::text(k)?,
            requested: Uint128(v.requested),
            bonded: Uint128(v.bonded),
            inactive: !v.active || v.tombstoned,
        })
    };
    Ok(RequestsResponse { requests: rows.into_iter().map(one).collect::<StdResult<_>>()? })
}

/// Caps of several providers by their economic weight (§15-12); governance sets them or does not.
pub(crate) fn weigh_caps(total: Uint128, weights: &[Uint128]) -> CapsResponse {
    let weights: Vec<u128> = weights.iter().map(|w| w.0).collect();
    CapsResponse { caps: by_weight(total.0, &weights).into_iter().map(Uint128).collect() }
}

/// Capital an attacker needs for a third (two thirds) of all power: what is bonded honestly, times ½ (times 2).
pub(crate) fn security_report(deps: Deps) -> StdResult<SecurityReport> {
    let vals = vals(deps.storage)?;
    let (native, virtual_stake) = (sum(&vals, |v| v.native), sum(&vals, |v| v.bonded));
    let all = native.saturating_add(virtual_stake);
    Ok(SecurityReport {
        native: Uint128(native),
        virtual_stake: Uint128(virtual_stake),
        third_native: Uint128(native.div_ceil(2)),
        third_total: Uint128(all.div_ceil(2)),
        two_thirds_native: Uint128(native.saturating_mul(2)),
        two_thirds_total: Uint128(all.saturating_mul(2)),
    })
}
