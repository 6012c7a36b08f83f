//! Why the vault refuses.

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
    /// cw20 tokens cannot be staked with x/staking.
    #[error("a cw20 collateral has no local staking")]
    Cw20Local,
}

/// Why a message is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// The collateral does not carry the lien.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The amount is in another denomination.
    #[error("expected {expected}, got {got}")]
    Denom {
        /// The collateral.
        expected: String,
        /// What was sent.
        got: String,
    },
    /// The funds are not the amount named.
    #[error("{named} named, {sent} sent")]
    FundsDiffer {
        /// In the message.
        named: u128,
        /// Attached.
        sent: u128,
    },
    /// Bonding nothing.
    #[error("nothing was sent")]
    NothingSent,
    /// cw20 tokens come by `send`, coins as funds.
    #[error("this collateral is bonded the other way: {0}")]
    WrongWay(&'static str),
    /// Liens need the collateral.
    #[error("{free} free, {asked} asked for")]
    NotFree {
        /// Certainly free.
        free: u128,
        /// Asked for.
        asked: u128,
    },
    /// No local staking contract.
    #[error("this vault has no local staking")]
    NoLocalStaking,
    /// Only the local staking contract may send this.
    #[error("{0} is not the local staking contract")]
    NotLocalStaking(String),
    /// Plain chains cannot undelegate at once.
    #[error("restake needs x/meshsecurityprovider; bond and stake_local instead")]
    NeedsProviderModule,
    /// The contract may slash more than everything.
    #[error("slash ratio {0} exceeds 1")]
    SlashRatio(Decimal),
    /// No debt of that holder.
    #[error("{0} owes no burn")]
    NoDebt(String),
}
