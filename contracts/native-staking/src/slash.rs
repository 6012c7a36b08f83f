//! Slashes of the own chain, reported to the vault before or after they happen.

use crate::error::ExecuteError;
use crate::state::{CONFIG, CURSOR, PROXIES, STAKERS};
use cosmwasm_std::{DepsMut, Event, QuerierWrapper, Response, StdResult, WasmMsg, to_json_binary};
use mesh_accounting::Ratio;
use mesh_accounting::store::{amount_of, table};
use staking_api::mesh::native::{BookedResponse, ProxyExecuteMsg, ProxyQueryMsg};
use staking_api::mesh::vault::{UserSlash, VaultApiExecuteMsg};
use staking_api::mesh::{Coin, Uint128};

/// Owners of one message at most; what is left shows in the books and is found by `report_slash`.
const MAX_STEP: usize = 100;

fn delegated(querier: &QuerierWrapper, proxy: &str, validator: &str) -> StdResult<u128> {
    querier.query_delegation(proxy, validator)?.map_or(Ok(0), |d| amount_of(d.amount.amount))
}

fn booked(querier: &QuerierWrapper, proxy: &str, validator: &str) -> StdResult<u128> {
    let ask = ProxyQueryMsg::Booked { validator: validator.into() };
    Ok(querier.query_wasm_smart::<BookedResponse>(proxy, &ask)?.amount.0)
}

/// The chain is about to slash: the nominal ratio of every present delegation.
pub(crate) fn jailing(
    mut deps: DepsMut,
    jailed: &[String],
    tombstoned: &[String],
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let mut response = Response::new();
    let faults =
        tombstoned.iter().map(|v| (v, config.dsign)).chain(jailed.iter().map(|v| (v, config.offline)));
    for (validator, ratio) in faults {
        response = each(deps.branch(), response, validator, None, MAX_STEP, |querier, proxy| {
            Ok(Ratio::floor(ratio, delegated(querier, proxy, validator)?))
        })?
        .0;
    }
    Ok(response)
}

/// Compares books with delegations, some owners at a time.
pub(crate) fn report(deps: DepsMut, validator: &str, limit: u32) -> Result<Response, ExecuteError> {
    let limit = usize::try_from(limit).unwrap_or(MAX_STEP).clamp(1, MAX_STEP);
    let key: &[&[u8]] = &[validator.as_bytes()];
    let after = CURSOR.may_load(deps.storage, key)?;
    let mut deps = deps;
    let (response, last) =
        each(deps.branch(), Response::new(), validator, after, limit, |querier, proxy| {
            let lost =
                booked(querier, proxy, validator)?.saturating_sub(delegated(querier, proxy, validator)?);
            // A unit may go in the chain's conversion between shares and tokens.
            Ok(if lost > 1 { lost } else { 0 })
        })?;
    match last {
        Some(last) => CURSOR.save(deps.storage, key, &last),
        None => CURSOR.remove(deps.storage, key),
    }
    Ok(response)
}

/// Reports to the vault what the next owners with a validator lose, in one message, and has their proxies follow.
fn each(
    deps: DepsMut,
    mut response: Response,
    validator: &str,
    after: Option<String>,
    limit: usize,
    lost: impl Fn(&QuerierWrapper, &str) -> StdResult<u128>,
) -> Result<(Response, Option<String>), ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let after = after.as_deref().map(str::as_bytes);
    let owners = STAKERS.list(deps.storage, &[validator.as_bytes()], after, limit)?;
    let full = owners.len() == limit;
    let (mut slashes, mut last) = (Vec::new(), None);
    for (owner, ()) in owners {
        let owner = table::text(owner)?;
        if let Some(proxy) = PROXIES.may_load(deps.storage, &[owner.as_bytes()])? {
            let amount = lost(&deps.querier, &proxy)?;
            if amount > 0 {
                let coin = Coin::new(amount, config.denom.clone());
                let msg =
                    to_json_binary(&ProxyExecuteMsg::Slashed { validator: validator.into(), amount: coin })?;
                response =
                    response.add_message(WasmMsg::Execute { contract_addr: proxy, msg, funds: vec![] });
                slashes.push(UserSlash { user: owner.clone(), slash: Uint128(amount) });
            }
        }
        last = Some(owner);
    }
    let event = Event::new("local_slash").add_attribute("validator", validator);
    response = response.add_event(event.add_attribute("users", slashes.len().to_string()));
    if !slashes.is_empty() {
        let msg = to_json_binary(&VaultApiExecuteMsg::LocalSlash { slashes, validator: validator.into() })?;
        response = response.add_message(WasmMsg::Execute { contract_addr: config.vault, msg, funds: vec![] });
    }
    Ok((response, last.filter(|_| full)))
}
