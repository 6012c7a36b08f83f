//! What stories with real programs share.
#![allow(dead_code)] // each story uses its part

use std::env;
use std::time::Duration;

use mesh_harness::chain::{built_dir, read_built};
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

/// A built contract.
pub(crate) fn contract(name: &str) -> Vec<u8> {
    read_built(&built_dir(), name).unwrap_or_else(|e| panic!("{e}; run contracts/build"))
}
