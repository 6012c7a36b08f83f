//! IBC packets, acknowledgements and the channel version (§7).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::types::{Binary, Coin, Decimal, Empty, Uint128};
use std::string::String;
use std::vec::Vec;

/// Name of the protocol in the channel version.
pub const PROTOCOL: &str = "mesh-security";
/// Version we speak, supported and minimum.
pub const VERSION: &str = "0.11.0";

super::wire! {
    /// The channel version; unknown fields are tolerated.
    pub struct ChannelVersion {
        pub protocol: String,
        pub version: String,
    }

    /// From external-staking to converter.
    pub enum ProviderPacket {
        /// Stake for a delegator of the provider chain.
        Stake { delegator: String, validator: String, stake: Coin, tx_id: u64 },
        /// Undo part of it.
        Unstake { delegator: String, validator: String, unstake: Coin, tx_id: u64 },
        /// Collateral is gone: burn this much over these validators.
        Burn { validators: Vec<String>, burn: Coin },
        /// Pay rewards out on the consumer.
        TransferRewards { rewards: Coin, recipient: String, tx_id: u64 },
    }

    /// From converter to external-staking.
    pub enum ConsumerPacket {
        /// What happened to validators.
        ValsetUpdate(ValsetUpdate),
        /// The consumer gives stake back by itself.
        InternalUnstake { delegator: String, validator: String, normalize_amount: Coin, inverted_amount: Coin },
        /// Rewards of one validator's stakers arrived.
        Distribute { validator: String, rewards: Coin },
        /// Rewards of several validators' stakers arrived.
        DistributeBatch { rewards: Vec<RewardInfo>, denom: String },
    }

    /// Body of [`ConsumerPacket::ValsetUpdate`].
    #[derive(Default)]
    pub struct ValsetUpdate {
        pub height: u64,
        /// Seconds since 1970.
        pub time: u64,
        pub additions: Vec<AddValidator>,
        pub removals: Vec<String>,
        pub updated: Vec<AddValidator>,
        pub jailed: Vec<String>,
        pub unjailed: Vec<String>,
        pub tombstoned: Vec<String>,
        pub slashed: Vec<ValidatorSlash>,
    }

    /// A validator with its consensus key (base64 of ed25519, or the stock placeholder `TODO`).
    pub struct AddValidator {
        pub valoper: String,
        pub pub_key: String,
    }

    /// A slash as the provider chain must apply it.
    pub struct ValidatorSlash {
        pub address: String,
        pub infraction_height: u64,
        pub infraction_time: u64,
        pub power: u64,
        pub slash_amount: Coin,
        /// Decimal text.
        pub slash_ratio: String,
    }

    /// Rewards of one validator's stakers.
    pub struct RewardInfo {
        pub validator: String,
        pub reward: Uint128,
    }

    /// Acknowledgement of a packet.
    pub enum Ack {
        /// Success; the payload is JSON.
        Result(Binary),
        /// Refusal.
        Error(String),
    }
}

impl ChannelVersion {
    /// The version we propose.
    pub fn ours() -> Self {
        Self { protocol: PROTOCOL.into(), version: VERSION.into() }
    }
}

impl Ack {
    /// The one success acknowledgement of this protocol: the empty object.
    pub fn ok() -> Self {
        Self::Result(Binary(b"{}".to_vec()))
    }
}

impl ValsetUpdate {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.additions.is_empty()
            && self.removals.is_empty()
            && self.updated.is_empty()
            && self.jailed.is_empty()
            && self.unjailed.is_empty()
            && self.tombstoned.is_empty()
            && self.slashed.is_empty()
    }
}

/// A ratio as the text that packets carry.
impl From<Decimal> for String {
    fn from(d: Decimal) -> Self {
        std::format!("{d}")
    }
}

/// Payload of a success acknowledgement.
pub type AckPayload = Empty;
