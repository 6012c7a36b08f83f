//! JSON-RPC of Bitcoin Core and of everything that speaks like it (Knots, the embedded node of `mesh-harness`).

use super::{Acceptance, BitcoinSource, ChainInfo, TxStatus, Utxo};
use crate::{ClientError, http::JsonRpc};
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Amount, Block, BlockHash, OutPoint, ScriptBuf, Transaction, TxOut, Txid, block::Header};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

const TX_ALREADY_IN_CHAIN: i64 = -27;
const NOT_FOUND: i64 = -5;
const BAD_PARAMETER: i64 = -8;

/// How to log in.
#[derive(Clone)]
pub enum Auth {
    /// The cookie file that the node writes at start (read anew for each connection made).
    Cookie(PathBuf),
    /// A fixed user and password.
    UserPass(String, Zeroizing<String>),
    /// No login.
    None,
}

/// A node's JSON-RPC.
pub struct Bitcoind {
    rpc: JsonRpc,
}

impl Bitcoind {
    /// Prepares to talk to `url`; nothing is sent yet.
    ///
    /// # Errors
    /// Transient when the cookie file cannot be read: the node may not have written it yet.
    pub fn new(url: &str, auth: &Auth) -> Result<Self, ClientError> {
        let timeout = Duration::from_secs(30);
        let rpc = match auth {
            Auth::None => JsonRpc::new(url, None, timeout),
            Auth::UserPass(user, pass) => JsonRpc::new(url, Some((user, pass)), timeout),
            Auth::Cookie(path) => {
                let cookie = read_cookie(url, path)?;
                let (user, pass) = cookie.split_once(':').ok_or_else(|| {
                    ClientError::permanent(url, "cookie", format!("{} is not user:password", path.display()))
                })?;
                JsonRpc::new(url, Some((user, pass)), timeout)
            }
        };
        Ok(Self { rpc })
    }

    /// Any other call, for test harnesses (`generatetoaddress`, `invalidateblock`, …).
    ///
    /// # Errors
    /// As the node says.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        self.rpc.call(method, params)
    }

    fn odd(&self, call: &str, what: &str) -> ClientError {
        ClientError::transient(self.rpc.shown(), call, format!("answer without a proper {what}"))
    }

    fn parse<T: core::str::FromStr>(
        &self,
        call: &str,
        v: Option<&Value>,
        what: &str,
    ) -> Result<T, ClientError> {
        v.and_then(Value::as_str).and_then(|s| s.parse().ok()).ok_or_else(|| self.odd(call, what))
    }

    fn decode<T: bitcoin::consensus::Decodable>(&self, call: &str, v: &Value) -> Result<T, ClientError> {
        v.as_str().and_then(|s| deserialize_hex(s).ok()).ok_or_else(|| self.odd(call, "hex encoding"))
    }

    fn number(&self, call: &str, v: Option<&Value>, what: &str) -> Result<u32, ClientError> {
        v.and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).ok_or_else(|| self.odd(call, what))
    }

    fn amount(&self, call: &str, v: Option<&Value>) -> Result<Amount, ClientError> {
        v.and_then(Value::as_f64)
            .and_then(|btc| Amount::from_btc(btc).ok())
            .ok_or_else(|| self.odd(call, "amount in BTC"))
    }

    fn utxo_of_scan(&self, v: &Value) -> Result<Utxo, ClientError> {
        let call = "scantxoutset";
        let script: String = self.parse(call, v.get("scriptPubKey"), "scriptPubKey")?;
        Ok(Utxo {
            outpoint: OutPoint {
                txid: self.parse(call, v.get("txid"), "txid")?,
                vout: self.number(call, v.get("vout"), "vout")?,
            },
            txout: TxOut {
                value: self.amount(call, v.get("amount"))?,
                script_pubkey: ScriptBuf::from_hex(&script).map_err(|_| self.odd(call, "scriptPubKey"))?,
            },
            height: self.number(call, v.get("height"), "height")?,
            coinbase: v.get("coinbase").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

fn read_cookie(url: &str, path: &Path) -> Result<Zeroizing<String>, ClientError> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        ClientError::transient(
            url,
            "cookie",
            format!("cannot read {} ({e}); does the node run?", path.display()),
        )
    })?;
    let text = Zeroizing::new(text);
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// Turns "not found" into `None`.
fn optional<T>(answer: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.code() == Some(NOT_FOUND) => Ok(None),
        Err(e) => Err(e),
    }
}

