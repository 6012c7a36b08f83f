//! The two sides of a VM call: proxies the VM owns, and the caller who answers for what it lends.

use crate::chain::api::{from_bech32, to_bech32};
use crate::chain::gas::StoreGas;
use cosmwasm_std::{Binary, ContractResult, Order, Record, SystemError, SystemResult};
use cosmwasm_vm::{BackendApi, BackendError, BackendResult, GasInfo, Querier, Storage};
use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Records fetched at once for an iterator.
const CHUNK: usize = 16;
/// What wasmd charges for address functions, in VM gas.
const HUMANIZE_GAS: u64 = 5 * super::GAS_MULTIPLIER;
const CANONICALIZE_GAS: u64 = 4 * super::GAS_MULTIPLIER;

/// What a contract asks of its chain.
enum Ask {
    Get(Vec<u8>),
    Set(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Range(Range),
    Query(Vec<u8>),
    End,
}

/// What the chain answers.
enum Told {
    Value(Option<Vec<u8>>),
    Records(Vec<Record>),
    Answer(SystemResult<ContractResult<Binary>>),
    Done,
    ReadOnly,
}

/// The rest of an iteration.
#[derive(Clone)]
struct Range {
    start: Option<Vec<u8>>,
    end: Option<Vec<u8>>,
    order: Order,
}

/// What a chain lends for a call.
pub(super) enum Lent<'a> {
    Writable(&'a mut dyn cosmwasm_std::Storage, &'a dyn cosmwasm_std::Querier),
    ReadOnly(&'a dyn cosmwasm_std::Storage, &'a dyn cosmwasm_std::Querier),
}

impl Lent<'_> {
    fn storage(&self) -> &dyn cosmwasm_std::Storage {
        match self {
            Self::Writable(storage, _) => *storage,
            Self::ReadOnly(storage, _) => *storage,
        }
    }

    fn querier(&self) -> &dyn cosmwasm_std::Querier {
        match self {
            Self::Writable(_, querier) | Self::ReadOnly(_, querier) => *querier,
        }
    }

    fn write(&mut self, f: impl FnOnce(&mut dyn cosmwasm_std::Storage)) -> Told {
        match self {
            Self::Writable(storage, _) => {
                f(*storage);
                Told::Done
            }
            Self::ReadOnly(..) => Told::ReadOnly,
        }
    }

    fn answer(&mut self, ask: Ask) -> Told {
        match ask {
            Ask::Get(key) => Told::Value(self.storage().get(&key)),
            Ask::Set(key, value) => self.write(|s| s.set(&key, &value)),
            Ask::Remove(key) => self.write(|s| s.remove(&key)),
            Ask::Range(r) => {
                let items = self.storage().range(r.start.as_deref(), r.end.as_deref(), r.order);
                Told::Records(items.take(CHUNK).collect())
            }
            Ask::Query(request) => Told::Answer(self.querier().raw_query(&request)),
            Ask::End => Told::Done,
        }
    }
}

/// The caller's side.
pub(super) struct Asked {
    asks: Receiver<Ask>,
    tell: Sender<Told>,
}

impl Asked {
    /// Answers until the VM's side ends.
    pub(super) fn serve(self, lent: &mut Lent<'_>) {
        while let Ok(ask) = self.asks.recv() {
            if matches!(ask, Ask::End) || self.tell.send(lent.answer(ask)).is_err() {
                return;
            }
        }
    }
}

/// Tells the caller, when it goes, that the call is over: also after a panic.
pub(super) struct Ending(Sender<Ask>);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.send(Ask::End);
    }
}

/// The VM's side: asks one thing at a time. Storage and querier share it.
struct Line {
    ask: Sender<Ask>,
    told: Receiver<Told>,
}

impl Line {
    fn ask(&self, ask: Ask) -> Result<Told, BackendError> {
        let gone = |_| BackendError::unknown("the chain is gone");
        self.ask.send(ask).map_err(gone)?;
        self.told.recv().map_err(|_| BackendError::unknown("the chain is gone"))
    }
}

type SharedLine = Arc<Mutex<Line>>;

fn ask(line: &SharedLine, what: Ask) -> Result<Told, BackendError> {
    line.lock().unwrap_or_else(PoisonError::into_inner).ask(what)
}

/// A line and the tally of a call, before the VM has them.
pub(super) struct Wire {
    line: SharedLine,
    tally: Arc<Mutex<StoreGas>>,
    prefix: u64,
}

impl Wire {
    pub(super) fn new(prefix: u64) -> (Self, Asked) {
        let (ask, asks) = channel();
        let (tell, told) = channel();
        let line = Arc::new(Mutex::new(Line { ask, told }));
        (Self { line, tally: Arc::default(), prefix }, Asked { asks, tell })
    }

    pub(super) fn ending(&self) -> Ending {
        Ending(self.line.lock().unwrap_or_else(PoisonError::into_inner).ask.clone())
    }

    pub(super) fn tally(&self) -> Arc<Mutex<StoreGas>> {
        self.tally.clone()
    }

    pub(super) fn split(self) -> (ProxyStorage, ProxyQuerier) {
        let querier = ProxyQuerier { line: self.line.clone() };
        let storage =
            ProxyStorage { line: self.line, tally: self.tally, prefix: self.prefix, open: HashMap::new() };
        (storage, querier)
    }
}

