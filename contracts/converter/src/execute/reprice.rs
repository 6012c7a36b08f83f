//! Valuing foreign stake at the price of the hour (probe P1, 14-B1).

use super::send::ask;
use crate::error::ExecuteError;
use crate::state::{CONFIG, CURSOR, Config, MAX_BATCH, PRICE, Price, STAKES, Stake, save_stake};
use cosmwasm_std::{DepsMut, Env, Event, QuerierWrapper, Response, StdResult, Storage};
use mesh_accounting::Ratio;
use mesh_accounting::price::normalise;
use mesh_accounting::store::table;
use staking_api::mesh::Decimal;
use staking_api::mesh::price::{PriceResponse, QueryMsg};

/// Asks the feed; remembers the last two values.
fn ask_feed(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    config: &Config,
) -> StdResult<Result<Price, String>> {
    let answer: StdResult<PriceResponse> = querier.query_wasm_smart(&config.price_feed, &QueryMsg::Price {});
    let mut price = PRICE.get(s)?;
    let result = match answer {
        Ok(p) if p.native_per_foreign.0 > 0 => {
            let new = Ratio::from(p.native_per_foreign);
            if new != price.now {
                price.before = if price.now == Ratio::ZERO { new } else { price.now };
                price.now = new;
            }
            Ok(())
        }
        Ok(_) => Err("price is zero".to_string()),
        Err(e) => Err(e.to_string()),
    };
    price.fresh = result.is_ok();
    PRICE.save(s, &price);
    Ok(result.map(|()| price))
}

/// The price of the hour.
///
/// Refused when the feed does not answer: an increase at a stale price is what must not happen.
pub(crate) fn fresh_price(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    config: &Config,
) -> Result<Ratio, ExecuteError> {
    ask_feed(s, querier, config)?.map(|p| p.now).map_err(ExecuteError::NoPrice)
}

/// Re-values the next validators. Without a fresh price the lower of the last two values holds and only lowers.
pub(crate) fn reprice(deps: DepsMut, env: &Env, limit: Option<u32>) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let (price, only_lower) = match ask_feed(deps.storage, &deps.querier, &config)? {
        Ok(p) => (p.now, false),
        Err(_) => {
            let p = PRICE.get(deps.storage)?;
            (p.now.min(p.before), true)
        }
    };
    let limit = limit.and_then(|l| usize::try_from(l).ok()).unwrap_or(MAX_BATCH).clamp(1, MAX_BATCH);
    let after = CURSOR.may_load(deps.storage)?;
    let rows = STAKES.list(deps.storage, &[], after.as_deref().map(str::as_bytes), limit)?;
    let mut response = Response::new();
    let (mut last, done) = (None, rows.len() < limit);
    for (key, old) in rows {
        let name = table::text(key)?;
        let valued = normalise(old.foreign, price, config.adjustment);
        let new = Stake { local: if only_lower { valued.min(old.local) } else { valued }, ..old };
        save_stake(deps.storage, &name, new)?;
        let call = ask(deps.storage, env.contract.address.as_str(), &name, old.local, new.local, false)?;
        response = response.add_submessages(call);
        last = Some(name);
    }
    match last.filter(|_| !done) {
        Some(name) => CURSOR.save(deps.storage, &name),
        None => CURSOR.remove(deps.storage),
    }
    let event = Event::new("repriced")
        .add_attribute("price", Decimal::from(price).to_string())
        .add_attribute("fresh", (!only_lower).to_string())
        .add_attribute("done", done.to_string());
    Ok(response.add_event(event))
}
