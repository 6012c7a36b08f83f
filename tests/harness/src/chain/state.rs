//! The chain itself, owned by one thread: application, blocks, code and accounts.
//!
//! Every change is made on an overlay first, so that whatever fails leaves nothing behind.

use super::api::ChainApi;
use super::block::{Block, Draft, TxRecord, TxResult, finish};
use super::config::ChainConfig;
use super::contract::{CallLedger, Code, Registered, panic_text};
use super::custom::{ChainMsg, ChainQuery, Custom};
use super::error::{ChainError, TxError};
use super::gov::Votes;
use super::ibc_module::MeshIbc;
use super::native::Source;
use super::storage::{ChainStorage, Delta, Overlay};
use cosmwasm_std::{
    Addr, BlockInfo, Checksum, CosmosMsg, Event, Order, StdError, StdResult, Storage, Timestamp, from_json,
    to_json_vec,
};
use cw_multi_test::{
    App, AppBuilder, BankKeeper, CosmosRouter, DistributionKeeper, Router, StakeKeeper, StargateFailing,
    SudoMsg, WasmKeeper, WasmSudo,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The application of an embedded chain.
pub(crate) type ChainApp = App<
    BankKeeper,
    ChainApi,
    ChainStorage,
    Custom,
    WasmKeeper<ChainMsg, ChainQuery>,
    StakeKeeper,
    DistributionKeeper,
    MeshIbc,
    Votes,
    StargateFailing,
>;

/// Its router.
pub(crate) type ChainRouter = Router<
    BankKeeper,
    Custom,
    WasmKeeper<ChainMsg, ChainQuery>,
    StakeKeeper,
    DistributionKeeper,
    MeshIbc,
    Votes,
    StargateFailing,
>;

/// What messages run on.
pub(crate) struct Stage<'a, 'b> {
    pub(crate) router: &'a ChainRouter,
    pub(crate) api: &'a ChainApi,
    pub(crate) storage: &'a mut Overlay<'b>,
    pub(crate) block: &'a BlockInfo,
}

/// An account of the auth module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number.
    pub number: u64,
    /// Sequence of its next transaction.
    pub sequence: u64,
}

/// Stored code.
#[derive(Clone, Debug)]
pub(crate) struct StoredCode {
    pub(crate) creator: String,
    pub(crate) checksum: Checksum,
    pub(crate) bytes: Arc<Vec<u8>>,
}

/// The state of a chain.
pub(crate) struct ChainState {
    pub(crate) app: ChainApp,
    pub(crate) api: ChainApi,
    pub(crate) config: ChainConfig,
    pub(crate) ledger: Arc<CallLedger>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) index: HashMap<[u8; 32], (u64, usize)>,
    pub(crate) codes: Vec<StoredCode>,
    /// Why calls of the custom module at the end of a block failed.
    pub(crate) module_failures: Vec<String>,
    #[cfg(feature = "wasm")]
    vm: super::vm::VmCache,
}

fn account_key(address: &str) -> Vec<u8> {
    format!("auth/{address}").into_bytes()
}

pub(crate) fn account(storage: &dyn Storage, address: &str) -> StdResult<Option<Account>> {
    storage.get(&account_key(address)).map(from_json).transpose()
}

pub(crate) fn save_account(storage: &mut dyn Storage, address: &str, account: &Account) -> StdResult<()> {
    storage.set(&account_key(address), &to_json_vec(account)?);
    Ok(())
}

/// Opens an account for whoever has none.
pub(crate) fn ensure_account(storage: &mut dyn Storage, address: &str) -> StdResult<()> {
    if account(storage, address)?.is_none() {
        let number = super::ibc_module::next(storage, "account")?;
        save_account(storage, address, &Account { number, sequence: 0 })?;
    }
    Ok(())
}

/// Opens accounts for everybody these events paid or made.
pub(crate) fn open_accounts(storage: &mut dyn Storage, events: &[Event]) -> StdResult<()> {
    let wanted = |e: &Event| match e.ty.as_str() {
        "transfer" => Some("recipient"),
        "instantiate" => Some("_contract_address"),
        _ => None,
    };
    for event in events {
        let Some(key) = wanted(event) else { continue };
        for attribute in event.attributes.iter().filter(|a| a.key == key) {
            ensure_account(storage, &attribute.value)?;
        }
    }
    Ok(())
}

impl ChainState {
    /// Makes the chain and its first block.
    pub(crate) fn genesis(config: ChainConfig) -> Result<Self, ChainError> {
        let api = ChainApi::new(&config.prefix);
        let block = BlockInfo {
            height: 1,
            time: Timestamp::from_nanos(config.clock.nanos()),
            chain_id: config.chain_id.clone(),
        };
        let app: ChainApp = AppBuilder::new_custom()
            .with_api(api.clone())
            .with_storage(ChainStorage::default())
            .with_custom(Custom(config.custom.clone()))
            .with_ibc(MeshIbc)
            .with_gov(Votes)
            .with_block(block)
            .build(|_, _, _| {});
        let mut state = Self {
            app,
            api,
            config,
            ledger: Arc::default(),
            blocks: Vec::new(),
            index: HashMap::new(),
            codes: Vec::new(),
            module_failures: Vec::new(),
            #[cfg(feature = "wasm")]
            vm: super::vm::VmCache,
        };
        super::staking::genesis(&mut state).map_err(|e| ChainError::Config(e.to_string()))?;
        state.end_block(Vec::new())?;
        Ok(state)
    }

