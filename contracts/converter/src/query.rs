//! Answers of the converter.

use crate::state::{CONFIG, POTS, PRICE, STAKES, Stake, TOTAL, VIRTUAL, stake};
use cosmwasm_std::{Deps, StdResult};
use mesh_accounting::store::outbox::Outbox;
use mesh_accounting::store::table;
use staking_api::mesh::converter::{
    BoostResponse, ConfigResponse, ForeignStake, ForeignStakesResponse, PriceResponse,
};
use staking_api::mesh::external::OutboxResponse;
use staking_api::mesh::{Range, Timestamp, Uint128};

pub(crate) fn config(deps: Deps) -> StdResult<ConfigResponse> {
    let c = CONFIG.load(deps.storage)?;
    Ok(ConfigResponse {
        price_feed: c.price_feed,
        adjustment: c.adjustment.into(),
        virtual_staking: VIRTUAL.load(deps.storage)?,
        remote_denom: c.remote_denom,
        local_denom: c.local_denom,
    })
}

fn shown(validator: String, s: Stake) -> ForeignStake {
    ForeignStake { validator, foreign: Uint128(s.foreign), local: Uint128(s.local) }
}

pub(crate) fn foreign_stake(deps: Deps, validator: String) -> StdResult<ForeignStake> {
    let s = stake(deps.storage, &validator)?;
    Ok(shown(validator, s))
}

pub(crate) fn foreign_stakes(
    deps: Deps,
    start_after: Option<&str>,
    limit: Option<u32>,
) -> StdResult<ForeignStakesResponse> {
    let rows = STAKES.list(deps.storage, &[], start_after.map(str::as_bytes), table::page(limit))?;
    let stakes = rows.into_iter().map(|(k, s)| Ok(shown(table::text(k)?, s))).collect::<StdResult<_>>()?;
    let total = TOTAL.get(deps.storage)?;
    Ok(ForeignStakesResponse {
        stakes,
        total_foreign: Uint128(total.foreign),
        total_local: Uint128(total.local),
    })
}

pub(crate) fn outbox(deps: Deps) -> StdResult<OutboxResponse> {
    let next = Outbox::PACKETS.next_at(deps.storage)?;
    Ok(OutboxResponse {
        packets: Outbox::PACKETS.len(deps.storage)?,
        vault_calls: 0,
        next_at: next.map(|t| Timestamp(t.saturating_mul(1_000_000_000))),
    })
}

pub(crate) fn boost(deps: Deps) -> StdResult<BoostResponse> {
    let p = POTS.get(deps.storage)?;
    Ok(BoostResponse {
        pool: Uint128(p.boost),
        per_epoch: Uint128(p.boost_per_epoch),
        epoch_s: p.boost_epoch_s,
        next_at: Timestamp(p.boost_next.saturating_mul(1_000_000_000)),
        paid: Uint128(p.boost_paid),
    })
}

pub(crate) fn price(deps: Deps) -> StdResult<PriceResponse> {
    let p = PRICE.get(deps.storage)?;
    let last_two = Range { l: Uint128(p.now.min(p.before).0), h: Uint128(p.now.max(p.before).0) };
    Ok(PriceResponse { native_per_foreign: p.now.into(), last_two, fresh: p.fresh })
}
