//! The embedded Bitcoin node as its users see it: over JSON-RPC, with Core's verdicts and Core's words.
#![cfg(feature = "bitcoin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation)]

#[path = "bitcoin_node/wallet.rs"]
mod wallet;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, OutPoint, Sequence, Txid};
use mesh_harness::bitcoin::{BlockClock, KernelNode, Node, NodeError, Options, RpcFailure, RpcNode};
use serde_json::{Value, json};
use wallet::Wallet;

fn start() -> (Node, RpcNode) {
    let node = KernelNode::temporary(Options::default()).unwrap();
    let rpc = node.handle().rpc().unwrap();
    (node, rpc)
}

fn refused(result: Result<Txid, RpcFailure>) -> (i64, String) {
    match result {
        Err(RpcFailure::Refused { code, message }) => (code, message),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn error(rpc: &RpcNode, method: &str, params: &Value) -> (i64, String) {
    match rpc.call(method, params) {
        Err(RpcFailure::Refused { code, message }) => (code, message),
        other => panic!("expected an error of {method}, got {other:?}"),
    }
}

/// A coin of the wallet, confirmed.
fn funded(rpc: &RpcNode, wallet: &Wallet, sat: u64) -> OutPoint {
    let point = rpc.fund(&wallet.address(), Amount::from_sat(sat)).unwrap();
    rpc.mine(1).unwrap();
    point
}

#[test]
fn a_time_lock_opens_in_its_block_and_not_before() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = rpc.fund(&wallet.csv_address(5), Amount::from_sat(100_000)).unwrap();
    rpc.mine(1).unwrap();
    let spend = wallet.spend_csv(5, point, 100_000, 99_000, Sequence::from_height(5));
    for _ in 0..4 {
        assert_eq!(refused(rpc.send(&spend)), (-26, "non-BIP68-final".into()));
        rpc.mine(1).unwrap();
    }
    let txid = rpc.send(&spend).unwrap();
    rpc.mine(1).unwrap();
    assert_eq!(rpc.call("getrawtransaction", &json!([txid, true])).unwrap()["confirmations"], 1);
}

#[test]
fn a_sequence_below_the_lock_is_refused_by_the_script() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = rpc.fund(&wallet.csv_address(5), Amount::from_sat(100_000)).unwrap();
    rpc.mine(10).unwrap();
    let spend = wallet.spend_csv(5, point, 100_000, 99_000, Sequence::from_height(4));
    let (code, message) = refused(rpc.send(&spend));
    assert_eq!(code, -26);
    assert!(
        message.starts_with("mempool-script-verify-flag-failed (Locktime requirement not satisfied)"),
        "{message}"
    );
}

#[test]
fn a_wrong_key_and_a_spoiled_signature_are_refused() {
    let (_node, rpc) = start();
    let (owner, thief) = (Wallet::new(1), Wallet::new(2));
    let point = funded(&rpc, &owner, 100_000);
    let theft = thief.pay_from(&owner, point, 100_000, 99_000);
    let (code, message) = refused(rpc.send(&theft));
    assert_eq!(code, -26);
    assert!(
        message.starts_with("mempool-script-verify-flag-failed (Invalid Schnorr signature)"),
        "{message}"
    );
    let mut spoiled = owner.pay(point, 100_000, 99_000);
    spoiled.output[0].value -= Amount::ONE_SAT;
    assert_eq!(refused(rpc.send(&spoiled)).0, -26);
    rpc.send(&owner.pay(point, 100_000, 99_000)).unwrap();
}

#[test]
fn a_young_coinbase_cannot_be_spent() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let hash = rpc.mine_to(1, &wallet.address()).unwrap()[0];
    let coinbase = &rpc.block(&hash).unwrap().txdata[0];
    let point = OutPoint::new(coinbase.compute_txid(), 0);
    let spend = wallet.pay(point, coinbase.output[0].value.to_sat(), 1_000_000);
    rpc.mine(98).unwrap();
    let params = json!([serialize_hex(&spend), 0]);
    let (code, message) = error(&rpc, "sendrawtransaction", &params);
    assert_eq!(
        (code, message.as_str()),
        (-26, "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99")
    );
    rpc.mine(1).unwrap();
    rpc.call("sendrawtransaction", &params).unwrap();
}

