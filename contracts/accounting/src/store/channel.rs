//! One end of a pairing's channel: handshake, what is sent and sent again, closing. The same for both ends (§7).
//!
//! Which end begins, which peer is expected and what a packet does is the contract's own.

use super::Cell;
use super::outbox::{Item, Next, Outbox};
use cosmwasm_std::{
    Binary, CosmosMsg, Env, Event, IbcChannel, IbcChannelCloseMsg, IbcMsg, IbcOrder, IbcReceiveResponse,
    StdError, StdResult, Storage, SubMsg, from_json, to_json_binary,
};
use staking_api::mesh::external;
use staking_api::mesh::packet::{Ack, ChannelVersion, PROTOCOL, VERSION};
use std::fmt::Display;
use std::string::{String, ToString};
use std::vec::Vec;
use thiserror::Error;

/// Lifetime of a packet that is sent again, seconds.
pub const DAY: u64 = 86_400;

/// Why a step of a channel's life is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// One channel per contract.
    #[error("a channel is open already")]
    AlreadyOpen,
    /// Packets have no order.
    #[error("the channel must be unordered")]
    Ordered,
    /// INIT and ACK are the converter's, TRY and CONFIRM the other end's.
    #[error("the converter begins the handshake")]
    WrongSide,
    /// Not a version we speak.
    #[error("channel version {0} is not supported")]
    Version(String),
    /// Not the peer this contract was set up for.
    #[error("expected {expected}, got {got}")]
    WrongEndpoint {
        /// Connection or port it was set up for.
        expected: String,
        /// What came.
        got: String,
    },
    /// Not the stored channel.
    #[error("unknown channel {0}")]
    UnknownChannel(String),
    /// Nobody asked for the channel to be closed.
    #[error("the channel is not to be closed")]
    NotClosing,
}

/// The one channel of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Own port.
    pub port: String,
    /// Own channel id.
    pub id: String,
    /// The peer's port.
    pub remote_port: String,
    /// The peer's channel id.
    pub remote_id: String,
    /// Own connection.
    pub connection: String,
    /// Version agreed on.
    pub version: String,
    /// Whether packets may be sent.
    pub open: bool,
}
crate::packed!(Channel { port, id, remote_port, remote_id, connection, version, open });

const CHANNEL: Cell<Channel> = Cell::new(b"channel");
const CLOSING: Cell<bool> = Cell::new(b"closing");

impl Channel {
    /// The channel if it is open.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn open(s: &dyn Storage) -> StdResult<Option<Self>> {
        Ok(CHANNEL.may_load(s)?.filter(|c| c.open))
    }

    /// Whether there was one that is closed.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn is_closed(s: &dyn Storage) -> StdResult<bool> {
        Ok(CHANNEL.may_load(s)?.is_some_and(|c| !c.open))
    }

    /// A packet over it; `timeout_s` in seconds from now.
    pub fn send(&self, env: &Env, data: Vec<u8>, timeout_s: u64) -> CosmosMsg {
        let timeout = env.block.time.plus_seconds(timeout_s).into();
        IbcMsg::SendPacket { channel_id: self.id.clone(), data: Binary::from(data), timeout }.into()
    }

    /// The open channel as queries show it.
    ///
    /// # Errors
    /// When no channel is open.
    pub fn shown(s: &dyn Storage) -> StdResult<external::IbcChannelResponse> {
        let c = Self::open(s)?.ok_or_else(|| StdError::msg("no channel is open"))?;
        let endpoint = |port_id, channel_id| external::IbcEndpoint { port_id, channel_id };
        let channel = external::IbcChannel {
            endpoint: endpoint(c.port, c.id),
            counterparty_endpoint: endpoint(c.remote_port, c.remote_id),
            order: "ORDER_UNORDERED".into(),
            version: c.version,
            connection_id: c.connection,
        };
        Ok(external::IbcChannelResponse { channel })
    }
}

/// Whether a handshake may begin: one channel per contract, packets without order.
///
/// # Errors
/// [`ChannelError`].
pub fn may_open(s: &dyn Storage, channel: &IbcChannel) -> Result<(), ChannelError> {
    if Channel::open(s)?.is_some() {
        return Err(ChannelError::AlreadyOpen);
    }
    if channel.order != IbcOrder::Unordered {
        return Err(ChannelError::Ordered);
    }
    Ok(())
}

