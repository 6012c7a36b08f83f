//! One life of a vault with three consumers: what people, chains and the relay may do, and what must hold.

use super::light::{DENOM, Kind, Map, VIRTUAL, World};
use cosmwasm_std::{Addr, to_json_binary};
use mesh_harness::chain::Engine;
use mesh_harness::faults::Dice;
use serde_json::{Value, json};
use staking_api::mesh as api;

const USERS: [&str; 2] = ["alice", "bob"];
const CONSUMERS: usize = 3;
/// Share a fault costs at each consumer, per cent.
const RATIOS: [&str; CONSUMERS] = ["0.1", "0.3", "0.05"];
/// What one consumer's liens may come to at most.
const CAP: u64 = 60_000;
const UNBONDING: u64 = 5_000;

/// A consumer's contracts.
#[derive(Clone, Copy)]
struct Consumer {
    feed: usize,
    converter: usize,
    virtual_staking: usize,
    external: usize,
}

/// What lives so far have come across, so that it is known that they did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub stakes: u64,
    pub unstakes: u64,
    pub slashes: u64,
    pub debts: u64,
    pub payments: u64,
    pub packets: u64,
    pub timeouts: u64,
    pub releases: u64,
}

impl Tally {
    pub fn add(&mut self, o: &Self) {
        self.stakes += o.stakes;
        self.unstakes += o.unstakes;
        self.slashes += o.slashes;
        self.debts += o.debts;
        self.payments += o.payments;
        self.packets += o.packets;
        self.timeouts += o.timeouts;
        self.releases += o.releases;
    }

    /// Everything has happened.
    pub fn complete(&self) -> bool {
        let all = [self.stakes, self.unstakes, self.slashes, self.debts, self.payments, self.packets];
        all.iter().all(|n| *n > 0) && self.timeouts > 0 && self.releases > 0
    }
}

/// One life.
pub struct Life {
    pub tally: Tally,
    world: World,
    dice: Dice,
    owner: Addr,
    users: [Addr; 2],
    vault: usize,
    bitcoin: bool,
    consumers: Vec<Consumer>,
    /// Delegations so far.
    delegations: u64,
    /// Providers that have signed twice.
    faulty: Vec<String>,
}

fn coin(amount: u128, denom: &str) -> Value {
    json!({ "denom": denom, "amount": amount.to_string() })
}

impl Life {
    pub fn native(on: Engine) -> Self {
        Self::new(on, false)
    }

    pub fn bitcoin(on: Engine) -> Self {
        Self::new(on, true)
    }

    fn new(on: Engine, bitcoin: bool) -> Self {
        let world = World::new(on);
        let owner = world.api.addr_make("owner");
        let users = USERS.map(|u| world.api.addr_make(u));
        let vault = if bitcoin {
            let policy = json!({ "mode": "strict", "offline": "garnish", "require_fp_binding": false, "expiry_margin_blocks": 0 });
            let init = json!({ "denom": "sat", "btc_staking": owner, "btc_finality": owner, "owner": owner, "policy": policy });
            world.instantiate(Kind::BtcVault, &owner, &init)
        } else {
            for user in &users {
                world.mint(user, 1_000_000, "sat");
            }
            world.instantiate(Kind::MeshVault, &owner, &json!({ "denom": "sat", "local_staking": null }))
        };
        let mut life = Self {
            tally: Tally::default(),
            world,
            dice: Dice::new(0),
            owner,
            users,
            vault,
            bitcoin,
            consumers: vec![],
            delegations: 0,
            faulty: vec![],
        };
        for n in 0..CONSUMERS {
            life.add_consumer(n);
        }
        life.deliver_all();
        life.begin();
        life
    }

    /// Both users have collateral, most of it at work with every consumer, and power has followed.
    fn begin(&mut self) {
        let fps: Vec<Value> = (0..CONSUMERS)
            .map(|c| json!({ "consumer": format!("c{c}"), "fp_pk": format!("fp-{c}-0") }))
            .collect();
        for user in self.users.clone() {
            if self.bitcoin {
                let txid = format!("t{}", self.delegations);
                self.delegations += 1;
                let msg = json!({ "delegation_active": { "user": user, "txid": txid, "sat": 20_000, "slash_rate": "1",
                    "fps": fps, "start_height": 100, "end_height": 60_000, "unbonding_blocks": 1008 } });
                self.demand(&self.owner, self.vault, msg);
            } else {
                let bond = json!({ "bond": { "amount": coin(20_000, "sat") } });
                self.world.execute(&user, self.vault, &bond, 20_000, "sat").unwrap();
            }
            for c in self.consumers.clone() {
                for validator in World::validators() {
                    self.demand(&user, self.vault, self.stake_message(c, validator, 9_000));
                }
            }
        }
        self.deliver_all();
        self.consumers.iter().for_each(|c| self.epoch_of(*c));
        self.deliver_all();
    }

