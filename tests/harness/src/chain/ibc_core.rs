//! What a relayer may do to a chain: handshakes, packets, acknowledgements, timeouts, as ibc-go and wasmd do.
//!
//! A contract's error on receipt reverts what it did and becomes an error acknowledgement; an abort refuses the
//! whole message, so that the packet can come again. An error on acknowledgement or timeout refuses the message.

use super::contract::{IbcEntry, envelope};
use super::error::TxError;
use super::ibc_module::{self as ibc, ChannelEnd, ChannelState, SentPacket};
use super::state::{ChainState, Stage};
use super::storage::{Overlay, apply};
use super::transfer;
use cosmwasm_std::{
    Addr, Binary, Event, Ibc3ChannelOpenResponse, IbcAcknowledgement, IbcChannel, IbcChannelCloseMsg,
    IbcChannelConnectMsg, IbcChannelOpenMsg, IbcEndpoint, IbcOrder, IbcPacket, IbcPacketAckMsg,
    IbcPacketReceiveMsg, IbcPacketTimeoutMsg, StdError, StdResult, from_json,
};
use cw_multi_test::{AppResponse, CosmosRouter, SudoMsg, WasmSudo};
use serde_json::json;

/// The error acknowledgement of wasmd for a contract's error; the text itself is in the events only.
const CONTRACT_ERROR_ACK: &[u8] =
    br#"{"error":"ABCI error: wasm/5: error handling packet: see events for details"}"#;

/// What came of delivering something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It changed the chain.
    Done,
    /// The chain had seen it before; nothing happened.
    Known,
}

impl Stage<'_, '_> {
    /// Calls an IBC entry point of the contract behind `port`.
    fn call(&mut self, port: &str, entry: IbcEntry) -> StdResult<AppResponse> {
        let contract =
            port.strip_prefix("wasm.").ok_or_else(|| StdError::msg(format!("no module at port {port}")))?;
        let sudo = WasmSudo { contract_addr: Addr::unchecked(contract), message: envelope(entry)? };
        self.router.sudo(self.api, self.storage, self.block, SudoMsg::Wasm(sudo))
    }

    /// Lets the module behind the port open its end and gives the version it answered.
    fn open(&mut self, msg: IbcChannelOpenMsg) -> StdResult<(Option<String>, Vec<Event>)> {
        let channel = msg.channel().clone();
        if channel.endpoint.port_id == transfer::PORT {
            return if channel.version.is_empty() || channel.version == transfer::VERSION {
                Ok((Some(transfer::VERSION.to_owned()), vec![]))
            } else {
                Err(StdError::msg(format!("invalid ICS20 version {}", channel.version)))
            };
        }
        let answer = self.call(&channel.endpoint.port_id, IbcEntry::ChannelOpen(msg))?;
        let version = match answer.data {
            Some(data) => Some(from_json::<Ibc3ChannelOpenResponse>(&data)?.version),
            None => None,
        };
        Ok((version.filter(|v| !v.is_empty()), answer.events))
    }

    fn connect(&mut self, msg: IbcChannelConnectMsg) -> StdResult<Vec<Event>> {
        let port = msg.channel().endpoint.port_id.clone();
        if port == transfer::PORT {
            return Ok(vec![]);
        }
        Ok(self.call(&port, IbcEntry::ChannelConnect(msg))?.events)
    }
}

fn handshake_event(kind: &str, c: &IbcChannel) -> Event {
    Event::new(kind)
        .add_attribute("port_id", &c.endpoint.port_id)
        .add_attribute("channel_id", &c.endpoint.channel_id)
        .add_attribute("counterparty_port_id", &c.counterparty_endpoint.port_id)
        .add_attribute("counterparty_channel_id", &c.counterparty_endpoint.channel_id)
        .add_attribute("connection_id", &c.connection_id)
        .add_attribute("version", &c.version)
}

fn fresh(channel: IbcChannel, state: ChannelState) -> ChannelEnd {
    ChannelEnd { state, channel, next_send: 1, next_recv: 1, next_ack: 1 }
}

impl ChainState {
    /// Opens a connection end and gives its id.
    pub(crate) fn ibc_connection(&mut self, peer: &str) -> Result<String, TxError> {
        let note = json!({ "counterparty_chain": peer });
        let ran = self.internal("/ibc.core.connection.v1.MsgConnectionOpenConfirm", &note, |s| {
            let id = format!("connection-{}", ibc::next(s.storage, "connection")?);
            let event = Event::new("connection_open_confirm").add_attribute("connection_id", &id);
            Ok((id, vec![event]))
        });
        ran.map(|(id, _)| id)
    }

