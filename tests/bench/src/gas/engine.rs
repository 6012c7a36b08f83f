//! The wasm engine and the built contracts: built in, or built now.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use mesh_harness::chain::{built_dir, read_built};

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads a built contract.
pub(crate) fn wasm_file(name: &str) -> Result<Vec<u8>> {
    read_built(&built_dir(), name).context(
        "no built contract: run `./tests/setup wasm && ./contracts/build`, or name the folder by MESH_WASM_DIR",
    )
}

/// Hands over to a build with the wasm engine when this one lacks it; the exit code is the other's. cosmwasm-vm
/// takes ten CPU minutes to compile, which other measurements must not pay for.
pub(crate) fn hand_over() -> Result<Option<ExitCode>> {
    if cfg!(feature = "wasm") {
        return Ok(None);
    }
    wasm_file("btc-finality")?;
    eprintln!("the wasm engine is not in this build: building it (some minutes the first time) …");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root())
        .args(["run", "--quiet", "--release", "--locked", "-p", "mesh-bench", "--features", "wasm", "--"])
        .args(std::env::args_os().skip(1))
        .status()
        .context("cargo is needed to build the wasm engine")?;
    let code = status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1);
    Ok(Some(ExitCode::from(code)))
}
