//! Reading a chain over CometBFT RPC and ABCI queries.

use super::{BlockInfo, ChainClient, ChainStatus, Event, TxOutcome, ValidatorInfo};
use crate::{ClientError, Retry, http::JsonRpc};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cosmrs::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use cosmrs::proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use cosmrs::proto::cosmos::staking::v1beta1::{QueryValidatorsRequest, QueryValidatorsResponse};
use cosmrs::proto::cosmwasm::wasm::v1::{QuerySmartContractStateRequest, QuerySmartContractStateResponse};
use cosmrs::proto::prost::Message;
use hex_conservative::{DisplayHex, FromHex};
use serde_json::{Value, json};
use std::time::Duration;

/// Codes of the SDK that time heals: out of gas in a query, and "sequence mismatch" of a raced transaction.
const SDK_SEQUENCE: i64 = 32;
const SDK_MEMPOOL_FULL: i64 = 20;
const SDK_TX_IN_CACHE: i64 = 19;

/// A CometBFT RPC endpoint.
pub struct Rpc {
    rpc: JsonRpc,
}

impl Rpc {
    /// Prepares to talk to `url` (`http://host:26657`); nothing is sent yet.
    pub fn new(url: &str) -> Self {
        Self { rpc: JsonRpc::new(url, None, Duration::from_secs(30)) }
    }

    /// Any method of the node.
    ///
    /// # Errors
    /// Transient when the node does not answer; else as the node says.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        self.rpc.call(method, params)
    }

    fn odd(&self, call: &str, what: &str) -> ClientError {
        ClientError::transient(self.rpc.shown(), call, format!("answer without a proper {what}"))
    }

    fn text<'v>(&self, call: &str, v: &'v Value, at: &str) -> Result<&'v str, ClientError> {
        v.pointer(at).and_then(Value::as_str).ok_or_else(|| self.odd(call, at))
    }

    fn height(&self, call: &str, v: &Value, at: &str) -> Result<u64, ClientError> {
        self.text(call, v, at)?.parse().map_err(|_| self.odd(call, at))
    }

    /// An ABCI query by gRPC path; `None` where the chain answers "not found".
    fn abci<R: Message + Default>(&self, path: &str, request: &impl Message) -> Result<R, ClientError> {
        let data = request.encode_to_vec().to_lower_hex_string();
        let v = self.rpc.call("abci_query", json!({"path": path, "data": data, "prove": false}))?;
        let answer = v.get("response").ok_or_else(|| self.odd(path, "response"))?;
        let code = answer.get("code").and_then(Value::as_i64).unwrap_or(0);
        if code != 0 {
            let log = answer.get("log").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(ClientError::new(Retry::Permanent, self.rpc.shown(), path, Some(code), log));
        }
        let value = answer.get("value").and_then(Value::as_str).unwrap_or_default();
        let bytes = STANDARD.decode(value).map_err(|_| self.odd(path, "base64 value"))?;
        R::decode(bytes.as_slice()).map_err(|e| self.odd(path, &e.to_string()))
    }

    fn outcome(&self, v: &Value) -> Result<TxOutcome, ClientError> {
        let result = v.get("tx_result").ok_or_else(|| self.odd("tx", "tx_result"))?;
        let outcome = TxOutcome {
            hash: self.text("tx", v, "/hash")?.to_owned(),
            height: self.height("tx", v, "/height")?,
            gas_used: result
                .get("gas_used")
                .and_then(Value::as_str)
                .and_then(|s| s.parse().ok())
                .unwrap_or(0),
            events: events_of(result),
        };
        match result.get("code").and_then(Value::as_i64).unwrap_or(0) {
            0 => Ok(outcome),
            code => Err(refusal(self.rpc.shown(), "tx", code, result)),
        }
    }
}

fn events_of(result: &Value) -> Vec<Event> {
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |v: &Value, key: &str| v.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    list(result, "events")
        .iter()
        .map(|e| Event {
            kind: text(e, "type"),
            attributes: list(e, "attributes").iter().map(|a| (text(a, "key"), text(a, "value"))).collect(),
        })
        .collect()
}

