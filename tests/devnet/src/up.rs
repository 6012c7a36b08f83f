//! `up`: the same world, kept running, for the real programs.

use crate::args::UpArgs;
use crate::deploy::{self, Deployed};
use crate::keys;
use crate::stage::{Clients, Stage};
use crate::story;
use anyhow::Result;
use hex_conservative::DisplayHex;
use serde_json::{Value, json};
use staking_clients::cosmos::ChainClient;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the stop flag is looked at.
const TICK: Duration = Duration::from_millis(100);
/// Heights until votes on the hub and the consumer begin.
const LEAD: u64 = 200;

/// Starts the world, deploys, prints where everything is, and runs until stopped.
pub(crate) fn run(args: &UpArgs, dir: &Path, stop: &AtomicBool) -> Result<()> {
    let (mut world, clients) = story::start_world(&args.world, dir)?;
    let stage = Stage { clients: &clients, seed: args.world.seed, spoil: None, stop };
    stage.mine(101)?;
    let params = story::params(args.world.seed)?;
    let (owner, consumer_owner) = (stage.hub_writer("owner")?, stage.consumer_writer("owner")?);
    let deployed = deploy::deploy(&stage, world.as_mut(), &owner, &consumer_owner, &params)?;
    for (chain, client) in
        [(&clients.endpoints.hub, &clients.hub), (&clients.endpoints.consumer, &clients.consumer)]
    {
        let activation = client.status()?.height + LEAD;
        deploy::register_consumer(&owner, &deployed.bitcoin.finality, &chain.chain_id, activation, None)?;
    }
    fs::write(dir.join("params-0.json"), serde_json::to_vec_pretty(&params)?)?;
    accounts(dir, args.world.seed)?;
    announce(args, dir, &clients, &deployed)?;
    keep_running(args, &stage)
}

/// Account keys as files that programs take.
fn accounts(dir: &Path, seed: u64) -> Result<()> {
    let folder = dir.join("accounts");
    fs::create_dir_all(&folder)?;
    let named = ["owner", "relayer", "A", "B", "fp1", "fp2"].map(str::to_owned);
    let covenant = (0..5).map(|n| format!("covenant{n}"));
    for name in named.into_iter().chain(covenant) {
        private(&folder.join(format!("{name}.key")), &keys::secret(seed, &name))?;
    }
    let signing =
        (0..5).map(|n| format!("covenant-key/{n}")).chain(["eots-key/fp1".into(), "eots-key/fp2".into()]);
    for name in signing {
        private(&folder.join(format!("{}.key", name.replace('/', "-"))), &keys::secret(seed, &name))?;
    }
    Ok(())
}

fn private(path: &Path, secret: &[u8; 32]) -> Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(secret.to_lower_hex_string().as_bytes())?)
}

fn announce(args: &UpArgs, dir: &Path, clients: &Clients, deployed: &Deployed) -> Result<()> {
    let at = &clients.endpoints;
    let environment = [
        ("MESH_DEVNET_DIR", dir.display().to_string()),
        ("MESH_BITCOIN_RPC", at.bitcoin_rpc.clone()),
        ("MESH_BITCOIN_COOKIE", at.bitcoin_cookie.display().to_string()),
        ("MESH_HUB_RPC", at.hub.rpc.clone()),
        ("MESH_HUB_CHAIN_ID", at.hub.chain_id.clone()),
        ("MESH_HUB_PREFIX", at.hub.prefix.clone()),
        ("MESH_HUB_DENOM", at.hub.denom.clone()),
        ("MESH_CONSUMER_RPC", at.consumer.rpc.clone()),
        ("MESH_CONSUMER_CHAIN_ID", at.consumer.chain_id.clone()),
        ("MESH_CONSUMER_PREFIX", at.consumer.prefix.clone()),
        ("MESH_CONSUMER_DENOM", at.consumer.denom.clone()),
        ("MESH_LIGHT_CLIENT", deployed.bitcoin.light_client.clone()),
        ("MESH_STAKING", deployed.bitcoin.staking.clone()),
        ("MESH_FINALITY", deployed.bitcoin.finality.clone()),
        ("MESH_VAULT", deployed.vault.clone()),
        ("MESH_EXTERNAL_STAKING", deployed.external.clone()),
        ("MESH_CONVERTER", deployed.converter.clone()),
        ("MESH_VIRTUAL_STAKING", deployed.virtual_staking.clone()),
        ("MESH_PRICE_FEED", deployed.price_feed.clone()),
    ];
    if args.json {
        let data: serde_json::Map<String, Value> =
            environment.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        crate::say(&json!({"schema": "mesh-devnet/up/1", "ok": true, "data": data}).to_string());
    } else {
        crate::say(&format!("# the world is up; account keys are in {}/accounts", dir.display()));
        for (name, value) in &environment {
            crate::say(&format!("export {name}='{value}'"));
        }
        crate::say("# Ctrl-C ends it and leaves nothing behind");
    }
    std::io::stdout().flush()?;
    Ok(())
}

fn keep_running(args: &UpArgs, stage: &Stage<'_>) -> Result<()> {
    let every = Duration::from_secs(args.block_seconds);
    let mut mined = Instant::now();
    while !stage.stop.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
        if !every.is_zero() && mined.elapsed() >= every {
            stage.mine(1)?;
            mined = Instant::now();
        }
    }
    Ok(())
}
