//! `mesh-bridge`: what was typed, what it means, and the loop over the parts.
//!
//! One thread and one account: all transactions to the hub go through a single writer. A part that fails is logged and
//! tried again in the next round; it never keeps the others.

mod args;
mod settings;

use anyhow::{Context, Result};
use args::{Args, Command, Fp, Part, Register};
use bridge_attest::randomness::CommitPolicy;
use bridge_attest::signer::VoteSigner;
use bridge_relay::headers::HeaderLimits;
use clap::Parser;
use mesh_bridge::fp::{Provider, RemoteSigner};
use mesh_bridge::headers::Headers;
use mesh_bridge::hub::{Contracts, Hub};
use mesh_bridge::register::{self, Profile, Registered};
use mesh_bridge::slasher::Slasher;
use mesh_bridge::spends::SpendIndex;
use mesh_bridge::tracker::Tracker;
use serde_json::json;
use settings::Config;
use staking_api::Key;
use staking_api::finality::ExecuteMsg as FinalityExecute;
use staking_api::staking::{Commission, Description};
use staking_clients::ClientError;
use staking_clients::bitcoin::{BitcoinSource, Bitcoind};
use staking_clients::cosmos::{ChainClient, Rpc, Writer};
use staking_clients::signer::SignerClient;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::from(exit_code(&e))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.chain().find_map(|cause| cause.downcast_ref::<ClientError>()) {
        Some(e) if e.is_transient() => 4,
        Some(_) => 5,
        None => 3,
    }
}

fn run(args: &Args) -> Result<()> {
    if matches!(args.command, Command::Init) {
        return settings::init(&args.home);
    }
    let config = Config::load(&args.home)?;
    let bitcoin = Bitcoind::new(&config.bitcoin.rpc, &config.bitcoin.auth())?;
    let chain = Rpc::new(&config.hub.rpc);
    let writer = Writer::new(&chain, config.hub.account()?, config.hub.price(), config.hub.gas)?;
    let contracts = config.hub.contracts();
    match &args.command {
        Command::Init => Ok(()),
        Command::Status => status(&bitcoin, &Hub { writer: &writer, contracts: &contracts }, args.json),
        Command::Fp(Fp::Register(wish)) => {
            fp_register(&config, &Hub { writer: &writer, contracts: &contracts }, wish, args.json)
        }
        Command::Run { only, once } => {
            let parts = if only.is_empty() { config.parts.clone() } else { only.clone() };
            let mut bridge = Bridge::new(&config, &bitcoin, &writer, &contracts)?;
            if *once {
                return bridge.once(&parts);
            }
            bridge.until_stopped(&parts, config.poll())
        }
    }
}

fn status(bitcoin: &Bitcoind, hub: &Hub<'_>, as_json: bool) -> Result<()> {
    let node = bitcoin.chain_info()?;
    let chain = hub.writer.chain().status()?;
    let tip = hub.tip()?;
    let lag = i64::from(node.blocks) - i64::from(tip.block.height);
    let data = json!({"bitcoin": {"chain": node.chain, "height": node.blocks, "endpoint": bitcoin.endpoint()},
        "hub": {"chain_id": chain.chain_id, "height": chain.height, "account": hub.writer.address()},
        "light_client": {"height": tip.block.height, "lag_blocks": lag}});
    if as_json {
        println!("{}", json!({"schema": "mesh-bridge/status/1", "ok": true, "data": data}));
    } else {
        println!("hub       {}   height {}   account {}", chain.chain_id, chain.height, hub.writer.address());
        println!("bitcoin   {}   height {}   {}", node.chain, node.blocks, bitcoin.endpoint());
        println!("headers   light client at {}   lag {lag} blocks", tip.block.height);
    }
    Ok(())
}

fn fp_register(config: &Config, hub: &Hub<'_>, wish: &Register, as_json: bool) -> Result<()> {
    let fp = config.fp.as_ref().context("there is no [fp] section in config.toml")?;
    let chains = fp.consumers.iter().map(|c| {
        let node = c.rpc.first().context("a consumer without a node")?;
        Ok(Rpc::new(node).status()?.chain_id)
    });
    let profile = Profile {
        commission: Commission {
            rate: wish.commission,
            max_rate: wish.max_commission,
            max_change_rate: wish.max_change,
        },
        description: Description {
            moniker: wish.moniker.clone(),
            website: wish.website.clone(),
            security_contact: wish.contact.clone(),
            ..Description::default()
        },
        consumers: chains.collect::<Result<_>>()?,
    };
    let done = register::register(hub, &SignerClient::new(&fp.signer), &profile)?;
    if as_json {
        let data = json!({"fp_pk": done.key(), "owner": hub.writer.address(), "consumers": profile.consumers,
            "again": matches!(done, Registered::Before(_))});
        println!("{}", json!({"schema": "mesh-bridge/fp.register/1", "ok": true, "data": data}));
        return Ok(());
    }
    let said = if matches!(done, Registered::Before(_)) { "was registered before" } else { "registered" };
    println!("{}  {said}; `mesh-bridge run --only fp` commits randomness and votes", done.key());
    Ok(())
}

/// All parts with what they remember between rounds.
struct Bridge<'a> {
    bitcoin: &'a Bitcoind,
    writer: &'a Writer<'a>,
    contracts: &'a Contracts,
    limits: HeaderLimits,
    tracker: Tracker<'a>,
    slasher: Slasher<'a>,
    fp: Option<FpPart>,
}

