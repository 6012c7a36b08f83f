//! Staking, unstaking, and getting the lien back.

use super::send::{packet, release, slashed, vault};
use crate::error::ExecuteError;
use crate::state::{
    ACCOUNTS, Account, CONFIG, Kind, MAX_POSITIONS, MAX_UNBONDS, Open, POSITIONS, TXS, Tx, VALIDATORS,
    next_tx,
};
use cosmwasm_std::{DepsMut, Env, Event, MessageInfo, Response, StdResult, Storage, SubMsg, from_json};
use mesh_accounting::store::{Channel, table};
use staking_api::mesh::packet::ProviderPacket;
use staking_api::mesh::vault::{StakeMsg, VaultApiExecuteMsg};
use staking_api::mesh::{self, Coin};

fn key(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

fn event(kind: &str, user: &str, validator: &str, amount: u128) -> Event {
    Event::new(kind)
        .add_attribute("user", user)
        .add_attribute("validator", validator)
        .add_attribute("amount", amount.to_string())
}

/// The vault has made a lien: the stake goes to the consumer.
pub(crate) fn receive(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    owner: &str,
    amount: &Coin,
    tx_id: u64,
    msg: &mesh::Binary,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_vault(info)?;
    let x = config.amount(amount)?;
    if x == 0 {
        return Err(ExecuteError::Zero);
    }
    let validator =
        from_json::<StakeMsg>(&msg.0).map_err(|e| ExecuteError::StakeMsg(e.to_string()))?.validator;
    if !VALIDATORS.get(deps.storage, &[validator.as_bytes()])?.is_active() {
        return Err(ExecuteError::ValidatorNotActive(validator));
    }
    if TXS.has(deps.storage, &[&key(tx_id)]) {
        return Err(ExecuteError::TxExists(tx_id));
    }
    room_for(deps.storage, owner, &validator)?;
    let mut open = Open::load(deps.storage, owner, &validator)?;
    open.settle_fully(deps.storage)?;
    open.position.accrue(&open.pool);
    open.position.stake(&mut open.pool, x);
    let slash = slashed(deps.storage, &open)?;
    open.close(deps.storage, |account| {
        account.lien.high = account.lien.high.saturating_add(x);
        account.pending = account.pending.saturating_add(1);
    })?;
    let tx = Tx { kind: Kind::Stake, user: owner.into(), validator: validator.clone(), amount: x, sent: 1 };
    TXS.save(deps.storage, &[&key(tx_id)], &tx);
    let seen = event("cross_stake", owner, &validator, x).add_attribute("tx_id", tx_id.to_string());
    let send = ProviderPacket::Stake { delegator: owner.into(), validator, stake: amount.clone(), tx_id };
    Ok(Response::new().add_submessages(slash).add_message(packet(deps.storage, env, &send)?).add_event(seen))
}

fn room_for(s: &dyn Storage, user: &str, validator: &str) -> Result<(), ExecuteError> {
    let known = POSITIONS.has(s, &[user.as_bytes(), validator.as_bytes()]);
    if !known && POSITIONS.list(s, &[user.as_bytes()], None, MAX_POSITIONS)?.len() >= MAX_POSITIONS {
        return Err(ExecuteError::TooMany { what: "validators", max: MAX_POSITIONS });
    }
    Ok(())
}

/// The user leaves a validator.
pub(crate) fn unstake(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    validator: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    let (user, x) = (info.sender.as_str(), config.amount(amount)?);
    if x == 0 {
        return Err(ExecuteError::Zero);
    }
    let mut open = Open::load(deps.storage, user, validator)?;
    open.settle_fully(deps.storage)?;
    if open.position.unbonds.len() >= MAX_UNBONDS {
        return Err(ExecuteError::TooMany { what: "unbondings", max: MAX_UNBONDS });
    }
    let staked = open.position.stake.low;
    let short = |_| ExecuteError::NotEnoughStake { validator: validator.into(), staked, asked: x };
    open.position.unstake(&mut open.pool, x).map_err(short)?;
    let slash = slashed(deps.storage, &open)?;
    let response =
        Response::new().add_submessages(slash).add_event(event("cross_unstake", user, validator, x));
    // On a closed channel nobody needs to be told.
    if Channel::is_closed(deps.storage)? {
        open.position.unstaked(&mut open.pool, x, env.block.time.seconds(), config.unbonding_period);
        open.close(deps.storage, |_| ())?;
        return Ok(response);
    }
    open.close(deps.storage, |_| ())?;
    let tx_id = next_tx(deps.storage)?;
    let tx = Tx { kind: Kind::Unstake, user: user.into(), validator: validator.into(), amount: x, sent: 1 };
    TXS.save(deps.storage, &[&key(tx_id)], &tx);
    let (delegator, validator) = (user.to_string(), validator.to_string());
    let send = ProviderPacket::Unstake { delegator, validator, unstake: amount.clone(), tx_id };
    Ok(response.add_message(packet(deps.storage, env, &send)?))
}

/// The user frees everything that has matured, over all validators.
pub(crate) fn withdraw_unbonded(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
) -> Result<Response, ExecuteError> {
    let user = info.sender.as_str();
    let (mut sum, mut calls) = (0u128, Vec::new());
    for (validator, _) in POSITIONS.list(deps.storage, &[user.as_bytes()], None, MAX_POSITIONS)? {
        let validator = table::text(validator)?;
        let mut open = Open::load(deps.storage, user, &validator)?;
        open.settle_fully(deps.storage)?;
        calls.extend(slashed(deps.storage, &open)?);
        let freed = open.position.withdraw(env.block.time.seconds());
        sum = sum.saturating_add(freed);
        open.close(deps.storage, |account| {
            account.lien.cut_both(freed);
        })?;
    }
    calls.extend(release(deps.storage, user, sum)?);
    let seen =
        Event::new("withdraw_unbonded").add_attribute("user", user).add_attribute("amount", sum.to_string());
    Ok(Response::new().add_submessages(calls).add_event(seen))
}

/// The consumer's answer to a stake or an unstake.
pub(crate) struct Outcome {
    pub(crate) calls: Vec<SubMsg>,
    pub(crate) event: Event,
    /// Stake that is on the consumer but was cut here meanwhile.
    pub(crate) excess: u128,
}

/// Books the answer to a stake; never refused.
pub(crate) fn staked(s: &mut dyn Storage, id: u64, tx: &Tx, ok: bool) -> StdResult<Outcome> {
    let mut open = Open::load(s, &tx.user, &tx.validator)?;
    open.settle(s)?;
    let mut calls: Vec<SubMsg> = slashed(s, &open)?.into_iter().collect();
    let excess = if ok {
        open.position.staked(&mut open.pool, tx.amount)
    } else {
        open.position.not_staked(&mut open.pool, tx.amount);
        0
    };
    let account = open.close(s, |account| {
        account.pending = account.pending.saturating_sub(1);
        if ok {
            account.lien.commit_add(tx.amount)
        } else {
            account.lien.rollback_add(tx.amount)
        };
    })?;
    let answer = if ok {
        VaultApiExecuteMsg::CommitTx { tx_id: id }
    } else {
        VaultApiExecuteMsg::RollbackTx { tx_id: id }
    };
    calls.push(vault(s, &answer)?);
    calls.extend(surplus(s, &tx.user, account)?);
    let event = event("cross_stake_done", &tx.user, &tx.validator, tx.amount);
    Ok(Outcome { calls, event: event.add_attribute("ok", ok.to_string()), excess })
}

/// Where no stake is on its way any more, what the vault's lien exceeds our stake by (a slash fell on stake that
/// then did not come about) is given back.
fn surplus(s: &mut dyn Storage, user: &str, mut account: Account) -> StdResult<Option<SubMsg>> {
    let extra = account.lien.high.saturating_sub(account.held);
    if account.pending > 0 || extra == 0 {
        return Ok(None);
    }
    account.lien.cut_both(extra);
    ACCOUNTS.save(s, &[user.as_bytes()], &account);
    release(s, user, extra)
}

/// Books the answer to an unstake; never refused.
pub(crate) fn unstaked(s: &mut dyn Storage, tx: &Tx, ok: bool, now: u64) -> StdResult<Outcome> {
    let period = CONFIG.load(s)?.unbonding_period;
    let mut open = Open::load(s, &tx.user, &tx.validator)?;
    open.settle(s)?;
    let calls = slashed(s, &open)?.into_iter().collect();
    let excess = if ok {
        open.position.unstaked(&mut open.pool, tx.amount, now, period);
        0
    } else {
        open.position.not_unstaked(&mut open.pool, tx.amount)
    };
    open.close(s, |_| ())?;
    let event = event("cross_unstake_done", &tx.user, &tx.validator, tx.amount);
    Ok(Outcome { calls, event: event.add_attribute("ok", ok.to_string()), excess })
}

/// The consumer gave stake back by itself.
pub(crate) fn given_back(
    deps: DepsMut,
    env: &Env,
    user: &str,
    validator: &str,
    amount: &Coin,
) -> Result<(Vec<SubMsg>, Event), ExecuteError> {
    let x = CONFIG.load(deps.storage)?.amount(amount)?;
    let mut open = Open::load(deps.storage, user, validator)?;
    open.settle(deps.storage)?;
    let taken = open.position.given_back(&mut open.pool, x, env.block.time.seconds());
    let calls = slashed(deps.storage, &open)?.into_iter().collect();
    open.close(deps.storage, |_| ())?;
    Ok((calls, event("internal_unstake", user, validator, taken)))
}
