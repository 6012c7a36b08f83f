//! Answers of external-staking.

use crate::crdt::State;
use crate::state::{CONFIG, Kind, Open, POOLS, POSITIONS, SETTLED, TXS, Tx as PendingTx, VALIDATORS};
use cosmwasm_std::{Binary, Deps, Env, Int512, StdResult, Uint256, to_json_binary};
use mesh_accounting::store::outbox::Outbox;
use mesh_accounting::store::{Channel, Packed, table};
use staking_api::mesh::external::{
    AllPendingRewards, AuthorizedEndpoint, ConfigResponse, ListActiveValidatorsResponse,
    ListValidatorsResponse, OutboxResponse, PendingRewards, PendingUnbond, QueryMsg, StakeInfo,
    StakesResponse, UserStake, ValidatorInfo, ValidatorPendingRewards, ValidatorState,
};
use staking_api::mesh::vault::{AllTxsResponse, MaxSlashResponse, Tx};
use staking_api::mesh::{Coin, Timestamp, Uint128};

type After = Option<String>;

pub(crate) fn query(deps: Deps, _env: &Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Config {} => to_json_binary(&config(deps)?),
        QueryMsg::AuthorizedEndpoint {} => to_json_binary(&endpoint(deps)?),
        QueryMsg::IbcChannel {} => to_json_binary(&Channel::shown(deps.storage)?),
        QueryMsg::ListActiveValidators { start_after, limit } => {
            let all = validators(deps, start_after, limit.or(Some(100)), true)?;
            let validators = all.into_iter().map(|v| v.validator).collect();
            to_json_binary(&ListActiveValidatorsResponse { validators })
        }
        QueryMsg::ListValidators { start_after, limit } => {
            let validators = validators(deps, start_after, limit.or(Some(100)), false)?;
            to_json_binary(&ListValidatorsResponse { validators })
        }
        QueryMsg::Stake { user, validator } => to_json_binary(&stake(deps, &user, &validator)?),
        QueryMsg::Stakes { user, start_after, limit } => {
            to_json_binary(&stakes(deps, user, start_after, limit)?)
        }
        QueryMsg::PendingTx { tx_id } => to_json_binary(&pending_tx(deps, tx_id)?),
        QueryMsg::AllPendingTxsDesc { start_after, limit } => {
            to_json_binary(&pending_txs(deps, start_after, limit)?)
        }
        QueryMsg::PendingRewards { user, validator } => to_json_binary(&rewards(deps, &user, &validator)?),
        QueryMsg::AllPendingRewards { user, start_after, limit } => {
            to_json_binary(&all_rewards(deps, &user, start_after, limit)?)
        }
        QueryMsg::MaxSlash {} => to_json_binary(&max_slash(deps)?),
        QueryMsg::Validator { validator } => to_json_binary(&validator_info(deps, validator)?),
        QueryMsg::Outbox {} => to_json_binary(&outbox(deps)?),
    }
}

fn config(deps: Deps) -> StdResult<ConfigResponse> {
    let c = CONFIG.load(deps.storage)?;
    Ok(ConfigResponse { denom: c.denom, vault: c.vault, unbonding_period: c.unbonding_period })
}

fn endpoint(deps: Deps) -> StdResult<AuthorizedEndpoint> {
    let c = CONFIG.load(deps.storage)?;
    Ok(AuthorizedEndpoint { connection_id: c.connection, port_id: c.remote_port })
}

fn validators(deps: Deps, after: After, limit: Option<u32>, active: bool) -> StdResult<Vec<ValidatorState>> {
    let rows = VALIDATORS.list(deps.storage, &[], after.as_deref().map(str::as_bytes), table::page(limit))?;
    let wanted = rows.into_iter().filter(|(_, v)| !active || v.state() == Some(State::Active));
    wanted.map(|(k, v)| Ok(ValidatorState { validator: table::text(k)?, state: v.shown() })).collect()
}

/// A position with every recorded slash applied, as it will be when it is next touched.
fn settled(deps: Deps, user: &str, validator: &str) -> StdResult<Open> {
    let mut open = Open::load(deps.storage, user, validator)?;
    open.settle(deps.storage)?;
    open.position.accrue(&open.pool);
    Ok(open)
}

fn stake(deps: Deps, user: &str, validator: &str) -> StdResult<StakeInfo> {
    let open = settled(deps, user, validator)?;
    let unbond = |u: &mesh_accounting::pool::Unbond| PendingUnbond {
        amount: Uint128(u.amount),
        release_at: Timestamp(u.release_at.saturating_mul(1_000_000_000)),
    };
    Ok(StakeInfo {
        stake: open.position.stake.into(),
        pending_unbonds: open.position.unbonds.iter().map(unbond).collect(),
        points_alignment: alignment(&open),
        withdrawn_funds: Uint128(open.position.earned.withdrawn),
    })
}