/// The finality provider's signer and the consumers it votes for.
struct FpPart {
    signer: RemoteSigner,
    fp_pk: Option<Key>,
    consumers: Vec<Vec<Rpc>>,
    policy: CommitPolicy,
    batch: usize,
}

impl<'a> Bridge<'a> {
    fn new(
        config: &Config,
        bitcoin: &'a Bitcoind,
        writer: &'a Writer<'a>,
        contracts: &'a Contracts,
    ) -> Result<Self> {
        let hub = || Hub { writer, contracts };
        let fp = config.fp.as_ref().map(|fp| FpPart {
            signer: RemoteSigner::new(SignerClient::new(&fp.signer)),
            fp_pk: None,
            consumers: fp.consumers.iter().map(|c| c.rpc.iter().map(|url| Rpc::new(url)).collect()).collect(),
            policy: CommitPolicy { ahead: fp.ahead, batch: fp.batch },
            batch: fp.vote_batch_max,
        });
        Ok(Self {
            bitcoin,
            writer,
            contracts,
            limits: HeaderLimits { batch: config.headers.batch_max, max_fork: config.headers.max_fork },
            tracker: Tracker::new(bitcoin, hub()),
            slasher: Slasher {
                bitcoin,
                hub: hub(),
                index: SpendIndex::default(),
                from_height: config.bitcoin.scan_from,
            },
            fp,
        })
    }

    fn once(&mut self, parts: &[Part]) -> Result<()> {
        for part in in_order(parts) {
            self.part(part).with_context(|| format!("{part:?}"))?;
        }
        Ok(())
    }

    fn until_stopped(&mut self, parts: &[Part], poll: Duration) -> Result<()> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).context("cannot catch signals")?;
        tracing::info!(account = self.writer.address(), ?parts, "ready");
        while !stop.load(Ordering::Relaxed) {
            for part in in_order(parts) {
                if let Err(e) = self.part(part) {
                    tracing::warn!(?part, error = %format!("{e:#}"), "failed; it is tried again in the next round");
                }
            }
            let mut left = poll;
            while !left.is_zero() && !stop.load(Ordering::Relaxed) {
                std::thread::sleep(left.min(TICK));
                left = left.saturating_sub(TICK);
            }
        }
        tracing::info!("stopped; `mesh-bridge run` goes on where the chains are");
        Ok(())
    }

    fn part(&mut self, part: Part) -> Result<()> {
        match part {
            Part::Headers => self.headers(),
            Part::Tracker => self.track(),
            Part::Slasher => self.slash(),
            Part::Fp => self.vote(),
        }
    }

    fn headers(&self) -> Result<()> {
        let relay = Headers {
            bitcoin: self.bitcoin,
            hub: self.writer,
            light_client: &self.contracts.light_client,
            limits: self.limits,
        };
        let before = Hub { writer: self.writer, contracts: self.contracts }.tip()?.block.height;
        let hold = relay.catch_up()?;
        let after = Hub { writer: self.writer, contracts: self.contracts }.tip()?.block.height;
        if after != before {
            tracing::info!(from = before, to = after, "headers submitted");
            // New blocks move Bitcoin's clock, by which randomness becomes usable.
            self.writer.execute(&self.contracts.finality, &FinalityExecute::TouchBtcTip {}, &[])?;
        }
        tracing::debug!(%hold, "headers");
        Ok(())
    }

    fn track(&mut self) -> Result<()> {
        let done = self.tracker.round()?;
        for txid in &done.activated {
            tracing::info!(stake = %txid, "inclusion proven");
        }
        for txid in &done.undelegated {
            tracing::info!(stake = %txid, "spend reported");
        }
        Ok(())
    }

    fn slash(&mut self) -> Result<()> {
        for slashed in self.slasher.round()? {
            if let Some(txid) = slashed.sent {
                tracing::warn!(stake = %slashed.stake, slashing = %txid, "slashing transaction broadcast");
            }
        }
        Ok(())
    }

    fn vote(&mut self) -> Result<()> {
        let Some(fp) = &mut self.fp else { return Ok(()) };
        let fp_pk = match fp.fp_pk {
            Some(known) => known,
            None => *fp.fp_pk.insert(Key::from_bytes(fp.signer.public_key()?)),
        };
        for nodes in &fp.consumers {
            let first = nodes.first().context("a consumer without a node")?;
            let provider = Provider {
                hub: self.writer,
                contracts: self.contracts,
                consumer: first.status()?.chain_id,
                consumer_nodes: nodes.iter().map(|n| n as &dyn ChainClient).collect(),
                fp_pk,
                policy: fp.policy,
                batch: fp.batch,
            };
            if let Some(range) = provider.commit(&mut fp.signer)? {
                tracing::info!(consumer = %provider.consumer, from = range.start, count = range.count, "committed");
            }
            let plan = provider.vote(&mut fp.signer)?;
            if let Some(last) = plan.votes.last() {
                tracing::info!(consumer = %provider.consumer, votes = plan.votes.len(), to = last.height, "voted");
            }
        }
        Ok(())
    }
}

/// Parts in the order in which one helps the next.
fn in_order(parts: &[Part]) -> impl Iterator<Item = Part> + '_ {
    Part::ALL.into_iter().filter(|part| parts.contains(part))
}
