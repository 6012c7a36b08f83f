//! What is to be relayed, read from both chains, and how it is brought there.

use super::{End, IbcError};
use crate::chain::{ChannelEnd, ChannelState, Delivered, SentPacket, TxError, ibc_module as ibc_state};
use cosmwasm_std::{IbcEndpoint, IbcPacket};
use std::collections::HashSet;

/// What is next for a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Its destination has not seen it.
    Receive,
    /// Its sender has not seen this acknowledgement.
    Acknowledge(Vec<u8>),
    /// Its destination can no longer receive it.
    TimeOut,
    /// Not a packet: the other end of a closed channel is still open.
    CloseConfirm,
}

/// Something to relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub(super) connection: usize,
    pub(super) from: usize,
    /// Chain id of the packet's sender.
    pub source: String,
    /// Chain id of its receiver.
    pub destination: String,
    /// The packet; for [`Stage::CloseConfirm`] only its ends mean something.
    pub packet: IbcPacket,
    /// What is next for it.
    pub stage: Stage,
}

/// What tells one thing from another.
pub(super) type Key = (usize, usize, String, u64, Stage);

impl Pending {
    pub(super) fn key(&self) -> Key {
        let place = format!("{}/{}", self.packet.src.port_id, self.packet.src.channel_id);
        (self.connection, self.from, place, self.packet.sequence, self.stage.clone())
    }
}

/// What the destination knows of a packet.
struct Seen {
    received: bool,
    ack: Option<Vec<u8>>,
    late: bool,
    state: Option<ChannelState>,
}

fn look(end: &End, packet: &IbcPacket) -> Result<Seen, IbcError> {
    let packet = packet.clone();
    let seen = end.chain.with(move |s| {
        let storage = s.app.storage();
        let channel = ibc_state::channel(storage, &packet.dest).ok().flatten();
        // The next block there has at least this time and height.
        let mut next = s.app.block_info();
        next.height += 1;
        next.time = next.time.max(cosmwasm_std::Timestamp::from_nanos(s.config.clock.nanos()));
        Seen {
            received: ibc_state::received(storage, &packet.dest, packet.sequence),
            ack: ibc_state::ack(storage, &packet.dest, packet.sequence),
            late: ibc_state::timed_out(&packet.timeout, &next),
            state: channel.map(|c| c.state),
        }
    })?;
    Ok(seen)
}

/// What is next for a packet; `None` while somebody else must act first.
fn stage(seen: Seen, source_open: bool) -> Option<Stage> {
    match (seen.ack, seen.received) {
        // A closed channel takes no acknowledgements.
        (Some(ack), _) => source_open.then_some(Stage::Acknowledge(ack)),
        (None, true) => None,
        (None, false) if seen.late || seen.state == Some(ChannelState::Closed) => Some(Stage::TimeOut),
        (None, false) if seen.state == Some(ChannelState::Open) => Some(Stage::Receive),
        (None, false) => None,
    }
}

/// All that can be relayed from one end of a connection, oldest first.
pub(super) fn pending(connection: usize, ends: &[End; 2], from: usize) -> Result<Vec<Pending>, IbcError> {
    let (source, destination) = (&ends[from], &ends[1 - from]);
    let make = |packet: IbcPacket, stage: Stage| Pending {
        connection,
        from,
        source: source.chain.chain_id().to_owned(),
        destination: destination.chain.chain_id().to_owned(),
        packet,
        stage,
    };
    let channels: Vec<ChannelEnd> =
        source.chain.channels()?.into_iter().filter(|c| c.channel.connection_id == source.id).collect();
    let closed: HashSet<_> =
        channels.iter().filter(|c| c.state == ChannelState::Closed).map(place_of).collect();
    let mut out = Vec::new();
    let mut busy = HashSet::new();
    for SentPacket { packet, ordered, connection_id, .. } in source.chain.packets_in_flight()? {
        if connection_id != source.id {
            continue;
        }
        let place = place(&packet.src);
        let seen = look(destination, &packet)?;
        let Some(next) = stage(seen, !closed.contains(&place)) else { continue };
        // On an ordered channel only the first packet, and the first acknowledgement, may move.
        let lane = matches!(next, Stage::Acknowledge(_));
        if !ordered || busy.insert((place, lane)) {
            out.push(make(packet, next));
        }
    }
    for end in channels.into_iter().filter(|c| c.state == ChannelState::Closed) {
        let channel = end.channel;
        let probe = IbcPacket::new(
            Vec::new(),
            channel.endpoint,
            channel.counterparty_endpoint,
            0,
            cosmwasm_std::Timestamp::from_nanos(u64::MAX).into(),
        );
        if matches!(look(destination, &probe)?.state, Some(ChannelState::Open | ChannelState::TryOpen)) {
            out.push(make(probe, Stage::CloseConfirm));
        }
    }
    Ok(out)
}

fn place(end: &IbcEndpoint) -> String {
    format!("{}/{}", end.port_id, end.channel_id)
}

fn place_of(end: &ChannelEnd) -> String {
    place(&end.channel.endpoint)
}

/// Brings one thing to the chain that is next for it.
pub(super) fn deliver(ends: &[End; 2], pending: &Pending) -> Result<Result<Delivered, TxError>, IbcError> {
    let (source, destination) = (&ends[pending.from], &ends[1 - pending.from]);
    let packet = pending.packet.clone();
    let done = match pending.stage.clone() {
        Stage::Receive => {
            let relayer = destination.relayer.clone();
            destination.chain.with(move |s| s.ibc_receive(&packet, &relayer))?
        }
        Stage::Acknowledge(ack) => {
            let relayer = source.relayer.clone();
            source.chain.with(move |s| s.ibc_acknowledge(&packet, &ack, &relayer))?
        }
        Stage::TimeOut => {
            let relayer = source.relayer.clone();
            source.chain.with(move |s| s.ibc_timeout(&packet, &relayer))?
        }
        Stage::CloseConfirm => destination.chain.with(move |s| s.ibc_close_confirm(&packet.dest))?,
    };
    Ok(done)
}

/// Makes sure that a packet can never be received any more.
pub(super) fn withhold(ends: &[End; 2], pending: &Pending) -> Result<(), IbcError> {
    let packet = pending.packet.clone();
    let done = ends[1 - pending.from].chain.with(move |s| s.ibc_refuse_for_ever(&packet))?;
    done.map_err(|e| IbcError::Chain(e.into()))
}
