//! Messages of `price-feed`: median of several sources, with age and step limits (§10, §16.7).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::types::{Decimal, Timestamp};
use std::string::String;
use std::vec::Vec;

super::wire! {
    /// Creates a feed of one pair. With no sources the owner's word is the price, as in the stock simple feed.
    pub struct InstantiateMsg {
        pub native_per_foreign: Decimal,
        pub owner: Option<String>,
        /// Ours: accounts whose signed transactions are the sources.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub sources: Vec<String>,
        /// Ours: fresh sources needed for a price; at least 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub min_sources: Option<u32>,
        /// Ours: seconds after which a submission is stale; never when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ttl_s: Option<u64>,
        /// Ours: largest relative change between two accepted prices.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_step: Option<Decimal>,
        /// Ours: least seconds between two steps.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub step_s: Option<u64>,
    }

    /// Messages.
    pub enum ExecuteMsg {
        /// From the owner (no sources) or a source.
        UpdatePrice { native_per_foreign: Decimal },
        /// Ours, owner.
        SetSources { sources: Vec<String>, min_sources: u32 },
        /// Ours, owner.
        SetOwner { owner: String },
    }

    /// Queries.
    pub enum QueryMsg {
        /// [`PriceResponse`]; an error when outdated.
        Price {},
        /// [`ConfigResponse`].
        Config {},
        /// Ours: [`SourcesResponse`].
        Sources {},
    }

    /// From the chain module.
    pub enum SudoMsg {
        /// Nothing to do.
        HandleEpoch {},
    }

    /// Base units of the staking token per base unit of the foreign token.
    pub struct PriceResponse {
        pub native_per_foreign: Decimal,
    }

    /// Settings.
    pub struct ConfigResponse {
        pub owner: Option<String>,
        #[serde(default)]
        pub min_sources: u32,
        #[serde(default)]
        pub ttl_s: Option<u64>,
        #[serde(default)]
        pub max_step: Option<Decimal>,
    }

    /// One source's last word.
    pub struct Submission {
        pub source: String,
        pub native_per_foreign: Option<Decimal>,
        pub at: Timestamp,
    }

    /// All sources.
    pub struct SourcesResponse {
        pub sources: Vec<Submission>,
    }
}
