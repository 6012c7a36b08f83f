//! The IBC module of one chain: channels, sent packets, receipts and acknowledgements in its state.
//!
//! Clients and connections are not modelled: a connection is an id that stands for one other chain, and proofs
//! are replaced by the relay reading both chains. Everything above (channels, sequences, ordering, timeouts,
//! receipts) follows ibc-go.

use super::contract::port_of;
use cosmwasm_std::{
    Addr, Api, Binary, BlockInfo, ChannelResponse, CustomMsg, CustomQuery, Empty, Event, IbcChannel,
    IbcEndpoint, IbcMsg, IbcOrder, IbcPacket, IbcQuery, IbcTimeout, Order, Querier, StdError, StdResult,
    Storage, from_json, to_json_binary, to_json_vec,
};
use cw_multi_test::{AppResponse, CosmosRouter, Ibc, Module};
use hex_conservative::DisplayHex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// State of a channel end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// After INIT.
    Init,
    /// After TRY.
    TryOpen,
    /// Packets flow.
    Open,
    /// For ever.
    Closed,
}

/// One end of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelEnd {
    /// Where the handshake is.
    pub state: ChannelState,
    /// The channel as contracts see it from this end.
    pub channel: IbcChannel,
    /// Sequence of the next packet sent.
    pub next_send: u64,
    /// Next sequence accepted on an ordered channel.
    pub next_recv: u64,
    /// Next sequence acknowledged on an ordered channel.
    pub next_ack: u64,
}

/// A packet sent and not yet acknowledged or timed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentPacket {
    /// Its place among all packets this chain ever sent.
    pub order: u64,
    /// Id of the connection it leaves by.
    pub connection_id: String,
    /// Whether its channel is ordered.
    pub ordered: bool,
    /// The packet.
    pub packet: IbcPacket,
}

fn key(kind: &str, end: &IbcEndpoint) -> Vec<u8> {
    format!("ibc/{kind}/{}/{}", end.port_id, end.channel_id).into_bytes()
}

fn sequence_key(kind: &str, end: &IbcEndpoint, sequence: u64) -> Vec<u8> {
    format!("ibc/{kind}/{}/{}/{sequence:020}", end.port_id, end.channel_id).into_bytes()
}

fn load<T: DeserializeOwned>(storage: &dyn Storage, key: &[u8]) -> StdResult<Option<T>> {
    storage.get(key).map(from_json).transpose()
}

fn save<T: Serialize>(storage: &mut dyn Storage, key: &[u8], value: &T) -> StdResult<()> {
    storage.set(key, &to_json_vec(value)?);
    Ok(())
}

/// Takes the next number of a counter that starts at 0.
pub(crate) fn next(storage: &mut dyn Storage, counter: &str) -> StdResult<u64> {
    let key = format!("ibc/next/{counter}").into_bytes();
    let number: u64 = load(storage, &key)?.unwrap_or(0);
    save(storage, &key, &(number + 1))?;
    Ok(number)
}

/// All values under a prefix, with the rest of their keys.
fn under<T: DeserializeOwned>(storage: &dyn Storage, kind: &str) -> StdResult<Vec<T>> {
    let start = format!("ibc/{kind}/").into_bytes();
    let end = format!("ibc/{kind}0").into_bytes();
    storage.range(Some(&start), Some(&end), Order::Ascending).map(|(_, v)| from_json(v)).collect()
}

pub(crate) fn channel(storage: &dyn Storage, end: &IbcEndpoint) -> StdResult<Option<ChannelEnd>> {
    load(storage, &key("channel", end))
}

pub(crate) fn save_channel(storage: &mut dyn Storage, end: &ChannelEnd) -> StdResult<()> {
    save(storage, &key("channel", &end.channel.endpoint), end)
}

/// The channel end, or ibc-go's complaint.
pub(crate) fn must_channel(storage: &dyn Storage, end: &IbcEndpoint) -> StdResult<ChannelEnd> {
    channel(storage, end)?.ok_or_else(|| {
        StdError::msg(format!("port ID ({}) channel ID ({}): channel not found", end.port_id, end.channel_id))
    })
}

pub(crate) fn channels(storage: &dyn Storage) -> StdResult<Vec<ChannelEnd>> {
    under(storage, "channel")
}

/// Packets in flight, oldest first.
pub(crate) fn pending(storage: &dyn Storage) -> StdResult<Vec<SentPacket>> {
    let mut all: Vec<SentPacket> = under(storage, "sent")?;
    all.sort_by_key(|p| p.order);
    Ok(all)
}

