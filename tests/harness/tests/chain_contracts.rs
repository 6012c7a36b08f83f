//! The embedded chain through its direct calls: state, errors, replies, staking.
#![cfg(feature = "chain")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use cosmwasm_std::Coin;
use mesh_harness::chain::{Chain, ChainConfig, ChainError, GenesisValidator};
use mesh_harness::clock::Clock;
use std::time::Duration;
use support::{Exec, Query, START, start};

#[test]
fn a_contract_keeps_its_state_and_knows_its_port() {
    let f = start("hub-1", "mesh", "umesh", &Clock::manual(START));
    let echo = f.echo();
    assert!(echo.starts_with("mesh1"));
    assert_eq!(f.value(&echo), "first");
    let done = f.exec(&echo, &Exec::Set { value: "second".into() }).unwrap();
    assert_eq!(done.attribute("wasm", "action"), Some("set"));
    assert_eq!(f.value(&echo), "second");
    let port: String = f.chain.query(&echo, &Query::Port {}).unwrap();
    assert_eq!(port, format!("wasm.{echo}"));
    f.chain.sudo(&echo, &Exec::Set { value: "third".into() }).unwrap();
    assert_eq!(f.value(&echo), "sudo third");
}

#[test]
fn a_refused_call_leaves_nothing_and_tells_the_contracts_own_text() {
    let f = start("hub-1", "mesh", "umesh", &Clock::manual(START));
    let echo = f.echo();
    let refused = f.chain.execute(&f.address, &echo, &Exec::Fail { value: "x".into() }, &[]).unwrap_err();
    let refusal = refused.refusal().unwrap();
    assert!(refusal.log.contains("\"x\" is refused: execute wasm contract failed"), "{refusal}");
    assert_eq!((refusal.code, refusal.codespace), (5, "wasm"));
    assert_eq!(f.value(&echo), "first");
    let broken = f.chain.query::<_, String>(&echo, &Query::Broken {}).unwrap_err();
    assert!(broken.to_string().contains("nothing here: query wasm contract failed"), "{broken}");
}

#[test]
fn a_panic_in_a_contract_is_a_refusal_and_the_chain_goes_on() {
    let f = start("hub-1", "mesh", "umesh", &Clock::manual(START));
    let echo = f.echo();
    assert!(f.exec(&echo, &Exec::Panic {}).unwrap_err().contains("asked to"));
    f.exec(&echo, &Exec::Set { value: "alive".into() }).unwrap();
    assert_eq!(f.value(&echo), "alive");
}

#[test]
fn a_reply_sees_the_text_of_the_failed_submessage_and_its_writes_are_gone() {
    let f = start("hub-1", "mesh", "umesh", &Clock::manual(START));
    let echo = f.echo();
    f.exec(&echo, &Exec::TryFail { value: "y".into() }).unwrap();
    assert_eq!(f.value(&echo), "first");
    let log = f.log(&echo);
    assert_eq!(log.len(), 2);
    assert!(log[1].starts_with("7: ") && log[1].contains("\"y\" is refused: execute wasm"), "{log:?}");
}

#[test]
fn delegations_of_a_contract_raise_the_validators_power() {
    let f = start("hub-1", "mesh", "umesh", &Clock::manual(START));
    let echo = f.echo();
    let before = f.chain.validators().unwrap().remove(0);
    assert_eq!(before.power, 100);
    f.chain.mint(&echo, 7_000_000, "umesh").unwrap();
    let coin = Coin::new(7_000_000u128, "umesh");
    f.exec(&echo, &Exec::Delegate { validator: before.operator.clone(), coin }).unwrap();
    let after = f.chain.validators().unwrap().remove(0);
    assert_eq!((after.tokens, after.power), (107_000_000, 107));
    assert_eq!(f.chain.delegation(&echo, &before.operator).unwrap(), 7_000_000);
    f.chain.slash_validator(&before.operator, 10).unwrap();
    assert_eq!(f.chain.validators().unwrap().remove(0).tokens, 96_300_000);
    let header = f.chain.tip().unwrap();
    assert_eq!(header.validators[0].power(), 96);
}

#[test]
fn the_same_history_gives_the_same_app_hash() {
    let run = |value: &str| {
        let f = start("hub-1", "mesh", "umesh", &Clock::manual(START));
        let echo = f.echo();
        f.exec(&echo, &Exec::Set { value: value.into() }).unwrap();
        (f.chain.tip().unwrap().app_hash_after, f.chain.tip().unwrap().id.hash)
    };
    assert_eq!(run("a"), run("a"));
    assert_ne!(run("a").0, run("b").0);
}

#[test]
fn unbonded_tokens_come_back_when_the_clock_says_so() {
    let clock = Clock::manual(START);
    let f = start("hub-1", "mesh", "umesh", &clock);
    let validator = f.chain.validators().unwrap().remove(0).operator;
    let amount = Coin::new(5_000_000u128, "umesh");
    let delegate =
        cosmwasm_std::StakingMsg::Delegate { validator: validator.clone(), amount: amount.clone() };
    f.chain.send(&f.address, delegate.into()).unwrap();
    let undelegate = cosmwasm_std::StakingMsg::Undelegate { validator, amount };
    f.chain.send(&f.address, undelegate.into()).unwrap();
    assert_eq!(f.chain.balance(&f.address, "umesh").unwrap(), 995_000_000);
    clock.advance(Duration::from_secs(21 * 24 * 3600 + 1));
    f.chain.make_block().unwrap();
    assert_eq!(f.chain.balance(&f.address, "umesh").unwrap(), 1_000_000_000);
}

#[test]
fn blocks_come_by_themselves_when_a_block_time_is_set() {
    let config =
        ChainConfig::new("hub-1", "mesh", "umesh").block_time(Duration::from_millis(20)).rpc_port(None);
    let chain = Chain::start(config).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(chain.height().unwrap() > 3);
    chain.stop();
    assert!(matches!(chain.height(), Err(ChainError::Stopped)));
}

#[test]
fn a_chain_without_validators_is_refused() {
    let config = ChainConfig::new("hub-1", "mesh", "umesh").validators(Vec::<GenesisValidator>::new());
    assert!(matches!(Chain::start(config), Err(ChainError::Config(_))));
}