/// The version to propose: ours, also where the relayer proposes one that fits.
///
/// # Errors
/// [`ChannelError::Version`].
pub fn propose(wanted: &str) -> Result<String, ChannelError> {
    if wanted.is_empty() { ours() } else { agree(wanted) }
}

/// The version to answer a proposal with: the lower of the two, which is ours, as ours is also the least we speak.
///
/// # Errors
/// [`ChannelError::Version`].
pub fn agree(theirs: &str) -> Result<String, ChannelError> {
    let unknown = || ChannelError::Version(theirs.into());
    let v: ChannelVersion = from_json(theirs).map_err(|_| unknown())?;
    let (Some(theirs), Some(least)) = (number(&v.version), number(VERSION)) else { return Err(unknown()) };
    if v.protocol != PROTOCOL || theirs < least || theirs[0] > least[0] {
        return Err(unknown());
    }
    ours()
}

fn ours() -> Result<String, ChannelError> {
    Ok(cosmwasm_std::to_json_string(&ChannelVersion::ours())?)
}

fn number(text: &str) -> Option<[u64; 3]> {
    let mut parts = text.split('.').map(|p| p.parse::<u64>().ok());
    let number = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(number)
}

/// Whether what the other side settled on is spoken here: supported and least version are the same.
///
/// # Errors
/// [`ChannelError::Version`].
pub fn spoken(version: &str) -> Result<(), ChannelError> {
    match from_json::<ChannelVersion>(version) {
        Ok(v) if v.protocol == PROTOCOL && v.version == VERSION => Ok(()),
        _ => Err(ChannelError::Version(version.into())),
    }
}

/// Whether a peer's connection or port is the one this contract was set up for.
///
/// # Errors
/// [`ChannelError::WrongEndpoint`].
pub fn same(expected: &str, got: &str) -> Result<(), ChannelError> {
    match expected == got {
        true => Ok(()),
        false => Err(ChannelError::WrongEndpoint { expected: expected.into(), got: got.into() }),
    }
}

/// The handshake is done: stores the channel.
///
/// # Errors
/// [`ChannelError::AlreadyOpen`]: two handshakes may run at once, the first one wins.
pub fn opened(s: &mut dyn Storage, channel: &IbcChannel, version: String) -> Result<Event, ChannelError> {
    if Channel::open(s)?.is_some() {
        return Err(ChannelError::AlreadyOpen);
    }
    let (ours, theirs) = (&channel.endpoint, &channel.counterparty_endpoint);
    let stored = Channel {
        port: ours.port_id.clone(),
        id: ours.channel_id.clone(),
        remote_port: theirs.port_id.clone(),
        remote_id: theirs.channel_id.clone(),
        connection: channel.connection_id.clone(),
        version,
        open: true,
    };
    CHANNEL.save(s, &stored);
    CLOSING.remove(s);
    Ok(Event::new("mesh_channel").add_attribute("channel_id", stored.id))
}

/// Somebody who may has asked for the open channel to be closed; `None` where none is open.
///
/// # Errors
/// When stored state is damaged.
pub fn close(s: &mut dyn Storage) -> StdResult<Option<IbcMsg>> {
    let Some(channel) = Channel::open(s)? else { return Ok(None) };
    CLOSING.save(s, &true);
    Ok(Some(IbcMsg::CloseChannel { channel_id: channel.id }))
}

/// Closing that [`close`] did not ask for is refused (14-A17); one that has happened on the other side is booked.
///
/// # Errors
/// [`ChannelError`].
pub fn closed(s: &mut dyn Storage, msg: &IbcChannelCloseMsg) -> Result<Event, ChannelError> {
    let id = msg.channel().endpoint.channel_id.clone();
    let mut channel = match CHANNEL.may_load(s)? {
        Some(c) if c.id == id => c,
        _ => return Err(ChannelError::UnknownChannel(id)),
    };
    if matches!(msg, IbcChannelCloseMsg::CloseInit { .. }) && !CLOSING.get(s)? {
        return Err(ChannelError::NotClosing);
    }
    channel.open = false;
    CHANNEL.save(s, &channel);
    Ok(Event::new("mesh_channel_closed").add_attribute("channel_id", id))
}