/// What a transaction pays to nobody.
fn burned(tx: &Transaction) -> Amount {
    tx.output.iter().filter(|o| o.script_pubkey.is_op_return()).map(|o| o.value).sum()
}

impl BitcoinSource for Bitcoind {
    fn chain_info(&self) -> Result<ChainInfo, ClientError> {
        let call = "getblockchaininfo";
        let v = self.rpc.call(call, json!([]))?;
        Ok(ChainInfo {
            chain: self.parse(call, v.get("chain"), "chain")?,
            blocks: self.number(call, v.get("blocks"), "blocks")?,
            headers: self.number(call, v.get("headers"), "headers")?,
            best: self.parse(call, v.get("bestblockhash"), "bestblockhash")?,
            initial_download: v.get("initialblockdownload").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    fn block_hash(&self, height: u32) -> Result<BlockHash, ClientError> {
        let v = self.rpc.call("getblockhash", json!([height])).map_err(|e| match e.code() {
            // A height beyond the tip is a fact of now, not for ever.
            Some(BAD_PARAMETER) => ClientError::transient(e.endpoint(), "getblockhash", e.reason()),
            _ => e,
        })?;
        self.parse("getblockhash", Some(&v), "hash")
    }

    fn header(&self, hash: BlockHash) -> Result<Header, ClientError> {
        let v = self.rpc.call("getblockheader", json!([hash.to_string(), false]))?;
        self.decode("getblockheader", &v)
    }

    fn height_of(&self, hash: BlockHash) -> Result<Option<u32>, ClientError> {
        let Some(v) = optional(self.rpc.call("getblockheader", json!([hash.to_string(), true])))? else {
            return Ok(None);
        };
        match v.get("confirmations").and_then(Value::as_i64) {
            Some(n) if n > 0 => self.number("getblockheader", v.get("height"), "height").map(Some),
            _ => Ok(None),
        }
    }

    fn block(&self, hash: BlockHash) -> Result<Block, ClientError> {
        let v = self.rpc.call("getblock", json!([hash.to_string(), 0]))?;
        self.decode("getblock", &v)
    }

    fn transaction(&self, txid: Txid) -> Result<Option<TxStatus>, ClientError> {
        let call = "getrawtransaction";
        let Some(v) = optional(self.rpc.call(call, json!([txid.to_string(), true])))? else {
            return Ok(None);
        };
        let confirmations = v.get("confirmations").and_then(Value::as_u64).unwrap_or(0);
        let block = match v.get("blockhash") {
            Some(hash) if confirmations > 0 => Some(self.parse(call, Some(hash), "blockhash")?),
            _ => None,
        };
        Ok(Some(TxStatus {
            tx: self.decode(call, v.get("hex").unwrap_or(&Value::Null))?,
            block,
            confirmations: u32::try_from(confirmations).unwrap_or(u32::MAX),
        }))
    }

    fn utxo(&self, outpoint: OutPoint) -> Result<Option<Utxo>, ClientError> {
        let call = "gettxout";
        let v = self.rpc.call(call, json!([outpoint.txid.to_string(), outpoint.vout, true]))?;
        if v.is_null() {
            return Ok(None);
        }
        let tip = self.chain_info()?.blocks;
        let confirmations = self.number(call, v.get("confirmations"), "confirmations")?;
        let script: String = self.parse(call, v.pointer("/scriptPubKey/hex"), "scriptPubKey")?;
        Ok(Some(Utxo {
            outpoint,
            txout: TxOut {
                value: self.amount(call, v.get("value"))?,
                script_pubkey: ScriptBuf::from_hex(&script).map_err(|_| self.odd(call, "scriptPubKey"))?,
            },
            height: if confirmations == 0 { 0 } else { tip.saturating_add(1).saturating_sub(confirmations) },
            coinbase: v.get("coinbase").and_then(Value::as_bool).unwrap_or(false),
        }))
    }

    fn scan(&self, scripts: &[ScriptBuf]) -> Result<Vec<Utxo>, ClientError> {
        let wanted: Vec<String> = scripts.iter().map(|s| format!("raw({})", s.to_hex_string())).collect();
        let v = self.rpc.call("scantxoutset", json!(["start", wanted]))?;
        let found =
            v.get("unspents").and_then(Value::as_array).ok_or_else(|| self.odd("scantxoutset", "list"))?;
        found.iter().map(|u| self.utxo_of_scan(u)).collect()
    }

    fn broadcast(&self, tx: &Transaction) -> Result<Txid, ClientError> {
        let txid = tx.compute_txid();
        // Core refuses to burn coins unless told how much: a slashing transaction burns on purpose. 0.1 BTC per 1 000
        // virtual bytes is Core's own bound on fees.
        let params = json!([serialize_hex(tx), 0.1, burned(tx).to_btc()]);
        match self.rpc.call("sendrawtransaction", params) {
            Ok(_) => Ok(txid),
            Err(e) if e.code() == Some(TX_ALREADY_IN_CHAIN) => Ok(txid),
            Err(e) if e.reason().contains("txn-already-in-mempool") => Ok(txid),
            Err(e) => Err(e),
        }
    }

    fn try_accept(&self, txs: &[Transaction]) -> Result<Vec<Acceptance>, ClientError> {
        let call = "testmempoolaccept";
        let raw: Vec<String> = txs.iter().map(serialize_hex).collect();
        let v = self.rpc.call(call, json!([raw]))?;
        let list = v.as_array().filter(|l| l.len() == txs.len()).ok_or_else(|| self.odd(call, "list"))?;
        Ok(list
            .iter()
            .zip(txs)
            .map(|(item, tx)| Acceptance {
                txid: tx.compute_txid(),
                reject: match item.get("allowed").and_then(Value::as_bool) {
                    Some(true) => None,
                    _ => Some(
                        item.get("reject-reason")
                            .or_else(|| item.get("package-error"))
                            .and_then(Value::as_str)
                            .unwrap_or("not checked")
                            .to_owned(),
                    ),
                },
            })
            .collect())
    }

    fn submit_package(&self, txs: &[Transaction]) -> Result<(), ClientError> {
        let call = "submitpackage";
        let raw: Vec<String> = txs.iter().map(serialize_hex).collect();
        let v = self.rpc.call(call, json!([raw]))?;
        match v.get("package_msg").and_then(Value::as_str) {
            Some("success") | None => Ok(()),
            Some(other) => Err(ClientError::permanent(self.rpc.shown(), call, other)),
        }
    }

    fn fee_rate(&self, blocks: u16) -> Result<Option<Amount>, ClientError> {
        let v = self.rpc.call("estimatesmartfee", json!([blocks]))?;
        match v.get("feerate") {
            Some(rate) => self.amount("estimatesmartfee", Some(rate)).map(Some),
            None => Ok(None),
        }
    }

    fn mempool_floor(&self) -> Result<Amount, ClientError> {
        let v = self.rpc.call("getmempoolinfo", json!([]))?;
        self.amount("getmempoolinfo", v.get("mempoolminfee"))
    }

    fn endpoint(&self) -> &str {
        self.rpc.shown()
    }
}