    /// INIT at this chain; gives the new channel as this end sees it.
    pub(crate) fn ibc_open_init(
        &mut self,
        port: &str,
        peer_port: &str,
        order: IbcOrder,
        version: &str,
        connection: &str,
    ) -> Result<IbcChannel, TxError> {
        let note = json!({ "port": port, "counterparty": peer_port, "version": version });
        let ran = self.internal("/ibc.core.channel.v1.MsgChannelOpenInit", &note, |s| {
            let channel_id = format!("channel-{}", ibc::next(s.storage, "channel")?);
            let own = IbcEndpoint { port_id: port.to_owned(), channel_id };
            let peer = IbcEndpoint { port_id: peer_port.to_owned(), channel_id: String::new() };
            let mut channel = IbcChannel::new(own, peer, order, version, connection);
            let (answer, mut events) = s.open(IbcChannelOpenMsg::new_init(channel.clone()))?;
            if let Some(version) = answer {
                channel.version = version;
            }
            ibc::save_channel(s.storage, &fresh(channel.clone(), ChannelState::Init))?;
            events.push(handshake_event("channel_open_init", &channel));
            Ok((channel, events))
        });
        ran.map(|(channel, _)| channel)
    }

    /// TRY at this chain for a channel begun at `peer`.
    pub(crate) fn ibc_open_try(
        &mut self,
        port: &str,
        peer: &IbcChannel,
        connection: &str,
    ) -> Result<IbcChannel, TxError> {
        let note = json!({ "port": port, "counterparty": &peer.endpoint, "version": &peer.version });
        let ran = self.internal("/ibc.core.channel.v1.MsgChannelOpenTry", &note, |s| {
            let channel_id = format!("channel-{}", ibc::next(s.storage, "channel")?);
            let own = IbcEndpoint { port_id: port.to_owned(), channel_id };
            let mut channel = IbcChannel::new(
                own,
                peer.endpoint.clone(),
                peer.order.clone(),
                peer.version.clone(),
                connection,
            );
            let (answer, mut events) =
                s.open(IbcChannelOpenMsg::new_try(channel.clone(), peer.version.clone()))?;
            if let Some(version) = answer {
                channel.version = version;
            }
            ibc::save_channel(s.storage, &fresh(channel.clone(), ChannelState::TryOpen))?;
            events.push(handshake_event("channel_open_try", &channel));
            Ok((channel, events))
        });
        ran.map(|(channel, _)| channel)
    }

    /// ACK (with the peer's version) or CONFIRM (without) at this chain.
    pub(crate) fn ibc_open_finish(
        &mut self,
        own: &IbcEndpoint,
        peer: Option<&IbcChannel>,
    ) -> Result<IbcChannel, TxError> {
        let (url, kind, wanted) = match peer {
            Some(_) => ("/ibc.core.channel.v1.MsgChannelOpenAck", "channel_open_ack", ChannelState::Init),
            None => {
                ("/ibc.core.channel.v1.MsgChannelOpenConfirm", "channel_open_confirm", ChannelState::TryOpen)
            }
        };
        let ran = self.internal(url, &json!({ "channel": own }), |s| {
            let mut end = ibc::must_channel(s.storage, own)?;
            if end.state != wanted {
                return Err(StdError::msg(format!(
                    "channel is {:?}, not {wanted:?}: invalid channel state",
                    end.state
                )));
            }
            end.state = ChannelState::Open;
            let msg = match peer {
                Some(peer) => {
                    end.channel.counterparty_endpoint = peer.endpoint.clone();
                    end.channel.version.clone_from(&peer.version);
                    IbcChannelConnectMsg::new_ack(end.channel.clone(), peer.version.clone())
                }
                None => IbcChannelConnectMsg::new_confirm(end.channel.clone()),
            };
            ibc::save_channel(s.storage, &end)?;
            let mut events = s.connect(msg)?;
            events.push(handshake_event(kind, &end.channel));
            Ok((end.channel, events))
        });
        ran.map(|(channel, _)| channel)
    }

