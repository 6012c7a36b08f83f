//! An embedded CosmWasm chain: cw-multi-test's application behind a CometBFT-compatible RPC.
//!
//! [`Chain::start`] makes one from a [`ChainConfig`]; the handle can be copied, and the chain ends with
//! [`Chain::stop`] or when the last copy goes. The state lives on one thread of its own and is reached by jobs.
//! Programs talk to [`Chain::rpc_url`] with signed transactions; tests may also use the direct calls here, which
//! need no signature and make a block each. Not here: consensus, gas accounting (figures are nominal), upgrades,
//! vesting, proposals (votes are kept).

mod abci;
mod account;
mod actor;
mod api;
mod block;
mod built;
mod config;
mod contract;
mod custom;
mod error;
mod gas;
mod gov;
mod ibc_core;
pub(crate) mod ibc_module;
mod lone;
mod meshsecurity;
mod msg;
mod native;
mod rpc;
mod staking;
mod state;
mod storage;
mod transfer;
mod tx;
#[cfg(feature = "wasm")]
pub mod vm;

pub use account::{DevAccount, GenesisAccount, GenesisValidator};
pub use api::{from_bech32, to_bech32};
pub use block::{Block, TxRecord, TxResult};
pub use built::{built_dir, built_file, read_built};
pub use config::ChainConfig;
pub use contract::{CallError, Code, Entry, IbcEntry, port_of};
pub use custom::{ChainMsg, ChainQuery, CustomModule, Dispatch, Mint, Modules};
pub use error::{ChainError, TxError};
pub use gas::{CONTRACT_PREFIX, GasStorage, StoreGas};
pub use ibc_core::Delivered;
pub use ibc_module::{ChannelEnd, ChannelState, SentPacket};
pub use lone::{Engine, Lone};
pub use meshsecurity::{Fault, FaultKind, MeshSecurity};
pub use native::{ContractSet, IbcHandlers, NativeContract};
pub use staking::ValidatorView;
pub use state::Account;
pub(crate) use state::ChainState;
pub use storage::{Lent, records};
pub use transfer::{PORT as TRANSFER_PORT, VERSION as TRANSFER_VERSION};

use crate::clock::Clock;
use actor::Jobs;
use cosmwasm_std::{Coin, CosmosMsg, Uint128, WasmMsg};
use cw_multi_test::{BankSudo, CosmosRouter, SudoMsg, WasmSudo};
use rpc::RpcServer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, PoisonError};

/// A running chain. Copies are handles to the same chain.
#[derive(Clone)]
pub struct Chain(Arc<Inner>);

struct Inner {
    chain_id: String,
    prefix: String,
    denom: String,
    clock: Clock,
    contracts: ContractSet,
    rpc_url: Option<String>,
    rpc: Mutex<Option<RpcServer>>,
    jobs: Jobs,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    fn stop(&self) {
        drop(self.rpc.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.jobs.stop();
    }
}

fn to_json<M: Serialize>(msg: &M) -> Result<Vec<u8>, ChainError> {
    cosmwasm_std::to_json_vec(msg).map_err(|e| ChainError::Config(format!("message: {e}")))
}

impl Chain {
    /// Starts a chain and its RPC; its first block is made.
    ///
    /// # Errors
    /// [`ChainError::Config`] when the configuration makes no chain, [`ChainError::Rpc`] when the port is taken.
    pub fn start(config: ChainConfig) -> Result<Self, ChainError> {
        let (chain_id, prefix, denom) =
            (config.chain_id.clone(), config.prefix.clone(), config.denom.clone());
        let (clock, contracts, port) = (config.clock.clone(), config.contracts.clone(), config.rpc_port);
        let jobs = Jobs::start(config)?;
        let rpc = match port {
            Some(port) => match RpcServer::start(port, &chain_id, jobs.clone()) {
                Ok(rpc) => Some(rpc),
                Err(source) => {
                    jobs.stop();
                    return Err(ChainError::Rpc { chain: chain_id, source });
                }
            },
            None => None,
        };
        let rpc_url = rpc.as_ref().map(RpcServer::url);
        let rpc = Mutex::new(rpc);
        Ok(Self(Arc::new(Inner { chain_id, prefix, denom, clock, contracts, rpc_url, rpc, jobs })))
    }

    /// Ends the chain for every handle: its port is free and its threads are gone when this returns.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Chain id.
    pub fn chain_id(&self) -> &str {
        &self.0.chain_id
    }

    /// Address prefix.
    pub fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// Staking denomination.
    pub fn denom(&self) -> &str {
        &self.0.denom
    }

