//! The governance module: it keeps votes, one per voter and proposal. It tallies nothing and runs no proposal.

use cosmwasm_std::{
    Addr, Api, Binary, BlockInfo, CustomMsg, CustomQuery, Empty, Event, GovMsg, Querier, StdError, StdResult,
    Storage, to_json_string, to_json_vec,
};
use cw_multi_test::{AppResponse, CosmosRouter, Gov, Module};
use serde::de::DeserializeOwned;

/// Keeps votes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Votes;

impl Gov for Votes {}

fn key(proposal: u64, voter: &str) -> Vec<u8> {
    format!("gov/{proposal:020}/{voter}").into_bytes()
}

/// The vote of an account on a proposal, as the JSON it was cast with.
pub(crate) fn vote(storage: &dyn Storage, proposal: u64, voter: &str) -> Option<Vec<u8>> {
    storage.get(&key(proposal, voter))
}

impl Module for Votes {
    type ExecT = GovMsg;
    type QueryT = Empty;
    type SudoT = Empty;

    fn execute<ExecC, QueryC>(
        &self,
        _api: &dyn Api,
        storage: &mut dyn Storage,
        _router: &dyn CosmosRouter<ExecC = ExecC, QueryC = QueryC>,
        _block: &BlockInfo,
        sender: Addr,
        msg: GovMsg,
    ) -> StdResult<AppResponse>
    where
        ExecC: CustomMsg + DeserializeOwned + 'static,
        QueryC: CustomQuery + DeserializeOwned + 'static,
    {
        let (proposal, cast, text) = match &msg {
            GovMsg::Vote { proposal_id, option } => {
                (*proposal_id, to_json_vec(option)?, to_json_string(option)?)
            }
            GovMsg::VoteWeighted { proposal_id, options } => {
                (*proposal_id, to_json_vec(options)?, to_json_string(options)?)
            }
            other => return Err(StdError::msg(format!("this chain does not know {other:?}"))),
        };
        storage.set(&key(proposal, sender.as_str()), &cast);
        let event = Event::new("proposal_vote")
            .add_attribute("voter", &sender)
            .add_attribute("option", text)
            .add_attribute("proposal_id", proposal.to_string());
        Ok(AppResponse { events: vec![event], data: None })
    }

    fn query(
        &self,
        _api: &dyn Api,
        _storage: &dyn Storage,
        _querier: &dyn Querier,
        _block: &BlockInfo,
        _request: Empty,
    ) -> StdResult<Binary> {
        Err(StdError::msg("contracts ask governance nothing"))
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
        Err(StdError::msg("governance has no privileged messages"))
    }
}
