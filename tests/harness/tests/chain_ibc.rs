//! Channels and packets between embedded chains, undisturbed and disturbed.
#![cfg(feature = "chain")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use cosmwasm_std::{Coin, IbcOrder};
use mesh_harness::chain::{ChannelState, Delivered};
use mesh_harness::clock::Clock;
use mesh_harness::faults::PacketFaults;
use mesh_harness::ibc::{IbcError, OpenChannel, Outcome, Relay, Stage};
use std::time::{Duration, Instant};
use support::{Exec, Fixture, START, VERSION, start};

struct Pair {
    clock: Clock,
    a: Fixture,
    b: Fixture,
    on_a: String,
    on_b: String,
    relay: Relay,
    channel: OpenChannel,
}

fn pair(order: IbcOrder) -> Pair {
    let clock = Clock::manual(START);
    let a = start("hub-1", "mesh", "umesh", &clock);
    let b = start("consumer-1", "cons", "ucons", &clock);
    let (on_a, on_b) = (a.echo(), b.echo());
    let mut relay = Relay::new(3);
    let connection = relay.connect(&a.chain, &b.chain).unwrap();
    let (port_a, port_b) = (format!("wasm.{on_a}"), format!("wasm.{on_b}"));
    let channel = relay.open_channel(&connection, &port_a, &port_b, order, "").unwrap();
    Pair { clock, a, b, on_a, on_b, relay, channel }
}

impl Pair {
    fn send(&self, data: &str, seconds: u64) {
        let channel_id = self.channel.a.endpoint.channel_id.clone();
        let timeout = (self.clock.seconds() + seconds) * 1_000_000_000;
        self.a.exec(&self.on_a, &Exec::Packet { channel_id, data: data.into(), timeout }).unwrap();
    }
}

#[test]
fn the_handshake_negotiates_a_version_and_both_ends_agree() {
    let p = pair(IbcOrder::Unordered);
    assert_eq!((p.channel.a.version.as_str(), p.channel.b.version.as_str()), (VERSION, VERSION));
    assert_eq!(p.channel.a.counterparty_endpoint, p.channel.b.endpoint);
    assert_eq!(p.channel.b.counterparty_endpoint, p.channel.a.endpoint);
    assert_eq!(p.a.log(&p.on_a), ["connected echo-1"]);
    assert_eq!(p.b.log(&p.on_b), ["connected echo-1"]);
    assert!(p.a.chain.channels().unwrap().iter().all(|c| c.state == ChannelState::Open));
}

#[test]
fn a_version_nobody_speaks_stops_the_handshake_with_the_contracts_text() {
    let mut p = pair(IbcOrder::Unordered);
    let connection = p.relay.connect(&p.a.chain, &p.b.chain).unwrap();
    let ports = (format!("wasm.{}", p.on_a), format!("wasm.{}", p.on_b));
    let refused =
        p.relay.open_channel(&connection, &ports.0, &ports.1, IbcOrder::Unordered, "other-2").unwrap_err();
    assert!(matches!(refused, IbcError::Handshake { step: "INIT", .. }));
    assert!(refused.to_string().contains("other-2 is not spoken here"), "{refused}");
}

#[test]
fn a_packet_is_received_once_and_its_acknowledgement_comes_home() {
    let mut p = pair(IbcOrder::Unordered);
    p.send("hello", 600);
    let report = p.relay.run(10).unwrap();
    assert_eq!(report.delivered(), 1);
    assert_eq!(p.b.log(&p.on_b)[1..], ["received hello"]);
    assert_eq!(p.a.log(&p.on_a)[1..], ["ack of hello: hello"]);
    assert!(p.a.chain.packets_in_flight().unwrap().is_empty());
}

#[test]
fn an_error_on_receipt_reverts_and_becomes_an_error_acknowledgement() {
    let mut p = pair(IbcOrder::Unordered);
    p.send("fail", 600);
    p.relay.run(10).unwrap();
    assert_eq!(p.b.log(&p.on_b).len(), 1, "what the refused packet wrote is gone");
    assert!(p.a.log(&p.on_a)[1].starts_with("ack of fail: {\"error\":"));
}

#[test]
fn a_failed_submessage_on_receipt_is_the_contracts_own_affair() {
    let mut p = pair(IbcOrder::Unordered);
    p.send("subfail", 600);
    p.relay.run(10).unwrap();
    let log = p.b.log(&p.on_b);
    assert_eq!(log[1], "received subfail");
    assert!(log[2].contains("\"sub\" is refused"), "{log:?}");
    assert_eq!(p.a.log(&p.on_a)[1..], ["ack of subfail: kept"]);
}

#[test]
fn an_abort_on_receipt_leaves_the_packet_to_come_again() {
    let mut p = pair(IbcOrder::Unordered);
    p.send("panic", 600);
    let report = p.relay.run(10).unwrap();
    assert_eq!(report.stuck.len(), 1);
    assert!(report.stuck[0].1.log.contains("too much"), "{:?}", report.stuck);
    assert_eq!(p.a.chain.packets_in_flight().unwrap().len(), 1);
    p.b.exec(&p.on_b, &Exec::Set { value: "calm".into() }).unwrap();
    p.relay.forgive();
    assert_eq!(p.relay.run(10).unwrap().delivered(), 1);
}

#[test]
fn a_packet_that_is_too_late_times_out_at_its_sender() {
    let mut p = pair(IbcOrder::Unordered);
    p.send("late", 60);
    p.clock.advance(Duration::from_secs(61));
    p.relay.run(10).unwrap();
    assert_eq!(p.a.log(&p.on_a)[1..], ["timeout of late"]);
    assert_eq!(p.b.log(&p.on_b).len(), 1);
}

