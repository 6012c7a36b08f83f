//! The socket: frames in, one answer each, only from users who may ask.
//!
//! Requests are handled one at a time. A signature leaves only after the ledger has it on disk; a client that goes
//! away in between gets the same signature when it asks again.

use anyhow::{Context, Result};
use rustix::net::sockopt::socket_peercred;
use staking_api::signer::{
    Answer, Ask, Empty, FrameError, Refused, Request, Response, Status, frame, frame_length, unframe,
};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A client that does not finish its frame within this is dropped.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers requests of one role.
pub(crate) trait Handler {
    fn handle(&mut self, ask: Ask) -> Answer;
}

/// A refusal with its stable code.
pub(crate) fn refused(code: &str, reason: impl std::fmt::Display) -> Refused {
    Refused { code: code.to_owned(), reason: reason.to_string(), watermark: None }
}

/// The socket, removed again when the server ends.
pub(crate) struct Server {
    listener: UnixListener,
    path: PathBuf,
    allowed: Vec<u32>,
}

impl Server {
    /// Listens at `path`. The caller holds the folder's lock, so a socket file that is there is a dead one.
    pub(crate) fn bind(path: &Path, mut allowed: Vec<u32>) -> Result<Self> {
        if path.exists() {
            std::fs::remove_file(path)
                .with_context(|| format!("cannot remove the stale {}", path.display()))?;
        }
        let listener =
            UnixListener::bind(path).with_context(|| format!("cannot listen at {}", path.display()))?;
        let mode = if allowed.is_empty() { 0o600 } else { 0o666 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        allowed.push(rustix::process::getuid().as_raw());
        Ok(Self { listener, path: path.to_owned(), allowed })
    }

    /// Serves until `stop`.
    pub(crate) fn serve(&self, handler: &mut dyn Handler, stop: &Arc<AtomicBool>) -> Result<()> {
        for stream in self.listener.incoming() {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if let Err(e) = stream.map_err(anyhow::Error::from).and_then(|s| self.client(s, handler)) {
                tracing::debug!(error = %format!("{e:#}"), "client");
            }
        }
        Ok(())
    }

    /// Wakes [`Self::serve`] so that it sees the stop flag.
    pub(crate) fn wake(path: &Path) {
        drop(UnixStream::connect(path));
    }

    fn client(&self, mut stream: UnixStream, handler: &mut dyn Handler) -> Result<()> {
        let uid = socket_peercred(&stream)?.uid.as_raw();
        if !self.allowed.contains(&uid) {
            tracing::warn!(uid, "a user who is not allowed was turned away");
            return Ok(());
        }
        stream.set_read_timeout(Some(CLIENT_TIMEOUT))?;
        stream.set_write_timeout(Some(CLIENT_TIMEOUT))?;
        let response = match read_request(&mut stream)? {
            Ok(request) => Response { id: request.id, answer: Some(answer(request.ask, handler)) },
            Err(e) => Response { id: Vec::new(), answer: Some(Answer::Refused(refused("BAD_REQUEST", e))) },
        };
        stream.write_all(&frame(&response))?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

fn answer(ask: Option<Ask>, handler: &mut dyn Handler) -> Answer {
    match ask {
        Some(ask) => handler.handle(ask),
        None => Answer::Refused(refused("BAD_REQUEST", "an empty request")),
    }
}

fn read_request(stream: &mut UnixStream) -> Result<Result<Request, FrameError>> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let length = match frame_length(prefix) {
        Ok(length) => length,
        Err(e) => return Ok(Err(e)),
    };
    let mut body = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut body)?;
    Ok(unframe(&body))
}

/// Asks a running signer for its state.
///
/// # Errors
/// When nothing listens at the socket, or something else does.
pub fn ask_status(socket: &Path) -> Result<Status> {
    let mut stream = UnixStream::connect(socket).with_context(|| {
        format!("no signer listens at {}; start it with `mesh-signer run`", socket.display())
    })?;
    stream.set_read_timeout(Some(CLIENT_TIMEOUT))?;
    stream.write_all(&frame(&Request { id: vec![0], ask: Some(Ask::Status(Empty {})) }))?;
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let mut body = vec![0; usize::try_from(frame_length(prefix)?)?];
    stream.read_exact(&mut body)?;
    match unframe::<Response>(&body)?.answer {
        Some(Answer::Status(status)) => Ok(status),
        _ => anyhow::bail!("{} answered something else than its state", socket.display()),
    }
}
