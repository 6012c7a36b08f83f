//! Messages to other contracts whose refusal must not undo what caused them.
//!
//! Each is sent as a sub-message that replies on error only. While it succeeds nothing is stored: the message
//! travels in the payload. When the peer refuses it, the reply puts it into the outbox, from which anyone may
//! send it again. Receivers must be idempotent. What this does not do: keep order between items.

use cosmwasm_std::{Event, Reply, Storage, SubMsg, SubMsgResult, WasmMsg, from_json, to_json_vec};
use serde::Serialize;
use staking_api::events::MessageQueued;
use staking_api::mesh::{Binary, Empty};
use staking_api_derive::Wire;

use crate::events::event;
use crate::pack::CorruptState;
use crate::store;

/// Reply id of messages that are sent for the first time.
pub const REPLY_FIRST: u64 = u64::MAX;

const ITEM: &[u8] = b"\xf2";
const NEXT: &[u8] = b"\xf3";

/// A message that a peer refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Wire)]
pub struct Item {
    /// The peer.
    pub to: String,
    /// The message.
    pub msg: Binary,
    /// Why it was refused last.
    pub error: String,
}

/// What the outbox reads of a [`Reply`]. Contracts export an entry point that reads this instead: the code that
/// reads the events and data of a success, which is never asked for, was 10 kB of each.
#[derive(Clone, Debug, PartialEq, Eq, Wire)]
pub struct Answer {
    id: u64,
    // Chains leave it out when it is empty.
    #[serde(default)]
    payload: Binary,
    result: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Wire)]
enum Outcome {
    Ok(Empty),
    Error(String),
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let result = match reply.result {
            SubMsgResult::Ok(_) => Outcome::Ok(Empty {}),
            SubMsgResult::Err(error) => Outcome::Error(error),
        };
        Self { id: reply.id, payload: Binary(reply.payload.into()), result }
    }
}

/// Exports `reply` from a contract's wasm: a function that takes `(DepsMut, Env, Answer)`.
#[macro_export]
macro_rules! export_reply {
    ($handler:expr) => {
        #[cfg(target_arch = "wasm32")]
        mod exported_reply {
            // `cosmwasm_std::entry_point` writes the same, with the function that reads a whole `Reply`.
            #[allow(unsafe_code, reason = "an export is unsafe if another one has its name")]
            #[unsafe(no_mangle)]
            extern "C" fn reply(env: u32, answer: u32) -> u32 {
                cosmwasm_std::do_sudo::<_, $crate::outbox::Answer, _, _>(&$handler, env, answer)
            }
        }
    };
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
    let msg = Binary(to_json_vec(msg).map_err(|error| OutboxError::Json(error.to_string()))?);
    sub_message(Item { to: to.to_string(), msg, error: String::new() }, REPLY_FIRST)
}

fn sub_message(item: Item, id: u64) -> Result<SubMsg, OutboxError> {
    let payload = to_json_vec(&item).map_err(|error| OutboxError::Json(error.to_string()))?;
    let message = WasmMsg::Execute { contract_addr: item.to, msg: item.msg.0.into(), funds: vec![] };
    Ok(SubMsg::reply_on_error(message, id).with_payload(payload))
}

/// Takes the reply to a message of this outbox: stores the message if it was refused.
///
/// # Errors
/// The reply is none to such a message.
pub fn on_reply(storage: &mut dyn Storage, answer: Answer) -> Result<Event, OutboxError> {
    let Outcome::Error(error) = answer.result else { return Err(OutboxError::UnexpectedReply(answer.id)) };
    let mut item: Item = from_json(&answer.payload.0).map_err(|_| OutboxError::UnexpectedReply(answer.id))?;
    item.error = error;
    let id = if answer.id == REPLY_FIRST { take_id(storage)? } else { answer.id };
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

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;
    use cosmwasm_std::{Binary as Bytes, SubMsgResponse, to_json_string};

    fn reply(result: SubMsgResult, payload: &[u8]) -> Reply {
        Reply { id: REPLY_FIRST, payload: Bytes::from(payload), gas_used: 7, result }
    }

    /// What the chain sends, as the export reads it and as native hosts hand it over.
    #[test]
    fn an_answer_is_what_it_is_in_a_reply() {
        #[allow(deprecated, reason = "chains fill it in")]
        let success = SubMsgResponse {
            events: vec![Event::new("wasm").add_attribute("a", "b")],
            data: None,
            msg_responses: vec![],
        };
        for result in [SubMsgResult::Ok(success), SubMsgResult::Err("out of gas \"here\"".into())] {
            let reply = reply(result, &[1, 2, 3]);
            let read: Answer = from_json(to_json_string(&reply).unwrap()).unwrap();
            assert_eq!(read, Answer::from(reply));
        }
    }

    #[test]
    fn an_answer_may_come_without_payload() {
        let read: Answer = from_json(r#"{"id":1,"result":{"error":"no"},"gas_used":5}"#).unwrap();
        assert_eq!(read, Answer { id: 1, payload: Binary::default(), result: Outcome::Error("no".into()) });
    }

    #[test]
    fn what_a_peer_refused_waits_under_the_next_number() {
        let mut storage = MockStorage::new();
        let sent = send("peer", &Empty {}).unwrap();
        for number in 1..=2 {
            let refused = reply(SubMsgResult::Err(number.to_string()), &sent.payload);
            on_reply(&mut storage, refused.into()).unwrap();
        }
        let waiting = list(&storage, None, 9).unwrap();
        let item = |error: &str| Item { to: "peer".into(), msg: Binary(b"{}".into()), error: error.into() };
        assert_eq!(waiting, [(1, item("1")), (2, item("2"))]);
        assert_eq!(retry(&mut storage, 1).unwrap()[0].id, 1);
        assert_eq!(list(&storage, None, 9).unwrap().len(), 1);
    }

    #[test]
    fn a_success_that_nobody_asked_for_is_refused() {
        #[allow(deprecated, reason = "chains fill it in")]
        let success = SubMsgResponse { events: vec![], data: None, msg_responses: vec![] };
        let refused = on_reply(&mut MockStorage::new(), reply(SubMsgResult::Ok(success), b"{}").into());
        assert!(matches!(refused, Err(OutboxError::UnexpectedReply(REPLY_FIRST))));
    }
}
