//! A pairing of two chains with a hundred validators, with few users and with ten thousand.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cosmwasm_std::{Binary, Coin, IbcOrder};
use mesh_harness::chain::{Chain, ChainConfig, ContractSet, GenesisValidator};
use mesh_harness::clock::Clock;
use mesh_harness::ibc::{Pending, Relay, Stage};
use serde_json::{Value, json};
use staking_api::mesh as api;

use super::bitcoin::account;
use super::contracts::{CONSUMER_PREFIX, Engine, HUB_PREFIX, set};
use super::meter::{Call, Meter};
use super::row::Row;

/// Validators of the consumer.
const VALIDATORS: usize = 100;
const START: u64 = 1_800_000_000;
const STAKE: u128 = 1_000_000;
/// Users whose packets are relayed together while the scene is set.
const GROUP: usize = 100;

struct Pair {
    clock: Clock,
    meter: Arc<Meter>,
    hub: Chain,
    consumer: Chain,
    relay: Relay,
    owner: String,
    vault: String,
    external: String,
    converter: String,
    virtual_staking: String,
    validators: Vec<String>,
}

/// Rows of the pairing; the numbers in their names are users who stake with one validator.
pub(crate) fn measure(engine: Engine) -> Result<Vec<Row>> {
    let few =
        ["mesh-stake-10", "mesh-unstake-10", "mesh-burn-10", "mesh-epoch-100-validators-10", "mesh-slash-10"];
    let many = [
        "mesh-stake-10000",
        "mesh-unstake-10000",
        "mesh-burn-10000",
        "mesh-epoch-100-validators-10000",
        "mesh-slash-10000",
    ];
    let mut rows = with_users(engine, 10, few)?;
    rows.extend(with_users(engine, 10_000, many)?);
    Ok(rows)
}

