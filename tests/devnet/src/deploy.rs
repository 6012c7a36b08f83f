//! Deploys the contracts of both chains over their RPCs, as an operator would.

use crate::backend::Backend;
use crate::gas::Names;
use crate::stage::Stage;
use anyhow::{Context, Result};
use bitcoin::consensus::serialize;
use mesh_bridge::hub::Contracts;
use serde::Serialize;
use staking_api::finality::{ConsumerSettings, ExecuteMsg as FinalityExecute};
use staking_api::light_client::{BaseHeader, Network};
use staking_api::mesh::btc_vault::{ExecuteMsg as VaultExecute, Mode, OfflinePolicy, Policy};
use staking_api::mesh::converter::{ConfigResponse, QueryMsg as ConverterQuery};
use staking_api::mesh::external::{AuthorizedEndpoint, SlashRatio};
use staking_api::mesh::virtual_staking::{GovWeight, Limits, TreasuryInit};
use staking_api::staking::{ExecuteMsg as StakingExecute, Params};
use staking_api::{Binary, Decimal, Uint128};
use staking_clients::bitcoin::BitcoinSource;
use staking_clients::cosmos::{Writer, smart_query};

/// Bitcoin confirmations k of the story.
pub(crate) const K: u32 = 3;
/// Native tokens that the consumer's governance lends as power.
const TREASURY: u128 = 100_000_000_000;
/// Base tokens of the consumer for a satoshi.
const PRICE: u64 = 2;

/// Addresses of everything deployed.
#[derive(Debug, Clone)]
pub(crate) struct Deployed {
    pub(crate) bitcoin: Contracts,
    pub(crate) vault: String,
    pub(crate) external: String,
    pub(crate) price_feed: String,
    pub(crate) converter: String,
    pub(crate) virtual_staking: String,
}

impl Deployed {
    /// The hub's contracts by address.
    pub(crate) fn on_hub(&self) -> Names {
        named([
            (&self.bitcoin.light_client, "btc-light-client"),
            (&self.bitcoin.staking, "btc-staking"),
            (&self.bitcoin.finality, "btc-finality"),
            (&self.vault, "btc-vault"),
            (&self.external, "external-staking"),
        ])
    }

    /// The consumer's contracts by address.
    pub(crate) fn on_consumer(&self) -> Names {
        named([
            (&self.price_feed, "price-feed"),
            (&self.converter, "converter"),
            (&self.virtual_staking, "virtual-staking"),
        ])
    }
}

