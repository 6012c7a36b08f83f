//! Step 7: a double vote gives the key away; it bites in the mesh and on Bitcoin.

use super::finality::state;
use super::mesh::epoch;
use super::stakes::flip;
use crate::args::Spoil;
use crate::keys;
use crate::report::{MeshReport, SlashingReport};
use crate::stage::{Cast, Fp, Stage, Staked, nudge};
use anyhow::{Context, Result};
use bridge_relay::slash::SlashAction;
use mesh_bridge::slasher::{Slashed, Slasher};
use mesh_bridge::spends::SpendIndex;
use mesh_bridge::tracker::Tracker;
use staking_api::finality::{Evidence, ExecuteMsg, QueryMsg, SignedMessage, VoteInfo};
use staking_api::mesh::btc_vault::ExecuteMsg as VaultExecute;
use staking_api::{Binary, Hash32, Key};
use staking_clients::bitcoin::BitcoinSource;
use staking_clients::cosmos::smart_query;
use staking_crypto::curve::Libsecp;
use staking_crypto::{Curve, OneTimeNonce, Scalar, SecretKey, eots};
use staking_protocol::context::{Context as Signing, Domain, Purpose};
use staking_protocol::finality::vote::vote_message;

/// Provider 2 signs a second block; anybody reports it; the stake behind it is slashed on both sides.
pub(super) fn double_vote(
    stage: &Stage<'_>,
    cast: &mut Cast<'_>,
    fps: &[Fp],
    stakes: &mut [Staked],
    mesh: &mut MeshReport,
) -> Result<SlashingReport> {
    cast.narrator.step(
        "slashing",
        "Provider 2 signs two blocks at one height: its key follows, B's stake is slashed in the mesh and on Bitcoin.",
    );
    let rogue = super::fp(fps, "fp2")?;
    let consumer = stage.clients.endpoints.consumer.chain_id.clone();
    let height = state(stage, cast, &consumer)?.last_finalized.context("nothing is final")?;
    let evidence = report_double_vote(stage, cast, rogue, &consumer, height)?;
    let matches = key_matches(&evidence)?;
    cast.narrator
        .tell(format!("height {height} of {consumer}: two votes, one nonce; the key is extracted on chain"));
    settle_mesh(stage, cast, rogue.pk, mesh)?;
    let slashed = slash_on_bitcoin(stage, cast)?;
    stage.relay_headers(&cast.relayer, &cast.deployed.bitcoin.light_client)?;
    Tracker::new(&stage.clients.bitcoin, cast.hub()).round()?;
    for stake in stakes.iter_mut() {
        stake.note(stage.status(&cast.hub(), stake.txid)?);
    }
    let mut report = on_chain(stage, &slashed)?;
    report.fp_pk = rogue.pk.to_string();
    report.extracted_key_matches = matches;
    report.evidence_height = evidence.height.unwrap_or(height);
    cast.narrator.table(&[
        ("power now", mesh.power_after_slash.to_string()),
        ("slashing transaction", report.slashing_txid.clone()),
        ("burned", crate::narrate::sat(report.burned_sat)),
        ("locked for B", crate::narrate::sat(report.change_sat)),
    ]);
    Ok(report)
}