#[test]
fn missing_inputs_and_mined_transactions_have_their_own_codes() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let spend = wallet.pay(point, 100_000, 99_000);
    let mut nowhere = spend.clone();
    nowhere.input[0].previous_output.vout = 7;
    assert_eq!(refused(rpc.send(&nowhere)), (-25, "bad-txns-inputs-missingorspent".into()));
    rpc.send(&spend).unwrap();
    assert_eq!(rpc.send(&spend), Ok(spend.compute_txid()), "sending again is no error");
    rpc.mine(1).unwrap();
    assert_eq!(refused(rpc.send(&spend)), (-27, "Transaction outputs already in utxo set".into()));
    assert_eq!(error(&rpc, "sendrawtransaction", &json!(["00"])).0, -22);
}

#[test]
fn fees_dust_and_burning_are_guarded() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let free = wallet.pay(point, 100_000, 99_999);
    let need = (free.vsize() as u64 * 100).div_ceil(1_000);
    assert_eq!(refused(rpc.send(&free)), (-26, format!("min relay fee not met, 1 < {need}")));
    let dust = wallet.pay(point, 100_000, 329);
    assert_eq!(refused(rpc.send(&dust)), (-26, "dust, tx with dust output must be 0-fee".into()));
    let rich = funded(&rpc, &wallet, 5_000_000);
    let (code, message) = refused(rpc.send(&wallet.pay(rich, 5_000_000, 1_000)));
    assert_eq!((code, message.starts_with("Fee exceeds maximum configured by user")), (-25, true));
    let burn = wallet.burn(point, 100_000, 99_000);
    let (code, message) = refused(rpc.send(&burn));
    assert_eq!((code, message.contains("maxburnamount")), (-25, true));
    rpc.call("sendrawtransaction", &json!([serialize_hex(&burn), 0, 0.000_99])).unwrap();
}

#[test]
fn the_better_paying_of_two_conflicting_transactions_stays() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let (low, high) = (wallet.pay(point, 100_000, 99_000), wallet.pay(point, 100_000, 98_000));
    rpc.send(&low).unwrap();
    let child = wallet.pay(OutPoint::new(low.compute_txid(), 0), 99_000, 98_900);
    rpc.send(&child).unwrap();
    let same = wallet.pay(point, 100_000, 98_999);
    let (code, message) = refused(rpc.send(&same));
    assert_eq!(code, -26);
    assert!(message.starts_with("insufficient fee, rejecting replacement"), "{message}");
    rpc.send(&high).unwrap();
    assert_eq!(rpc.mempool().unwrap(), [high.compute_txid()], "the replaced one took its child with it");
    assert_eq!(refused(rpc.send(&low)).0, -26);
    rpc.mine(1).unwrap();
    assert_eq!(refused(rpc.send(&low)), (-25, "bad-txns-inputs-missingorspent".into()));
}

#[test]
fn a_block_that_double_spends_is_refused() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let (a, b) = (wallet.pay(point, 100_000, 99_000), wallet.pay(point, 100_000, 98_000));
    let both = json!([rpc.miner_address().to_string(), [serialize_hex(&a), serialize_hex(&b)]]);
    let (code, message) = error(&rpc, "generateblock", &both);
    assert_eq!((code, message.contains("bad-txns-inputs-missingorspent")), (-25, true), "{message}");
    let one = json!([rpc.miner_address().to_string(), [serialize_hex(&a)]]);
    let hash = rpc.call("generateblock", &one).unwrap()["hash"].clone();
    assert_eq!(rpc.call("getbestblockhash", &json!([])).unwrap(), hash);
}

#[test]
fn a_child_pays_for_a_parent_that_is_too_cheap_alone() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    for version in [2, 3] {
        let point = funded(&rpc, &wallet, 100_000);
        let parent = wallet.signed(version, point, 100_000, &[100_000]);
        let child = wallet.signed(version, OutPoint::new(parent.compute_txid(), 0), 100_000, &[98_000]);
        assert!(refused(rpc.send(&parent)).1.starts_with("min relay fee not met, 0 < "));
        let package = json!([[serialize_hex(&parent), serialize_hex(&child)]]);
        let answer = rpc.call("submitpackage", &package).unwrap();
        assert_eq!(answer["package_msg"], "success", "{answer}");
        assert_eq!(rpc.mempool().unwrap(), [parent.compute_txid(), child.compute_txid()]);
        rpc.mine(1).unwrap();
        assert!(rpc.mempool().unwrap().is_empty());
    }
}

