//! Folders and files of vectors.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::args::Args;
use crate::case::{Case, No, Out, Runner};
use crate::check::{Wanted, compare};
use crate::family;
use crate::real;
use crate::report::FileResult;

/// Kinds on which we answer differently on purpose, for folders that do not bring their own list.
const BUILT_IN_STRICTER: &str = include_str!("../../vectors/stricter.json");
const STRICTER: &str = "stricter.json";

/// Kinds whose published verdict, strict or not, no rule can reach from what the case holds: both answers pass, and a
/// note says so. `inner-64-byte-leaf`: the 64 bytes are random, not a transaction, so the branch is that of an honest
/// proof bit for bit. What can be seen is refused: nodes that parse as a transaction (`staking_protocol::inclusion`), and
/// with a coinbase branch beside the proof, this too (`confirm_beside_coinbase`).
const UNDECIDABLE: [(&str, &str); 1] = [("spv", "inner-64-byte-leaf")];
const EXPECTED: &str = "EXPECTED.json";

/// A folder of vector files.
pub(crate) struct Folder {
    files: Vec<PathBuf>,
    stricter: Value,
    /// Answers to the real network data of the folder.
    expected: Value,
}

impl Folder {
    /// Lists a folder; `stricter.json` is taken from it if it is there.
    pub(crate) fn open(dir: &Path) -> Result<Self, String> {
        let unreadable = |e: std::io::Error| format!("{}: {e}", dir.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(dir).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
        files.sort();
        let own = dir.join(STRICTER);
        let stricter = if own.exists() { read(&own)? } else { parse(BUILT_IN_STRICTER, STRICTER)? };
        let answers = dir.join(EXPECTED);
        let expected = if answers.exists() { read(&answers)? } else { Value::Null };
        Ok(Self { files, stricter, expected })
    }

    /// Files that hold vectors.
    pub(crate) fn vector_files(&self) -> impl Iterator<Item = &Path> {
        let is_vectors = |path: &&Path| !path.ends_with(STRICTER) && !path.ends_with(EXPECTED);
        self.files.iter().map(PathBuf::as_path).filter(is_vectors)
    }

    /// Runs a file; `None` if another family was asked for.
    pub(crate) fn run(&self, path: &Path, args: &Args) -> Option<FileResult> {
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        let content = match read(path) {
            Ok(content) => content,
            Err(message) => return Some(FileResult::broken(stem, message)),
        };
        let name = content["family"].as_str().unwrap_or(stem);
        if args.family.as_deref().is_some_and(|wanted| wanted != name && wanted != stem) {
            return None;
        }
        if content["cases"].is_array() {
            return Some(self.run_family(name, &content, args));
        }
        Some(match real::runner(name, &content) {
            Some(run) => real::run(name, run, &content, &self.expected, args.backend),
            None => FileResult::broken(name, "unknown family".to_owned()),
        })
    }

    fn run_family(&self, name: &str, content: &Value, args: &Args) -> FileResult {
        let Some(runner) = family::runner(name) else {
            return FileResult::broken(name, "unknown family".to_owned());
        };
        let cases = content["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut result = FileResult::new(name);
        if content["count"].as_u64() != u64::try_from(cases.len()).ok() {
            result.failures.push(format!("expected {} cases, found {}", content["count"], cases.len()));
        }
        for raw in cases {
            let kind = raw["kind"].as_str().unwrap_or_default();
            let label = format!("case {} ({kind})", raw["id"]);
            result.count(&label, self.run_case(name, runner, raw, args));
        }
        result
    }

    fn run_case(&self, name: &str, runner: Runner, raw: &Value, args: &Args) -> Result<(), String> {
        let kind = raw["kind"].as_str().unwrap_or_default();
        let published_ok = raw["ok"].as_bool().ok_or("no verdict in the vector")?;
        let case = Case { curve: args.backend, input: &raw["in"], expected: &raw["out"] };
        let mut out = Out::default();
        let verdict = catch_unwind(AssertUnwindSafe(|| runner(&case, &mut out)));
        let verdict = verdict.unwrap_or_else(|_| Err(No::Broken("panicked".to_owned())));
        compare(self.wanted(name, kind), published_ok, &raw["out"], &verdict, &out)
    }

    fn wanted(&self, family: &str, kind: &str) -> Wanted {
        if UNDECIDABLE.contains(&(family, kind)) {
            eprintln!("note: {family} {kind}: either answer passes, one branch cannot tell (docs/gaps.md)");
            return Wanted::Either;
        }
        let listed = |list: &str| {
            let kinds = self.stricter[family][list].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|k| k == kind))
        };
        match (listed("refuse"), listed("either")) {
            (true, _) => Wanted::Refuse,
            (_, true) => Wanted::Either,
            _ => Wanted::AsPublished,
        }
    }
}

fn read(path: &Path) -> Result<Value, String> {
    let name = path.display().to_string();
    parse(&fs::read_to_string(path).map_err(|e| format!("{name}: {e}"))?, &name)
}

fn parse(text: &str, name: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| format!("{name}: {e}"))
}
