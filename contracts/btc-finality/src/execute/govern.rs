//! Governance: consumers, roles, the vault; and the outbox.

use contract_host::admin::{self, Roles, require_admin, require_may_pause};
use contract_host::events::EmitExt;
use contract_host::outbox;
use cosmwasm_std::{DepsMut, MessageInfo, Response, Storage};
use staking_api::Decimal;
use staking_api::events::Paused;
use staking_api::finality::{ConsumerSettings, InstantiateMsg};

use crate::error::FinalityError;
use crate::state::config::{LIGHT_CLIENT, Rules, STAKING, VAULT};
use crate::state::consumer::{self, Cursors, Flags, Hot, Settings};
use crate::state::power::keep_order;
use crate::state::rewards::mul_div;

pub(crate) fn instantiate(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, FinalityError> {
    Roles::new(deps.api, &info.sender, msg.admin.as_deref(), msg.guardian.as_deref())?.save(deps.storage);
    STAKING.save(deps.storage, deps.api, &msg.staking)?;
    LIGHT_CLIENT.save(deps.storage, deps.api, &msg.light_client)?;
    if let Some(vault) = &msg.vault {
        VAULT.save(deps.storage, deps.api, vault)?;
    }
    Rules { signing: msg.signing, timestamp_depth: msg.timestamp_depth }.save(deps.storage);
    for settings in msg.consumers {
        add(deps.storage, settings)?;
    }
    Ok(Response::new())
}

pub(crate) fn register_consumer(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    settings: ConsumerSettings,
) -> Result<Response, FinalityError> {
    require_admin(deps.storage, info)?;
    add(deps.storage, settings)?;
    Ok(Response::new())
}

fn add(storage: &mut dyn Storage, asked: ConsumerSettings) -> Result<(), FinalityError> {
    check_id(&asked.id)?;
    if Settings::load(storage, &asked.id)?.is_some() {
        return Err(FinalityError::ConsumerExists(asked.id));
    }
    let number = consumer::next_number(storage)?;
    let first = asked.activation_height.unwrap_or(1).max(1);
    let hot = Hot {
        number,
        rules: Rules::load(storage)?,
        paused: false,
        activation_height: first,
        min_pub_rand: 1,
        max_pub_rand: 1_000_000,
        max_commit_lead: 160_000,
        max_vote_lead: 1_000,
    };
    let base = Settings {
        hot,
        max_active: 100,
        window: 100,
        min_signed: 50,
        min_signed_share: Decimal::percent(50).0,
        settle_lag: 3,
        jail_seconds: 86_400,
        reward_per_height: 0,
        reward_denom: asked.reward_denom.clone(),
    };
    changed(base, &asked)?.save(storage, &asked.id)?;
    Cursors { next_height: first, next_settlement: first, version: 0, pinned: 0 }.save(storage, number);
    Flags { pays_rewards: asked.reward_denom.is_some(), ordered: false }.save(storage, number);
    Ok(())
}

pub(crate) fn update_consumer(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    asked: ConsumerSettings,
) -> Result<Response, FinalityError> {
    require_admin(deps.storage, info)?;
    let settings = Settings::require(deps.storage, &asked.id)?;
    if asked.activation_height.is_some_and(|height| height != settings.hot.activation_height) {
        return Err(FinalityError::Setting { name: "activation_height", rule: "cannot be changed" });
    }
    if asked.reward_denom.is_some() && asked.reward_denom != settings.reward_denom {
        return Err(FinalityError::Setting { name: "reward_denom", rule: "cannot be changed" });
    }
    let settings = changed(settings, &asked)?;
    settings.save(deps.storage, &asked.id)?;
    keep_order(deps.storage, settings.number(), settings.max_active)?;
    Ok(Response::new())
}

fn check_id(id: &str) -> Result<(), FinalityError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=50).contains(&id.len()) && id.bytes().all(allowed) {
        return Ok(());
    }
    Err(FinalityError::Setting { name: "id", rule: "1 to 50 characters of A-Z a-z 0-9 . _ -" })
}

/// Applies the fields that are present.
fn changed(mut settings: Settings, asked: &ConsumerSettings) -> Result<Settings, FinalityError> {
    let refuse = |name, rule| Err(FinalityError::Setting { name, rule });
    if let Some(max) = asked.max_active_providers {
        match u16::try_from(max) {
            Ok(max @ 1..=150) => settings.max_active = max,
            _ => return refuse("max_active_providers", "1 to 150"),
        }
    }
    settings.window = asked.signed_blocks_window.unwrap_or(settings.window);
    if settings.window == 0 {
        return refuse("signed_blocks_window", "above 0");
    }
    if let Some(share) = asked.min_signed_per_window {
        if share > Decimal::ONE {
            return refuse("min_signed_per_window", "at most 1");
        }
        settings.min_signed_share = share.0;
    }
    let min_signed = mul_div(u128::from(settings.window), settings.min_signed_share, Decimal::ONE.0)?;
    settings.min_signed = u32::try_from(min_signed).unwrap_or(settings.window);
    settings.settle_lag = asked.settle_lag.unwrap_or(settings.settle_lag);
    settings.jail_seconds = asked.jail_seconds.unwrap_or(settings.jail_seconds);
    settings.hot.min_pub_rand = asked.min_pub_rand.unwrap_or(settings.hot.min_pub_rand).max(1);
    settings.hot.max_pub_rand = asked.max_pub_rand.unwrap_or(settings.hot.max_pub_rand);
    if settings.hot.max_pub_rand < settings.hot.min_pub_rand {
        return refuse("max_pub_rand", "at least min_pub_rand");
    }
    settings.hot.max_commit_lead = asked.max_commit_lead.unwrap_or(settings.hot.max_commit_lead);
    settings.hot.max_vote_lead = asked.max_vote_lead.unwrap_or(settings.hot.max_vote_lead);
    settings.reward_per_height =
        asked.reward_per_height.map_or(settings.reward_per_height, |amount| amount.0);
    Ok(settings)
}

pub(crate) fn set_paused(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    consumer: &str,
    paused: bool,
) -> Result<Response, FinalityError> {
    require_may_pause(deps.storage, info, paused)?;
    let mut settings = Settings::require(deps.storage, consumer)?;
    settings.hot.paused = paused;
    settings.save(deps.storage, consumer)?;
    Ok(Response::new().emit(&Paused { paused }))
}

pub(crate) fn set_vault(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    vault: &str,
) -> Result<Response, FinalityError> {
    require_admin(deps.storage, info)?;
    if VAULT.is_named(deps.storage) {
        return Err(FinalityError::VaultNamed);
    }
    VAULT.save(deps.storage, deps.api, vault)?;
    Ok(Response::new())
}

pub(crate) fn update_admin(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    admin: Option<&str>,
    guardian: Option<&str>,
) -> Result<Response, FinalityError> {
    admin::update(deps, info, admin, guardian)?;
    Ok(Response::new())
}

pub(crate) fn retry(deps: DepsMut<'_>, limit: u32) -> Result<Response, FinalityError> {
    Ok(Response::new().add_submessages(outbox::retry(deps.storage, limit)?))
}
