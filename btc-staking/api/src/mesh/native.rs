//! Messages of `native-staking` and `native-staking-proxy`: stake on the vault's own chain (§5).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::types::{Binary, Coin, Decimal, Uint128};
use std::string::String;
use std::vec::Vec;

super::wire! {
    /// Creates native-staking; the sender is its vault.
    pub struct InstantiateMsg {
        pub denom: String,
        pub proxy_code_id: u64,
        pub slash_ratio_dsign: Decimal,
        pub slash_ratio_offline: Decimal,
        /// Ours: the vault, where it is not the sender.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vault: Option<String>,
    }

    /// Messages of native-staking.
    pub enum ExecuteMsg {
        /// From the vault.
        ReceiveStake { owner: String, msg: Binary },
        /// From the vault.
        BurnStake { owner: String, amount: Coin, validator: Option<String> },
        /// From a proxy, with the released coins.
        ReleaseProxyStake {},
        /// Ours, anyone: compares what the next proxies booked with a validator with what they have there, and
        /// reports the difference as slashed; for chains that do not report slashes.
        ReportSlash { validator: String, limit: u32 },
        /// Ours, from a proxy: its owner moved stake to this validator.
        NoteValidator { validator: String },
    }

    /// From the chain module.
    pub enum SudoMsg {
        /// Validators were jailed or tombstoned; their delegators are about to be slashed.
        Jailing { jailed: Option<Vec<String>>, tombstoned: Option<Vec<String>> },
    }

    /// Queries of native-staking.
    pub enum QueryMsg {
        /// [`ConfigResponse`].
        Config {},
        /// [`ProxyByOwnerResponse`].
        ProxyByOwner { owner: String },
        /// [`OwnerByProxyResponse`].
        OwnerByProxy { proxy: String },
        /// [`super::vault::MaxSlashResponse`].
        MaxSlash {},
    }

    /// Settings.
    pub struct ConfigResponse {
        pub denom: String,
        pub proxy_code_id: u64,
        pub vault: String,
        pub slash_ratio_dsign: Decimal,
        pub slash_ratio_offline: Decimal,
    }

    /// A user's proxy.
    pub struct ProxyByOwnerResponse {
        pub proxy: String,
    }

    /// A proxy's user.
    pub struct OwnerByProxyResponse {
        pub owner: String,
    }

    /// Creates a proxy, with the first funds.
    pub struct ProxyInstantiateMsg {
        pub denom: String,
        pub owner: String,
        pub validator: String,
    }

    /// Data of the instantiation's reply.
    pub struct OwnerMsg {
        pub owner: String,
    }

    /// A vote option, as cosmwasm writes it.
    #[derive(Copy)]
    pub enum VoteOption {
        Yes,
        No,
        Abstain,
        NoWithVeto,
    }

    /// A weighted vote option.
    pub struct WeightedVoteOption {
        pub option: VoteOption,
        pub weight: Decimal,
    }

    /// Messages of the proxy.
    pub enum ProxyExecuteMsg {
        /// Parent: stakes the attached funds.
        Stake { validator: String },
        /// Owner: moves stake between validators.
        Restake { src_validator: String, dst_validator: String, amount: Coin },
        /// Owner.
        Vote { proposal_id: u64, vote: VoteOption },
        /// Owner.
        VoteWeighted { proposal_id: u64, vote: Vec<WeightedVoteOption> },
        /// Owner: all validators.
        WithdrawRewards {},
        /// Owner.
        Unstake { validator: String, amount: Coin },
        /// Owner: gives unbonded coins back to the vault.
        ReleaseUnbonded {},
        /// Parent: undelegates and withholds.
        Burn { validator: Option<String>, amount: Coin },
        /// Ours, parent: a slash of this much is accounted for.
        Slashed { validator: String, amount: Coin },
    }

    /// Queries of the proxy.
    pub enum ProxyQueryMsg {
        /// [`ProxyConfigResponse`].
        Config {},
        /// Ours: [`BookedResponse`].
        Booked { validator: String },
    }

    /// What a proxy delegated to a validator, by its own book.
    pub struct BookedResponse {
        pub amount: Uint128,
        /// Withheld until burned, over all validators.
        pub burned: Uint128,
    }

    /// Settings of the proxy.
    pub struct ProxyConfigResponse {
        pub denom: String,
        pub owner: String,
        pub parent: String,
    }
}
