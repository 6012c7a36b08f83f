//! The story: eight steps, each done by the libraries of the programs and read back from the chains.

mod exit;
mod finality;
mod mesh;
mod providers;
mod remaining;
mod slash;
mod stakes;

use crate::args::{DemoArgs, WorldArgs};
use crate::backend::{self, Backend, Genesis};
use crate::deploy;
use crate::gas;
use crate::keys;
use crate::narrate::{Narrator, sat};
use crate::report::{AuditReport, BitcoinReport, Report, SCHEMA, StakeReport};
use crate::signers::{self, Signer};
use crate::stage::{Cast, Clients, Fp, Stage, Staked};
use anyhow::{Context, Result};
use bitcoin::{Block, OutPoint, Script};
use mesh_signer::Role;
use staker::seed::Seed;
use staking_api::staking::Params;
use staking_api::{Binary, Decimal, Key};
use staking_clients::bitcoin::{Auth, BitcoinSource, Bitcoind};
use staking_clients::cosmos::Rpc;
use staking_crypto::SecretKey;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Covenant members and quorum of the story.
const MEMBERS: usize = 5;
const QUORUM: u32 = 3;
/// Burns what it receives: OP_RETURN "mesh-btc".
const BURN: [u8; 10] = [0x6a, 0x08, b'm', b'e', b's', b'h', b'-', b'b', b't', b'c'];
/// Blocks that an unbonding output stays locked.
pub(crate) const UNBONDING: u32 = 20;
/// Blocks that a stake is locked at most.
pub(crate) const STAKING_TIME: u16 = 300;
/// Accounts with coins on the hub.
const HUB_CAST: [&str; 11] = [
    "owner",
    "relayer",
    "A",
    "B",
    "fp1",
    "fp2",
    "covenant0",
    "covenant1",
    "covenant2",
    "covenant3",
    "covenant4",
];

/// A holder: coins, staking key, hub account.
pub(crate) struct Holder {
    pub(crate) name: &'static str,
    pub(crate) seed: Seed,
    pub(crate) wallet: bdk_wallet::Wallet,
    pub(crate) key: SecretKey,
}

impl Holder {
    fn new(seed: u64, name: &'static str) -> Result<Self> {
        let words =
            Seed::from_bytes(&keys::secret(seed, &format!("wallet/{name}")), bitcoin::Network::Regtest)?;
        let wallet = staker::wallet::watch_only(&words)?;
        let key = words.staking_key(0)?;
        Ok(Self { name, seed: words, wallet, key })
    }

    /// A fresh address of the wallet, as a script.
    pub(crate) fn script(&mut self) -> bitcoin::ScriptBuf {
        staker::wallet::receive_address(&mut self.wallet).script_pubkey()
    }
}

/// Signers at work, and the folder with everything they keep.
pub(crate) struct Signers {
    pub(crate) covenant: Vec<Signer>,
    pub(crate) providers: Vec<Signer>,
    pub(crate) dir: PathBuf,
}

/// Starts a world, for `demo` and `up`.
pub(crate) fn start_world(args: &WorldArgs, dir: &Path) -> Result<(Box<dyn Backend>, Clients)> {
    let hub = HUB_CAST.iter().map(|name| keys::secret(args.seed, name)).collect();
    let consumer = ["owner", "relayer"].iter().map(|name| keys::secret(args.seed, name)).collect();
    let world = backend::start(args, dir, &Genesis { hub, consumer })?;
    let endpoints = world.endpoints().clone();
    let clients = Clients {
        bitcoin: Bitcoind::new(&endpoints.bitcoin_rpc, &Auth::Cookie(endpoints.bitcoin_cookie.clone()))?,
        hub: Rpc::new(&endpoints.hub.rpc),
        consumer: Rpc::new(&endpoints.consumer.rpc),
        endpoints,
    };
    Ok((world, clients))
}

/// The staking parameters of the story.
pub(crate) fn params(seed: u64) -> Result<Params> {
    let mut covenant_pks = Vec::new();
    for member in 0..MEMBERS {
        let secret = keys::secret(seed, &format!("covenant-key/{member}"));
        let key = SecretKey::from_bytes(&secret).context("a covenant key")?;
        covenant_pks.push(Key::from_bytes(*key.x_only().as_bytes()));
    }
    Ok(Params {
        btc_activation_height: 0,
        covenant_pks,
        covenant_quorum: QUORUM,
        min_staking_value_sat: 50_000,
        max_staking_value_sat: 4_000_000_000,
        min_staking_time_blocks: 100,
        max_staking_time_blocks: 65_535,
        slashing_pk_script: Binary(BURN.to_vec()),
        min_slashing_tx_fee_sat: 2_000,
        slashing_rate: Decimal::percent(5),
        unbonding_time_blocks: UNBONDING,
        unbonding_fee_sat: 1_000,
        min_commission_rate: Decimal::ZERO,
        max_finality_providers: 1,
        max_staker_quorum: 1,
        max_staker_num: 1,
        lax_slashing_tx: false,
    })
}

