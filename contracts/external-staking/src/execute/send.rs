//! Packets to the consumer, and calls to the vault.

use crate::error::ExecuteError;
use crate::state::{CONFIG, Open};
use cosmwasm_std::{
    Binary, CosmosMsg, Env, StdResult, Storage, SubMsg, WasmMsg, to_json_binary, to_json_vec,
};
use mesh_accounting::store::{Channel, channel};
use serde::{Deserialize, Serialize};
use staking_api::mesh::packet::ProviderPacket;
use staking_api::mesh::vault::{UserSlash, VaultApiExecuteMsg};
use staking_api::mesh::{Coin, Uint128};

/// Lifetime of packets, seconds.
pub(crate) const TIMEOUT: u64 = 600;
/// Reply id of calls to the vault.
pub(crate) const VAULT_REPLY: u64 = 1;

/// A call to the vault, as a failure gets it back.
#[derive(Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) to: String,
    pub(crate) msg: Binary,
}

/// A packet over the open channel.
pub(crate) fn packet(s: &dyn Storage, env: &Env, packet: &ProviderPacket) -> Result<CosmosMsg, ExecuteError> {
    let channel = Channel::open(s)?.ok_or(ExecuteError::NoChannel)?;
    Ok(channel.send(env, to_json_vec(packet)?, TIMEOUT))
}

/// Has `amount` burned on the consumer, with one validator so that its split is ours.
pub(crate) fn burn(
    s: &mut dyn Storage,
    env: &Env,
    validator: &str,
    amount: u128,
) -> StdResult<Option<CosmosMsg>> {
    if amount == 0 {
        return Ok(None);
    }
    let burn = Coin::new(amount, CONFIG.load(s)?.denom);
    let packet = ProviderPacket::Burn { validators: vec![validator.into()], burn };
    channel::certain(s, env, to_json_vec(&packet)?, TIMEOUT)
}

/// A call to the vault; when it fails it is kept and repeated.
pub(crate) fn vault(s: &dyn Storage, msg: &VaultApiExecuteMsg) -> StdResult<SubMsg> {
    call(Call { to: CONFIG.load(s)?.vault, msg: to_json_binary(msg)? })
}

pub(crate) fn call(call: Call) -> StdResult<SubMsg> {
    let note = to_json_binary(&call)?;
    let exec = WasmMsg::Execute { contract_addr: call.to, msg: call.msg, funds: vec![] };
    Ok(SubMsg::reply_on_error(exec, VAULT_REPLY).with_payload(note))
}

/// Tells the vault of what slashes took since `open` was opened; nothing to tell when nothing was lost.
pub(crate) fn slashed(s: &dyn Storage, open: &Open) -> StdResult<Option<SubMsg>> {
    if open.lost == 0 {
        return Ok(None);
    }
    let slashes = vec![UserSlash { user: open.user.clone(), slash: Uint128(open.lost) }];
    vault(s, &VaultApiExecuteMsg::CrossSlash { slashes, validator: open.validator.clone() }).map(Some)
}

/// Gives up to `amount` of a user's lien back.
pub(crate) fn release(s: &dyn Storage, user: &str, amount: u128) -> StdResult<Option<SubMsg>> {
    if amount == 0 {
        return Ok(None);
    }
    let amount = Coin::new(amount, CONFIG.load(s)?.denom);
    vault(s, &VaultApiExecuteMsg::ReleaseCrossStake { owner: user.into(), amount }).map(Some)
}
