//! Two chains with a Bitcoin-backed pairing between them; btc-staking and btc-finality are played by accounts.
#![allow(dead_code, missing_docs)]

pub mod vault;

use cosmwasm_std::IbcOrder;
use mesh_harness::chain::{
    Chain, ChainConfig, ChainError, ContractSet, DevAccount, Engine, GenesisValidator, TxResult, built_dir,
    read_built,
};
use mesh_harness::clock::Clock;
use mesh_harness::ibc::{Connection, Relay};
use mesh_harness::native_contract;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use staking_api::mesh as api;
use std::time::Duration;

pub const START: u64 = 1_800_000_000;
/// 1 BTC.
pub const BTC: u128 = 100_000_000;
/// Consumer tokens per satoshi in these tests.
pub const PRICE: &str = "2";

/// The contracts as an engine runs them.
pub fn contracts(on: Engine) -> ContractSet {
    let native = ContractSet::new()
        .native("price-feed", native_contract!(price_feed, sudo, migrate))
        .native("converter", native_contract!(converter, reply, migrate, ibc))
        .native("virtual-staking", native_contract!(virtual_staking, reply, sudo, migrate))
        .native("external-staking", native_contract!(external_staking, reply, migrate, ibc))
        .native("operator-registry", native_contract!(operator_registry, migrate))
        .native("custody-example", native_contract!(custody_example, reply, migrate))
        .native("mesh-vault", native_contract!(mesh_vault, reply, migrate))
        .native("native-staking", native_contract!(native_staking, reply, sudo, migrate))
        .native("native-staking-proxy", native_contract!(native_staking_proxy, migrate))
        .native("btc-vault", native_contract!(btc_vault, reply, migrate));
    built(native.on(on))
}

fn built<T>(file: std::io::Result<T>) -> T {
    file.unwrap_or_else(|e| panic!("{e}; build the contracts: contracts/build"))
}

/// The same with virtual-staking for x/meshsecurity; its native code here always speaks to that too.
pub fn contracts_for_module(on: Engine) -> ContractSet {
    let set = contracts(on);
    if on == Engine::Native {
        return set;
    }
    set.wasm("virtual-staking", built(read_built(&built_dir(), "virtual-staking-module")))
}

pub fn account(name: &str, prefix: &str) -> String {
    DevAccount::from_seed(0, name).address(prefix).unwrap()
}

pub fn chain(on: Engine, id: &str, prefix: &str, denom: &str, clock: &Clock) -> Chain {
    let validator = |n: u8| GenesisValidator {
        moniker: format!("validator-{n}"),
        self_bond: 1_000_000_000,
        commission_percent: 5,
    };
    let mut config = ChainConfig::new(id, prefix, denom)
        .validators(vec![validator(1), validator(2), validator(3)])
        .contracts(contracts(on))
        .clock(clock.clone())
        .rpc_port(None);
    for name in ["alice", "bob", "owner", "gov"] {
        config = config.fund(&account(name, prefix), 1_000_000_000_000);
    }
    Chain::start(config).unwrap()
}

/// A consumer and its pairing with the hub.
pub struct Consumer {
    pub chain: Chain,
    pub gov: String,
    pub feed: String,
    pub converter: String,
    pub virtual_staking: String,
    pub external: String,
    pub connection: Connection,
}

pub struct World {
    pub on: Engine,
    pub clock: Clock,
    pub hub: Chain,
    pub owner: String,
    pub staking: String,
    pub finality: String,
    pub vault: String,
    pub relay: Relay,
    pub consumers: Vec<Consumer>,
    /// The vault's message that admits a consumer: chain id, contract, slash ratio.
    pub set: fn(&str, &str, &str) -> Value,
}

pub fn policy() -> Value {
    json!({ "mode": "strict", "offline": "none", "require_fp_binding": false, "expiry_margin_blocks": 0 })
}

impl World {
    /// A hub with a vault and no consumer.
    pub fn hub(on: Engine, policy: &Value) -> Self {
        let clock = Clock::manual(START);
        let hub = chain(on, "hub-1", "mesh", "umesh", &clock);
        let names = ["owner", "btc-staking", "btc-finality"];
        let [owner, staking, finality] = names.map(|n| account(n, "mesh"));
        let code = hub.store("btc-vault").unwrap();
        let init = json!({ "denom": "sat", "btc_staking": staking, "btc_finality": finality, "owner": owner, "policy": policy });
        let vault = hub.instantiate(&owner, code, &init, "btc vault", &[]).unwrap();
        let set = |consumer: &str, external: &str, slash: &str| {
            json!({ "set_consumer": { "consumer": consumer, "external_staking": external, "slash_dsign": slash,
                "cap_sat": 100 * BTC as u64, "paused": false } })
        };
        Self { on, clock, hub, owner, staking, finality, vault, relay: Relay::new(1), consumers: vec![], set }
    }

