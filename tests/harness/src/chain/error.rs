//! Errors of an embedded chain.

use std::fmt;

/// The SDK's codespace for errors of its own modules.
pub(crate) const SDK: &str = "sdk";
/// The codespace of x/wasm.
pub(crate) const WASM: &str = "wasm";

/// A refusal as a chain reports it: code and codespace of the SDK, and the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxError {
    /// The SDK's number; never 0.
    pub code: u32,
    /// Who numbers.
    pub codespace: &'static str,
    /// The raw log; for contracts it begins with the contract's own text.
    pub log: String,
}

impl TxError {
    pub(crate) fn sdk(code: u32, log: impl Into<String>) -> Self {
        Self { code, codespace: SDK, log: log.into() }
    }

    pub(crate) fn wasm(code: u32, log: impl Into<String>) -> Self {
        Self { code, codespace: WASM, log: log.into() }
    }
}

impl fmt::Display for TxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.log, self.codespace, self.code)
    }
}

impl std::error::Error for TxError {}

/// Why a chain could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The chain refused; the text is the contract's or the module's.
    #[error(transparent)]
    Refused(#[from] TxError),
    /// The configuration cannot make a chain.
    #[error("chain configuration: {0}")]
    Config(String),
    /// A name that is not in the contract set.
    #[error("no contract named `{0}` in the set")]
    UnknownContract(String),
    /// An answer that is not of the type asked for.
    #[error("answer of {contract}: {reason}")]
    Answer {
        /// The contract asked.
        contract: String,
        /// What did not parse.
        reason: String,
    },
    /// The chain's own code stopped; its state is no longer to be trusted.
    #[error("the chain stopped in a panic: {0}")]
    Panicked(String),
    /// The chain was shut down.
    #[error("the chain is shut down")]
    Stopped,
    /// The RPC could not listen.
    #[error("RPC of {chain}: {source}")]
    Rpc {
        /// The chain id.
        chain: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ChainError {
    /// The chain's refusal, if it is one.
    pub fn refusal(&self) -> Option<&TxError> {
        match self {
            Self::Refused(e) => Some(e),
            _ => None,
        }
    }
}
