//! The channel: handshake, packets, acknowledgements, timeouts (mesh-security.md §7).
//!
//! A packet we cannot follow gets an error acknowledgement and changes nothing. Acknowledgements and timeouts of
//! our own packets cannot fail: what was lost or refused goes to the outbox. The channel closes only when the
//! owner asked for it, or when the other side has closed it already.

use crate::error::ExecuteError;
use crate::execute::stake::Effect;
use crate::execute::{rewards, send, stake, valset};
use crate::state::VIRTUAL;
use cosmwasm_std::{
    Binary, DepsMut, Env, Event, Ibc3ChannelOpenResponse, IbcBasicResponse, IbcChannelCloseMsg,
    IbcChannelConnectMsg, IbcChannelOpenMsg, IbcChannelOpenResponse, IbcPacketAckMsg, IbcPacketReceiveMsg,
    IbcPacketTimeoutMsg, IbcReceiveResponse, StdResult, WasmMsg, from_json, to_json_binary,
};
use mesh_accounting::store::outbox::Outbox;
use mesh_accounting::store::{ChannelError, channel};
use staking_api::mesh::packet::{ConsumerPacket, ProviderPacket};
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
    let IbcChannelOpenMsg::OpenInit { channel: proposed } = msg else { return Err(ChannelError::WrongSide) };
    channel::may_open(deps.storage, &proposed)?;
    Ok(Some(Ibc3ChannelOpenResponse { version: channel::propose(&proposed.version)? }))
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
    let IbcChannelConnectMsg::OpenAck { channel: agreed, counterparty_version } = msg else {
        return Err(ChannelError::WrongSide);
    };
    channel::spoken(&counterparty_version)?;
    let event = channel::opened(deps.storage, &agreed, counterparty_version)?;
    let first = valset::initial(deps.storage, &deps.querier, &env)?;
    Ok(IbcBasicResponse::new().add_messages(first).add_event(event))
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
    let event = channel::closed(deps.storage, &msg)?;
    let msg = to_json_binary(&VirtualMsg::HandleCloseChannel {})?;
    let call = WasmMsg::Execute { contract_addr: VIRTUAL.load(deps.storage)?, msg, funds: vec![] };
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
    channel::receipt(follow(deps, &env, &msg.packet.data))
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
    match channel::refusal(&msg.acknowledgement.data) {
        None => {
            Outbox::PACKETS.delivered(deps.storage, &data);
            acknowledged(deps, &env, &data)
        }
        Some(why) => {
            let event = channel::refused(deps.storage, &env, data.to_vec(), why)?;
            Ok(IbcBasicResponse::new().add_event(event))
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
    let (again, event) = channel::timed_out(deps.storage, &env, msg.packet.data.to_vec())?;
    Ok(IbcBasicResponse::new().add_messages(again).add_event(event))
}
