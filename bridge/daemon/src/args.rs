//! What was typed.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use staking_api::Decimal;
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
    /// The finality provider whose key the configured signer holds.
    #[command(subcommand)]
    Fp(Fp),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Fp {
    /// Register the signer's key on the hub, owned by the configured account. Doing it again changes nothing.
    Register(Register),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Register {
    /// Name shown to holders.
    #[arg(long)]
    pub(crate) moniker: String,
    /// Share of the rewards that the provider keeps, with unit: `5%`.
    #[arg(long, value_parser = parse_percent)]
    pub(crate) commission: Decimal,
    /// The commission will never be above this.
    #[arg(long, value_parser = parse_percent, default_value = "20%")]
    pub(crate) max_commission: Decimal,
    /// Largest change of the commission in a day.
    #[arg(long, value_parser = parse_percent, default_value = "1%")]
    pub(crate) max_change: Decimal,
    /// Web page.
    #[arg(long, default_value = "")]
    pub(crate) website: String,
    /// Where to report problems.
    #[arg(long, default_value = "")]
    pub(crate) contact: String,
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

/// Parses a percentage with its unit.
pub(crate) fn parse_percent(text: &str) -> Result<Decimal, String> {
    let number = text
        .strip_suffix('%')
        .ok_or_else(|| format!("`{text}` has no unit; write for example `5%` or `2.5%`"))?;
    let percent: Decimal = number.parse().map_err(|e| format!("`{number}`: {e}"))?;
    if percent.0 > Decimal::ONE.0.saturating_mul(100) {
        return Err(format!("`{text}` is more than everything"));
    }
    if !percent.0.is_multiple_of(100) {
        return Err(format!("`{text}` is finer than the hub can tell"));
    }
    Ok(Decimal(percent.0 / 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_needs_its_unit_and_is_at_most_everything() {
        assert_eq!(parse_percent("5%"), Ok(Decimal::percent(5)));
        assert_eq!(parse_percent("2.5%"), Ok(Decimal::permille(25)));
        assert_eq!(parse_percent("100%"), Ok(Decimal::ONE));
        assert!(parse_percent("5").unwrap_err().contains("no unit"));
        assert!(parse_percent("100.1%").is_err());
        assert!(parse_percent("-1%").is_err());
        assert!(parse_percent("0.0000000000000000001%").is_err());
        assert!(parse_percent("0.00000000000000001%").unwrap_err().contains("finer"));
    }
}