#[test]
fn a_package_that_pays_too_little_together_leaves_nothing() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let parent = wallet.signed(3, point, 100_000, &[100_000]);
    let child = wallet.signed(3, OutPoint::new(parent.compute_txid(), 0), 100_000, &[99_999]);
    let package = json!([[serialize_hex(&parent), serialize_hex(&child)]]);
    let answer = rpc.call("submitpackage", &package).unwrap();
    assert_eq!(answer["package_msg"], "transaction failed");
    assert!(rpc.mempool().unwrap().is_empty());
    let unrelated = json!([[serialize_hex(&child), serialize_hex(&parent)]]);
    assert_eq!(error(&rpc, "submitpackage", &unrelated).0, -25);
}

#[test]
fn truc_transactions_stay_in_their_narrow_shape() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let parent = wallet.signed(3, point, 100_000, &[40_000, 59_000]);
    rpc.send(&parent).unwrap();
    let out = |vout| OutPoint::new(parent.compute_txid(), vout);
    assert!(refused(rpc.send(&wallet.signed(2, out(0), 40_000, &[39_000]))).1.starts_with("TRUC-violation"));
    let child = wallet.signed(3, out(0), 40_000, &[39_000]);
    rpc.send(&child).unwrap();
    let grandchild = wallet.signed(3, OutPoint::new(child.compute_txid(), 0), 39_000, &[38_000]);
    assert!(refused(rpc.send(&grandchild)).1.starts_with("TRUC-violation"));
    let sibling = wallet.signed(3, out(1), 59_000, &[57_000]);
    rpc.send(&sibling).unwrap();
    assert_eq!(
        rpc.mempool().unwrap(),
        [parent.compute_txid(), sibling.compute_txid()],
        "the sibling made room"
    );
}

#[test]
fn testmempoolaccept_says_what_sending_would_do_and_does_nothing() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let good = wallet.pay(point, 100_000, 99_000);
    let child = wallet.pay(OutPoint::new(good.compute_txid(), 0), 99_000, 98_000);
    let answer =
        rpc.call("testmempoolaccept", &json!([[serialize_hex(&good), serialize_hex(&child)]])).unwrap();
    assert_eq!((&answer[0]["allowed"], &answer[1]["allowed"]), (&json!(true), &json!(true)));
    assert_eq!(answer[0]["fees"]["base"], json!(0.00001));
    let alone = rpc.call("testmempoolaccept", &json!([[serialize_hex(&child)]])).unwrap();
    assert_eq!((&alone[0]["allowed"], &alone[0]["reject-reason"]), (&json!(false), &json!("missing-inputs")));
    assert!(rpc.mempool().unwrap().is_empty());
}

#[test]
fn invalidating_a_block_returns_its_transactions_to_the_mempool() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let (parent, height) = (wallet.pay(point, 100_000, 99_000), rpc.height().unwrap());
    rpc.send(&parent).unwrap();
    let first = rpc.mine(1).unwrap()[0];
    let child = wallet.pay(OutPoint::new(parent.compute_txid(), 0), 99_000, 98_000);
    rpc.send(&child).unwrap();
    let tip = rpc.mine(3).unwrap()[2];
    rpc.call("invalidateblock", &json!([first])).unwrap();
    assert_eq!(rpc.height().unwrap(), height);
    assert_eq!(rpc.mempool().unwrap(), [parent.compute_txid(), child.compute_txid()]);
    assert_eq!(rpc.call("getblockheader", &json!([first])).unwrap()["confirmations"], -1);
    rpc.call("reconsiderblock", &json!([first])).unwrap();
    assert_eq!(rpc.call("getbestblockhash", &json!([])).unwrap(), json!(tip));
    assert!(rpc.mempool().unwrap().is_empty());
}

