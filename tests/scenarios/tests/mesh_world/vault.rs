//! A native vault with local staking and several consumers of its token, price 1, no discount.

use super::{Consumer, account, chain};
use cosmwasm_std::{Coin, IbcOrder, to_json_binary};
use mesh_harness::chain::{Chain, ChainError, Engine, TxResult};
use mesh_harness::clock::Clock;
use mesh_harness::faults::PacketFaults;
use mesh_harness::ibc::{Relay, Stage};
use serde_json::{Value, json};
use staking_api::mesh as api;
use std::time::Duration;

pub const COLLATERAL: u128 = 200;
const UNBONDING: u64 = 1000;

pub struct Native {
    pub on: Engine,
    pub clock: Clock,
    pub hub: Chain,
    pub owner: String,
    pub vault: String,
    pub local_staking: String,
    pub relay: Relay,
    pub consumers: Vec<Consumer>,
}

impl Native {
    /// One consumer per slash ratio; `local` is that of local staking.
    pub fn new(on: Engine, ratios: &[&str], local: &str) -> Self {
        Self::seeded(on, 1, ratios, local)
    }

    /// As [`Self::new`], with a seed for the faults of the relay.
    pub fn seeded(on: Engine, seed: u64, ratios: &[&str], local: &str) -> Self {
        let clock = Clock::manual(super::START);
        let hub = chain(on, "hub-1", "mesh", "umesh", &clock);
        let owner = account("owner", "mesh");
        let [vault, native, proxy] =
            ["mesh-vault", "native-staking", "native-staking-proxy"].map(|n| hub.store(n).unwrap());
        let local = json!({ "denom": "umesh", "proxy_code_id": proxy, "slash_ratio_dsign": local, "slash_ratio_offline": "0.01" });
        let init = json!({ "denom": "umesh", "local_staking": { "admin": null, "code_id": native,
            "msg": to_json_binary(&local).unwrap(), "label": null } });
        let vault = hub.instantiate(&owner, vault, &init, "vault", &[]).unwrap();
        let config: api::vault::ConfigResponse = hub.query(&vault, &json!({ "config": {} })).unwrap();
        let local_staking = config.local_staking.unwrap();
        let mut w =
            Self { on, clock, hub, owner, vault, local_staking, relay: Relay::new(seed), consumers: vec![] };
        for (i, ratio) in ratios.iter().enumerate() {
            w.add_consumer(&format!("cons-{i}"), ratio);
        }
        w
    }

    fn add_consumer(&mut self, id: &str, slash: &str) {
        let chain = chain(self.on, id, "cons", "ucons", &self.clock);
        let gov = account("gov", "cons");
        let [feed_code, virtual_code, converter_code] =
            ["price-feed", "virtual-staking", "converter"].map(|n| chain.store(n).unwrap());
        let feed = json!({ "native_per_foreign": "1", "owner": gov });
        let feed = chain.instantiate(&gov, feed_code, &feed, "feed", &[]).unwrap();
        let init = json!({
            "price_feed": feed, "discount": "0", "remote_denom": "umesh", "virtual_staking_code_id": virtual_code,
            "tombstoned_unbond_enable": true, "admin": null, "max_retrieve": 50, "owner": gov,
            "treasury": { "owner": gov, "limits": { "max_cap": "1000000000000" }, "min_epoch_s": 60, "gov_weight": "inherit" },
        });
        let converter = chain.instantiate(&gov, converter_code, &init, "converter", &[]).unwrap();
        let config: api::converter::ConfigResponse =
            chain.query(&converter, &json!({ "config": {} })).unwrap();
        let virtual_staking = config.virtual_staking;
        chain.mint(&virtual_staking, 1_000_000_000, "ucons").unwrap();
        let connection = self.relay.connect(&chain, &self.hub).unwrap();
        let code = self.hub.store("external-staking").unwrap();
        let init = json!({
            "denom": "umesh", "rewards_denom": "ucons", "vault": self.vault, "unbonding_period": UNBONDING,
            "remote_contact": { "connection_id": connection.on_b, "port_id": format!("wasm.{converter}") },
            "slash_ratio": { "double_sign": slash, "offline": "0.01" },
        });
        let external = self.hub.instantiate(&self.owner, code, &init, "external", &[]).unwrap();
        let ports = (format!("wasm.{converter}"), format!("wasm.{external}"));
        self.relay.open_channel(&connection, &ports.0, &ports.1, IbcOrder::Unordered, "").unwrap();
        self.consumers.push(Consumer { chain, gov, feed, converter, virtual_staking, external, connection });
        self.run();
    }

