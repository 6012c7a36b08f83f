//! The embedded node answers as bitcoind does: the same story on both, the same codes, reasons and shapes of answers.
//!
//! With MESH_REAL=1 (the full tier of `tests/run`) bitcoind has to be there; without it the story runs on the embedded node only.
#![cfg(all(feature = "bitcoin", feature = "real"))]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "bitcoin_node/wallet.rs"]
mod wallet;

use std::collections::BTreeMap;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, OutPoint, Sequence, Transaction, Txid};
use mesh_harness::bitcoin::{BitcoinNode, KernelNode, Options, RpcFailure, RpcNode};
use mesh_harness::real::bitcoind::Bitcoind;
use serde_json::{Value, json};
use wallet::Wallet;

/// What a story saw, by step.
type Seen = BTreeMap<String, String>;

/// Tells a story on the embedded node and, if asked for, on bitcoind, and compares what they saw.
fn compare(story: impl Fn(&RpcNode) -> Seen) {
    let node = KernelNode::temporary(Options::default()).unwrap();
    let embedded = story(&node.handle().rpc().unwrap());
    assert!(!embedded.is_empty());
    if std::env::var("MESH_REAL").as_deref() != Ok("1") {
        eprintln!("not compared with bitcoind: needs `tests/setup bitcoind` and MESH_REAL=1");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let real = Bitcoind::start(dir.path()).unwrap();
    let handle = BitcoinNode::bitcoind(&real.url(), real.cookie_file());
    assert_eq!(embedded, story(&handle.rpc().unwrap()));
}

/// Code and reason, without amounts, ids and the word by which versions differ.
fn outcome<T: std::fmt::Debug>(result: Result<T, RpcFailure>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(RpcFailure::Refused { code, message }) => {
            let words = message.split([',', '(', '<', '\'']).next().unwrap_or_default().trim().to_owned();
            let words = words.replace("mandatory-script", "script").replace("mempool-script", "script");
            let words: Vec<&str> =
                words.split(' ').filter(|w| !w.chars().any(|c| c.is_ascii_digit())).collect();
            format!("{code} {}", words.join(" "))
        }
        Err(other) => panic!("{other}"),
    }
}

fn funded(rpc: &RpcNode, wallet: &Wallet) -> OutPoint {
    let point = rpc.fund(&wallet.address(), Amount::from_sat(100_000)).unwrap();
    rpc.mine(1).unwrap();
    point
}

#[test]
fn transactions_are_judged_alike() {
    compare(|rpc| {
        let (wallet, thief) = (Wallet::new(1), Wallet::new(2));
        let mut seen = Seen::new();
        let mut see = |name: &str, result: Result<Txid, RpcFailure>| {
            seen.insert(name.into(), outcome(result));
        };
        let point = funded(rpc, &wallet);
        let pay = |sat| wallet.pay(point, 100_000, sat);
        let mut nowhere = pay(99_000);
        nowhere.input[0].previous_output.vout = 9;
        see("missing input", rpc.send(&nowhere));
        see("wrong key", rpc.send(&thief.pay_from(&wallet, point, 100_000, 99_000)));
        let mut spoiled = pay(99_000);
        spoiled.output[0].value = Amount::from_sat(98_000);
        see("spoiled", rpc.send(&spoiled));
        see("no fee", rpc.send(&pay(100_000)));
        see("dust", rpc.send(&wallet.signed(2, point, 100_000, &[1, 2, 98_000])));
        see("too much", rpc.send(&pay(200_000)));
        see("version", rpc.send(&wallet.signed(9, point, 100_000, &[99_000])));
        see("burn", rpc.send(&wallet.burn(point, 100_000, 99_000)));
        let low = pay(99_000);
        see("good", rpc.send(&low));
        see("again", rpc.send(&low));
        see("conflict", rpc.send(&pay(98_999)));
        see("replacement", rpc.send(&pay(97_000)));
        rpc.mine(1).unwrap();
        see("mined", rpc.send(&pay(97_000)));
        see("spent", rpc.send(&low));
        let locked = rpc.fund(&wallet.csv_address(5), Amount::from_sat(100_000)).unwrap();
        rpc.mine(1).unwrap();
        see("early", rpc.send(&wallet.spend_csv(5, locked, 100_000, 99_000, Sequence::from_height(5))));
        see("low sequence", rpc.send(&wallet.spend_csv(5, locked, 100_000, 99_000, Sequence::ZERO)));
        rpc.mine(4).unwrap();
        see("in time", rpc.send(&wallet.spend_csv(5, locked, 100_000, 99_000, Sequence::from_height(5))));
        let young = rpc.block(&rpc.mine_to(1, &wallet.address()).unwrap()[0]).unwrap().txdata[0].clone();
        let value = young.output[0].value.to_sat();
        see("young", rpc.send(&wallet.pay(OutPoint::new(young.compute_txid(), 0), value, value - 1_000)));
        seen
    });
}

