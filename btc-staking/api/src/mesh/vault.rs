//! Messages of `mesh-vault`, and the faces a vault and its lien holders show each other (§4).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::types::{Binary, Coin, Decimal, Range, Uint128};
use crate::read::{Fields, Outline, Place, Wire, read};
use std::string::String;
use std::vec::Vec;

/// A local staking contract that is there already, or one to instantiate.
#[derive(serde::Serialize, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum LocalStakingInfo {
    /// Address of an existing contract.
    Existing {
        /// The address.
        existing: String,
    },
    /// Code to instantiate and what with.
    New {
        /// Who may migrate it.
        admin: Option<String>,
        /// The code.
        code_id: u64,
        /// Its message.
        msg: Binary,
        /// Its label.
        label: Option<String>,
    },
}

// By hand: no name tells the variants apart, but their fields do.
impl Wire for LocalStakingInfo {
    fn blank() -> Self {
        Self::New { admin: None, code_id: 0, msg: Binary::default(), label: None }
    }
}

impl Place for LocalStakingInfo {
    fn outline(&self) -> &'static Outline {
        const NAMES: &[&str] = &["existing", "admin", "code_id", "msg", "label"];
        const EXISTING: &Outline = &Outline::Struct(Fields { names: NAMES, required: 1 });
        const NEW: &Outline = &Outline::Struct(Fields { names: NAMES, required: 1 << 2 | 1 << 3 });
        match self {
            Self::Existing { .. } => EXISTING,
            Self::New { .. } => NEW,
        }
    }

    fn part(&mut self, index: usize) -> Option<&mut dyn Place> {
        if index == 0 {
            *self = Self::Existing { existing: String::new() };
        }
        match (self, index) {
            (Self::Existing { existing }, 0) => Some(existing),
            (Self::New { admin, .. }, 1) => Some(admin),
            (Self::New { code_id, .. }, 2) => Some(code_id),
            (Self::New { msg, .. }, 3) => Some(msg),
            (Self::New { label, .. }, 4) => Some(label),
            _ => None,
        }
    }
}

