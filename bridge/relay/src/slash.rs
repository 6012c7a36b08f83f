//! Which slashing transaction to complete once a provider's key is public.
//!
//! Two are pre-signed for each stake, one for the staking output and one for the unbonding output; at any time at
//! most one of them can be mined.

use crate::{Hash, stakes::Place};

/// A stake of a slashed provider on Bitcoin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlashView {
    /// Staking transaction id.
    pub txid: Hash,
    /// Whether the staking transaction is in a block or the mempool at all.
    pub funded: bool,
    /// What spent the staking output.
    pub staking_spend: Option<SpendKind>,
    /// What spent the unbonding output, where there is one.
    pub unbonding_spend: Option<SpendKind>,
}

/// What a spend turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpendKind {
    /// The registered unbonding transaction.
    Unbonding {
        /// Its block; `None` in the mempool.
        place: Option<Place>,
    },
    /// The registered slashing transaction of that output.
    Slashing {
        /// Its block; `None` in the mempool.
        place: Option<Place>,
    },
    /// Anything else: a withdrawal after the lock, or a transaction nobody registered.
    Other {
        /// Its block; `None` in the mempool.
        place: Option<Place>,
    },
}

/// What to do about a stake of a slashed provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlashAction {
    /// Complete and broadcast the slashing transaction of the staking output.
    SlashStaking,
    /// Complete and broadcast the slashing transaction of the unbonding output.
    SlashUnbonding,
    /// A slashing transaction waits in the mempool.
    Wait,
    /// Slashed and mined.
    Done,
    /// Nothing to slash: never funded, or the holder was gone before.
    Nothing,
}

/// Decides what is due.
pub fn plan_slash(stake: &SlashView) -> SlashAction {
    match stake.staking_spend {
        _ if !stake.funded => SlashAction::Nothing,
        // An unbonding transaction in the mempool may still lose against the slashing of the staking output:
        // only a mined one moves the target.
        None | Some(SpendKind::Unbonding { place: None } | SpendKind::Other { place: None }) => {
            SlashAction::SlashStaking
        }
        Some(SpendKind::Slashing { place }) => done_or_wait(place),
        Some(SpendKind::Other { place: Some(_) }) => SlashAction::Nothing,
        Some(SpendKind::Unbonding { place: Some(_) }) => match stake.unbonding_spend {
            Some(SpendKind::Slashing { place }) => done_or_wait(place),
            Some(SpendKind::Other { place: Some(_) } | SpendKind::Unbonding { place: Some(_) }) => {
                SlashAction::Nothing
            }
            _ => SlashAction::SlashUnbonding,
        },
    }
}

fn done_or_wait(place: Option<Place>) -> SlashAction {
    place.map_or(SlashAction::Wait, |_| SlashAction::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINED: Option<Place> = Some(Place { height: 9, block: [1; 32] });

    fn view(staking: Option<SpendKind>, unbonding: Option<SpendKind>) -> SlashView {
        SlashView { txid: [3; 32], funded: true, staking_spend: staking, unbonding_spend: unbonding }
    }

    #[test]
    fn an_unspent_stake_is_slashed_at_the_staking_output() {
        assert_eq!(plan_slash(&view(None, None)), SlashAction::SlashStaking);
        let racing = Some(SpendKind::Unbonding { place: None });
        assert_eq!(plan_slash(&view(racing, None)), SlashAction::SlashStaking);
    }

    #[test]
    fn an_unbonded_stake_is_slashed_at_the_unbonding_output() {
        let unbonded = Some(SpendKind::Unbonding { place: MINED });
        assert_eq!(plan_slash(&view(unbonded, None)), SlashAction::SlashUnbonding);
        assert_eq!(
            plan_slash(&view(unbonded, Some(SpendKind::Slashing { place: MINED }))),
            SlashAction::Done
        );
        assert_eq!(
            plan_slash(&view(unbonded, Some(SpendKind::Other { place: MINED }))),
            SlashAction::Nothing
        );
    }

    #[test]
    fn a_slash_is_done_only_when_mined() {
        assert_eq!(plan_slash(&view(Some(SpendKind::Slashing { place: None }), None)), SlashAction::Wait);
        assert_eq!(plan_slash(&view(Some(SpendKind::Slashing { place: MINED }), None)), SlashAction::Done);
    }

    #[test]
    fn what_never_existed_cannot_be_slashed() {
        let ghost = SlashView { funded: false, ..view(None, None) };
        assert_eq!(plan_slash(&ghost), SlashAction::Nothing);
    }
}
