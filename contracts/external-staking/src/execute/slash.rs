//! Slashes: one record per validator, applied to stakers later or in small steps (§6.5, §15-15).

use super::send::vault;
use crate::error::ExecuteError;
use crate::state::{CONFIG, Open, POOLS, SETTLED, SLASHES, STAKERS, Settled};
use cosmwasm_std::{DepsMut, Env, Event, Response, StdResult, Storage, SubMsg};
use mesh_accounting::Ratio;
use mesh_accounting::store::table;
use staking_api::mesh::packet::ValidatorSlash;
use staking_api::mesh::vault::{UserSlash, VaultApiExecuteMsg};
use staking_api::mesh::{Decimal, Uint128};

/// Stakers to whom a slash is applied in the packet that brings it; a constant, whatever the number of stakers.
const INLINE: usize = 8;
/// Stakers of one `settle_slash` at most.
const MAX_STEP: usize = 100;

/// Records a slash and applies it to the first few stakers.
pub(crate) fn record(
    s: &mut dyn Storage,
    env: &Env,
    slash: &ValidatorSlash,
) -> Result<(Option<SubMsg>, Event), ExecuteError> {
    let config = CONFIG.load(s)?;
    let amount = config.amount(&slash.slash_amount)?;
    let ratio = slash.slash_ratio.parse::<Decimal>().map_or(config.dsign, Ratio::from);
    let key = slash.address.as_bytes();
    let mut pool = POOLS.get(s, &[key])?;
    let (n, most) = (pool.slashes, config.dsign.max(config.offline));
    let record = pool.slash(amount, most, ratio, slash.infraction_time, env.block.time.seconds());
    POOLS.save(s, &[key], &pool);
    SLASHES.save(s, &[key, &n.to_be_bytes()], &record);
    let call = step(s, &slash.address, INLINE)?;
    let event = Event::new("validator_slashed")
        .add_attribute("validator", &slash.address)
        .add_attribute("reported", amount.to_string())
        .add_attribute("cut", record.cut.to_string());
    Ok((call, event))
}

/// Applies slashes to the next stakers of a validator.
pub(crate) fn settle_next(deps: DepsMut, validator: &str, limit: u32) -> Result<Response, ExecuteError> {
    let limit = usize::try_from(limit).unwrap_or(MAX_STEP).clamp(1, MAX_STEP);
    let call = step(deps.storage, validator, limit)?;
    let done = SETTLED.get(deps.storage, &[validator.as_bytes()])?.all;
    let event = Event::new("settle_slash").add_attribute("validator", validator);
    Ok(Response::new().add_submessages(call).add_event(event.add_attribute("settled", done.to_string())))
}

fn step(s: &mut dyn Storage, validator: &str, limit: usize) -> StdResult<Option<SubMsg>> {
    let key = validator.as_bytes();
    let (slashes, mut settled) = (POOLS.get(s, &[key])?.slashes, SETTLED.get(s, &[key])?);
    if settled.all >= slashes {
        return Ok(None);
    }
    if settled.after.is_none() {
        settled.upto = slashes;
    }
    let stakers = STAKERS.list(s, &[key], settled.after.as_deref().map(str::as_bytes), limit)?;
    let done = stakers.len() < limit;
    let mut lost = Vec::with_capacity(stakers.len());
    for (user, ()) in stakers {
        let user = table::text(user)?;
        let mut open = Open::load(s, &user, validator)?;
        open.settle(s)?;
        if open.lost > 0 {
            lost.push(UserSlash { user: user.clone(), slash: Uint128(open.lost) });
        }
        open.close(s, |_| ())?;
        settled.after = Some(user);
    }
    if done {
        settled = Settled { all: settled.upto, upto: settled.upto, after: None };
    }
    SETTLED.save(s, &[key], &settled);
    if lost.is_empty() {
        return Ok(None);
    }
    vault(s, &VaultApiExecuteMsg::CrossSlash { slashes: lost, validator: validator.into() }).map(Some)
}
