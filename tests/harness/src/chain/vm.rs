//! The wasm engine: built contracts in cosmwasm-vm, on any chain's storage and querier.
//!
//! A VM wants to own its storage for ever, a chain only lends it for a call. So each call runs on a thread of its
//! own with proxies that send what the contract asks to the caller's thread, where the borrowed storage and querier
//! answer; no unsafe code, and nested queries simply nest. Compiled modules are kept for the whole process.

mod proxy;

use super::contract::{CallError, Code, Entry, IbcEntry};
use super::custom::ChainMsg;
use super::gas::StoreGas;
use cosmwasm_std::{
    Binary, ContractResult, CustomMsg, Deps, DepsMut, Env, IbcBasicResponse, IbcChannelOpenResponse,
    IbcReceiveResponse, Response, to_json_binary,
};
use cosmwasm_vm::internals::{Logger, check_wasm, compile_module, instance_from_module};
use cosmwasm_vm::{Backend, Instance, Size, VmError, VmResult, WasmLimits, capabilities_from_csv};
use proxy::{Api, Lent, ProxyQuerier, ProxyStorage, Wire};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use wasmer::{Engine, Module, Store};

/// VM gas in one unit of SDK gas.
pub const GAS_MULTIPLIER: u64 = 140_000;
/// More VM gas than any call may use: about a billion of SDK gas.
const GAS_LIMIT: u64 = 140_000_000_000_000;
/// Memory of one instance, as wasmd's.
const MEMORY_MIB: usize = 32;
/// Stack of a VM thread.
const STACK: usize = 8 * 1024 * 1024;
/// What plain wasmd offers.
const CAPABILITIES: &str = "iterator,staking,stargate,cosmwasm_1_1,cosmwasm_1_2,cosmwasm_1_3,cosmwasm_1_4,\
                            cosmwasm_2_0,cosmwasm_2_1,cosmwasm_2_2,cosmwasm_3_0,ibc2";
/// Longest answer of a contract that is parsed.
const ANSWER: usize = 64 * 1024 * 1024;

type VmInstance = Instance<Api, ProxyStorage, ProxyQuerier>;

/// Gas of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallGas {
    /// Gas of the VM itself, host functions included.
    pub vm: u64,
    /// SDK gas of the contract's storage.
    pub store: StoreGas,
}

impl CallGas {
    /// Everything in SDK gas, without the cost of entering the contract.
    pub fn sdk(&self) -> u64 {
        self.vm / GAS_MULTIPLIER + self.store.total()
    }
}

struct Compiled {
    module: Module,
    engine: Engine,
}

/// A built contract, ready to be called.
#[derive(Clone)]
pub struct VmContract {
    compiled: Arc<Compiled>,
    prefix: String,
    key_prefix: u64,
}

static MODULES: LazyLock<Mutex<HashMap<Vec<u8>, Arc<Compiled>>>> = LazyLock::new(Mutex::default);
/// Instances are made one at a time, as cosmwasm-vm's own cache does.
static INSTANTIATION: Mutex<()> = Mutex::new(());

fn compiled(wasm: &[u8], extra_capability: Option<&str>) -> VmResult<Arc<Compiled>> {
    // What a chain lacks must be missed on that chain, though another has the module already.
    let mut key = cosmwasm_std::Checksum::generate(wasm).as_slice().to_vec();
    key.extend(extra_capability.unwrap_or_default().bytes());
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = modules.get(&key) {
        return Ok(found.clone());
    }
    let mut capabilities = capabilities_from_csv(CAPABILITIES);
    capabilities.extend(extra_capability.map(str::to_owned));
    check_wasm(wasm, &capabilities, &WasmLimits::default(), Logger::Off)?;
    let (module, engine) = compile_module(wasm, Some(Size::mebi(MEMORY_MIB)))?;
    let compiled = Arc::new(Compiled { module, engine });
    modules.insert(key, compiled.clone());
    Ok(compiled)
}

/// The wasm files a chain may load.
#[derive(Default)]
pub(crate) struct VmCache;