    /// The newest block.
    pub(crate) fn tip(&self) -> &Block {
        self.blocks.last().expect("genesis makes the first block")
    }

    /// The block at `height`.
    pub(crate) fn block(&self, height: u64) -> Option<&Block> {
        let index = usize::try_from(height.checked_sub(1)?).ok()?;
        self.blocks.get(index)
    }

    /// Runs `f` on an overlay that begins with `delta`; a panic is an error.
    pub(crate) fn stage<R>(
        &self,
        delta: Delta,
        f: impl FnOnce(&mut Stage<'_, '_>) -> StdResult<R>,
    ) -> (StdResult<R>, Delta) {
        let block = self.app.block_info();
        self.app.read_module(|router, api, storage| {
            let mut overlay = Overlay::resume(storage, delta);
            let result = catch_unwind(AssertUnwindSafe(|| {
                f(&mut Stage { router, api, storage: &mut overlay, block: &block })
            }));
            let result = result.unwrap_or_else(|panic| Err(StdError::msg(panic_text(panic.as_ref()))));
            (result, overlay.into_delta())
        })
    }

    /// Starts the next block: its time, and what is due from staking.
    pub(crate) fn begin_block(&mut self) {
        let last = self.app.block_info();
        let step = u64::try_from(self.config.min_block_step.as_nanos()).unwrap_or(u64::MAX).max(1);
        let nanos = self.config.clock.nanos().max(last.time.nanos().saturating_add(step));
        self.app.set_block(BlockInfo {
            height: last.height + 1,
            time: Timestamp::from_nanos(nanos),
            chain_id: last.chain_id,
        });
    }

    /// Has the custom module say what it has to say; a call that fails is written down and dropped.
    fn end_of_module(&mut self) {
        let Some(module) = self.config.custom.clone() else { return };
        let (calls, delta) = self.stage(Delta::new(), |s| module.end_block(s.storage, s.block));
        let calls = match calls {
            Ok(calls) => calls,
            Err(e) => return self.module_failures.push(e.to_string()),
        };
        self.app.storage_mut().apply(delta);
        for (contract, msg) in calls {
            let sudo = WasmSudo { contract_addr: Addr::unchecked(contract), message: msg.into() };
            let (done, delta) =
                self.stage(Delta::new(), |s| s.router.sudo(s.api, s.storage, s.block, SudoMsg::Wasm(sudo)));
            match done {
                Ok(_) => self.app.storage_mut().apply(delta),
                Err(e) => self.module_failures.push(self.ledger.plain(&e.to_string())),
            }
        }
    }

    /// Ends the block begun.
    pub(crate) fn end_block(&mut self, txs: Vec<TxRecord>) -> Result<(), TxError> {
        self.end_of_module();
        let info = self.app.block_info();
        let app_hash_after = self.app.storage_mut().seal();
        let block = finish(Draft {
            chain_id: &self.config.chain_id,
            height: info.height,
            nanos: info.time.nanos(),
            parent: self.blocks.last(),
            txs,
            validators: super::staking::consensus_set(self),
            app_hash_after,
        })?;
        for (i, tx) in block.txs.iter().enumerate() {
            self.index.insert(tx.hash, (info.height, i));
        }
        self.blocks.push(block);
        Ok(())
    }

    /// Makes a block without transactions.
    pub(crate) fn empty_block(&mut self) -> Result<(), TxError> {
        self.begin_block();
        self.end_block(Vec::new())
    }

    /// Does something no user signed for, in a block of its own; the record's type is `type_url`.
    ///
    /// # Errors
    /// As `f` refuses; the block then holds nothing.
    pub(crate) fn internal<R>(
        &mut self,
        type_url: &str,
        note: &serde_json::Value,
        f: impl FnOnce(&mut Stage<'_, '_>) -> StdResult<(R, Vec<Event>)>,
    ) -> Result<(R, TxResult), TxError> {
        self.ledger.clear();
        self.begin_block();
        let (outcome, delta) = self.stage(Delta::new(), |stage| {
            let (value, events) = f(stage)?;
            open_accounts(stage.storage, &events)?;
            Ok((value, events))
        });
        match outcome {
            Ok((value, events)) => {
                self.app.storage_mut().apply(delta);
                let events = events.into_iter().filter(|e| e.ty != "sudo").collect();
                let result = TxResult { gas_used: self.ledger.gas(), events, ..TxResult::default() };
                let bytes = super::tx::unsigned(type_url, note, self.app.block_info().height);
                self.end_block(vec![TxRecord::new(bytes, result.clone())])?;
                Ok((value, result))
            }
            Err(e) => {
                let error = self.explain(&e);
                self.end_block(Vec::new())?;
                Err(error)
            }
        }
    }