/// Prepares and starts all signers below `dir`.
pub(crate) fn start_signers(seed: u64, dir: &Path, params: &Params) -> Result<Signers> {
    std::fs::create_dir_all(dir)?;
    let params_file = dir.join("params-0.json");
    std::fs::write(&params_file, serde_json::to_vec_pretty(params)?)?;
    let mut started = Signers { covenant: Vec::new(), providers: Vec::new(), dir: dir.to_owned() };
    for member in 0..MEMBERS {
        let home = dir.join(format!("c{member}"));
        let secret = keys::secret(seed, &format!("covenant-key/{member}"));
        signers::prepare(&home, Role::Covenant, &secret, Some(&params_file))?;
        started.covenant.push(Signer::start(&home)?);
    }
    for name in ["fp1", "fp2"] {
        let home = dir.join(name);
        signers::prepare(&home, Role::Eots, &keys::secret(seed, &format!("eots-key/{name}")), None)?;
        started.providers.push(Signer::start(&home)?);
    }
    Ok(started)
}

/// Tells the story and returns its report.
pub(crate) fn tell(args: &DemoArgs, dir: &Path, stop: &AtomicBool) -> Result<Report> {
    let mut narrator = Narrator::new(args.json);
    narrator.step("world", "A Bitcoin node and two CosmWasm chains start; holders get coins.");
    let (mut world, clients) = start_world(&args.world, dir)?;
    let stage = Stage { clients: &clients, seed: args.world.seed, spoil: args.spoil, stop };
    let mut holders = [Holder::new(args.world.seed, "A")?, Holder::new(args.world.seed, "B")?];
    let funding = fund(&stage, &mut holders)?;
    narrator.table(&[
        ("bitcoin", format!("{} at block {}", clients.endpoints.bitcoin_node, stage.tip()?)),
        ("hub", format!("{} at {}", clients.endpoints.hub.chain_id, clients.endpoints.hub.rpc)),
        (
            "consumer",
            format!("{} at {}", clients.endpoints.consumer.chain_id, clients.endpoints.consumer.rpc),
        ),
    ]);
    let params = params(args.world.seed)?;
    let mut cast = set_up(&stage, world.as_mut(), &params, narrator)?;
    let signers = start_signers(args.world.seed, &dir.join("signers"), &params)?;
    let fps = providers::register(&stage, &mut cast, &signers)?;
    let mut stakes = stakes::stake_all(&stage, &mut cast, &signers, &mut holders, &fps, args.amount)?;
    let mut mesh = mesh::cross_stake(&stage, &mut cast, &stakes)?;
    let finality = finality::finalise(&stage, &mut cast, &signers, &fps)?;
    if args.gas.is_some() {
        finality::vote_once(&stage, &cast, &signers, &fps)?;
    }
    let slashing = slash::double_vote(&stage, &mut cast, &fps, &mut stakes, &mut mesh)?;
    let exit = exit::leave(&stage, &mut cast, &mut holders, &mut stakes)?;
    let audit = audit(&stage, &mut holders, &funding)?;
    cast.narrator.table(&[
        ("came in", sat(audit.sat_in)),
        ("with holders", sat(audit.sat_out)),
        ("fees", sat(audit.fees_sat)),
        ("burned", sat(audit.burned_sat)),
        ("balanced", audit.balanced.to_string()),
    ]);
    if let Some(path) = &args.gas {
        remaining::send(&stage, &mut cast, &fps)?;
        let node = if args.world.real { "wasmd" } else { "the embedded chains" };
        let chains =
            [(&clients.hub, cast.deployed.on_hub()), (&clients.consumer, cast.deployed.on_consumer())];
        gas::write(path, node, &chains)?;
    }
    cast.narrator.end();
    drop(signers);
    Ok(Report {
        schema: SCHEMA,
        ok: audit.balanced,
        steps: std::mem::take(&mut cast.narrator.steps),
        bitcoin: BitcoinReport { node: clients.endpoints.bitcoin_node.clone(), tip_height: stage.tip()? },
        stakes: stakes.iter().map(stake_report).collect(),
        mesh,
        finality,
        slashing,
        exit,
        audit,
    })
}