impl VmCache {
    pub(crate) fn load(&self, wasm: &[u8], prefix: &str, custom: bool) -> Result<Arc<dyn Code>, String> {
        let capability = custom.then_some("virtual_staking");
        let compiled = compiled(wasm, capability).map_err(|e| e.to_string())?;
        Ok(Arc::new(VmContract {
            compiled,
            prefix: prefix.to_owned(),
            key_prefix: super::gas::CONTRACT_PREFIX,
        }))
    }
}

impl VmContract {
    /// Checks and compiles a wasm file for chains with addresses of `prefix`.
    ///
    /// # Errors
    /// The VM's reason, when wasmd would refuse the file.
    pub fn new(wasm: &[u8], prefix: &str) -> Result<Self, CallError> {
        let compiled = compiled(wasm, None).map_err(|e| CallError::returned(e.to_string()))?;
        Ok(Self { compiled, prefix: prefix.to_owned(), key_prefix: super::gas::CONTRACT_PREFIX })
    }

    /// Counts storage gas with `bytes` before each key instead of 33.
    #[must_use]
    pub fn with_key_prefix(mut self, bytes: u64) -> Self {
        self.key_prefix = bytes;
        self
    }

    /// Runs a writing entry point and tells its gas, whatever came of it.
    pub fn run(
        &self,
        entry: Entry,
        deps: DepsMut<'_>,
        env: &Env,
    ) -> (Result<Response<ChainMsg>, CallError>, CallGas) {
        let mut lent = Lent::Writable(deps.storage, &*deps.querier);
        self.on_thread(&mut lent, |instance| call(instance, entry, env))
    }

    /// Runs `query` and tells its gas.
    pub fn ask(&self, deps: Deps<'_>, env: &Env, msg: &[u8]) -> (Result<Binary, CallError>, CallGas) {
        let mut lent = Lent::ReadOnly(deps.storage, &*deps.querier);
        self.on_thread(&mut lent, |instance| answered(cosmwasm_vm::call_query(instance, env, msg)))
    }

    /// Runs `f` with an instance on a thread of its own, answering from what is lent.
    fn on_thread<R: Send>(
        &self,
        lent: &mut Lent<'_>,
        f: impl FnOnce(&mut VmInstance) -> Result<R, CallError> + Send,
    ) -> (Result<R, CallError>, CallGas) {
        let (wire, asked) = Wire::new(self.key_prefix);
        let tally = wire.tally();
        let ran = std::thread::scope(|scope| {
            let ending = wire.ending();
            let work = move || {
                let _ending = ending;
                self.in_instance(wire, f)
            };
            let thread = std::thread::Builder::new().name("wasm".to_owned()).stack_size(STACK);
            let thread = thread.spawn_scoped(scope, work).map_err(|e| CallError::aborted(e.to_string()))?;
            asked.serve(lent);
            thread.join().map_err(|p| CallError::aborted(super::contract::panic_text(p.as_ref())))
        });
        let store = *tally.lock().unwrap_or_else(PoisonError::into_inner);
        match ran {
            Ok((result, vm)) => (result, CallGas { vm, store }),
            Err(e) => (Err(e), CallGas { vm: 0, store }),
        }
    }

    fn in_instance<R>(
        &self,
        wire: Wire,
        f: impl FnOnce(&mut VmInstance) -> Result<R, CallError>,
    ) -> (Result<R, CallError>, u64) {
        let (storage, querier) = wire.split();
        let backend = Backend { api: Api::new(&self.prefix), storage, querier };
        let made = {
            let _one = INSTANTIATION.lock().unwrap_or_else(PoisonError::into_inner);
            let store = Store::new(self.compiled.engine.clone());
            instance_from_module(store, &self.compiled.module, backend, GAS_LIMIT, None)
        };
        match made {
            Ok(mut instance) => {
                let result = f(&mut instance);
                let report = instance.create_gas_report();
                (result, report.limit.saturating_sub(report.remaining))
            }
            Err(e) => (Err(trap(&e)), 0),
        }
    }
}

fn trap(error: &VmError) -> CallError {
    CallError::aborted(format!("Error calling the VM: {error}"))
}