    /// The same life from here on, with other dice.
    pub fn copy(&self, seed: u64) -> Self {
        Self {
            tally: Tally::default(),
            world: self.world.copy(),
            dice: Dice::new(seed),
            owner: self.owner.clone(),
            users: self.users.clone(),
            vault: self.vault,
            bitcoin: self.bitcoin,
            consumers: self.consumers.clone(),
            delegations: self.delegations,
            faulty: self.faulty.clone(),
        }
    }

    /// All that the contracts and the chain have stored.
    pub fn books(&self) -> Vec<Map> {
        self.world.books()
    }

    fn add_consumer(&mut self, n: usize) {
        let (w, owner) = (&self.world, self.owner.clone());
        let feed = json!({ "native_per_foreign": "2", "owner": owner, "ttl_s": 100_000 });
        let feed = w.instantiate(Kind::PriceFeed, &owner, &feed);
        let (cap, knee) = [("1000000000", "1"), ("30000", "1"), ("1000000000", "0.8")][n];
        let limits = json!({ "max_cap": cap, "taper_from": knee });
        let init = json!({
            "price_feed": w.address(feed), "discount": "0.1", "remote_denom": "sat", "virtual_staking_code_id": VIRTUAL,
            "tombstoned_unbond_enable": true, "admin": null, "max_retrieve": 50, "owner": owner,
            "treasury": { "owner": owner, "limits": limits, "min_epoch_s": 60, "gov_weight": "inherit" },
        });
        let converter = w.instantiate(Kind::Converter, &owner, &init);
        let config: api::converter::ConfigResponse = w.ask(converter, &json!({ "config": {} })).unwrap();
        let virtual_staking = w.number(&config.virtual_staking).unwrap();
        w.mint(&w.address(virtual_staking), 200_000, DENOM);
        let port = format!("wasm.{}", w.address(converter));
        let init = json!({
            "denom": "sat", "rewards_denom": DENOM, "vault": w.address(self.vault), "unbonding_period": UNBONDING,
            "remote_contact": { "connection_id": "c", "port_id": port },
            "slash_ratio": { "double_sign": RATIOS[n], "offline": "0.01" }, "admin": owner,
        });
        let external = w.instantiate(Kind::External, &owner, &init);
        w.connect(converter, external, &port);
        if self.bitcoin {
            let set = json!({ "set_consumer": { "consumer": format!("c{n}"), "external_staking": w.address(external),
                "slash_dsign": RATIOS[n], "cap_sat": CAP, "paused": false } });
            w.execute(&owner, self.vault, &set, 0, "").unwrap();
        }
        self.consumers.push(Consumer { feed, converter, virtual_staking, external });
    }

    fn pick(&mut self, n: usize) -> usize {
        self.dice.below(n as u64) as usize
    }

    fn user(&mut self) -> Addr {
        let n = self.pick(2);
        self.users[n].clone()
    }

    fn consumer(&mut self) -> Consumer {
        let n = self.pick(CONSUMERS);
        self.consumers[n]
    }

