//! Commitments to public randomness (spec §8.1).

use contract_host::HostCurve;
use contract_host::events::EmitExt;
use cosmwasm_std::{DepsMut, Env, Response};
use staking_api::events::RandomnessCommitted;
use staking_api::parse::schnorr;
use staking_api::{Binary, Hash32, Key};
use staking_crypto::XOnly;
use staking_protocol::context::Purpose;
use staking_protocol::finality::RandomnessCommitment;

use crate::error::FinalityError;
use crate::state::consumer::{Cursors, Hot};
use crate::state::evidence::is_slashed;
use crate::state::provider::slot_of;
use crate::state::votes;

/// A commitment as it was sent.
pub(crate) struct Commit {
    pub(crate) start_height: u64,
    pub(crate) count: u64,
    pub(crate) commitment: Hash32,
    pub(crate) signature: Binary,
}

// Apart: all handlers in one function are more local variables than cosmwasm-vm takes.
#[inline(never)]
pub(crate) fn run(
    deps: DepsMut<'_>,
    env: &Env,
    consumer: &str,
    fp: &Key,
    msg: &Commit,
) -> Result<Response, FinalityError> {
    let settings = Hot::require(deps.storage, consumer)?;
    let slot = slot_of(deps.storage, settings.number, fp)?;
    if is_slashed(deps.storage, fp) {
        return Err(FinalityError::ProviderSlashed(*fp));
    }
    let commitment = RandomnessCommitment::new(msg.start_height, msg.count, msg.commitment.as_bytes())?;
    check_bounds(&commitment, &settings, &Cursors::load(deps.storage, settings.number)?)?;
    if let Some(last) = votes::Commit::at(deps.storage, settings.number, slot, u64::MAX)? {
        commitment.check_follows(last.commitment.last())?;
    }
    let domain = settings.rules.domain(Purpose::RandomnessCommitment, consumer, env);
    let key = XOnly::from_bytes(fp.as_bytes())?;
    commitment
        .verify(&HostCurve::new(deps.api), &domain, &key, &schnorr("signature", &msg.signature)?)
        .map_err(FinalityError::CommitmentSignature)?;
    let hub_height = env.block.height;
    votes::Commit { commitment, hub_height }.save(deps.storage, settings.number, slot);
    let (consumer, start_height, count) = (consumer.to_string(), msg.start_height, msg.count);
    Ok(Response::new().emit(&RandomnessCommitted { consumer, fp_pk: *fp, start_height, count }))
}

fn check_bounds(
    commitment: &RandomnessCommitment,
    settings: &Hot,
    cursors: &Cursors,
) -> Result<(), FinalityError> {
    let (start, count) = (commitment.start(), commitment.num());
    let refuse = |rule| Err(FinalityError::CommitmentRule { start, count, rule });
    if start < settings.activation_height {
        return refuse("starts before the activation height");
    }
    if count < settings.min_pub_rand {
        return refuse("too few values");
    }
    if count > settings.max_pub_rand {
        return refuse("too many values");
    }
    if start > cursors.next_height.saturating_add(settings.max_commit_lead) {
        return refuse("starts too far ahead");
    }
    Ok(())
}
