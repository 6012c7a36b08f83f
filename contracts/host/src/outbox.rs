//! Messages to other contracts whose refusal must not undo what caused them.
//!
//! Each is sent as a sub-message that replies on error only. While it succeeds nothing is stored: the message
//! travels in the payload. When the peer refuses it, the reply puts it into the outbox, from which anyone may
//! send it again. Receivers must be idempotent. What this does not do: keep order between items.

use cosmwasm_std::{Binary, Event, Reply, Storage, SubMsg, SubMsgResult, WasmMsg, from_json, to_json_vec};
use serde::{Deserialize, Serialize};
use staking_api::events::MessageQueued;

use crate::events::event;
use crate::pack::CorruptState;
use crate::store;

/// Reply id of messages that are sent for the first time.
pub const REPLY_FIRST: u64 = u64::MAX;

const ITEM: &[u8] = b"\xf2";
const NEXT: &[u8] = b"\xf3";

/// A message that a peer refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The peer.
    pub to: String,
    /// The message.
    pub msg: Binary,
    /// Why it was refused last.
    pub error: String,
}

/// Why the outbox could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// A reply that nobody asked for.
    #[error("unexpected reply {0}")]
    UnexpectedReply(u64),
    /// A message does not serialise.
    #[error("{0}")]
    Json(String),
    /// A record is malformed.
    #[error(transparent)]
    Corrupt(#[from] CorruptState),
}

/// Prepares a message whose refusal is queued.
///
/// # Errors
/// The message does not serialise.
pub fn send<M: Serialize>(to: &str, msg: &M) -> Result<SubMsg, OutboxError> {
    let msg = Binary::new(to_json_vec(msg).map_err(|error| OutboxError::Json(error.to_string()))?);
    sub_message(Item { to: to.to_string(), msg, error: String::new() }, REPLY_FIRST)
}

fn sub_message(item: Item, id: u64) -> Result<SubMsg, OutboxError> {
    let payload = to_json_vec(&item).map_err(|error| OutboxError::Json(error.to_string()))?;
    let message = WasmMsg::Execute { contract_addr: item.to, msg: item.msg, funds: vec![] };
    Ok(SubMsg::reply_on_error(message, id).with_payload(payload))
}

/// Takes the reply to a message of this outbox: stores the message if it was refused.
///
/// # Errors
/// The reply is none to such a message.
pub fn on_reply(storage: &mut dyn Storage, reply: Reply) -> Result<Event, OutboxError> {
    let SubMsgResult::Err(error) = reply.result else { return Err(OutboxError::UnexpectedReply(reply.id)) };
    let mut item: Item = from_json(&reply.payload).map_err(|_| OutboxError::UnexpectedReply(reply.id))?;
    item.error = error;
    let id = if reply.id == REPLY_FIRST { take_id(storage)? } else { reply.id };
    save(storage, id, &item)?;
    Ok(event(&MessageQueued { id, to: item.to, reason: item.error }))
}

/// Takes at most `limit` messages out to send them again; refused ones come back under the same number.
///
/// # Errors
/// A record is malformed.
pub fn retry(storage: &mut dyn Storage, limit: u32) -> Result<Vec<SubMsg>, OutboxError> {
    let waiting = list(storage, None, usize::try_from(limit.min(50)).unwrap_or(50))?;
    waiting.into_iter().map(|(id, item)| take_out(storage, id, item)).collect()
}

fn take_out(storage: &mut dyn Storage, id: u64, item: Item) -> Result<SubMsg, OutboxError> {
    storage.remove(&key(id));
    sub_message(item, id)
}

/// Messages that wait, in order of number, after `after`.
///
/// # Errors
/// A record is malformed.
pub fn list(
    storage: &dyn Storage,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Item)>, OutboxError> {
    let after = after.map(u64::to_be_bytes);
    let records = store::page(storage, ITEM, after.as_ref().map(|a| &a[..]), limit);
    records.map(|(key, value)| read_item(&key, &value)).collect()
}

fn read_item(key: &[u8], value: &[u8]) -> Result<(u64, Item), OutboxError> {
    let id = key.try_into().map(u64::from_be_bytes).map_err(|_| CorruptState("outbox key"))?;
    let item = from_json(value).map_err(|_| CorruptState("outbox item"))?;
    Ok((id, item))
}

fn save(storage: &mut dyn Storage, id: u64, item: &Item) -> Result<(), OutboxError> {
    let raw = to_json_vec(item).map_err(|error| OutboxError::Json(error.to_string()))?;
    storage.set(&key(id), &raw);
    Ok(())
}

fn key(id: u64) -> Vec<u8> {
    [ITEM, &id.to_be_bytes()].concat()
}

fn take_id(storage: &mut dyn Storage) -> Result<u64, OutboxError> {
    let last = storage.get(NEXT).map(|raw| raw.as_slice().try_into().map(u64::from_be_bytes));
    let id = last.transpose().map_err(|_| CorruptState("outbox number"))?.unwrap_or(0).saturating_add(1);
    storage.set(NEXT, &id.to_be_bytes());
    Ok(id)
}