#[test]
fn a_longer_branch_wins_and_what_it_made_impossible_is_dropped() {
    let (node_a, a) = start();
    let (_node_b, b) = start();
    let wallet = Wallet::new(1);
    let point = funded(&a, &wallet, 100_000);
    copy_chain(&a, &b, 1);
    let (left, right) = (wallet.pay(point, 100_000, 99_000), wallet.pay(point, 100_000, 97_000));
    let fork = a.height().unwrap() + 1;
    a.send(&left).unwrap();
    let independent = a.fund(&Wallet::new(3).address(), Amount::from_sat(50_000)).unwrap();
    let lost = a.mine(1).unwrap()[0];
    let coinbase_child = wallet.pay(OutPoint::new(left.compute_txid(), 0), 99_000, 98_000);
    a.send(&coinbase_child).unwrap();
    b.send(&right).unwrap();
    b.mine(2).unwrap();
    copy_chain(&b, &a, fork);
    assert_eq!(
        a.call("getbestblockhash", &json!([])).unwrap(),
        b.call("getbestblockhash", &json!([])).unwrap()
    );
    assert_eq!(a.mempool().unwrap(), [independent.txid], "only what conflicts with the new branch is gone");
    let tips = a.call("getchaintips", &json!([])).unwrap();
    assert_eq!(
        (tips.as_array().unwrap().len(), &tips[1]["hash"], &tips[1]["branchlen"]),
        (2, &json!(lost), &json!(1))
    );
    assert!(!node_a.is_stopping());
}

/// Gives `to` the blocks of `from`'s active chain, from a height on.
fn copy_chain(from: &RpcNode, to: &RpcNode, first: u64) {
    for height in first..=from.height().unwrap() {
        let hash = from.call("getblockhash", &json!([height])).unwrap();
        let block = from.call("getblock", &json!([hash, 0])).unwrap();
        let answer = to.call("submitblock", &json!([block])).unwrap();
        assert!(answer.is_null() || answer == "inconclusive" || answer == "duplicate", "{answer}");
    }
}

#[test]
fn a_thousand_blocks_take_less_than_two_seconds() {
    let (_node, rpc) = start();
    let begin = std::time::Instant::now();
    rpc.mine(1_000).unwrap();
    let took = begin.elapsed();
    assert_eq!(rpc.height().unwrap(), 1_000);
    assert!(took.as_secs_f32() < 2.0, "{took:?}");
}

#[test]
fn the_same_commands_give_the_same_hashes() {
    let story = || {
        let (_node, rpc) = start();
        let wallet = Wallet::new(1);
        let point = funded(&rpc, &wallet, 100_000);
        rpc.send(&wallet.pay(point, 100_000, 99_000)).unwrap();
        rpc.mine(3).unwrap().pop()
    };
    assert_eq!(story(), story());
}

#[test]
fn mock_time_rules_block_times_until_it_is_given_back() {
    let (_node, rpc) = start();
    let time = |hash| rpc.block(&hash).unwrap().header.time;
    rpc.call("setmocktime", &json!([1_750_000_000])).unwrap();
    let hashes = rpc.mine(12).unwrap();
    assert_eq!(time(hashes[0]), 1_750_000_000);
    assert!(time(hashes[11]) > 1_750_000_000, "the median has to move");
    rpc.call("setmocktime", &json!([0])).unwrap();
    let options = Options::default().with_clock(BlockClock::Stepped { start: 1_600_000_000, step: 30 });
    let other = KernelNode::temporary(options).unwrap();
    let rpc = other.handle().rpc().unwrap();
    let hash = rpc.mine(10).unwrap()[9];
    assert_eq!(rpc.block(&hash).unwrap().header.time, 1_600_000_300);
}

