//! Bitcoin as an external custody: the first implementation of the interface (§17).

use crate::state::{
    BOUND, BY_FP, DELEGATIONS, Delegation, FP_USER, SLASHED, SUMS, Slashed, State, consumer_of, count,
};
use cosmwasm_std::{StdResult, Storage};
use mesh_accounting::store::{ExternalCustody, table};
use staking_api::mesh::btc_vault::Backing;

/// Collateral locked on Bitcoin, as btc-staking reports it.
pub(crate) struct Bitcoin;

impl ExternalCustody for Bitcoin {
    fn active_amount(&self, s: &dyn Storage, user: &str) -> StdResult<u128> {
        let sums = SUMS.get(s, &[user.as_bytes()])?;
        Ok(sums.sat.saturating_sub(sums.garnished))
    }

    fn capacity(&self, s: &dyn Storage, user: &str, holder: &str) -> StdResult<u128> {
        match consumer_of(s, holder)? {
            Some((consumer, _)) => BOUND.get(s, &[user.as_bytes(), consumer.as_bytes()]),
            None => Ok(0),
        }
    }

    fn slash_capacity(&self, s: &dyn Storage, user: &str) -> StdResult<u128> {
        Ok(SUMS.get(s, &[user.as_bytes()])?.at_stake)
    }

    fn on_fault(
        &self,
        s: &mut dyn Storage,
        consumer: &str,
        key: &str,
        limit: usize,
    ) -> StdResult<(Vec<String>, bool)> {
        let mut progress = SLASHED.get(s, &[key.as_bytes()])?;
        if progress.consumer.is_empty() {
            progress.consumer = consumer.into();
        }
        let rows = BY_FP.list(s, &[key.as_bytes()], None, limit)?;
        let done = rows.len() < limit;
        let mut users = Vec::new();
        for (txid, ()) in rows {
            let txid = table::text(txid)?;
            let d = DELEGATIONS.load(s, &[txid.as_bytes()])?;
            progress = Slashed {
                count: progress.count.saturating_add(1),
                sat: progress.sat.saturating_add(d.sat.into()),
                ..progress
            };
            users.push(d.user.clone());
            move_to(s, &txid, d, Backing::Slashed)?;
        }
        progress.done = done;
        SLASHED.save(s, &[key.as_bytes()], &progress);
        users.dedup();
        Ok((users, done))
    }

    fn on_exit(&self, s: &mut dyn Storage, position: &str) -> StdResult<Option<String>> {
        let Some(d) = DELEGATIONS.may_load(s, &[position.as_bytes()])? else { return Ok(None) };
        match d.state.0 {
            Backing::Active | Backing::Quarantined => {
                let user = d.state.counts().then(|| d.user.clone());
                move_to(s, position, d, Backing::Exiting)?;
                Ok(user)
            }
            _ => Ok(None),
        }
    }
}

/// Whether a slash of its providers would still take the delegation.
fn slashable(state: State) -> bool {
    matches!(state.0, Backing::Active | Backing::Exiting | Backing::Quarantined)
}

/// Moves a delegation to another state and keeps every index of it. A new one comes with `TooShort`, which counts
/// nowhere.
pub(crate) fn move_to(s: &mut dyn Storage, txid: &str, mut d: Delegation, to: Backing) -> StdResult<()> {
    let (from, to) = (d.state, State(to));
    if from.counts() != to.counts() {
        count(s, &d, to.counts())?;
    }
    if slashable(from) != slashable(to) {
        for (_, fp) in &d.fps {
            let of_user: [&[u8]; 2] = [fp.as_bytes(), d.user.as_bytes()];
            let n = FP_USER.get(s, &of_user)?;
            if slashable(to) {
                BY_FP.save(s, &[fp.as_bytes(), txid.as_bytes()], &());
                FP_USER.save(s, &of_user, &n.saturating_add(1));
            } else {
                BY_FP.remove(s, &[fp.as_bytes(), txid.as_bytes()]);
                if n <= 1 { FP_USER.remove(s, &of_user) } else { FP_USER.save(s, &of_user, &(n - 1)) }
            }
        }
    }
    d.state = to;
    DELEGATIONS.save(s, &[txid.as_bytes()], &d);
    Ok(())
}