/// An iterator of a contract.
struct Open {
    rest: Range,
    ready: VecDeque<Record>,
    ended: bool,
}

/// The storage the VM owns.
pub(super) struct ProxyStorage {
    line: SharedLine,
    tally: Arc<Mutex<StoreGas>>,
    prefix: u64,
    open: HashMap<u32, Open>,
}

impl ProxyStorage {
    fn count(&self, f: impl FnOnce(&mut StoreGas)) {
        f(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn write(&self, what: Ask) -> BackendResult<()> {
        let result = match ask(&self.line, what) {
            Ok(Told::Done) => Ok(()),
            Ok(_) => Err(BackendError::unknown("storage is read-only")),
            Err(e) => Err(e),
        };
        (result, GasInfo::free())
    }
}

/// Fetches more records when none is ready.
fn refill(line: &SharedLine, open: &mut Open) -> Result<(), BackendError> {
    if !open.ready.is_empty() || open.ended {
        return Ok(());
    }
    let Told::Records(records) = ask(line, Ask::Range(open.rest.clone()))? else {
        return Err(BackendError::unknown("no records"));
    };
    open.ended = records.len() < CHUNK;
    if let Some((last, _)) = records.last() {
        match open.rest.order {
            // The smallest key above `last`.
            Order::Ascending => open.rest.start = Some([last.as_slice(), &[0]].concat()),
            Order::Descending => open.rest.end = Some(last.clone()),
        }
    }
    open.ready.extend(records);
    Ok(())
}

impl Storage for ProxyStorage {
    fn get(&self, key: &[u8]) -> BackendResult<Option<Vec<u8>>> {
        let result = match ask(&self.line, Ask::Get(key.to_vec())) {
            Ok(Told::Value(value)) => {
                self.count(|g| g.get(self.prefix, key, value.as_deref()));
                Ok(value)
            }
            Ok(_) => Err(BackendError::unknown("no value")),
            Err(e) => Err(e),
        };
        (result, GasInfo::free())
    }

    fn scan(&mut self, start: Option<&[u8]>, end: Option<&[u8]>, order: Order) -> BackendResult<u32> {
        let rest = Range { start: start.map(<[u8]>::to_vec), end: end.map(<[u8]>::to_vec), order };
        let mut open = Open { rest, ready: VecDeque::new(), ended: false };
        if let Err(e) = refill(&self.line, &mut open) {
            return (Err(e), GasInfo::free());
        }
        self.count(|g| g.seek(self.prefix, open.ready.front()));
        let id = u32::try_from(self.open.len()).unwrap_or(u32::MAX) + 1;
        self.open.insert(id, open);
        (Ok(id), GasInfo::free())
    }

    fn next(&mut self, iterator_id: u32) -> BackendResult<Option<Record>> {
        let Some(open) = self.open.get_mut(&iterator_id) else {
            return (Err(BackendError::iterator_does_not_exist(iterator_id)), GasInfo::free());
        };
        let Some(item) = open.ready.pop_front() else { return (Ok(None), GasInfo::free()) };
        if let Err(e) = refill(&self.line, open) {
            return (Err(e), GasInfo::free());
        }
        self.count(|g| g.seek(self.prefix, Some(&item)));
        (Ok(Some(item)), GasInfo::free())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> BackendResult<()> {
        self.count(|g| g.set(self.prefix, key, value));
        self.write(Ask::Set(key.to_vec(), value.to_vec()))
    }

    fn remove(&mut self, key: &[u8]) -> BackendResult<()> {
        self.count(StoreGas::remove);
        self.write(Ask::Remove(key.to_vec()))
    }
}

/// The querier the VM owns.
pub(super) struct ProxyQuerier {
    line: SharedLine,
}

impl Querier for ProxyQuerier {
    fn query_raw(
        &self,
        request: &[u8],
        _gas_limit: u64,
    ) -> BackendResult<SystemResult<ContractResult<Binary>>> {
        let result = match ask(&self.line, Ask::Query(request.to_vec())) {
            Ok(Told::Answer(answer)) => Ok(answer),
            Ok(_) => Ok(SystemResult::Err(SystemError::Unknown {})),
            Err(e) => Err(e),
        };
        (result, GasInfo::free())
    }
}

/// Address functions of a chain.
#[derive(Clone)]
pub(super) struct Api {
    prefix: String,
}

impl Api {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }
}

impl BackendApi for Api {
    fn addr_validate(&self, input: &str) -> BackendResult<()> {
        let checked = from_bech32(&self.prefix, input).and_then(|bytes| to_bech32(&self.prefix, &bytes));
        let result = match checked {
            Ok(normal) if normal == input => Ok(()),
            Ok(_) => Err(BackendError::user_err("address not normalized")),
            Err(e) => Err(BackendError::user_err(e)),
        };
        (result, GasInfo::with_externally_used(HUMANIZE_GAS + CANONICALIZE_GAS))
    }

    fn addr_canonicalize(&self, human: &str) -> BackendResult<Vec<u8>> {
        let result = from_bech32(&self.prefix, human).map_err(BackendError::user_err);
        (result, GasInfo::with_externally_used(CANONICALIZE_GAS))
    }

    fn addr_humanize(&self, canonical: &[u8]) -> BackendResult<String> {
        let result = to_bech32(&self.prefix, canonical).map_err(BackendError::user_err);
        (result, GasInfo::with_externally_used(HUMANIZE_GAS))
    }
}