    pub fn run(&mut self) {
        let report = self.relay.run(10_000).unwrap();
        assert!(report.stuck.is_empty(), "{:?}", report.stuck);
    }

    /// Times every packet out until senders give up, and relays what they send then.
    pub fn refuse_all(&mut self) {
        for _ in 0..5 {
            for p in self.relay.pending().unwrap().into_iter().filter(|p| p.stage == Stage::Receive) {
                self.relay.time_out(&p).unwrap();
            }
        }
        self.relay.set_faults(PacketFaults::NONE);
        self.run();
    }

    pub fn user(&self, name: &str) -> String {
        account(name, "mesh")
    }

    fn call(&self, sender: &str, to: &str, msg: &Value, funds: u128) -> Result<TxResult, ChainError> {
        let funds: Vec<Coin> = (funds > 0).then(|| Coin::new(funds, "umesh")).into_iter().collect();
        self.hub.execute(&self.user(sender), to, msg, &funds)
    }

    fn coin(x: u128) -> Value {
        json!({ "denom": "umesh", "amount": x.to_string() })
    }

    pub fn validator(&self, consumer: usize, n: usize) -> String {
        self.consumers[consumer].chain.validators().unwrap()[n].operator.clone()
    }

    fn own_validator(&self) -> String {
        self.hub.validators().unwrap()[0].operator.clone()
    }

    pub fn bond(&self, user: &str, x: u128) {
        self.call(user, &self.vault, &json!({ "bond": { "amount": Self::coin(x) } }), x).unwrap();
    }

    pub fn unbond(&self, user: &str, x: u128) -> Result<TxResult, ChainError> {
        self.call(user, &self.vault, &json!({ "unbond": { "amount": Self::coin(x) } }), 0)
    }

    pub fn stake_local(&self, user: &str, x: u128) {
        let msg = to_json_binary(&json!({ "validator": self.own_validator() })).unwrap();
        let msg = json!({ "stake_local": { "amount": Self::coin(x), "msg": msg } });
        self.call(user, &self.vault, &msg, 0).unwrap();
    }

    pub fn stake(&self, user: &str, consumer: usize, n: usize, x: u128) -> Result<TxResult, ChainError> {
        let msg = to_json_binary(&json!({ "validator": self.validator(consumer, n) })).unwrap();
        let contract = &self.consumers[consumer].external;
        let msg = json!({ "stake_remote": { "contract": contract, "amount": Self::coin(x), "msg": msg } });
        self.call(user, &self.vault, &msg, 0)
    }

    pub fn unstake(&self, user: &str, consumer: usize, n: usize, x: u128) {
        self.try_unstake(user, consumer, n, x).unwrap();
    }

    pub fn try_unstake(
        &self,
        user: &str,
        consumer: usize,
        n: usize,
        x: u128,
    ) -> Result<TxResult, ChainError> {
        let msg = json!({ "unstake": { "validator": self.validator(consumer, n), "amount": Self::coin(x) } });
        self.call(user, &self.consumers[consumer].external, &msg, 0)
    }

    /// An epoch on every consumer.
    pub fn epochs(&self) {
        self.clock.advance(Duration::from_secs(61));
        for c in &self.consumers {
            c.chain.execute(&c.gov, &c.virtual_staking, &json!({ "handle_epoch": {} }), &[]).unwrap();
        }
    }

