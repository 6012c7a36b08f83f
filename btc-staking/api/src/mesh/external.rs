//! Messages of `external-staking`: the provider side of one pairing (§6).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::types::{Binary, Coin, Decimal, Range, Timestamp, Uint128};
use std::string::String;
use std::vec::Vec;

super::wire! {
    /// Creates the provider side of a pairing; the converter must exist.
    pub struct InstantiateMsg {
        pub denom: String,
        pub rewards_denom: String,
        pub vault: String,
        /// Seconds.
        pub unbonding_period: u64,
        pub remote_contact: AuthorizedEndpoint,
        pub slash_ratio: SlashRatio,
        /// Ours: who may close the channel; nobody when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub admin: Option<String>,
    }

    /// Where the converter is: our connection id and its port.
    pub struct AuthorizedEndpoint {
        pub connection_id: String,
        pub port_id: String,
    }

    /// Most that one fault may cost.
    pub struct SlashRatio {
        pub double_sign: Decimal,
        pub offline: Decimal,
    }

    /// Messages.
    pub enum ExecuteMsg {
        /// From the vault: a lien was made.
        ReceiveVirtualStake { owner: String, amount: Coin, tx_id: u64, msg: Binary },
        /// From the vault: the lien was cut.
        BurnVirtualStake { owner: String, amount: Coin, validator: Option<String> },
        /// The user leaves a validator.
        Unstake { validator: String, amount: Coin },
        /// The user frees what has matured.
        WithdrawUnbonded {},
        /// The user has rewards paid out to an address on the consumer.
        WithdrawRewards { validator: String, remote_recipient: String },
        /// Ours, anyone: applies recorded slashes to the next stakers of a validator.
        SettleSlash { validator: String, limit: u32 },
        /// Ours, anyone: sends due packets and refused vault calls again.
        FlushOutbox { limit: u32 },
        /// Ours, admin: allows the channel to be closed.
        CloseChannel {},
    }

    /// Queries.
    pub enum QueryMsg {
        /// [`ConfigResponse`].
        Config {},
        /// [`AuthorizedEndpoint`].
        AuthorizedEndpoint {},
        /// [`IbcChannelResponse`].
        IbcChannel {},
        /// [`ListActiveValidatorsResponse`].
        ListActiveValidators {
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`ListValidatorsResponse`].
        ListValidators {
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`StakeInfo`].
        Stake { user: String, validator: String },
        /// [`StakesResponse`].
        Stakes {
            user: String,
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
        /// [`PendingRewards`].
        PendingRewards { user: String, validator: String },
        /// [`AllPendingRewards`].
        AllPendingRewards {
            user: String,
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`super::vault::MaxSlashResponse`].
        MaxSlash {},
        /// Ours: [`ValidatorInfo`].
        Validator { validator: String },
        /// Ours: [`OutboxResponse`].
        Outbox {},
    }

    /// Settings a client needs.
    pub struct ConfigResponse {
        pub denom: String,
        pub vault: String,
        pub unbonding_period: u64,
    }

    /// One end of a channel.
    pub struct IbcEndpoint {
        pub port_id: String,
        pub channel_id: String,
    }

    /// The channel, shaped as cosmwasm shapes it.
    pub struct IbcChannel {
        pub endpoint: IbcEndpoint,
        pub counterparty_endpoint: IbcEndpoint,
        pub order: String,
        pub version: String,
        pub connection_id: String,
    }

    /// The open channel.
    pub struct IbcChannelResponse {
        pub channel: IbcChannel,
    }

    /// Validators that may be staked with.
    pub struct ListActiveValidatorsResponse {
        pub validators: Vec<String>,
    }

    /// State of a validator of the consumer.
    #[derive(Copy)]
    pub enum ValState {
        /// In the set.
        Active {},
        /// Out of the set.
        Unbonded {},
        /// Jailed.
        Jailed {},
        /// Out for ever.
        Tombstoned {},
        /// Never heard of.
        Unknown {},
    }

    /// A validator and its state.
    pub struct ValidatorState {
        pub validator: String,
        pub state: ValState,
    }

    /// Validators, by address.
    pub struct ListValidatorsResponse {
        pub validators: Vec<ValidatorState>,
    }

    /// Stake that is leaving.
    pub struct PendingUnbond {
        pub amount: Uint128,
        pub release_at: Timestamp,
    }

    /// A user's stake with one validator. `points_alignment` is signed with the stock offset (2^256 − 1) >> 1.
    pub struct StakeInfo {
        pub stake: Range,
        pub pending_unbonds: Vec<PendingUnbond>,
        pub points_alignment: String,
        pub withdrawn_funds: Uint128,
    }

    /// A stake in a listing.
    pub struct UserStake {
        pub owner: String,
        pub validator: String,
        pub stake: Range,
    }

    /// Stakes of a user, by validator.
    pub struct StakesResponse {
        pub stakes: Vec<UserStake>,
    }

    /// Rewards due.
    pub struct PendingRewards {
        pub rewards: Coin,
    }

    /// Rewards due with one validator.
    pub struct ValidatorPendingRewards {
        pub validator: String,
        pub rewards: PendingRewards,
    }

    /// Rewards of a user, by validator.
    pub struct AllPendingRewards {
        pub rewards: Vec<ValidatorPendingRewards>,
    }

    /// Totals of a validator.
    pub struct ValidatorInfo {
        pub validator: String,
        pub state: ValState,
        pub pub_key: Option<String>,
        /// Σ of the high ends of stakes.
        pub total_stake: Range,
        /// Slashes recorded.
        pub slashes: u64,
        /// Whether stakers are left to whom recorded slashes have not been applied.
        pub settled: bool,
    }

    /// What waits to be sent.
    pub struct OutboxResponse {
        pub packets: u32,
        pub vault_calls: u32,
        /// Earliest time at which something may be sent again.
        pub next_at: Option<Timestamp>,
    }
}
