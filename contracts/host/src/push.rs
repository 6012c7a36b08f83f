//! What the Bitcoin contracts tell each other, as the part of the receiver's messages that they send.
//!
//! The same JSON as `staking_api`'s `ExecuteMsg` of the receiver (tests hold them together), without the code
//! that serialises its thirty other variants.

use serde::Serialize;
use staking_api::finality::{PowerChange, ProviderUpdate};
use staking_api::mesh::btc_vault::{FpOf, SpendKind};
use staking_api::{Decimal, Hash32, Key};

/// From `btc-staking` to `btc-finality`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToFinality {
    /// A provider registered or changed.
    ProviderUpdated(ProviderUpdate),
    /// Delegations began or ceased to count.
    PowerChanges {
        /// Changes, in order.
        changes: Vec<PowerChange>,
    },
    /// A provider's key leaked through a slashing transaction on Bitcoin.
    ProviderSlashed {
        /// Provider.
        fp_pk: Key,
        /// Its secret key.
        secret_key: Hash32,
    },
}

/// From `btc-finality` to `btc-staking`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToStaking {
    /// The provider's key is known.
    Slash {
        /// The provider.
        fp_pk: Key,
    },
}

/// From `btc-staking` and `btc-finality` to `btc-vault`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToVault {
    /// A delegation became ACTIVE.
    DelegationActive {
        /// Owner.
        user: String,
        /// Staking txid.
        txid: String,
        /// Satoshi.
        sat: u64,
        /// Share that is slashed.
        slash_rate: Decimal,
        /// Providers and the consumers they serve.
        fps: Vec<FpOf>,
        /// Height of the block with the staking transaction.
        start_height: u32,
        /// Height at which the timelock ends.
        end_height: u32,
        /// Unbonding time.
        unbonding_blocks: u32,
    },
    /// The staking output was spent.
    DelegationUnbonding {
        /// Staking txid.
        txid: String,
        /// Spending transaction.
        spend_txid: String,
        /// What it was.
        kind: SpendKind,
        /// Height of the spend.
        btc_height: u32,
    },
    /// Too close to the end of the timelock.
    DelegationExpired {
        /// Staking txid.
        txid: String,
    },
    /// A deep reorg took the inclusion away.
    DelegationQuarantined {
        /// Staking txid.
        txid: String,
    },
    /// Inclusion was proven again.
    DelegationRequalified {
        /// Staking txid.
        txid: String,
    },
    /// The provider's key is out.
    FpSlashed {
        /// Provider, hex.
        fp_pk: String,
        /// Consumer that it served.
        consumer: String,
        /// Height of the double vote, 0 if it is not known.
        height: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::{from_json, to_json_vec};
    use staking_api::finality::ExecuteMsg as FinalityMsg;
    use staking_api::mesh::btc_vault::ExecuteMsg as VaultMsg;
    use staking_api::staking::ExecuteMsg as StakingMsg;

    const FP: Key = Key::from_bytes([7; 32]);

    #[test]
    fn receivers_read_what_is_sent() {
        let update = ProviderUpdate {
            fp_pk: FP,
            owner: "mesh1".into(),
            commission: Decimal::percent(5),
            consumers: vec!["hub".into()],
        };
        let raw = to_json_vec(&ToFinality::ProviderUpdated(update.clone())).unwrap();
        assert_eq!(from_json::<FinalityMsg>(&raw).unwrap(), FinalityMsg::ProviderUpdated(update));
        let raw = to_json_vec(&ToFinality::PowerChanges { changes: vec![] }).unwrap();
        assert_eq!(from_json::<FinalityMsg>(&raw).unwrap(), FinalityMsg::PowerChanges { changes: vec![] });
        let secret_key = Hash32::from_bytes([1; 32]);
        let raw = to_json_vec(&ToFinality::ProviderSlashed { fp_pk: FP, secret_key }).unwrap();
        assert_eq!(
            from_json::<FinalityMsg>(&raw).unwrap(),
            FinalityMsg::ProviderSlashed { fp_pk: FP, secret_key }
        );
        let raw = to_json_vec(&ToStaking::Slash { fp_pk: FP }).unwrap();
        assert_eq!(from_json::<StakingMsg>(&raw).unwrap(), StakingMsg::Slash { fp_pk: FP });
    }

    #[test]
    fn the_vault_reads_what_is_sent() {
        let txid = || "ab".to_string();
        let sent = [
            ToVault::DelegationActive {
                user: "mesh1".into(),
                txid: txid(),
                sat: 5,
                slash_rate: Decimal::permille(1),
                fps: vec![FpOf { consumer: "hub".into(), fp_pk: FP.to_string() }],
                start_height: 1,
                end_height: 2,
                unbonding_blocks: 3,
            },
            ToVault::DelegationUnbonding {
                txid: txid(),
                spend_txid: txid(),
                kind: SpendKind::Unbonding,
                btc_height: 4,
            },
            ToVault::DelegationExpired { txid: txid() },
            ToVault::DelegationQuarantined { txid: txid() },
            ToVault::DelegationRequalified { txid: txid() },
            ToVault::FpSlashed { fp_pk: FP.to_string(), consumer: "hub".into(), height: 9 },
        ];
        for msg in sent {
            let raw = to_json_vec(&msg).unwrap();
            let read: VaultMsg = from_json(&raw).unwrap();
            assert_eq!(to_json_vec(&read).unwrap(), raw);
        }
    }
}