/// Credited points less those of the present stake since the beginning, with the stock offset for its sign.
fn alignment(open: &Open) -> String {
    let offset = Int512::from(Uint256::MAX >> 1);
    let points = Int512::from(open.position.earned.points);
    let of_stake =
        Int512::from(open.pool.points.per_stake).saturating_mul(Int512::from(open.position.stake.low));
    points.saturating_sub(of_stake).saturating_add(offset).to_string()
}

fn stakes(deps: Deps, user: String, after: After, limit: Option<u32>) -> StdResult<StakesResponse> {
    let rows = POSITIONS.list(
        deps.storage,
        &[user.as_bytes()],
        after.as_deref().map(str::as_bytes),
        table::page(limit),
    )?;
    let one = |(k, _): (Vec<u8>, _)| {
        let validator = table::text(k)?;
        let stake = settled(deps, &user, &validator)?.position.stake.into();
        Ok(UserStake { owner: user.clone(), validator, stake })
    };
    Ok(StakesResponse { stakes: rows.into_iter().map(one).collect::<StdResult<_>>()? })
}

fn shown(id: u64, tx: PendingTx) -> Tx {
    let (amount, user, validator) = (Uint128(tx.amount), tx.user, tx.validator);
    match tx.kind {
        Kind::Stake => Tx::InFlightRemoteStaking { id, amount, user, validator },
        Kind::Unstake => Tx::InFlightRemoteUnstaking { id, amount, user, validator },
        Kind::Rewards => Tx::InFlightTransferFunds { id, amount, staker: user, validator },
    }
}

fn pending_tx(deps: Deps, id: u64) -> StdResult<Tx> {
    TXS.load(deps.storage, &[&id.to_be_bytes()]).map(|tx| shown(id, tx))
}

fn pending_txs(deps: Deps, before: Option<u64>, limit: Option<u32>) -> StdResult<AllTxsResponse> {
    let before = before.map(u64::to_be_bytes);
    let rows = TXS.list_desc(deps.storage, &[], before.as_ref().map(|b| b.as_slice()), table::page(limit))?;
    let one = |(k, tx): (Vec<u8>, PendingTx)| Some(shown(u64::read(&mut k.as_slice())?, tx));
    Ok(AllTxsResponse { txs: rows.into_iter().filter_map(one).collect() })
}

fn rewards(deps: Deps, user: &str, validator: &str) -> StdResult<PendingRewards> {
    let due = settled(deps, user, validator)?.position.earned.due();
    Ok(PendingRewards { rewards: Coin::new(due, CONFIG.load(deps.storage)?.rewards_denom) })
}

fn all_rewards(deps: Deps, user: &str, after: After, limit: Option<u32>) -> StdResult<AllPendingRewards> {
    let rows = POSITIONS.list(
        deps.storage,
        &[user.as_bytes()],
        after.as_deref().map(str::as_bytes),
        table::page(limit),
    )?;
    let one = |(k, _): (Vec<u8>, _)| {
        let validator = table::text(k)?;
        let rewards = rewards(deps, user, &validator)?;
        Ok(ValidatorPendingRewards { validator, rewards })
    };
    Ok(AllPendingRewards { rewards: rows.into_iter().map(one).collect::<StdResult<_>>()? })
}

fn max_slash(deps: Deps) -> StdResult<MaxSlashResponse> {
    let c = CONFIG.load(deps.storage)?;
    Ok(MaxSlashResponse { slash_ratio_dsign: c.dsign.into(), slash_ratio_offline: c.offline.into() })
}

fn validator_info(deps: Deps, validator: String) -> StdResult<ValidatorInfo> {
    let key = validator.as_bytes();
    let (v, pool) = (VALIDATORS.get(deps.storage, &[key])?, POOLS.get(deps.storage, &[key])?);
    let settled = SETTLED.get(deps.storage, &[key])?.all >= pool.slashes;
    Ok(ValidatorInfo {
        state: v.shown(),
        pub_key: v.pub_key,
        total_stake: pool.total.into(),
        slashes: pool.slashes.into(),
        settled,
        validator,
    })
}

fn outbox(deps: Deps) -> StdResult<OutboxResponse> {
    let (packets, calls) = (Outbox::PACKETS.next_at(deps.storage)?, Outbox::CALLS.next_at(deps.storage)?);
    let next = [packets, calls].into_iter().flatten().min();
    Ok(OutboxResponse {
        packets: Outbox::PACKETS.len(deps.storage)?,
        vault_calls: Outbox::CALLS.len(deps.storage)?,
        next_at: next.map(|t| Timestamp(t.saturating_mul(1_000_000_000))),
    })
}
