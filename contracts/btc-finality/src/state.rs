//! Storage. A consumer has a number, a provider a slot at each of its consumers; both are assigned once.
//!
//! | key | value |
//! |---|---|
//! | 01 | btc-staking's address |
//! | 02 ‖ consumer id | what votes and commitments need of the settings, and the consumer's number |
//! | 03 ‖ number u16 | cursors: next height, next settlement, snapshots |
//! | 04 | number of consumers |
//! | 05 ‖ number ‖ slot u16 | place in the ranking or power, jail, end of the newest run of votes |
//! | 06 ‖ number ‖ slot u16 ‖ start u64 | commitment |
//! | 07 ‖ provider key | evidence: the provider is slashed |
//! | 08 ‖ number ‖ slot | provider key |
//! | 09 ‖ provider key | provider: commission, owner |
//! | 0a ‖ number ‖ ¬power u64 ‖ provider key's first 8 bytes ‖ slot | power of providers that have some, heaviest first if ordered |
//! | 0b ‖ number ‖ height u64 ‖ slot | a vote: hash, signature |
//! | 0c ‖ number ‖ slot ‖ start u64 | a run of votes for consecutive heights |
//! | 0d ‖ number ‖ height u64 | a final height: hash, power, total, snapshot |
//! | 0e ‖ number ‖ version u32 | a power snapshot |
//! | 0f ‖ number | liveness and rewards of the active set |
//! | 10 ‖ number ‖ slot | rewards of a provider |
//! | 11 ‖ number ‖ slot ‖ address | rewards of a staker |
//! | 12 | anchors not deep enough yet |
//! | 13 | hub height up to which commitments are timestamped |
//! | 14 ‖ number | number of providers |
//! | 15 ‖ number | whether the consumer pays rewards, whether its ranking is ordered |
//! | 16 | way of signing, depth of timestamps |
//! | 17 ‖ consumer id | the other settings |
//! | 18 ‖ provider key | provider: its consumers and slots, never changed |
//! | 19 ‖ number | slot at which pruning goes on |
//! | 1a | btc-light-client's address |
//! | 1b | btc-vault's address |

pub(crate) mod config;
pub(crate) mod consumer;
pub(crate) mod evidence;
pub(crate) mod power;
pub(crate) mod provider;
pub(crate) mod rewards;
pub(crate) mod timestamps;
pub(crate) mod votes;

/// Prefixes of all keys, in one place so that no two are equal (trap C12).
pub(crate) mod prefix {
    pub(crate) const STAKING: u8 = 0x01;
    pub(crate) const SETTINGS: u8 = 0x02;
    pub(crate) const CURSORS: u8 = 0x03;
    pub(crate) const CONSUMERS: u8 = 0x04;
    pub(crate) const PLACE: u8 = 0x05;
    pub(crate) const COMMIT: u8 = 0x06;
    pub(crate) const EVIDENCE: u8 = 0x07;
    pub(crate) const KEY_OF_SLOT: u8 = 0x08;
    pub(crate) const PROVIDER: u8 = 0x09;
    pub(crate) const RANKING: u8 = 0x0a;
    pub(crate) const VOTE: u8 = 0x0b;
    pub(crate) const RUN: u8 = 0x0c;
    pub(crate) const FINAL: u8 = 0x0d;
    pub(crate) const TABLE: u8 = 0x0e;
    pub(crate) const SETTLEMENT: u8 = 0x0f;
    pub(crate) const PROVIDER_REWARDS: u8 = 0x10;
    pub(crate) const STAKER_REWARDS: u8 = 0x11;
    pub(crate) const ANCHORS: u8 = 0x12;
    pub(crate) const TIMESTAMPED: u8 = 0x13;
    pub(crate) const PROVIDERS: u8 = 0x14;
    pub(crate) const FLAGS: u8 = 0x15;
    pub(crate) const RULES: u8 = 0x16;
    pub(crate) const MORE_SETTINGS: u8 = 0x17;
    pub(crate) const PLACES: u8 = 0x18;
    pub(crate) const PRUNED: u8 = 0x19;
    pub(crate) const LIGHT_CLIENT: u8 = 0x1a;
    pub(crate) const VAULT: u8 = 0x1b;

    #[cfg(test)]
    pub(crate) const ALL: [u8; 27] = [
        STAKING,
        SETTINGS,
        CURSORS,
        CONSUMERS,
        PLACE,
        COMMIT,
        EVIDENCE,
        KEY_OF_SLOT,
        PROVIDER,
        RANKING,
        VOTE,
        RUN,
        FINAL,
        TABLE,
        SETTLEMENT,
        PROVIDER_REWARDS,
        STAKER_REWARDS,
        ANCHORS,
        TIMESTAMPED,
        PROVIDERS,
        FLAGS,
        RULES,
        MORE_SETTINGS,
        PLACES,
        PRUNED,
        LIGHT_CLIENT,
        VAULT,
    ];
}

/// Joins the parts of a key.
pub(crate) fn key(prefix: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(48);
    key.push(prefix);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// C12.
    #[test]
    fn no_two_kinds_of_record_share_a_prefix() {
        let prefixes = super::prefix::ALL;
        assert_eq!(prefixes.iter().collect::<BTreeSet<_>>().len(), prefixes.len());
        assert!(prefixes.iter().all(|p| *p < 0x60), "text keys and roles lie above");
    }
}
