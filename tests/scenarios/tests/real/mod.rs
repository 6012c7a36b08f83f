//! What stories with real programs share.
#![allow(dead_code)] // each story uses its part

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mesh_harness::real::programs::Program;
use mesh_harness::real::wait::poll;

/// True if the real programs are asked for; then those needed have to be there.
pub(crate) fn asked_for(needed: &[Program]) -> bool {
    if env::var("MESH_REAL").as_deref() != Ok("1") {
        eprintln!("passed over: needs `tests/setup real`, built contracts and MESH_REAL=1");
        return false;
    }
    for program in needed {
        program.find().expect("MESH_REAL=1 and the program is installed");
    }
    true
}

/// Looks until there is an answer.
pub(crate) fn until<T>(what: &str, seconds: u64, look: impl FnMut() -> Option<T>) -> T {
    poll(Duration::from_secs(seconds), look).unwrap_or_else(|| panic!("waited {seconds} s for {what}"))
}

/// A built contract, from `MESH_WASM_DIR` or where `contracts/build` leaves it.
pub(crate) fn contract(name: &str) -> Vec<u8> {
    let dir = env::var_os("MESH_WASM_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/contracts"), PathBuf::from);
    let file = dir.join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}; run contracts/build", file.display()))
}
