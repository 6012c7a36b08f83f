//! The wasm engine: built in, or built now.
//!
//! cosmwasm-vm takes ten CPU minutes to compile, which the first command of a newcomer must not pay for. When it is
//! asked for and not built in, the program builds itself with it and hands over.

use crate::args::Engine;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::{Command, ExitCode};

/// Hands over to a build with the wasm engine when this one lacks it; the exit code is the other's.
pub(crate) fn ensure(engine: Engine) -> Result<Option<ExitCode>> {
    if engine == Engine::Native || cfg!(feature = "wasm") {
        return Ok(None);
    }
    eprintln!("the wasm engine is not in this build: building it (some minutes the first time) …");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(&root)
        .args(["run", "--quiet", "--release", "--locked", "-p", "mesh-devnet", "--features", "wasm", "--"])
        .args(std::env::args_os().skip(1))
        .status()
        .context("cargo is needed to build the wasm engine")?;
    let code = status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1);
    Ok(Some(ExitCode::from(code)))
}