#[test]
fn a_restart_continues_and_a_crash_loses_only_the_mempool() {
    let dir = tempfile::tempdir().unwrap();
    let node = KernelNode::start(dir.path(), Options::default()).unwrap();
    let rpc = node.handle().rpc().unwrap();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    rpc.send(&wallet.pay(point, 100_000, 99_000)).unwrap();
    let tip = rpc.call("getbestblockhash", &json!([])).unwrap();
    assert!(matches!(KernelNode::start(dir.path(), Options::default()), Err(NodeError::Locked { .. })));
    drop(node);

    let node = KernelNode::start(dir.path(), Options::default()).unwrap();
    let rpc = node.handle().rpc().unwrap();
    assert_eq!(rpc.call("getbestblockhash", &json!([])).unwrap(), tip);
    assert_eq!(rpc.mempool().unwrap().len(), 1);
    node.kill();
    let node = KernelNode::start(dir.path(), Options::default()).unwrap();
    let rpc = node.handle().rpc().unwrap();
    assert_eq!(rpc.call("getbestblockhash", &json!([])).unwrap(), tip);
    assert!(rpc.mempool().unwrap().is_empty());
    rpc.send(&wallet.pay(point, 100_000, 99_000)).unwrap();
}

#[test]
fn a_stopped_node_leaves_nothing() {
    let (node, rpc) = start();
    let dir = node.dir().to_owned();
    rpc.mine(1).unwrap();
    drop(node);
    assert!(!dir.exists());
    assert!(matches!(rpc.height(), Err(RpcFailure::Transport(_))));
    let (mut node, _) = start();
    let dir = node.keep_dir();
    drop(node);
    assert!(dir.join("journal.dat").exists());
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_taken_port_and_an_unusable_folder_are_named() {
    let (node, _rpc) = start();
    let port: u16 = node.handle().rpc_url.rsplit(':').next().unwrap().parse().unwrap();
    let clash = KernelNode::temporary(Options::default().with_rpc_port(port)).unwrap_err();
    assert!(matches!(clash, NodeError::Port { port: p, .. } if p == port), "{clash}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let unusable = KernelNode::start(file.path(), Options::default()).unwrap_err();
    assert!(matches!(unusable, NodeError::Disk { .. }), "{unusable}");
}

#[test]
fn strangers_are_turned_away_and_passwords_work() {
    let node = KernelNode::temporary(Options::default().with_rpc_auth("user", "pass")).unwrap();
    let url = node.handle().rpc_url.clone();
    assert_eq!(RpcNode::with_password(&url, "user", "pass").height(), Ok(0));
    let stranger = RpcNode::with_password(&url, "user", "guess").height();
    assert!(matches!(&stranger, Err(RpcFailure::Transport(text)) if text.contains("401")), "{stranger:?}");
}

#[test]
fn errors_carry_bitcoinds_codes() {
    let (node, rpc) = start();
    let zeros = "0".repeat(64);
    let cases = [
        ("nosuchmethod", json!([]), -32601, "Method not found"),
        ("getblockhash", json!([5]), -8, "Block height out of range"),
        ("getblock", json!([zeros]), -5, "Block not found"),
        ("getblock", json!(["abc"]), -8, "blockhash must be of length 64 (not 3, for 'abc')"),
        ("getblockhash", json!(["x"]), -3, "JSON value of type string is not of expected type number"),
        ("getmempoolentry", json!([zeros]), -5, "Transaction not in mempool"),
        ("generatetoaddress", json!([1, "nonsense"]), -5, "Error: Invalid address"),
    ];
    for (method, params, code, message) in cases {
        assert_eq!(error(&rpc, method, &params), (code, message.to_owned()));
    }
    assert_eq!(error(&rpc, "getrawtransaction", &json!([zeros])).0, -5);
    node.set_warming_up(Some("Loading block index…"));
    assert_eq!(error(&rpc, "getblockcount", &json!([])), (-28, "Loading block index…".into()));
    node.set_warming_up(None);
    assert_eq!(rpc.height(), Ok(0));
}

#[test]
fn a_batch_is_answered_in_order_and_names_work_as_positions_do() {
    let (_node, rpc) = start();
    rpc.mine(2).unwrap();
    let batch = json!([
        {"jsonrpc": "2.0", "id": "a", "method": "getblockcount"},
        {"id": 7, "method": "getblockhash", "params": {"height": 9}},
        {"id": 8, "method": "getblockhash", "params": {"height": 0}},
    ]);
    let answers = rpc.post(&batch).unwrap();
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "result": 2, "id": "a"}));
    assert_eq!((&answers[1]["error"]["code"], &answers[1]["id"]), (&json!(-8), &json!(7)));
    assert_eq!(answers[2]["error"], Value::Null);
}