#[test]
fn packages_and_reorgs_go_alike() {
    compare(|rpc| {
        let wallet = Wallet::new(1);
        let mut seen = Seen::new();
        let point = funded(rpc, &wallet);
        let parent = wallet.signed(3, point, 100_000, &[100_000]);
        let child = wallet.signed(3, OutPoint::new(parent.compute_txid(), 0), 100_000, &[98_000]);
        seen.insert("parent alone".into(), outcome(rpc.send(&parent)));
        let hex = |txs: &[&Transaction]| json!([txs.iter().map(|tx| serialize_hex(*tx)).collect::<Vec<_>>()]);
        let answer = rpc.call("submitpackage", &hex(&[&parent, &child])).unwrap();
        seen.insert("package".into(), answer["package_msg"].to_string());
        seen.insert("wrong order".into(), outcome(rpc.call("submitpackage", &hex(&[&child, &parent]))));
        let waiting = |rpc: &RpcNode| rpc.mempool().unwrap().len().to_string();
        seen.insert("waiting".into(), waiting(rpc));
        let first = rpc.mine(2).unwrap()[0];
        seen.insert("mined".into(), waiting(rpc));
        rpc.call("invalidateblock", &json!([first])).unwrap();
        seen.insert("height back".into(), rpc.height().unwrap().to_string());
        rpc.call("reconsiderblock", &json!([first])).unwrap();
        seen.insert("height again".into(), rpc.height().unwrap().to_string());
        seen.insert("waiting again".into(), waiting(rpc));
        seen
    });
}

#[test]
fn errors_are_alike() {
    compare(|rpc| {
        let zeros = "0".repeat(64);
        let calls = [
            ("nosuchmethod", json!([])),
            ("getblockhash", json!([5])),
            ("getblockhash", json!(["x"])),
            ("getblock", json!([zeros])),
            ("getblock", json!(["abc"])),
            ("getblockheader", json!([zeros])),
            ("getrawtransaction", json!([zeros])),
            ("getmempoolentry", json!([zeros])),
            ("sendrawtransaction", json!(["00"])),
            ("testmempoolaccept", json!([[]])),
            ("submitpackage", json!([[]])),
            ("gettxoutproof", json!([[zeros]])),
            ("generatetoaddress", json!([1, "nonsense"])),
            ("scantxoutset", json!(["start", ["raw(5)"]])),
            ("invalidateblock", json!([zeros])),
            ("estimatesmartfee", json!([0])),
            ("submitblock", json!(["00"])),
        ];
        let seen = calls.iter().enumerate().map(|(n, (method, params))| {
            let outcome = outcome(rpc.call(method, params));
            (format!("{n} {method}"), outcome.split(' ').next().unwrap_or_default().to_owned())
        });
        seen.collect()
    });
}

#[test]
fn answers_have_the_same_shape() {
    compare(|rpc| {
        let wallet = Wallet::new(1);
        let point = funded(rpc, &wallet);
        let spend = wallet.pay(point, 100_000, 99_000);
        rpc.send(&spend).unwrap();
        let mined = rpc.mine(1).unwrap()[0];
        let waiting = wallet.pay(OutPoint::new(spend.compute_txid(), 0), 99_000, 98_000);
        rpc.send(&waiting).unwrap();
        let script = wallet.address().script_pubkey().to_hex_string();
        let calls = [
            ("getblockheader", json!([mined])),
            ("getblock", json!([mined, 1])),
            ("getblock", json!([mined, 2])),
            ("getrawtransaction", json!([spend.compute_txid(), true])),
            ("getrawtransaction", json!([waiting.compute_txid(), true])),
            ("getmempoolentry", json!([waiting.compute_txid()])),
            ("gettxout", json!([waiting.compute_txid(), 0])),
            (
                "testmempoolaccept",
                json!([[serialize_hex(&wallet.pay(
                    OutPoint::new(waiting.compute_txid(), 0),
                    98_000,
                    97_000
                ))]]),
            ),
            ("scantxoutset", json!(["start", [format!("raw({script})")]])),
            ("getblockfilter", json!([mined])),
            ("validateaddress", json!([wallet.address().to_string()])),
            ("getchaintips", json!([])),
        ];
        let seen = calls.iter().enumerate().map(|(n, (method, params))| {
            let answer = rpc.call(method, params).unwrap();
            (format!("{n} {method}"), shape(&answer))
        });
        seen.collect()
    });
}

/// Fields of later versions of Core, and of the fork of Core that is installed for the comparison.
const OPTIONAL: [&str; 6] =
    ["target", "header_version", "txcount", "currentpriority", "startingpriority", "usage"];

/// Names and types of an answer's fields, in order of name.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(items) => format!("[{}]", items.last().map(shape).unwrap_or_default()),
        Value::Object(fields) => {
            // The fork repeats the wtxid of mempool entries as `hash`.
            let doubled = fields.contains_key("wtxid").then_some("hash");
            let kept =
                fields.iter().filter(|(n, _)| !OPTIONAL.contains(&n.as_str()) && Some(n.as_str()) != doubled);
            let fields: Vec<String> = kept.map(|(name, value)| format!("{name}: {}", shape(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}
