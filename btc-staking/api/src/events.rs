//! Events of the Bitcoin contracts as typed structs: contracts write them, programs read them back.
//!
//! On chain an event's type is `wasm-` and its [`Event::KIND`]; attribute names are field names. A list is
//! one attribute, joined by commas; an absent option is an absent attribute.

use core::fmt;
use core::str::FromStr;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::hex::{BlockHash, Hash32, Key, Txid};

/// An event with a fixed set of attributes.
pub trait Event: Sized {
    /// Name, without the `wasm-` that the chain puts in front.
    const KIND: &'static str;

    /// Attributes in order of declaration.
    fn attributes(&self) -> Vec<(&'static str, String)>;

    /// Reads the event back; other attributes (such as the contract's address) are ignored.
    ///
    /// # Errors
    /// A missing attribute, or one that does not parse.
    fn from_attributes<'a>(
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ParseEventError>;
}

/// Why attributes are not the event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseEventError {
    /// The attribute is not there.
    Missing(&'static str),
    /// The attribute does not parse; carries its text.
    Malformed(&'static str, String),
}

impl fmt::Display for ParseEventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "attribute {name} is missing"),
            Self::Malformed(name, text) => write!(f, "attribute {name} cannot be {text:?}"),
        }
    }
}

impl core::error::Error for ParseEventError {}

