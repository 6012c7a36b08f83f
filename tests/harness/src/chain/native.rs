//! Contracts as native code: their entry points as functions, in a set by name.
//!
//! A deployer stores the bytes that [`ContractSet::code_bytes`] gives for a name, whatever the engine: a marker
//! for native code, the real file for wasm. So there is one deployment path.

#[cfg(feature = "wasm")]
use super::built::built_dir;
use super::built::read_built;
use super::contract::{CallError, Code, Entry, IbcEntry};
use super::custom::ChainMsg;
use super::lone::Engine;
use cosmwasm_std::{
    Binary, CosmosMsg, CustomQuery, Deps, DepsMut, Env, IbcBasicResponse, IbcChannelCloseMsg,
    IbcChannelConnectMsg, IbcChannelOpenMsg, IbcChannelOpenResponse, IbcPacketAckMsg, IbcPacketReceiveMsg,
    IbcPacketTimeoutMsg, IbcReceiveResponse, MessageInfo, MigrateInfo, QuerierWrapper, Reply, Response,
    SubMsg, from_json, to_json_binary,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// First bytes of the marker stored for native code.
const MARKER: &str = "native:";

type Answer = Result<Response<ChainMsg>, String>;
type Handler<A> = Box<dyn Fn(DepsMut<'_>, Env, A) -> Answer + Send + Sync>;
type Asker = Box<dyn Fn(Deps<'_>, Env, Vec<u8>) -> Result<Binary, String> + Send + Sync>;

/// The entry points of one contract.
pub struct NativeContract {
    instantiate: Handler<(MessageInfo, Vec<u8>)>,
    execute: Handler<(MessageInfo, Vec<u8>)>,
    query: Asker,
    reply: Option<Handler<Reply>>,
    sudo: Option<Handler<Vec<u8>>>,
    migrate: Option<Handler<(Vec<u8>, MigrateInfo)>>,
    ibc: Option<Handler<IbcEntry>>,
}

/// The six IBC entry points, in the order of a channel's life.
#[allow(clippy::type_complexity)]
pub struct IbcHandlers<Q: CustomQuery, C, E1, E2, E3, E4, E5, E6> {
    /// `ibc_channel_open`.
    pub open: fn(DepsMut<Q>, Env, IbcChannelOpenMsg) -> Result<IbcChannelOpenResponse, E1>,
    /// `ibc_channel_connect`.
    pub connect: fn(DepsMut<Q>, Env, IbcChannelConnectMsg) -> Result<IbcBasicResponse<C>, E2>,
    /// `ibc_channel_close`.
    pub close: fn(DepsMut<Q>, Env, IbcChannelCloseMsg) -> Result<IbcBasicResponse<C>, E3>,
    /// `ibc_packet_receive`.
    pub receive: fn(DepsMut<Q>, Env, IbcPacketReceiveMsg) -> Result<IbcReceiveResponse<C>, E4>,
    /// `ibc_packet_ack`.
    pub ack: fn(DepsMut<Q>, Env, IbcPacketAckMsg) -> Result<IbcBasicResponse<C>, E5>,
    /// `ibc_packet_timeout`.
    pub timeout: fn(DepsMut<Q>, Env, IbcPacketTimeoutMsg) -> Result<IbcBasicResponse<C>, E6>,
}

/// Calls `f` with a querier for the contract's own query type.
fn typed<Q: CustomQuery, R>(deps: DepsMut<'_>, f: impl FnOnce(DepsMut<'_, Q>) -> R) -> R {
    let querier = QuerierWrapper::new(&*deps.querier);
    f(DepsMut { storage: deps.storage, api: deps.api, querier })
}

fn text<R, E: ToString>(result: Result<R, E>) -> Result<R, String> {
    result.map_err(|e| e.to_string())
}

fn parsed<M: DeserializeOwned>(msg: &[u8]) -> Result<M, String> {
    from_json(msg).map_err(|e| format!("Error parsing into type {}: {e}", std::any::type_name::<M>()))
}

/// Makes a response of any custom type one of the chain's.
fn lifted<C: Serialize>(response: Response<C>) -> Answer {
    let messages = response.messages.into_iter().map(lifted_msg).collect::<Result<Vec<_>, _>>()?;
    let mut out = Response::new()
        .add_submessages(messages)
        .add_attributes(response.attributes)
        .add_events(response.events);
    out.data = response.data;
    Ok(out)
}

fn lifted_msg<C: Serialize>(m: SubMsg<C>) -> Result<SubMsg<ChainMsg>, String> {
    let msg = match m.msg {
        CosmosMsg::Custom(c) => {
            CosmosMsg::Custom(ChainMsg(serde_json::to_value(c).map_err(|e| e.to_string())?))
        }
        other => other.change_custom().ok_or("message of an unknown kind")?,
    };
    Ok(SubMsg { id: m.id, payload: m.payload, msg, gas_limit: m.gas_limit, reply_on: m.reply_on })
}

fn basic<C: Serialize>(r: IbcBasicResponse<C>) -> Answer {
    lifted(Response::<C>::new().add_submessages(r.messages).add_attributes(r.attributes).add_events(r.events))
}

impl NativeContract {
    /// Takes the three entry points every contract has.
    #[allow(clippy::type_complexity)]
    pub fn new<Q, C, IM, EM, QM, E1, E2, E3>(
        instantiate: fn(DepsMut<Q>, Env, MessageInfo, IM) -> Result<Response<C>, E1>,
        execute: fn(DepsMut<Q>, Env, MessageInfo, EM) -> Result<Response<C>, E2>,
        query: fn(Deps<Q>, Env, QM) -> Result<Binary, E3>,
    ) -> Self
    where
        Q: CustomQuery + 'static,
        C: Serialize + 'static,
        IM: DeserializeOwned + 'static,
        EM: DeserializeOwned + 'static,
        QM: DeserializeOwned + 'static,
        E1: ToString + 'static,
        E2: ToString + 'static,
        E3: ToString + 'static,
    {
        Self {
            instantiate: Box::new(move |deps, env, (info, msg): (_, Vec<u8>)| {
                let msg = parsed(&msg)?;
                lifted(text(typed(deps, |deps| instantiate(deps, env, info, msg)))?)
            }),
            execute: Box::new(move |deps, env, (info, msg): (_, Vec<u8>)| {
                let msg = parsed(&msg)?;
                lifted(text(typed(deps, |deps| execute(deps, env, info, msg)))?)
            }),
            query: Box::new(move |deps, env, msg| {
                let querier = QuerierWrapper::new(&*deps.querier);
                let deps = Deps { storage: deps.storage, api: deps.api, querier };
                text(query(deps, env, parsed(&msg)?))
            }),
            reply: None,
            sudo: None,
            migrate: None,
            ibc: None,
        }
    }

    /// Adds `reply`.
    #[must_use]
    pub fn with_reply<Q, C, E>(mut self, f: fn(DepsMut<Q>, Env, Reply) -> Result<Response<C>, E>) -> Self
    where
        Q: CustomQuery + 'static,
        C: Serialize + 'static,
        E: ToString + 'static,
    {
        self.reply =
            Some(Box::new(move |deps, env, msg| lifted(text(typed(deps, |deps| f(deps, env, msg)))?)));
        self
    }

    /// Adds `sudo`.
    #[must_use]
    pub fn with_sudo<Q, C, M, E>(mut self, f: fn(DepsMut<Q>, Env, M) -> Result<Response<C>, E>) -> Self
    where
        Q: CustomQuery + 'static,
        C: Serialize + 'static,
        M: DeserializeOwned + 'static,
        E: ToString + 'static,
    {
        self.sudo = Some(Box::new(move |deps, env, msg: Vec<u8>| {
            let msg = parsed(&msg)?;
            lifted(text(typed(deps, |deps| f(deps, env, msg)))?)
        }));
        self
    }

    /// Adds `migrate` of two arguments.
    #[must_use]
    pub fn with_migrate<Q, C, M, E>(mut self, f: fn(DepsMut<Q>, Env, M) -> Result<Response<C>, E>) -> Self
    where
        Q: CustomQuery + 'static,
        C: Serialize + 'static,
        M: DeserializeOwned + 'static,
        E: ToString + 'static,
    {
        self.migrate = Some(Box::new(move |deps, env, (msg, _): (Vec<u8>, _)| {
            let msg = parsed(&msg)?;
            lifted(text(typed(deps, |deps| f(deps, env, msg)))?)
        }));
        self
    }

    /// Adds `migrate` that also takes who migrates and from which version.
    #[must_use]
    pub fn with_migrate_info<Q, C, M, E>(
        mut self,
        f: fn(DepsMut<Q>, Env, M, MigrateInfo) -> Result<Response<C>, E>,
    ) -> Self
    where
        Q: CustomQuery + 'static,
        C: Serialize + 'static,
        M: DeserializeOwned + 'static,
        E: ToString + 'static,
    {
        self.migrate = Some(Box::new(move |deps, env, (msg, info): (Vec<u8>, _)| {
            let msg = parsed(&msg)?;
            lifted(text(typed(deps, |deps| f(deps, env, msg, info)))?)
        }));
        self
    }

    /// Adds the IBC entry points.
    #[must_use]
    pub fn with_ibc<Q, C, E1, E2, E3, E4, E5, E6>(
        mut self,
        h: IbcHandlers<Q, C, E1, E2, E3, E4, E5, E6>,
    ) -> Self
    where
        Q: CustomQuery + 'static,
        C: Serialize + 'static,
        E1: ToString + 'static,
        E2: ToString + 'static,
        E3: ToString + 'static,
        E4: ToString + 'static,
        E5: ToString + 'static,
        E6: ToString + 'static,
    {
        self.ibc = Some(Box::new(move |deps, env, entry| {
            typed(deps, |deps| match entry {
                IbcEntry::ChannelOpen(m) => opened(text((h.open)(deps, env, m))?),
                IbcEntry::ChannelConnect(m) => basic(text((h.connect)(deps, env, m))?),
                IbcEntry::ChannelClose(m) => basic(text((h.close)(deps, env, m))?),
                IbcEntry::PacketReceive(m) => received(text((h.receive)(deps, env, m))?),
                IbcEntry::PacketAck(m) => basic(text((h.ack)(deps, env, m))?),
                IbcEntry::PacketTimeout(m) => basic(text((h.timeout)(deps, env, m))?),
            })
        }));
        self
    }
}

/// The opening answer, its version as JSON data.
fn opened(answer: IbcChannelOpenResponse) -> Answer {
    let mut response = Response::new();
    if let Some(answer) = answer {
        response.data = Some(to_json_binary(&answer).map_err(|e| e.to_string())?);
    }
    Ok(response)
}

/// The answer to a packet, its acknowledgement as data.
fn received<C: Serialize>(r: IbcReceiveResponse<C>) -> Answer {
    let mut response = lifted(
        Response::<C>::new().add_submessages(r.messages).add_attributes(r.attributes).add_events(r.events),
    )?;
    response.data = r.acknowledgement;
    Ok(response)
}

fn missing(name: &str) -> String {
    format!("Error resolving Wasm function: Could not get export: Missing export {name}")
}

fn optional<A>(handler: Option<&Handler<A>>, name: &str, deps: DepsMut<'_>, env: Env, arg: A) -> Answer {
    handler.ok_or_else(|| missing(name))?(deps, env, arg)
}

impl Code for NativeContract {
    fn call(
        &self,
        entry: Entry,
        deps: DepsMut<'_>,
        env: Env,
    ) -> Result<(Response<ChainMsg>, u64), CallError> {
        let answer = match entry {
            Entry::Instantiate(info, msg) => (self.instantiate)(deps, env, (info, msg)),
            Entry::Execute(info, msg) => (self.execute)(deps, env, (info, msg)),
            Entry::Reply(msg) => optional(self.reply.as_ref(), "reply", deps, env, msg),
            Entry::Sudo(msg) => optional(self.sudo.as_ref(), "sudo", deps, env, msg),
            Entry::Migrate(msg, info) => optional(self.migrate.as_ref(), "migrate", deps, env, (msg, info)),
            Entry::Ibc(msg) => optional(self.ibc.as_ref(), "ibc_*", deps, env, msg),
        };
        answer.map(|r| (r, 0)).map_err(CallError::returned)
    }

    fn query(&self, deps: Deps<'_>, env: Env, msg: Vec<u8>) -> Result<(Binary, u64), CallError> {
        (self.query)(deps, env, msg).map(|a| (a, 0)).map_err(CallError::returned)
    }
}

/// Code known by name.
#[derive(Clone)]
pub(crate) enum Source {
    Native(Arc<dyn Code>),
    Wasm(Arc<Vec<u8>>),
}

/// Contracts by name, native or wasm.
#[derive(Clone, Default)]
pub struct ContractSet(BTreeMap<String, Source>);

impl ContractSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds native code under `name`, replacing what was there.
    #[must_use]
    pub fn native(self, name: &str, contract: NativeContract) -> Self {
        self.code(name, Arc::new(contract))
    }

    /// Adds code of any engine under `name`, replacing what was there: one that measures, for example.
    #[must_use]
    pub fn code(mut self, name: &str, code: Arc<dyn Code>) -> Self {
        self.0.insert(name.to_owned(), Source::Native(code));
        self
    }

    /// Adds a wasm file's bytes under `name`, replacing what was there.
    #[must_use]
    pub fn wasm(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.0.insert(name.to_owned(), Source::Wasm(Arc::new(bytes)));
        self
    }

    /// Replaces every contract of the set that has a built file in `dir` (`btc-vault` is `btc_vault.wasm`).
    ///
    /// # Errors
    /// When a file is missing or cannot be read; the error names it.
    pub fn from_wasm_dir(self, dir: &Path) -> std::io::Result<Self> {
        let mut out = Self::new();
        for name in self.0.keys() {
            out = out.wasm(name, read_built(dir, name)?);
        }
        Ok(out)
    }

    /// The same contracts as an engine runs them: on wasm, the files of [`super::built_dir`].
    ///
    /// # Errors
    /// When a file is missing or cannot be read; the error names it.
    pub fn on(self, engine: Engine) -> std::io::Result<Self> {
        match engine {
            Engine::Native => Ok(self),
            #[cfg(feature = "wasm")]
            Engine::Wasm => self.from_wasm_dir(&built_dir()),
        }
    }

    /// The names in the set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What a deployer stores for `name`: a marker for native code, the file for wasm.
    pub fn code_bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|source| match source {
            Source::Native(_) => format!("{MARKER}{name}").into_bytes(),
            Source::Wasm(bytes) => bytes.to_vec(),
        })
    }

    /// The code behind stored bytes.
    pub(crate) fn resolve(&self, bytes: &[u8]) -> Option<Source> {
        match std::str::from_utf8(bytes).ok().and_then(|t| t.strip_prefix(MARKER)) {
            Some(name) => self.0.get(name).cloned(),
            None => Some(Source::Wasm(Arc::new(bytes.to_vec()))),
        }
    }
}

