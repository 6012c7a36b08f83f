//! What was typed.

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Carries headers, proofs, votes and slashings between Bitcoin and the hub.
#[derive(Debug, Parser)]
#[command(name = "mesh-bridge", version, max_term_width = 110)]
pub(crate) struct Args {
    /// Folder with the configuration.
    #[arg(long, global = true, env = "MESH_BRIDGE_HOME", default_value = "mesh-bridge")]
    pub(crate) home: PathBuf,
    /// Print one JSON object on stdout instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the folder and a commented configuration.
    Init,
    /// Work until stopped. Ctrl-C at any time is safe.
    Run {
        /// Only these parts, separated by commas.
        #[arg(long, value_delimiter = ',')]
        only: Vec<Part>,
        /// Do one round of every part and exit; with an error if a part failed.
        #[arg(long)]
        once: bool,
    },
    /// Where node, hub and light client are.
    Status,
}

/// A part of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// Keeps the light client at our node's best chain.
    Headers,
    /// Proves inclusion of stakes, reports what spent them, ends what has expired.
    Tracker,
    /// Completes slashing transactions of providers whose key is public.
    Slasher,
    /// Commits randomness and votes for a finality provider.
    Fp,
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::Headers, Self::Tracker, Self::Slasher, Self::Fp];
}