/// The contract's answer out of the VM's.
fn answered<R>(result: VmResult<ContractResult<R>>) -> Result<R, CallError> {
    match result {
        Ok(ContractResult::Ok(answer)) => Ok(answer),
        Ok(ContractResult::Err(text)) => Err(CallError::returned(text)),
        Err(e) => Err(trap(&e)),
    }
}

fn parsed<R: DeserializeOwned>(data: VmResult<Vec<u8>>) -> Result<R, CallError> {
    answered(data.and_then(|d| cosmwasm_vm::from_slice::<ContractResult<R>>(&d, ANSWER)))
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, CallError> {
    cosmwasm_vm::to_vec(value).map_err(|e| trap(&e))
}

fn call(instance: &mut VmInstance, entry: Entry, env: &Env) -> Result<Response<ChainMsg>, CallError> {
    match entry {
        Entry::Instantiate(info, msg) => answered(cosmwasm_vm::call_instantiate(instance, env, &info, &msg)),
        Entry::Execute(info, msg) => answered(cosmwasm_vm::call_execute(instance, env, &info, &msg)),
        Entry::Reply(reply) => answered(cosmwasm_vm::call_reply(instance, env, &reply)),
        Entry::Sudo(msg) => answered(cosmwasm_vm::call_sudo(instance, env, &msg)),
        Entry::Migrate(msg, info) => {
            let (env, info) = (json(env)?, json(&info)?);
            parsed(cosmwasm_vm::call_migrate_with_info_raw(instance, &env, &msg, &info))
        }
        Entry::Ibc(entry) => call_ibc(instance, entry, env),
    }
}

fn call_ibc(instance: &mut VmInstance, entry: IbcEntry, env: &Env) -> Result<Response<ChainMsg>, CallError> {
    match entry {
        IbcEntry::ChannelOpen(msg) => {
            let answer: IbcChannelOpenResponse =
                answered(cosmwasm_vm::call_ibc_channel_open(instance, env, &msg))?;
            let mut response = Response::new();
            if let Some(answer) = answer {
                response.data = Some(to_json_binary(&answer).map_err(|e| CallError::aborted(e.to_string()))?);
            }
            Ok(response)
        }
        IbcEntry::ChannelConnect(msg) => {
            answered(cosmwasm_vm::call_ibc_channel_connect(instance, env, &msg)).map(basic)
        }
        IbcEntry::ChannelClose(msg) => {
            answered(cosmwasm_vm::call_ibc_channel_close(instance, env, &msg)).map(basic)
        }
        IbcEntry::PacketReceive(msg) => {
            let r: IbcReceiveResponse<ChainMsg> =
                answered(cosmwasm_vm::call_ibc_packet_receive(instance, env, &msg))?;
            let mut response =
                Response::new().add_submessages(r.messages).add_attributes(r.attributes).add_events(r.events);
            response.data = r.acknowledgement;
            Ok(response)
        }
        IbcEntry::PacketAck(msg) => {
            answered(cosmwasm_vm::call_ibc_packet_ack(instance, env, &msg)).map(basic)
        }
        IbcEntry::PacketTimeout(msg) => {
            answered(cosmwasm_vm::call_ibc_packet_timeout(instance, env, &msg)).map(basic)
        }
    }
}

fn basic<C: CustomMsg>(r: IbcBasicResponse<C>) -> Response<C> {
    Response::new().add_submessages(r.messages).add_attributes(r.attributes).add_events(r.events)
}

impl Code for VmContract {
    fn call(
        &self,
        entry: Entry,
        deps: DepsMut<'_>,
        env: Env,
    ) -> Result<(Response<ChainMsg>, u64), CallError> {
        let (result, gas) = self.run(entry, deps, &env);
        result.map(|r| (r, gas.sdk()))
    }

    fn query(&self, deps: Deps<'_>, env: Env, msg: Vec<u8>) -> Result<(Binary, u64), CallError> {
        let (result, gas) = self.ask(deps, &env, &msg);
        result.map(|r| (r, gas.sdk()))
    }
}
