//! Packets to the provider side, and calls to virtual-staking.

use crate::state::{CONFIG, VIRTUAL};
use cosmwasm_std::{CosmosMsg, Env, StdResult, Storage, SubMsg, WasmMsg, to_json_binary, to_json_vec};
use mesh_accounting::store::channel;
use serde::{Deserialize, Serialize};
use staking_api::mesh::packet::ConsumerPacket;
use staking_api::mesh::virtual_staking::ExecuteMsg as VirtualMsg;
use staking_api::mesh::{Coin, Uint128};

/// Lifetime of packets other than of the validator set, seconds.
pub(crate) const HOUR: u64 = 3_600;
/// Reply id of calls to virtual-staking.
pub(crate) const VIRTUAL_REPLY: u64 = 2;

/// A change virtual-staking was asked for, as a failure gets it back.
#[derive(Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) validator: String,
    pub(crate) add: Uint128,
    pub(crate) sub: Uint128,
}

/// A packet to the provider side; kept for the time when a channel is open where none is.
pub(crate) fn packet(
    s: &mut dyn Storage,
    env: &Env,
    packet: &ConsumerPacket,
    timeout_s: u64,
) -> StdResult<Option<CosmosMsg>> {
    channel::certain(s, env, to_json_vec(packet)?, timeout_s)
}

/// Brings virtual-staking from `old` to `new` with a validator; `None` when there is no difference. A failure is
/// reported back and tried again at the next re-pricing.
pub(crate) fn ask(
    s: &dyn Storage,
    env_addr: &str,
    validator: &str,
    old: u128,
    new: u128,
    burn: bool,
) -> StdResult<Option<SubMsg>> {
    let (add, sub) = (new.saturating_sub(old), old.saturating_sub(new));
    if add == sub {
        return Ok(None);
    }
    let amount = Coin::new(add.max(sub), CONFIG.load(s)?.local_denom);
    let (delegator, name) = (env_addr.to_string(), validator.to_string());
    let msg = match (add > 0, burn) {
        (true, _) => VirtualMsg::Bond { delegator, validator: name, amount },
        (false, true) => VirtualMsg::Burn { validators: vec![name], amount },
        (false, false) => VirtualMsg::Unbond { delegator, validator: name, amount },
    };
    let call =
        WasmMsg::Execute { contract_addr: VIRTUAL.load(s)?, msg: to_json_binary(&msg)?, funds: vec![] };
    let asked = Asked { validator: validator.into(), add: Uint128(add), sub: Uint128(sub) };
    Ok(Some(SubMsg::reply_on_error(call, VIRTUAL_REPLY).with_payload(to_json_binary(&asked)?)))
}