/// Stake and unstake are shown from the user's message to the last acknowledgement, over both chains.
fn with_users(engine: Engine, users: usize, names: [&'static str; 5]) -> Result<Vec<Row>> {
    let mut pair = Pair::new(engine)?;
    pair.settle(users)?;
    let user = pair.user("measured");
    pair.bond(&user)?;
    pair.stake(&user, 0)?;
    pair.run()?;
    let mut stake = pair.measured(|p| p.stake(&user, 0))?;
    stake.extend(pair.follow()?);
    let unstake_msg = json!({ "unstake": { "validator": pair.validators[0], "amount": coin(STAKE / 10) } });
    let mut unstake = pair.measured(|p| p.execute(&user, &p.external, &unstake_msg))?;
    unstake.extend(pair.follow()?);
    let burn_msg = json!({ "burn_virtual_stake":
        { "owner": user, "amount": coin(STAKE / 10), "validator": pair.validators[0] } });
    let mut burn = pair.measured(|p| p.execute(&p.vault, &p.external, &burn_msg))?;
    burn.extend(pair.follow()?);
    let epoch = pair.epoch()?;
    let slash = pair.slash()?;
    let [a, b, c, d, e] = names;
    Ok(vec![
        Row::one(a, stake),
        Row::one(b, unstake),
        Row::one(c, burn),
        Row::one(d, epoch),
        Row::one(e, slash),
    ])
}

fn coin(amount: u128) -> Value {
    json!({ "denom": "umesh", "amount": amount.to_string() })
}

fn start(mut config: ChainConfig, contracts: ContractSet, clock: &Clock, validators: usize) -> Result<Chain> {
    let validator = |n: usize| GenesisValidator {
        moniker: format!("validator-{n}"),
        self_bond: 1_000_000_000,
        commission_percent: 5,
    };
    config = config.contracts(contracts).validators((0..validators).map(validator).collect());
    Ok(Chain::start(config.clock(clock.clone()).rpc_port(None))?)
}

impl Pair {
    fn new(engine: Engine) -> Result<Self> {
        let (clock, meter) = (Clock::manual(START), Arc::<Meter>::default());
        let contracts = set(engine, &meter, HUB_PREFIX, &["mesh-vault", "external-staking"])?;
        let hub = start(ChainConfig::new("hub-1", HUB_PREFIX, "umesh"), contracts, &clock, 1)?;
        let names = ["price-feed", "virtual-staking", "converter"];
        let contracts = set(engine, &meter, CONSUMER_PREFIX, &names)?;
        let config = ChainConfig::new("consumer-1", CONSUMER_PREFIX, "ucons");
        let consumer = start(config, contracts, &clock, VALIDATORS)?;
        let owner = account("owner")?;
        let validators = consumer.validators()?.into_iter().map(|v| v.operator).collect();
        let empty = String::new;
        let (vault, external, converter, virtual_staking) = (empty(), empty(), empty(), empty());
        let relay = Relay::new(1);
        let mut pair = Self {
            clock,
            meter,
            hub,
            consumer,
            relay,
            owner,
            vault,
            external,
            converter,
            virtual_staking,
            validators,
        };
        pair.deploy_consumer()?;
        pair.deploy_hub()?;
        pair.run()?;
        Ok(pair)
    }

    fn deploy_consumer(&mut self) -> Result<()> {
        let (chain, gov) = (&self.consumer, gov()?);
        let feed = json!({ "native_per_foreign": "1", "owner": gov });
        let feed = chain.instantiate(&gov, chain.store("price-feed")?, &feed, "feed", &[])?;
        let init = json!({
            "price_feed": feed, "discount": "0.1", "remote_denom": "umesh",
            "virtual_staking_code_id": chain.store("virtual-staking")?, "tombstoned_unbond_enable": true,
            "admin": null, "max_retrieve": 50, "owner": gov,
            "treasury": { "owner": gov, "limits": { "max_cap": "1000000000000" }, "min_epoch_s": 60, "gov_weight": "inherit" },
        });
        self.converter = chain.instantiate(&gov, chain.store("converter")?, &init, "converter", &[])?;
        let config: api::converter::ConfigResponse =
            chain.query(&self.converter, &json!({ "config": {} }))?;
        self.virtual_staking = config.virtual_staking;
        Ok(chain.mint(&self.virtual_staking, 1_000_000_000_000, "ucons")?)
    }

    fn deploy_hub(&mut self) -> Result<()> {
        let init = json!({ "denom": "umesh", "local_staking": null });
        self.vault = self.hub.instantiate(&self.owner, self.hub.store("mesh-vault")?, &init, "vault", &[])?;
        let connection = self.relay.connect(&self.consumer, &self.hub)?;
        let init = json!({
            "denom": "umesh", "rewards_denom": "ucons", "vault": self.vault, "unbonding_period": 1_000,
            "remote_contact": { "connection_id": connection.on_b, "port_id": format!("wasm.{}", self.converter) },
            "slash_ratio": { "double_sign": "0.05", "offline": "0.01" },
        });
        let code = self.hub.store("external-staking")?;
        self.external = self.hub.instantiate(&self.owner, code, &init, "external", &[])?;
        let ports = (format!("wasm.{}", self.converter), format!("wasm.{}", self.external));
        self.relay.open_channel(&connection, &ports.0, &ports.1, IbcOrder::Unordered, "")?;
        Ok(())
    }

    /// Stakes of `users` users with the first validator, of one other with each of the others, and an epoch.
    fn settle(&mut self, users: usize) -> Result<()> {
        let crowd = (0..users).map(|n| (format!("user-{n}"), 0));
        let others = (1..VALIDATORS).map(|n| (format!("other-{n}"), n));
        let all: Vec<_> = crowd.chain(others).collect();
        for group in all.chunks(GROUP) {
            for (name, validator) in group {
                let user = self.user(name);
                self.bond(&user)?;
                self.stake(&user, *validator)?;
            }
            self.run()?;
        }
        self.epoch()?;
        Ok(())
    }

    fn measured(&self, what: impl FnOnce(&Self) -> Result<()>) -> Result<Vec<Call>> {
        Ok(self.meter.measure(|| what(self))?.1)
    }

    fn user(&self, name: &str) -> String {
        account(name).unwrap_or_default()
    }

    fn execute(&self, sender: &str, to: &str, msg: &Value) -> Result<()> {
        self.hub.execute(sender, to, msg, &[])?;
        Ok(())
    }

    fn bond(&self, user: &str) -> Result<()> {
        self.hub.mint(user, 10 * STAKE, "umesh")?;
        let msg = json!({ "bond": { "amount": coin(10 * STAKE) } });
        self.hub.execute(user, &self.vault, &msg, &[Coin::new(10 * STAKE, "umesh")])?;
        Ok(())
    }

    fn stake(&self, user: &str, validator: usize) -> Result<()> {
        let msg = Binary::from(serde_json::to_vec(&json!({ "validator": self.validators[validator] }))?);
        let msg = json!({ "stake_remote": { "contract": self.external, "amount": coin(STAKE), "msg": msg } });
        self.execute(user, &self.vault, &msg)
    }

    fn run(&mut self) -> Result<()> {
        let report = self.relay.run(10_000)?;
        ensure!(report.stuck.is_empty(), "packets are refused: {:?}", report.stuck);
        Ok(())
    }

    /// Relays measured, packet by packet, until nothing is left.
    fn follow(&mut self) -> Result<Vec<Call>> {
        let mut calls = Vec::new();
        while let Some(next) = self.relay.pending()?.first().cloned() {
            calls.extend(self.deliver(&next)?);
        }
        Ok(calls)
    }

    fn deliver(&mut self, pending: &Pending) -> Result<Vec<Call>> {
        let (meter, relay) = (Arc::clone(&self.meter), &mut self.relay);
        Ok(meter.measure(|| relay.deliver(pending))?.1)
    }

    /// An epoch of the consumer, in which all validators carry stake and one's has changed.
    fn epoch(&mut self) -> Result<Vec<Call>> {
        self.clock.advance(Duration::from_secs(61));
        let calls = self.measured(|p| {
            p.consumer.execute(&gov()?, &p.virtual_staking, &json!({ "handle_epoch": {} }), &[])?;
            Ok(())
        })?;
        self.run()?;
        Ok(calls)
    }

    /// The consumer reports a slash of the first validator; measured is the packet that brings it.
    fn slash(&mut self) -> Result<Vec<Call>> {
        let slash = json!({ "address": self.validators[0], "height": 9, "time": 0, "infraction_height": 8,
            "infraction_time": self.clock.seconds() - 1, "power": 1, "slash_amount": (STAKE / 2).to_string(),
            "slash_ratio": "0.05", "is_tombstoned": false });
        let msg = json!({ "valset_update": { "additions": [], "removals": [], "updated": [], "jailed": [],
            "unjailed": [], "tombstoned": [], "slashed": [slash] } });
        self.consumer.execute(&self.virtual_staking, &self.converter, &msg, &[])?;
        let all = self.relay.pending()?;
        let packet = all.iter().find(|p| p.stage == Stage::Receive && p.destination == self.hub.chain_id());
        let packet = packet.context("the slash was not sent")?.clone();
        self.deliver(&packet)
    }
}

fn gov() -> Result<String> {
    Ok(mesh_harness::chain::DevAccount::from_seed(0, "gov").address(CONSUMER_PREFIX)?)
}
