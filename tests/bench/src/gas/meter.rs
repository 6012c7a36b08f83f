//! Contracts that are measured while the meter is on, and run natively while it is off.
//!
//! Setting a scene up takes thousands of messages that nobody measures: they run as native code. The measured
//! message runs as built wasm on the same storage. Every call is counted by itself, with what it reads from other
//! contracts' storage; what the chain's own modules read (bank, staking) is not the contract's and not counted.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cosmwasm_std::{
    Binary, ContractResult, Deps, DepsMut, Empty, Env, Querier, QuerierResult, QuerierWrapper, QueryRequest,
    Response, Storage, SystemResult, WasmQuery, from_json,
};
use mesh_harness::chain::{
    CONTRACT_PREFIX, CallError, ChainMsg, Code, Entry, GasStorage, IbcEntry, Lent, NativeContract, StoreGas,
};

#[cfg(feature = "wasm")]
use mesh_harness::chain::vm::{GAS_MULTIPLIER, VmContract};

/// What one call of a contract cost, in SDK gas.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) contract: String,
    pub(crate) entry: &'static str,
    /// VM gas / 140 000, rounded up.
    pub(crate) vm: u64,
    pub(crate) store: StoreGas,
    /// Reads of other contracts' storage.
    pub(crate) queries: u64,
}

/// Collects the calls made while it is on.
#[derive(Default)]
pub(crate) struct Meter {
    on: AtomicBool,
    calls: Mutex<Vec<Call>>,
}

impl Meter {
    /// Runs `what` measured.
    pub(crate) fn measure<R, E>(&self, what: impl FnOnce() -> Result<R, E>) -> Result<(R, Vec<Call>), E> {
        self.take();
        self.on.store(true, Ordering::SeqCst);
        let done = what();
        self.on.store(false, Ordering::SeqCst);
        Ok((done?, self.take()))
    }

    fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_on(&self) -> bool {
        self.on.load(Ordering::SeqCst)
    }

    fn count(&self, call: Call) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}

/// A contract on a chain of the bench.
pub(crate) struct Metered {
    pub(crate) name: String,
    pub(crate) native: NativeContract,
    /// The built contract; without it measured calls run natively and have no VM gas.
    #[cfg(feature = "wasm")]
    pub(crate) wasm: Option<VmContract>,
    pub(crate) meter: Arc<Meter>,
}

fn name_of(entry: &Entry) -> &'static str {
    match entry {
        Entry::Instantiate(..) => "instantiate",
        Entry::Execute(..) => "execute",
        Entry::Reply(_) => "reply",
        Entry::Sudo(_) => "sudo",
        Entry::Migrate(..) => "migrate",
        Entry::Ibc(IbcEntry::PacketReceive(_)) => "ibc receive",
        Entry::Ibc(IbcEntry::PacketAck(_)) => "ibc ack",
        Entry::Ibc(IbcEntry::PacketTimeout(_)) => "ibc timeout",
        Entry::Ibc(_) => "ibc channel",
    }
}

impl Metered {
    fn count(&self, entry: &'static str, vm: u64, store: StoreGas, queries: &Counting<'_>) {
        let queries = queries.tally.get().total();
        self.meter.count(Call { contract: self.name.clone(), entry, vm, store, queries });
    }

    fn run(
        &self,
        entry: Entry,
        deps: DepsMut<'_>,
        env: Env,
    ) -> (Result<Response<ChainMsg>, CallError>, u64, StoreGas) {
        #[cfg(feature = "wasm")]
        if let Some(wasm) = &self.wasm {
            let (result, gas) = wasm.run(entry, deps, &env);
            return (result, gas.vm.div_ceil(GAS_MULTIPLIER), gas.store);
        }
        let mut storage = GasStorage::new(Lent::Writable(deps.storage));
        let deps = DepsMut { storage: &mut storage, api: deps.api, querier: deps.querier };
        let result = self.native.call(entry, deps, env).map(|(response, _)| response);
        (result, 0, storage.gas())
    }

    fn ask(&self, deps: Deps<'_>, env: Env, msg: Vec<u8>) -> (Result<Binary, CallError>, u64, StoreGas) {
        #[cfg(feature = "wasm")]
        if let Some(wasm) = &self.wasm {
            let (result, gas) = wasm.ask(deps, &env, &msg);
            return (result, gas.vm.div_ceil(GAS_MULTIPLIER), gas.store);
        }
        let storage = GasStorage::new(Lent::ReadOnly(deps.storage));
        let deps = Deps { storage: &storage, api: deps.api, querier: deps.querier };
        let result = self.native.query(deps, env, msg).map(|(answer, _)| answer);
        (result, 0, storage.gas())
    }
}

impl Code for Metered {
    fn call(
        &self,
        entry: Entry,
        deps: DepsMut<'_>,
        env: Env,
    ) -> Result<(Response<ChainMsg>, u64), CallError> {
        if !self.meter.is_on() {
            return match entry {
                Entry::Sudo(raw) => load(&raw, deps.storage),
                entry => self.native.call(entry, deps, env),
            };
        }
        let (name, querier) = (name_of(&entry), Counting::new(&*deps.querier));
        let deps = DepsMut { storage: deps.storage, api: deps.api, querier: QuerierWrapper::new(&querier) };
        let (result, vm, store) = self.run(entry, deps, env);
        self.count(name, vm, store, &querier);
        result.map(|response| (response, 0))
    }

    fn query(&self, deps: Deps<'_>, env: Env, msg: Vec<u8>) -> Result<(Binary, u64), CallError> {
        if !self.meter.is_on() {
            return self.native.query(deps, env, msg);
        }
        let querier = Counting::new(&*deps.querier);
        let deps = Deps { storage: deps.storage, api: deps.api, querier: QuerierWrapper::new(&querier) };
        let (result, vm, store) = self.ask(deps, env, msg);
        self.count("query", vm, store, &querier);
        result.map(|answer| (answer, 0))
    }
}

/// Writes records into a contract's storage: the bench's own door, through which large states are made.
fn load(raw: &[u8], storage: &mut dyn Storage) -> Result<(Response<ChainMsg>, u64), CallError> {
    let records: Vec<(Binary, Binary)> = from_json(raw).map_err(|e| CallError::returned(e.to_string()))?;
    records.iter().for_each(|(key, value)| storage.set(key, value));
    Ok((Response::new(), 0))
}

/// A querier that counts raw reads of other contracts at the price of a read. Smart queries count themselves: they
/// are calls of a contract.
struct Counting<'a> {
    inner: &'a dyn Querier,
    tally: Cell<StoreGas>,
}

impl<'a> Counting<'a> {
    fn new(inner: &'a dyn Querier) -> Self {
        Self { inner, tally: Cell::default() }
    }
}

impl Querier for Counting<'_> {
    fn raw_query(&self, request: &[u8]) -> QuerierResult {
        let answer = self.inner.raw_query(request);
        let asked = from_json::<QueryRequest<Empty>>(request);
        if let Ok(QueryRequest::Wasm(WasmQuery::Raw { key, .. })) = asked
            && let SystemResult::Ok(ContractResult::Ok(value)) = &answer
        {
            let mut tally = self.tally.get();
            tally.get(CONTRACT_PREFIX, &key, Some(value));
            self.tally.set(tally);
        }
        answer
    }
}
