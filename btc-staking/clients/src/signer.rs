//! Client of `mesh-signer` over its Unix socket: one request, one answer, bound together by an id.
//!
//! A connection is made for each request, so a signer restarted in between is no special case.

use crate::ClientError;
use staking_api::signer::{Answer, Ask, Request, Response, frame, frame_length, unframe};
use std::fmt::Display;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longest wait for an answer. Deriving a large randomness commitment takes seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A signer's socket.
pub struct SignerClient {
    path: PathBuf,
    shown: String,
    next: AtomicU64,
}

impl SignerClient {
    /// Prepares to talk to the socket at `path`; nothing is sent yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), shown: format!("unix:{}", path.display()), next: AtomicU64::new(1) }
    }

    /// The socket's address.
    pub fn endpoint(&self) -> &str {
        &self.shown
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// Transient when the signer does not answer; permanent when it answers something else.
    pub fn ask(&self, ask: Ask) -> Result<Answer, ClientError> {
        let id = self.request_id();
        let request = Request { id: id.clone(), ask: Some(ask) };
        let body = self.exchange(&frame(&request)).map_err(|e| self.transient(e))?;
        let response: Response = unframe(&body).map_err(|e| self.permanent(e))?;
        if response.id != id {
            return Err(self.permanent("the answer belongs to another request"));
        }
        response.answer.ok_or_else(|| self.permanent("an empty answer"))
    }

    /// An error for an answer of the wrong kind.
    pub fn unexpected(&self) -> ClientError {
        self.permanent("an answer to another question")
    }

    fn request_id(&self) -> Vec<u8> {
        let mut id = std::process::id().to_be_bytes().to_vec();
        id.extend_from_slice(&self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        id
    }

    fn exchange(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.path)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.write_all(request)?;
        let mut prefix = [0; 4];
        stream.read_exact(&mut prefix)?;
        let length = frame_length(prefix).map_err(std::io::Error::other)?;
        let mut body = Vec::new();
        stream.take(u64::from(length)).read_to_end(&mut body)?;
        Ok(body)
    }

    fn transient(&self, why: impl Display) -> ClientError {
        ClientError::transient(&self.shown, "signer", why)
    }

    fn permanent(&self, why: impl Display) -> ClientError {
        ClientError::permanent(&self.shown, "signer", why)
    }
}