#[test]
fn a_withheld_packet_is_never_received_after_its_timeout() {
    let mut p = pair(IbcOrder::Unordered);
    p.send("lost", 600);
    let pending = p.relay.pending().unwrap().remove(0);
    p.relay.time_out(&pending).unwrap();
    assert_eq!(p.a.log(&p.on_a)[1..], ["timeout of lost"]);
    let late = p.relay.deliver(&pending).unwrap();
    assert_eq!(late.outcome, Outcome::Delivered(Delivered::Known));
    assert_eq!(p.b.log(&p.on_b).len(), 1);
}

#[test]
fn an_ordered_channel_keeps_order_and_closes_on_a_timeout() {
    let mut p = pair(IbcOrder::Ordered);
    p.relay.set_faults(PacketFaults { reorder: 1000, ..PacketFaults::NONE });
    for text in ["1", "2", "3"] {
        p.send(text, 600);
    }
    p.relay.run(50).unwrap();
    assert_eq!(p.b.log(&p.on_b)[1..], ["received 1", "received 2", "received 3"]);
    p.send("late", 60);
    p.clock.advance(Duration::from_secs(61));
    p.relay.run(10).unwrap();
    let state = |f: &Fixture| f.chain.channels().unwrap()[0].state;
    assert_eq!((state(&p.a), state(&p.b)), (ChannelState::Closed, ChannelState::Closed));
    assert_eq!(p.b.log(&p.on_b).last().unwrap(), "closed");
}

#[test]
fn a_contract_may_close_its_channel_and_the_other_end_hears_of_it() {
    let mut p = pair(IbcOrder::Unordered);
    let channel_id = p.channel.b.endpoint.channel_id.clone();
    p.b.exec(&p.on_b, &Exec::Close { channel_id }).unwrap();
    let report = p.relay.run(10).unwrap();
    assert_eq!(report.steps[0].pending.stage, Stage::CloseConfirm);
    assert_eq!(p.a.log(&p.on_a).last().unwrap(), "closed");
    let channel_id = p.channel.a.endpoint.channel_id.clone();
    let refused = p.a.exec(&p.on_a, &Exec::Packet { channel_id, data: "x".into(), timeout: u64::MAX });
    assert!(refused.unwrap_err().contains("invalid channel state"));
}

#[test]
fn dropped_delayed_reordered_and_doubled_packets_end_in_the_same_state() {
    let run = |faults: PacketFaults| {
        let mut p = pair(IbcOrder::Unordered);
        p.relay.set_faults(faults);
        for i in 0..30 {
            p.send(&format!("n{i}"), 600);
        }
        p.relay.run(2000).unwrap();
        let mut logs = [p.a.log(&p.on_a), p.b.log(&p.on_b)];
        logs.iter_mut().for_each(|l| l.sort());
        logs
    };
    let calm = run(PacketFaults::NONE);
    assert_eq!(calm[1].len(), 31);
    assert_eq!(run(PacketFaults::ROUGH), calm);
}

#[test]
fn coins_travel_out_as_vouchers_and_home_again() {
    let mut p = pair(IbcOrder::Unordered);
    let connection = p.relay.connect(&p.a.chain, &p.b.chain).unwrap();
    let transfer = p.relay.open_transfer(&connection).unwrap();
    let timeout = u64::MAX;
    p.a.chain.mint(&p.on_a, 1_000, "umesh").unwrap();
    let (to, coin) = (p.on_b.clone(), Coin::new(400u128, "umesh"));
    let channel_id = transfer.a.endpoint.channel_id.clone();
    p.a.exec(&p.on_a, &Exec::Transfer { channel_id, to, coin, timeout }).unwrap();
    p.relay.run(10).unwrap();
    assert_eq!(p.a.chain.balance(&p.on_a, "umesh").unwrap(), 600);
    let voucher = voucher_of(&transfer.b.endpoint.channel_id, "umesh");
    assert_eq!(p.b.chain.balance(&p.on_b, &voucher).unwrap(), 400);
    let channel_id = transfer.b.endpoint.channel_id.clone();
    let home = Exec::Transfer { channel_id, to: p.on_a.clone(), coin: Coin::new(150u128, &voucher), timeout };
    p.b.exec(&p.on_b, &home).unwrap();
    p.relay.run(10).unwrap();
    assert_eq!(p.a.chain.balance(&p.on_a, "umesh").unwrap(), 750);
    assert_eq!(p.b.chain.balance(&p.on_b, &voucher).unwrap(), 250);
    // To nobody: the refusal brings the coins back.
    let channel_id = transfer.b.endpoint.channel_id.clone();
    let lost = Exec::Transfer { channel_id, to: "nobody".into(), coin: Coin::new(50u128, &voucher), timeout };
    p.b.exec(&p.on_b, &lost).unwrap();
    p.relay.run(10).unwrap();
    assert_eq!(p.b.chain.balance(&p.on_b, &voucher).unwrap(), 250);
}

fn voucher_of(channel: &str, denom: &str) -> String {
    use bitcoin_hashes::{Hash, sha256};
    use hex_conservative::DisplayHex;
    let hash = sha256::Hash::hash(format!("transfer/{channel}/{denom}").as_bytes());
    format!("ibc/{}", hash.as_byte_array().to_upper_hex_string())
}

#[test]
fn in_the_background_packets_are_relayed_as_they_appear() {
    let mut p = pair(IbcOrder::Unordered);
    let relay = std::mem::replace(&mut p.relay, Relay::new(0));
    let mut handle = relay.spawn(Duration::from_millis(2), |_| {}).unwrap();
    p.send("soon", 600);
    let begin = Instant::now();
    while p.a.log(&p.on_a).len() < 2 && begin.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    handle.stop();
    assert_eq!(p.a.log(&p.on_a)[1..], ["ack of soon: soon"]);
}
