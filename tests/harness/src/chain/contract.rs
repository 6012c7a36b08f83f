//! What a chain runs: contract code behind `cw-multi-test`'s `Contract`, extended by the IBC entry points.
//!
//! IBC calls arrive through `sudo` in a private envelope, because the router has no other door. Errors of
//! contracts travel through the router as a number, so that their text survives its wrapping unchanged.

use super::custom::{ChainMsg, ChainQuery};
use cosmwasm_std::{
    Binary, Checksum, ContractResult, Deps, DepsMut, Empty, Env, IbcChannelCloseMsg, IbcChannelConnectMsg,
    IbcChannelOpenMsg, IbcPacketAckMsg, IbcPacketReceiveMsg, IbcPacketTimeoutMsg, IbcQuery, MessageInfo,
    MigrateInfo, PortIdResponse, Querier, QuerierResult, QuerierWrapper, QueryRequest, Reply, Response,
    StdError, StdResult, SubMsgResult, SystemResult, from_json, to_json_binary,
};
use cw_multi_test::Contract;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Gas wasmd charges for entering a contract that is not pinned.
const ENTRY_GAS: u64 = 60_000;
/// First bytes of the private envelope in `sudo`.
const ENVELOPE: &[u8] = b"{\"@ibc\":";
/// Marks the number of a contract's error inside the router's texts.
const MARKS: (char, char) = ('⟪', '⟫');

/// The port of a contract.
pub fn port_of(contract: &str) -> String {
    format!("wasm.{contract}")
}

/// A call of an IBC entry point.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IbcEntry {
    /// `ibc_channel_open`; the answered version is in the response's data, if any.
    ChannelOpen(IbcChannelOpenMsg),
    /// `ibc_channel_connect`.
    ChannelConnect(IbcChannelConnectMsg),
    /// `ibc_channel_close`.
    ChannelClose(IbcChannelCloseMsg),
    /// `ibc_packet_receive`; the acknowledgement is in the response's data, if any.
    PacketReceive(IbcPacketReceiveMsg),
    /// `ibc_packet_ack`.
    PacketAck(IbcPacketAckMsg),
    /// `ibc_packet_timeout`.
    PacketTimeout(IbcPacketTimeoutMsg),
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    #[serde(rename = "@ibc")]
    ibc: IbcEntry,
}

/// Packs an IBC call for the way through `sudo`.
pub(crate) fn envelope(entry: IbcEntry) -> StdResult<Binary> {
    to_json_binary(&Envelope { ibc: entry })
}

/// A call of any entry point but `query`.
pub enum Entry {
    /// `instantiate`.
    Instantiate(MessageInfo, Vec<u8>),
    /// `execute`.
    Execute(MessageInfo, Vec<u8>),
    /// `reply`.
    Reply(Reply),
    /// `sudo`.
    Sudo(Vec<u8>),
    /// `migrate`.
    Migrate(Vec<u8>, MigrateInfo),
    /// One of the IBC entry points.
    Ibc(IbcEntry),
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The contract's own text, or the engine's.
    pub text: String,
    /// True when the contract did not return an error but stopped (panic, trap).
    pub aborted: bool,
}

impl CallError {
    /// An error the contract returned.
    pub fn returned(text: impl Into<String>) -> Self {
        Self { text: text.into(), aborted: false }
    }

    /// A contract that stopped without an answer.
    pub fn aborted(text: impl Into<String>) -> Self {
        Self { text: text.into(), aborted: true }
    }
}

