//! Creating the vault and its local staking contract.

use crate::error::InstantiateError;
use crate::state::{CONFIG, Config, LOCAL, Local};
use cosmwasm_std::{
    Binary, DepsMut, Event, MessageInfo, QuerierWrapper, Reply, Response, StdError, StdResult, Storage,
    SubMsg, SubMsgResult, WasmMsg,
};
use mesh_accounting::store::face::{BURN_REPLY, on_burn_reply};
use staking_api::mesh::vault::{InstantiateMsg, LocalStakingInfo, MaxSlashResponse, StakingQueryMsg};

/// Reply id of the instantiation of local staking.
const LOCAL_REPLY: u64 = 1;
const LOCAL_LABEL: &str = "Mesh Security Local Staking";

pub(crate) fn instantiate(
    deps: DepsMut,
    _info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    let cw20 = msg.cw20.map(|c| deps.api.addr_validate(&c)).transpose()?.map(|c| c.into_string());
    if cw20.is_some() && msg.local_staking.is_some() {
        return Err(InstantiateError::Cw20Local);
    }
    let event = Event::new("mesh_vault").add_attribute("denom", &msg.denom);
    CONFIG.save(deps.storage, &Config { denom: msg.denom, cw20 });
    let response = Response::new().add_event(event);
    match msg.local_staking {
        None => Ok(response),
        Some(LocalStakingInfo::Existing { existing }) => {
            let contract = deps.api.addr_validate(&existing)?.into_string();
            keep(deps.storage, &deps.querier, contract)?;
            Ok(response)
        }
        Some(LocalStakingInfo::New { admin, code_id, msg, label }) => {
            let label = label.unwrap_or_else(|| LOCAL_LABEL.into());
            let create =
                WasmMsg::Instantiate { admin, code_id, msg: Binary::from(msg.0), funds: vec![], label };
            Ok(response.add_submessage(SubMsg::reply_on_success(create, LOCAL_REPLY)))
        }
    }
}

fn keep(s: &mut dyn Storage, querier: &QuerierWrapper, contract: String) -> StdResult<()> {
    let most: MaxSlashResponse = querier.query_wasm_smart(&contract, &StakingQueryMsg::MaxSlash {})?;
    LOCAL.save(s, &Local { contract, ratio: most.slash_ratio_dsign.into() });
    Ok(())
}

pub(crate) fn reply(deps: DepsMut, reply: Reply) -> StdResult<Response> {
    match (reply.id, &reply.result) {
        (BURN_REPLY, _) => Ok(Response::new().add_event(on_burn_reply(deps.storage, reply)?)),
        (LOCAL_REPLY, SubMsgResult::Ok(done)) => {
            let attributes = done.events.iter().filter(|e| e.ty == "instantiate").flat_map(|e| &e.attributes);
            let address =
                attributes.into_iter().find(|a| a.key == "_contract_address").map(|a| a.value.clone());
            let contract = address.ok_or_else(|| StdError::msg("no address in the reply of instantiate"))?;
            let event = Event::new("local_staking").add_attribute("contract", &contract);
            keep(deps.storage, &deps.querier, contract)?;
            Ok(Response::new().add_event(event))
        }
        (id, _) => Err(StdError::msg(format!("reply of unknown id {id}"))),
    }
}