fn stake_report(stake: &Staked) -> StakeReport {
    StakeReport {
        owner: stake.owner.to_owned(),
        txid: stake.txid.to_string(),
        vout: stake.vout,
        amount_sat: stake.amount,
        states: stake.states.clone(),
    }
}

/// Gives each holder one block's reward and lets it mature.
fn fund(stage: &Stage<'_>, holders: &mut [Holder; 2]) -> Result<Vec<bitcoin::ScriptBuf>> {
    let mut scripts = Vec::new();
    for holder in holders.iter_mut() {
        let address = staker::wallet::receive_address(&mut holder.wallet);
        stage.mine_to(1, &address.to_string())?;
        scripts.push(address.script_pubkey());
    }
    stage.mine(100)?;
    Ok(scripts)
}

fn set_up<'w>(
    stage: &Stage<'w>,
    world: &mut dyn Backend,
    params: &Params,
    mut narrator: Narrator,
) -> Result<Cast<'w>> {
    narrator.step("contracts", "All contracts are deployed and a mesh channel is opened between the chains.");
    let (owner, consumer_owner) = (stage.hub_writer("owner")?, stage.consumer_writer("owner")?);
    let deployed = deploy::deploy(stage, world, &owner, &consumer_owner, params)?;
    narrator.table(&[
        ("btc-light-client", deployed.bitcoin.light_client.clone()),
        ("btc-staking", deployed.bitcoin.staking.clone()),
        ("btc-finality", deployed.bitcoin.finality.clone()),
        ("btc-vault", deployed.vault.clone()),
        ("external-staking", deployed.external.clone()),
        ("converter", deployed.converter.clone()),
        ("virtual-staking", deployed.virtual_staking.clone()),
        ("price-feed", deployed.price_feed.clone()),
    ]);
    Ok(Cast { deployed, owner, consumer_owner, relayer: stage.hub_writer("relayer")?, narrator })
}

/// Adds up every satoshi on the chain that came to the holders.
fn audit(
    stage: &Stage<'_>,
    holders: &mut [Holder; 2],
    funding: &[bitcoin::ScriptBuf],
) -> Result<AuditReport> {
    let bitcoin = &stage.clients.bitcoin;
    let mut sums = Sums::default();
    for height in 1..=stage.tip()? {
        sums.add(&bitcoin.block(bitcoin.block_hash(height)?)?, funding)?;
    }
    let mut sat_out = 0;
    for holder in holders {
        staker::wallet::sync(&mut holder.wallet, bitcoin)?;
        sat_out += holder.wallet.balance().total().to_sat();
    }
    let balanced = sums.came_in == sat_out + sums.fees + sums.burned;
    Ok(AuditReport { sat_in: sums.came_in, sat_out, fees_sat: sums.fees, burned_sat: sums.burned, balanced })
}

#[derive(Default)]
struct Sums {
    outputs: BTreeMap<OutPoint, u64>,
    came_in: u64,
    fees: u64,
    burned: u64,
}

impl Sums {
    fn add(&mut self, block: &Block, funding: &[bitcoin::ScriptBuf]) -> Result<()> {
        for tx in &block.txdata {
            let paid: u64 = tx.output.iter().map(|o| o.value.to_sat()).sum();
            if tx.is_coinbase() {
                let to_holders = tx.output.iter().filter(|o| funding.contains(&o.script_pubkey));
                self.came_in += to_holders.map(|o| o.value.to_sat()).sum::<u64>();
            } else {
                let mut spent = 0;
                for input in &tx.input {
                    spent +=
                        self.outputs.get(&input.previous_output).context("a spend of an unknown output")?;
                }
                self.fees += spent - paid;
                let burned =
                    tx.output.iter().filter(|o| o.script_pubkey.as_script() == Script::from_bytes(&BURN));
                self.burned += burned.map(|o| o.value.to_sat()).sum::<u64>();
            }
            let txid = tx.compute_txid();
            for (vout, output) in (0u32..).zip(&tx.output) {
                self.outputs.insert(OutPoint { txid, vout }, output.value.to_sat());
            }
        }
        Ok(())
    }
}

/// The provider of a name.
pub(crate) fn fp<'f>(fps: &'f [Fp], name: &str) -> Result<&'f Fp> {
    fps.iter().find(|fp| fp.name == name).with_context(|| format!("no provider {name}"))
}
