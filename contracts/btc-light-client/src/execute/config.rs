//! Settings and roles.

use contract_host::admin;
use contract_host::events::EmitExt;
use cosmwasm_std::{DepsMut, MessageInfo, Response};
use staking_api::events::Paused;
use staking_api::light_client::ConfigUpdate;

use super::instantiate::{in_range, keep_depth};
use crate::error::LightClientError;
use crate::state::{self, Settings};

pub(crate) fn update(
    mut deps: DepsMut<'_>,
    info: &MessageInfo,
    update: ConfigUpdate,
) -> Result<Response, LightClientError> {
    admin::require_admin(deps.storage, info)?;
    let mut settings = Settings::load(deps.storage)?;
    let mut tip = state::load_tip(deps.storage)?;
    if let Some(depth) = update.confirmation_depth {
        tip.confirmation_depth = in_range("confirmation_depth", depth, 1, settings.max_reorg_depth)?;
    }
    if let Some(depth) = update.keep_depth {
        settings.keep_depth = keep_depth(depth, settings.max_reorg_depth)?;
    }
    if let Some(age) = update.max_tip_age_seconds {
        tip.max_tip_age = age;
    }
    if let Some(reporters) = update.reporters {
        for reporter in &reporters {
            deps.api.addr_validate(reporter)?;
        }
        settings.restricted = !reporters.is_empty();
        state::save_reporters(deps.storage, &reporters)?;
    }
    settings.save(deps.storage)?;
    state::save_tip(deps.storage, &tip);
    admin::update(deps.branch(), info, None, update.guardian.as_deref())?;
    Ok(Response::new())
}

pub(crate) fn set_paused(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    paused: bool,
) -> Result<Response, LightClientError> {
    admin::set_paused(deps.storage, info, paused)?;
    Ok(Response::new().emit(&Paused { paused }))
}

pub(crate) fn update_admin(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    admin: &str,
) -> Result<Response, LightClientError> {
    admin::update(deps, info, Some(admin), None)?;
    Ok(Response::new())
}
