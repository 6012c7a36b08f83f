//! The end of timelocks: a delegation so near to it that unbonding would not end in time backs nothing (§16.3, §16.4).
//!
//! btc-staking reports the end itself; the policy's margin before it is the vault's own, by the light client's tip.

use super::rebalance;
use crate::custody::Bitcoin;
use crate::error::ExecuteError;
use crate::state::{CONFIG, ENDING};
use contract_host::peers::LightClient;
use cosmwasm_std::{Addr, Event, QuerierWrapper, Response, StdError, StdResult, Storage};
use mesh_accounting::store::{ExternalCustody, table};

/// Delegations of one `expire` at most.
const MAX_STEP: usize = 50;
/// Delegations taken out before a lien is made.
const INLINE: usize = 10;

/// Takes the next delegations out whose end is near.
pub(super) fn expire(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    limit: u32,
) -> Result<Response, ExecuteError> {
    let limit = usize::try_from(limit).unwrap_or(MAX_STEP).clamp(1, MAX_STEP);
    let (response, more) = step(s, querier, limit)?;
    Ok(response.add_event(Event::new("expired").add_attribute("more", more.to_string())))
}

/// New liens are made on what is left; refused while more is due than this message can take out.
pub(super) fn before_lien(s: &mut dyn Storage, querier: &QuerierWrapper) -> Result<Response, ExecuteError> {
    match step(s, querier, INLINE)? {
        (response, false) => Ok(response),
        (_, true) => Err(ExecuteError::ExpiryPending),
    }
}

/// Takes up to `limit` delegations out and says whether more are due.
fn step(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    limit: usize,
) -> Result<(Response, bool), ExecuteError> {
    let config = CONFIG.load(s)?;
    let Some(light_client) = config.light_client else { return Ok((Response::new(), false)) };
    let tip = LightClient(Addr::unchecked(light_client)).tip(querier)?.context.height();
    let until = tip.saturating_add(config.expiry_margin);
    let mut response = Response::new();
    for (i, (key, ())) in ENDING.list(s, &[], None, limit + 1)?.into_iter().enumerate() {
        let (last_call, txid) = read(&key)?;
        if last_call > until {
            break;
        }
        if i == limit {
            return Ok((response, true));
        }
        ENDING.remove(s, &[&key]);
        // Nothing happens to one that has left some other way.
        if let Some(user) = Bitcoin.on_exit(s, &txid)? {
            let (burns, cuts) = rebalance(s, &user, None)?;
            let event =
                Event::new("delegation_expired").add_attribute("txid", txid).add_attribute("user", user);
            response = response.add_event(event).add_submessages(burns).add_events(cuts);
        }
    }
    Ok((response, false))
}

/// Key of a delegation in the order of ends.
pub(super) fn key(last_call: u32, txid: &str) -> Vec<u8> {
    [&last_call.to_be_bytes(), txid.as_bytes()].concat()
}

fn read(key: &[u8]) -> StdResult<(u32, String)> {
    let (height, txid) = key.split_first_chunk().ok_or_else(|| StdError::msg("key of an end is damaged"))?;
    Ok((u32::from_be_bytes(*height), table::text(txid.to_vec())?))
}
