//! The designs: who is paired with whom, whose stake counts, within what limits.

use super::set::{Asset, BITCOIN, CHAINS};
use super::{ChainReport, DesignReport, Lent};
use crate::args::Engine;
use crate::contracts;
use anyhow::{Context, Result};
use mesh_harness::mesh::{ChainSpec, Mesh, Terms};
use serde_json::{Value, json};

/// What a chain's genesis validators bond themselves: one token, so that there are blocks.
const DUST: u128 = 1_000_000;
/// What each chain lends as power at most: more than everybody's stake is worth in the cheapest token.
const TREASURY: u128 = 100_000_000_000_000_000;
/// Names of those who stake with each validator.
const STAKERS: [&str; 3] = ["first", "second", "third"];

/// A design.
pub(super) struct Design {
    name: &'static str,
    /// Whether chains other than the hub bond their own token.
    own_stake: bool,
    /// Whether chains other than the hub lend their stake too.
    everyone_lends: bool,
    /// Whether bitcoin takes part.
    bitcoin: bool,
    /// Whether one provider's power is held to that of the chain's own stake.
    limited: bool,
    /// The hub's validators whose stakers secure a chain, by chain; `None`: all.
    opted_in: Option<[&'static [usize]; 4]>,
}

/// All designs, from one set for all to everybody for everybody.
pub(super) const ALL: [Design; 4] = [
    Design {
        name: "replicated",
        own_stake: false,
        everyone_lends: false,
        bitcoin: false,
        limited: false,
        opted_in: None,
    },
    Design {
        name: "opt-in",
        own_stake: false,
        everyone_lends: false,
        bitcoin: false,
        limited: false,
        opted_in: Some([&[], &[0, 1], &[1, 2], &[2]]),
    },
    Design {
        name: "layered",
        own_stake: true,
        everyone_lends: false,
        bitcoin: false,
        limited: true,
        opted_in: None,
    },
    Design {
        name: "mesh",
        own_stake: true,
        everyone_lends: true,
        bitcoin: true,
        limited: true,
        opted_in: None,
    },
];

/// A pairing of the world: what is lent, and where.
struct Link {
    provider: &'static Asset,
    consumer: usize,
    pairing: usize,
}

/// A design deployed.
struct World {
    mesh: Mesh,
    links: Vec<Link>,
}

impl Design {
    /// Deploys the design, stakes, lets epochs pass, and reads what came of it.
    pub(super) fn run(&self, engine: Engine) -> Result<DesignReport> {
        let mut world = self.deploy(engine).with_context(|| format!("deploying `{}`", self.name))?;
        self.stake(&mut world).with_context(|| format!("staking in `{}`", self.name))?;
        self.read(&world)
    }

    fn deploy(&self, engine: Engine) -> Result<World> {
        let mut mesh = Mesh::new(1, contracts::on(engine, contracts::mesh())?);
        for chain in &CHAINS {
            mesh.add_chain(&ChainSpec::named(chain.name, &[DUST; 3], &STAKERS))?;
        }
        let mut world = World { mesh, links: Vec::new() };
        for (home, provider) in CHAINS.iter().enumerate() {
            let vault = world.mesh.native_vault(home, "0.05")?;
            if home == 0 || self.everyone_lends {
                self.lend(&mut world, vault, provider, Some(home))?;
            }
        }
        if self.bitcoin {
            let policy = json!({ "mode": "strict", "offline": "none", "require_fp_binding": false, "expiry_margin_blocks": 0 });
            let vault = world.mesh.bitcoin_vault(0, &policy)?;
            self.lend(&mut world, vault, &BITCOIN, None)?;
        }
        Ok(world)
    }

    /// Pairs a vault with every chain but its own.
    fn lend(
        &self,
        world: &mut World,
        vault: usize,
        provider: &'static Asset,
        home: Option<usize>,
    ) -> Result<()> {
        for (consumer, chain) in CHAINS.iter().enumerate().filter(|(n, _)| Some(*n) != home) {
            let terms = Terms {
                price: provider.price_in(chain).to_string(),
                // Four promises of 2.5 % fit what a slashing of bitcoin takes, once: 10 %.
                double_sign: "0.025".into(),
                limits: self.limits(),
                treasury: Some(TREASURY),
                ..Terms::default()
            };
            let pairing = world.mesh.pair(vault, consumer, &terms)?;
            world.links.push(Link { provider, consumer, pairing });
        }
        Ok(())
    }

