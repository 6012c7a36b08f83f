//! The command line.

use std::path::PathBuf;

use staking_crypto::Curve;
use staking_crypto::curve::{Libsecp, Pure};

/// The group operations in use.
pub(crate) type Backend = &'static dyn Curve;

const USAGE: &str = "usage: mesh-conformance DIR [--family NAME] [--backend libsecp|pure]";

/// What to run.
pub(crate) struct Args {
    /// Folder of vector files.
    pub(crate) dir: PathBuf,
    /// The only family to run.
    pub(crate) family: Option<String>,
    /// Backend that verifies; signing is always libsecp256k1's.
    pub(crate) backend: Backend,
}

impl Args {
    /// Reads the command line.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut dir, mut family, mut backend) = (None, None, &Libsecp as Backend);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--family" => family = Some(args.next().ok_or(USAGE)?),
                "--backend" => backend = backend_named(&args.next().ok_or(USAGE)?)?,
                "-h" | "--help" => return Err(USAGE.to_owned()),
                _ if arg.starts_with("--") || dir.is_some() => {
                    return Err(format!("{arg}: unknown argument\n{USAGE}"));
                }
                _ => dir = Some(PathBuf::from(arg)),
            }
        }
        Ok(Self { dir: dir.ok_or(USAGE)?, family, backend })
    }
}

fn backend_named(name: &str) -> Result<Backend, String> {
    match name {
        "libsecp" => Ok(&Libsecp),
        "pure" => Ok(&Pure),
        other => Err(format!("{other}: unknown backend\n{USAGE}")),
    }
}
