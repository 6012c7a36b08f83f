//! How much is to be delegated to whom: governance's limits applied to what is asked for. Pure.

use crate::state::{Treasury, Val};
use mesh_accounting::burn::split;
use mesh_accounting::cap::{Slot, allocate, taper, total_cap};

/// One validator's change of delegation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) add: u128,
    pub(crate) sub: u128,
}

/// Stake that counts: nothing with a validator that is out of the set.
fn wanted(v: &Val) -> u128 {
    if v.active && !v.tombstoned { v.requested } else { 0 }
}

/// What each validator should have, by the limits alone.
pub(crate) fn targets(treasury: &Treasury, vals: &[(String, Val)]) -> Vec<u128> {
    let slots: Vec<Slot> = vals.iter().map(|(_, v)| Slot { native: v.native, wanted: wanted(v) }).collect();
    let native = slots.iter().fold(0u128, |a, s| a.saturating_add(s.native));
    let asked = slots.iter().fold(0u128, |a, s| a.saturating_add(s.wanted));
    let cap = total_cap(treasury.max_cap, treasury.max_of_native, native);
    let total = treasury.taper_from.map_or(asked.min(cap), |k| taper(asked, cap, k));
    allocate(&slots, total, treasury.max_per_validator)
}

/// Changes that lead to the targets, as far as the coins at hand go.
pub(crate) fn changes(vals: &[(String, Val)], targets: &[u128], liquid: u128) -> Vec<Change> {
    let missing: Vec<u128> = vals.iter().zip(targets).map(|((_, v), t)| t.saturating_sub(v.bonded)).collect();
    let adds = split(&missing, liquid);
    let subs = vals.iter().zip(targets).map(|((_, v), t)| v.bonded.saturating_sub(*t));
    adds.into_iter().zip(subs).map(|(add, sub)| Change { add, sub }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_accounting::Ratio;

    fn treasury(max_cap: u128) -> Treasury {
        Treasury {
            owner: String::new(),
            max_cap,
            max_of_native: None,
            max_per_validator: None,
            taper_from: None,
            min_epoch_s: 0,
            abstains: true,
        }
    }

    fn val(requested: u128, bonded: u128, active: bool) -> (String, Val) {
        (String::new(), Val { requested, bonded, active, ..Val::default() })
    }

    #[test]
    fn the_cap_scales_all_alike() {
        let vals = [val(300, 0, true), val(600, 0, true)];
        assert_eq!(targets(&treasury(450), &vals), [150, 300]);
        assert_eq!(targets(&treasury(0), &vals), [0, 0]);
    }

    #[test]
    fn a_validator_out_of_the_set_gets_nothing() {
        let vals = [val(300, 300, false), val(600, 0, true)];
        let t = targets(&treasury(1000), &vals);
        assert_eq!(changes(&vals, &t, 100), [Change { add: 0, sub: 300 }, Change { add: 100, sub: 0 }]);
    }

    #[test]
    fn power_flattens_towards_the_cap() {
        let t = Treasury { taper_from: Some(Ratio::percent(80)), ..treasury(1_000_000) };
        assert_eq!(targets(&t, &[val(2_000_000, 0, true)]), [971_428]);
        assert_eq!(targets(&t, &[val(700_000, 0, true)]), [700_000]);
    }

    #[test]
    fn a_share_of_native_stake_limits_the_total() {
        let t = Treasury { max_of_native: Some(Ratio::percent(50)), ..treasury(1_000_000) };
        let mut v = val(500, 0, true);
        v.1.native = 600;
        assert_eq!(targets(&t, &[v]), [300]);
    }
}
