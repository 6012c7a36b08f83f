//! The wasm engine: built in, or built now.
//!
//! cosmwasm-vm takes ten CPU minutes to compile, which the first command of a newcomer must not pay for. When it is
//! asked for and not built in, the program builds itself with it and hands over.

use crate::args::Engine;
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Hands over to a build with the wasm engine when this one lacks it. Returns only if no hand-over is needed, or if
/// there is no cargo: the other build takes this process's place, so that whoever stops us stops it.
pub(crate) fn ensure(engine: Engine) -> Result<()> {
    if engine == Engine::Native || cfg!(feature = "wasm") {
        return Ok(());
    }
    eprintln!("the wasm engine is not in this build: building it (some minutes the first time) …");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let failed = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--release", "--locked", "-p", "mesh-devnet", "--features", "wasm"])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--")
        .args(std::env::args_os().skip(1))
        .exec();
    Err(failed).context("cargo is needed to build the wasm engine")
}
