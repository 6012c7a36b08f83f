//! Governance: first settings, parameter versions, peers, pause, roles; and the outbox.

use contract_host::admin::{self, Roles};
use contract_host::events::EmitExt;
use contract_host::outbox;
use contract_host::peers::Neighbour;
use cosmwasm_std::{Api, DepsMut, Env, MessageInfo, Response, Storage};
use staking_api::events::{ParamsAdded, Paused};
use staking_api::staking::{InstantiateMsg, Params as ApiParams};
use staking_protocol::header::Network;
use staking_protocol::params::Params;
use staking_protocol::tx::slashing::SlashingPolicy;

use crate::error::StakingError;
use crate::state::config::{Config, FINALITY, LIGHT_CLIENT, VAULT, light_client};
use crate::state::params;

pub(crate) fn instantiate(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, StakingError> {
    Roles::new(deps.api, &info.sender, msg.admin.as_deref(), msg.guardian.as_deref())?.save(deps.storage);
    LIGHT_CLIENT.save(deps.storage, deps.api, &msg.light_client)?;
    // A chain described by its numbers has no addresses of its own; regtest's stand in.
    let network = light_client(deps.as_ref())?.network(&deps.querier)?.unwrap_or(Network::Regtest);
    Config { signing: msg.signing, network }.save(deps.storage);
    let mut response = Response::new();
    for raw in &msg.params {
        response = response.emit(&add(deps.storage, raw)?);
    }
    if msg.params.is_empty() {
        return Err(StakingError::NoItems);
    }
    Ok(response)
}

fn add(storage: &mut dyn Storage, raw: &ApiParams) -> Result<ParamsAdded, StakingError> {
    let (params, policy) = check(raw)?;
    let version = params::add(storage, &params, policy)?;
    Ok(ParamsAdded { version: version.into(), btc_activation_height: params.btc_activation_height() })
}

fn check(raw: &ApiParams) -> Result<(Params, SlashingPolicy), StakingError> {
    let params = Params::try_from(raw)?;
    let policy = if raw.lax_slashing_tx { SlashingPolicy::AtLeast } else { SlashingPolicy::Exact };
    Ok((params, policy))
}

#[inline(never)]
pub(crate) fn add_params(
    deps: DepsMut<'_>,
    _env: &Env,
    info: &MessageInfo,
    raw: &ApiParams,
) -> Result<Response, StakingError> {
    admin::require_admin(deps.storage, info)?;
    let tip = light_client(deps.as_ref())?.tip(&deps.querier)?.context.height();
    if raw.btc_activation_height <= tip {
        return Err(StakingError::ActivationHeight { found: raw.btc_activation_height, least: tip });
    }
    Ok(Response::new().emit(&add(deps.storage, raw)?))
}

pub(crate) fn set_peers(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    finality: Option<String>,
    vault: Option<String>,
) -> Result<Response, StakingError> {
    admin::require_admin(deps.storage, info)?;
    name(deps.storage, deps.api, FINALITY, finality)?;
    name(deps.storage, deps.api, VAULT, vault)?;
    Ok(Response::new())
}

/// Peers are named once.
fn name(
    storage: &mut dyn Storage,
    api: &dyn Api,
    peer: Neighbour,
    address: Option<String>,
) -> Result<(), StakingError> {
    let Some(address) = address else { return Ok(()) };
    if peer.is_named(storage) {
        return Err(StakingError::PeerNamed(peer.name()));
    }
    Ok(peer.save(storage, api, &address)?)
}

pub(crate) fn set_paused(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    paused: bool,
) -> Result<Response, StakingError> {
    admin::set_paused(deps.storage, info, paused)?;
    Ok(Response::new().emit(&Paused { paused }))
}

pub(crate) fn update_admin(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    admin: Option<&str>,
    guardian: Option<&str>,
) -> Result<Response, StakingError> {
    admin::update(deps, info, admin, guardian)?;
    Ok(Response::new())
}

pub(crate) fn retry(deps: DepsMut<'_>, limit: u32) -> Result<Response, StakingError> {
    Ok(Response::new().add_submessages(outbox::retry(deps.storage, limit)?))
}
