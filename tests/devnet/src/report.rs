//! The demo's one JSON object. Every value in it was read back from the chains.

use crate::narrate::StepTime;
use serde::Serialize;

/// The schema's name.
pub(crate) const SCHEMA: &str = "mesh-devnet/demo/1";

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: &'static str,
    pub(crate) ok: bool,
    pub(crate) steps: Vec<StepTime>,
    pub(crate) bitcoin: BitcoinReport,
    pub(crate) stakes: Vec<StakeReport>,
    pub(crate) mesh: MeshReport,
    pub(crate) finality: FinalityReport,
    pub(crate) slashing: SlashingReport,
    pub(crate) exit: ExitReport,
    pub(crate) audit: AuditReport,
}

#[derive(Debug, Serialize)]
pub(crate) struct BitcoinReport {
    pub(crate) node: String,
    pub(crate) tip_height: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct StakeReport {
    pub(crate) owner: String,
    pub(crate) txid: String,
    pub(crate) vout: u32,
    pub(crate) amount_sat: u64,
    pub(crate) states: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct MeshReport {
    pub(crate) collateral_sat: u128,
    pub(crate) lien_sat: u128,
    pub(crate) power_before: u128,
    pub(crate) power_staked: u128,
    pub(crate) power_after_slash: u128,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct FinalityReport {
    pub(crate) hub_finalized_height: u64,
    pub(crate) consumer_finalized_height: u64,
    pub(crate) votes: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct SlashingReport {
    pub(crate) fp_pk: String,
    pub(crate) extracted_key_matches: bool,
    pub(crate) evidence_height: u64,
    pub(crate) slashing_txid: String,
    pub(crate) burned_sat: u64,
    pub(crate) change_sat: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ExitReport {
    pub(crate) unbonding_txid: String,
    pub(crate) withdraw_txids: Vec<String>,
}

/// All satoshi that came to the holders, and where they are now.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct AuditReport {
    pub(crate) sat_in: u64,
    pub(crate) sat_out: u64,
    pub(crate) fees_sat: u64,
    pub(crate) burned_sat: u64,
    pub(crate) balanced: bool,
}