    /// Closes this end because the peer's is closed.
    pub(crate) fn ibc_close_confirm(&mut self, own: &IbcEndpoint) -> Result<Delivered, TxError> {
        match ibc::channel(self.app.storage(), own) {
            Ok(Some(end)) if end.state != ChannelState::Closed => {}
            _ => return Ok(Delivered::Known),
        }
        let ran =
            self.internal("/ibc.core.channel.v1.MsgChannelCloseConfirm", &json!({ "channel": own }), |s| {
                ibc::close(s.storage, own)?;
                let channel = ibc::must_channel(s.storage, own)?.channel;
                let mut events = vec![handshake_event("channel_close_confirm", &channel)];
                if own.port_id != transfer::PORT {
                    let msg = IbcChannelCloseMsg::new_confirm(channel);
                    events.extend(s.call(&own.port_id, IbcEntry::ChannelClose(msg))?.events);
                }
                Ok(((), events))
            });
        ran.map(|_| Delivered::Done)
    }

    /// Receives a packet of another chain.
    pub(crate) fn ibc_receive(&mut self, packet: &IbcPacket, relayer: &str) -> Result<Delivered, TxError> {
        if ibc::received(self.app.storage(), &packet.dest, packet.sequence) {
            return Ok(Delivered::Known);
        }
        let relayer = Addr::unchecked(relayer);
        let ledger = self.ledger.clone();
        let note = json!({ "packet": packet });
        let ran = self.internal("/ibc.core.channel.v1.MsgRecvPacket", &note, |s| {
            accept(s, packet)?;
            let mut events = vec![ibc::packet_event("recv_packet", packet)];
            // The module runs on its own overlay: its failure takes back what it did, not the receipt.
            let mut inner = Overlay::new(&*s.storage);
            let mut stage = Stage { router: s.router, api: s.api, storage: &mut inner, block: s.block };
            let answer = handle(&mut stage, packet, relayer);
            let writes = inner.into_delta();
            let ack = match answer {
                Ok((ack, more)) => {
                    apply(s.storage, writes);
                    events.extend(more);
                    ack
                }
                Err(e) => Some(refusal_ack(&ledger, &e, packet, &mut events)?),
            };
            if let Some(ack) = ack {
                events.push(ibc::write_ack(s.storage, packet, &ack));
            }
            Ok(((), events))
        });
        ran.map(|_| Delivered::Done)
    }

    /// Takes the acknowledgement of a packet this chain sent.
    pub(crate) fn ibc_acknowledge(
        &mut self,
        packet: &IbcPacket,
        ack: &[u8],
        relayer: &str,
    ) -> Result<Delivered, TxError> {
        if !self.in_flight(packet)? {
            return Ok(Delivered::Known);
        }
        let ack = Binary::from(ack);
        let relayer = Addr::unchecked(relayer);
        let note = json!({ "packet": packet, "acknowledgement": &ack });
        let ran = self.internal("/ibc.core.channel.v1.MsgAcknowledgement", &note, |s| {
            settle(s, packet)?;
            let mut events = vec![ibc::packet_event("acknowledge_packet", packet)];
            if packet.src.port_id == transfer::PORT {
                if !transfer::succeeded(&ack)? {
                    events.extend(transfer::refund(s.api, s.storage, s.router, s.block, packet)?);
                }
            } else {
                let msg = IbcPacketAckMsg::new(IbcAcknowledgement::new(ack), packet.clone(), relayer);
                events.extend(s.call(&packet.src.port_id, IbcEntry::PacketAck(msg))?.events);
            }
            Ok(((), events))
        });
        ran.map(|_| Delivered::Done)
    }

    /// Tells this chain that a packet it sent was not received in time. The relay has made sure of that.
    pub(crate) fn ibc_timeout(&mut self, packet: &IbcPacket, relayer: &str) -> Result<Delivered, TxError> {
        if !self.in_flight(packet)? {
            return Ok(Delivered::Known);
        }
        let relayer = Addr::unchecked(relayer);
        let ran = self.internal("/ibc.core.channel.v1.MsgTimeout", &json!({ "packet": packet }), |s| {
            let end = ibc::must_channel(s.storage, &packet.src)?;
            ibc::forget(s.storage, &packet.src, packet.sequence);
            if end.channel.order == IbcOrder::Ordered && end.state != ChannelState::Closed {
                ibc::close(s.storage, &packet.src)?;
            }
            let mut events = vec![ibc::packet_event("timeout_packet", packet)];
            if packet.src.port_id == transfer::PORT {
                events.extend(transfer::refund(s.api, s.storage, s.router, s.block, packet)?);
            } else {
                let msg = IbcPacketTimeoutMsg::new(packet.clone(), relayer);
                events.extend(s.call(&packet.src.port_id, IbcEntry::PacketTimeout(msg))?.events);
            }
            Ok(((), events))
        });
        ran.map(|_| Delivered::Done)
    }

