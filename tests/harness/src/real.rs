//! Real programs for the suites: bitcoind, two wasmd chains and the IBC relayer hermes between them.
//!
//! What `tests/setup real` installed is found by [`programs`]; every program runs as a [`process::Process`], which
//! cannot outlive this process, whatever ends it. Readiness is polled with a deadline, nothing sleeps as
//! synchronisation, every port is on loopback and chosen free. This module starts and wires programs; it knows no
//! contract and speaks to chains only to see that they are up.

pub mod bitcoind;
mod genesis;
pub mod hermes;
pub mod nodes;
mod ports;
pub mod process;
pub mod programs;
mod settings;
pub mod wait;
pub mod wasmd;

use std::path::PathBuf;
use std::time::Duration;

/// Why a real program could not be started or driven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RealError {
    /// The program is not installed.
    #[error("{name} is not installed: {path} does not exist; run `tests/setup {part}` or set {variable}", path = .path.display())]
    Missing {
        /// The program's name.
        name: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// The part of `tests/setup` that installs it.
        part: &'static str,
        /// The environment variable that names another one.
        variable: &'static str,
    },
    /// A file or folder could not be read or written (a full disk, no permission).
    #[error("{what} ({path}): {source}", path = .path.display())]
    Io {
        /// What was attempted.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The program ended while it was being waited for.
    #[error("{name} ended early ({status}); the end of its log:\n{log}")]
    Exited {
        /// The program's name.
        name: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last lines it wrote.
        log: String,
    },
    /// The program runs but did not become ready in time.
    #[error("{name}: {what} did not happen within {} s; the end of its log:\n{log}", .waited.as_secs())]
    NotReady {
        /// The program's name.
        name: String,
        /// What was waited for.
        what: String,
        /// How long it was waited for.
        waited: Duration,
        /// The last lines it wrote.
        log: String,
    },
    /// A command line failed.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The command, without secrets.
        command: String,
        /// What it printed last.
        output: String,
    },
    /// A program answered or wrote something of an unexpected shape.
    #[error("unexpected {what}: {found}")]
    Unexpected {
        /// What was being read.
        what: &'static str,
        /// What was found.
        found: String,
    },
}

impl RealError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn unexpected(what: &'static str, found: impl ToString) -> Self {
        Self::Unexpected { what, found: found.to_string() }
    }

    /// True if a port was taken between choosing and using it: starting again with other ports helps.
    #[must_use]
    pub fn is_port_clash(&self) -> bool {
        matches!(self, Self::Exited { log, .. }
            if log.contains("ddress already in use") || log.contains("Unable to bind"))
    }
}
