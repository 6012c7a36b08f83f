//! Step 6: votes on hub and consumer blocks, finality with more than two thirds, rewards claimed by a holder.

use super::Signers;
use super::providers::{NAMES, provider};
use crate::report::FinalityReport;
use crate::stage::{Cast, Fp, Stage, nudge};
use anyhow::{Context, Result};
use mesh_bridge::fp::{Provider, RemoteSigner};
use staking_api::finality::{Consumer, ExecuteMsg, QueryMsg, Rewards, Votes};
use staking_clients::cosmos::{ChainClient, smart_query};

/// Heights that become final in the story, at least.
const HEIGHTS: u64 = 3;
/// Rewards of the story, base units of the hub.
const REWARD: u128 = 1_000_000;

/// Both providers vote for both chains until a few heights are final.
pub(super) fn finalise(
    stage: &Stage<'_>,
    cast: &mut Cast<'_>,
    signers: &Signers,
    fps: &[Fp],
) -> Result<FinalityReport> {
    cast.narrator.step(
        "finality",
        "Providers vote on hub and consumer blocks; more than 2/3 of the BTC power makes them final; rewards are claimed.",
    );
    let hub = stage.clients.endpoints.hub.chain_id.clone();
    let consumer = stage.clients.endpoints.consumer.chain_id.clone();
    let finality = cast.deployed.bitcoin.finality.clone();
    let fund = ExecuteMsg::FundRewards { consumer: hub.clone() };
    let denom = stage.clients.endpoints.hub.denom.clone();
    cast.owner.execute(&finality, &fund, &[(REWARD, &denom)])?;
    let mut report = FinalityReport::default();
    for chain in [&hub, &consumer] {
        let first = begin(stage, cast, chain)?;
        let reached = vote_until(stage, cast, signers, fps, chain, first + HEIGHTS)?;
        report.votes += count_votes(stage, cast, chain, first, reached)?;
        cast.narrator.tell(format!("{chain}: heights {first} to {reached} are final"));
    }
    report.hub_finalized_height = last_finalised(stage, cast, &hub)?;
    report.consumer_finalized_height = last_finalised(stage, cast, &consumer)?;
    claim(stage, cast, &hub, fps)?;
    Ok(report)
}

/// Governance lets finality begin at the chain's next block, now that there is power and committed randomness for it:
/// how long it took to get here says nothing then, on a slow machine or on chains that wait for their blocks.
fn begin(stage: &Stage<'_>, cast: &Cast<'_>, chain: &str) -> Result<u64> {
    let next = node(stage, chain).status()?.height + 1;
    let start = ExecuteMsg::Resume { consumer: chain.to_owned(), jail: Vec::new(), next_height: Some(next) };
    cast.owner.execute(&cast.deployed.bitcoin.finality, &start, &[])?;
    Ok(state(stage, cast, chain)?.next_height)
}

fn node<'c>(stage: &Stage<'c>, chain: &str) -> &'c dyn ChainClient {
    let at_hub = chain == stage.clients.endpoints.hub.chain_id;
    if at_hub { &stage.clients.hub } else { &stage.clients.consumer }
}

fn vote_until(
    stage: &Stage<'_>,
    cast: &Cast<'_>,
    signers: &Signers,
    fps: &[Fp],
    chain: &str,
    height: u64,
) -> Result<u64> {
    let node = node(stage, chain);
    stage.wait("blocks to vote for", || Ok((node.status()?.height >= height).then_some(())))?;
    stage.wait("finality", || {
        for ((name, signer), fp) in NAMES.into_iter().zip(&signers.providers).zip(fps) {
            let account = stage.hub_writer(name)?;
            let worker = provider(stage, cast, &account, fp.pk, chain);
            worker.vote(&mut RemoteSigner::new(signer.client()))?;
        }
        let last = state(stage, cast, chain)?.last_finalized;
        Ok(last.filter(|last| *last >= height))
    })
}

/// One more vote, alone in its message.
pub(super) fn vote_once(stage: &Stage<'_>, cast: &Cast<'_>, signers: &Signers, fps: &[Fp]) -> Result<()> {
    let hub = stage.clients.endpoints.hub.chain_id.clone();
    stage.wait("a single vote", || {
        for ((name, signer), fp) in NAMES.into_iter().zip(&signers.providers).zip(fps) {
            let account = stage.hub_writer(name)?;
            let worker = Provider { batch: 1, ..provider(stage, cast, &account, fp.pk, &hub) };
            if worker.vote(&mut RemoteSigner::new(signer.client()))?.votes.len() == 1 {
                return Ok(Some(()));
            }
        }
        Ok(None)
    })
}

/// A consumer as the finality contract has it.
pub(super) fn state(stage: &Stage<'_>, cast: &Cast<'_>, chain: &str) -> Result<Consumer> {
    let query = QueryMsg::Consumer { id: chain.to_owned() };
    let found: Option<Consumer> = smart_query(&stage.clients.hub, &cast.deployed.bitcoin.finality, &query)?;
    found.with_context(|| format!("consumer {chain} is not registered"))
}

fn last_finalised(stage: &Stage<'_>, cast: &Cast<'_>, chain: &str) -> Result<u64> {
    state(stage, cast, chain)?.last_finalized.context("no final height")
}

/// Counts the votes that the contract stored.
fn count_votes(stage: &Stage<'_>, cast: &Cast<'_>, chain: &str, from: u64, to: u64) -> Result<u64> {
    let mut count = 0;
    for height in from..=to {
        let query =
            QueryMsg::Votes { consumer: chain.to_owned(), height, start_after: None, limit: Some(100) };
        let votes: Votes = smart_query(&stage.clients.hub, &cast.deployed.bitcoin.finality, &query)?;
        count += votes.votes.len() as u64;
    }
    Ok(count)
}

/// Holder A claims what its stake earned.
fn claim(stage: &Stage<'_>, cast: &Cast<'_>, chain: &str, fps: &[Fp]) -> Result<()> {
    let account = stage.hub_writer("A")?;
    let fp_pk = super::fp(fps, "fp1")?.pk;
    let finality = &cast.deployed.bitcoin.finality;
    let query = QueryMsg::Rewards { consumer: chain.to_owned(), fp_pk, staker: account.address() };
    let due = stage.wait("rewards", || {
        let settle = ExecuteMsg::Finalize { consumer: chain.to_owned(), limit: 50 };
        nudge(&cast.relayer, finality, &settle)?;
        let rewards: Rewards = smart_query(&stage.clients.hub, finality, &query)?;
        Ok(rewards.amount.filter(|coin| coin.amount.0 > 0))
    })?;
    let denom = &stage.clients.endpoints.hub.denom;
    let before = stage.clients.hub.balance(&account.address(), denom)?;
    account.execute(finality, &ExecuteMsg::ClaimRewards { consumer: chain.to_owned(), fp_pk }, &[])?;
    let gained = stage.clients.hub.balance(&account.address(), denom)?.saturating_sub(before);
    anyhow::ensure!(gained == due.amount.0, "claimed {gained}{denom} instead of {}", due.amount.0);
    cast.narrator.tell(format!("A claims {gained}{denom} of rewards"));
    Ok(())
}
