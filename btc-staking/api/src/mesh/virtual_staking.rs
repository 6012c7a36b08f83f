//! Messages of `virtual-staking`, and x/meshsecurity's custom messages and queries (§9, §11.1).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::converter::Validator;
use super::types::{Coin, Decimal, Timestamp, Uint128};
use std::string::String;
use std::vec::Vec;

super::wire! {
    /// Creates virtual-staking; the sender is its converter.
    pub struct InstantiateMsg {
        pub max_retrieve: u32,
        pub tombstoned_unbond_enable: bool,
        /// Ours: power comes from a treasury instead of x/meshsecurity.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub treasury: Option<TreasuryInit>,
    }

    /// Power from native tokens that governance has lent to the contract.
    pub struct TreasuryInit {
        /// Consumer's governance: sets limits, takes liquid treasury back.
        pub owner: String,
        pub limits: Limits,
        /// Least seconds between two epochs.
        pub min_epoch_s: u64,
        pub gov_weight: GovWeight,
    }

    /// Limits on virtual power; absent = no such limit.
    #[derive(Default)]
    pub struct Limits {
        /// Absolute, in staking tokens.
        pub max_cap: Uint128,
        /// Share of the native stake (1 = as much as is staked natively).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_of_native: Option<Decimal>,
        /// Share of all power that one validator may have through virtual stake.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_per_validator: Option<Decimal>,
        /// Share of the cap up to which power follows stake; beyond it flattens (§15-11).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub taper_from: Option<Decimal>,
    }

    /// What virtual stake counts in the consumer's governance.
    #[derive(Copy)]
    pub enum GovWeight {
        /// The contract votes Abstain with all of it.
        Zero,
        /// It votes as its validators do.
        Inherit,
    }

    /// Messages.
    pub enum ExecuteMsg {
        /// From the converter.
        Bond { delegator: String, validator: String, amount: Coin },
        /// From the converter.
        Unbond { delegator: String, validator: String, amount: Coin },
        /// From the converter.
        Burn { validators: Vec<String>, amount: Coin },
        /// From the converter: the provider confirmed what we gave back.
        InternalUnbond { delegator: String, validator: String, amount: Coin },
        /// From the converter.
        HandleCloseChannel {},
        /// Ours, anyone, treasury mode: runs an epoch once the least interval has passed.
        HandleEpoch {},
        /// Ours, owner.
        SetLimits { limits: Limits },
        /// Ours, owner: takes liquid treasury back.
        WithdrawTreasury { amount: Coin, recipient: String },
        /// Ours, anyone, when the weight is zero: votes Abstain.
        Abstain { proposal_id: u64 },
        /// Ours, owner.
        SetGovWeight { gov_weight: GovWeight },
        /// Ours, owner, treasury mode: a validator is out for ever.
        Tombstone { validator: String },
        /// Ours, owner: native stake of validators, which plain chains do not let contracts query; needed for
        /// limits relative to it.
        ReportNative { stakes: Vec<(String, Uint128)> },
    }

    /// From the chain module.
    pub enum SudoMsg {
        /// Runs an epoch.
        HandleEpoch {},
        /// Reports what happened to validators.
        HandleValsetUpdate {
            additions: Option<Vec<Validator>>,
            removals: Option<Vec<String>>,
            updated: Option<Vec<Validator>>,
            jailed: Option<Vec<String>>,
            unjailed: Option<Vec<String>>,
            tombstoned: Option<Vec<String>>,
            slashed: Option<Vec<ValidatorSlashInfo>>,
        },
    }

    /// A slash as the chain module reports it.
    pub struct ValidatorSlashInfo {
        pub address: String,
        pub height: u64,
        pub time: u64,
        pub infraction_height: u64,
        pub infraction_time: u64,
        pub power: u64,
        pub slash_amount: Uint128,
        /// Decimal text.
        pub slash_ratio: String,
        pub is_tombstoned: bool,
    }

    /// Queries.
    pub enum QueryMsg {
        /// [`ConfigResponse`].
        Config {},
        /// [`StakeResponse`].
        GetStake { validator: String },
        /// [`AllStakeResponse`].
        GetAllStake {},
        /// Ours: [`StatusResponse`].
        Status {},
        /// Ours: [`RequestsResponse`].
        Requests {
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Ours: [`SecurityReport`].
        SecurityReport {},
        /// Ours: [`CapsResponse`]. Advice for governance, from weights that it sets, of trade or packet flow, say.
        WeighCaps { total: Uint128, economic_weights: Vec<Uint128> },
    }

    /// A cap for each weight; their sum is at most the total.
    pub struct CapsResponse {
        pub caps: Vec<Uint128>,
    }

    /// Settings.
    pub struct ConfigResponse {
        pub denom: String,
        pub converter: String,
    }

    /// Stake as of the last epoch.
    pub struct StakeResponse {
        pub stake: Uint128,
    }

    /// Stakes as of the last epoch.
    pub struct AllStakeResponse {
        pub stakes: Vec<(String, Uint128)>,
    }

    /// Where the contract stands.
    pub struct StatusResponse {
        pub treasury: Option<TreasuryInit>,
        /// Σ requested by the converter.
        pub requested: Uint128,
        /// Σ delegated as of the last epoch.
        pub bonded: Uint128,
        /// Liquid staking tokens at hand (treasury mode).
        pub liquid: Uint128,
        pub last_epoch: Timestamp,
        pub epochs: u64,
        pub burned: Uint128,
    }

    /// A validator, what the converter asked for and what the last epoch delegated.
    pub struct Request {
        pub validator: String,
        pub requested: Uint128,
        pub bonded: Uint128,
        pub inactive: bool,
    }

    /// Requests, by validator.
    pub struct RequestsResponse {
        pub requests: Vec<Request>,
    }

    /// What attacks cost here, in staking tokens.
    pub struct SecurityReport {
        pub native: Uint128,
        pub virtual_stake: Uint128,
        /// Capital needed for one third of all power, without and with the virtual stake.
        pub third_native: Uint128,
        pub third_total: Uint128,
        /// The same for two thirds.
        pub two_thirds_native: Uint128,
        pub two_thirds_total: Uint128,
    }

    /// Custom messages of x/meshsecurity, wrapped as the chain expects them.
    pub enum CustomMsg {
        /// The consumer module's.
        VirtualStake(VirtualStakeMsg),
        /// The provider module's.
        Provider(ProviderMsg),
    }

    /// Custom messages to the consumer module.
    pub enum VirtualStakeMsg {
        /// Mints and delegates.
        Bond { amount: Coin, validator: String },
        /// Undelegates at once and burns.
        Unbond { amount: Coin, validator: String },
        /// Book-keeping per delegator.
        UpdateDelegation { amount: Coin, is_deduct: bool, delegator: String, validator: String },
        /// Stops epochs.
        DeleteAllScheduledTasks {},
    }

    /// Custom messages to the provider module.
    pub enum ProviderMsg {
        /// Moves coins into the vault, vesting included.
        Bond { delegator: String, amount: Coin },
        /// Moves them back.
        Unbond { delegator: String, amount: Coin },
        /// Undelegates, at once from an unbonded validator.
        Unstake { delegator: String, validator: String, amount: Coin },
        /// Undelegates at once.
        Restake { delegator: String, validator: String, amount: Coin },
    }

    /// Custom queries of x/meshsecurity.
    pub enum CustomQuery {
        /// The consumer module's.
        VirtualStake(VirtualStakeQuery),
    }

    /// Queries to the consumer module.
    pub enum VirtualStakeQuery {
        /// [`BondStatusResponse`].
        BondStatus { contract: String },
        /// [`SlashRatioResponse`].
        SlashRatio {},
        /// [`TotalDelegationResponse`].
        TotalDelegation { contract: String, validator: String },
        /// [`AllDelegationsResponse`].
        AllDelegations { contract: String, max_retrieve: u32 },
    }

    /// Cap and use of it.
    pub struct BondStatusResponse {
        pub cap: Coin,
        pub delegated: Coin,
    }

    /// The chain's slash fractions, decimal text.
    pub struct SlashRatioResponse {
        pub slash_fraction_downtime: String,
        pub slash_fraction_double_sign: String,
    }

    /// A delegation.
    pub struct TotalDelegationResponse {
        pub delegation: Coin,
    }

    /// One delegation in a listing.
    pub struct Delegation {
        pub delegator: String,
        pub validator: String,
        pub amount: Uint128,
    }

    /// Delegations.
    pub struct AllDelegationsResponse {
        pub delegations: Vec<Delegation>,
    }

}
