//! What happened to validators, told to the converter: by the chain module, or found by comparing.
//!
//! A plain chain does not tell contracts of slashes. But a slash shows in the contract's own delegation, which is
//! then smaller than what it booked; the difference is exactly what the provider chain's stakers have to lose.

use crate::Response;
use crate::error::ExecuteError;
use crate::state::{CONFIG, Config, MAX_VALIDATORS, TREASURY, Val, owned_treasury, save_val, val, vals};
use cosmwasm_std::{
    DepsMut, Env, Event, MessageInfo, QuerierWrapper, StdResult, Storage, WasmMsg, to_json_binary,
};
use mesh_accounting::Ratio;
use mesh_accounting::store::amount_of;
use staking_api::mesh::converter::{ExecuteMsg as ConverterMsg, Validator};
use staking_api::mesh::virtual_staking::ValidatorSlashInfo;
use staking_api::mesh::{Decimal, Uint128};
use std::collections::BTreeMap;

/// Changes of the validator set, as the converter takes them.
#[derive(Default)]
pub(crate) struct ValsetUpdate {
    pub(crate) additions: Vec<Validator>,
    pub(crate) removals: Vec<String>,
    pub(crate) updated: Vec<Validator>,
    pub(crate) jailed: Vec<String>,
    pub(crate) unjailed: Vec<String>,
    pub(crate) tombstoned: Vec<String>,
    pub(crate) slashed: Vec<ValidatorSlashInfo>,
}

impl ValsetUpdate {
    pub(crate) fn is_empty(&self) -> bool {
        self.additions.is_empty()
            && self.removals.is_empty()
            && self.updated.is_empty()
            && self.jailed.is_empty()
            && self.unjailed.is_empty()
            && self.tombstoned.is_empty()
            && self.slashed.is_empty()
    }

    pub(crate) fn message(self, config: &Config) -> StdResult<WasmMsg> {
        let msg = to_json_binary(&ConverterMsg::ValsetUpdate {
            additions: self.additions,
            removals: self.removals,
            updated: self.updated,
            jailed: self.jailed,
            unjailed: self.unjailed,
            tombstoned: self.tombstoned,
            slashed: self.slashed,
        })?;
        Ok(WasmMsg::Execute { contract_addr: config.converter.clone(), msg, funds: vec![] })
    }
}

/// Compares the chain with the books: set changes, and slashes since `last` (seconds). Books them.
pub(crate) fn find_changes(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    env: &Env,
    last: u64,
) -> Result<ValsetUpdate, ExecuteError> {
    let mut update = ValsetUpdate::default();
    if TREASURY.may_load(s)?.is_none() {
        return Ok(update);
    }
    let mut set: BTreeMap<String, Validator> = BTreeMap::new();
    for v in querier.query_all_validators()?.into_iter().take(MAX_VALIDATORS) {
        set.insert(v.address.clone(), wire_validator(&v));
    }
    for (name, mut v) in vals(s)? {
        let before = v.clone();
        let in_set = set.remove(&name);
        find_slash(&mut update, querier, env, last, &name, &mut v)?;
        match (v.active, in_set) {
            (true, None) => update.removals.push(name.clone()),
            (false, Some(info)) if !v.tombstoned => update.additions.push(info),
            _ => {}
        }
        v.active = !update.removals.contains(&name)
            && (v.active || update.additions.iter().any(|a| a.address == name));
        if v != before {
            save_val(s, &name, &v);
        }
    }
    for (name, info) in set {
        save_val(s, &name, &Val { active: true, ..Val::default() });
        update.additions.push(info);
    }
    Ok(update)
}

fn wire_validator(v: &cosmwasm_std::ValidatorMetadata) -> Validator {
    let decimal = |d: cosmwasm_std::Decimal| Decimal(d.atomics().u128());
    Validator {
        address: v.address.clone(),
        commission: decimal(v.commission),
        max_commission: decimal(v.max_commission),
        max_change_rate: decimal(v.max_change_rate),
    }
}

fn find_slash(
    update: &mut ValsetUpdate,
    querier: &QuerierWrapper,
    env: &Env,
    last: u64,
    name: &str,
    v: &mut Val,
) -> Result<(), ExecuteError> {
    if v.bonded == 0 {
        return Ok(());
    }
    let found = querier.query_delegation(env.contract.address.as_str(), name)?;
    let actual = found.map_or(Ok(0), |d| amount_of(d.amount.amount))?;
    let lost = v.bonded.saturating_sub(actual);
    // A unit may go in the chain's conversion between shares and tokens.
    if lost > 1 {
        update.slashed.push(ValidatorSlashInfo {
            address: name.into(),
            height: env.block.height,
            time: env.block.time.seconds(),
            infraction_height: env.block.height,
            infraction_time: last,
            power: 0,
            slash_amount: Uint128(lost),
            slash_ratio: Decimal::from(Ratio::of(lost, v.bonded)).to_string(),
            is_tombstoned: false,
        });
        v.requested = v.requested.saturating_sub(lost);
    }
    v.bonded = actual;
    Ok(())
}

/// A report of the chain module.
pub(crate) fn by_chain(deps: DepsMut, update: ValsetUpdate) -> Result<Response, ExecuteError> {
    if TREASURY.may_load(deps.storage)?.is_some() {
        return Err(ExecuteError::WrongPowerSource("a treasury finds changes by itself"));
    }
    for slash in &update.slashed {
        let mut v = val(deps.storage, &slash.address)?;
        v.bonded = v.bonded.saturating_sub(slash.slash_amount.0);
        v.requested = v.requested.saturating_sub(slash.slash_amount.0);
        save_val(deps.storage, &slash.address, &v);
    }
    let gone = update.tombstoned.iter().map(|n| (n, true)).chain(update.removals.iter().map(|n| (n, false)));
    for (name, tombstoned) in gone {
        let mut v = val(deps.storage, name)?;
        v.active = false;
        v.tombstoned |= tombstoned;
        save_val(deps.storage, name, &v);
    }
    for added in &update.additions {
        let mut v = val(deps.storage, &added.address)?;
        v.active = !v.tombstoned;
        save_val(deps.storage, &added.address, &v);
    }
    if update.is_empty() {
        return Ok(Response::new());
    }
    let config = CONFIG.load(deps.storage)?;
    Ok(Response::new().add_message(update.message(&config)?))
}

/// The treasury's owner declares a validator out for ever.
pub(crate) fn tombstone(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    name: &str,
) -> Result<Response, ExecuteError> {
    owned_treasury(deps.storage, info)?;
    let config = CONFIG.load(deps.storage)?;
    let mut v = val(deps.storage, name)?;
    v.active = false;
    v.tombstoned = true;
    save_val(deps.storage, name, &v);
    let update = ValsetUpdate { tombstoned: vec![name.into()], ..ValsetUpdate::default() };
    let event = Event::new("tombstoned").add_attribute("validator", name);
    let event = event.add_attribute("height", env.block.height.to_string());
    Ok(Response::new().add_event(event).add_message(update.message(&config)?))
}
