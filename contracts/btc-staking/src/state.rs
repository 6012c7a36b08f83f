//! Storage. A delegation is known by the first 12 bytes of its txid: a second preimage of them is out of
//! reach, and who finds a collision can only refuse himself a second registration.
//!
//! | key | value |
//! |---|---|
//! | 01 | way of signing |
//! | 02 ‖ version u16 | parameters |
//! | 03 | activation heights of the versions |
//! | 04 ‖ provider key | provider: flags, owner, consumers |
//! | 05 ‖ provider key | provider: description and commission, JSON |
//! | 07 ‖ version u16 ‖ member key | index of the member |
//! | 08 ‖ owner | key of the owner's provider |
//! | 10 ‖ id | registration, never changed; its txid is that of the transaction in it |
//! | 11 ‖ id | life: inclusion, counted, spend |
//! | 12 ‖ id ‖ number u8 | signatures of one member |
//! | 13 ‖ id | waits for covenant signatures |
//! | 14 ‖ provider key's first 8 bytes ‖ id | delegations of a provider |
//! | 16 ‖ height u32 ‖ id | expires at the height |
//! | 17 | deep reorgs dealt with, and cursor of the sweep |
//! | 18 ‖ provider key | cursor of the sweep after a slashing |
//! | 19 ‖ provider key | there if the provider is slashed: when |
//! | 1a | btc-light-client's address |
//! | 1b | btc-finality's address |
//! | 1c | btc-vault's address |

pub(crate) mod config;
pub(crate) mod delegation;
pub(crate) mod params;
pub(crate) mod provider;
pub(crate) mod signatures;
pub(crate) mod sweep;

/// Prefixes of all keys, in one place so that no two are equal (trap C12).
pub(crate) mod prefix {
    pub(crate) const CONFIG: u8 = 0x01;
    pub(crate) const PARAMS: u8 = 0x02;
    pub(crate) const HEIGHTS: u8 = 0x03;
    pub(crate) const PROVIDER: u8 = 0x04;
    pub(crate) const PROVIDER_TEXT: u8 = 0x05;
    pub(crate) const MEMBER: u8 = 0x07;
    pub(crate) const OWNER: u8 = 0x08;
    pub(crate) const REGISTRATION: u8 = 0x10;
    pub(crate) const LIFE: u8 = 0x11;
    pub(crate) const SIGNATURES: u8 = 0x12;
    pub(crate) const PENDING: u8 = 0x13;
    pub(crate) const BY_PROVIDER: u8 = 0x14;
    pub(crate) const EXPIRY: u8 = 0x16;
    pub(crate) const REORG: u8 = 0x17;
    pub(crate) const SLASH_SWEEP: u8 = 0x18;
    pub(crate) const SLASHED: u8 = 0x19;
    pub(crate) const LIGHT_CLIENT: u8 = 0x1a;
    pub(crate) const FINALITY: u8 = 0x1b;
    pub(crate) const VAULT: u8 = 0x1c;

    #[cfg(test)]
    pub(crate) const ALL: [u8; 19] = [
        CONFIG,
        PARAMS,
        HEIGHTS,
        PROVIDER,
        PROVIDER_TEXT,
        MEMBER,
        OWNER,
        REGISTRATION,
        LIFE,
        SIGNATURES,
        PENDING,
        BY_PROVIDER,
        EXPIRY,
        REORG,
        SLASH_SWEEP,
        SLASHED,
        LIGHT_CLIENT,
        FINALITY,
        VAULT,
    ];
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