impl<'de> serde::Deserialize<'de> for LocalStakingInfo {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

super::wire! {
    /// Creates a vault for one collateral.
    pub struct InstantiateMsg {
        pub denom: String,
        pub local_staking: Option<LocalStakingInfo>,
        /// Ours: the cw20 contract that is the collateral; `denom` is then only its label.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cw20: Option<String>,
        /// Ours: who may set policy; nobody when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub owner: Option<String>,
    }

    /// What one user loses.
    pub struct UserSlash {
        pub user: String,
        pub slash: Uint128,
    }

    /// Messages a vault executes.
    pub enum ExecuteMsg {
        /// Adds collateral; the coins travel as funds.
        Bond {
            #[serde(default)]
            amount: Option<Coin>,
        },
        /// Takes free collateral out.
        Unbond { amount: Coin },
        /// Needs x/meshsecurityprovider; refused on a plain chain.
        Restake { amount: Coin, validator: String },
        /// Stakes on this chain through the local staking contract.
        StakeLocal { amount: Coin, msg: Binary },
        /// Makes a lien for a cross-staking contract.
        StakeRemote { contract: String, amount: Coin, msg: Binary },
        /// From the local staking contract: coins are back in the vault.
        ReleaseLocalStake { owner: String },
        /// From a cross-staking contract: the lien shrinks.
        ReleaseCrossStake { owner: String, amount: Coin },
        /// The pending lien is final.
        CommitTx { tx_id: u64 },
        /// The pending lien is void.
        RollbackTx { tx_id: u64 },
        /// From the local staking contract: stake was slashed.
        LocalSlash { slashes: Vec<UserSlash>, validator: String },
        /// From a cross-staking contract: stake was slashed.
        CrossSlash { slashes: Vec<UserSlash>, validator: String },
        /// Ours, anyone: sends a refused burn again.
        RetryBurn { user: String, lienholder: String },
        /// Ours: cw20 tokens arrive as collateral.
        Receive(Cw20ReceiveMsg),
    }

    /// cw20's notice that tokens were sent with a message.
    pub struct Cw20ReceiveMsg {
        pub sender: String,
        pub amount: Uint128,
        pub msg: Binary,
    }

    /// Queries of a vault.
    pub enum QueryMsg {
        /// [`AccountResponse`].
        Account { account: String },
        /// [`AccountDetailsResponse`].
        AccountDetails { account: String },
        /// [`ConfigResponse`].
        Config {},
        /// [`ActiveExternalStakingResponse`].
        ActiveExternalStaking {},
        /// [`ClaimResponse`].
        Claim { account: String, lienholder: String },
        /// [`AccountClaimsResponse`].
        AccountClaims {
            account: String,
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`AllAccountsResponse`].
        AllAccounts {
            #[serde(default)]
            with_collateral: bool,
            #[serde(default)]
            start_after: Option<String>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// [`Tx`].
        PendingTx { tx_id: u64 },
        /// [`AllTxsResponse`].
        AllPendingTxsDesc {
            #[serde(default)]
            start_after: Option<u64>,
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Ours: [`DebtsResponse`].
        Debts { user: String },
    }

    /// Collateral and what of it is free.
    pub struct AccountResponse {
        pub denom: String,
        pub bonded: Uint128,
        pub free: Range,
    }

    /// [`AccountResponse`] with the two bounds that make up `free`.
    pub struct AccountDetailsResponse {
        pub denom: String,
        pub bonded: Uint128,
        pub free: Range,
        pub max_lien: Range,
        pub total_slashable: Range,
    }

    /// Collateral denom and the local staking contract, if any.
    pub struct ConfigResponse {
        pub denom: String,
        pub local_staking: Option<String>,
    }

    /// Contracts that hold or held liens.
    pub struct ActiveExternalStakingResponse {
        pub contracts: Vec<String>,
    }

    /// One lien.
    pub struct ClaimResponse {
        pub amount: Range,
        pub slashable: Decimal,
    }

    /// One lien in a listing.
    pub struct LienInfo {
        pub lienholder: String,
        pub amount: Range,
    }

    /// Liens of a user.
    pub struct AccountClaimsResponse {
        pub claims: Vec<LienInfo>,
    }

    /// One account in a listing.
    pub struct AllAccountsItem {
        pub user: String,
        pub account: AccountResponse,
    }

    /// Accounts, by user.
    pub struct AllAccountsResponse {
        pub accounts: Vec<AllAccountsItem>,
    }

    /// A pending transaction, of a vault or of external-staking (§3.2).
    pub enum Tx {
        /// A lien waiting for its holder's answer.
        InFlightStaking { id: u64, amount: Uint128, slashable: Decimal, user: String, lienholder: String },
        /// A stake on its way to the consumer.
        InFlightRemoteStaking { id: u64, amount: Uint128, user: String, validator: String },
        /// An unstake on its way to the consumer.
        InFlightRemoteUnstaking { id: u64, amount: Uint128, user: String, validator: String },
        /// Rewards on their way to the consumer.
        InFlightTransferFunds { id: u64, amount: Uint128, staker: String, validator: String },
    }

    /// Pending transactions, newest first.
    pub struct AllTxsResponse {
        pub txs: Vec<Tx>,
    }

    /// A burn the lien holder has refused so far.
    pub struct Debt {
        pub lienholder: String,
        pub amount: Uint128,
    }

    /// Burn debts of a user.
    pub struct DebtsResponse {
        pub debts: Vec<Debt>,
    }

    /// What a vault tells a local staking contract.
    pub enum LocalStakingExecuteMsg {
        /// Stakes the attached funds for `owner`.
        ReceiveStake { owner: String, msg: Binary },
        /// Burns stake of `owner`, at `validator` first.
        BurnStake { owner: String, amount: Coin, validator: Option<String> },
    }

    /// What a vault tells a cross-staking contract.
    pub enum CrossStakingExecuteMsg {
        /// A lien was made; stake it on the consumer.
        ReceiveVirtualStake { owner: String, amount: Coin, tx_id: u64, msg: Binary },
        /// The lien was cut; burn the stake.
        BurnVirtualStake { owner: String, amount: Coin, validator: Option<String> },
    }

    /// The one query a vault makes of either.
    pub enum StakingQueryMsg {
        /// [`MaxSlashResponse`].
        MaxSlash {},
    }

    /// Share of a stake that one fault may cost.
    pub struct MaxSlashResponse {
        pub slash_ratio_dsign: Decimal,
        pub slash_ratio_offline: Decimal,
    }

    /// The `msg` of `stake_local` and `stake_remote`.
    pub struct StakeMsg {
        pub validator: String,
    }

    /// What a lien holder tells its vault; a subset of every vault's messages.
    pub enum VaultApiExecuteMsg {
        /// See [`ExecuteMsg::ReleaseCrossStake`].
        ReleaseCrossStake { owner: String, amount: Coin },
        /// See [`ExecuteMsg::ReleaseLocalStake`].
        ReleaseLocalStake { owner: String },
        /// See [`ExecuteMsg::CommitTx`].
        CommitTx { tx_id: u64 },
        /// See [`ExecuteMsg::RollbackTx`].
        RollbackTx { tx_id: u64 },
        /// See [`ExecuteMsg::LocalSlash`].
        LocalSlash { slashes: Vec<UserSlash>, validator: String },
        /// See [`ExecuteMsg::CrossSlash`].
        CrossSlash { slashes: Vec<UserSlash>, validator: String },
    }
}