pub(crate) fn sent(storage: &dyn Storage, end: &IbcEndpoint, sequence: u64) -> StdResult<Option<SentPacket>> {
    load(storage, &sequence_key("sent", end, sequence))
}

pub(crate) fn forget(storage: &mut dyn Storage, end: &IbcEndpoint, sequence: u64) {
    storage.remove(&sequence_key("sent", end, sequence));
}

pub(crate) fn received(storage: &dyn Storage, end: &IbcEndpoint, sequence: u64) -> bool {
    storage.get(&sequence_key("receipt", end, sequence)).is_some()
}

pub(crate) fn mark_received(storage: &mut dyn Storage, end: &IbcEndpoint, sequence: u64) {
    storage.set(&sequence_key("receipt", end, sequence), b"1");
}

pub(crate) fn ack(storage: &dyn Storage, end: &IbcEndpoint, sequence: u64) -> Option<Vec<u8>> {
    storage.get(&sequence_key("ack", end, sequence))
}

/// Writes an acknowledgement and reports it.
pub(crate) fn write_ack(storage: &mut dyn Storage, packet: &IbcPacket, ack: &[u8]) -> Event {
    storage.set(&sequence_key("ack", &packet.dest, packet.sequence), ack);
    packet_event("write_acknowledgement", packet)
        .add_attribute("packet_ack", String::from_utf8_lossy(ack))
        .add_attribute("packet_ack_hex", ack.to_lower_hex_string())
}

/// Whether `timeout` has passed for a chain at `block`.
pub(crate) fn timed_out(timeout: &IbcTimeout, block: &BlockInfo) -> bool {
    let by_time = timeout.timestamp().is_some_and(|t| t.nanos() > 0 && block.time >= t);
    let by_height = timeout.block().is_some_and(|b| b.height > 0 && block.height >= b.height);
    by_time || by_height
}

/// An event with the attributes of ibc-go's packet events.
pub(crate) fn packet_event(kind: &str, p: &IbcPacket) -> Event {
    let height =
        p.timeout.block().map_or_else(|| "0-0".to_owned(), |b| format!("{}-{}", b.revision, b.height));
    Event::new(kind)
        .add_attribute("packet_data_hex", p.data.to_lower_hex_string())
        .add_attribute("packet_timeout_height", height)
        .add_attribute("packet_timeout_timestamp", p.timeout.timestamp().map_or(0, |t| t.nanos()).to_string())
        .add_attribute("packet_sequence", p.sequence.to_string())
        .add_attribute("packet_src_port", &p.src.port_id)
        .add_attribute("packet_src_channel", &p.src.channel_id)
        .add_attribute("packet_dst_port", &p.dest.port_id)
        .add_attribute("packet_dst_channel", &p.dest.channel_id)
}

/// Sends a packet from a channel end of this chain.
pub(crate) fn send(
    storage: &mut dyn Storage,
    src: IbcEndpoint,
    data: Binary,
    timeout: IbcTimeout,
) -> StdResult<(IbcPacket, Event)> {
    let mut end = must_channel(storage, &src)?;
    if end.state == ChannelState::Closed || end.state == ChannelState::Init {
        let text = format!("channel {} is {:?}: invalid channel state", src.channel_id, end.state);
        return Err(StdError::msg(text));
    }
    let dest = end.channel.counterparty_endpoint.clone();
    let packet = IbcPacket::new(data, src, dest, end.next_send, timeout);
    end.next_send += 1;
    save_channel(storage, &end)?;
    let record = SentPacket {
        order: next(storage, "packet")?,
        connection_id: end.channel.connection_id.clone(),
        ordered: end.channel.order == IbcOrder::Ordered,
        packet: packet.clone(),
    };
    save(storage, &sequence_key("sent", &packet.src, packet.sequence), &record)?;
    let event = packet_event("send_packet", &packet)
        .add_attribute("packet_channel_ordering", order_name(&end.channel.order))
        .add_attribute("packet_connection", &end.channel.connection_id);
    Ok((packet, event))
}

pub(crate) fn order_name(order: &IbcOrder) -> &'static str {
    match order {
        IbcOrder::Ordered => "ORDER_ORDERED",
        IbcOrder::Unordered => "ORDER_UNORDERED",
    }
}

