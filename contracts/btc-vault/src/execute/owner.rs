//! Set-up and the owner's settings.

use super::rebalance;
use crate::error::{ExecuteError, InstantiateError};
use crate::state::{BY_CONTRACT, CONFIG, CONSUMERS, Config, Consumer, DELEGATIONS, Role, SAT, SUMS};
use crate::timing;
use cosmwasm_std::{Api, DepsMut, Env, Event, MessageInfo, QuerierWrapper, Response, StdResult, Storage};
use mesh_accounting::Ratio;
use staking_api::mesh::Decimal;
use staking_api::mesh::btc_vault::{ConsumerTiming, ExecuteMsg, InstantiateMsg, Policy};
use staking_api::mesh::vault::{MaxSlashResponse, StakingQueryMsg};

pub(crate) fn instantiate(deps: DepsMut, msg: InstantiateMsg) -> Result<Response, InstantiateError> {
    if msg.denom != SAT {
        return Err(InstantiateError::Denom(msg.denom));
    }
    let valid = |a: &str| -> StdResult<String> { Ok(deps.api.addr_validate(a)?.into_string()) };
    let mut config = Config {
        btc_staking: valid(&msg.btc_staking)?,
        btc_finality: valid(&msg.btc_finality)?,
        registry: msg.registry.as_deref().map(valid).transpose()?,
        light_client: msg.light_client.as_deref().map(valid).transpose()?,
        owner: valid(&msg.owner)?,
        shared: false,
        garnish: false,
        require_binding: false,
        expiry_margin: 0,
        min_unbonding: 0,
        longest_need_s: 0,
    };
    checked(&mut config, &msg.policy)?;
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("btc_vault").add_attribute("owner", config.owner)))
}

fn checked(config: &mut Config, policy: &Policy) -> Result<(), InstantiateError> {
    if policy.require_fp_binding && config.registry.is_none() {
        return Err(InstantiateError::NoRegistry);
    }
    if policy.expiry_margin_blocks > 0 && config.light_client.is_none() {
        return Err(InstantiateError::NoLightClient);
    }
    if config.longest_need_s > 0 {
        timing::check(policy.min_unbonding_blocks, config.longest_need_s)?;
    }
    config.set_policy(policy);
    Ok(())
}

pub(super) fn dispatch(
    api: &dyn Api,
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    env: &Env,
    info: &MessageInfo,
    msg: ExecuteMsg,
) -> Result<Response, ExecuteError> {
    let mut config = CONFIG.load(s)?;
    config.only(info.sender.as_str(), Role::Owner)?;
    let event = Event::new("btc_vault_set").add_attribute("height", env.block.height.to_string());
    match msg {
        ExecuteMsg::SetConsumer {
            consumer,
            external_staking,
            slash_dsign,
            cap_sat,
            paused,
            shared,
            timing,
        } => {
            let contract = api.addr_validate(&external_staking)?.into_string();
            let new = Consumer { contract, ratio: Ratio::from(slash_dsign), cap: cap_sat, paused, shared };
            return set_consumer(s, querier, config, &consumer, new, timing.as_ref());
        }
        ExecuteMsg::SetPolicy { policy } => checked(&mut config, &policy)?,
        ExecuteMsg::SetPeers { btc_staking, btc_finality, registry, light_client } => {
            config.btc_staking = api.addr_validate(&btc_staking)?.into_string();
            config.btc_finality = api.addr_validate(&btc_finality)?.into_string();
            config.registry = registry.map(|r| api.addr_validate(&r)).transpose()?.map(|r| r.into_string());
            let known = !DELEGATIONS.list(s, &[], None, 1)?.is_empty();
            if config.light_client.is_none() && light_client.is_some() && known {
                return Err(InstantiateError::LightClientLate.into());
            }
            config.light_client =
                light_client.map(|l| api.addr_validate(&l)).transpose()?.map(|l| l.into_string());
            let policy = config.policy();
            checked(&mut config, &policy)?;
        }
        ExecuteMsg::SetOwner { owner } => config.owner = api.addr_validate(&owner)?.into_string(),
        ExecuteMsg::ClearGarnish { user, amount } => return clear_garnish(s, &user, amount.0),
        // Every other message was dispatched before.
        _ => return Err(ExecuteError::CollateralOnBitcoin),
    }
    CONFIG.save(s, &config);
    Ok(Response::new().add_event(event))
}

fn set_consumer(
    s: &mut dyn Storage,
    querier: &QuerierWrapper,
    mut config: Config,
    id: &str,
    new: Consumer,
    times: Option<&ConsumerTiming>,
) -> Result<Response, ExecuteError> {
    let stated = Decimal::from(new.ratio);
    if new.ratio > Ratio::ONE {
        return Err(ExecuteError::Ratio(stated));
    }
    if let Some(times) = times {
        let need_s = timing::need_s(times);
        timing::check(config.min_unbonding, need_s)?;
        config.longest_need_s = config.longest_need_s.max(need_s);
    }
    let served = BY_CONTRACT.may_load(s, &[new.contract.as_bytes()])?;
    if served.is_some_and(|other| other != id) {
        return Err(ExecuteError::ContractTaken(new.contract));
    }
    let most: MaxSlashResponse = querier.query_wasm_smart(&new.contract, &StakingQueryMsg::MaxSlash {})?;
    let actual = most.slash_ratio_dsign.max(most.slash_ratio_offline);
    if actual > stated {
        return Err(ExecuteError::SlashUnderstated { stated, actual });
    }
    let event = Event::new("consumer_set")
        .add_attribute("consumer", id)
        .add_attribute("external_staking", &new.contract)
        .add_attribute("cap_sat", new.cap.to_string())
        .add_attribute("paused", new.paused.to_string());
    BY_CONTRACT.save(s, &[new.contract.as_bytes()], &id.to_string());
    CONSUMERS.save(s, &[id.as_bytes()], &new);
    CONFIG.save(s, &config);
    Ok(Response::new().add_event(event))
}

/// A garnish debt was paid: the credit is back.
fn clear_garnish(s: &mut dyn Storage, user: &str, amount: u128) -> Result<Response, ExecuteError> {
    let mut sums = SUMS.get(s, &[user.as_bytes()])?;
    sums.garnished = sums.garnished.saturating_sub(amount);
    SUMS.save(s, &[user.as_bytes()], &sums);
    let (burns, cuts) = rebalance(s, user, None)?;
    let event = Event::new("garnish_cleared").add_attribute("user", user);
    Ok(Response::new().add_event(event).add_submessages(burns).add_events(cuts))
}