    /// The refusal behind a router's error, contracts' errors as x/wasm reports them.
    pub(crate) fn explain(&self, error: &StdError) -> TxError {
        let text = error.to_string();
        let plain = self.ledger.plain(&text);
        if self.ledger.find(&text).is_some() {
            return TxError::wasm(5, format!("{plain}: execute wasm contract failed"));
        }
        if plain.starts_with("Cannot Sub") || plain.contains("attempt to subtract with overflow") {
            return TxError::sdk(5, "insufficient funds");
        }
        TxError::sdk(18, plain)
    }

    /// Sends a message as `sender` without a signature, in a block of its own.
    pub(crate) fn direct(&mut self, sender: &str, msg: CosmosMsg<ChainMsg>) -> Result<TxResult, TxError> {
        let note = serde_json::json!({ "sender": sender, "msg": &msg });
        let sender = Addr::unchecked(sender);
        let ran = self.internal("/mesh.harness.v1.Direct", &note, |s| {
            let done = s.router.execute(s.api, s.storage, s.block, sender, msg)?;
            Ok((done.data, done.events))
        });
        ran.map(|(data, result)| TxResult { data: data.map(|d| d.to_vec()).unwrap_or_default(), ..result })
    }

    /// Registers code and gives its id.
    ///
    /// # Errors
    /// When the bytes are neither a known marker nor wasm this engine takes.
    pub(crate) fn store_code(&mut self, creator: &str, bytes: Vec<u8>) -> Result<u64, TxError> {
        let code = self
            .load_code(&bytes)
            .map_err(|e| TxError::wasm(2, format!("{e}: create wasm contract failed")))?;
        let checksum = Checksum::generate(&bytes);
        let id = self.codes.len() as u64 + 1;
        let registered = Registered { code, checksum, ledger: self.ledger.clone() };
        self.app
            .store_code_with_id(Addr::unchecked(creator), id, Box::new(registered))
            .map_err(|e| TxError::wasm(2, e.to_string()))?;
        self.codes.push(StoredCode { creator: creator.to_owned(), checksum, bytes: Arc::new(bytes) });
        Ok(id)
    }

    fn load_code(&self, bytes: &[u8]) -> Result<Arc<dyn Code>, String> {
        match self.config.contracts.resolve(bytes) {
            Some(Source::Native(contract)) => Ok(contract),
            #[cfg(feature = "wasm")]
            Some(Source::Wasm(wasm)) => {
                self.vm.load(&wasm, &self.config.prefix, self.config.custom.is_some())
            }
            #[cfg(not(feature = "wasm"))]
            Some(Source::Wasm(_)) => {
                Err("this build of the harness has no wasm engine (feature `wasm`)".to_owned())
            }
            None => Err("no native contract of that name".to_owned()),
        }
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// The contract's text.
    pub(crate) fn smart_query(&self, contract: &str, msg: &[u8]) -> Result<Vec<u8>, TxError> {
        use cosmwasm_std::{Querier, QueryRequest, WasmQuery, to_json_vec};
        self.ledger.clear();
        self.contract_info(contract)?;
        let query = WasmQuery::Smart { contract_addr: contract.to_owned(), msg: msg.into() };
        let request = to_json_vec(&QueryRequest::<ChainQuery>::Wasm(query))
            .map_err(|e| TxError::sdk(18, e.to_string()))?;
        let asked = catch_unwind(AssertUnwindSafe(|| self.app.raw_query(&request)));
        let answer = asked.map_err(|panic| TxError::wasm(9, panic_text(panic.as_ref())))?;
        match answer.into_result() {
            Ok(result) => match result.into_result() {
                Ok(data) => Ok(data.to_vec()),
                Err(text) => {
                    Err(TxError::wasm(9, format!("{}: query wasm contract failed", self.ledger.plain(&text))))
                }
            },
            Err(system) => Err(TxError::wasm(9, format!("{system}: query wasm contract failed"))),
        }
    }

    /// What the chain keeps about a contract.
    pub(crate) fn contract_info(&self, contract: &str) -> Result<cw_multi_test::ContractData, TxError> {
        self.app
            .contract_data(&Addr::unchecked(contract))
            .map_err(|_| TxError::wasm(22, format!("no such contract: address {contract}")))
    }

    /// One key of a contract's storage.
    pub(crate) fn raw_state(&self, contract: &str, key: &[u8]) -> Option<Vec<u8>> {
        self.app.contract_storage(&Addr::unchecked(contract)).get(key)
    }

    /// Everything a contract stores, in key order.
    pub(crate) fn dump(&self, contract: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.app.contract_storage(&Addr::unchecked(contract)).range(None, None, Order::Ascending).collect()
    }
}
