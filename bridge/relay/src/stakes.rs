//! What a registered stake needs from a relayer: the proof that it is mined, or the transaction that spent it.

use crate::{Hash, action::Hold};

/// A delegation as the hub counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubState {
    /// Registered, fewer covenant signatures than the quorum.
    Pending,
    /// Quorum reached, inclusion not proven.
    Verified,
    /// Counted.
    Active,
    /// Its inclusion was undone by a deep reorg.
    Quarantined,
    /// Left, by any spend that was proven.
    Unbonded,
    /// Ran out.
    Expired,
}

/// A block of the best chain that holds a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Height of the block.
    pub height: u32,
    /// Its hash.
    pub block: Hash,
}

/// A transaction that spends a stake, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spend {
    /// The spending transaction.
    pub txid: Hash,
    /// Its block; `None` in the mempool.
    pub place: Option<Place>,
}

/// One stake on both chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakeView {
    /// Staking transaction id, the delegation's name on the hub.
    pub txid: Hash,
    /// What the hub says.
    pub state: HubState,
    /// Block that holds the staking transaction, on our node's best chain.
    pub place: Option<Place>,
    /// Who spent the staking output, if anybody.
    pub spend: Option<Spend>,
    /// Blocks of lock, as registered.
    pub staking_time: u32,
    /// Unbonding time of its parameters, blocks.
    pub unbonding_time: u32,
}

/// The light client's tip and the depth that an inclusion needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepthRule {
    /// The light client's height (proofs are judged by it, not by our node).
    pub light_client_tip: u32,
    /// Confirmation depth k.
    pub k: u32,
}

/// What to do about a stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StakeAction {
    /// Prove that the staking transaction is in this block.
    ProveInclusion(Place),
    /// Report the transaction that spent the stake, with its inclusion proof.
    ReportSpend {
        /// The spending transaction.
        spend: Hash,
        /// Its block.
        place: Place,
    },
}

/// Decides what a stake needs next.
///
/// # Errors
/// The reason why nothing is due.
pub fn plan_stake(stake: &StakeView, rule: DepthRule) -> Result<StakeAction, Hold> {
    match stake.state {
        HubState::Unbonded | HubState::Expired => Err(Hold::UpToDate),
        HubState::Pending | HubState::Active => report_spend(stake, rule),
        HubState::Verified | HubState::Quarantined => match report_spend(stake, rule) {
            Ok(action) => Ok(action),
            Err(_) => prove_inclusion(stake, rule),
        },
    }
}

fn report_spend(stake: &StakeView, rule: DepthRule) -> Result<StakeAction, Hold> {
    let Some(spend) = stake.spend else { return Err(Hold::UpToDate) };
    let Some(place) = spend.place else { return Err(Hold::Unconfirmed) };
    // The holder's own signature is the intent, so one confirmation that the light client knows is enough.
    if place.height > rule.light_client_tip {
        return Err(Hold::Shallow { have: 0, need: 1 });
    }
    Ok(StakeAction::ReportSpend { spend: spend.txid, place })
}

fn prove_inclusion(stake: &StakeView, rule: DepthRule) -> Result<StakeAction, Hold> {
    let Some(place) = stake.place else { return Err(Hold::Unconfirmed) };
    let have = rule.light_client_tip.saturating_sub(place.height);
    if have < rule.k {
        return Err(Hold::Shallow { have, need: rule.k });
    }
    let end = u64::from(place.height) + u64::from(stake.staking_time);
    if u64::from(rule.light_client_tip) + u64::from(stake.unbonding_time) >= end {
        return Err(Hold::TooLate);
    }
    Ok(StakeAction::ProveInclusion(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { height: 100, block: [7; 32] };

    fn stake(state: HubState) -> StakeView {
        StakeView {
            txid: [1; 32],
            state,
            place: Some(PLACE),
            spend: None,
            staking_time: 1000,
            unbonding_time: 100,
        }
    }

    fn rule(tip: u32) -> DepthRule {
        DepthRule { light_client_tip: tip, k: 6 }
    }

    #[test]
    fn inclusion_is_proven_at_depth_k_of_the_light_client_and_not_before() {
        assert_eq!(
            plan_stake(&stake(HubState::Verified), rule(105)),
            Err(Hold::Shallow { have: 5, need: 6 })
        );
        assert_eq!(plan_stake(&stake(HubState::Verified), rule(106)), Ok(StakeAction::ProveInclusion(PLACE)));
        assert_eq!(
            plan_stake(&stake(HubState::Quarantined), rule(106)),
            Ok(StakeAction::ProveInclusion(PLACE))
        );
    }

    #[test]
    fn a_stake_that_would_expire_at_once_is_not_proven() {
        assert_eq!(plan_stake(&stake(HubState::Verified), rule(1000)), Err(Hold::TooLate));
    }

    #[test]
    fn a_spend_is_reported_from_its_first_confirmation() {
        let spend = Spend { txid: [2; 32], place: Some(Place { height: 110, block: [8; 32] }) };
        let seen = StakeView { spend: Some(spend), ..stake(HubState::Active) };
        assert_eq!(plan_stake(&seen, rule(109)), Err(Hold::Shallow { have: 0, need: 1 }));
        assert!(matches!(plan_stake(&seen, rule(110)), Ok(StakeAction::ReportSpend { .. })));
        let in_mempool = StakeView { spend: Some(Spend { place: None, ..spend }), ..seen };
        assert_eq!(plan_stake(&in_mempool, rule(110)), Err(Hold::Unconfirmed));
    }

    #[test]
    fn what_has_ended_on_the_hub_needs_nothing() {
        for state in [HubState::Unbonded, HubState::Expired] {
            assert_eq!(plan_stake(&stake(state), rule(500)), Err(Hold::UpToDate));
        }
    }
}
