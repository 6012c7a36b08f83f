//! One error for all clients: what was asked, of whom, what came back, and whether a retry can help.

use core::fmt;

/// Whether the same call may succeed later without anybody changing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The node was unreachable, busy, behind or restarting: try again, with back-off.
    Transient,
    /// The answer is deterministic: the same call gets the same refusal.
    Permanent,
}

/// A call to a node or chain that did not give the answer asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    retry: Retry,
    endpoint: String,
    call: String,
    code: Option<i64>,
    reason: String,
}

impl ClientError {
    /// An error that a later retry may cure.
    pub fn transient(
        endpoint: impl Into<String>,
        call: impl Into<String>,
        reason: impl fmt::Display,
    ) -> Self {
        Self::new(Retry::Transient, endpoint, call, None, reason)
    }

    /// An error that no retry cures.
    pub fn permanent(
        endpoint: impl Into<String>,
        call: impl Into<String>,
        reason: impl fmt::Display,
    ) -> Self {
        Self::new(Retry::Permanent, endpoint, call, None, reason)
    }

    pub(crate) fn new(
        retry: Retry,
        endpoint: impl Into<String>,
        call: impl Into<String>,
        code: Option<i64>,
        reason: impl fmt::Display,
    ) -> Self {
        Self { retry, endpoint: endpoint.into(), call: call.into(), code, reason: reason.to_string() }
    }

    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        self.retry == Retry::Transient
    }

    /// The code the other side gave: a JSON-RPC code of a Bitcoin node or an ABCI code of a chain.
    pub fn code(&self) -> Option<i64> {
        self.code
    }

    /// What the other side said, without our own framing.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The address that was asked, without credentials.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.call, self.endpoint, self.reason)?;
        match self.code {
            Some(code) => write!(f, " (code {code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ClientError {}