    /// A hub whose vault is the example custody (2 of 3 attesters), and two consumers.
    pub fn attested(on: Engine) -> Self {
        let mut w = Self::hub(on, &policy());
        let code = w.hub.store("custody-example").unwrap();
        let attesters: Vec<String> = (1..=3).map(|n| account(&format!("attester-{n}"), "mesh")).collect();
        let init = json!({ "denom": "sat", "attesters": attesters, "threshold": 2, "owner": w.owner });
        w.vault = w.hub.instantiate(&w.owner, code, &init, "custody", &[]).unwrap();
        w.set = |consumer, external, slash| {
            json!({ "set_consumer": { "consumer": consumer, "external_staking": external,
            "slash_dsign": slash, "cap": "1000000000000" } })
        };
        for id in ["cons-1", "cons-2"] {
            w.add_consumer(id, "0.05", json!({ "max_cap": "1000000000000" }));
        }
        w
    }

    /// A hub and one consumer, slash 5 %, no limits but a high cap.
    pub fn pair(on: Engine) -> Self {
        let mut w = Self::hub(on, &policy());
        w.add_consumer("cons-1", "0.05", json!({ "max_cap": "1000000000000" }));
        w
    }

    /// Deploys a pairing and opens its channel.
    pub fn add_consumer(&mut self, id: &str, slash: &str, limits: Value) {
        let chain = chain(self.on, id, "cons", "ucons", &self.clock);
        let gov = account("gov", "cons");
        let [feed_code, virtual_code, converter_code] =
            ["price-feed", "virtual-staking", "converter"].map(|n| chain.store(n).unwrap());
        let feed = json!({ "native_per_foreign": PRICE, "owner": gov });
        let feed = chain.instantiate(&gov, feed_code, &feed, "feed", &[]).unwrap();
        let init = json!({
            "price_feed": feed, "discount": "0.1", "remote_denom": "sat", "virtual_staking_code_id": virtual_code,
            "tombstoned_unbond_enable": true, "admin": null, "max_retrieve": 50, "owner": gov,
            "treasury": { "owner": gov, "limits": limits, "min_epoch_s": 60, "gov_weight": "zero" },
        });
        let converter = chain.instantiate(&gov, converter_code, &init, "converter", &[]).unwrap();
        let config: api::converter::ConfigResponse =
            chain.query(&converter, &api::converter::QueryMsg::Config {}).unwrap();
        let virtual_staking = config.virtual_staking;
        chain.mint(&virtual_staking, 1_000_000_000_000, "ucons").unwrap();
        let connection = self.relay.connect(&chain, &self.hub).unwrap();
        let external = self.external(&connection, &converter, slash);
        let ports = (format!("wasm.{converter}"), format!("wasm.{external}"));
        self.relay.open_channel(&connection, &ports.0, &ports.1, IbcOrder::Unordered, "").unwrap();
        let set = (self.set)(id, &external, slash);
        self.hub.execute(&self.owner, &self.vault, &set, &[]).unwrap();
        self.consumers.push(Consumer { chain, gov, feed, converter, virtual_staking, external, connection });
        self.run();
    }

    fn external(&self, connection: &Connection, converter: &str, slash: &str) -> String {
        let code = self.hub.store("external-staking").unwrap();
        let init = json!({
            "denom": "sat", "rewards_denom": "ucons", "vault": self.vault, "unbonding_period": 86_400,
            "remote_contact": { "connection_id": connection.on_b, "port_id": format!("wasm.{converter}") },
            "slash_ratio": { "double_sign": slash, "offline": "0.01" }, "admin": self.owner,
        });
        self.hub.instantiate(&self.owner, code, &init, "external", &[]).unwrap()
    }

    /// Relays until nothing is left.
    pub fn run(&mut self) {
        let report = self.relay.run(10_000).unwrap();
        assert!(report.stuck.is_empty(), "{:?}", report.stuck);
    }

    pub fn user(&self, name: &str) -> String {
        account(name, "mesh")
    }

    pub fn validator(&self, consumer: usize, n: usize) -> String {
        self.consumers[consumer].chain.validators().unwrap()[n].operator.clone()
    }

