//! The channel: handshake, packets, acknowledgements, timeouts (mesh-security.md §7).
//!
//! A packet we cannot follow gets an error acknowledgement and changes nothing. Acknowledgements and timeouts of
//! our own packets cannot fail: what was lost or refused goes to the outbox. The channel closes only when the
//! owner asked for it, or when the other side has closed it already.

use crate::error::{ChannelError, ExecuteError};
use crate::execute::stake::Effect;
use crate::execute::{rewards, send, stake, valset};
use crate::state::{CHANNEL, CLOSING, Channel, VIRTUAL};
use cosmwasm_std::{
    Binary, DepsMut, Env, Event, Ibc3ChannelOpenResponse, IbcBasicResponse, IbcChannel, IbcChannelCloseMsg,
    IbcChannelConnectMsg, IbcChannelOpenMsg, IbcChannelOpenResponse, IbcOrder, IbcPacketAckMsg,
    IbcPacketReceiveMsg, IbcPacketTimeoutMsg, IbcReceiveResponse, StdResult, WasmMsg, from_json,
    to_json_binary,
};
use mesh_accounting::store::outbox::{Item, Next, Outbox};
use staking_api::mesh::packet::{Ack, ChannelVersion, ConsumerPacket, PROTOCOL, ProviderPacket, VERSION};
use staking_api::mesh::virtual_staking::ExecuteMsg as VirtualMsg;

/// The handshake begins here, so only INIT is accepted.
///
/// # Errors
/// [`ChannelError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_channel_open(
    deps: DepsMut,
    _env: Env,
    msg: IbcChannelOpenMsg,
) -> Result<IbcChannelOpenResponse, ChannelError> {
    let IbcChannelOpenMsg::OpenInit { channel } = msg else { return Err(ChannelError::WrongSide) };
    if CHANNEL.may_load(deps.storage)?.is_some_and(|c| c.open) {
        return Err(ChannelError::AlreadyOpen);
    }
    if channel.order != IbcOrder::Unordered {
        return Err(ChannelError::Ordered);
    }
    if !channel.version.is_empty() {
        spoken(&channel.version)?;
    }
    let version = serde_version()?;
    Ok(Some(Ibc3ChannelOpenResponse { version }))
}

fn serde_version() -> StdResult<String> {
    cosmwasm_std::to_json_string(&ChannelVersion::ours())
}

/// Supported and minimum version are the same.
fn spoken(version: &str) -> Result<(), ChannelError> {
    let unknown = || ChannelError::Version(version.to_string());
    let v: ChannelVersion = from_json(version).map_err(|_| unknown())?;
    if v.protocol == PROTOCOL && v.version == VERSION { Ok(()) } else { Err(unknown()) }
}

/// The other side agreed: the channel is stored, and all bonded validators are announced.
///
/// # Errors
/// [`ChannelError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_channel_connect(
    deps: DepsMut,
    env: Env,
    msg: IbcChannelConnectMsg,
) -> Result<IbcBasicResponse, ChannelError> {
    let IbcChannelConnectMsg::OpenAck { channel, counterparty_version } = msg else {
        return Err(ChannelError::WrongSide);
    };
    if CHANNEL.may_load(deps.storage)?.is_some_and(|c| c.open) {
        return Err(ChannelError::AlreadyOpen);
    }
    spoken(&counterparty_version)?;
    CHANNEL.save(deps.storage, &stored(&channel, counterparty_version));
    CLOSING.remove(deps.storage);
    let first = valset::initial(deps.storage, &deps.querier, &env)?;
    let event = Event::new("mesh_channel").add_attribute("channel_id", channel.endpoint.channel_id);
    Ok(IbcBasicResponse::new().add_messages(first).add_event(event))
}

fn stored(channel: &IbcChannel, version: String) -> Channel {
    Channel {
        port: channel.endpoint.port_id.clone(),
        id: channel.endpoint.channel_id.clone(),
        remote_port: channel.counterparty_endpoint.port_id.clone(),
        remote_id: channel.counterparty_endpoint.channel_id.clone(),
        connection: channel.connection_id.clone(),
        version,
        open: true,
    }
}

/// Closing that nobody here asked for is refused; one that has happened on the other side is booked.
///
/// # Errors
/// [`ChannelError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_channel_close(
    deps: DepsMut,
    _env: Env,
    msg: IbcChannelCloseMsg,
) -> Result<IbcBasicResponse, ChannelError> {
    let id = msg.channel().endpoint.channel_id.clone();
    let mut channel = match CHANNEL.may_load(deps.storage)? {
        Some(c) if c.id == id => c,
        _ => return Err(ChannelError::UnknownChannel(id)),
    };
    if matches!(msg, IbcChannelCloseMsg::CloseInit { .. }) && !CLOSING.get(deps.storage)? {
        return Err(ChannelError::NotClosing);
    }
    channel.open = false;
    CHANNEL.save(deps.storage, &channel);
    let msg = to_json_binary(&VirtualMsg::HandleCloseChannel {})?;
    let call = WasmMsg::Execute { contract_addr: VIRTUAL.load(deps.storage)?, msg, funds: vec![] };
    let event = Event::new("mesh_channel_closed").add_attribute("channel_id", id);
    Ok(IbcBasicResponse::new().add_message(call).add_event(event))
}

