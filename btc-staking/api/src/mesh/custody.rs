//! The interface of externally custodied collateral, and messages of `custody-example` (§17).
//!
//! A custody is a vault whose collateral lives elsewhere: it *attests* positions, states a user's capacity and
//! slash capacity, is told of faults, and tells of exits. Bitcoin is the first; `custody-example` the second.
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::types::{Binary, Coin, Decimal, Timestamp, Uint128};
use super::vault::UserSlash;
use std::string::String;
use std::vec::Vec;

super::wire! {
    /// Questions every custody answers, under its query variant `custody`.
    pub enum CustodyQuery {
        /// [`AmountResponse`]: what counts as collateral for a user, C(u).
        ActiveAmount { user: String },
        /// [`super::btc_vault::CapacityResponse`]: C(u, consumer), lien and free.
        Capacity { user: String, consumer: String },
        /// [`super::btc_vault::SlashCapacityResponse`]: S(u) and what is promised of it.
        SlashCapacity { user: String },
        /// [`PositionResponse`].
        Position { id: String },
    }

    /// An amount in the custody's unit.
    pub struct AmountResponse {
        pub amount: Uint128,
    }

    /// A key that can cause a fault of a position, at one consumer.
    pub struct FaultKey {
        pub consumer: String,
        pub key: String,
    }

    /// An externally custodied position.
    pub struct Position {
        /// Unique id of the position at its custodian (a txid, a contract slot).
        pub id: String,
        pub user: String,
        pub amount: Uint128,
        pub slash_rate: Decimal,
        pub keys: Vec<FaultKey>,
        /// End of the lock.
        pub until: Timestamp,
    }

    /// State of a position.
    #[derive(Copy)]
    pub enum PositionState {
        /// Not attested by enough attesters.
        Proposed,
        /// Counts.
        Active,
        /// Leaving: counts no more, can still be slashed.
        Exiting,
        /// Taken.
        Slashed,
        /// Gone.
        Closed,
    }

    /// A position and where it stands.
    pub struct PositionResponse {
        pub position: Position,
        pub state: PositionState,
    }

    /// Creates the example custody: tokens of another chain, attested by a threshold of accounts.
    pub struct InstantiateMsg {
        pub denom: String,
        pub attesters: Vec<String>,
        pub threshold: u32,
        pub owner: String,
    }

    /// Messages of the example custody.
    pub enum ExecuteMsg {
        /// Attester: the position exists and is locked.
        Attest { position: Position },
        /// Attester: the position is leaving.
        Exit { id: String },
        /// Attester: a key has misbehaved at a consumer.
        Fault { consumer: String, key: String },
        /// Owner: admits a consumer.
        SetConsumer { consumer: String, external_staking: String, slash_dsign: Decimal, cap: Uint128 },
        /// See the vault's.
        StakeRemote { contract: String, amount: Coin, msg: Binary },
        /// See the vault's.
        ReleaseCrossStake { owner: String, amount: Coin },
        /// See the vault's.
        CommitTx { tx_id: u64 },
        /// See the vault's.
        RollbackTx { tx_id: u64 },
        /// See the vault's.
        CrossSlash { slashes: Vec<UserSlash>, validator: String },
        /// Anyone: takes the next positions of a faulty key out of the backing.
        SettleFault { consumer: String, key: String, limit: u32 },
        /// Anyone: sends a refused burn again.
        RetryBurn { user: String, lienholder: String },
    }

    /// Queries of the example custody.
    pub enum QueryMsg {
        /// [`super::vault::AccountResponse`].
        Account { account: String },
        /// [`super::vault::AccountDetailsResponse`].
        AccountDetails { account: String },
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
        /// [`super::vault::Tx`].
        PendingTx { tx_id: u64 },
        /// [`super::vault::DebtsResponse`].
        Debts { user: String },
        /// The interface every external custody answers.
        Custody(CustodyQuery),
    }
}
