//! What was typed, with units.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Stake bitcoin that never leaves Bitcoin.
///
/// A stake is locked in an output that you alone can spend after its time, or at once together with the covenant. Before
/// any coin moves, mesh-btc proves that you can withdraw it and verifies that the covenant has signed your way out.
#[derive(Debug, Parser)]
#[command(name = "mesh-btc", version, max_term_width = 110)]
pub(crate) struct Args {
    /// Folder with configuration, wallet and stakes.
    #[arg(long, global = true, env = "MESH_BTC_HOME", default_value = "mesh-btc")]
    pub(crate) home: PathBuf,
    /// Print exactly one JSON object on stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Answer yes to questions. Safety refusals stay refusals.
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the folder and a commented configuration.
    Init,
    /// Coins and keys.
    #[command(subcommand)]
    Wallet(Wallet),
    /// Make and look at stakes.
    #[command(subcommand)]
    Stake(Stake),
    /// Leave early: send the unbonding transaction that the covenant signed.
    Unbond {
        /// Staking transaction id, or at least 8 of its first digits.
        stake: String,
    },
    /// Take coins back whose lock has ended.
    Withdraw {
        /// Staking transaction id, or at least 8 of its first digits.
        stake: String,
        /// Where to; default: a fresh address of the wallet.
        #[arg(long)]
        to: Option<String>,
        /// Fee, with unit.
        #[arg(long, default_value = "500sat", value_parser = staker::amount::parse_amount)]
        fee: u64,
    },
    /// Understand what a wallet is asked to sign.
    #[command(subcommand)]
    Psbt(Psbt),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Wallet {
    /// Draw twelve new words and make the wallet. The words are shown once.
    New,
    /// Make the wallet of words read from standard input.
    Import,
    /// A fresh receiving address.
    Address,
    /// Spendable coins.
    Balance,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Stake {
    /// Plan, prove, register, wait for the covenant, send.
    Create {
        /// Amount, with unit: `0.05btc` or `5000000sat`.
        #[arg(long, value_parser = staker::amount::parse_amount)]
        amount: u64,
        /// Lock, with unit: `64000blocks`.
        #[arg(long, value_parser = parse_blocks)]
        lock: u32,
        /// The finality provider's key, 64 hex digits.
        #[arg(long)]
        fp: String,
        /// Fee rate in satoshi per virtual byte; default: the node's estimate.
        #[arg(long)]
        fee_rate: Option<u64>,
        /// Check everything and show the costs; store, register and send nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Go on with a stake that was interrupted: register, wait, send.
    Resume {
        /// Staking transaction id, or at least 8 of its first digits.
        stake: String,
    },
    /// All stakes of this wallet.
    List,
    /// One stake, who acts next, and by when.
    Show {
        /// Staking transaction id, or at least 8 of its first digits.
        stake: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Psbt {
    /// Say what a PSBT (file, base64 or binary) spends, pays and locks.
    Explain {
        /// The file, or `-`.
        file: PathBuf,
    },
}

/// Parses a number of blocks with its unit.
pub(crate) fn parse_blocks(text: &str) -> Result<u32, String> {
    let blocks = text
        .strip_suffix("blocks")
        .ok_or_else(|| format!("`{text}` has no unit; write for example `64000blocks`"))?;
    blocks.replace('_', "").parse().map_err(|_| format!("`{blocks}` is not a whole number of blocks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_its_unit_is_refused() {
        assert_eq!(parse_blocks("64000blocks"), Ok(64_000));
        assert!(parse_blocks("64000").unwrap_err().contains("no unit"));
    }
}