fn named<const N: usize>(contracts: [(&String, &'static str); N]) -> Names {
    contracts.into_iter().map(|(address, name)| (address.clone(), name)).collect()
}

/// Deploys and wires everything; `owner` writers pay and govern.
pub(crate) fn deploy(
    stage: &Stage<'_>,
    backend: &mut dyn Backend,
    hub: &Writer<'_>,
    consumer: &Writer<'_>,
    params: &Params,
) -> Result<Deployed> {
    let contracts = bitcoin_side(stage, backend, hub, params)?;
    let vault = vault(stage, backend, hub, &contracts)?;
    hub.execute(&contracts.finality, &FinalityExecute::SetVault { vault: vault.clone() }, &[])?;
    let peers =
        StakingExecute::SetPeers { finality: Some(contracts.finality.clone()), vault: Some(vault.clone()) };
    hub.execute(&contracts.staking, &peers, &[])?;
    let (price_feed, converter, virtual_staking) = consumer_side(stage, backend, consumer)?;
    let connection_id = backend.connect()?;
    let external = external(stage, backend, hub, &vault, &converter, connection_id)?;
    let endpoints = backend.endpoints().clone();
    let pairing = VaultExecute::SetConsumer {
        consumer: endpoints.consumer.chain_id,
        external_staking: external.clone(),
        slash_dsign: Decimal::percent(5),
        cap_sat: 100_000_000_000,
        paused: false,
        shared: false,
        timing: None,
    };
    hub.execute(&vault, &pairing, &[])?;
    backend.open_mesh_channel(&converter, &external)?;
    Ok(Deployed { bitcoin: contracts, vault, external, price_feed, converter, virtual_staking })
}

fn store_and_make<M: Serialize>(
    stage: &Stage<'_>,
    backend: &dyn Backend,
    writer: &Writer<'_>,
    name: &str,
    msg: &M,
) -> Result<String> {
    stage.check()?;
    let code = writer.store_code(backend.code_bytes(name)?).with_context(|| format!("storing {name}"))?;
    writer.instantiate(code, name, msg, &[]).with_context(|| format!("instantiating {name}"))
}

fn bitcoin_side(
    stage: &Stage<'_>,
    backend: &dyn Backend,
    hub: &Writer<'_>,
    params: &Params,
) -> Result<Contracts> {
    let bitcoin = &stage.clients.bitcoin;
    let base = bitcoin.header(bitcoin.block_hash(0)?)?;
    let light_client = store_and_make(
        stage,
        backend,
        hub,
        "btc-light-client",
        &staking_api::light_client::InstantiateMsg {
            network: Network::Regtest,
            base: BaseHeader { header: Binary(serialize(&base)), height: 0, work: None },
            confirmation_depth: K,
            max_reorg_depth: None,
            keep_depth: None,
            // Regtest blocks carry made-up times.
            max_tip_age_seconds: Some(0),
            admin: None,
            guardian: None,
            reporters: Vec::new(),
        },
    )?;
    let staking = store_and_make(
        stage,
        backend,
        hub,
        "btc-staking",
        &staking_api::staking::InstantiateMsg {
            light_client: light_client.clone(),
            signing: staking_api::staking::Signing::ContextV0,
            params: vec![params.clone()],
            admin: None,
            guardian: None,
        },
    )?;
    let finality = store_and_make(
        stage,
        backend,
        hub,
        "btc-finality",
        &staking_api::finality::InstantiateMsg {
            staking: staking.clone(),
            light_client: light_client.clone(),
            vault: None,
            signing: staking_api::staking::Signing::ContextV0,
            timestamp_depth: 1,
            consumers: Vec::new(),
            admin: None,
            guardian: None,
        },
    )?;
    Ok(Contracts { light_client, staking, finality })
}

fn vault(
    stage: &Stage<'_>,
    backend: &dyn Backend,
    hub: &Writer<'_>,
    contracts: &Contracts,
) -> Result<String> {
    let policy = Policy {
        mode: Mode::Strict,
        offline: OfflinePolicy::None,
        require_fp_binding: false,
        expiry_margin_blocks: 6,
        min_unbonding_blocks: 0,
    };
    let msg = staking_api::mesh::btc_vault::InstantiateMsg {
        denom: "sat".to_owned(),
        btc_staking: contracts.staking.clone(),
        btc_finality: contracts.finality.clone(),
        registry: None,
        light_client: Some(contracts.light_client.clone()),
        owner: hub.address(),
        policy,
    };
    store_and_make(stage, backend, hub, "btc-vault", &msg)
}

fn consumer_side(
    stage: &Stage<'_>,
    backend: &dyn Backend,
    consumer: &Writer<'_>,
) -> Result<(String, String, String)> {
    let feed = staking_api::mesh::price::InstantiateMsg {
        native_per_foreign: Decimal(u128::from(PRICE) * staking_api::Decimal::ONE.0),
        owner: Some(consumer.address()),
        sources: Vec::new(),
        min_sources: None,
        ttl_s: None,
        max_step: None,
        step_s: None,
    };
    let price_feed = store_and_make(stage, backend, consumer, "price-feed", &feed)?;
    let virtual_code = consumer.store_code(backend.code_bytes("virtual-staking")?)?;
    let denom = backend.endpoints().consumer.denom.clone();
    let msg = staking_api::mesh::converter::InstantiateMsg {
        price_feed: price_feed.clone(),
        discount: Decimal::percent(10),
        remote_denom: "sat".to_owned(),
        virtual_staking_code_id: virtual_code,
        tombstoned_unbond_enable: false,
        admin: Some(consumer.address()),
        max_retrieve: 50,
        treasury: Some(TreasuryInit {
            owner: consumer.address(),
            limits: Limits { max_cap: Uint128(TREASURY), ..Limits::default() },
            min_epoch_s: 1,
            gov_weight: GovWeight::Inherit,
        }),
        owner: Some(consumer.address()),
    };
    let converter = store_and_make(stage, backend, consumer, "converter", &msg)?;
    let config: ConfigResponse = smart_query(consumer.chain(), &converter, &ConverterQuery::Config {})?;
    consumer.transfer(&config.virtual_staking, TREASURY, &denom).context("funding the treasury")?;
    Ok((price_feed, converter, config.virtual_staking))
}

fn external(
    stage: &Stage<'_>,
    backend: &dyn Backend,
    hub: &Writer<'_>,
    vault: &str,
    converter: &str,
    connection_id: String,
) -> Result<String> {
    let msg = staking_api::mesh::external::InstantiateMsg {
        denom: "sat".to_owned(),
        rewards_denom: backend.endpoints().consumer.denom.clone(),
        vault: vault.to_owned(),
        unbonding_period: 1,
        remote_contact: AuthorizedEndpoint { connection_id, port_id: format!("wasm.{converter}") },
        slash_ratio: SlashRatio { double_sign: Decimal::percent(5), offline: Decimal::ZERO },
        admin: Some(hub.address()),
    };
    store_and_make(stage, backend, hub, "external-staking", &msg)
}

/// Registers a chain whose blocks are voted on from `activation` on.
pub(crate) fn register_consumer(
    hub: &Writer<'_>,
    finality: &str,
    id: &str,
    activation: u64,
    reward_denom: Option<&str>,
) -> Result<()> {
    let settings = ConsumerSettings {
        id: id.to_owned(),
        activation_height: Some(activation),
        max_active_providers: None,
        signed_blocks_window: None,
        min_signed_per_window: None,
        settle_lag: Some(1),
        jail_seconds: None,
        min_pub_rand: None,
        max_pub_rand: None,
        max_commit_lead: None,
        max_vote_lead: None,
        reward_denom: reward_denom.map(str::to_owned),
        reward_per_height: None,
    };
    hub.execute(finality, &FinalityExecute::RegisterConsumer(settings), &[])?;
    Ok(())
}
