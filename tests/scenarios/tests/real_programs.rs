//! The real programs of `tests/setup real` can be started, wired and ended by the harness.
//!
//! With MESH_REAL=1 (the full tier of `tests/run`) a missing program is a failure; without it these stories are passed
//! over with a note, because building the programs takes longer than the rest of the suite.

mod real;

use real::asked_for;
use std::process::Command;
use std::time::{Duration, Instant};

use mesh_harness::real::bitcoind::Bitcoind;
use mesh_harness::real::hermes::Order;
use mesh_harness::real::nodes::Nodes;
use mesh_harness::real::programs::Program;
use mesh_harness::real::wasmd::ChainSpec;

fn group_is_gone(group: u32) -> bool {
    let alive = Command::new("sh")
        .args(["-c", r#"kill -s 0 -- "-$1" 2>/dev/null"#, "sh", &group.to_string()])
        .status();
    !alive.expect("a shell").success()
}

#[test]
fn a_bitcoind_answers_survives_a_crash_and_leaves_no_process() {
    if !asked_for(&[Program::Bitcoind]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let mut node = Bitcoind::start(dir.path()).expect("a node");
    let first = node.process().group();
    node.process().crash();
    assert!(group_is_gone(first));

    let mut node = Bitcoind::start(dir.path()).expect("the node takes its data up again");
    let second = node.process().group();
    drop(node);
    assert!(group_is_gone(second));
}

#[test]
fn a_relayer_opens_a_channel_between_two_chains() {
    if !asked_for(&Program::ALL) {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let clock = Instant::now();
    let (hub, consumer) = (ChainSpec::new("mesh-hub-1", "umesh"), ChainSpec::new("mesh-cons-1", "ucons"));
    let mut nodes = Nodes::start(dir.path(), hub, consumer).expect("all nodes and a connection");
    eprintln!("connected after {:?}", clock.elapsed());
    let channel = nodes
        .open_channel(["transfer", "transfer"], Order::Unordered, "ics20-1")
        .expect("a channel of the chains' own transfer module");
    eprintln!("channel after {:?}", clock.elapsed());
    assert_eq!((channel.a.as_str(), channel.b.as_str()), ("channel-0", "channel-0"));
    nodes.relay().expect("relaying");
    eprintln!("relaying after {:?}", clock.elapsed());
    assert!(clock.elapsed() < Duration::from_secs(300));

    let groups = [nodes.bitcoin.process(), nodes.hub.process(), nodes.consumer.process()].map(|p| p.group());
    drop(nodes);
    assert!(groups.into_iter().all(group_is_gone));
}
