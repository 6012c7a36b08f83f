//! After the story, for `--gas`: every message of the Bitcoin contracts that the story has no use for, once, so that
//! this chain has executed all of them.

use super::params;
use crate::deploy::K;
use crate::keys;
use crate::stage::{Cast, Fp, Stage};
use anyhow::Result;
use serde_json::json;
use staking_api::finality::{ConsumerSettings, ExecuteMsg as Finality};
use staking_api::light_client::{ConfigUpdate, ExecuteMsg as LightClient};
use staking_api::staking::{Description, EditProvider, ExecuteMsg as Staking};
use staking_api::{Hash32, Key};
use staking_clients::bitcoin::BitcoinSource;
use staking_clients::cosmos::Writer;

/// The address of a key hash that nobody has.
const ELSEWHERE: &str = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202";

/// Provider 1, honest until here, is jailed, freed, and gives its key away; Bitcoin reorganises and time runs out.
pub(super) fn send(stage: &Stage<'_>, cast: &mut Cast<'_>, fps: &[Fp]) -> Result<()> {
    cast.narrator.step("remaining", "Every other message of the Bitcoin contracts is sent once.");
    let fp = super::fp(fps, "fp1")?.pk;
    let provider = stage.hub_writer("fp1")?;
    govern_light_client(cast)?;
    govern_staking(stage, cast, fp, &provider)?;
    govern_finality(stage, cast, fp, &provider)?;
    leak(stage, cast, fp)?;
    reorganise(stage, cast)?;
    expire(stage, cast)?;
    cast.owner.execute(&cast.deployed.bitcoin.staking, &Staking::RetireProvider { fp_pk: fp }, &[])?;
    Ok(())
}

fn govern_light_client(cast: &Cast<'_>) -> Result<()> {
    let admin = cast.owner.address();
    let update = ConfigUpdate { guardian: Some(admin.clone()), ..ConfigUpdate::default() };
    for msg in [
        LightClient::UpdateConfig(update),
        LightClient::SetPaused { paused: true },
        LightClient::SetPaused { paused: false },
        LightClient::UpdateAdmin { admin },
        LightClient::Prune { limit: 10 },
    ] {
        cast.owner.execute(&cast.deployed.bitcoin.light_client, &msg, &[])?;
    }
    Ok(())
}

fn govern_staking(stage: &Stage<'_>, cast: &Cast<'_>, fp_pk: Key, provider: &Writer<'_>) -> Result<()> {
    let staking = &cast.deployed.bitcoin.staking;
    let description = Description { moniker: "fp1, renamed".to_owned(), ..Description::default() };
    let edit = EditProvider { fp_pk, commission_rate: None, description: Some(description) };
    provider.execute(staking, &Staking::EditProvider(edit), &[])?;
    let mut next = params(stage.seed)?;
    next.btc_activation_height = stage.tip()? + 10_000;
    for msg in [
        Staking::AddParams { params: next },
        Staking::SetPaused { paused: true },
        Staking::SetPaused { paused: false },
        Staking::UpdateAdmin { admin: None, guardian: Some(cast.owner.address()) },
        Staking::Retry { limit: 10 },
    ] {
        cast.owner.execute(staking, &msg, &[])?;
    }
    Ok(())
}

fn govern_finality(stage: &Stage<'_>, cast: &Cast<'_>, fp_pk: Key, provider: &Writer<'_>) -> Result<()> {
    let finality = &cast.deployed.bitcoin.finality;
    let consumer = stage.clients.endpoints.hub.chain_id.clone();
    let settings: ConsumerSettings = serde_json::from_value(json!({"id": consumer, "jail_seconds": 0}))?;
    let commission = Finality::ClaimCommission { consumer: consumer.clone(), fp_pk };
    provider.execute(finality, &commission, &[])?;
    for msg in [
        Finality::UpdateConsumer(settings),
        Finality::SetPaused { consumer: consumer.clone(), paused: true },
        Finality::SetPaused { consumer: consumer.clone(), paused: false },
        Finality::UpdateAdmin { admin: None, guardian: Some(cast.owner.address()) },
        Finality::Retry { limit: 10 },
        Finality::Prune { consumer: consumer.clone(), limit: 10 },
        Finality::Resume { consumer: consumer.clone(), jail: vec![fp_pk], next_height: None },
    ] {
        cast.owner.execute(finality, &msg, &[])?;
    }
    provider.execute(finality, &Finality::Unjail { consumer: consumer.clone(), fp_pk }, &[])?;
    // Votes have made final what could be; what is left to do is to take the provider into the active set again.
    cast.relayer.execute(finality, &Finality::Finalize { consumer, limit: 10 }, &[])?;
    Ok(())
}

/// Provider 1's key becomes known: what is left of its stakes is swept, and it can never come back.
fn leak(stage: &Stage<'_>, cast: &Cast<'_>, fp_pk: Key) -> Result<()> {
    let contracts = &cast.deployed.bitcoin;
    let secret_key = Hash32::from_bytes(keys::secret(stage.seed, "eots-key/fp1"));
    cast.relayer.execute(&contracts.finality, &Finality::SubmitLeakedKey { fp_pk, secret_key }, &[])?;
    cast.relayer.execute(&contracts.staking, &Staking::SweepSlashed { fp_pk, limit: 10 }, &[])?;
    Ok(())
}

/// Bitcoin forgets more blocks than confirm a stake, and whoever was included in them counts no more.
fn reorganise(stage: &Stage<'_>, cast: &Cast<'_>) -> Result<()> {
    let bitcoin = &stage.clients.bitcoin;
    stage.mine(K + 2)?;
    let contracts = &cast.deployed.bitcoin;
    stage.relay_headers(&cast.relayer, &contracts.light_client)?;
    let fork = bitcoin.block_hash(stage.tip()? - K)?;
    bitcoin.call("invalidateblock", json!([fork.to_string()]))?;
    // To somebody else than before: the same block again, in the same second, would be the one that was invalidated.
    stage.mine_to(K + 3, ELSEWHERE)?;
    stage.relay_headers_over(&cast.relayer, &contracts.light_client, 2 * K)?;
    cast.relayer.execute(&contracts.staking, &Staking::Quarantine { limit: 10 }, &[])?;
    Ok(())
}

/// The time of every stake runs out.
fn expire(stage: &Stage<'_>, cast: &Cast<'_>) -> Result<()> {
    let contracts = &cast.deployed.bitcoin;
    stage.mine(u32::from(super::STAKING_TIME))?;
    stage.relay_headers(&cast.relayer, &contracts.light_client)?;
    cast.relayer.execute(&contracts.staking, &Staking::Expire { limit: 10 }, &[])?;
    Ok(())
}
