//! Measures the libraries and prints one JSON object per measurement.
//!
//! `mesh-bench native OP --n N` times an operation of the protocol library on this machine. It makes its
//! own inputs from a fixed seed; it compares with nothing and judges nothing.

mod args;

use anyhow::Result;
use clap::Parser;
use mesh_bench::native;

use crate::args::{Args, Command};

fn main() -> Result<()> {
    match Args::parse().command {
        Command::Native(native) => native::run(&native),
    }
}