    fn validator(&mut self) -> &'static str {
        World::validators()[self.pick(2)]
    }

    /// What a user or stranger asks for, granted or not.
    fn attempt(&self, who: &Addr, contract: usize, msg: Value) {
        self.granted(who, contract, msg);
    }

    /// The same; one where it was granted.
    fn granted(&self, who: &Addr, contract: usize, msg: Value) -> u64 {
        u64::from(self.world.execute(who, contract, &msg, 0, "").is_ok())
    }

    /// What may never be refused.
    fn demand(&self, who: &Addr, contract: usize, msg: Value) {
        if let Err(e) = self.world.execute(who, contract, &msg, 0, "") {
            panic!("{msg}: {e}");
        }
    }

    /// Something happens; then some packets move.
    pub fn step(&mut self) {
        match self.dice.below(23) {
            0..=3 => self.stake(),
            4..=6 => self.unstake(),
            7 | 8 => self.collateral(),
            9 | 10 => self.slash(),
            11 | 12 => self.epoch(),
            13 => self.price(),
            14 => self.rewards(),
            15 => self.withdraw_rewards(),
            16 => self.withdraw_unbonded(),
            17 | 18 => self.anybody(),
            19 | 20 => {
                let n = self.pick(CONSUMERS + 2);
                self.world.stubborn.set(self.consumers.get(n).map(|c| c.external));
                self.world.stuck.set(self.dice.chance(200));
            }
            _ => {
                let long = self.dice.chance(300);
                self.world.advance(if long { UNBONDING } else { 1 + self.dice.below(400) });
            }
        }
        for _ in 0..self.dice.below(8) {
            self.relay();
        }
    }

    fn stake(&mut self) {
        let (user, c, validator) = (self.user(), self.consumer(), self.validator());
        let x = 1 + u128::from(self.dice.below(8_000));
        let stake = self.stake_message(c, validator, x);
        self.tally.stakes += self.granted(&user, self.vault, stake);
    }

    fn stake_message(&self, c: Consumer, validator: &str, x: u128) -> Value {
        let msg = to_json_binary(&json!({ "validator": validator })).unwrap();
        json!({ "stake_remote": { "contract": self.world.address(c.external), "amount": coin(x, "sat"), "msg": msg } })
    }

    fn unstake(&mut self) {
        let (user, c, validator) = (self.user(), self.consumer(), self.validator());
        let x = 1 + u128::from(self.dice.below(6_000));
        self.tally.unstakes += self.granted(
            &user,
            c.external,
            json!({ "unstake": { "validator": validator, "amount": coin(x, "sat") } }),
        );
    }

    fn collateral(&mut self) {
        if self.bitcoin { self.delegation() } else { self.coins() }
    }

    fn coins(&mut self) {
        let user = self.user();
        let x = 1 + u128::from(self.dice.below(20_000));
        if self.dice.chance(700) {
            let bond = json!({ "bond": { "amount": coin(x, "sat") } });
            drop(self.world.execute(&user, self.vault, &bond, x, "sat"));
        } else {
            self.attempt(&user, self.vault, json!({ "unbond": { "amount": coin(x, "sat") } }));
        }
    }

    /// What btc-staking and btc-finality report is never refused.
    fn delegation(&mut self) {
        let (owner, txid) = (self.owner.clone(), format!("t{}", self.dice.below(self.delegations.max(1))));
        let msg = match self.dice.below(10) {
            0..=4 => return self.delegate(),
            5 => {
                let kind = ["unbonding", "other", "slashing"][self.pick(3)];
                json!({ "delegation_unbonding": { "txid": txid, "spend_txid": "s", "kind": kind, "btc_height": 5 } })
            }
            6 => json!({ "delegation_expired": { "txid": txid } }),
            7 => json!({ "delegation_quarantined": { "txid": txid } }),
            8 => json!({ "delegation_requalified": { "txid": txid } }),
            _ => {
                let (n, c) = (self.dice.below(4), self.pick(CONSUMERS));
                let fp = format!("fp-{c}-{n}");
                self.faulty.push(fp.clone());
                json!({ "fp_slashed": { "fp_pk": fp, "consumer": format!("c{c}"), "height": 7 } })
            }
        };
        self.demand(&owner, self.vault, msg);
    }

    fn delegate(&mut self) {
        let (user, n) = (self.user(), self.delegations);
        self.delegations += 1;
        let mut fps = Vec::new();
        for c in 0..CONSUMERS {
            if self.dice.chance(800) {
                fps.push(
                    json!({ "consumer": format!("c{c}"), "fp_pk": format!("fp-{c}-{}", self.dice.below(4)) }),
                );
            }
        }
        let sat = 1 + self.dice.below(20_000);
        let rate = ["0.1", "0.5", "1"][self.pick(3)];
        let msg = json!({ "delegation_active": { "user": user, "txid": format!("t{n}"), "sat": sat, "slash_rate": rate,
            "fps": fps, "start_height": 100, "end_height": 60_000, "unbonding_blocks": 1008 } });
        self.demand(&self.owner.clone(), self.vault, msg);
    }

    /// A validator misbehaves on the consumer's chain; the next epoch there finds it.
    fn slash(&mut self) {
        let (n, validator) = (self.pick(CONSUMERS), self.validator());
        let c = self.consumers[n];
        let most = [100, 300, 50][n];
        let per_mille = 1 + u128::from(self.dice.below(most));
        self.tally.slashes +=
            u64::from(self.world.delegation(&self.world.address(c.virtual_staking), validator) > 1000);
        self.world.slash(&self.world.address(c.virtual_staking), validator, per_mille);
        self.epoch_of(c);
    }

    fn epoch(&mut self) {
        let c = self.consumer();
        self.epoch_of(c);
    }

    /// An epoch cannot fail, whatever else does.
    fn epoch_of(&self, c: Consumer) {
        self.world.advance(61);
        self.demand(&self.owner, c.virtual_staking, json!({ "handle_epoch": {} }));
    }

    fn price(&mut self) {
        let c = self.consumer();
        let price = ["0.5", "1", "2", "3.3", "7"][self.pick(5)];
        let msg = json!({ "update_price": { "native_per_foreign": price } });
        self.demand(&self.owner.clone(), c.feed, msg);
    }

    fn rewards(&mut self) {
        let (c, validator) = (self.consumer(), self.validator());
        let amount = u128::from(self.dice.below(5_000));
        let who = self.world.address(c.virtual_staking);
        if self.world.delegation(&who, validator) > 0 {
            self.world.reward(&who, validator, amount);
        }
    }

    fn withdraw_rewards(&mut self) {
        let (user, c, validator) = (self.user(), self.consumer(), self.validator());
        let msg = json!({ "withdraw_rewards": { "validator": validator, "remote_recipient": user } });
        self.tally.payments += self.granted(&user, c.external, msg);
    }

    fn withdraw_unbonded(&mut self) {
        let (user, c) = (self.user(), self.consumer());
        self.tally.releases += self.granted(&user, c.external, json!({ "withdraw_unbonded": {} }));
    }

    /// What anybody may call at any time.
    fn anybody(&mut self) {
        let (user, c, validator) = (self.user(), self.consumer(), self.validator());
        let holder = self.world.address(c.external);
        let limit = 1 + self.dice.below(3);
        match self.dice.below(6) {
            0 => self.demand(
                &user,
                c.external,
                json!({ "settle_slash": { "validator": validator, "limit": limit } }),
            ),
            1 => self.attempt(
                &user,
                self.vault,
                json!({ "retry_burn": { "user": user, "lienholder": holder } }),
            ),
            2 => self.demand(&user, c.converter, json!({ "flush_outbox": { "limit": 5 } })),
            3 => self.demand(&user, c.external, json!({ "flush_outbox": { "limit": 5 } })),
            4 if self.bitcoin => {
                self.demand(&user, self.vault, json!({ "sync_liens": { "user": user, "limit": 9 } }))
            }
            _ => {
                let n = self.pick(self.faulty.len().max(1));
                if let Some(fp) = self.faulty.get(n) {
                    self.attempt(
                        &user,
                        self.vault,
                        json!({ "settle_slash": { "fp_pk": fp, "limit": limit } }),
                    );
                }
            }
        }
    }

    /// Some packet moves: any of them, so that order means nothing; one in eight is lost.
    fn relay(&mut self) {
        let n = self.world.packets.borrow().len();
        if n == 0 {
            return;
        }
        let i = self.pick(n);
        let received = self.world.packets.borrow()[i].ack.is_some();
        let done = match received {
            true => self.world.acknowledge(i),
            false if self.dice.chance(125) => {
                self.tally.timeouts += 1;
                self.world.time_out(i)
            }
            false => {
                self.tally.packets += 1;
                self.world.receive(i);
                Ok(())
            }
        };
        done.expect("no handler of an answer may fail");
    }

    fn deliver_all(&mut self) {
        while !self.world.packets.borrow().is_empty() {
            if self.world.packets.borrow()[0].ack.is_none() {
                self.world.receive(0);
            }
            self.world.acknowledge(0).expect("no handler of an answer may fail");
        }
    }

    /// Lets everything come to rest.
    pub fn settle(&mut self) {
        for (user, c) in self.users.iter().flat_map(|u| self.consumers.iter().map(move |c| (u, *c))) {
            self.tally.debts += u64::from(self.debt(user, c) > 0);
        }
        self.world.stubborn.set(None);
        self.world.stuck.set(false);
        let anyone = self.users[0].clone();
        for _ in 0..4 {
            self.deliver_all();
            self.world.advance(2 * 86_400);
            for fp in self.faulty.clone() {
                self.attempt(&anyone, self.vault, json!({ "settle_slash": { "fp_pk": fp, "limit": 50 } }));
            }
            for c in self.consumers.clone() {
                self.demand(&anyone, c.converter, json!({ "flush_outbox": { "limit": 20 } }));
                self.demand(&anyone, c.external, json!({ "flush_outbox": { "limit": 20 } }));
                self.epoch_of(c);
                self.deliver_all();
                for validator in World::validators() {
                    let msg = json!({ "settle_slash": { "validator": validator, "limit": 100 } });
                    self.demand(&anyone, c.external, msg);
                }
                for user in self.users.clone() {
                    let holder = self.world.address(c.external);
                    self.attempt(
                        &anyone,
                        self.vault,
                        json!({ "retry_burn": { "user": user, "lienholder": holder } }),
                    );
                }
            }
        }
        self.deliver_all();
    }

    fn account(&self, user: &Addr) -> api::vault::AccountDetailsResponse {
        self.world.ask(self.vault, &json!({ "account_details": { "account": user } })).unwrap()
    }

    fn lien(&self, user: &Addr, c: Consumer) -> api::Range {
        let ask = json!({ "claim": { "account": user, "lienholder": self.world.address(c.external) } });
        let answer: Result<api::vault::ClaimResponse, _> = self.world.ask(self.vault, &ask);
        answer.map(|a| a.amount).unwrap_or_default()
    }

    fn debt(&self, user: &Addr, c: Consumer) -> u128 {
        let all: api::vault::DebtsResponse =
            self.world.ask(self.vault, &json!({ "debts": { "user": user } })).unwrap();
        let holder = self.world.address(c.external);
        all.debts.iter().filter(|d| d.lienholder == holder.as_str()).map(|d| d.amount.0).sum()
    }

    /// I1, I2, I4, and coins for rewards, at any moment.
    pub fn check(&self) {
        for user in &self.users {
            let a = self.account(user);
            assert!(a.max_lien.h.0 <= a.bonded.0 && a.max_lien.l.0 <= a.max_lien.h.0, "I1: {a:?}");
            assert!(a.total_slashable.h.0 <= a.bonded.0, "I2: {a:?}");
            if self.bitcoin {
                self.check_bitcoin(user);
            }
        }
        for c in &self.consumers {
            if self.bitcoin {
                let sum: u128 = self.users.iter().map(|u| self.lien(u, *c).h.0).sum();
                assert!(sum <= u128::from(CAP), "I4: {sum}");
            }
            self.check_rewards(*c);
        }
    }

    fn check_bitcoin(&self, user: &Addr) {
        let s: api::btc_vault::SlashCapacityResponse =
            self.world.ask(self.vault, &json!({ "slash_capacity": { "user": user } })).unwrap();
        assert!(s.used.0 <= s.s.0, "I2: {s:?}");
        for n in 0..CONSUMERS {
            let ask = json!({ "capacity": { "user": user, "consumer": format!("c{n}") } });
            let c: api::btc_vault::CapacityResponse = self.world.ask(self.vault, &ask).unwrap();
            assert!(c.lien.0 <= c.bound_sat.0, "I1: {c:?}");
        }
    }

    /// The converter has the coins for what is due and for what is on its way to be paid.
    fn check_rewards(&self, c: Consumer) {
        let mut due = 0;
        for user in &self.users {
            let ask = json!({ "all_pending_rewards": { "user": user } });
            let all: api::external::AllPendingRewards = self.world.ask(c.external, &ask).unwrap();
            due += all.rewards.iter().map(|r| r.rewards.rewards.amount.0).sum::<u128>();
        }
        let held = self.world.balance(&self.world.address(c.converter), DENOM);
        assert!(held >= due, "{held} coins for rewards of {due}");
    }

    /// Books agree once nothing is under way.
    pub fn check_settled(&self) {
        for c in &self.consumers {
            let txs: api::vault::AllTxsResponse =
                self.world.ask(c.external, &json!({ "all_pending_txs_desc": {} })).unwrap();
            assert!(txs.txs.is_empty(), "{txs:?}");
            for user in &self.users {
                let (lien, debt) = (self.lien(user, *c), self.debt(user, *c));
                let held: u128 = World::validators().iter().map(|v| self.held(user, *c, v)).sum();
                assert_eq!(lien.l, lien.h, "nothing is uncertain any more");
                assert_eq!(lien.h.0 + debt, held, "lien {lien:?}, debt {debt}, held {held}");
            }
        }
        let txs: api::vault::AllTxsResponse =
            self.world.ask(self.vault, &json!({ "all_pending_txs_desc": {} })).unwrap();
        assert!(txs.txs.is_empty(), "{txs:?}");
    }

    fn held(&self, user: &Addr, c: Consumer, validator: &str) -> u128 {
        let ask = json!({ "stake": { "user": user, "validator": validator } });
        let s: api::external::StakeInfo = self.world.ask(c.external, &ask).unwrap();
        s.stake.h.0 + s.pending_unbonds.iter().map(|u| u.amount.0).sum::<u128>()
    }
}
