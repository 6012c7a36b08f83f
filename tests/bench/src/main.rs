//! Measures the libraries and the contracts, and prints what it found.
//!
//! `mesh-bench native OP --n N` times an operation of the protocol library on this machine. It makes its
//! own inputs from a fixed seed; it compares with nothing and judges nothing. `mesh-bench gas` measures messages of
//! the built contracts in cosmwasm-vm; `mesh-bench scale` simulates a mesh of a thousand chains.

mod args;
mod gas;
mod scale;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use mesh_bench::native;

use crate::args::{Args, Command};

fn main() -> Result<ExitCode> {
    match Args::parse().command {
        Command::Native(native) => native::run(&native).map(|()| ExitCode::SUCCESS),
        Command::Gas(gas) => gas::run(&gas),
        Command::Scale(scale) => scale::run(&scale).map(|()| ExitCode::SUCCESS),
    }
}
