//! Answers of the feed.

use crate::state::{ACCEPTED, CONFIG, SUBMISSIONS};
use cosmwasm_std::{Deps, Env, StdError, StdResult};
use staking_api::mesh::Timestamp;
use staking_api::mesh::price::{ConfigResponse, PriceResponse, SourcesResponse, Submission};

pub(crate) fn price(deps: Deps, env: &Env) -> StdResult<PriceResponse> {
    let (config, accepted) = (CONFIG.load(deps.storage)?, ACCEPTED.load(deps.storage)?);
    let age = env.block.time.seconds().saturating_sub(accepted.at);
    match config.ttl_s {
        Some(ttl) if age > ttl => {
            Err(StdError::msg(format!("price is outdated: {age} s old, limit {ttl} s")))
        }
        _ => Ok(PriceResponse { native_per_foreign: accepted.price.into() }),
    }
}

pub(crate) fn config(deps: Deps) -> StdResult<ConfigResponse> {
    let c = CONFIG.load(deps.storage)?;
    Ok(ConfigResponse {
        owner: c.owner,
        min_sources: c.min_sources,
        ttl_s: c.ttl_s,
        max_step: c.max_step.map(Into::into),
    })
}

pub(crate) fn sources(deps: Deps) -> StdResult<SourcesResponse> {
    let names = CONFIG.load(deps.storage)?.sources;
    let one = |source: String| {
        let sub = SUBMISSIONS.may_load(deps.storage, &[source.as_bytes()])?;
        let at = Timestamp(sub.as_ref().map_or(0, |s| s.at.saturating_mul(1_000_000_000)));
        Ok(Submission { source, native_per_foreign: sub.map(|s| s.price.into()), at })
    };
    Ok(SourcesResponse { sources: names.into_iter().map(one).collect::<StdResult<_>>()? })
}
