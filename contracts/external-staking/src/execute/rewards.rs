//! Rewards: credited by points, paid out on the consumer (§6.4, §13).

use super::send::{packet, slashed};
use crate::error::ExecuteError;
use crate::state::{CONFIG, Kind, Open, POOLS, TXS, Tx, next_tx};
use cosmwasm_std::{DepsMut, Env, Event, MessageInfo, Response, StdResult, Storage};
use staking_api::mesh::Coin;
use staking_api::mesh::packet::{ProviderPacket, RewardInfo};

/// The user has what is due paid out to an address on the consumer. It is reserved from here on (T5).
pub(crate) fn withdraw(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    validator: &str,
    recipient: String,
) -> Result<Response, ExecuteError> {
    let user = info.sender.as_str();
    let mut open = Open::load(deps.storage, user, validator)?;
    open.settle_fully(deps.storage)?;
    open.position.accrue(&open.pool);
    let due = open.position.earned.take();
    if due == 0 {
        return Err(ExecuteError::NoRewards);
    }
    let slash = slashed(deps.storage, &open)?;
    open.close(deps.storage, |_| ())?;
    let tx_id = next_tx(deps.storage)?;
    let tx = Tx { kind: Kind::Rewards, user: user.into(), validator: validator.into(), amount: due, sent: 1 };
    TXS.save(deps.storage, &[&tx_id.to_be_bytes()], &tx);
    let rewards = Coin::new(due, CONFIG.load(deps.storage)?.rewards_denom);
    let event = Event::new("withdraw_rewards")
        .add_attribute("user", user)
        .add_attribute("validator", validator)
        .add_attribute("amount", due.to_string());
    let send = ProviderPacket::TransferRewards { rewards, recipient, tx_id };
    Ok(Response::new().add_submessages(slash).add_message(packet(deps.storage, env, &send)?).add_event(event))
}

/// The consumer's answer to a payment; never refused.
pub(crate) fn paid(s: &mut dyn Storage, tx: &Tx, ok: bool) -> StdResult<Event> {
    if !ok {
        let mut open = Open::load(s, &tx.user, &tx.validator)?;
        open.position.earned.give_back(tx.amount);
        open.close(s, |_| ())?;
    }
    let event = Event::new("withdraw_rewards_done").add_attribute("user", &tx.user);
    Ok(event.add_attribute("ok", ok.to_string()))
}

/// Rewards arrived on the consumer.
pub(crate) fn distribute(
    s: &mut dyn Storage,
    denom: &str,
    rewards: &[RewardInfo],
) -> Result<Event, ExecuteError> {
    let expected = CONFIG.load(s)?.rewards_denom;
    if denom != expected {
        return Err(ExecuteError::Denom { expected, got: denom.into() });
    }
    for r in rewards {
        let mut pool = POOLS.get(s, &[r.validator.as_bytes()])?;
        let total = pool.total.low;
        pool.points.distribute(r.reward.0, total);
        POOLS.save(s, &[r.validator.as_bytes()], &pool);
    }
    Ok(Event::new("rewards_distributed").add_attribute("validators", rewards.len().to_string()))
}
