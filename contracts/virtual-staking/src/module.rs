//! Power from x/meshsecurity: virtual tokens that the chain module mints, delegates and burns (§9, §11.1).
//!
//! Books per delegator are kept by the module (`update_delegation`); here the sums per validator are brought in
//! line with the cap once per epoch. Slashes and set changes come from the module by `sudo`.

use crate::epoch::{pass_rewards_on, reprice};
use crate::error::ExecuteError;
use crate::state::{CONFIG, Config, EPOCH, Val, save_val, val, vals};
use crate::{Custom, Response};
use cosmwasm_std::{
    CosmosMsg, CustomMsg as IsCustomMsg, CustomQuery as IsCustomQuery, DepsMut, DistributionMsg, Env, Event,
    QuerierWrapper, QueryRequest, StdError, StdResult, SubMsg, WasmMsg, from_json, to_json_binary,
    to_json_vec,
};
use mesh_accounting::burn::split;
use mesh_accounting::store::amount_of;
use serde::{Deserialize, Serialize};
use staking_api::mesh::converter::ExecuteMsg as ConverterMsg;
use staking_api::mesh::virtual_staking::{
    AllDelegationsResponse, BondStatusResponse, CustomMsg, CustomQuery, TotalDelegationResponse,
    VirtualStakeMsg, VirtualStakeQuery,
};
use staking_api::mesh::{Coin, Uint128};

/// The chain module's message, as cosmwasm wants its own type for it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(transparent)]
pub struct ModuleMsg(pub CustomMsg);

impl IsCustomMsg for ModuleMsg {}

/// The chain module's query.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(transparent)]
pub(crate) struct ModuleQuery(pub(crate) CustomQuery);

impl IsCustomQuery for ModuleQuery {}

pub(crate) fn custom(msg: VirtualStakeMsg) -> CosmosMsg<Custom> {
    CosmosMsg::Custom(ModuleMsg(CustomMsg::VirtualStake(msg)))
}

fn ask<R: serde::de::DeserializeOwned>(querier: &QuerierWrapper, q: VirtualStakeQuery) -> StdResult<R> {
    let request = QueryRequest::Custom(ModuleQuery(CustomQuery::VirtualStake(q)));
    let answer = querier.raw_query(&to_json_vec(&request)?).into_result();
    let answer = answer.map_err(|e| StdError::msg(e.to_string()))?.into_result().map_err(StdError::msg)?;
    from_json(&answer)
}

/// The first half of an epoch: rewards out, stake re-priced; or, with a cap of zero, everything given back.
pub(crate) fn begin(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let contract = env.contract.address.to_string();
    let status: BondStatusResponse = ask(&deps.querier, VirtualStakeQuery::BondStatus { contract })?;
    if status.cap.amount.0 == 0 {
        return give_back(deps, env, &config);
    }
    let mut epoch = EPOCH.get(deps.storage)?;
    epoch.last = env.block.time.seconds();
    epoch.count = epoch.count.saturating_add(1);
    let held = deps.querier.query_balance(env.contract.address.as_str(), config.denom.as_str())?;
    epoch.balance = amount_of(held.amount)?;
    EPOCH.save(deps.storage, &epoch);
    let mut response = Response::new();
    for (name, v) in vals(deps.storage)? {
        if v.bonded > 0 && !v.tombstoned {
            let withdraw = DistributionMsg::WithdrawDelegatorReward { validator: name.clone() };
            response = response.add_submessage(crate::epoch::withdrawal(withdraw, &name)?);
        }
    }
    Ok(response.add_submessage(reprice(&config)?))
}

/// One internal unstake per delegation, some at a time. A validator is marked as leaving, so that it is not asked for
/// again before the provider side has answered (14-B3).
fn give_back(deps: DepsMut, env: &Env, config: &Config) -> Result<Response, ExecuteError> {
    let ask_all = VirtualStakeQuery::AllDelegations {
        contract: env.contract.address.to_string(),
        max_retrieve: config.max_retrieve,
    };
    let all: AllDelegationsResponse = ask(&deps.querier, ask_all)?;
    if all.delegations.is_empty() {
        return Ok(Response::new().add_message(custom(VirtualStakeMsg::DeleteAllScheduledTasks {})));
    }
    let mut response = Response::new();
    for d in all.delegations {
        let v = val(deps.storage, &d.validator)?;
        if v.requested == 0 {
            continue;
        }
        let amount = Coin::new(d.amount.0.min(v.requested), config.denom.clone());
        let left = v.requested - amount.amount.0;
        save_val(deps.storage, &d.validator, &Val { requested: left, ..v });
        let msg = ConverterMsg::InternalUnstake { delegator: d.delegator, validator: d.validator, amount };
        let call = WasmMsg::Execute {
            contract_addr: config.converter.clone(),
            msg: to_json_binary(&msg)?,
            funds: vec![],
        };
        response = response.add_message(call);
    }
    Ok(response.add_event(Event::new("virtual_giving_back")))
}

/// The second half: the sums are brought within the cap.
pub(crate) fn finish(deps: DepsMut, env: &Env) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let contract = env.contract.address.to_string();
    let status: BondStatusResponse = ask(&deps.querier, VirtualStakeQuery::BondStatus { contract })?;
    let mut response = pass_rewards_on(deps.storage, &config)?;
    let rows = vals(deps.storage)?;
    let wanted: Vec<u128> = rows.iter().map(|(_, v)| if v.tombstoned { 0 } else { v.requested }).collect();
    let targets = split(&wanted, status.cap.amount.0);
    // Room first: what is taken back frees the cap for what is added.
    for adding in [false, true] {
        for ((name, v), target) in rows.iter().zip(&targets) {
            response = bring(&deps.querier, env, &config, response, (name, v), *target, adding)?;
        }
    }
    for ((name, v), target) in rows.iter().zip(&targets) {
        if v.bonded != *target {
            save_val(deps.storage, name, &Val { bonded: *target, ..v.clone() });
        }
    }
    Ok(response.add_event(Event::new("virtual_epoch")))
}

fn bring(
    querier: &QuerierWrapper,
    env: &Env,
    config: &Config,
    response: Response,
    (name, v): (&String, &Val),
    target: u128,
    adding: bool,
) -> Result<Response, ExecuteError> {
    let coin = |x: u128| Coin { denom: config.denom.clone(), amount: Uint128(x) };
    let validator = name.clone();
    if adding && target > v.bonded {
        let msg = VirtualStakeMsg::Bond { amount: coin(target - v.bonded), validator };
        return Ok(response.add_submessage(SubMsg::new(custom(msg))));
    }
    if adding || target >= v.bonded {
        return Ok(response);
    }
    // A tombstoned validator has lost some: take what is there.
    let less = v.bonded - target;
    let most = match v.tombstoned {
        false => less,
        true => {
            let contract = env.contract.address.to_string();
            let q = VirtualStakeQuery::TotalDelegation { contract, validator: validator.clone() };
            // The module fails where there is no delegation (probe G2); nothing is to be taken then.
            ask::<TotalDelegationResponse>(querier, q).map_or(0, |t| t.delegation.amount.0.min(less))
        }
    };
    if most == 0 {
        return Ok(response);
    }
    let msg = VirtualStakeMsg::Unbond { amount: coin(most), validator };
    Ok(response.add_submessage(SubMsg::new(custom(msg))))
}
