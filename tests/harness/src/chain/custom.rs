//! Custom messages and queries of a chain, kept as JSON so that any contract's type fits.
//!
//! A chain answers them only when it was given a [`CustomModule`]; a plain wasmd chain has none.

use cosmwasm_std::{
    Addr, Api, Binary, BlockInfo, Coin, CosmosMsg, CustomMsg, CustomQuery, Empty, Event, Querier, StdError,
    StdResult, Storage,
};
use cw_multi_test::{AppResponse, BankSudo, CosmosRouter, Module, SudoMsg};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A custom message of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ChainMsg(pub serde_json::Value);

impl CustomMsg for ChainMsg {}

/// A custom query of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ChainQuery(pub serde_json::Value);

impl CustomQuery for ChainQuery {}

/// Runs a message of the chain's own modules inside a custom module.
pub type Dispatch<'a> = dyn Fn(&mut dyn Storage, Addr, CosmosMsg<ChainMsg>) -> StdResult<AppResponse> + 'a;

/// Makes new coins for an address.
pub type Mint<'a> = dyn Fn(&mut dyn Storage, &str, Coin) -> StdResult<()> + 'a;

/// The chain's other modules, as a custom module reaches them.
pub struct Modules<'a> {
    /// Runs a message in the name of anybody.
    pub execute: &'a Dispatch<'a>,
    /// Makes coins.
    pub mint: &'a Mint<'a>,
}

/// A Go module of a chain, played natively ([`MeshSecurity`](super::MeshSecurity) for example).
pub trait CustomModule: Send + Sync {
    /// Executes a contract's custom message; `modules` are the other ones.
    ///
    /// # Errors
    /// As the module refuses.
    fn execute(
        &self,
        storage: &mut dyn Storage,
        block: &BlockInfo,
        sender: &Addr,
        msg: serde_json::Value,
        modules: &Modules<'_>,
    ) -> StdResult<Vec<Event>>;

    /// Answers a contract's custom query.
    ///
    /// # Errors
    /// As the module refuses.
    fn query(
        &self,
        storage: &dyn Storage,
        querier: &dyn Querier,
        block: &BlockInfo,
        request: serde_json::Value,
    ) -> StdResult<Binary>;

    /// What it tells contracts by `sudo` at the end of a block: address and message, in order. Each call stands
    /// for itself; one that fails leaves nothing behind and stops nothing.
    ///
    /// # Errors
    /// When its state is damaged.
    fn end_block(&self, _storage: &mut dyn Storage, _block: &BlockInfo) -> StdResult<Vec<(String, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

/// The router's custom module: the one configured, or a refusal.
#[derive(Clone, Default)]
pub(crate) struct Custom(pub(crate) Option<Arc<dyn CustomModule>>);

impl Module for Custom {
    type ExecT = ChainMsg;
    type QueryT = ChainQuery;
    type SudoT = Empty;

    fn execute<ExecC, QueryC>(
        &self,
        api: &dyn Api,
        storage: &mut dyn Storage,
        router: &dyn CosmosRouter<ExecC = ExecC, QueryC = QueryC>,
        block: &BlockInfo,
        sender: Addr,
        msg: ChainMsg,
    ) -> StdResult<AppResponse>
    where
        ExecC: CustomMsg + DeserializeOwned + 'static,
        QueryC: CustomQuery + DeserializeOwned + 'static,
    {
        let module = self.0.as_ref().ok_or_else(|| refused(&msg.0))?;
        let dispatch = |storage: &mut dyn Storage, from: Addr, msg: CosmosMsg<ChainMsg>| {
            let msg =
                msg.change_custom().ok_or_else(|| StdError::msg("a module sends no custom messages"))?;
            router.execute(api, storage, block, from, msg)
        };
        let mint = |storage: &mut dyn Storage, to: &str, coin: Coin| {
            let mint = BankSudo::Mint { to_address: to.to_owned(), amount: vec![coin] };
            router.sudo(api, storage, block, SudoMsg::Bank(mint)).map(drop)
        };
        let modules = Modules { execute: &dispatch, mint: &mint };
        let events = module.execute(storage, block, &sender, msg.0, &modules)?;
        Ok(AppResponse { events, ..AppResponse::default() })
    }

    fn query(
        &self,
        _api: &dyn Api,
        storage: &dyn Storage,
        querier: &dyn Querier,
        block: &BlockInfo,
        request: ChainQuery,
    ) -> StdResult<Binary> {
        let module = self.0.as_ref().ok_or_else(|| refused(&request.0))?;
        module.query(storage, querier, block, request.0)
    }

    fn sudo<ExecC, QueryC>(
        &self,
        _api: &dyn Api,
        _storage: &mut dyn Storage,
        _router: &dyn CosmosRouter<ExecC = ExecC, QueryC = QueryC>,
        _block: &BlockInfo,
        _msg: Empty,
    ) -> StdResult<AppResponse>
    where
        ExecC: CustomMsg + DeserializeOwned + 'static,
        QueryC: CustomQuery + DeserializeOwned + 'static,
    {
        Err(StdError::msg("custom modules have no privileged messages"))
    }
}

fn refused(what: &serde_json::Value) -> StdError {
    let name = what.as_object().and_then(|o| o.keys().next().cloned()).unwrap_or_default();
    StdError::msg(format!("this chain has no module for custom messages `{name}`"))
}
