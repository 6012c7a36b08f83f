//! JSON-RPC 2.0 over HTTP with bounds: time, body size, and no credentials in messages.

use crate::error::{ClientError, Retry};
use base64::Engine as _;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest answer read, in bytes. A block is at most 8 MB of hex plus framing.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// A JSON-RPC endpoint.
pub(crate) struct JsonRpc {
    agent: ureq::Agent,
    url: String,
    shown: String,
    auth: Option<Zeroizing<String>>,
    next_id: AtomicU64,
}

impl JsonRpc {
    pub(crate) fn new(url: &str, auth: Option<(&str, &str)>, timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        let auth = auth.map(|(user, pass)| {
            let pair = Zeroizing::new(format!("{user}:{pass}"));
            Zeroizing::new(format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(pair.as_bytes())
            ))
        });
        Self {
            agent: config.into(),
            url: url.to_owned(),
            shown: without_credentials(url),
            auth,
            next_id: AtomicU64::new(1),
        }
    }

    /// The address without credentials, for messages.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Calls `method` and returns its `result`.
    pub(crate) fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(auth) = &self.auth {
            request = request.header("authorization", auth.as_str());
        }
        let mut response = request.send(body).map_err(|e| ClientError::transient(&self.shown, method, e))?;
        let status = response.status();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(MAX_BODY)
            .read_to_vec()
            .map_err(|e| ClientError::transient(&self.shown, method, e))?;
        self.result(method, status.as_u16(), &bytes)
    }

    fn result(&self, method: &str, status: u16, bytes: &[u8]) -> Result<Value, ClientError> {
        if status == 401 || status == 403 {
            return Err(ClientError::permanent(
                &self.shown,
                method,
                "refused: wrong user, password or cookie",
            ));
        }
        let mut answer: Value = serde_json::from_slice(bytes).map_err(|e| {
            ClientError::transient(&self.shown, method, format!("HTTP {status}, answer is not JSON: {e}"))
        })?;
        if let Some(error) = answer.get("error").filter(|e| !e.is_null()) {
            return Err(self.rpc_error(method, error));
        }
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => {
                Err(ClientError::transient(&self.shown, method, format!("HTTP {status} without a result")))
            }
        }
    }

    fn rpc_error(&self, method: &str, error: &Value) -> ClientError {
        let code = error.get("code").and_then(Value::as_i64);
        let message = error.get("message").and_then(Value::as_str).unwrap_or("error without a message");
        let data = error.get("data").and_then(Value::as_str).unwrap_or_default();
        let reason = if data.is_empty() { message.to_owned() } else { format!("{message}: {data}") };
        // -28 warming up, -9/-10 not connected / initial download, -32603 internal error of a CometBFT node.
        let retry = match code {
            Some(-28 | -9 | -10 | -32603) | None => Retry::Transient,
            Some(_) => Retry::Permanent,
        };
        ClientError::new(retry, &self.shown, method, code, reason)
    }
}

/// Cuts `user:password@` out of a URL.
pub(crate) fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => match rest.split_once('/') {
            Some((authority, path)) => format!("{scheme}://{}/{path}", host_of(authority)),
            None => format!("{scheme}://{}", host_of(rest)),
        },
        None => url.to_owned(),
    }
}

fn host_of(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_reach_a_message() {
        assert_eq!(
            without_credentials("http://u:p@127.0.0.1:8332/wallet/a"),
            "http://127.0.0.1:8332/wallet/a"
        );
        assert_eq!(without_credentials("http://u:p@127.0.0.1:8332"), "http://127.0.0.1:8332");
        assert_eq!(without_credentials("http://127.0.0.1:1/"), "http://127.0.0.1:1/");
    }

    #[test]
    fn a_refused_connection_is_transient() {
        let rpc = JsonRpc::new("http://127.0.0.1:1", None, Duration::from_secs(2));
        assert!(rpc.call("getblockcount", json!([])).is_err_and(|e| e.is_transient()));
    }
}