/// Builds a [`NativeContract`](crate::chain::NativeContract) from a contract crate's entry points.
///
/// `native_contract!(btc_vault, reply, migrate, ibc)` takes `instantiate`, `execute`, `query` and the entry points
/// named from the crate's root; `migrate_info` is `migrate` of three arguments, `ibc` all six IBC entry points.
#[macro_export]
macro_rules! native_contract {
    ($($c:ident)::+ $(, $extra:ident)* $(,)?) => {{
        let contract = $crate::chain::NativeContract::new($($c)::+::instantiate, $($c)::+::execute, $($c)::+::query);
        $crate::native_contract!(@more contract, [$($c)::+] $(, $extra)*)
    }};
    (@more $b:expr, [$($c:ident)::+]) => { $b };
    (@more $b:expr, [$($c:ident)::+], reply $(, $r:ident)*) => {
        $crate::native_contract!(@more $b.with_reply($($c)::+::reply), [$($c)::+] $(, $r)*)
    };
    (@more $b:expr, [$($c:ident)::+], sudo $(, $r:ident)*) => {
        $crate::native_contract!(@more $b.with_sudo($($c)::+::sudo), [$($c)::+] $(, $r)*)
    };
    (@more $b:expr, [$($c:ident)::+], migrate $(, $r:ident)*) => {
        $crate::native_contract!(@more $b.with_migrate($($c)::+::migrate), [$($c)::+] $(, $r)*)
    };
    (@more $b:expr, [$($c:ident)::+], migrate_info $(, $r:ident)*) => {
        $crate::native_contract!(@more $b.with_migrate_info($($c)::+::migrate), [$($c)::+] $(, $r)*)
    };
    (@more $b:expr, [$($c:ident)::+], ibc $(, $r:ident)*) => {
        $crate::native_contract!(
            @more $b.with_ibc($crate::chain::IbcHandlers {
                open: $($c)::+::ibc_channel_open,
                connect: $($c)::+::ibc_channel_connect,
                close: $($c)::+::ibc_channel_close,
                receive: $($c)::+::ibc_packet_receive,
                ack: $($c)::+::ibc_packet_ack,
                timeout: $($c)::+::ibc_packet_timeout,
            }),
            [$($c)::+] $(, $r)*
        )
    };
}