/// A value that is written as one attribute, or none.
trait Field: Sized {
    fn write(&self) -> Option<String>;
    fn read(name: &'static str, text: Option<&str>) -> Result<Self, ParseEventError>;
}

fn parse<T: FromStr>(name: &'static str, text: &str) -> Result<T, ParseEventError> {
    text.parse().map_err(|_| ParseEventError::Malformed(name, text.to_string()))
}

macro_rules! plain_field {
    ($($ty:ty),*) => {$(
        impl Field for $ty {
            fn write(&self) -> Option<String> {
                Some(self.to_string())
            }

            fn read(name: &'static str, text: Option<&str>) -> Result<Self, ParseEventError> {
                parse(name, text.ok_or(ParseEventError::Missing(name))?)
            }
        }

        impl Field for Option<$ty> {
            fn write(&self) -> Option<String> {
                self.as_ref().map(ToString::to_string)
            }

            fn read(name: &'static str, text: Option<&str>) -> Result<Self, ParseEventError> {
                text.map(|text| parse(name, text)).transpose()
            }
        }
    )*};
}
plain_field!(String, bool, u32, u64, u128, Key, Hash32, Txid, BlockHash);

macro_rules! list_field {
    ($($ty:ty),*) => {$(
        impl Field for Vec<$ty> {
            fn write(&self) -> Option<String> {
                Some(self.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
            }

            fn read(name: &'static str, text: Option<&str>) -> Result<Self, ParseEventError> {
                let text = text.ok_or(ParseEventError::Missing(name))?;
                text.split(',').filter(|part| !part.is_empty()).map(|part| parse(name, part)).collect()
            }
        }
    )*};
}
list_field!(Key, String);

macro_rules! events {
    ($($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl Event for $name {
            const KIND: &'static str = $kind;

            fn attributes(&self) -> Vec<(&'static str, String)> {
                let fields = [$((stringify!($field), Field::write(&self.$field)),)*];
                fields.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
            }

            fn from_attributes<'a>(
                attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
            ) -> Result<Self, ParseEventError> {
                let attributes: Vec<_> = attributes.into_iter().collect();
                let find = |name: &str| attributes.iter().find(|(key, _)| *key == name).map(|(_, text)| *text);
                Ok(Self { $($field: Field::read(stringify!($field), find(stringify!($field)))?,)* })
            }
        }
    )*};
}

events! {
    /// `btc-light-client`: the tip moved.
    "headers_accepted" HeadersAccepted {
        /// New headers of the main chain or a side branch.
        accepted: u32,
        /// Height of the tip.
        tip_height: u32,
        /// Hash of the tip.
        tip_hash: BlockHash,
    }
    /// `btc-light-client`: a heavier branch replaced blocks; everything above `fork_height` is void.
    "reorg" Reorg {
        /// Last common height.
        fork_height: u32,
        /// Tip height before.
        old_height: u32,
        /// Tip height after.
        new_height: u32,
        /// Number of the deep reorg; 0 if it was less than k deep.
        deep: u32,
    }
    /// `btc-light-client`: processing of a batch stopped at a header.
    "header_refused" HeaderRefused {
        /// Position in the batch.
        position: u32,
        /// Why.
        reason: String,
    }

    /// `btc-staking`: a parameter version was added.
    "params_added" ParamsAdded {
        /// Its number.
        version: u32,
        /// Bitcoin height from which it holds.
        btc_activation_height: u32,
    }
    /// `btc-staking`: a provider registered.
    "provider_registered" ProviderRegistered {
        /// Its key.
        fp_pk: Key,
        /// Its owner.
        owner: String,
        /// Consumers it votes for.
        consumers: Vec<String>,
    }
    /// `btc-staking`: a provider changed.
    "provider_edited" ProviderEdited {
        /// Its key.
        fp_pk: Key,
        /// Commission rate.
        commission: String,
    }
    /// `btc-staking`: governance barred a provider from new delegations.
    "provider_retired" ProviderRetired {
        /// Its key.
        fp_pk: Key,
    }
    /// `btc-staking`: a delegation was registered; it waits for covenant signatures.
    "delegation_registered" DelegationRegistered {
        /// Staking txid.
        txid: Txid,
        /// Owner.
        owner: String,
        /// Staker key.
        staker_pk: Key,
        /// Providers.
        fp_pks: Vec<Key>,
        /// Satoshi.
        value_sat: u64,
        /// Parameter version.
        params_version: u32,
        /// The stake it continues.
        previous_txid: Option<Txid>,
    }
    /// `btc-staking`: a covenant member signed.
    "covenant_signed" CovenantSigned {
        /// Staking txid.
        txid: Txid,
        /// The member.
        covenant_pk: Key,
        /// Members that have signed.
        signers: u32,
    }
    /// `btc-staking`: the covenant quorum is complete; the staking transaction may be broadcast.
    "delegation_verified" DelegationVerified {
        /// Staking txid.
        txid: Txid,
    }
    /// `btc-staking`: a delegation counts.
    "delegation_active" DelegationActive {
        /// Staking txid.
        txid: Txid,
        /// Owner.
        owner: String,
        /// Providers.
        fp_pks: Vec<Key>,
        /// Satoshi.
        value_sat: u64,
        /// Height of the block with the staking transaction.
        start_height: u32,
        /// Height at which the timelock ends.
        end_height: u32,
    }
    /// `btc-staking`: a staking output was spent.
    "delegation_unbonded" DelegationUnbonded {
        /// Staking txid.
        txid: Txid,
        /// Spending transaction.
        spend_txid: Txid,
        /// `unbonding`, `slashing`, `expansion` or `unexpected` (an alarm).
        kind: String,
        /// Height of the spend.
        btc_height: u32,
    }
    /// `btc-staking`: a delegation's time is up.
    "delegation_expired" DelegationExpired {
        /// Staking txid.
        txid: Txid,
    }
    /// `btc-staking`: a deep reorg took a delegation's inclusion away.
    "delegation_quarantined" DelegationQuarantined {
        /// Staking txid.
        txid: Txid,
    }
    /// `btc-staking`: a quarantined delegation's inclusion was proven again.
    "delegation_requalified" DelegationRequalified {
        /// Staking txid.
        txid: Txid,
        /// New height of its block.
        start_height: u32,
    }
    /// `btc-staking`: a provider lost all power for good.
    "provider_slashed" ProviderSlashed {
        /// Its key.
        fp_pk: Key,
    }

    /// `btc-finality`: randomness was committed.
    "randomness_committed" RandomnessCommitted {
        /// Consumer.
        consumer: String,
        /// Provider.
        fp_pk: Key,
        /// First height.
        start_height: u64,
        /// Number of values.
        count: u64,
    }
    /// `btc-finality`: votes were stored.
    "votes_accepted" VotesAccepted {
        /// Consumer.
        consumer: String,
        /// Provider.
        fp_pk: Key,
        /// Lowest height.
        first: u64,
        /// Highest height.
        last: u64,
        /// Number of votes.
        count: u32,
    }
    /// `btc-finality`: a height is final.
    "height_finalized" HeightFinalized {
        /// Consumer.
        consumer: String,
        /// Height.
        height: u64,
        /// Application hash.
        app_hash: Hash32,
        /// Satoshi that voted for it.
        power: u64,
        /// Satoshi of the snapshot.
        total: u64,
    }
    /// `btc-finality`: a provider signed two messages under one nonce; its key is public now.
    "equivocation" Equivocation {
        /// Provider.
        fp_pk: Key,
        /// Extracted secret key.
        secret_key: Hash32,
        /// Consumer, where it is known.
        consumer: Option<String>,
        /// Height, where it is known.
        height: Option<u64>,
    }
    /// `btc-finality`: a provider missed too many heights.
    "provider_jailed" ProviderJailed {
        /// Consumer.
        consumer: String,
        /// Provider.
        fp_pk: Key,
        /// Time from which it may leave, seconds since 1970.
        until: u64,
    }
    /// `btc-finality`: a provider left jail.
    "provider_unjailed" ProviderUnjailed {
        /// Consumer.
        consumer: String,
        /// Provider.
        fp_pk: Key,
    }
    /// `btc-finality`: a provider entered (power > 0) or left (0) the active set.
    "active_set_changed" ActiveSetChanged {
        /// Consumer.
        consumer: String,
        /// Number of the new snapshot.
        version: u32,
        /// Satoshi of the whole snapshot.
        total: u64,
    }
    /// `btc-finality`: rewards were put into the pool.
    "rewards_funded" RewardsFunded {
        /// Consumer.
        consumer: String,
        /// Amount in the consumer's reward denomination.
        amount: u128,
    }
    /// `btc-finality`: rewards were paid.
    "rewards_claimed" RewardsClaimed {
        /// Consumer.
        consumer: String,
        /// Provider.
        fp_pk: Key,
        /// Who was paid.
        to: String,
        /// Amount in the consumer's reward denomination.
        amount: u128,
    }

    /// An item of a batch was refused; the others were not touched.
    "item_refused" ItemRefused {
        /// Position in the batch.
        position: u32,
        /// What it was about: a txid or a height.
        item: String,
        /// Why.
        reason: String,
    }
    /// A peer refused a message; it waits in the outbox for `retry`.
    "message_queued" MessageQueued {
        /// Number in the outbox.
        id: u64,
        /// The peer.
        to: String,
        /// Why.
        reason: String,
    }
    /// A contract was paused or resumed.
    "paused" Paused {
        /// New state.
        paused: bool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_from_its_attributes() {
        let event = DelegationRegistered {
            txid: Txid::from_bytes([1; 32]),
            owner: "mesh1".into(),
            staker_pk: Key::from_bytes([2; 32]),
            fp_pks: std::vec![Key::from_bytes([3; 32]), Key::from_bytes([4; 32])],
            value_sat: 5,
            params_version: 0,
            previous_txid: None,
        };
        let attributes = event.attributes();
        let pairs = attributes.iter().map(|(k, v)| (*k, v.as_str())).chain([("_contract_address", "mesh1x")]);
        assert_eq!(DelegationRegistered::from_attributes(pairs).unwrap(), event);
    }

    #[test]
    fn a_missing_attribute_is_named() {
        let missing = DelegationVerified::from_attributes([]).unwrap_err();
        assert_eq!(missing, ParseEventError::Missing("txid"));
    }
}
