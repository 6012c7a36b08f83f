//! Messages of `converter`: the consumer end of a pairing (§8).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::packet::RewardInfo;
use super::types::{Coin, Decimal, Range, Timestamp, Uint128};
use super::virtual_staking::{TreasuryInit, ValidatorSlashInfo};
use std::string::String;
use std::vec::Vec;

super::wire! {
    /// Creates the converter and, through it, its virtual-staking.
    pub struct InstantiateMsg {
        pub price_feed: String,
        pub discount: Decimal,
        pub remote_denom: String,
        pub virtual_staking_code_id: u64,
        pub tombstoned_unbond_enable: bool,
        pub admin: Option<String>,
        pub max_retrieve: u32,
        /// Ours: power comes from a treasury of native tokens (plain chains).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub treasury: Option<TreasuryInit>,
        /// Ours: who may change discount and boost; `admin` when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub owner: Option<String>,
    }

    /// A validator as cosmwasm's staking queries show it.
    pub struct Validator {
        pub address: String,
        pub commission: Decimal,
        pub max_commission: Decimal,
        pub max_change_rate: Decimal,
    }

    /// Messages.
    pub enum ExecuteMsg {
        /// From virtual-staking: rewards of one validator, as funds.
        DistributeReward { validator: String },
        /// From virtual-staking: rewards of several validators; funds = their sum.
        DistributeRewards { payments: Vec<RewardInfo> },
        /// From virtual-staking: what happened to validators.
        ValsetUpdate {
            additions: Vec<Validator>,
            removals: Vec<String>,
            updated: Vec<Validator>,
            jailed: Vec<String>,
            unjailed: Vec<String>,
            tombstoned: Vec<String>,
            slashed: Vec<ValidatorSlashInfo>,
        },
        /// From virtual-staking: a delegation is to be given back.
        InternalUnstake { delegator: String, validator: String, amount: Coin },
        /// Ours, anyone: values the stake of up to `limit` validators at the price of the hour.
        Reprice {
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Ours, anyone: sends due packets again.
        FlushOutbox { limit: u32 },
        /// Ours, anyone: pays this epoch's bonus out over credited stake.
        PayBoost {},
        /// Ours, anyone: adds the attached coins to the bonus pool.
        FundBoost {},
        /// Ours, owner: bonus per epoch, and the length of an epoch in seconds.
        SetBoost { per_epoch: Uint128, epoch_s: u64 },
        /// Ours, owner: changes the discount; applied at the next re-pricing.
        SetDiscount { discount: Decimal },
        /// Ours, owner: changes the feed.
        SetPriceFeed { price_feed: String },
        /// Ours, owner: publishes the consensus key of a validator (base64), for `pub_key`.
        SetValidatorKey { validator: String, pub_key: String },
        /// Ours, owner: allows the channel to be closed.
        CloseChannel {},
    }

    /// Queries.
    pub enum QueryMsg {
        /// [`ConfigResponse`].
        Config {},
        /// Ours: [`ForeignStakesResponse`].
        ForeignStakes {
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Ours: [`ForeignStake`].
        ForeignStake { validator: String },
        /// Ours: [`super::external::IbcChannelResponse`].
        IbcChannel {},
        /// Ours: [`super::external::OutboxResponse`].
        Outbox {},
        /// Ours: [`BoostResponse`].
        Boost {},
        /// Ours: [`PriceResponse`].
        Price {},
    }

    /// Settings.
    pub struct ConfigResponse {
        pub price_feed: String,
        pub adjustment: Decimal,
        pub virtual_staking: String,
        /// Ours.
        #[serde(default)]
        pub remote_denom: String,
        /// Ours.
        #[serde(default)]
        pub local_denom: String,
    }

    /// Foreign stake with a validator and the local amount it was last valued at.
    pub struct ForeignStake {
        pub validator: String,
        pub foreign: Uint128,
        pub local: Uint128,
    }

    /// Foreign stakes, by validator.
    pub struct ForeignStakesResponse {
        pub stakes: Vec<ForeignStake>,
        pub total_foreign: Uint128,
        pub total_local: Uint128,
    }

    /// The bonus pool.
    pub struct BoostResponse {
        pub pool: Uint128,
        pub per_epoch: Uint128,
        pub epoch_s: u64,
        pub next_at: Timestamp,
        pub paid: Uint128,
    }

    /// The price the converter works with.
    pub struct PriceResponse {
        pub native_per_foreign: Decimal,
        /// Last two accepted values, low and high.
        pub last_two: Range,
        /// Whether the feed answered at the last re-pricing.
        pub fresh: bool,
    }
}
