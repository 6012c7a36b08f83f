//! Burning stake whose collateral is gone. Never refused: the vault has cut the lien already (T4, T10).

use super::send::{burn as burn_packet, slashed};
use crate::error::ExecuteError;
use crate::state::{ACCOUNTS, CONFIG, MAX_POSITIONS, Open, POSITIONS};
use cosmwasm_std::{CosmosMsg, DepsMut, Env, Event, MessageInfo, Response, StdResult, Storage, SubMsg};
use mesh_accounting::burn::split;
use mesh_accounting::store::table;
use staking_api::mesh::Coin;

/// What burns lead to.
#[derive(Default)]
struct Work {
    calls: Vec<SubMsg>,
    packets: Vec<CosmosMsg>,
    burned: u128,
}

/// First with the validator named, then in proportion with the others.
pub(crate) fn burn(
    deps: DepsMut,
    env: &Env,
    info: &MessageInfo,
    owner: &str,
    amount: &Coin,
    first: Option<&str>,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_vault(info)?;
    let amount = config.amount(amount)?;
    let mut work = Work::default();
    let mut opens = open_all(deps.storage, owner, &mut work)?;
    if let Some(open) = first.and_then(|v| opens.iter_mut().find(|o| o.validator == v)) {
        let part = amount.min(open.position.stake.high);
        take(deps.storage, env, open, part, &mut work)?;
    }
    // Stake at work goes before stake that is leaving, so that power falls at once.
    for of in [stake_of as fn(&Open) -> u128, held_of] {
        let weights: Vec<u128> = opens.iter().map(of).collect();
        let left = amount.saturating_sub(work.burned);
        for (open, part) in opens.iter_mut().zip(split(&weights, left)) {
            take(deps.storage, env, open, part, &mut work)?;
        }
    }
    close_all(deps.storage, owner, opens, amount)?;
    let event = Event::new("burn_virtual_stake")
        .add_attribute("user", owner)
        .add_attribute("asked", amount.to_string())
        .add_attribute("burned", work.burned.to_string());
    Ok(Response::new().add_submessages(work.calls).add_messages(work.packets).add_event(event))
}

fn stake_of(o: &Open) -> u128 {
    o.position.stake.high
}

fn held_of(o: &Open) -> u128 {
    o.position.held()
}

fn open_all(s: &dyn Storage, user: &str, work: &mut Work) -> StdResult<Vec<Open>> {
    let mut opens = Vec::new();
    for (validator, _) in POSITIONS.list(s, &[user.as_bytes()], None, MAX_POSITIONS)? {
        let validator = table::text(validator)?;
        let mut open = Open::load(s, user, &validator)?;
        open.settle(s)?;
        work.calls.extend(slashed(s, &open)?);
        opens.push(open);
    }
    Ok(opens)
}

fn take(s: &mut dyn Storage, env: &Env, open: &mut Open, part: u128, work: &mut Work) -> StdResult<()> {
    let burned = open.position.burn(&mut open.pool, part);
    work.burned = work.burned.saturating_add(burned.total);
    work.packets.extend(burn_packet(s, env, &open.validator, burned.on_consumer)?);
    Ok(())
}

/// Writes all positions of one user back; the vault has cut its lien, so is our picture of it.
fn close_all(s: &mut dyn Storage, user: &str, opens: Vec<Open>, amount: u128) -> StdResult<()> {
    for open in opens {
        open.close(s, |_| ())?;
    }
    let mut account = ACCOUNTS.get(s, &[user.as_bytes()])?;
    account.lien.cut(amount);
    ACCOUNTS.save(s, &[user.as_bytes()], &account);
    Ok(())
}