    /// btc-staking reports a delegation of `sat` at a slash rate of 10 %, with one provider per consumer named.
    pub fn delegate(&self, user: &str, txid: &str, sat: u128, fps: &[(&str, &str)]) {
        let fps: Vec<Value> = fps.iter().map(|(c, f)| json!({ "consumer": c, "fp_pk": f })).collect();
        let msg = json!({ "delegation_active": { "user": self.user(user), "txid": txid, "sat": sat as u64, "slash_rate": "0.1",
            "fps": fps, "start_height": 100, "end_height": 60_000, "unbonding_blocks": 1008 } });
        self.hub.execute(&self.staking, &self.vault, &msg, &[]).unwrap();
    }

    pub fn staking_sends(&self, msg: Value) {
        self.hub.execute(&self.staking, &self.vault, &msg, &[]).unwrap();
    }

    pub fn fp_slashed(&self, fp: &str, consumer: &str) -> TxResult {
        let msg = json!({ "fp_slashed": { "fp_pk": fp, "consumer": consumer, "height": 7 } });
        self.hub.execute(&self.finality, &self.vault, &msg, &[]).unwrap()
    }

    pub fn stake(&self, user: &str, consumer: usize, n: usize, sat: u128) -> Result<TxResult, ChainError> {
        let validator = self.validator(consumer, n);
        let stake = cosmwasm_std::to_json_binary(&api::vault::StakeMsg { validator }).unwrap();
        let msg = json!({ "stake_remote": { "contract": self.consumers[consumer].external,
            "amount": { "denom": "sat", "amount": sat.to_string() }, "msg": stake } });
        self.hub.execute(&self.user(user), &self.vault, &msg, &[])
    }

    pub fn unstake(&self, user: &str, consumer: usize, n: usize, sat: u128) -> Result<TxResult, ChainError> {
        let msg = json!({ "unstake": { "validator": self.validator(consumer, n),
            "amount": { "denom": "sat", "amount": sat.to_string() } } });
        self.hub.execute(&self.user(user), &self.consumers[consumer].external, &msg, &[])
    }

    /// Lets a minute pass and runs an epoch; what it sends stays unrelayed.
    pub fn epoch(&self, consumer: usize) -> TxResult {
        self.clock.advance(Duration::from_secs(61));
        let c = &self.consumers[consumer];
        c.chain.execute(&c.gov, &c.virtual_staking, &json!({ "handle_epoch": {} }), &[]).unwrap()
    }

    pub fn power(&self, consumer: usize, n: usize) -> u128 {
        self.consumers[consumer].chain.validators().unwrap()[n].tokens
    }

    pub fn lien(&self, user: &str, consumer: usize) -> api::Range {
        let ask = api::btc_vault::QueryMsg::Claim {
            account: self.user(user),
            lienholder: self.consumers[consumer].external.clone(),
        };
        let answer: Result<api::vault::ClaimResponse, _> = self.hub.query(&self.vault, &ask);
        answer.map(|c| c.amount).unwrap_or_default()
    }

    pub fn account(&self, user: &str) -> api::vault::AccountDetailsResponse {
        let ask = api::btc_vault::QueryMsg::AccountDetails { account: self.user(user) };
        self.hub.query(&self.vault, &ask).unwrap()
    }

    pub fn stake_of(&self, user: &str, consumer: usize, n: usize) -> api::external::StakeInfo {
        let ask =
            api::external::QueryMsg::Stake { user: self.user(user), validator: self.validator(consumer, n) };
        self.hub.query(&self.consumers[consumer].external, &ask).unwrap()
    }

    pub fn foreign(&self, consumer: usize, n: usize) -> api::converter::ForeignStake {
        let c = &self.consumers[consumer];
        let ask = api::converter::QueryMsg::ForeignStake { validator: self.validator(consumer, n) };
        c.chain.query(&c.converter, &ask).unwrap()
    }

    pub fn status(&self, consumer: usize) -> api::virtual_staking::StatusResponse {
        let c = &self.consumers[consumer];
        c.chain.query(&c.virtual_staking, &api::virtual_staking::QueryMsg::Status {}).unwrap()
    }

    pub fn set_price(&self, consumer: usize, price: &str) {
        let c = &self.consumers[consumer];
        let msg = json!({ "update_price": { "native_per_foreign": price } });
        c.chain.execute(&c.gov, &c.feed, &msg, &[]).unwrap();
    }

    pub fn ask<R: DeserializeOwned>(&self, contract: &str, msg: Value) -> R {
        self.hub.query(contract, &msg).unwrap()
    }
}
