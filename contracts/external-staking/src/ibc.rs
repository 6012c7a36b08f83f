//! The channel: handshake, packets, acknowledgements, timeouts (mesh-security.md §7).
//!
//! The converter begins the handshake; only the one this contract was set up for is accepted. A packet that
//! cannot be followed gets an error acknowledgement and changes nothing. Acknowledgements and timeouts cannot
//! fail. A stake or an unstake that timed out is sent again a few times before it is undone; a burn is sent
//! until it arrives.

use crate::error::ExecuteError;
use crate::execute::send;
use crate::execute::stake::{self, Outcome};
use crate::execute::{rewards, valset};
use crate::state::{CONFIG, Kind, TXS, Tx};
use cosmwasm_std::{
    Binary, DepsMut, Env, Event, Ibc3ChannelOpenResponse, IbcBasicResponse, IbcChannelCloseMsg,
    IbcChannelConnectMsg, IbcChannelOpenMsg, IbcChannelOpenResponse, IbcPacketAckMsg, IbcPacketReceiveMsg,
    IbcPacketTimeoutMsg, IbcReceiveResponse, StdResult, Storage, SubMsg, from_json,
};
use mesh_accounting::store::outbox::Outbox;
use mesh_accounting::store::{Channel, ChannelError, channel};
use staking_api::mesh::packet::{ConsumerPacket, ProviderPacket, RewardInfo};

/// Times a stake, an unstake or a payment is sent before it is undone.
const MAX_SENT: u8 = 3;

/// Accepts the handshake of the converter this contract was set up for.
///
/// # Errors
/// [`ChannelError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_channel_open(
    deps: DepsMut,
    _env: Env,
    msg: IbcChannelOpenMsg,
) -> Result<IbcChannelOpenResponse, ChannelError> {
    let IbcChannelOpenMsg::OpenTry { channel: proposed, counterparty_version } = msg else {
        return Err(ChannelError::WrongSide);
    };
    let config = CONFIG.load(deps.storage)?;
    channel::same(&config.connection, &proposed.connection_id)?;
    channel::same(&config.remote_port, &proposed.counterparty_endpoint.port_id)?;
    channel::may_open(deps.storage, &proposed)?;
    Ok(Some(Ibc3ChannelOpenResponse { version: channel::agree(&counterparty_version)? }))
}

/// The handshake is done: the channel is stored.
///
/// # Errors
/// [`ChannelError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_channel_connect(
    deps: DepsMut,
    _env: Env,
    msg: IbcChannelConnectMsg,
) -> Result<IbcBasicResponse, ChannelError> {
    let IbcChannelConnectMsg::OpenConfirm { channel: agreed } = msg else {
        return Err(ChannelError::WrongSide);
    };
    let version = agreed.version.clone();
    Ok(IbcBasicResponse::new().add_event(channel::opened(deps.storage, &agreed, version)?))
}

/// Closing that the admin did not ask for is refused (14-A17); one that has happened on the other side is booked.
///
/// # Errors
/// [`ChannelError`].
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_channel_close(
    deps: DepsMut,
    _env: Env,
    msg: IbcChannelCloseMsg,
) -> Result<IbcBasicResponse, ChannelError> {
    Ok(IbcBasicResponse::new().add_event(channel::closed(deps.storage, &msg)?))
}

/// A packet of the consumer.
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

fn follow(deps: DepsMut, env: &Env, data: &Binary) -> Result<(Vec<SubMsg>, Vec<Event>), ExecuteError> {
    let packet: ConsumerPacket = from_json(data).map_err(|e| ExecuteError::Packet(e.to_string()))?;
    match packet {
        ConsumerPacket::ValsetUpdate(update) => {
            // Nothing of a packet may be booked when part of it is refused.
            let config = CONFIG.load(deps.storage)?;
            update.slashed.iter().try_for_each(|s| config.amount(&s.slash_amount).map(drop))?;
            valset::update(deps, env, &update)
        }
        ConsumerPacket::InternalUnstake { delegator, validator, inverted_amount, .. } => {
            let (calls, event) = stake::given_back(deps, env, &delegator, &validator, &inverted_amount)?;
            Ok((calls, vec![event]))
        }
        ConsumerPacket::Distribute { validator, rewards: coin } => {
            let one = [RewardInfo { validator, reward: coin.amount }];
            Ok((vec![], vec![rewards::distribute(deps.storage, &coin.denom, &one)?]))
        }
        ConsumerPacket::DistributeBatch { rewards: all, denom } => {
            Ok((vec![], vec![rewards::distribute(deps.storage, &denom, &all)?]))
        }
    }
}