/// Answers a packet by what came of it: one that cannot be followed gets an error acknowledgement.
///
/// # Errors
/// Never in practice: an acknowledgement always serialises.
pub fn receipt<E: Display>(outcome: Result<(Vec<SubMsg>, Vec<Event>), E>) -> StdResult<IbcReceiveResponse> {
    match outcome {
        Ok((calls, events)) => {
            let ack = to_json_binary(&Ack::ok())?;
            Ok(IbcReceiveResponse::new(ack).add_submessages(calls).add_events(events))
        }
        Err(why) => {
            let why = why.to_string();
            let event = Event::new("packet_refused").add_attribute("reason", &why);
            Ok(IbcReceiveResponse::new(to_json_binary(&Ack::Error(why))?).add_event(event))
        }
    }
}

/// Why a packet of ours was refused; `None` when it was not.
pub fn refusal(ack: &Binary) -> Option<String> {
    match from_json::<Ack>(ack) {
        Ok(Ack::Result(_)) => None,
        Ok(Ack::Error(why)) => Some(why),
        Err(_) => Some("unreadable acknowledgement".into()),
    }
}

/// A packet that must arrive: kept for the time when a channel is open where none is.
///
/// # Errors
/// When stored state is damaged.
pub fn certain(
    s: &mut dyn Storage,
    env: &Env,
    data: Vec<u8>,
    timeout_s: u64,
) -> StdResult<Option<CosmosMsg>> {
    if let Some(channel) = Channel::open(s)? {
        return Ok(Some(channel.send(env, data, timeout_s)));
    }
    Outbox::PACKETS.push(s, &again(data), env.block.time.seconds())?;
    Ok(None)
}

fn again(data: Vec<u8>) -> Item {
    Item { data, to: String::new(), timeout_s: DAY }
}

/// A packet that must arrive timed out: sent again at once the first time, then with growing waits.
///
/// # Errors
/// When stored state is damaged.
pub fn timed_out(s: &mut dyn Storage, env: &Env, data: Vec<u8>) -> StdResult<(Option<CosmosMsg>, Event)> {
    let next = Outbox::PACKETS.lost(s, again(data), env.block.time.seconds())?;
    let event = waits("packet_timed_out", &next);
    let Next::Now(item) = next else { return Ok((None, event)) };
    Ok((certain(s, env, item.data, DAY)?, event))
}

/// A packet that must arrive was refused: it waits.
///
/// # Errors
/// When stored state is damaged.
pub fn refused(s: &mut dyn Storage, env: &Env, data: Vec<u8>, why: String) -> StdResult<Event> {
    let next = Outbox::PACKETS.refused(s, again(data), env.block.time.seconds())?;
    Ok(waits("packet_refused", &next).add_attribute("reason", why))
}

fn waits(kind: &str, next: &Next) -> Event {
    let when = match next {
        Next::Now(_) => "now".to_string(),
        Next::At(t) => t.to_string(),
        Next::Never => "given up".to_string(),
    };
    Event::new(kind).add_attribute("again", when)
}

