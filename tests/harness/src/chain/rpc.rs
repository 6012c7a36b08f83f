//! CometBFT's RPC on loopback: JSON-RPC by POST, the URI style by GET.
//!
//! It answers from the chain's thread, one request after another. Not served: websockets and subscriptions.

mod answers;
mod params;
mod search;

use super::actor::Jobs;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::Json;
use axum::routing::{get, post};
use params::Params;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Largest request: a contract of 800 kB in base64 in JSON, several times over.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// How long open requests may take once the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// An error of JSON-RPC.
pub(crate) struct RpcError {
    code: i64,
    message: &'static str,
    data: String,
}

impl RpcError {
    fn internal(data: impl Into<String>) -> Self {
        Self { code: -32603, message: "Internal error", data: data.into() }
    }

    fn params(data: impl Into<String>) -> Self {
        Self { code: -32602, message: "Invalid params", data: data.into() }
    }

    fn method(name: &str) -> Self {
        Self { code: -32601, message: "Method not found", data: name.to_owned() }
    }
}

/// A listening RPC; dropping it closes the port and joins its thread.
pub(crate) struct RpcServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl RpcServer {
    /// Listens on loopback; port 0 takes a free one.
    pub(crate) fn start(port: u16, chain_id: &str, jobs: Jobs) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(16)
            .enable_all()
            .build()?;
        let name = format!("rpc {chain_id}");
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            runtime.block_on(serve(listener, jobs, stopped));
            runtime.shutdown_timeout(GRACE);
        })?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for RpcServer {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn stopping(mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow_and_update() {
        if stopped.changed().await.is_err() {
            return;
        }
    }
}

async fn serve(listener: TcpListener, jobs: Jobs, stopped: watch::Receiver<bool>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let app = Router::new()
        .route("/", post(by_post).get(index))
        .route("/{method}", get(by_uri))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(jobs);
    let graceful = axum::serve(listener, app).with_graceful_shutdown(stopping(stopped.clone()));
    let too_long = async {
        stopping(stopped).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = graceful => {}
        () = too_long => {}
    }
}

async fn index() -> String {
    let mut text = String::from("CometBFT RPC of an embedded chain. Methods:\n");
    for method in answers::METHODS {
        text.push_str(method);
        text.push('\n');
    }
    text
}

async fn by_uri(
    State(jobs): State<Jobs>,
    Path(method): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    Json(one(jobs, json!(-1), method, Params::Uri(query)).await)
}

async fn by_post(State(jobs): State<Jobs>, body: String) -> Json<Value> {
    let request: Value = match serde_json::from_str(&body) {
        Ok(request) => request,
        Err(e) => return Json(failure(&Value::Null, -32700, "Parse error", &e.to_string())),
    };
    let Value::Array(batch) = request else { return Json(call(jobs, request).await) };
    let mut answers = Vec::new();
    for request in batch {
        answers.push(call(jobs.clone(), request).await);
    }
    Json(Value::Array(answers))
}

async fn call(jobs: Jobs, mut request: Value) -> Value {
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let Some(method) = request.get("method").and_then(Value::as_str).map(str::to_owned) else {
        return failure(&id, -32600, "Invalid Request", "no method");
    };
    let params = request.get_mut("params").map(Value::take).unwrap_or(Value::Null);
    one(jobs, id, method, Params::Json(params)).await
}

fn failure(id: &Value, code: i64, message: &str, data: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message, "data": data } })
}

async fn one(jobs: Jobs, id: Value, method: String, params: Params) -> Value {
    let answered =
        tokio::task::spawn_blocking(move || jobs.run(move |state| answers::answer(state, &method, &params)));
    match answered.await {
        Ok(Ok(Ok(result))) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Ok(Ok(Err(e))) => failure(&id, e.code, e.message, &e.data),
        Ok(Err(e)) => failure(&id, -32603, "Internal error", &e.to_string()),
        Err(e) => failure(&id, -32603, "Internal error", &e.to_string()),
    }
}
