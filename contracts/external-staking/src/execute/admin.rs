//! Set-up, the outbox, closing the channel.

use super::send::{Call, VAULT_REPLY, call};
use crate::error::{ExecuteError, InstantiateError};
use crate::state::{CONFIG, Config};
use cosmwasm_std::{
    Binary, DepsMut, Env, Event, MessageInfo, Reply, Response, StdError, SubMsgResult, from_json,
};
use mesh_accounting::Ratio;
use mesh_accounting::store::channel;
use mesh_accounting::store::outbox::{Item, Outbox};
use staking_api::mesh::Decimal;
use staking_api::mesh::external::InstantiateMsg;

/// Packets and calls repeated by one message at most.
const MAX_FLUSH: usize = 20;

pub(crate) fn instantiate(deps: DepsMut, msg: InstantiateMsg) -> Result<Response, InstantiateError> {
    for ratio in [msg.slash_ratio.double_sign, msg.slash_ratio.offline] {
        if ratio > Decimal::ONE {
            return Err(InstantiateError::SlashRatio(ratio));
        }
    }
    let config = Config {
        denom: msg.denom,
        rewards_denom: msg.rewards_denom,
        vault: deps.api.addr_validate(&msg.vault)?.into_string(),
        unbonding_period: msg.unbonding_period,
        connection: msg.remote_contact.connection_id,
        remote_port: msg.remote_contact.port_id,
        dsign: Ratio::from(msg.slash_ratio.double_sign),
        offline: Ratio::from(msg.slash_ratio.offline),
        admin: msg.admin.map(|a| deps.api.addr_validate(&a)).transpose()?.map(|a| a.into_string()),
    };
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("external_staking").add_attribute("vault", config.vault)))
}

/// A call to the vault failed: it is kept and repeated.
pub(crate) fn reply(deps: DepsMut, env: &Env, reply: Reply) -> Result<Response, ExecuteError> {
    let SubMsgResult::Err(why) = reply.result else { return Ok(Response::new()) };
    if reply.id != VAULT_REPLY {
        return Err(StdError::msg(format!("reply of unknown id {}", reply.id)).into());
    }
    let failed: Call = from_json(&reply.payload)?;
    let item = Item { data: failed.msg.to_vec(), to: failed.to, timeout_s: 0 };
    Outbox::CALLS.refused(deps.storage, item, env.block.time.seconds())?;
    Ok(Response::new().add_event(Event::new("vault_refused").add_attribute("reason", why)))
}

/// Repeats packets and calls whose time has come.
pub(crate) fn flush(deps: DepsMut, env: &Env, limit: u32) -> Result<Response, ExecuteError> {
    let (limit, now) =
        (usize::try_from(limit).unwrap_or(MAX_FLUSH).clamp(1, MAX_FLUSH), env.block.time.seconds());
    let mut response = Response::new();
    for item in Outbox::CALLS.due(deps.storage, now, limit)? {
        response = response.add_submessage(call(Call { to: item.to, msg: Binary::from(item.data) })?);
    }
    let packets = channel::flush(deps.storage, env, limit)?;
    let response = response.add_messages(packets.unwrap_or_default());
    let sent = response.messages.len().to_string();
    Ok(response.add_event(Event::new("outbox_flushed").add_attribute("sent", sent)))
}

pub(crate) fn close_channel(deps: DepsMut, info: &MessageInfo) -> Result<Response, ExecuteError> {
    if CONFIG.load(deps.storage)?.admin.as_deref() != Some(info.sender.as_str()) {
        return Err(ExecuteError::NotAdmin(info.sender.to_string()));
    }
    let close = channel::close(deps.storage)?.ok_or(ExecuteError::NoChannel)?;
    Ok(Response::new().add_message(close))
}
