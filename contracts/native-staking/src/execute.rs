//! Stake in, burns in, coins back.

use crate::error::{ExecuteError, InstantiateError};
use crate::state::{CONFIG, Config, OWNERS, PROXIES, STAKERS, owner_of};
use cosmwasm_std::{
    Deps, DepsMut, Env, Event, MessageInfo, Reply, Response, StdError, StdResult, SubMsg, SubMsgResult,
    WasmMsg, from_json, to_json_binary,
};
use mesh_accounting::Ratio;
use mesh_accounting::store::only_funds;
use staking_api::mesh::native::{InstantiateMsg, OwnerMsg, ProxyExecuteMsg, ProxyInstantiateMsg};
use staking_api::mesh::vault::{StakeMsg, VaultApiExecuteMsg};
use staking_api::mesh::{self, Coin, Decimal};

/// Reply id of the creation of a proxy.
const PROXY_REPLY: u64 = 1;

pub(crate) fn instantiate(
    deps: DepsMut,
    info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, InstantiateError> {
    for ratio in [msg.slash_ratio_dsign, msg.slash_ratio_offline] {
        if ratio > Decimal::ONE {
            return Err(InstantiateError::SlashRatio(ratio));
        }
    }
    let vault = msg.vault.unwrap_or_else(|| info.sender.to_string());
    let config = Config {
        denom: msg.denom,
        proxy_code: msg.proxy_code_id,
        vault: deps.api.addr_validate(&vault)?.into_string(),
        dsign: Ratio::from(msg.slash_ratio_dsign),
        offline: Ratio::from(msg.slash_ratio_offline),
    };
    CONFIG.save(deps.storage, &config);
    Ok(Response::new().add_event(Event::new("native_staking").add_attribute("vault", vault)))
}

/// Stake of a user: a proxy is made for the first, later ones go to it.
pub(crate) fn receive_stake(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    owner: String,
    msg: &mesh::Binary,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_vault(info)?;
    if only_funds(&info.funds, &config.denom)? == 0 {
        return Err(ExecuteError::NoFunds(config.denom));
    }
    let validator =
        from_json::<StakeMsg>(&msg.0).map_err(|e| ExecuteError::StakeMsg(e.to_string()))?.validator;
    STAKERS.save(deps.storage, &[validator.as_bytes(), owner.as_bytes()], &());
    let event =
        Event::new("local_stake").add_attribute("owner", &owner).add_attribute("validator", &validator);
    let (funds, response) = (info.funds.clone(), Response::new().add_event(event));
    if let Some(proxy) = PROXIES.may_load(deps.storage, &[owner.as_bytes()])? {
        let msg = to_json_binary(&ProxyExecuteMsg::Stake { validator })?;
        return Ok(response.add_message(WasmMsg::Execute { contract_addr: proxy, msg, funds }));
    }
    let note = to_json_binary(&OwnerMsg { owner: owner.clone() })?;
    let create = WasmMsg::Instantiate {
        admin: Some(env.contract.address.to_string()),
        code_id: config.proxy_code,
        label: format!("LSP for {owner}"),
        msg: to_json_binary(&ProxyInstantiateMsg { denom: config.denom, owner, validator })?,
        funds,
    };
    Ok(response.add_submessage(SubMsg::reply_on_success(create, PROXY_REPLY).with_payload(note)))
}

pub(crate) fn reply(deps: DepsMut, reply: Reply) -> StdResult<Response> {
    let (PROXY_REPLY, SubMsgResult::Ok(done)) = (reply.id, reply.result) else {
        return Err(StdError::msg(format!("reply of unknown id {}", reply.id)));
    };
    let owner = from_json::<OwnerMsg>(&reply.payload)?.owner;
    let attributes = done.events.iter().filter(|e| e.ty == "instantiate").flat_map(|e| &e.attributes);
    let proxy = attributes.into_iter().find(|a| a.key == "_contract_address").map(|a| a.value.clone());
    let proxy = proxy.ok_or_else(|| StdError::msg("no address in the reply of instantiate"))?;
    PROXIES.save(deps.storage, &[owner.as_bytes()], &proxy);
    OWNERS.save(deps.storage, &[proxy.as_bytes()], &owner);
    Ok(Response::new()
        .add_event(Event::new("proxy").add_attribute("owner", owner).add_attribute("proxy", proxy)))
}

/// The vault cut the lien: the proxy undelegates and withholds.
pub(crate) fn burn_stake(
    deps: DepsMut,
    info: &MessageInfo,
    owner: &str,
    amount: Coin,
    validator: Option<String>,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_vault(info)?;
    let proxy = PROXIES.may_load(deps.storage, &[owner.as_bytes()])?;
    let proxy = proxy.ok_or_else(|| ExecuteError::NotAProxy(owner.into()))?;
    let event = Event::new("burn_stake")
        .add_attribute("owner", owner)
        .add_attribute("amount", amount.amount.to_string());
    let msg = to_json_binary(&ProxyExecuteMsg::Burn { validator, amount })?;
    Ok(Response::new()
        .add_message(WasmMsg::Execute { contract_addr: proxy, msg, funds: vec![] })
        .add_event(event))
}

/// Unbonded coins of a proxy go on to the vault.
pub(crate) fn release_proxy_stake(deps: Deps, info: &MessageInfo) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let owner = owner_of(deps.storage, info.sender.as_str())?;
    if only_funds(&info.funds, &config.denom)? == 0 {
        return Err(ExecuteError::NoFunds(config.denom));
    }
    let event = Event::new("release_proxy_stake").add_attribute("owner", &owner);
    let msg = to_json_binary(&VaultApiExecuteMsg::ReleaseLocalStake { owner })?;
    let call = WasmMsg::Execute { contract_addr: config.vault, msg, funds: info.funds.clone() };
    Ok(Response::new().add_message(call).add_event(event))
}

/// A proxy's owner moved stake to another validator.
pub(crate) fn note_validator(
    deps: DepsMut,
    info: &MessageInfo,
    validator: &str,
) -> Result<Response, ExecuteError> {
    let owner = owner_of(deps.storage, info.sender.as_str())?;
    STAKERS.save(deps.storage, &[validator.as_bytes(), owner.as_bytes()], &());
    Ok(Response::new().add_event(Event::new("restaked").add_attribute("validator", validator)))
}