/// The provider's own vote from the chain, and a second one made by a copy of the key without a guard.
fn report_double_vote(
    stage: &Stage<'_>,
    cast: &Cast<'_>,
    rogue: &Fp,
    consumer: &str,
    height: u64,
) -> Result<Evidence> {
    let finality = &cast.deployed.bitcoin.finality;
    let query = QueryMsg::Vote { consumer: consumer.to_owned(), fp_pk: rogue.pk, height };
    let vote: Option<VoteInfo> = smart_query(&stage.clients.hub, finality, &query)?;
    let vote = vote.context("provider 2 did not vote")?;
    let signing = Signing::v0(Purpose::FinalityVote, consumer, finality);
    let domain = Domain::V0(signing);
    let key = SecretKey::from_bytes(&keys::secret(stage.seed, "eots-key/fp2"))?;
    let nonce = OneTimeNonce::derive(&key, signing.as_bytes(), height);
    let pub_rand = Hash32::from_bytes(*nonce.public().as_bytes());
    let fork = vote_message(&domain, height, &keys::secret(stage.seed, "a block that never was"));
    let signature = eots::sign(nonce, &key, &fork).map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let first = SignedMessage {
        message: Binary(vote_message(&domain, height, vote.app_hash.as_bytes())),
        signature: vote.signature,
    };
    let mut second =
        SignedMessage { message: Binary(fork), signature: Hash32::from_bytes(signature.to_bytes()) };
    if stage.spoil == Some(Spoil::Evidence) {
        flip(Some(&mut second.message.0));
    }
    let msg = ExecuteMsg::SubmitEvidence { fp_pk: rogue.pk, pub_rand, first, second };
    cast.relayer.execute(finality, &msg, &[])?;
    let evidence: Option<Evidence> =
        smart_query(&stage.clients.hub, finality, &QueryMsg::Evidence { fp_pk: rogue.pk })?;
    evidence.context("the contract kept no evidence")
}

/// Whether the key that the contract extracted is the provider's.
fn key_matches(evidence: &Evidence) -> Result<bool> {
    let secret = Scalar::from_bytes(evidence.secret_key.as_bytes())?;
    Ok(Libsecp.base_mul(&secret)?.x_only().as_bytes() == evidence.fp_pk.as_bytes())
}

/// Anybody's calls that carry the slash through the mesh, until the consumer's power has fallen.
fn settle_mesh(stage: &Stage<'_>, cast: &Cast<'_>, fp_pk: Key, mesh: &mut MeshReport) -> Result<()> {
    let settle = VaultExecute::SettleSlash { fp_pk: fp_pk.to_string(), limit: 10 };
    nudge(&cast.relayer, &cast.deployed.vault, &settle)?;
    let staked = mesh.power_staked;
    mesh.power_after_slash = epoch(stage, cast, |power| power < staked)?;
    let (mut collateral, mut lien) = (0, 0);
    for owner in ["A", "B"] {
        let user = stage.hub_writer(owner)?.address();
        let (c, l) = super::mesh::vault_account(stage, cast, &user)?;
        collateral += c;
        lien += l;
    }
    cast.narrator.tell(format!("collateral left {collateral} sat, liens left {lien} sat"));
    Ok(())
}

/// The watchtower completes the pre-signed transaction with the extracted key; a miner takes it.
fn slash_on_bitcoin(stage: &Stage<'_>, cast: &Cast<'_>) -> Result<Slashed> {
    let mut slasher = Slasher {
        bitcoin: &stage.clients.bitcoin,
        hub: cast.hub(),
        index: SpendIndex::default(),
        from_height: 1,
    };
    let sent = slasher.round()?;
    let sent =
        sent.into_iter().find(|s| s.action == SlashAction::SlashStaking).context("nothing was slashed")?;
    stage.mine(1)?;
    let again = slasher.round()?;
    anyhow::ensure!(
        again.iter().any(|s| s.stake == sent.stake && s.action == SlashAction::Done),
        "the slashing transaction is in no block: {again:?}"
    );
    Ok(sent)
}

/// Reads the mined slashing transaction.
fn on_chain(stage: &Stage<'_>, slashed: &Slashed) -> Result<SlashingReport> {
    let txid = slashed.sent.context("nothing was sent")?;
    let status = stage.clients.bitcoin.transaction(txid)?.context("the node does not know it")?;
    anyhow::ensure!(status.block.is_some(), "the slash is in no block");
    let value = |vout: usize| status.tx.output.get(vout).map_or(0, |o| o.value.to_sat());
    Ok(SlashingReport {
        slashing_txid: txid.to_string(),
        burned_sat: value(0),
        change_sat: value(1),
        ..SlashingReport::default()
    })
}