    pub fn power(&self, consumer: usize, n: usize) -> u128 {
        self.consumers[consumer].chain.validators().unwrap()[n].tokens
    }

    pub fn debt(&self, user: &str, consumer: usize) -> u128 {
        let ask = json!({ "debts": { "user": self.user(user) } });
        let all: api::vault::DebtsResponse = self.hub.query(&self.vault, &ask).unwrap();
        let holder = &self.consumers[consumer].external;
        all.debts.iter().filter(|d| &d.lienholder == holder).map(|d| d.amount.0).sum()
    }

    /// Relays, flushes outboxes and applies recorded slashes until nothing is left to do.
    pub fn settle_everything(&mut self) {
        for _ in 0..4 {
            self.run();
            self.clock.advance(Duration::from_secs(86_400));
            for i in 0..self.consumers.len() {
                let c = &self.consumers[i];
                let flush = json!({ "flush_outbox": { "limit": 20 } });
                c.chain.execute(&c.gov, &c.converter, &flush, &[]).unwrap();
                self.call("bob", &c.external, &flush, 0).unwrap();
                for n in 0..3 {
                    let msg = json!({ "settle_slash": { "validator": self.validator(i, n), "limit": 100 } });
                    self.call("bob", &c.external, &msg, 0).unwrap();
                }
            }
        }
        self.run();
    }

    pub fn withdraw_unbonded(&self, user: &str, consumer: usize) {
        self.call(user, &self.consumers[consumer].external, &json!({ "withdraw_unbonded": {} }), 0).unwrap();
    }

    pub fn wait_unbonding(&self) {
        self.clock.advance(Duration::from_secs(UNBONDING + 1));
    }

    /// The consumer's virtual-staking reports a slash of `x` tokens (price 1) of a validator, and it is relayed.
    pub fn slash(&mut self, _user: &str, consumer: usize, n: usize, x: u128) {
        self.report_slash(consumer, n, x);
        let chain = self.consumers[consumer].chain.chain_id().to_string();
        let from_consumer = |p: &mesh_harness::ibc::Pending| p.source == chain && p.stage == Stage::Receive;
        for p in self.relay.pending().unwrap().into_iter().filter(from_consumer) {
            self.relay.deliver(&p).unwrap();
        }
    }

    /// The report alone, not yet relayed.
    pub fn report_slash(&self, consumer: usize, n: usize, x: u128) {
        let c = &self.consumers[consumer];
        let slash = json!({ "address": self.validator(consumer, n), "height": 9, "time": 0, "infraction_height": 8,
            "infraction_time": self.clock.seconds() - 1, "power": 1, "slash_amount": x.to_string(), "slash_ratio": "1", "is_tombstoned": false });
        let msg = json!({ "valset_update": { "additions": [], "removals": [], "updated": [], "jailed": [], "unjailed": [],
            "tombstoned": [], "slashed": [slash] } });
        c.chain.execute(&c.virtual_staking, &c.converter, &msg, &[]).unwrap();
    }

    /// Slashes the vault's own validator and has the books compared.
    pub fn slash_own_chain(&self, percent: u64) {
        let validator = self.own_validator();
        self.hub.slash_validator(&validator, percent).unwrap();
        let msg = json!({ "report_slash": { "validator": validator, "limit": 10 } });
        self.call("bob", &self.local_staking, &msg, 0).unwrap();
    }

    pub fn account(&self, user: &str) -> api::vault::AccountDetailsResponse {
        self.hub.query(&self.vault, &json!({ "account_details": { "account": self.user(user) } })).unwrap()
    }

    fn claim(&self, user: &str, holder: &str) -> u128 {
        let ask = json!({ "claim": { "account": self.user(user), "lienholder": holder } });
        let answer: Result<api::vault::ClaimResponse, _> = self.hub.query(&self.vault, &ask);
        answer.map(|c| c.amount.h.0).unwrap_or_default()
    }

