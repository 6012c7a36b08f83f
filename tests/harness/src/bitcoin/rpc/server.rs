//! HTTP on loopback around [`super::answer`]: basic authentication with cookie or password, one thread of its own.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::bitcoin::NodeError;
use crate::bitcoin::engine::Engine;

const BODY_LIMIT: usize = 32 << 20;

/// Who may call.
#[derive(Clone)]
pub(crate) struct Auth {
    accepted: Vec<String>,
}

impl Auth {
    /// Writes a fresh cookie, readable by the owner only, and accepts it and `password`.
    pub(crate) fn create(cookie_file: &Path, password: Option<(String, String)>) -> io::Result<Self> {
        let mut secret = [0u8; 32];
        getrandom::fill(&mut secret).map_err(|e| io::Error::other(e.to_string()))?;
        let secret: String = secret.iter().map(|b| format!("{b:02x}")).collect();
        let cookie = format!("__cookie__:{secret}");
        write_private(cookie_file, &cookie)?;
        let mut accepted = vec![basic(&cookie)];
        accepted.extend(password.map(|(user, password)| basic(&format!("{user}:{password}"))));
        Ok(Self { accepted })
    }

    fn permits(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        given.is_some_and(|given| self.accepted.iter().any(|a| a == given))
    }
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[derive(Clone)]
struct Shared {
    auth: Auth,
    engine: Arc<Mutex<Engine>>,
}

/// The running server. Dropping it ends all connections.
pub(crate) struct RpcServer {
    runtime: Option<Runtime>,
    address: SocketAddr,
}

impl RpcServer {
    /// Binds a loopback port (0: any free one) and serves.
    pub(crate) fn start(port: u16, auth: Auth, engine: Arc<Mutex<Engine>>) -> Result<Self, NodeError> {
        let fail = |source| NodeError::Port { port, source };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("bitcoin-rpc")
            .enable_all()
            .build()
            .map_err(fail)?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port))).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let app = Router::new()
            .route("/", post(serve))
            .route("/wallet/{name}", post(serve))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(Shared { auth, engine });
        runtime.spawn(async move {
            // Serving ends only with the runtime.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { runtime: Some(runtime), address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RpcServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(10));
        }
    }
}

async fn serve(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !shared.auth.permits(&headers) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"jsonrpc\"")])
            .into_response();
    }
    let call = move || {
        let mut engine = shared.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if engine.stopping {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let reply = super::answer(&mut engine, &body);
        drop(engine);
        respond(reply.status, reply.body.as_ref())
    };
    match tokio::task::spawn_blocking(call).await {
        Ok(response) => response,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn respond(status: u16, body: Option<&Value>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = body.map(to_text).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Writes numbers as bitcoind does: amounts with eight decimals, never in exponent form.
fn to_text(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, Decimals);
    match value.serialize(&mut serializer) {
        Ok(()) => {
            text.push(b'\n');
            text
        }
        Err(error) => error.to_string().into_bytes(),
    }
}

struct Decimals;

impl Formatter for Decimals {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value == 0.0 || value.abs() >= 1e-8 {
            write!(writer, "{value:.8}")
        } else {
            write!(writer, "{value:e}")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_written_with_eight_decimals() {
        let text = String::from_utf8(to_text(&json!({"a": 0.00001, "b": 50.0, "c": 1}))).unwrap();
        assert_eq!(text, "{\"a\":0.00001000,\"b\":50.00000000,\"c\":1}\n");
    }

    #[cfg(unix)]
    #[test]
    fn the_cookie_is_private_and_differs_every_time() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".cookie");
        Auth::create(&path, None).unwrap();
        let first = std::fs::read_to_string(&path).unwrap();
        Auth::create(&path, None).unwrap();
        assert_ne!(first, std::fs::read_to_string(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