    /// Makes sure that a packet can never be received here, as the proof of non-receipt would.
    pub(crate) fn ibc_refuse_for_ever(&mut self, packet: &IbcPacket) -> Result<(), TxError> {
        let ran = self.internal("/mesh.harness.v1.Withhold", &json!({ "packet": packet }), |s| {
            ibc::mark_received(s.storage, &packet.dest, packet.sequence);
            Ok(((), vec![]))
        });
        ran.map(|_| ())
    }

    fn in_flight(&self, packet: &IbcPacket) -> Result<bool, TxError> {
        let found = ibc::sent(self.app.storage(), &packet.src, packet.sequence);
        found.map(|p| p.is_some()).map_err(|e| TxError::sdk(1, e.to_string()))
    }

    /// Packets this chain sent that are neither acknowledged nor timed out, oldest first.
    pub(crate) fn ibc_pending(&self) -> Result<Vec<SentPacket>, TxError> {
        ibc::pending(self.app.storage()).map_err(|e| TxError::sdk(1, e.to_string()))
    }
}

/// Checks a packet against its channel here and writes the receipt.
fn accept(s: &mut Stage<'_, '_>, packet: &IbcPacket) -> StdResult<()> {
    let mut end = ibc::must_channel(s.storage, &packet.dest)?;
    if end.state != ChannelState::Open {
        return Err(StdError::msg(format!("channel is {:?}, not OPEN: invalid channel state", end.state)));
    }
    if end.channel.counterparty_endpoint != packet.src {
        return Err(StdError::msg("packet of another channel: invalid packet"));
    }
    if ibc::timed_out(&packet.timeout, s.block) {
        return Err(StdError::msg("packet timeout elapsed: timeout elapsed"));
    }
    if end.channel.order == IbcOrder::Ordered {
        if packet.sequence != end.next_recv {
            let text = format!(
                "packet sequence {} is not the next, {}: out of order",
                packet.sequence, end.next_recv
            );
            return Err(StdError::msg(text));
        }
        end.next_recv += 1;
        ibc::save_channel(s.storage, &end)?;
    }
    ibc::mark_received(s.storage, &packet.dest, packet.sequence);
    Ok(())
}

/// Checks an acknowledgement against its channel and drops the commitment.
fn settle(s: &mut Stage<'_, '_>, packet: &IbcPacket) -> StdResult<()> {
    let mut end = ibc::must_channel(s.storage, &packet.src)?;
    if end.channel.order == IbcOrder::Ordered {
        if packet.sequence != end.next_ack {
            let text = format!(
                "acknowledgement of {} is not the next, {}: out of order",
                packet.sequence, end.next_ack
            );
            return Err(StdError::msg(text));
        }
        end.next_ack += 1;
        ibc::save_channel(s.storage, &end)?;
    }
    ibc::forget(s.storage, &packet.src, packet.sequence);
    Ok(())
}

type Handled = (Option<Vec<u8>>, Vec<Event>);

fn handle(s: &mut Stage<'_, '_>, packet: &IbcPacket, relayer: Addr) -> StdResult<Handled> {
    if packet.dest.port_id == transfer::PORT {
        let events = transfer::receive(s.api, s.storage, s.router, s.block, packet)?;
        return Ok((Some(transfer::ACK_OK.to_vec()), events));
    }
    let msg = IbcPacketReceiveMsg::new(packet.clone(), relayer);
    let answer = s.call(&packet.dest.port_id, IbcEntry::PacketReceive(msg))?;
    Ok((answer.data.map(|d| d.to_vec()), answer.events))
}

/// The acknowledgement of a refused packet; an abort refuses the whole message instead.
fn refusal_ack(
    ledger: &super::contract::CallLedger,
    error: &StdError,
    packet: &IbcPacket,
    events: &mut Vec<Event>,
) -> StdResult<Vec<u8>> {
    let text = error.to_string();
    if ledger.find(&text).is_some_and(|e| e.aborted) {
        return Err(StdError::msg(text));
    }
    let event = Event::new("ibc_packet_received")
        .add_attribute("module", "wasm")
        .add_attribute("success", "false")
        .add_attribute("error", ledger.plain(&text));
    events.push(event.add_attribute("packet_sequence", packet.sequence.to_string()));
    Ok(CONTRACT_ERROR_ACK.to_vec())
}
