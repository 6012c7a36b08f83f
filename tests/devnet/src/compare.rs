//! `compare`: four designs of shared security on one and the same set of chains, stakes and prices.
//!
//! A design only says who is paired with whom and within what limits; the contracts do the rest, and what came of it
//! is read from the chains. Nothing here computes power.

mod design;
mod set;
pub(crate) mod table;

use crate::args::Engine;
use anyhow::Result;
use serde::Serialize;
use set::{BITCOIN, CHAINS};

/// Name of the JSON object's shape.
const SCHEMA: &str = "mesh-devnet/compare/1";

/// The whole comparison; amounts of money in dollars.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) set: SetReport,
    pub(crate) designs: Vec<DesignReport>,
}

/// What all designs start from.
#[derive(Debug, Serialize)]
pub(crate) struct SetReport {
    pub(crate) chains: Vec<StakeReport>,
    pub(crate) bitcoin: StakeReport,
}

/// Stake that its holders put to work, in dollars.
#[derive(Debug, Serialize)]
pub(crate) struct StakeReport {
    pub(crate) name: &'static str,
    pub(crate) staked: u128,
}

/// What a design comes to.
#[derive(Debug, Serialize)]
pub(crate) struct DesignReport {
    pub(crate) design: &'static str,
    /// On the cheapest chain.
    pub(crate) attack_cost_third: u128,
    pub(crate) attack_cost_two_thirds: u128,
    /// The chain on which an attack is cheapest.
    pub(crate) cheapest: &'static str,
    /// On no chain has another party more power than the chain's own stakers.
    pub(crate) own_validator_set: bool,
    /// Chains that one other party can halt (a third of the power), or rule (two thirds).
    pub(crate) chains_one_party_can_halt: usize,
    pub(crate) chains_one_party_can_rule: usize,
    /// Least share of power that a chain's own stake has, per mille.
    pub(crate) own_share_permille: u128,
    pub(crate) uses_bitcoin: bool,
    pub(crate) pairings: usize,
    pub(crate) chains: Vec<ChainReport>,
}

/// One chain in a design.
#[derive(Debug, Serialize)]
pub(crate) struct ChainReport {
    pub(crate) chain: &'static str,
    /// Power of its own stake.
    pub(crate) own: u128,
    /// Power lent by others.
    pub(crate) from: Vec<Lent>,
    pub(crate) attack_cost_third: u128,
    pub(crate) attack_cost_two_thirds: u128,
}

/// Power that one provider lends.
#[derive(Debug, Serialize)]
pub(crate) struct Lent {
    pub(crate) provider: &'static str,
    pub(crate) power: u128,
}

/// Runs all designs.
pub(crate) fn run(engine: Engine) -> Result<Report> {
    let chains = CHAINS.iter().map(|c| StakeReport { name: c.name, staked: c.dollars() }).collect();
    let bitcoin = StakeReport { name: BITCOIN.name, staked: BITCOIN.dollars() };
    let mut designs = Vec::new();
    for design in &design::ALL {
        designs.push(design.run(engine)?);
    }
    Ok(Report { schema: SCHEMA, unit: "USD", set: SetReport { chains, bitcoin }, designs })
}
