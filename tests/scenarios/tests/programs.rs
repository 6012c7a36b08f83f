//! The story with the four programs as separate processes, as operators run them, against `mesh-devnet up`: five
//! covenant signers and their agents, a provider's signer and bridge, a relayer, a holder. In the middle some of them
//! are killed as by a power failure, and go on.
//!
//! Needs the programs beside this test: a missing one fails it with the command that builds them.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "programs/process.rs"]
mod process;
#[path = "programs/world.rs"]
mod world;

use process::{Process, Tool, until};
use serde_json::{Value, json};
use std::path::PathBuf;
use world::World;

/// Bitcoin confirmations of the devnet, and one more.
const DEEP: u32 = 4;
/// Blocks that an unbonding output stays locked on the devnet.
const UNBONDING: u32 = 20;
const AMOUNT: u64 = 1_000_000;
const FEE: u64 = 500;
const UNBONDING_FEE: u64 = 1_000;
/// A Bitcoin node that is not there.
const NO_BITCOIN: &str = "[bitcoin]\nrpc = \"http://127.0.0.1:1\"\n";

/// The covenant at work.
struct Covenant {
    signers: Vec<Tool>,
    at_work: Vec<Option<Process>>,
    agents: Vec<Process>,
}

impl Covenant {
    fn start(world: &World) -> Self {
        let signers: Vec<_> = (0..5)
            .map(|n| world.signer(&format!("signer{n}"), "covenant", &format!("covenant-key-{n}")))
            .collect();
        let at_work: Vec<_> = signers.iter().map(|s| Some(serve(s))).collect();
        let agents = signers.iter().enumerate().map(|(n, s)| world.agent(n, s).start(&["run"])).collect();
        Self { signers, at_work, agents }
    }

    /// Three of five signers lose power: no quorum is left.
    fn lose_quorum(&mut self) {
        for signer in &mut self.at_work[..3] {
            signer.take().unwrap().kill();
        }
    }

    fn recover(&mut self) {
        for (signer, tool) in self.at_work.iter_mut().zip(&self.signers).take(3) {
            *signer = Some(serve(tool));
        }
    }

    fn end(self) {
        self.agents.into_iter().for_each(Process::end);
        self.at_work.into_iter().flatten().for_each(Process::end);
    }
}

/// Starts a signer and waits until it answers.
fn serve(tool: &Tool) -> Process {
    let process = tool.start(&["run"]);
    until("the signer to answer", 60, || tool.output(&["status"]).status.success().then_some(()));
    process
}

/// A provider: its signer, and the bridge that votes for it.
struct Provider {
    key: String,
    signer: Tool,
    at_work: Process,
    bridge: Process,
}

impl Provider {
    fn start(world: &World) -> Self {
        let signer = world.signer("eots", "eots", "eots-key-fp1");
        let at_work = serve(&signer);
        let socket = signer.home.join("signer.sock");
        let mut fp = format!("[fp]\nsigner = {socket:?}\nahead = 100\nbatch = 2000\n");
        for chain in ["MESH_HUB_RPC", "MESH_CONSUMER_RPC"] {
            fp += &format!("[[fp.consumers]]\nrpc = [{:?}]\n", world.get(chain));
        }
        let tool = world.bridge("provider", "fp1", NO_BITCOIN, &fp);
        let register = ["fp", "register", "--moniker", "Acme", "--commission", "5%"];
        let first = tool.ask(&register);
        assert_eq!(first["again"], false);
        let again = tool.ask(&register);
        assert_eq!((&again["again"], &again["fp_pk"]), (&json!(true), &first["fp_pk"]));
        let key = first["fp_pk"].as_str().unwrap().to_owned();
        assert_eq!(signer.ask(&["keys", "show"])["public_key"], key);
        Self { key, signer, at_work, bridge: tool.start(&["run", "--only", "fp"]) }
    }

    fn lose_power(self) -> Self {
        self.at_work.kill();
        let at_work = serve(&self.signer);
        Self { at_work, ..self }
    }

    fn end(self) {
        self.bridge.end();
        self.at_work.end();
    }
}

/// The one stake of the holder.
fn only_stake(holder: &Tool) -> Option<Value> {
    let mut stakes = holder.ask(&["stake", "list"]);
    stakes.get_mut(0).map(Value::take)
}

fn wait_for_state(holder: &Tool, stake: &str, state: &str) {
    until(&format!("the stake to be {state}"), 120, || {
        (holder.ask(&["stake", "show", stake])["state"] == state).then_some(())
    });
}

fn funded_holder(world: &World) -> Tool {
    let holder = world.holder("A");
    let address = holder.ask(&["wallet", "address"])["address"].as_str().unwrap().to_owned();
    world.mine(1, &address);
    world.mine(100, &nobody());
    assert_eq!(holder.ask(&["wallet", "balance"])["spendable_sat"], 5_000_000_000_u64);
    holder
}

/// An address of a key hash that nobody has.
fn nobody() -> String {
    "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202".to_owned()
}

