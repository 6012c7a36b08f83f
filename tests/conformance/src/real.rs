//! stub
use serde_json::Value;
use crate::args::Backend;
use crate::report::FileResult;
pub(crate) type FileRunner = fn(&str, &Value, &Value, Backend) -> FileResult;
pub(crate) fn runner(_: &str) -> Option<FileRunner> { None }
