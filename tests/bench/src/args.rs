//! What may be typed.

use clap::{Parser, Subcommand};

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
}

/// One operation and how often it runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Native {
    /// The operation, or `all`; `list` prints the names.
    pub(crate) op: String,
    /// How often it runs.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: u32,
    /// Threads for the operations that use more than one (commit-pubrand-10000).
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
}
