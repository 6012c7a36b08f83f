//! What happened to validators, in the provider's denomination, for the provider side.

use super::send::packet;
use crate::error::ExecuteError;
use crate::state::{CONFIG, Config, KEYS, PRICE, Stake, only_virtual, save_stake, stake};
use cosmwasm_std::{
    CosmosMsg, DepsMut, Env, Event, MessageInfo, QuerierWrapper, Response, StdResult, Storage,
};
use mesh_accounting::Ratio;
use mesh_accounting::price::{invert, proportional};
use mesh_accounting::store::channel;
use staking_api::mesh::converter::Validator;
use staking_api::mesh::packet::{AddValidator, ConsumerPacket, ValidatorSlash, ValsetUpdate};
use staking_api::mesh::virtual_staking::ValidatorSlashInfo;
use staking_api::mesh::{Coin, Uint128};

/// What the stock peer shows where a consensus key is not known.
const NO_KEY: &str = "TODO";
/// Validators told of when the channel opens.
const MAX_INITIAL: usize = 200;

/// The lists that go on as they come.
pub(crate) struct Lists {
    pub(crate) removals: Vec<String>,
    pub(crate) jailed: Vec<String>,
    pub(crate) unjailed: Vec<String>,
    pub(crate) tombstoned: Vec<String>,
}

fn with_key(s: &dyn Storage, valoper: String) -> StdResult<AddValidator> {
    let key = KEYS.may_load(s, &[valoper.as_bytes()])?;
    Ok(AddValidator { valoper, pub_key: key.unwrap_or_else(|| NO_KEY.into()) })
}

/// Passes a report of virtual-staking on.
pub(crate) fn update(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    additions: Vec<Validator>,
    updated: Vec<Validator>,
    lists: Lists,
    slashed: Vec<ValidatorSlashInfo>,
) -> Result<Response, ExecuteError> {
    only_virtual(deps.storage, info)?;
    let config = CONFIG.load(deps.storage)?;
    let keyed =
        |s: &dyn Storage, vs: Vec<Validator>| vs.into_iter().map(|v| with_key(s, v.address)).collect();
    let additions: StdResult<Vec<_>> = keyed(deps.storage, additions);
    let updated: StdResult<Vec<_>> = keyed(deps.storage, updated);
    let slashed =
        slashed.into_iter().map(|s| slash(deps.storage, &config, s)).collect::<StdResult<Vec<_>>>()?;
    let body = ValsetUpdate {
        height: env.block.height,
        time: env.block.time.seconds(),
        additions: additions?,
        removals: lists.removals,
        updated: updated?,
        jailed: lists.jailed,
        unjailed: lists.unjailed,
        tombstoned: lists.tombstoned,
        slashed,
    };
    if body.is_empty() {
        return Ok(Response::new());
    }
    let event = Event::new("valset_update").add_attribute("slashed", body.slashed.len().to_string());
    let msg = packet(deps.storage, env, &ConsumerPacket::ValsetUpdate(body), channel::DAY)?;
    Ok(Response::new().add_messages(msg).add_event(event))
}

/// A slash in the provider's denomination, at the price the stake was valued at; booked here as it will be there.
fn slash(s: &mut dyn Storage, config: &Config, info: ValidatorSlashInfo) -> StdResult<ValidatorSlash> {
    let old = stake(s, &info.address)?;
    let price = PRICE.get(s)?.now;
    let by_price = invert(info.slash_amount.0, price, config.adjustment);
    let foreign = by_price
        .unwrap_or_else(|| proportional(old.foreign, info.slash_amount.0, old.local))
        .min(old.foreign);
    let new = Stake { foreign: old.foreign - foreign, local: old.local.saturating_sub(info.slash_amount.0) };
    save_stake(s, &info.address, new)?;
    let slash_ratio = match info.slash_ratio.parse::<staking_api::mesh::Decimal>() {
        Ok(_) => info.slash_ratio,
        Err(_) => staking_api::mesh::Decimal::from(Ratio::of(info.slash_amount.0, old.local)).to_string(),
    };
    Ok(ValidatorSlash {
        address: info.address,
        infraction_height: info.infraction_height,
        infraction_time: info.infraction_time,
        power: info.power,
        slash_amount: Coin { denom: config.remote_denom.clone(), amount: Uint128(foreign) },
        slash_ratio,
    })
}

/// The first packet on a new channel: all bonded validators.
pub(crate) fn initial(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    env: &Env,
) -> StdResult<Option<CosmosMsg>> {
    let set = querier.query_all_validators()?;
    let additions: StdResult<Vec<_>> =
        set.into_iter().take(MAX_INITIAL).map(|v| with_key(s, v.address)).collect();
    let body = ValsetUpdate {
        height: env.block.height,
        time: env.block.time.seconds(),
        additions: additions?,
        ..ValsetUpdate::default()
    };
    packet(s, env, &ConsumerPacket::ValsetUpdate(body), channel::DAY)
}
