//! What may be typed.

use clap::{Parser, Subcommand};
use mesh_bench::native::Native;

/// Native, gas and scale measurements.
#[derive(Debug, Parser)]
#[command(name = "mesh-bench", version)]
pub(crate) struct Args {
    /// What is measured.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Times one operation of the libraries: prints {"op","n","ns_per_op"}.
    Native(Native),
    /// Measures messages of the built contracts in cosmwasm-vm, in SDK gas.
    Gas(Gas),
    /// Simulates many pairings and stakers on native code: time and memory of each kind of event.
    Scale(Scale),
}

/// How large the mesh is.
#[derive(Debug, clap::Args)]
pub(crate) struct Scale {
    /// Consumers, each with a pairing.
    #[arg(long, default_value_t = 1_000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) chains: usize,
    /// Users; each bonds and stakes with one validator of one consumer.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    pub(crate) stakers: u64,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is printed, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Gas {
    /// One JSON object: {"rows":[{"op","vm_gas","store_gas","sdk_gas"}],"wasm":[{"contract","bytes"}]}.
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// The page docs/gas.md.
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Lists the calls of each message too.
    #[arg(long)]
    pub(crate) calls: bool,
    /// Only these groups of rows: votes, stakes, headers, idle, mesh.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Storage only, on native code: needs neither built contracts nor the VM; vm is 0.
    #[arg(long)]
    pub(crate) storage_only: bool,
}