/// A packet of the provider side.
///
/// # Errors
/// Only when stored state is damaged; a packet that cannot be followed is answered with an error.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_packet_receive(
    deps: DepsMut,
    env: Env,
    msg: IbcPacketReceiveMsg,
) -> StdResult<IbcReceiveResponse> {
    match follow(deps, &env, &msg.packet.data) {
        Ok((calls, events)) => {
            let ack = to_json_binary(&Ack::ok())?;
            Ok(IbcReceiveResponse::new(ack).add_submessages(calls).add_events(events))
        }
        Err(why) => {
            let event = Event::new("packet_refused").add_attribute("reason", why.to_string());
            let ack = to_json_binary(&Ack::Error(why.to_string()))?;
            Ok(IbcReceiveResponse::new(ack).add_event(event))
        }
    }
}

fn follow(deps: DepsMut, env: &Env, data: &Binary) -> Result<Effect, ExecuteError> {
    let packet: ProviderPacket = from_json(data).map_err(|e| ExecuteError::Packet(e.to_string()))?;
    match packet {
        ProviderPacket::Stake { validator, stake: amount, .. } => stake::add(deps, env, &validator, &amount),
        ProviderPacket::Unstake { validator, unstake, .. } => stake::unstake(deps, env, &validator, &unstake),
        ProviderPacket::Burn { validators, burn } => stake::burn(deps, env, &validators, &burn),
        ProviderPacket::TransferRewards { rewards, recipient, .. } => {
            rewards::transfer(deps, &rewards, &recipient)
        }
    }
}

/// The provider side answered one of our packets.
///
/// # Errors
/// Only when stored state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_packet_ack(deps: DepsMut, env: Env, msg: IbcPacketAckMsg) -> StdResult<IbcBasicResponse> {
    let data = msg.original_packet.data;
    match from_json::<Ack>(&msg.acknowledgement.data) {
        Ok(Ack::Result(_)) => {
            Outbox::PACKETS.delivered(deps.storage, &data);
            acknowledged(deps, &env, &data)
        }
        refused => {
            let why = match refused {
                Ok(Ack::Error(why)) => why,
                _ => "unreadable acknowledgement".to_string(),
            };
            let now = env.block.time.seconds();
            let next = Outbox::PACKETS.refused(deps.storage, item(data), now)?;
            Ok(IbcBasicResponse::new().add_event(waits("packet_refused", &next).add_attribute("reason", why)))
        }
    }
}

/// An internal unstake that the provider side confirmed takes effect here.
fn acknowledged(deps: DepsMut, env: &Env, data: &Binary) -> StdResult<IbcBasicResponse> {
    let Ok(ConsumerPacket::InternalUnstake { delegator, validator, normalize_amount, inverted_amount }) =
        from_json(data)
    else {
        return Ok(IbcBasicResponse::new());
    };
    let mut s = crate::state::stake(deps.storage, &validator)?;
    s.foreign = s.foreign.saturating_sub(inverted_amount.amount.0);
    s.local = s.local.saturating_sub(normalize_amount.amount.0);
    crate::state::save_stake(deps.storage, &validator, s)?;
    let (contract_addr, asked) = (VIRTUAL.load(deps.storage)?, normalize_amount.amount);
    let msg = to_json_binary(&VirtualMsg::InternalUnbond {
        delegator,
        validator: validator.clone(),
        amount: normalize_amount,
    })?;
    let call = WasmMsg::Execute { contract_addr, msg, funds: vec![] };
    let note = send::Asked { validator, add: Default::default(), sub: asked };
    let sub =
        cosmwasm_std::SubMsg::reply_on_error(call, send::VIRTUAL_REPLY).with_payload(to_json_binary(&note)?);
    let event = Event::new("internal_unstake").add_attribute("height", env.block.height.to_string());
    Ok(IbcBasicResponse::new().add_submessage(sub).add_event(event))
}

/// One of our packets timed out: sent again, with a day to live.
///
/// # Errors
/// Only when stored state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_packet_timeout(deps: DepsMut, env: Env, msg: IbcPacketTimeoutMsg) -> StdResult<IbcBasicResponse> {
    let now = env.block.time.seconds();
    let next = Outbox::PACKETS.lost(deps.storage, item(msg.packet.data), now)?;
    let event = waits("packet_timed_out", &next);
    let open = CHANNEL.may_load(deps.storage)?.filter(|c| c.open);
    match (next, open) {
        (Next::Now(item), Some(channel)) => {
            let again = send::send(&env, channel.id, item.data, item.timeout_s);
            Ok(IbcBasicResponse::new().add_message(again).add_event(event))
        }
        (Next::Now(item), None) => {
            Outbox::PACKETS.push(deps.storage, &item, now)?;
            Ok(IbcBasicResponse::new().add_event(event))
        }
        _ => Ok(IbcBasicResponse::new().add_event(event)),
    }
}

fn item(data: Binary) -> Item {
    Item { data: data.to_vec(), to: String::new(), timeout_s: send::DAY }
}

fn waits(kind: &str, next: &Next) -> Event {
    let when = match next {
        Next::Now(_) => "now".to_string(),
        Next::At(t) => t.to_string(),
        Next::Never => "given up".to_string(),
    };
    Event::new(kind).add_attribute("again", when)
}
