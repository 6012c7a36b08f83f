//! Counting and printing.

use std::fmt;

/// Result of one file.
pub(crate) struct FileResult {
    pub(crate) name: String,
    pub(crate) passed: usize,
    /// What failed: the case, and what was expected and found.
    pub(crate) failures: Vec<String>,
}

impl FileResult {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), passed: 0, failures: Vec::new() }
    }

    /// A file that could not be run at all.
    pub(crate) fn broken(name: &str, message: String) -> Self {
        Self { name: name.to_owned(), passed: 0, failures: vec![message] }
    }

    pub(crate) fn count(&mut self, case: &str, result: Result<(), String>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(message) => self.failures.push(format!("{case}: {message}")),
        }
    }
}

impl fmt::Display for FileResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} passed, {} failed", self.name, self.passed, self.failures.len())?;
        self.failures.iter().try_for_each(|failure| writeln!(f, "  {failure}"))
    }
}

/// Result of all files.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) files: usize,
    passed: usize,
    failed: usize,
}

impl Report {
    pub(crate) fn add(&mut self, file: &FileResult) {
        self.files += 1;
        self.passed += file.passed;
        self.failed += file.failures.len();
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