/// Up to `limit` kept packets whose time has come; `None` where no channel is open.
///
/// # Errors
/// When stored state is damaged.
pub fn flush(s: &mut dyn Storage, env: &Env, limit: usize) -> StdResult<Option<Vec<CosmosMsg>>> {
    let Some(channel) = Channel::open(s)? else { return Ok(None) };
    let due = Outbox::PACKETS.due(s, env.block.time.seconds(), limit)?;
    Ok(Some(due.into_iter().map(|item| channel.send(env, item.data, item.timeout_s)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::{MockStorage, mock_env, mock_ibc_channel};

    fn version(protocol: &str, version: &str) -> String {
        std::format!(r#"{{"protocol":"{protocol}","version":"{version}"}}"#)
    }

    /// Lower of two versions; less than the least or a later major one is refused; unknown fields are tolerated.
    #[test]
    fn a_proposal_is_answered_with_the_lower_version() {
        let ours = version(PROTOCOL, VERSION);
        assert_eq!(propose("").unwrap(), ours);
        for fits in [&ours, &version(PROTOCOL, "0.11.7"), &version(PROTOCOL, "0.12.0")] {
            assert_eq!(
                (agree(fits).unwrap(), propose(fits).unwrap()),
                (ours.clone(), ours.clone()),
                "{fits}"
            );
        }
        let more = ours.replace('}', r#","features":[]}"#);
        assert_eq!(agree(&more).unwrap(), ours);
        let others = ["0.10.9", "1.0.0", "0.11", "0.11.0.1", "eleven"].map(|v| version(PROTOCOL, v));
        for unfit in others.iter().chain([&version("other", VERSION), &"0.11.0".to_string()]) {
            assert!(matches!(agree(unfit), Err(ChannelError::Version(_))), "{unfit}");
            assert!(propose(unfit).is_err(), "{unfit}");
        }
        assert!(spoken(&ours).is_ok() && spoken(&more).is_ok());
        assert!(
            spoken(&version(PROTOCOL, "0.12.0")).is_err(),
            "they may not settle on more than was proposed"
        );
    }

    #[test]
    fn a_contract_has_one_channel_without_order() {
        let mut s = MockStorage::new();
        let channel = mock_ibc_channel("channel-1", IbcOrder::Unordered, VERSION);
        let ordered = mock_ibc_channel("channel-1", IbcOrder::Ordered, VERSION);
        assert!(matches!(may_open(&s, &ordered), Err(ChannelError::Ordered)));
        assert!(may_open(&s, &channel).is_ok());
        opened(&mut s, &channel, VERSION.into()).unwrap();
        assert!(matches!(may_open(&s, &channel), Err(ChannelError::AlreadyOpen)));
        assert!(matches!(opened(&mut s, &channel, VERSION.into()), Err(ChannelError::AlreadyOpen)));
    }

    /// 14-A17: only who may can have it closed, and what the other side did is booked.
    #[test]
    fn nobody_closes_a_channel_unasked() {
        let mut s = MockStorage::new();
        assert!(close(&mut s).unwrap().is_none());
        let channel = mock_ibc_channel("channel-1", IbcOrder::Unordered, VERSION);
        opened(&mut s, &channel, VERSION.into()).unwrap();
        let init = IbcChannelCloseMsg::new_init(channel.clone());
        assert!(matches!(closed(&mut s, &init), Err(ChannelError::NotClosing)));
        assert!(close(&mut s).unwrap().is_some());
        closed(&mut s, &init).unwrap();
        assert!(Channel::is_closed(&s).unwrap());
        // Another one may follow, and asking for the first one's end does not end it.
        opened(&mut s, &channel, VERSION.into()).unwrap();
        assert!(matches!(closed(&mut s, &init), Err(ChannelError::NotClosing)));
        let other = mock_ibc_channel("channel-2", IbcOrder::Unordered, VERSION);
        let theirs = |c| IbcChannelCloseMsg::new_confirm(c);
        assert!(matches!(closed(&mut s, &theirs(other)), Err(ChannelError::UnknownChannel(_))));
        closed(&mut s, &theirs(channel)).unwrap();
        assert!(Channel::open(&s).unwrap().is_none());
    }

    #[test]
    fn packets_wait_for_a_channel() {
        let (mut s, env) = (MockStorage::new(), mock_env());
        assert!(certain(&mut s, &env, b"a".to_vec(), 600).unwrap().is_none());
        assert!(timed_out(&mut s, &env, b"b".to_vec()).unwrap().0.is_none());
        assert!(flush(&mut s, &env, 9).unwrap().is_none());
        opened(&mut s, &mock_ibc_channel("channel-1", IbcOrder::Unordered, VERSION), VERSION.into()).unwrap();
        assert_eq!(flush(&mut s, &env, 9).unwrap().unwrap().len(), 2);
        assert!(timed_out(&mut s, &env, b"c".to_vec()).unwrap().0.is_some(), "at once the first time");
        assert!(timed_out(&mut s, &env, b"c".to_vec()).unwrap().0.is_none(), "then it waits");
    }
}
