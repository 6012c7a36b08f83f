//! Self-bonds: operators cross-stake with the registry, which thereby has a lien it can slash.

use crate::error::ExecuteError;
use crate::state::{BONDS, CONFIG, DENOMS, operator};
use cosmwasm_std::{DepsMut, Event, MessageInfo, Response, StdResult, WasmMsg, to_json_binary};
use staking_api::mesh::Coin;
use staking_api::mesh::vault::VaultApiExecuteMsg;

fn to_vault(vault: &str, msg: &VaultApiExecuteMsg) -> StdResult<WasmMsg> {
    Ok(WasmMsg::Execute { contract_addr: vault.into(), msg: to_json_binary(msg)?, funds: vec![] })
}

fn event(kind: &str, operator: &str, vault: &str, bond: u128) -> Event {
    Event::new(kind)
        .add_attribute("operator", operator)
        .add_attribute("vault", vault)
        .add_attribute("bond", bond.to_string())
}

/// A vault made a lien for an operator; nothing is in flight here, so it is final at once.
pub(crate) fn receive(
    deps: DepsMut,
    info: &MessageInfo,
    owner: &str,
    amount: &Coin,
    tx_id: u64,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_vault(info)?;
    operator(deps.storage, owner)?;
    let vault = info.sender.as_str();
    let key: [&[u8]; 2] = [owner.as_bytes(), vault.as_bytes()];
    let bond = BONDS.get(deps.storage, &key)?.saturating_add(amount.amount.0);
    BONDS.save(deps.storage, &key, &bond);
    DENOMS.save(deps.storage, &[vault.as_bytes()], &amount.denom);
    let commit = to_vault(vault, &VaultApiExecuteMsg::CommitTx { tx_id })?;
    Ok(Response::new().add_message(commit).add_event(event("self_bond", owner, vault, bond)))
}

/// Collateral is gone; never refused.
pub(crate) fn burn(
    deps: DepsMut,
    info: &MessageInfo,
    owner: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_vault(info)?;
    let vault = info.sender.as_str();
    let key: [&[u8]; 2] = [owner.as_bytes(), vault.as_bytes()];
    let bond = BONDS.get(deps.storage, &key)?.saturating_sub(amount.amount.0);
    BONDS.save(deps.storage, &key, &bond);
    Ok(Response::new().add_event(event("self_bond_burned", owner, vault, bond)))
}

pub(crate) fn release(
    deps: DepsMut,
    info: &MessageInfo,
    vault: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    let name = info.sender.as_str();
    if operator(deps.storage, name)?.jailed {
        return Err(ExecuteError::Jailed(name.into()));
    }
    let key: [&[u8]; 2] = [name.as_bytes(), vault.as_bytes()];
    let (bond, asked) = (BONDS.get(deps.storage, &key)?, amount.amount.0);
    let left = bond.checked_sub(asked).ok_or(ExecuteError::NotEnoughBond { bond, asked })?;
    BONDS.save(deps.storage, &key, &left);
    let msg = VaultApiExecuteMsg::ReleaseCrossStake { owner: name.into(), amount: amount.clone() };
    Ok(Response::new().add_message(to_vault(vault, &msg)?).add_event(event(
        "self_bond_released",
        name,
        vault,
        left,
    )))
}

/// Takes the penalty's share of every self-bond of an operator; one message per vault.
pub(crate) fn slash(deps: DepsMut, name: &str, at: &str) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let mut response = Response::new();
    for vault in &config.vaults {
        let key: [&[u8]; 2] = [name.as_bytes(), vault.as_bytes()];
        let bond = BONDS.get(deps.storage, &key)?;
        let cut = config.slash.ceil(bond).min(bond);
        if cut == 0 {
            continue;
        }
        BONDS.save(deps.storage, &key, &(bond - cut));
        let slashes = vec![staking_api::mesh::vault::UserSlash {
            user: name.into(),
            slash: staking_api::mesh::Uint128(cut),
        }];
        let msg = VaultApiExecuteMsg::CrossSlash { slashes, validator: at.into() };
        response = response.add_message(to_vault(vault, &msg)?).add_event(event(
            "self_bond_slashed",
            name,
            vault,
            bond - cut,
        ));
    }
    Ok(response)
}
