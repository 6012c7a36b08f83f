//! What was typed. Meaning is given to it in `settings.rs`.

use clap::{Parser, Subcommand};
use mesh_signer::Role;
use std::path::PathBuf;

/// Holds finality-provider (EOTS) or covenant keys and signs what passes its own checks.
///
/// One process serves one role. Every signature is recorded durably before it leaves; a request that could reveal a
/// key (a second block at a height, a second unbonding transaction of a stake) is refused whoever sends it.
#[derive(Debug, Parser)]
#[command(name = "mesh-signer", version, max_term_width = 110)]
pub(crate) struct Args {
    /// Folder with configuration, key and ledger.
    #[arg(long, global = true, env = "MESH_SIGNER_HOME", default_value = "mesh-signer")]
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
    Init {
        /// What this signer will sign.
        #[arg(long)]
        role: Role,
    },
    /// Make, import or show the key.
    #[command(subcommand)]
    Keys(Keys),
    /// The parameter versions that a covenant signer accepts.
    #[command(subcommand)]
    Policy(Policy),
    /// Serve requests on the Unix socket until stopped.
    Run,
    /// Ask the running signer for its state.
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Draw a new key and seal it under the passphrase.
    New,
    /// Seal a key given as 64 hex digits in a file (mode 0600) or on stdin (`-`).
    Import {
        /// The file, or `-`.
        file: PathBuf,
    },
    /// Print role and public key.
    Show,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Pin a version of the staking parameters (a JSON file as the hub's contract shows it).
    AddParams {
        /// Version number on the hub.
        #[arg(long)]
        param_version: u32,
        /// The file.
        file: PathBuf,
    },
    /// List the pinned versions.
    Show,
}