    fn limits(&self) -> Value {
        let mut limits = json!({ "max_cap": TREASURY.to_string() });
        if self.limited {
            limits["max_of_native"] = json!("1");
        }
        limits
    }

    /// Everybody puts everything to work that the design lets them.
    fn stake(&self, world: &mut World) -> Result<()> {
        let mesh = &mut world.mesh;
        for (vault, chain) in CHAINS.iter().enumerate() {
            for (n, user) in STAKERS.iter().enumerate() {
                mesh.bond(vault, user, chain.stake(n))?;
                if vault == 0 || self.own_stake {
                    mesh.stake_local(vault, user, n, chain.stake(n))?;
                }
            }
        }
        if self.bitcoin {
            let keys: Vec<(String, &str)> =
                CHAINS.iter().map(|c| (format!("{}-1", c.name), c.name)).collect();
            let keys: Vec<(&str, &str)> = keys.iter().map(|(id, fp)| (id.as_str(), *fp)).collect();
            for (n, user) in STAKERS.iter().enumerate() {
                let sat = u64::try_from(BITCOIN.stake(n))?;
                mesh.delegate_btc(CHAINS.len(), user, &format!("txid-{n}"), sat, &keys)?;
            }
        }
        self.report_native(world)?;
        for link in &world.links {
            for (n, user) in STAKERS.iter().enumerate().filter(|(n, _)| self.secures(*n, link)) {
                world.mesh.stake(link.pairing, user, n, link.provider.stake(n))?;
            }
        }
        Ok(world.mesh.settle()?)
    }

    fn secures(&self, validator: usize, link: &Link) -> bool {
        let chosen = self.opted_in.and_then(|by_chain| by_chain.get(link.consumer).copied());
        chosen.is_none_or(|chosen| chosen.contains(&validator))
    }

    /// Limits are relative to native stake, which plain chains do not let contracts ask for: governance reports it.
    fn report_native(&self, world: &World) -> Result<()> {
        for link in world.links.iter().filter(|_| self.limited) {
            let mut stakes = Vec::new();
            for n in 0..STAKERS.len() {
                let tokens = world.mesh.tokens(link.consumer, n)?.to_string();
                stakes.push((world.mesh.validator(link.consumer, n)?, tokens));
            }
            let to = world.mesh.pairing(link.pairing)?.virtual_staking.clone();
            world.mesh.govern(link.consumer, &to, &json!({ "report_native": { "stakes": stakes } }))?;
        }
        Ok(())
    }

    fn read(&self, world: &World) -> Result<DesignReport> {
        let mut chains = Vec::new();
        for (n, chain) in CHAINS.iter().enumerate() {
            chains.push(chain_report(world, n, chain)?);
        }
        let cheapest = chains.iter().min_by_key(|c| c.attack_cost_third).context("no chains")?;
        let parties = |over: fn(u128, u128) -> bool| {
            chains.iter().filter(|c| c.from.iter().any(|l| over(l.power, c.total()))).count()
        };
        Ok(DesignReport {
            design: self.name,
            attack_cost_third: cheapest.attack_cost_third,
            attack_cost_two_thirds: cheapest.attack_cost_two_thirds,
            cheapest: cheapest.chain,
            own_validator_set: chains.iter().all(|c| c.from.iter().all(|l| l.power <= c.own)),
            chains_one_party_can_halt: parties(|power, all| power * 3 > all),
            chains_one_party_can_rule: parties(|power, all| power * 3 > all * 2),
            own_share_permille: chains.iter().map(|c| c.own * 1000 / c.total().max(1)).min().unwrap_or(0),
            uses_bitcoin: self.bitcoin,
            pairings: world.links.len(),
            chains,
        })
    }
}

impl ChainReport {
    /// All power, in dollars.
    pub(super) fn total(&self) -> u128 {
        self.from.iter().fold(self.own, |sum, lent| sum + lent.power)
    }
}

fn chain_report(world: &World, n: usize, chain: &Asset) -> Result<ChainReport> {
    let found = world.mesh.security(n)?;
    let mut from = Vec::new();
    for (pairing, power) in &found.virtual_stake {
        let link = world.links.iter().find(|l| l.pairing == *pairing).context("a pairing of nobody")?;
        from.push(Lent { provider: link.provider.name, power: chain.worth(*power) });
    }
    Ok(ChainReport {
        chain: CHAINS.get(n).map_or("", |c| c.name),
        own: chain.worth(found.native),
        from,
        attack_cost_third: chain.worth(found.third),
        attack_cost_two_thirds: chain.worth(found.two_thirds),
    })
}
