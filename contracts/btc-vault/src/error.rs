//! Why the vault refuses.

use crate::timing::TimingTooShort;
use contract_host::peers::PeerError;
use cosmwasm_std::StdError;
use mesh_accounting::store::BookError;
use staking_api::mesh::Decimal;
use thiserror::Error;

/// Why the vault cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// The vault counts in satoshi.
    #[error("denom must be \"sat\", not {0:?}")]
    Denom(String),
    /// Binding needs the registry that keeps it.
    #[error("require_fp_binding needs a registry")]
    NoRegistry,
    /// Nearness to the end of a timelock is told by the light client's tip.
    #[error("expiry_margin_blocks needs a light client")]
    NoLightClient,
    /// Delegations are kept in the order of their ends only where there is a light client.
    #[error("delegations are there already; a light client cannot be added any more")]
    LightClientLate,
    /// Consumers were admitted that need more time than the policy leaves.
    #[error(transparent)]
    Timing(#[from] TimingTooShort),
}

/// Why a message is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// The backing does not carry the lien.
    #[error(transparent)]
    Book(#[from] BookError),
    /// A message of the native vault that has no meaning here.
    #[error("collateral lives on Bitcoin")]
    CollateralOnBitcoin,
    /// The sender may not send this.
    #[error("{sender} is not {role}")]
    Unauthorized {
        /// Who sent it.
        sender: String,
        /// Who may.
        role: &'static str,
    },
    /// The amount is in another denomination.
    #[error("expected sat, got {0}")]
    Denom(String),
    /// Not a consumer the owner admitted.
    #[error("{0} is not the external-staking of an admitted consumer")]
    UnknownConsumer(String),
    /// The owner has paused new liens.
    #[error("new liens for {0} are paused")]
    Paused(String),
    /// The consumer's own cap.
    #[error("liens for {consumer} would be {value}, capped at {cap} sat")]
    ConsumerCap {
        /// Chain id.
        consumer: String,
        /// What they would be.
        value: u128,
        /// The cap.
        cap: u64,
    },
    /// A provider of the user was slashed; its delegations have to be settled first.
    #[error("provider {0} was slashed; have its delegations settled with settle_slash first")]
    SlashPending(String),
    /// The validator is not bound to a provider of the user for that consumer.
    #[error("validator {validator} of {consumer} is not bound to a provider of this user")]
    NotBound {
        /// Chain id.
        consumer: String,
        /// The validator named.
        validator: String,
    },
    /// The `msg` of a stake does not name a validator.
    #[error("stake message: {0}")]
    StakeMsg(String),
    /// A delegation names too many providers, or one consumer twice.
    #[error("delegation {0}: one provider per consumer, at most {1}")]
    Providers(String, usize),
    /// More than everything.
    #[error("ratio {0} exceeds 1")]
    Ratio(Decimal),
    /// Its contract may slash more than was stated.
    #[error("external-staking may slash {actual}, stated was {stated}")]
    SlashUnderstated {
        /// What the owner stated.
        stated: Decimal,
        /// What the contract says.
        actual: Decimal,
    },
    /// More delegations near their end than one message takes out.
    #[error("delegations near the end of their timelock have to be taken out with expire first")]
    ExpiryPending,
    /// The light client does not answer.
    #[error("light client: {0}")]
    LightClient(#[from] PeerError),
    /// Bitcoin would be free before the consumer can prove a fault.
    #[error(transparent)]
    Timing(#[from] TimingTooShort),
    /// That contract serves another consumer.
    #[error("{0} serves another consumer")]
    ContractTaken(String),
    /// No debt of that holder.
    #[error("{0} owes no burn")]
    NoDebt(String),
    /// The provider was not slashed, or everything is settled.
    #[error("nothing to settle for {0}")]
    NothingToSettle(String),
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] InstantiateError),
}