/// The chain's refusal of a transaction.
fn refusal(endpoint: &str, call: &str, code: i64, result: &Value) -> ClientError {
    let log = result.get("log").and_then(Value::as_str).unwrap_or("no reason given");
    let retry =
        if matches!(code, SDK_SEQUENCE | SDK_MEMPOOL_FULL) { Retry::Transient } else { Retry::Permanent };
    ClientError::new(retry, endpoint, call, Some(code), log)
}

impl ChainClient for Rpc {
    fn status(&self) -> Result<ChainStatus, ClientError> {
        let v = self.rpc.call("status", json!({}))?;
        Ok(ChainStatus {
            chain_id: self.text("status", &v, "/node_info/network")?.to_owned(),
            height: self.height("status", &v, "/sync_info/latest_block_height")?,
            catching_up: v.pointer("/sync_info/catching_up").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    fn block(&self, height: u64) -> Result<BlockInfo, ClientError> {
        let v = self.rpc.call("block", json!({"height": height.to_string()}))?;
        let hash = |at| Vec::from_hex(self.text("block", &v, at)?).map_err(|_| self.odd("block", at));
        Ok(BlockInfo {
            height: self.height("block", &v, "/block/header/height")?,
            app_hash: hash("/block/header/app_hash")?,
            hash: hash("/block_id/hash")?,
        })
    }

    fn smart_query_value(&self, contract: &str, query: &Value) -> Result<Value, ClientError> {
        let path = "/cosmwasm.wasm.v1.Query/SmartContractState";
        let request = QuerySmartContractStateRequest {
            address: contract.to_owned(),
            query_data: query.to_string().into_bytes(),
        };
        let answer: QuerySmartContractStateResponse = self.abci(path, &request)?;
        serde_json::from_slice(&answer.data).map_err(|_| self.odd(path, "JSON"))
    }

    fn balance(&self, address: &str, denom: &str) -> Result<u128, ClientError> {
        let path = "/cosmos.bank.v1beta1.Query/Balance";
        let request = QueryBalanceRequest { address: address.to_owned(), denom: denom.to_owned() };
        let answer: QueryBalanceResponse = self.abci(path, &request)?;
        match answer.balance {
            Some(coin) => coin.amount.parse().map_err(|_| self.odd(path, "amount")),
            None => Ok(0),
        }
    }

    fn account(&self, address: &str) -> Result<(u64, u64), ClientError> {
        let path = "/cosmos.auth.v1beta1.Query/Account";
        let answer: QueryAccountResponse =
            self.abci(path, &QueryAccountRequest { address: address.to_owned() })?;
        let any = answer.account.ok_or_else(|| self.odd(path, "account"))?;
        let account =
            BaseAccount::decode(any.value.as_slice()).map_err(|e| self.odd(path, &e.to_string()))?;
        Ok((account.account_number, account.sequence))
    }

    fn validators(&self) -> Result<Vec<ValidatorInfo>, ClientError> {
        let path = "/cosmos.staking.v1beta1.Query/Validators";
        let answer: QueryValidatorsResponse = self.abci(path, &QueryValidatorsRequest::default())?;
        answer
            .validators
            .into_iter()
            .map(|v| {
                let tokens = v.tokens.parse().map_err(|_| self.odd(path, "tokens"))?;
                Ok(ValidatorInfo { operator: v.operator_address, tokens, jailed: v.jailed })
            })
            .collect()
    }

    fn tx(&self, hash: &str) -> Result<Option<TxOutcome>, ClientError> {
        let bytes = Vec::from_hex(hash).map_err(|e| ClientError::permanent(self.rpc.shown(), "tx", e))?;
        match self.rpc.call("tx", json!({"hash": STANDARD.encode(bytes), "prove": false})) {
            Ok(v) => self.outcome(&v).map(Some),
            Err(e) if e.reason().contains("not found") => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn broadcast(&self, raw: &[u8]) -> Result<String, ClientError> {
        let call = "broadcast_tx_sync";
        let v = self.rpc.call(call, json!({"tx": STANDARD.encode(raw)}))?;
        match v.get("code").and_then(Value::as_i64).unwrap_or(0) {
            0 | SDK_TX_IN_CACHE => Ok(self.text(call, &v, "/hash")?.to_owned()),
            code => Err(refusal(self.rpc.shown(), call, code, &v)),
        }
    }

    fn endpoint(&self) -> &str {
        self.rpc.shown()
    }
}
