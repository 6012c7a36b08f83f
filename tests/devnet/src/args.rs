//! What was typed.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Bitcoin, two CosmWasm chains, covenant, providers and holders on this machine.
#[derive(Debug, Parser)]
#[command(name = "mesh-devnet", version, max_term_width = 110)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tells the whole story: stake, secure, vote, slash, leave, and adds up the satoshi.
    Demo(DemoArgs),
    /// Keeps the same world running and prints its endpoints, until Ctrl-C.
    Up(UpArgs),
    /// Runs four designs of shared security on one set of chains, and says what an attack costs in each.
    Compare(CompareArgs),
}

/// What both commands take.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct WorldArgs {
    /// Other numbers give other keys and transaction ids.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How contracts run on the embedded chains.
    #[arg(long, value_enum, default_value_t = Engine::Native)]
    pub(crate) engine: Engine,
    /// bitcoind, two wasmd chains and a real IBC relayer instead of the embedded world (see `tests/setup real`).
    #[arg(long)]
    pub(crate) real: bool,
    /// Keep all data in this folder instead of a temporary one.
    #[arg(long)]
    pub(crate) keep_dir: Option<PathBuf>,
}

/// Arguments of `demo`.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) world: WorldArgs,
    /// What holder A stakes, with unit: `0.05btc` or `5000000sat`. Holder B stakes three fifths of it.
    #[arg(long, default_value = "0.05btc", value_parser = staker::amount::parse_amount)]
    pub(crate) amount: u64,
    /// Print exactly one JSON object on stdout; the story goes to stderr only on a terminal.
    #[arg(long)]
    pub(crate) json: bool,
    /// Afterwards send every other message of the Bitcoin contracts too, and write to this file what each kind of
    /// message cost (with `--real`: on wasmd).
    #[arg(long, value_name = "FILE")]
    pub(crate) gas: Option<PathBuf>,
    /// Spoil one byte on the way, to see the contract refuse it.
    #[arg(long, value_enum)]
    pub(crate) spoil: Option<Spoil>,
}

/// Arguments of `compare`.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_long_help = COMPARE_HELP)]
pub(crate) struct CompareArgs {
    /// How contracts run on the embedded chains.
    #[arg(long, value_enum, default_value_t = Engine::Native)]
    pub(crate) engine: Engine,
    /// Print exactly one JSON object on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `compare --help` teaches.
const COMPARE_HELP: &str = "\
The set: four chains with their own token, stake and three validators each (hub 500, alpha 200, beta 50, gamma 5 million \
dollars staked), and bitcoin worth 100 million dollars that its holders would put at stake. Each design is deployed on \
fresh embedded chains with the same contracts; only who is paired with whom, and the limits, differ:

  replicated  ICS v1. The hub's whole stake secures every chain; the chains' own stake does not count.
  opt-in      ICS v2, partial set. Some of the hub's validators secure a chain; its own stake does not count.
  layered     \"v3\", hub and spokes. Chains keep their own stake and validators; the hub adds at most as much power.
  mesh        Every chain secures every other, bitcoin all of them; each adds at most as much power as the chain's own.

The figures: an attack costs what must be bonded beside all honest power to hold a third of the whole (the chain can be \
halted: half of the honest power) or two thirds (the chain can be taken over: twice of it), on the cheapest chain of the \
design, in dollars. Power is read from the validators' tokens after an epoch. Sovereignty: a chain has its own validator \
set where no other party has more power on it than its own stakers; a party with a third can halt it, one with two \
thirds can rule it. What is paid per chain, and how much of each provider's power stands where, is in `chains` of the JSON.

  mesh-devnet compare
  mesh-devnet compare --json | jq '.designs[] | {design, attack_cost_third, own_validator_set}'";

/// Arguments of `up`.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) world: WorldArgs,
    /// Mine a Bitcoin block every so many seconds; 0 mines on demand only (`generatetoaddress`).
    #[arg(long, default_value_t = 0)]
    pub(crate) block_seconds: u64,
    /// Print one JSON object with the endpoints.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How contracts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Their own code, compiled into this program.
    Native,
    /// The built wasm in cosmwasm-vm.
    Wasm,
}

/// What is spoiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spoil {
    /// A byte of a covenant member's adaptor signature.
    CovenantSignature,
    /// A byte of an inclusion proof.
    InclusionProof,
    /// A byte of the evidence of the double vote.
    Evidence,
}
