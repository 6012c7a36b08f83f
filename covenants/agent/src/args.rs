//! What was typed.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Watches the hub for stakes that this covenant member has not signed, has them checked and signed by mesh-signer,
/// and submits the signatures.
#[derive(Debug, Parser)]
#[command(name = "mesh-covenant", version, max_term_width = 110)]
pub(crate) struct Args {
    /// Folder with configuration and state.
    #[arg(long, global = true, env = "MESH_COVENANT_HOME", default_value = "mesh-covenant")]
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
        /// Do one round and exit.
        #[arg(long)]
        once: bool,
    },
    /// Stakes that were not signed.
    #[command(subcommand)]
    Pending(Pending),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pending {
    /// List what the signer refused, with the reason.
    Refused,
    /// Ask again for a stake that was refused (after new parameters were pinned, say).
    Retry {
        /// Staking transaction id.
        stake: String,
    },
}
