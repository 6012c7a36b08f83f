//! Files that are not families: real network data, published specification vectors, deterministic extra cases,
//! mesh messages. Each has its own form, hence its own runner.

mod extra;
mod mesh_wire;
mod network;
mod possession;
mod record;
mod spec;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::args::Backend;
use crate::case::No;
use crate::read::hex;
use crate::report::FileResult;

/// What the runner of a file is given.
pub(crate) struct File<'a> {
    /// Its name without the ending, under which the folder's answers are.
    pub(crate) name: &'a str,
    pub(crate) curve: Backend,
    pub(crate) content: &'a Value,
    /// `EXPECTED.json` of the folder.
    pub(crate) expected: &'a Value,
}

/// Runs a file: reports each check under a label.
pub(crate) type FileRunner = fn(&File<'_>, &mut Checks) -> Result<(), No>;

/// Collects the checks of a file.
pub(crate) struct Checks(FileResult);

impl Checks {
    /// Runs one check.
    pub(crate) fn check(&mut self, label: &str, check: impl FnOnce() -> Result<(), No>) {
        let result = catch_unwind(AssertUnwindSafe(check));
        let result = result.unwrap_or_else(|_| Err(No::Broken("panicked".to_owned())));
        self.0.count(label, result.map_err(|no| no.to_string()));
    }
}

/// Demands equality, naming what differs.
pub(crate) fn same(what: &str, found: impl Into<Value>, expected: &Value) -> Result<(), No> {
    let found = found.into();
    if found == *expected {
        return Ok(());
    }
    Err(No::Refused(format!("{what}: expected {expected}, found {found}")))
}

/// Demands equality of bytes with hexadecimal text.
pub(crate) fn same_bytes(what: &str, found: impl AsRef<[u8]>, expected: &Value) -> Result<(), No> {
    same(what, hex(found), expected)
}

const RUNNERS: &[(&str, FileRunner)] = &[
    ("adaptor_spec_vectors", spec::adaptor),
    ("babylon_vectors", extra::babylon),
    ("checkpoints", network::checkpoints),
    ("delegations", record::delegations),
    ("fp_pops_mainnet", possession::providers),
    ("headers", network::headers),
    ("mesh-wire", mesh_wire::messages),
    ("multisig_staker_vectors", extra::multisig),
    ("params_mainnet", network::params),
    ("params_testnet", network::params),
    ("pop_spec_vectors", possession::spec),
    ("spv", network::spv),
    ("staking_spec_vectors", spec::staking),
    ("staking_txs", network::staking_txs),
];

/// What a file of network data is called by its fields, whatever its name: the first that is there decides.
const SHAPES: &[(&str, &str)] = &[
    ("headers", "headers"),
    ("blocks", "spv"),
    ("phase2_btcstaking_params", "params_mainnet"),
    ("fps", "fp_pops_mainnet"),
    ("tag", "checkpoints"),
    ("txs", "staking_txs"),
    ("vectors", "staking_spec_vectors"),
    ("presig", "adaptor_spec_vectors"),
    ("delegations", "delegations"),
    ("btc_delegations", "delegations"),
];

/// Runner of a file by its name, or by what is in it.
pub(crate) fn runner(name: &str, content: &Value) -> Option<FileRunner> {
    let by_name = |name: &str| RUNNERS.iter().find(|(known, _)| *known == name).map(|(_, runner)| *runner);
    let by_shape = || SHAPES.iter().find(|(field, _)| content.get(field).is_some()).map(|(_, name)| *name);
    let a_record = || record::is_record(content).then_some(record::delegations as FileRunner);
    by_name(name).or_else(|| by_name(by_shape()?)).or_else(a_record)
}

/// Runs a file; one without any check has failed.
pub(crate) fn run(
    name: &str,
    runner: FileRunner,
    content: &Value,
    expected: &Value,
    curve: Backend,
) -> FileResult {
    let mut checks = Checks(FileResult::new(name));
    let outcome = runner(&File { name, curve, content, expected }, &mut checks);
    let Checks(mut result) = checks;
    if let Err(no) = outcome {
        result.failures.push(no.to_string());
    }
    if result.passed == 0 && result.failures.is_empty() {
        result.failures.push("nothing to check".to_owned());
    }
    result
}
