//! Set-up, the owner's settings, the outbox.

use super::send::{Asked, VIRTUAL_REPLY};
use crate::error::{ExecuteError, InstantiateError};
use crate::state::{CONFIG, Config, KEYS, POTS, VIRTUAL, save_stake, stake};
use cosmwasm_std::{
    DepsMut, Env, Event, MessageInfo, Reply, Response, StdError, SubMsg, SubMsgResult, WasmMsg, from_json,
    to_json_binary,
};
use mesh_accounting::Ratio;
use mesh_accounting::store::channel;
use staking_api::mesh::converter::InstantiateMsg;
use staking_api::mesh::virtual_staking::InstantiateMsg as VirtualInit;
use staking_api::mesh::{Decimal, Uint128};

/// Reply id of the instantiation of virtual-staking.
const INIT_REPLY: u64 = 1;
/// Packets sent again by one message at most.
const MAX_FLUSH: usize = 20;

pub(crate) fn instantiate(
    deps: DepsMut,
    _env: &Env,
    info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    let owner = msg.owner.as_deref().or(msg.admin.as_deref()).unwrap_or(info.sender.as_str());
    let config = Config {
        price_feed: deps.api.addr_validate(&msg.price_feed)?.into_string(),
        adjustment: adjustment(msg.discount)?,
        remote_denom: msg.remote_denom.clone(),
        local_denom: deps.querier.query_bonded_denom()?,
        owner: Some(deps.api.addr_validate(owner)?.into_string()),
    };
    CONFIG.save(deps.storage, &config);
    let init = VirtualInit {
        max_retrieve: msg.max_retrieve,
        tombstoned_unbond_enable: msg.tombstoned_unbond_enable,
        treasury: msg.treasury,
    };
    let create = WasmMsg::Instantiate {
        admin: msg.admin,
        code_id: msg.virtual_staking_code_id,
        msg: to_json_binary(&init)?,
        funds: vec![],
        label: format!("Virtual Staking: {}", msg.remote_denom),
    };
    Ok(Response::new().add_submessage(SubMsg::reply_on_success(create, INIT_REPLY)))
}

fn adjustment(discount: Decimal) -> Result<Ratio, InstantiateError> {
    if discount >= Decimal::ONE {
        return Err(InstantiateError::Discount(discount));
    }
    Ok(Ratio::from(discount).complement())
}

pub(crate) fn reply(deps: DepsMut, reply: Reply) -> Result<Response, ExecuteError> {
    match (reply.id, reply.result) {
        (INIT_REPLY, SubMsgResult::Ok(done)) => {
            let named = done.events.iter().filter(|e| e.ty == "instantiate").flat_map(|e| &e.attributes);
            let address = named.into_iter().find(|a| a.key == "_contract_address").map(|a| a.value.clone());
            let address = address.ok_or_else(|| StdError::msg("no address in the reply of instantiate"))?;
            VIRTUAL.save(deps.storage, &address);
            Ok(Response::new().add_event(Event::new("converter").add_attribute("virtual_staking", address)))
        }
        (VIRTUAL_REPLY, SubMsgResult::Err(why)) => {
            let asked: Asked = from_json(&reply.payload)?;
            let mut s = stake(deps.storage, &asked.validator)?;
            s.local = s.local.saturating_sub(asked.add.0).saturating_add(asked.sub.0);
            save_stake(deps.storage, &asked.validator, s)?;
            let event = Event::new("virtual_refused").add_attribute("validator", asked.validator);
            Ok(Response::new().add_event(event.add_attribute("reason", why)))
        }
        (id, _) => Err(StdError::msg(format!("reply of unknown id {id}")).into()),
    }
}

/// Sends packets whose time has come again.
pub(crate) fn flush(deps: DepsMut, env: &Env, limit: u32) -> Result<Response, ExecuteError> {
    let limit = usize::try_from(limit).unwrap_or(MAX_FLUSH).clamp(1, MAX_FLUSH);
    let due = channel::flush(deps.storage, env, limit)?.ok_or(ExecuteError::NoChannel)?;
    let event = Event::new("outbox_flushed").add_attribute("packets", due.len().to_string());
    Ok(Response::new().add_messages(due).add_event(event))
}

pub(crate) fn set_boost(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    per_epoch: Uint128,
    epoch_s: u64,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    let mut pots = POTS.get(deps.storage)?;
    pots.boost_per_epoch = per_epoch.0;
    pots.boost_epoch_s = epoch_s;
    pots.boost_next = env.block.time.seconds().saturating_add(epoch_s);
    POTS.save(deps.storage, &pots);
    Ok(Response::new().add_event(Event::new("boost_set").add_attribute("per_epoch", per_epoch.to_string())))
}

pub(crate) fn set_discount(
    deps: DepsMut,
    info: &MessageInfo,
    discount: Decimal,
) -> Result<Response, ExecuteError> {
    let mut config = CONFIG.load(deps.storage)?;
    config.only_owner(info)?;
    config.adjustment = adjustment(discount)?;
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("discount_set").add_attribute("discount", discount.to_string())))
}

pub(crate) fn set_price_feed(
    deps: DepsMut,
    info: &MessageInfo,
    feed: &str,
) -> Result<Response, ExecuteError> {
    let mut config = CONFIG.load(deps.storage)?;
    config.only_owner(info)?;
    config.price_feed = deps.api.addr_validate(feed)?.into_string();
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("price_feed_set").add_attribute("price_feed", feed)))
}

pub(crate) fn set_validator_key(
    deps: DepsMut,
    info: &MessageInfo,
    validator: &str,
    key: &String,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    KEYS.save(deps.storage, &[validator.as_bytes()], key);
    Ok(Response::new().add_event(Event::new("validator_key_set").add_attribute("validator", validator)))
}

pub(crate) fn close_channel(deps: DepsMut, info: &MessageInfo) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    let close = channel::close(deps.storage)?.ok_or(ExecuteError::NoChannel)?;
    Ok(Response::new().add_message(close))
}
