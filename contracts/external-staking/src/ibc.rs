//! The channel: handshake, packets, acknowledgements, timeouts (mesh-security.md §7).
//!
//! The converter begins the handshake; only the one this contract was set up for is accepted. A packet that
//! cannot be followed gets an error acknowledgement and changes nothing. Acknowledgements and timeouts cannot
//! fail. A stake or an unstake that timed out is sent again a few times before it is undone; a burn is sent
//! until it arrives.

use crate::error::{ChannelError, ExecuteError};
use crate::execute::send::{self, raw};
use crate::execute::stake::{self, Outcome};
use crate::execute::{rewards, valset};
use crate::state::{CHANNEL, CLOSING, CONFIG, Channel, Kind, TXS, Tx};
use cosmwasm_std::{
    Binary, DepsMut, Env, Event, Ibc3ChannelOpenResponse, IbcBasicResponse, IbcChannel, IbcChannelCloseMsg,
    IbcChannelConnectMsg, IbcChannelOpenMsg, IbcChannelOpenResponse, IbcOrder, IbcPacketAckMsg,
    IbcPacketReceiveMsg, IbcPacketTimeoutMsg, IbcReceiveResponse, StdResult, Storage, SubMsg, from_json,
    to_json_binary,
};
use mesh_accounting::store::outbox::{Item, Next, Outbox};
use staking_api::mesh::packet::{
    Ack, ChannelVersion, ConsumerPacket, PROTOCOL, ProviderPacket, RewardInfo, VERSION,
};

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
    let IbcChannelOpenMsg::OpenTry { channel, counterparty_version } = msg else {
        return Err(ChannelError::WrongSide);
    };
    if CHANNEL.may_load(deps.storage)?.is_some_and(|c| c.open) {
        return Err(ChannelError::AlreadyOpen);
    }
    let config = CONFIG.load(deps.storage)?;
    same(&config.connection, &channel.connection_id)?;
    same(&config.remote_port, &channel.counterparty_endpoint.port_id)?;
    if channel.order != IbcOrder::Unordered {
        return Err(ChannelError::Ordered);
    }
    let version = agreed(&counterparty_version)?;
    Ok(Some(Ibc3ChannelOpenResponse { version }))
}

fn same(expected: &str, got: &str) -> Result<(), ChannelError> {
    match expected == got {
        true => Ok(()),
        false => Err(ChannelError::WrongEndpoint { expected: expected.into(), got: got.into() }),
    }
}

/// The lower of the two versions; ours is also the least we speak.
fn agreed(theirs: &str) -> Result<String, ChannelError> {
    let unknown = || ChannelError::Version(theirs.to_string());
    let v: ChannelVersion = from_json(theirs).map_err(|_| unknown())?;
    let number = |text: &str| -> Option<[u64; 3]> {
        let mut parts = text.split('.').map(|p| p.parse::<u64>().ok());
        let number = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(number)
    };
    let (Some(theirs), Some(ours)) = (number(&v.version), number(VERSION)) else { return Err(unknown()) };
    if v.protocol != PROTOCOL || theirs < ours || theirs[0] > ours[0] {
        return Err(unknown());
    }
    Ok(cosmwasm_std::to_json_string(&ChannelVersion::ours())?)
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
    let IbcChannelConnectMsg::OpenConfirm { channel } = msg else { return Err(ChannelError::WrongSide) };
    if CHANNEL.may_load(deps.storage)?.is_some_and(|c| c.open) {
        return Err(ChannelError::AlreadyOpen);
    }
    CHANNEL.save(deps.storage, &stored(&channel));
    CLOSING.remove(deps.storage);
    let event = Event::new("mesh_channel").add_attribute("channel_id", channel.endpoint.channel_id);
    Ok(IbcBasicResponse::new().add_event(event))
}

fn stored(channel: &IbcChannel) -> Channel {
    Channel {
        port: channel.endpoint.port_id.clone(),
        id: channel.endpoint.channel_id.clone(),
        remote_port: channel.counterparty_endpoint.port_id.clone(),
        remote_id: channel.counterparty_endpoint.channel_id.clone(),
        connection: channel.connection_id.clone(),
        version: channel.version.clone(),
        open: true,
    }
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
    Ok(IbcBasicResponse::new().add_event(Event::new("mesh_channel_closed").add_attribute("channel_id", id)))
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
    let refused = match from_json::<Ack>(&msg.acknowledgement.data) {
        Ok(Ack::Result(_)) => None,
        Ok(Ack::Error(why)) => Some(why),
        Err(_) => Some("unreadable acknowledgement".to_string()),
    };
    let response = match (id_of(&data), &refused) {
        (Some(id), _) => finish(deps.storage, &env, id, refused.is_none())?,
        (None, None) => {
            Outbox::PACKETS.delivered(deps.storage, &data);
            IbcBasicResponse::new()
        }
        (None, Some(_)) => {
            Outbox::PACKETS.refused(deps.storage, item(data), env.block.time.seconds())?;
            IbcBasicResponse::new()
        }
    };
    let event = |why| Event::new("packet_refused").add_attribute("reason", why);
    Ok(response.add_events(refused.map(event)))
}

/// One of our packets timed out.
///
/// # Errors
/// Only when stored state is damaged.
#[cfg_attr(not(feature = "library"), cosmwasm_std::entry_point)]
pub fn ibc_packet_timeout(deps: DepsMut, env: Env, msg: IbcPacketTimeoutMsg) -> StdResult<IbcBasicResponse> {
    let (data, now) = (msg.packet.data, env.block.time.seconds());
    let open = CHANNEL.may_load(deps.storage)?.filter(|c| c.open);
    let Some(id) = id_of(&data) else {
        let next = Outbox::PACKETS.lost(deps.storage, item(data), now)?;
        return again(deps.storage, &env, next, open);
    };
    let Some(mut tx) = TXS.may_load(deps.storage, &[&id.to_be_bytes()])? else {
        return Ok(IbcBasicResponse::new());
    };
    match open {
        Some(channel) if tx.sent < MAX_SENT => {
            tx.sent += 1;
            TXS.save(deps.storage, &[&id.to_be_bytes()], &tx);
            let event = Event::new("packet_resent").add_attribute("tx_id", id.to_string());
            let send = raw(&env, channel.id, data.to_vec(), send::TIMEOUT);
            Ok(IbcBasicResponse::new().add_message(send).add_event(event))
        }
        _ => finish(deps.storage, &env, id, false),
    }
}

fn again(s: &mut dyn Storage, env: &Env, next: Next, open: Option<Channel>) -> StdResult<IbcBasicResponse> {
    match (next, open) {
        (Next::Now(item), Some(channel)) => {
            Ok(IbcBasicResponse::new().add_message(raw(env, channel.id, item.data, item.timeout_s)))
        }
        (Next::Now(item), None) => {
            Outbox::PACKETS.push(s, &item, env.block.time.seconds())?;
            Ok(IbcBasicResponse::new())
        }
        _ => Ok(IbcBasicResponse::new()),
    }
}

fn item(data: Binary) -> Item {
    Item { data: data.to_vec(), to: String::new(), timeout_s: send::DAY }
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
