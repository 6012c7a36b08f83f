//! Where built contracts lie.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of built contracts: `MESH_WASM_DIR`, or where `contracts/build` leaves them.
#[must_use]
pub fn built_dir() -> PathBuf {
    let default = || OsString::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/contracts"));
    std::env::var_os("MESH_WASM_DIR").unwrap_or_else(default).into()
}

/// The file of a contract in such a folder (`btc-vault` is `btc_vault.wasm`).
#[must_use]
pub fn built_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{}.wasm", name.replace('-', "_")))
}

/// Reads a contract from such a folder.
///
/// # Errors
/// When the file is missing or cannot be read; the error names it.
pub fn read_built(dir: &Path, name: &str) -> io::Result<Vec<u8>> {
    let file = built_file(dir, name);
    std::fs::read(&file).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", file.display())))
}
