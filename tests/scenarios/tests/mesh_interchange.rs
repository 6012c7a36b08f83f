//! Each contract beside a stock peer: the packets stock contracts send, ours in their shape, and a vault in front of an
//! external-staking that refuses what the stock one refuses (§16.4).
#![allow(dead_code)]

#[path = "mesh_random/light.rs"]
mod light;
#[path = "mesh_random/stock.rs"]
mod stock;

use cosmwasm_std::{Addr, Binary, to_json_binary};
use light::{DENOM, Kind, PREFIX, Packet, VIRTUAL, World};
use mesh_harness::chain::{Engine, Entry, IbcEntry, Lone};
use mesh_harness::{native_contract, on_each_engine};
use serde_json::{Value, json};
use staking_api::mesh as api;
use std::sync::Arc;

/// The sample that the stock types serialised, in the denominations of this world.
fn sample(name: &str) -> Value {
    let text = include_str!("../../vectors/mesh-wire.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let text = all["vectors"][name]["json_text"].as_str().unwrap_or_else(|| panic!("no sample {name}"));
    serde_json::from_str(&text.replace("ustar", DENOM)).unwrap()
}

fn bytes(value: &Value) -> Binary {
    serde_json::to_vec(value).unwrap().into()
}

/// A pairing for `uosmo`, the samples' token; whoever is `owner` plays the vault.
struct Pair {
    world: World,
    owner: Addr,
    converter: usize,
    external: usize,
}

fn pair(on: Engine) -> Pair {
    let world = World::new(on);
    let owner = world.api.addr_make("owner");
    let feed =
        world.instantiate(Kind::PriceFeed, &owner, &json!({ "native_per_foreign": "0.5", "owner": owner }));
    let treasury = json!({ "owner": owner, "limits": { "max_cap": "1000000" }, "min_epoch_s": 60, "gov_weight": "inherit" });
    let init = json!({
        "price_feed": world.address(feed), "discount": "0.1", "remote_denom": "uosmo", "max_retrieve": 50, "admin": null,
        "virtual_staking_code_id": VIRTUAL, "tombstoned_unbond_enable": true, "owner": owner, "treasury": treasury,
    });
    let converter = world.instantiate(Kind::Converter, &owner, &init);
    world.mint(&world.address(converter), 1_000, DENOM);
    let port = format!("wasm.{}", world.address(converter));
    let init = json!({
        "denom": "uosmo", "rewards_denom": DENOM, "vault": owner, "unbonding_period": 100,
        "remote_contact": { "connection_id": "c", "port_id": port },
        "slash_ratio": { "double_sign": "0.1", "offline": "0.1" }, "admin": owner,
    });
    let external = world.instantiate(Kind::External, &owner, &init);
    world.connect(converter, external, &port);
    world.packets.borrow_mut().clear();
    Pair { world, owner, converter, external }
}

impl Pair {
    /// A packet of a peer arrives; gives the acknowledgement's bytes.
    fn receive(&self, to: usize, packet: &Value) -> String {
        let from = if to == self.converter { self.external } else { self.converter };
        self.world.packets.borrow_mut().push(Packet { from, to, data: bytes(packet), ack: None });
        let i = self.world.packets.borrow().len() - 1;
        self.world.receive(i);
        let p = self.world.packets.borrow_mut().remove(i);
        String::from_utf8(p.ack.unwrap().to_vec()).unwrap()
    }

    fn foreign(&self, validator: &str) -> u128 {
        let ask = json!({ "foreign_stake": { "validator": validator } });
        self.world.ask::<_, api::converter::ForeignStake>(self.converter, &ask).unwrap().foreign.0
    }

    fn stake(&self, user: &str, validator: &str) -> api::external::StakeInfo {
        self.world.ask(self.external, &json!({ "stake": { "user": user, "validator": validator } })).unwrap()
    }

    /// What the contract has just sent, as JSON.
    fn sent(&self) -> Value {
        let packets = self.world.packets.borrow();
        serde_json::from_slice(&packets.last().expect("a packet").data).unwrap()
    }
}

const OK: &str = r#"{"result":"e30="}"#;

/// Our converter follows what a stock external-staking sends, and answers in its bytes.
fn our_converter_follows_stock_packets(on: Engine) {
    let p = pair(on);
    assert_eq!(p.receive(p.converter, &sample("packet.provider.stake")), OK);
    assert_eq!(p.foreign("cosmosvaloper1v"), 100);
    assert_eq!(p.receive(p.converter, &sample("packet.provider.unstake")), OK);
    assert_eq!(p.foreign("cosmosvaloper1v"), 60);
    // Stock names validators and a sum; ours splits over what they have, and never refuses for want of stake.
    assert_eq!(p.receive(p.converter, &sample("packet.provider.burn")), OK);
    let burn = json!({ "burn": { "validators": ["cosmosvaloper1v", "v2"], "burn": { "denom": "uosmo", "amount": "20" } } });
    assert_eq!(p.receive(p.converter, &burn), OK);
    assert_eq!(p.foreign("cosmosvaloper1v"), 40);
    let mut pay = sample("packet.provider.transfer_rewards");
    let to = p.world.api.addr_make("somebody");
    pay["transfer_rewards"]["recipient"] = json!(to);
    p.world.mint(&p.world.address(p.converter), 0, DENOM);
    let ack = p.receive(p.converter, &pay);
    // Rewards that were never distributed are not paid from others' coins.
    assert!(ack.starts_with(r#"{"error":"#) && p.world.balance(&to, DENOM) == 0, "{ack}");
}

/// §16.7, 14-B3: a stock virtual-staking whose cap is zero gives back what it has booked, which is in our converter's own
/// name: power ends, no packet names a delegator that the provider does not know, and stakers keep their stake.
fn a_stock_virtual_staking_gives_back_what_is_in_our_own_name(on: Engine) {
    let p = pair(on);
    assert_eq!(p.receive(p.converter, &sample("packet.provider.stake")), OK);
    let config: api::converter::ConfigResponse = p.world.ask(p.converter, &json!({ "config": {} })).unwrap();
    let back = json!({ "internal_unstake": { "delegator": p.world.address(p.converter), "validator": "cosmosvaloper1v",
        "amount": { "denom": DENOM, "amount": "45" } } });
    assert!(p.world.execute(&p.owner, p.converter, &back, 0, "").is_err(), "only virtual-staking");
    let virtual_staking = Addr::unchecked(&config.virtual_staking);
    p.world.execute(&virtual_staking, p.converter, &back, 0, "").unwrap();
    let ask = json!({ "foreign_stake": { "validator": "cosmosvaloper1v" } });
    let left: api::converter::ForeignStake = p.world.ask(p.converter, &ask).unwrap();
    assert_eq!((left.foreign.0, left.local.0), (100, 0));
    assert!(p.world.packets.borrow().is_empty());
    assert_eq!(p.receive(p.converter, &sample("packet.provider.unstake")), OK);
    assert_eq!(p.foreign("cosmosvaloper1v"), 60);
}

/// What a packet of a later peer adds is tolerated; what cannot be followed is refused and changes nothing.
fn unknown_fields_are_tolerated_and_unknown_variants_answered_with_an_error(on: Engine) {
    let p = pair(on);
    let mut more = sample("packet.provider.stake");
    more["stake"]["new_in_0_12"] = json!(true);
    assert_eq!(p.receive(p.converter, &more), OK);
    for bad in [json!({ "redelegate": {} }), json!({ "stake": {} }), json!("stake")] {
        assert!(p.receive(p.converter, &bad).starts_with(r#"{"error":"#));
        assert!(p.receive(p.external, &bad).starts_with(r#"{"error":"#));
    }
    let mut wrong = sample("packet.provider.stake");
    wrong["stake"]["stake"]["denom"] = json!("uatom");
    assert!(p.receive(p.converter, &wrong).starts_with(r#"{"error":"#));
    assert_eq!(p.foreign("cosmosvaloper1v"), 100);
}

/// Our external-staking follows what a stock converter sends, and sends what a stock one would.
fn our_external_staking_follows_and_sends_stock_packets(on: Engine) {
    let p = pair(on);
    assert_eq!(p.receive(p.external, &sample("packet.consumer.valset_update")), OK);
    let states: api::external::ListValidatorsResponse =
        p.world.ask(p.external, &json!({ "list_validators": {} })).unwrap();
    let of = |name: &str| states.validators.iter().find(|v| v.validator == name).map(|v| v.state.clone());
    assert_eq!(of("v1"), Some(api::external::ValState::Active {}));
    assert_eq!(of("v2"), Some(api::external::ValState::Unbonded {}));
    assert_eq!(of("v3"), Some(api::external::ValState::Jailed {}));
    // A stake as the vault sends it; the packet is the stock one, key for key.
    let user = "osmo1user";
    let stake = |amount: &str, tx_id: u64| {
        json!({ "receive_virtual_stake": { "owner": user, "amount": { "denom": "uosmo", "amount": amount }, "tx_id": tx_id,
            "msg": to_json_binary(&json!({ "validator": "v1" })).unwrap() } })
    };
    p.world.execute(&p.owner, p.external, &stake("100", 7), 0, "").unwrap();
    let mut expected = sample("packet.provider.stake");
    expected["stake"]["validator"] = json!("v1");
    assert_eq!(p.sent(), expected);
    assert_eq!(p.stake(user, "v1").stake.h.0, 100);
}

/// The stock converter's own packets about stake and rewards.
fn internal_unstakes_and_rewards_of_a_stock_converter_are_booked(on: Engine) {
    let p = pair(on);
    let update = sample("packet.consumer.valset_update");
    assert_eq!(p.receive(p.external, &update), OK);
    assert_eq!(
        p.receive(p.external, &sample("packet.consumer.internal_unstake")),
        OK,
        "nobody has that stake"
    );
    for name in ["packet.consumer.distribute", "packet.consumer.distribute_batch"] {
        // T6: there is nobody to distribute to, and nothing divides by zero.
        assert_eq!(p.receive(p.external, &sample(name)), OK, "{name}");
    }
    let mut other = sample("packet.consumer.distribute");
    other["distribute"]["rewards"]["denom"] = json!("uother");
    assert!(p.receive(p.external, &other).starts_with(r#"{"error":"#));
}

/// The version object in the answer to an opening handshake.
fn version_in(answer: &[u8]) -> Value {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    serde_json::from_str(answer["version"].as_str().unwrap()).unwrap()
}

/// The version object: unknown fields are tolerated, other protocols and older versions are not.
fn the_channel_version_is_negotiated_like_the_stock_one(on: Engine) {
    use cosmwasm_std::Empty;
    use cosmwasm_std::testing::MockQuerier;
    use cosmwasm_std::{IbcChannel, IbcChannelOpenMsg, IbcEndpoint, IbcOrder};
    let open = |version: &str, order: IbcOrder| {
        let end = |n: &str| IbcEndpoint { port_id: n.into(), channel_id: "channel-0".into() };
        let channel = IbcChannel::new(end("mine"), end("wasm.converter"), order, "", "c");
        let native = native_contract!(external_staking, reply, ibc);
        let mut w =
            Lone::new(on, "external-staking", native, PREFIX, MockQuerier::<Empty>::new(&[])).unwrap();
        let init = json!({
            "denom": "uosmo", "rewards_denom": DENOM, "vault": w.account("vault"), "unbonding_period": 1,
            "remote_contact": { "connection_id": "c", "port_id": "wasm.converter" },
            "slash_ratio": { "double_sign": "0.01", "offline": "0" }, "admin": null,
        });
        w.instantiate(&w.account("owner"), &init).unwrap();
        w.call(Entry::Ibc(IbcEntry::ChannelOpen(IbcChannelOpenMsg::new_try(channel, version))))
            .map(|response| version_in(&response.data.unwrap()))
    };
    let ours = sample("channel.version").to_string();
    assert_eq!(open(&ours, IbcOrder::Unordered).unwrap(), sample("channel.version"));
    assert!(open(r#"{"protocol":"mesh-security","version":"0.11.7","more":1}"#, IbcOrder::Unordered).is_ok());
    for bad in [
        r#"{"protocol":"mesh-security","version":"0.10.0"}"#,
        r#"{"protocol":"mesh-security","version":"1.0.0"}"#,
        r#"{"protocol":"other","version":"0.11.0"}"#,
        r#"{"version":"0.11.0"}"#,
        "",
    ] {
        assert!(open(bad, IbcOrder::Unordered).is_err(), "{bad}");
    }
    assert!(open(&ours, IbcOrder::Ordered).is_err());
}

/// A btc-vault with a consumer served by a stock lien holder, and one served by ours.
struct Stock {
    world: World,
    owner: Addr,
    user: Addr,
    vault: usize,
    holder: usize,
}

fn stock(on: Engine) -> Stock {
    let world = World::new(on);
    world.add_foreign(Arc::new(stock::code()));
    let (owner, user) = (world.api.addr_make("owner"), world.api.addr_make("alice"));
    let policy = json!({ "mode": "strict", "offline": "none", "require_fp_binding": false, "expiry_margin_blocks": 0 });
    let init = json!({ "denom": "sat", "btc_staking": owner, "btc_finality": owner, "owner": owner, "policy": policy });
    let vault = world.instantiate(Kind::BtcVault, &owner, &init);
    let holder = world.instantiate(Kind::Foreign, &owner, &json!({}));
    let set = json!({ "set_consumer": { "consumer": "c0", "external_staking": world.address(holder), "slash_dsign": "0.1",
        "cap_sat": 1_000_000, "paused": false } });
    world.execute(&owner, vault, &set, 0, "").unwrap();
    let w = Stock { world, owner, user, vault, holder };
    for (txid, sat) in [("t1", 600), ("t2", 400)] {
        let fps = json!([{ "consumer": "c0", "fp_pk": "fp" }]);
        let msg = json!({ "delegation_active": { "user": w.user, "txid": txid, "sat": sat, "slash_rate": "0.1", "fps": fps,
            "start_height": 1, "end_height": 9_000, "unbonding_blocks": 1008 } });
        w.vault_hears(msg);
    }
    w
}

impl Stock {
    fn vault_hears(&self, msg: Value) {
        self.world.execute(&self.owner, self.vault, &msg, 0, "").unwrap_or_else(|e| panic!("{msg}: {e}"));
    }

    /// The holder does something of its own accord, as on an acknowledgement: none of it may fail.
    fn holder_does(&self, msg: Value) {
        self.world.execute(&self.owner, self.holder, &msg, 0, "").unwrap_or_else(|e| panic!("{msg}: {e}"));
    }

    fn stake(&self, amount: u128) {
        let msg = json!({ "stake_remote": { "contract": self.world.address(self.holder),
            "amount": { "denom": "sat", "amount": amount.to_string() }, "msg": to_json_binary(&json!({ "validator": "v" })).unwrap() } });
        self.world.execute(&self.user, self.vault, &msg, 0, "").unwrap();
    }

    fn exits(&self, txid: &str) {
        self.vault_hears(json!({ "delegation_unbonding": { "txid": txid, "spend_txid": "s", "kind": "unbonding", "btc_height": 9 } }));
    }

    fn retry(&self) -> Result<(), String> {
        let msg =
            json!({ "retry_burn": { "user": self.user, "lienholder": self.world.address(self.holder) } });
        self.world.execute(&self.user, self.vault, &msg, 0, "")
    }

    fn lien(&self) -> u128 {
        let ask = json!({ "claim": { "account": self.user, "lienholder": self.world.address(self.holder) } });
        let claim: Result<api::vault::ClaimResponse, _> = self.world.ask(self.vault, &ask);
        claim.map(|c| c.amount.h.0).unwrap_or_default()
    }

    fn debt(&self) -> u128 {
        let all: api::vault::DebtsResponse =
            self.world.ask(self.vault, &json!({ "debts": { "user": self.user } })).unwrap();
        all.debts.iter().map(|d| d.amount.0).sum()
    }

    fn held(&self) -> u128 {
        self.world.ask(self.holder, &json!({ "held": {} })).unwrap()
    }
}

/// T4: a stock holder cannot burn stake in flight. The exit is booked all the same, the refused burn is a debt, and is
/// carried out when the stake has arrived; a refused stake leaves neither.
fn a_burn_refused_for_stake_in_flight_is_carried_out_later(on: Engine) {
    let w = stock(on);
    w.stake(1_000);
    w.exits("t2");
    assert_eq!((w.lien(), w.debt(), w.held()), (600, 400, 1_000));
    assert!(w.retry().is_err(), "nothing is certain there yet");
    w.holder_does(json!({ "ack": { "tx_id": 1, "ok": true } }));
    w.retry().unwrap();
    assert_eq!((w.lien(), w.debt(), w.held()), (600, 0, 600));
}

/// T10: stake that is leaving cannot be burned by a stock holder; when it comes back it pays the debt first.
fn a_burn_refused_for_leaving_stake_is_paid_by_what_comes_back(on: Engine) {
    let w = stock(on);
    w.stake(1_000);
    w.holder_does(json!({ "ack": { "tx_id": 1, "ok": true } }));
    w.holder_does(json!({ "leave": { "amount": "900" } }));
    w.exits("t2");
    assert_eq!((w.lien(), w.debt(), w.held()), (600, 400, 1_000));
    // A retry burns what is bonded just now.
    w.retry().unwrap();
    assert_eq!((w.lien(), w.debt(), w.held()), (600, 300, 900));
    w.holder_does(json!({ "mature": {} }));
    assert_eq!((w.lien(), w.debt(), w.held()), (0, 0, 0));
}

/// §16.4, hard rule: whatever a stock holder says from its IBC handlers is accepted; a fault beyond the agreed ratio
/// costs the lien and not more credit than agreed, and Bitcoin nothing.
fn nothing_a_stock_holder_reports_is_refused(on: Engine) {
    let w = stock(on);
    w.stake(1_000);
    w.exits("t1");
    w.exits("t2");
    assert_eq!((w.lien(), w.debt()), (0, 1_000));
    w.holder_does(json!({ "ack": { "tx_id": 1, "ok": true } }));
    w.holder_does(json!({ "ack": { "tx_id": 1, "ok": false } }));
    w.holder_does(json!({ "slash": { "user": w.user, "amount": "5000" } }));
    w.holder_does(json!({ "leave": { "amount": "1000" } }));
    w.holder_does(json!({ "mature": {} }));
    assert_eq!((w.lien(), w.debt(), w.held()), (0, 0, 0));
}

on_each_engine! {
    our_converter_follows_stock_packets,
    a_stock_virtual_staking_gives_back_what_is_in_our_own_name,
    unknown_fields_are_tolerated_and_unknown_variants_answered_with_an_error,
    our_external_staking_follows_and_sends_stock_packets,
    internal_unstakes_and_rewards_of_a_stock_converter_are_booked,
    the_channel_version_is_negotiated_like_the_stock_one,
    a_burn_refused_for_stake_in_flight_is_carried_out_later,
    a_burn_refused_for_leaving_stake_is_paid_by_what_comes_back,
    nothing_a_stock_holder_reports_is_refused,
}