/// Closes a channel end of this chain.
pub(crate) fn close(storage: &mut dyn Storage, end: &IbcEndpoint) -> StdResult<()> {
    let mut channel = must_channel(storage, end)?;
    if channel.state == ChannelState::Closed {
        return Err(StdError::msg(format!("channel {} is CLOSED: invalid channel state", end.channel_id)));
    }
    channel.state = ChannelState::Closed;
    save_channel(storage, &channel)
}

/// The router's IBC module.
#[derive(Clone, Copy, Default)]
pub(crate) struct MeshIbc;

impl Ibc for MeshIbc {}

impl Module for MeshIbc {
    type ExecT = IbcMsg;
    type QueryT = IbcQuery;
    type SudoT = Empty;

    fn execute<ExecC, QueryC>(
        &self,
        api: &dyn Api,
        storage: &mut dyn Storage,
        router: &dyn CosmosRouter<ExecC = ExecC, QueryC = QueryC>,
        block: &BlockInfo,
        sender: Addr,
        msg: IbcMsg,
    ) -> StdResult<AppResponse>
    where
        ExecC: CustomMsg + DeserializeOwned + 'static,
        QueryC: CustomQuery + DeserializeOwned + 'static,
    {
        let own = |channel_id: String| IbcEndpoint { port_id: port_of(sender.as_str()), channel_id };
        match msg {
            IbcMsg::SendPacket { channel_id, data, timeout } => {
                let (packet, event) = send(storage, own(channel_id), data, timeout)?;
                Ok(AppResponse { events: vec![event], data: Some(sequence_response(packet.sequence)) })
            }
            IbcMsg::CloseChannel { channel_id } => {
                let event = Event::new("channel_close_init").add_attribute("channel_id", &channel_id);
                close(storage, &own(channel_id))?;
                Ok(AppResponse { events: vec![event], data: None })
            }
            IbcMsg::Transfer { channel_id, to_address, amount, timeout, memo } => {
                let order = super::transfer::Order { channel_id, to_address, amount, timeout, memo };
                super::transfer::send(api, storage, router, block, sender, order)
            }
            IbcMsg::WriteAcknowledgement { channel_id, packet_sequence, ack } => {
                let dest = own(channel_id);
                write_late_ack(storage, &dest, packet_sequence, ack.data.as_slice())
            }
            other => Err(StdError::msg(format!("this chain does not know {other:?}"))),
        }
    }

    fn query(
        &self,
        _api: &dyn Api,
        storage: &dyn Storage,
        _querier: &dyn Querier,
        _block: &BlockInfo,
        request: IbcQuery,
    ) -> StdResult<Binary> {
        match request {
            IbcQuery::Channel { channel_id, port_id: Some(port_id) } => {
                let end = channel(storage, &IbcEndpoint { port_id, channel_id })?;
                let open = end.filter(|e| e.state != ChannelState::Closed).map(|e| e.channel);
                to_json_binary(&ChannelResponse::new(open))
            }
            other => Err(StdError::msg(format!("only a contract may ask {other:?}"))),
        }
    }

    fn sudo<ExecC, QueryC>(
        &self,
        _api: &dyn Api,
        _storage: &mut dyn Storage,
        _router: &dyn CosmosRouter<ExecC = ExecC, QueryC = QueryC>,
        _block: &BlockInfo,
        _msg: Empty,
    ) -> StdResult<AppResponse>
    where
        ExecC: CustomMsg + DeserializeOwned + 'static,
        QueryC: CustomQuery + DeserializeOwned + 'static,
    {
        Err(StdError::msg("IBC has no privileged messages"))
    }
}

fn sequence_response(sequence: u64) -> Binary {
    use cosmrs::proto::cosmwasm::wasm::v1::MsgIbcSendResponse;
    use cosmrs::proto::prost::Message;
    MsgIbcSendResponse { sequence }.encode_to_vec().into()
}

/// Writes the acknowledgement of a packet that was received without one.
fn write_late_ack(
    storage: &mut dyn Storage,
    dest: &IbcEndpoint,
    sequence: u64,
    data: &[u8],
) -> StdResult<AppResponse> {
    if !received(storage, dest, sequence) || ack(storage, dest, sequence).is_some() {
        return Err(StdError::msg(format!("packet {sequence} awaits no acknowledgement")));
    }
    storage.set(&sequence_key("ack", dest, sequence), data);
    let event = Event::new("write_acknowledgement")
        .add_attribute("packet_sequence", sequence.to_string())
        .add_attribute("packet_ack_hex", data.to_lower_hex_string());
    Ok(AppResponse { events: vec![event], data: None })
}
