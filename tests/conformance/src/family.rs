//! The families of vectors: one runner each.

mod bitcoin;
mod checkpoint;
mod delegation;
mod finality;
mod possession;
mod schemes;
mod scripts;
mod spends;
mod transactions;
mod witness;

use crate::case::Runner;

const RUNNERS: &[(&str, Runner)] = &[
    ("adaptor", schemes::adaptor),
    ("bls", checkpoint::bls),
    ("checkpoint", checkpoint::checkpoint),
    ("covenant_sigs", witness::covenant_sigs),
    ("delegation", delegation::delegation),
    ("delegation_status", delegation::status),
    ("eots", schemes::eots),
    ("eots_rand", schemes::eots_rand),
    ("evidence", finality::evidence),
    ("finality_vote", finality::vote),
    ("headers", bitcoin::headers),
    ("multisig_staker", scripts::multisig_staker),
    ("op_return", bitcoin::op_return),
    ("params", delegation::params),
    ("parse_v0", transactions::parse_v0),
    ("pop", possession::pop),
    ("presigned_sanity", transactions::presigned_sanity),
    ("pubrand_commit", finality::commit),
    ("signing_context", finality::signing_context),
    ("slashing_build", transactions::slashing_build),
    ("slashing_check", transactions::slashing_check),
    ("spv", bitcoin::spv),
    ("stake_expansion", spends::expansion),
    ("stake_spend", spends::spend),
    ("staking", scripts::staking),
    ("timelock", scripts::timelock),
    ("tx_parse", transactions::tx_parse),
    ("unbonding", scripts::unbonding),
    ("witness", witness::witness),
];

/// Runner of a family.
pub(crate) fn runner(family: &str) -> Option<Runner> {
    RUNNERS.iter().find(|(name, _)| *name == family).map(|(_, runner)| *runner)
}