/// The consumer answered one of our packets.
///
/// # Errors
/// Only when stored state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_packet_ack(deps: DepsMut, env: Env, msg: IbcPacketAckMsg) -> StdResult<IbcBasicResponse> {
    let data = msg.original_packet.data;
    let refused = channel::refusal(&msg.acknowledgement.data);
    match (id_of(&data), refused) {
        (Some(id), refused) => {
            let event = |why| Event::new("packet_refused").add_attribute("reason", why);
            let done = finish(deps.storage, &env, id, refused.is_none())?;
            Ok(done.add_events(refused.map(event)))
        }
        (None, None) => {
            Outbox::PACKETS.delivered(deps.storage, &data);
            Ok(IbcBasicResponse::new())
        }
        (None, Some(why)) => {
            let event = channel::refused(deps.storage, &env, data.to_vec(), why)?;
            Ok(IbcBasicResponse::new().add_event(event))
        }
    }
}

/// One of our packets timed out.
///
/// # Errors
/// Only when stored state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_packet_timeout(deps: DepsMut, env: Env, msg: IbcPacketTimeoutMsg) -> StdResult<IbcBasicResponse> {
    let data = msg.packet.data;
    let Some(id) = id_of(&data) else {
        let (again, event) = channel::timed_out(deps.storage, &env, data.to_vec())?;
        return Ok(IbcBasicResponse::new().add_messages(again).add_event(event));
    };
    let Some(mut tx) = TXS.may_load(deps.storage, &[&id.to_be_bytes()])? else {
        return Ok(IbcBasicResponse::new());
    };
    match Channel::open(deps.storage)? {
        Some(channel) if tx.sent < MAX_SENT => {
            tx.sent += 1;
            TXS.save(deps.storage, &[&id.to_be_bytes()], &tx);
            let event = Event::new("packet_resent").add_attribute("tx_id", id.to_string());
            let send = channel.send(&env, data.to_vec(), send::TIMEOUT);
            Ok(IbcBasicResponse::new().add_message(send).add_event(event))
        }
        _ => finish(deps.storage, &env, id, false),
    }
}

/// The transaction a packet belongs to; burns have none.
fn id_of(data: &Binary) -> Option<u64> {
    match from_json(data).ok()? {
        ProviderPacket::Stake { tx_id, .. }
        | ProviderPacket::Unstake { tx_id, .. }
        | ProviderPacket::TransferRewards { tx_id, .. } => Some(tx_id),
        ProviderPacket::Burn { .. } => None,
    }
}

/// Books the outcome of a transaction once; an unknown one is none of ours any more.
fn finish(s: &mut dyn Storage, env: &Env, id: u64, ok: bool) -> StdResult<IbcBasicResponse> {
    let Some(tx): Option<Tx> = TXS.may_load(s, &[&id.to_be_bytes()])? else {
        return Ok(IbcBasicResponse::new());
    };
    TXS.remove(s, &[&id.to_be_bytes()]);
    let outcome = match tx.kind {
        Kind::Stake => stake::staked(s, id, &tx, ok)?,
        Kind::Unstake => stake::unstaked(s, &tx, ok, env.block.time.seconds())?,
        Kind::Rewards => Outcome { calls: vec![], event: rewards::paid(s, &tx, ok)?, excess: 0 },
    };
    let burn = send::burn(s, env, &tx.validator, outcome.excess)?;
    let event = outcome.event.add_attribute("tx_id", id.to_string());
    Ok(IbcBasicResponse::new().add_submessages(outcome.calls).add_messages(burn).add_event(event))
}
