//! Set-up and the owner's settings.

use crate::error::{ExecuteError, InstantiateError};
use crate::state::{CONFIG, Config, KEYS, MAX_LIST, POWERS};
use cosmwasm_std::{Api, DepsMut, Event, MessageInfo, Response, StdResult};
use mesh_accounting::Ratio;
use staking_api::mesh::registry::{InstantiateMsg, Penalty};
use staking_api::mesh::{Binary, Decimal, Uint128};

/// Most reporters and vaults.
const MAX_NAMED: usize = 64;

pub(crate) fn instantiate(deps: DepsMut, msg: &InstantiateMsg) -> Result<Response, InstantiateError> {
    let mut config = Config {
        owner: deps.api.addr_validate(&msg.owner)?.into_string(),
        reporters: addresses(deps.api, &msg.reporters)?,
        vaults: vec![],
        jail: false,
        slash: Ratio::ZERO,
    };
    config.set_penalty(checked(msg.penalty)?);
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("operator_registry").add_attribute("owner", config.owner)))
}

fn checked(p: Penalty) -> Result<Penalty, InstantiateError> {
    match p {
        Penalty::Slash { ratio } if ratio > Decimal::ONE => Err(InstantiateError::Ratio(ratio)),
        p => Ok(p),
    }
}

fn addresses(api: &dyn Api, names: &[String]) -> StdResult<Vec<String>> {
    names.iter().map(|n| Ok(api.addr_validate(n)?.into_string())).collect()
}

fn few(count: usize, max: usize) -> Result<(), ExecuteError> {
    if count > max { Err(ExecuteError::TooMany { count, max }) } else { Ok(()) }
}

fn change(
    deps: DepsMut,
    info: &MessageInfo,
    change: impl FnOnce(&mut Config, &dyn Api) -> Result<(), ExecuteError>,
) -> Result<Response, ExecuteError> {
    let mut config = CONFIG.load(deps.storage)?;
    config.only_owner(info)?;
    change(&mut config, deps.api)?;
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("registry_set")))
}

pub(crate) fn set_penalty(deps: DepsMut, info: &MessageInfo, p: Penalty) -> Result<Response, ExecuteError> {
    let p = checked(p)?;
    change(deps, info, |c, _| {
        c.set_penalty(p);
        Ok(())
    })
}

pub(crate) fn set_reporters(
    deps: DepsMut,
    info: &MessageInfo,
    names: &[String],
) -> Result<Response, ExecuteError> {
    few(names.len(), MAX_NAMED)?;
    change(deps, info, |c, api| {
        c.reporters = addresses(api, names)?;
        Ok(())
    })
}

pub(crate) fn set_vaults(
    deps: DepsMut,
    info: &MessageInfo,
    names: &[String],
) -> Result<Response, ExecuteError> {
    few(names.len(), MAX_NAMED)?;
    change(deps, info, |c, api| {
        c.vaults = addresses(api, names)?;
        Ok(())
    })
}

pub(crate) fn set_powers(
    deps: DepsMut,
    info: &MessageInfo,
    chain: &str,
    powers: &[(String, Uint128)],
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_reporter(info)?;
    few(powers.len(), MAX_LIST)?;
    for (valoper, power) in powers {
        let key: [&[u8]; 2] = [chain.as_bytes(), valoper.as_bytes()];
        if power.0 == 0 {
            POWERS.remove(deps.storage, &key)
        } else {
            POWERS.save(deps.storage, &key, &power.0)
        }
    }
    Ok(Response::new().add_event(Event::new("powers_set").add_attribute("chain_id", chain)))
}

pub(crate) fn publish_keys(
    deps: DepsMut,
    info: &MessageInfo,
    chain: &str,
    keys: &[(String, Binary)],
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    few(keys.len(), MAX_LIST)?;
    for (valoper, key) in keys {
        KEYS.save(deps.storage, &[chain.as_bytes(), valoper.as_bytes()], &key.0);
    }
    Ok(Response::new().add_event(Event::new("keys_published").add_attribute("chain_id", chain)))
}