    pub fn lien(&self, user: &str, consumer: usize) -> u128 {
        self.claim(user, &self.consumers[consumer].external)
    }

    pub fn claims(&self, user: &str) -> usize {
        let ask = json!({ "account_claims": { "account": self.user(user) } });
        self.hub.query::<_, api::vault::AccountClaimsResponse>(&self.vault, &ask).unwrap().claims.len()
    }

    pub fn local(&self, user: &str) -> u128 {
        self.claim(user, &self.local_staking)
    }

    /// Rewards of `x` tokens for a validator's stakers come in at the consumer.
    pub fn reward(&self, consumer: usize, n: usize, x: u128) {
        let c = &self.consumers[consumer];
        let msg = json!({ "distribute_reward": { "validator": self.validator(consumer, n) } });
        c.chain.execute(&c.virtual_staking, &c.converter, &msg, &[Coin::new(x, "ucons")]).unwrap();
    }

    /// The user has rewards paid out to an account of its name on the consumer.
    pub fn withdraw_rewards(&self, user: &str, consumer: usize, n: usize) -> Result<TxResult, ChainError> {
        let to = account(user, "cons");
        let msg = json!({ "withdraw_rewards": { "validator": self.validator(consumer, n), "remote_recipient": to } });
        self.call(user, &self.consumers[consumer].external, &msg, 0)
    }

    /// What the user has on the consumer.
    pub fn paid(&self, user: &str, consumer: usize) -> u128 {
        self.consumers[consumer].chain.balance(&account(user, "cons"), "ucons").unwrap()
    }

    pub fn due(&self, user: &str, consumer: usize, n: usize) -> u128 {
        let ask = json!({ "pending_rewards": { "user": self.user(user), "validator": self.validator(consumer, n) } });
        let due: api::external::PendingRewards =
            self.hub.query(&self.consumers[consumer].external, &ask).unwrap();
        due.rewards.amount.0
    }

    /// What the user's proxy has delegated.
    pub fn delegated(&self, user: &str) -> u128 {
        let ask = json!({ "proxy_by_owner": { "owner": self.user(user) } });
        let proxy: api::native::ProxyByOwnerResponse = self.hub.query(&self.local_staking, &ask).unwrap();
        self.hub.delegation(&proxy.proxy, &self.own_validator()).unwrap()
    }

    fn stake_info(&self, user: &str, consumer: usize, n: usize) -> api::external::StakeInfo {
        let ask = json!({ "stake": { "user": self.user(user), "validator": self.validator(consumer, n) } });
        self.hub.query(&self.consumers[consumer].external, &ask).unwrap()
    }

    pub fn staked(&self, user: &str, consumer: usize, n: usize) -> u128 {
        self.stake_info(user, consumer, n).stake.h.0
    }

    /// Stake and what is leaving, over all validators.
    pub fn held(&self, user: &str, consumer: usize) -> u128 {
        let one = |n: usize| {
            let s = self.stake_info(user, consumer, n);
            s.stake.h.0 + s.pending_unbonds.iter().map(|u| u.amount.0).sum::<u128>()
        };
        (0..3).map(one).sum()
    }

    pub fn pending(&self, _user: &str, consumer: usize) -> Vec<api::vault::Tx> {
        let ask = json!({ "all_pending_txs_desc": {} });
        self.hub.query::<_, api::vault::AllTxsResponse>(&self.consumers[consumer].external, &ask).unwrap().txs
    }

    pub fn foreign(&self, consumer: usize, n: usize) -> u128 {
        let c = &self.consumers[consumer];
        let ask = json!({ "foreign_stake": { "validator": self.validator(consumer, n) } });
        c.chain.query::<_, api::converter::ForeignStake>(&c.converter, &ask).unwrap().foreign.0
    }
}
