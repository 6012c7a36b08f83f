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
}
