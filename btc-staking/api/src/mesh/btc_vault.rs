//! Messages of `btc-vault`: the vault whose collateral is bitcoin, fed by btc-staking (§16.2).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::custody::CustodyQuery;
use super::types::{Binary, Coin, Decimal, Uint128};
use super::vault::UserSlash;
use std::string::String;
use std::vec::Vec;

super::wire! {
    /// Creates the vault. `denom` is `"sat"`.
    pub struct InstantiateMsg {
        pub denom: String,
        pub btc_staking: String,
        pub btc_finality: String,
        #[serde(default)]
        pub registry: Option<String>,
        /// btc-light-client, whose tip says when delegations near their end.
        #[serde(default)]
        pub light_client: Option<String>,
        pub owner: String,
        pub policy: Policy,
    }

    /// How strictly promises are matched by what Bitcoin can take.
    pub struct Policy {
        pub mode: Mode,
        pub offline: OfflinePolicy,
        pub require_fp_binding: bool,
        /// Blocks before the last one from which unbonding ends in time; from there on a delegation backs nothing.
        /// Needs the light client.
        pub expiry_margin_blocks: u32,
        /// Delegations with a shorter unbonding time back nothing; 0 = any.
        #[serde(default)]
        pub min_unbonding_blocks: u32,
    }

    /// Bound on the sum of a user's promises.
    #[derive(Copy)]
    pub enum Mode {
        /// Σ lien × slash ≤ what Bitcoin can take once.
        Strict,
        /// Consumers that opted in count once together: max instead of Σ.
        Shared,
    }

    /// What a fault costs that Bitcoin cannot punish.
    #[derive(Copy)]
    pub enum OfflinePolicy {
        /// Nothing here; power falls on the consumer.
        None,
        /// Credit is reduced by a debt, paid from rewards or by the user.
        Garnish,
    }

    /// A finality provider of a delegation and the consumer it serves.
    pub struct FpOf {
        /// Chain id of the consumer.
        pub consumer: String,
        /// x-only key, lower-case hex.
        pub fp_pk: String,
    }

    /// How a staking output was spent.
    #[derive(Copy)]
    pub enum SpendKind {
        /// By the unbonding transaction.
        Unbonding,
        /// By a slashing transaction.
        Slashing,
        /// Some other way.
        Other,
    }

    /// Times of a consumer, for the inequality of §16.5, in seconds.
    pub struct ConsumerTiming {
        pub epoch_s: u64,
        /// How old evidence of a fault may be; an epoch when only EOTS evidence counts.
        pub evidence_age_s: u64,
    }

    /// Messages the vault executes.
    pub enum ExecuteMsg {
        /// From btc-staking: a delegation became ACTIVE. Sent again for a known txid it changes nothing.
        DelegationActive {
            user: String,
            txid: String,
            sat: u64,
            slash_rate: Decimal,
            fps: Vec<FpOf>,
            start_height: u32,
            end_height: u32,
            unbonding_blocks: u32,
        },
        /// From btc-staking: the staking output was spent.
        DelegationUnbonding { txid: String, spend_txid: String, kind: SpendKind, btc_height: u32 },
        /// From btc-staking: too close to the end of the timelock.
        DelegationExpired { txid: String },
        /// From btc-staking: a deep reorg took the inclusion away.
        DelegationQuarantined { txid: String },
        /// From btc-staking: inclusion was proven again. Reports of an unknown txid are kept for the time when it is
        /// known: messages that were refused once come late.
        DelegationRequalified { txid: String },
        /// From btc-finality: the provider's key is out.
        FpSlashed { fp_pk: String, consumer: String, height: u64 },

        /// See [`super::vault::ExecuteMsg::StakeRemote`].
        StakeRemote { contract: String, amount: Coin, msg: Binary },
        /// Refused: collateral lives on Bitcoin.
        Bond {
            #[serde(default)]
            amount: Option<Coin>,
        },
        /// Refused: collateral lives on Bitcoin.
        Unbond { amount: Coin },
        /// Refused: collateral lives on Bitcoin.
        Restake { amount: Coin, validator: String },
        /// Refused: collateral lives on Bitcoin.
        StakeLocal { amount: Coin, msg: Binary },

        /// From a lien holder. Never fails.
        ReleaseCrossStake { owner: String, amount: Coin },
        /// From a lien holder. Never fails.
        CommitTx { tx_id: u64 },
        /// From a lien holder. Never fails.
        RollbackTx { tx_id: u64 },
        /// From a lien holder. Never fails.
        CrossSlash { slashes: Vec<UserSlash>, validator: String },

        /// Anyone: brings a user's liens within the bounds and sends the burns.
        SyncLiens { user: String, limit: u32 },
        /// Anyone: sends a refused burn again.
        RetryBurn { user: String, lienholder: String },
        /// Anyone: takes the next delegations of a slashed provider out of the backing.
        SettleSlash { fp_pk: String, limit: u32 },
        /// Anyone: takes the next delegations that near their end out of the backing.
        Expire { limit: u32 },
        /// Owner: confirms that (part of) a garnish debt was paid.
        ClearGarnish { user: String, amount: Uint128 },

        /// Owner: admits a consumer, or changes it.
        SetConsumer {
            consumer: String,
            external_staking: String,
            slash_dsign: Decimal,
            cap_sat: u64,
            paused: bool,
            /// Consumer agreed to share slash capacity with other sharers.
            #[serde(default)]
            shared: bool,
            /// Checked against the policy's shortest unbonding time when given.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            timing: Option<ConsumerTiming>,
        },
        /// Owner: replaces the policy.
        SetPolicy { policy: Policy },
        /// Owner: replaces the contracts that feed the vault.
        SetPeers {
            btc_staking: String,
            btc_finality: String,
            #[serde(default)]
            registry: Option<String>,
            #[serde(default)]
            light_client: Option<String>,
        },
        /// Owner: hands the vault over.
        SetOwner { owner: String },
    }

    /// Queries: those of the mesh vault and our own.
    pub enum QueryMsg {
        /// [`super::vault::AccountResponse`].
        Account { account: String },
        /// [`super::vault::AccountDetailsResponse`].
        AccountDetails { account: String },
        /// [`super::vault::ConfigResponse`].
        Config {},
        /// [`super::vault::ActiveExternalStakingResponse`].
        ActiveExternalStaking {},
        /// [`super::vault::ClaimResponse`].
        Claim { account: String, lienholder: String },
        /// [`super::vault::AccountClaimsResponse`].
        AccountClaims {
            account: String,
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`super::vault::AllAccountsResponse`].
        AllAccounts {
            #[serde(default)]
            with_collateral: bool,
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`super::vault::Tx`].
        PendingTx { tx_id: u64 },
        /// [`super::vault::AllTxsResponse`].
        AllPendingTxsDesc {
            #[serde(default)]
            start_after: Option<u64>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`DelegationsResponse`].
        Delegations {
            user: String,
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`CapacityResponse`].
        Capacity { user: String, consumer: String },
        /// [`SlashCapacityResponse`].
        SlashCapacity { user: String },
        /// [`super::vault::DebtsResponse`].
        Debts { user: String },
        /// [`ConsumersResponse`].
        Consumers {
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`SettlementResponse`].
        Settlement { fp_pk: String },
        /// [`BtcConfigResponse`].
        BtcConfig {},
        /// The interface every external custody answers.
        Custody(CustodyQuery),
    }

    /// State of a delegation as backing.
    #[derive(Copy)]
    pub enum Backing {
        /// Counts as collateral and can be slashed.
        Active,
        /// Counts no more; can still be slashed.
        Exiting,
        /// Counts no more until it is proven again.
        Quarantined,
        /// Taken by a slashing.
        Slashed,
        /// Never counted: its unbonding time is shorter than the policy asks.
        TooShort,
    }

    /// One delegation.
    pub struct DelegationInfo {
        pub txid: String,
        pub sat: u64,
        pub slash_rate: Decimal,
        pub fps: Vec<FpOf>,
        pub start_height: u32,
        pub end_height: u32,
        pub unbonding_blocks: u32,
        pub state: Backing,
    }

    /// Delegations of a user, by txid.
    pub struct DelegationsResponse {
        pub delegations: Vec<DelegationInfo>,
    }

    /// Collateral of a user bound to one consumer, its lien there (high end), and what is free for more.
    pub struct CapacityResponse {
        pub bound_sat: Uint128,
        pub lien: Uint128,
        pub free: Uint128,
    }

    /// What Bitcoin can take from a user, and how much of it is promised.
    pub struct SlashCapacityResponse {
        #[serde(rename = "S")]
        pub s: Uint128,
        pub used: Uint128,
    }

    /// A consumer as the owner admitted it.
    pub struct ConsumerInfo {
        pub consumer: String,
        pub external_staking: String,
        pub slash_dsign: Decimal,
        pub cap_sat: u64,
        pub paused: bool,
        pub shared: bool,
        /// Σ of the high ends of its liens.
        pub lien_sat: Uint128,
        /// Consumers whose liens count once together with its own, itself included; 1 where nothing is shared.
        pub sharers: u32,
        /// Its part of what it shares: `lien_sat` ÷ `sharers`. An attack on all of them costs this much of each.
        pub own_sat: Uint128,
    }

    /// Consumers, by chain id.
    pub struct ConsumersResponse {
        pub consumers: Vec<ConsumerInfo>,
    }

    /// How far the settlement of a slashed provider has come.
    pub struct SettlementResponse {
        pub slashed: bool,
        pub done: bool,
        pub delegations_settled: u64,
        pub sat_settled: Uint128,
    }

    /// Who feeds the vault, who owns it and by which policy.
    pub struct BtcConfigResponse {
        pub btc_staking: String,
        pub btc_finality: String,
        pub registry: Option<String>,
        pub light_client: Option<String>,
        pub owner: String,
        pub policy: Policy,
    }
}