#[test]
fn a_merkle_proof_is_given_and_verified() {
    let (_node, rpc) = start();
    let point = funded(&rpc, &Wallet::new(1), 100_000);
    let proof = rpc.call("gettxoutproof", &json!([[point.txid]])).unwrap();
    assert_eq!(rpc.call("verifytxoutproof", &json!([proof])).unwrap(), json!([point.txid]));
    let mut spoiled = proof.as_str().unwrap().to_owned();
    let at = spoiled.len() - 20;
    spoiled.replace_range(at..=at, if &spoiled[at..=at] == "0" { "1" } else { "0" });
    let answer = rpc.call("verifytxoutproof", &json!([spoiled]));
    assert!(answer.is_err() || answer == Ok(json!([])), "{answer:?}");
}

#[test]
fn blocks_are_shown_at_every_verbosity() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let spend = wallet.pay(point, 100_000, 99_000);
    rpc.send(&spend).unwrap();
    let hash = rpc.mine(1).unwrap()[0];
    let shown = |verbosity: u8| rpc.call("getblock", &json!([hash, verbosity])).unwrap();
    assert_eq!(shown(1)["tx"][1], json!(spend.compute_txid()));
    assert_eq!(shown(2)["tx"][1]["fee"], json!(0.00001));
    assert_eq!(shown(3)["tx"][1]["vin"][0]["prevout"]["value"], json!(0.001));
    let block = rpc.block(&hash).unwrap();
    assert_eq!(shown(1)["size"], json!(block.total_size()));
    assert_eq!(shown(1)["weight"], json!(block.weight().to_wu()));
    let stripped = (block.weight().to_wu() - block.total_size() as u64) / 3;
    assert_eq!(shown(1)["strippedsize"], json!(stripped));
    assert_eq!(rpc.call("getblockfilter", &json!([hash])).unwrap()["header"].as_str().unwrap().len(), 64);
}

#[test]
fn coins_are_found_by_descriptor() {
    let (_node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let objects = [
        json!(format!("addr({})", wallet.address())),
        json!(format!("raw({})", wallet.address().script_pubkey().to_hex_string())),
        json!({"desc": wallet.descriptor(), "range": 3}),
    ];
    for object in objects {
        let found = rpc.call("scantxoutset", &json!(["start", [object]])).unwrap();
        assert_eq!(found["unspents"][0]["txid"], json!(point.txid), "{object}");
        assert_eq!(found["total_amount"], json!(0.001));
    }
    let out = rpc.call("gettxout", &json!([point.txid, point.vout])).unwrap();
    assert_eq!((&out["value"], &out["confirmations"]), (&json!(0.001), &json!(1)));
    rpc.send(&wallet.pay(point, 100_000, 99_000)).unwrap();
    assert_eq!(rpc.call("gettxout", &json!([point.txid, point.vout])).unwrap(), Value::Null);
    assert!(!rpc.call("gettxout", &json!([point.txid, point.vout, false])).unwrap().is_null());
}

#[test]
fn a_fee_spike_holds_cheap_transactions_back_until_a_child_pays() {
    let (node, rpc) = start();
    let wallet = Wallet::new(1);
    let point = funded(&rpc, &wallet, 100_000);
    let cheap = wallet.pay(point, 100_000, 99_900);
    rpc.send(&cheap).unwrap();
    node.set_fee_floor(20_000);
    rpc.mine(1).unwrap();
    assert_eq!(rpc.mempool().unwrap(), [cheap.compute_txid()]);
    let other = rpc.fund(&wallet.address(), Amount::from_sat(10_000));
    assert!(
        matches!(&other, Err(RpcFailure::Refused { code: -26, message }) if message.starts_with("mempool min fee not met"))
    );
    rpc.send(&wallet.pay(OutPoint::new(cheap.compute_txid(), 0), 99_900, 90_000)).unwrap();
    rpc.mine(1).unwrap();
    assert!(rpc.mempool().unwrap().is_empty());
}

#[test]
fn stop_ends_the_service() {
    let (node, rpc) = start();
    assert_eq!(rpc.call("stop", &json!([])).unwrap(), json!("Bitcoin Core stopping"));
    assert!(node.is_stopping());
    assert!(rpc.height().is_err());
}
