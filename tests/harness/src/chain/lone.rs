//! One contract without a chain: the same test body on native code and on the built wasm.
//!
//! A body takes an [`Engine`], makes a [`Lone`] contract on it and sends messages; `on_each_engine!` makes tests of it. [`Engine::all`] are the engines of
//! this build: native code always, cosmwasm-vm with the feature `wasm` (`--features mesh-harness/wasm`), which runs
//! the files of `contracts/build`. Not here: other contracts. What a contract asks of them, the test's querier
//! answers; what it tells them is in the response.

use super::contract::{Code, Entry};
use super::custom::ChainMsg;
use super::native::NativeContract;
use cosmwasm_std::testing::{MockApi, MockStorage, message_info, mock_env};
use cosmwasm_std::{Addr, Deps, DepsMut, Env, Querier, QuerierWrapper, Response, from_json, to_json_vec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// What runs a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The contract's own code, compiled for this machine.
    Native,
    /// The built wasm in cosmwasm-vm.
    #[cfg(feature = "wasm")]
    Wasm,
}

impl Engine {
    /// All engines of this build.
    pub fn all() -> &'static [Self] {
        #[cfg(feature = "wasm")]
        return &[Self::Native, Self::Wasm];
        #[cfg(not(feature = "wasm"))]
        return &[Self::Native];
    }

    /// Takes a contract by the name of its crate, for addresses of `prefix`.
    ///
    /// # Errors
    /// There is no such file, or the VM refuses it.
    pub fn load(self, name: &str, native: NativeContract, prefix: &str) -> Result<Arc<dyn Code>, String> {
        match self {
            Self::Native => {
                let _ = (name, prefix);
                Ok(Arc::new(native))
            }
            #[cfg(feature = "wasm")]
            Self::Wasm => built(name, prefix),
        }
    }
}

/// The file that `contracts/build` left.
#[cfg(feature = "wasm")]
fn built(name: &str, prefix: &str) -> Result<Arc<dyn Code>, String> {
    let wasm = super::read_built(&super::built_dir(), name)
        .map_err(|e| format!("{e}; run contracts/build {name}"))?;
    let contract = super::vm::VmContract::new(&wasm, prefix).map_err(|e| e.text)?;
    Ok(Arc::new(contract))
}

/// A contract with storage, addresses, neighbours and block of its own.
///
/// A message that fails leaves behind what it wrote: there is no transaction around it, as there is on a chain.
pub struct Lone<Q> {
    code: Arc<dyn Code>,
    /// Its storage.
    pub storage: MockStorage,
    /// Addresses.
    pub api: MockApi,
    /// Its neighbours.
    pub querier: Q,
    /// Block and own address.
    pub env: Env,
}

impl<Q: Querier> Lone<Q> {
    /// Puts a contract on an empty storage; addresses are of `prefix`.
    ///
    /// # Errors
    /// [`Engine::load`].
    pub fn new(
        engine: Engine,
        name: &str,
        native: NativeContract,
        prefix: &'static str,
        querier: Q,
    ) -> Result<Self, String> {
        Ok(Self {
            code: engine.load(name, native, prefix)?,
            storage: MockStorage::default(),
            api: MockApi::default().with_prefix(prefix),
            querier,
            env: mock_env(),
        })
    }

    /// An address.
    pub fn account(&self, name: &str) -> Addr {
        self.api.addr_make(name)
    }

    /// Instantiates the contract.
    ///
    /// # Errors
    /// The contract's text.
    pub fn instantiate<M: Serialize>(
        &mut self,
        sender: &Addr,
        msg: &M,
    ) -> Result<Response<ChainMsg>, String> {
        self.call(Entry::Instantiate(message_info(sender, &[]), json(msg)?))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The contract's text.
    pub fn execute<M: Serialize>(&mut self, sender: &Addr, msg: &M) -> Result<Response<ChainMsg>, String> {
        self.call(Entry::Execute(message_info(sender, &[]), json(msg)?))
    }

    /// Calls any writing entry point.
    ///
    /// # Errors
    /// The contract's text.
    pub fn call(&mut self, entry: Entry) -> Result<Response<ChainMsg>, String> {
        let querier = QuerierWrapper::new(&self.querier);
        let deps = DepsMut { storage: &mut self.storage, api: &self.api, querier };
        self.code.call(entry, deps, self.env.clone()).map(|(response, _)| response).map_err(|e| e.text)
    }

    /// Asks the contract.
    ///
    /// # Errors
    /// The contract's text, or the answer is of another type.
    pub fn query<M: Serialize, T: DeserializeOwned>(&self, msg: &M) -> Result<T, String> {
        let querier = QuerierWrapper::new(&self.querier);
        let deps = Deps { storage: &self.storage, api: &self.api, querier };
        let (answer, _) = self.code.query(deps, self.env.clone(), json(msg)?).map_err(|e| e.text)?;
        from_json(answer).map_err(|e| e.to_string())
    }
}

fn json<M: Serialize>(msg: &M) -> Result<Vec<u8>, String> {
    to_json_vec(msg).map_err(|e| e.to_string())
}

/// Makes tests of functions that take an [`Engine`]: `native::name` of each, and `wasm::name` with the feature `wasm`.
#[macro_export]
macro_rules! on_each_engine {
    ($($name:ident),+ $(,)?) => {
        mod native {
            $(#[test]
            fn $name() {
                super::$name($crate::chain::Engine::Native);
            })+
        }
        $crate::on_wasm!($($name),+);
    };
}

/// The half of [`on_each_engine`] that depends on this crate's features, not on those of the crate that uses it.
#[cfg(feature = "wasm")]
#[doc(hidden)]
#[macro_export]
macro_rules! on_wasm {
    ($($name:ident),+) => {
        mod wasm {
            $(#[test]
            fn $name() {
                super::$name($crate::chain::Engine::Wasm);
            })+
        }
    };
}

/// The half of [`on_each_engine`] that depends on this crate's features: nothing without the engine.
#[cfg(not(feature = "wasm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! on_wasm {
    ($($name:ident),+) => {};
}