/// Contract code an engine can run.
pub trait Code: Send + Sync {
    /// Runs a writing entry point and gives the response and the gas used beyond the entry.
    ///
    /// # Errors
    /// The contract's error or its abort.
    fn call(&self, entry: Entry, deps: DepsMut<'_>, env: Env)
    -> Result<(Response<ChainMsg>, u64), CallError>;

    /// Runs `query`.
    ///
    /// # Errors
    /// The contract's error or its abort.
    fn query(&self, deps: Deps<'_>, env: Env, msg: Vec<u8>) -> Result<(Binary, u64), CallError>;
}

/// What the contracts of a chain did since it was last cleared: errors by number, and nominal gas.
#[derive(Default)]
pub(crate) struct CallLedger {
    errors: Mutex<Vec<CallError>>,
    gas: AtomicU64,
}

impl CallLedger {
    pub(crate) fn clear(&self) {
        self.lock().clear();
        self.gas.store(0, Ordering::Relaxed);
    }

    pub(crate) fn gas(&self) -> u64 {
        self.gas.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<CallError>> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spent(&self, gas: u64) {
        self.gas.fetch_add(ENTRY_GAS.saturating_add(gas), Ordering::Relaxed);
    }

    fn record(&self, error: CallError) -> StdError {
        let mut errors = self.lock();
        errors.push(error);
        StdError::msg(format!("{}{}{}", MARKS.0, errors.len() - 1, MARKS.1))
    }

    /// The contract's error inside a text of the router, if one is there.
    pub(crate) fn find(&self, text: &str) -> Option<CallError> {
        let begin = text.rfind(MARKS.0)? + MARKS.0.len_utf8();
        let end = text.get(begin..)?.find(MARKS.1)?;
        let number: usize = text.get(begin..begin + end)?.parse().ok()?;
        self.lock().get(number).cloned()
    }

    /// The text a user should see: the contract's own, or the router's without its wrapping.
    pub(crate) fn plain(&self, text: &str) -> String {
        match self.find(text) {
            Some(error) => error.text,
            None => unwrapped(text),
        }
    }
}

/// Takes the last line of the router's text without the kind of `StdError`.
fn unwrapped(text: &str) -> String {
    let line = text.lines().rfind(|l| !l.trim().is_empty()).unwrap_or(text);
    line.rsplit_once(", error: ").map_or(line, |(_, tail)| tail).trim().to_owned()
}

/// Code registered on a chain.
pub(crate) struct Registered {
    pub(crate) code: Arc<dyn Code>,
    pub(crate) checksum: Checksum,
    pub(crate) ledger: Arc<CallLedger>,
}

impl Registered {
    fn run(&self, entry: Entry, deps: DepsMut<ChainQuery>, env: Env) -> StdResult<Response<ChainMsg>> {
        let scoped = Scoped {
            inner: &*deps.querier,
            port: port_of(env.contract.address.as_str()),
            ledger: &self.ledger,
        };
        let deps = DepsMut { storage: deps.storage, api: deps.api, querier: QuerierWrapper::new(&scoped) };
        let outcome = catch_unwind(AssertUnwindSafe(|| self.code.call(entry, deps, env)));
        match outcome.unwrap_or_else(|panic| Err(CallError::aborted(panic_text(panic.as_ref())))) {
            Ok((response, gas)) => {
                self.ledger.spent(gas);
                Ok(response)
            }
            Err(error) => {
                self.ledger.spent(0);
                Err(self.ledger.record(error))
            }
        }
    }
}

/// The words of a panic, as a contract's abort.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("Aborted: panicked: {}", text.unwrap_or("no message"))
}

impl Contract<ChainMsg, ChainQuery> for Registered {
    fn instantiate(
        &self,
        deps: DepsMut<ChainQuery>,
        env: Env,
        info: MessageInfo,
        msg: Vec<u8>,
    ) -> StdResult<Response<ChainMsg>> {
        self.run(Entry::Instantiate(info, msg), deps, env)
    }

    fn execute(
        &self,
        deps: DepsMut<ChainQuery>,
        env: Env,
        info: MessageInfo,
        msg: Vec<u8>,
    ) -> StdResult<Response<ChainMsg>> {
        self.run(Entry::Execute(info, msg), deps, env)
    }

    fn query(&self, deps: Deps<ChainQuery>, env: Env, msg: Vec<u8>) -> StdResult<Binary> {
        let scoped = Scoped {
            inner: &*deps.querier,
            port: port_of(env.contract.address.as_str()),
            ledger: &self.ledger,
        };
        let deps = Deps { storage: deps.storage, api: deps.api, querier: QuerierWrapper::new(&scoped) };
        let outcome = catch_unwind(AssertUnwindSafe(|| self.code.query(deps, env, msg)));
        match outcome.unwrap_or_else(|panic| Err(CallError::aborted(panic_text(panic.as_ref())))) {
            Ok((answer, gas)) => {
                self.ledger.spent(gas);
                Ok(answer)
            }
            Err(error) => Err(self.ledger.record(error)),
        }
    }

    fn reply(&self, deps: DepsMut<ChainQuery>, env: Env, msg: Reply) -> StdResult<Response<ChainMsg>> {
        let result = match msg.result {
            SubMsgResult::Err(text) => SubMsgResult::Err(match self.ledger.find(&text) {
                Some(error) => format!("{}: execute wasm contract failed", error.text),
                None => unwrapped(&text),
            }),
            ok => ok,
        };
        self.run(Entry::Reply(Reply { result, ..msg }), deps, env)
    }

    fn sudo(&self, deps: DepsMut<ChainQuery>, env: Env, msg: Vec<u8>) -> StdResult<Response<ChainMsg>> {
        let entry = if msg.starts_with(ENVELOPE) {
            Entry::Ibc(from_json::<Envelope>(&msg)?.ibc)
        } else {
            Entry::Sudo(msg)
        };
        self.run(entry, deps, env)
    }

    fn migrate(
        &self,
        deps: DepsMut<ChainQuery>,
        env: Env,
        msg: Vec<u8>,
        info: MigrateInfo,
    ) -> StdResult<Response<ChainMsg>> {
        self.run(Entry::Migrate(msg, info), deps, env)
    }

    fn checksum(&self) -> Option<Checksum> {
        Some(self.checksum)
    }
}

/// The querier one contract sees: it knows the contract's own port, and gives errors their plain text.
struct Scoped<'a> {
    inner: &'a dyn Querier,
    port: String,
    ledger: &'a CallLedger,
}

impl Scoped<'_> {
    /// Answers or completes the IBC queries that depend on who asks.
    fn own(&self, request: &[u8]) -> Result<Option<QuerierResult>, Vec<u8>> {
        if !request.starts_with(b"{\"ibc\":") {
            return Ok(None);
        }
        match from_json::<QueryRequest<Empty>>(request) {
            Ok(QueryRequest::Ibc(IbcQuery::PortId {})) => {
                let answer = to_json_binary(&PortIdResponse::new(self.port.clone()));
                Ok(Some(SystemResult::Ok(answer.map_err(|e| e.to_string()).into())))
            }
            Ok(QueryRequest::Ibc(IbcQuery::Channel { channel_id, port_id: None })) => {
                let port_id = Some(self.port.clone());
                let full = QueryRequest::<Empty>::Ibc(IbcQuery::Channel { channel_id, port_id });
                to_json_binary(&full).map_or(Ok(None), |full| Err(full.to_vec()))
            }
            _ => Ok(None),
        }
    }
}

impl Querier for Scoped<'_> {
    fn raw_query(&self, request: &[u8]) -> QuerierResult {
        let answer = match self.own(request) {
            Ok(Some(answer)) => answer,
            Ok(None) => self.inner.raw_query(request),
            Err(completed) => self.inner.raw_query(&completed),
        };
        match answer {
            SystemResult::Ok(ContractResult::Err(text)) => {
                SystemResult::Ok(ContractResult::Err(self.ledger.plain(&text)))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_error_is_found_in_wrapped_text() {
        let ledger = CallLedger::default();
        let _ = ledger.record(CallError::returned("no such stake"));
        let inner = ledger.record(CallError::returned("burn refused"));
        let wrapped = format!("Error executing WasmMsg:\n  sender: x\n{inner}");
        assert_eq!(ledger.plain(&wrapped), "burn refused");
        assert_eq!(ledger.plain("a\nkind: Other, error: Cannot Sub"), "Cannot Sub");
    }
}