    /// The clock its blocks follow.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// `http://127.0.0.1:<port>` of the RPC, if it has one.
    pub fn rpc_url(&self) -> Option<&str> {
        self.0.rpc_url.as_deref()
    }

    /// What a deployer stores for the contract `name`, on either engine.
    ///
    /// # Errors
    /// [`ChainError::UnknownContract`].
    pub fn code_bytes(&self, name: &str) -> Result<Vec<u8>, ChainError> {
        self.0.contracts.code_bytes(name).ok_or_else(|| ChainError::UnknownContract(name.to_owned()))
    }

    /// Runs `f` on the chain's thread.
    ///
    /// # Errors
    /// [`ChainError::Stopped`], [`ChainError::Panicked`].
    pub(crate) fn with<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut state::ChainState) -> R + Send + 'static,
    ) -> Result<R, ChainError> {
        self.0.jobs.run(f)
    }

    fn try_with<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut state::ChainState) -> Result<R, TxError> + Send + 'static,
    ) -> Result<R, ChainError> {
        Ok(self.with(f)??)
    }

    /// Height of the newest block.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn height(&self) -> Result<u64, ChainError> {
        self.with(|s| s.tip().height())
    }

    /// The newest block.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn tip(&self) -> Result<Block, ChainError> {
        self.with(|s| s.tip().clone())
    }

    /// The block at `height`, if it is there.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn block(&self, height: u64) -> Result<Option<Block>, ChainError> {
        self.with(move |s| s.block(height).cloned())
    }

    /// Makes a block without transactions and gives its height.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn make_block(&self) -> Result<u64, ChainError> {
        self.try_with(|s| {
            s.empty_block()?;
            Ok(s.tip().height())
        })
    }

    /// Takes a signed transaction, as `broadcast_tx_sync` does.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when the check refuses it; a failure in its block is in the result's code.
    pub fn broadcast(&self, tx: Vec<u8>) -> Result<TxResult, ChainError> {
        self.try_with(|s| s.broadcast(tx))
    }

    /// Stores the contract `name` and gives its code id.
    ///
    /// # Errors
    /// [`ChainError::UnknownContract`], [`ChainError::Refused`].
    pub fn store(&self, name: &str) -> Result<u64, ChainError> {
        let bytes = self.code_bytes(name)?;
        self.try_with(|s| s.store_code("", bytes))
    }

    /// Instantiates a contract and gives its address; `sender` becomes its admin.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the contract's text.
    pub fn instantiate<M: Serialize>(
        &self,
        sender: &str,
        code_id: u64,
        msg: &M,
        label: &str,
        funds: &[Coin],
    ) -> Result<String, ChainError> {
        let msg = WasmMsg::Instantiate {
            admin: Some(sender.to_owned()),
            code_id,
            msg: to_json(msg)?.into(),
            funds: funds.to_vec(),
            label: label.to_owned(),
        };
        let done = self.send(sender, CosmosMsg::Wasm(msg))?;
        let address = done.attribute("instantiate", "_contract_address").map(str::to_owned);
        address
            .ok_or_else(|| ChainError::Answer { contract: label.to_owned(), reason: "no address".to_owned() })
    }

    /// Calls a contract.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the contract's text.
    pub fn execute<M: Serialize>(
        &self,
        sender: &str,
        contract: &str,
        msg: &M,
        funds: &[Coin],
    ) -> Result<TxResult, ChainError> {
        let (contract_addr, funds) = (contract.to_owned(), funds.to_vec());
        self.send(
            sender,
            CosmosMsg::Wasm(WasmMsg::Execute { contract_addr, msg: to_json(msg)?.into(), funds }),
        )
    }

    /// Sends any message in a block of its own, without a signature.
    ///
    /// # Errors
    /// [`ChainError::Refused`].
    pub fn send(&self, sender: &str, msg: CosmosMsg<ChainMsg>) -> Result<TxResult, ChainError> {
        let sender = sender.to_owned();
        self.try_with(move |s| s.direct(&sender, msg))
    }

    /// Calls a contract's `sudo`, as governance or a module would.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the contract's text.
    pub fn sudo<M: Serialize>(&self, contract: &str, msg: &M) -> Result<TxResult, ChainError> {
        let message = to_json(msg)?.into();
        let note = serde_json::json!({ "sudo": contract });
        let sudo = WasmSudo { contract_addr: cosmwasm_std::Addr::unchecked(contract), message };
        self.try_with(move |s| {
            let ran = s.internal("/mesh.harness.v1.Sudo", &note, |stage| {
                let done = stage.router.sudo(stage.api, stage.storage, stage.block, SudoMsg::Wasm(sudo))?;
                Ok(((), done.events))
            });
            ran.map(|(_, result)| result)
        })
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the contract's text, [`ChainError::Answer`] when the answer is of another type.
    pub fn query<M: Serialize, R: DeserializeOwned>(&self, contract: &str, msg: &M) -> Result<R, ChainError> {
        let (address, msg) = (contract.to_owned(), to_json(msg)?);
        let answer = self.try_with(move |s| s.smart_query(&address, &msg))?;
        serde_json::from_slice(&answer)
            .map_err(|e| ChainError::Answer { contract: contract.to_owned(), reason: e.to_string() })
    }

    /// One key of a contract's storage.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn raw(&self, contract: &str, key: &[u8]) -> Result<Option<Vec<u8>>, ChainError> {
        let (contract, key) = (contract.to_owned(), key.to_vec());
        self.with(move |s| s.raw_state(&contract, &key))
    }

    /// Everything a contract stores, in key order.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn dump(&self, contract: &str) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ChainError> {
        let contract = contract.to_owned();
        self.with(move |s| s.dump(&contract))
    }

    /// Balance in base units.
    ///
    /// # Errors
    /// [`ChainError::Stopped`]; [`ChainError::Answer`] above 2^128.
    pub fn balance(&self, address: &str, denom: &str) -> Result<u128, ChainError> {
        let (who, what) = (address.to_owned(), denom.to_owned());
        let amount = self.with(move |s| tx::balance(s, &who, &what))?;
        Uint128::try_from(amount)
            .map(|a| a.u128())
            .map_err(|e| ChainError::Answer { contract: address.to_owned(), reason: e.to_string() })
    }

    /// Makes new coins for an address.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when the address is not of this chain.
    pub fn mint(&self, address: &str, amount: u128, denom: &str) -> Result<(), ChainError> {
        let note = serde_json::json!({ "mint": address });
        let to_address = address.to_owned();
        let mint = BankSudo::Mint { to_address: to_address.clone(), amount: vec![Coin::new(amount, denom)] };
        self.try_with(move |s| {
            let ran = s.internal("/mesh.harness.v1.Mint", &note, |stage| {
                stage.router.sudo(stage.api, stage.storage, stage.block, SudoMsg::Bank(mint))?;
                state::ensure_account(stage.storage, &to_address)?;
                Ok(((), vec![]))
            });
            ran.map(|_| ())
        })
    }

    /// Validators with their tokens and power, in genesis order.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn validators(&self) -> Result<Vec<ValidatorView>, ChainError> {
        self.try_with(|s| staking::validators(s).map_err(|e| TxError::sdk(1, e.to_string())))
    }

    /// What `delegator` has bonded to `validator`, base units.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when one of them is unknown.
    pub fn delegation(&self, delegator: &str, validator: &str) -> Result<u128, ChainError> {
        let (who, to) = (delegator.to_owned(), validator.to_owned());
        let found = self.try_with(move |s| abci::delegated(s, &who, &to))?;
        let amount = found.map(|c| c.amount).unwrap_or_default();
        Uint128::try_from(amount)
            .map(|a| a.u128())
            .map_err(|e| ChainError::Answer { contract: validator.to_owned(), reason: e.to_string() })
    }

    /// Takes `percent` of a validator's stake, as x/slashing would.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when there is no such validator.
    pub fn slash_validator(&self, operator: &str, percent: u64) -> Result<(), ChainError> {
        let operator = operator.to_owned();
        self.try_with(move |s| staking::slash(s, &operator, percent))
    }

    /// The vote of `voter` on a proposal, as the JSON it was cast with.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn vote(&self, proposal: u64, voter: &str) -> Result<Option<Vec<u8>>, ChainError> {
        let voter = voter.to_owned();
        self.with(move |s| gov::vote(s.app.storage(), proposal, &voter))
    }

    /// An account's number and sequence, if it is open.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn account(&self, address: &str) -> Result<Option<Account>, ChainError> {
        let address = address.to_owned();
        self.try_with(move |s| {
            state::account(s.app.storage(), &address).map_err(|e| TxError::sdk(1, e.to_string()))
        })
    }

    /// All channel ends of this chain.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn channels(&self) -> Result<Vec<ChannelEnd>, ChainError> {
        self.try_with(|s| ibc_module::channels(s.app.storage()).map_err(|e| TxError::sdk(1, e.to_string())))
    }

    /// Packets this chain sent that are neither acknowledged nor timed out, oldest first.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn packets_in_flight(&self) -> Result<Vec<SentPacket>, ChainError> {
        self.try_with(|s| s.ibc_pending())
    }
}
