//! The inequality of time between Bitcoin and a consumer (mesh-security.md §16.5). Pure.
//!
//! A stake that leaves must stay slashable on Bitcoin until every fault it stood behind can be proven and the
//! slashing transaction confirmed.

use staking_api::mesh::btc_vault::ConsumerTiming;
use thiserror::Error;

/// Seconds a block is counted with, below the average of 600 for safety.
const BLOCK_S: u64 = 480;
/// Seen on the hub: six blocks and an hour for the relayer.
const SEEN_S: u64 = 6 * 600 + 3_600;
/// Burn packet: ten minutes to time out, retried for a day.
const IBC_S: u64 = 600 + 86_400;
/// Slashing transaction: mined within a day.
const CONFIRM_S: u64 = 144 * 600;

/// The unbonding time does not cover what has to happen within it.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an unbonding time of {blocks} blocks covers {have_s} s, this consumer needs {need_s} s")]
pub struct TimingTooShort {
    /// Unbonding time of the policy.
    pub blocks: u32,
    /// What it covers.
    pub have_s: u64,
    /// What is needed.
    pub need_s: u64,
}

/// Seconds for which bitcoin has to stay slashable for a consumer with these times.
pub(crate) fn need_s(t: &ConsumerTiming) -> u64 {
    (SEEN_S + IBC_S + CONFIRM_S).saturating_add(t.epoch_s).saturating_add(t.evidence_age_s)
}

/// Checks the shortest unbonding time that backs a lien against what a consumer needs.
pub(crate) fn check(blocks: u32, need_s: u64) -> Result<(), TimingTooShort> {
    let have_s = u64::from(blocks).saturating_mul(BLOCK_S);
    if have_s < need_s { Err(TimingTooShort { blocks, have_s, need_s }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn a_week_is_too_short_for_three_weeks_of_evidence() {
        let t = ConsumerTiming { epoch_s: DAY, evidence_age_s: 21 * DAY };
        assert!(check(1008, need_s(&t)).is_err());
        assert!(check(4608, need_s(&t)).is_ok());
    }

    #[test]
    fn a_week_is_enough_for_eots_evidence() {
        let t = ConsumerTiming { epoch_s: 6 * 3600, evidence_age_s: 6 * 3600 };
        assert!(check(1008, need_s(&t)).is_ok());
    }
}