/// Usage, questions and unreachable nodes have their own exit codes.
fn refusals(world: &World, holder: &Tool, fp: &str) {
    let create = |amount| {
        ["stake", "create", "--amount", amount, "--lock", "300blocks", "--fp", fp, "--fee-rate", "2"]
    };
    let usage = holder.output(&create("1000000"));
    assert_eq!(usage.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&usage.stderr).contains("has no unit"));
    assert_eq!(holder.ask_for(10, &create("1000000sat"))["error"]["code"], "DECLINED");
    assert_eq!(only_stake(holder), None, "what was declined is not recorded");
    let dry = [&create("0.01btc")[..], &["--dry-run"]].concat();
    assert_eq!(holder.ask(&dry)["costs"]["unbonding_fee_sat"], UNBONDING_FEE);
    let elsewhere = Tool::new("mesh-btc", holder.home.with_file_name("elsewhere"));
    elsewhere.run(&["init"]);
    let config = std::fs::read_to_string(holder.home.join("config.toml")).unwrap();
    elsewhere.configure(&config.replace(world.get("MESH_BITCOIN_RPC"), "http://127.0.0.1:1"));
    assert_eq!(elsewhere.ask_for(4, &["wallet", "balance"])["error"]["retryable"], true);
}

/// Stakes while the covenant has no quorum, and sees it completed once the covenant is back.
fn stake(holder: &Tool, covenant: &mut Covenant, fp: &str) -> String {
    covenant.lose_quorum();
    let mut create = holder.start(&[
        "stake",
        "create",
        "--amount",
        "0.01btc",
        "--lock",
        "300blocks",
        "--fp",
        fp,
        "--fee-rate",
        "2",
        "-y",
        "--json",
    ]);
    until("the registration", 60, || {
        assert!(create.runs(), "nothing is sent before a quorum has signed");
        only_stake(holder).filter(|stake| stake["state"] == "pending")
    });
    covenant.recover();
    let done = create.finish("the covenant's signatures", 120);
    assert_eq!((&done["stage"], &done["amount_sat"]), (&json!("sent"), &json!(AMOUNT)));
    done["stake"].as_str().unwrap().to_owned()
}

/// Waits until the hub's light client is at the node's tip.
fn caught_up(relayer: &Tool) {
    until("the light client", 60, || {
        let status = relayer.ask(&["status"]);
        assert_eq!(status["bitcoin"]["chain"], "regtest");
        (status["light_client"]["lag_blocks"] == 0).then_some(())
    });
}

/// Votes for both chains begin once Bitcoin's clock has passed over the randomness, and go on over a power failure of the
/// signer.
fn finalise(world: &World, relayer: &Tool, provider: Provider) -> Provider {
    for chain in world.chains() {
        until("committed randomness", 60, || world.committed(&provider.key, chain).then_some(()));
    }
    for _ in 0..2 {
        world.mine(1, &nobody());
        caught_up(relayer);
    }
    let last = |chain| world.finality(chain).last_finalized;
    let first = world.chains().map(|chain| until("a final block", 240, || last(chain)));
    let provider = provider.lose_power();
    for (chain, first) in world.chains().into_iter().zip(first) {
        until("more final blocks", 120, || last(chain).filter(|height| *height > first + 3));
    }
    let status = provider.signer.ask(&["status"]);
    assert!(status["signed"].as_u64().unwrap() > 0, "{status}");
    provider
}

/// Unbonds, waits, withdraws. The coins come back less the fees announced.
fn leave(world: &World, holder: &Tool, stake: &str) {
    assert_eq!(holder.ask_for(10, &["unbond", stake])["error"]["code"], "DECLINED");
    let unbonding = holder.ask(&["unbond", stake, "-y"]);
    assert_eq!(unbonding["unlocks_after_blocks"], UNBONDING);
    world.mine(DEEP, &nobody());
    wait_for_state(holder, stake, "unbonded");
    let early = holder.ask_for(6, &["withdraw", stake]);
    assert_eq!(early["error"]["retryable"], true);
    world.mine(UNBONDING, &nobody());
    let before = holder.ask(&["wallet", "balance"])["spendable_sat"].as_u64().unwrap();
    let withdrawn = holder.ask(&["withdraw", stake]);
    assert_eq!(withdrawn["paid_sat"], AMOUNT - UNBONDING_FEE - FEE);
    world.mine(1, &nobody());
    let after = holder.ask(&["wallet", "balance"])["spendable_sat"].as_u64().unwrap();
    assert_eq!(after - before, AMOUNT - UNBONDING_FEE - FEE);
    assert_eq!(holder.ask(&["stake", "show", stake])["stage"], "withdrawn");
}

/// §15-13: a finality provider runs beside its validators and needs no further node. Its bridge knows one node of each
/// chain it votes for, the validator's own, and no Bitcoin node answers it; both chains become final by its votes.
#[test]
fn four_programs_carry_a_stake_from_wallet_to_wallet() {
    let dir = tempfile::tempdir().unwrap();
    let (up, world) = world::up(dir.path());
    let mut covenant = Covenant::start(&world);
    let provider = Provider::start(&world);
    let relayer = world.bridge("relayer", "relayer", &world.bitcoin_section(), "");
    let at_work = relayer.start(&["run"]);
    let holder = funded_holder(&world);
    refusals(&world, &holder, &provider.key);

    let stake = stake(&holder, &mut covenant, &provider.key);
    at_work.kill();
    world.mine(DEEP, &nobody());
    assert_eq!(holder.ask(&["stake", "show", &stake])["state"], "verified");
    let at_work = relayer.start(&["run"]);
    wait_for_state(&holder, &stake, "active");
    caught_up(&relayer);

    let provider = finalise(&world, &relayer, provider);
    leave(&world, &holder, &stake);

    provider.end();
    covenant.end();
    at_work.end();
    let data: PathBuf = world.get("MESH_DEVNET_DIR").into();
    assert!(data.exists());
    up.end();
    assert!(!data.exists(), "`up` leaves nothing behind");
}
