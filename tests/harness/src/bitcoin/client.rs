//! A small blocking JSON-RPC client with the helpers tests need; works on the embedded node and on bitcoind alike.
//!
//! Funds come from a fixed, public miner key, so no node wallet is used. Not for programs: these have `staking-clients`.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::key::{Keypair, Secp256k1, TapTweak};
use bitcoin::secp256k1::{Message, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{
    Address, Amount, Block, BlockHash, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut,
    Txid, Witness, absolute, taproot, transaction,
};
use serde_json::{Value, json};

/// Fee of the funding transactions, in satoshi.
const FUNDING_FEE: u64 = 2_000;

/// Why a call gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RpcFailure {
    /// The node was not reached or did not answer in HTTP.
    #[error("transport: {0}")]
    Transport(String),
    /// The node refused.
    #[error("{message} (code {code})")]
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// The node's text.
        message: String,
    },
    /// The answer has not the expected form.
    #[error("{method}: unexpected answer {answer}")]
    Shape {
        /// The method called.
        method: String,
        /// The answer.
        answer: String,
    },
}

/// A client of one node.
pub struct RpcNode {
    url: String,
    authorization: String,
    agent: ureq::Agent,
    miner: Keypair,
}

impl std::fmt::Debug for RpcNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RpcNode").field("url", &self.url).finish_non_exhaustive()
    }
}

impl RpcNode {
    /// Opens a client with the credentials in a cookie file.
    ///
    /// # Errors
    /// [`RpcFailure::Transport`] when the file cannot be read.
    pub fn with_cookie(url: &str, cookie_file: &Path) -> Result<Self, RpcFailure> {
        let text = std::fs::read_to_string(cookie_file)
            .map_err(|e| RpcFailure::Transport(format!("{}: {e}", cookie_file.display())))?;
        let (user, password) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        Ok(Self::with_password(url, user, password))
    }

    /// Opens a client with a user and password.
    #[must_use]
    pub fn with_password(url: &str, user: &str, password: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(120)))
            .http_status_as_error(false)
            .build();
        Self {
            url: url.into(),
            authorization: format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
            agent: config.into(),
            miner: miner_key(),
        }
    }

    /// Calls a method; `params` is a JSON array or object.
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn call(&self, method: &str, params: &Value) -> Result<Value, RpcFailure> {
        let request = json!({ "jsonrpc": "1.0", "id": 1, "method": method, "params": params });
        let mut answer = self.post(&request)?;
        match answer.get("error") {
            Some(Value::Null) | None => Ok(answer.get_mut("result").map(Value::take).unwrap_or_default()),
            Some(error) => Err(RpcFailure::Refused {
                code: error.get("code").and_then(Value::as_i64).unwrap_or(0),
                message: error.get("message").and_then(Value::as_str).unwrap_or_default().into(),
            }),
        }
    }

    /// Posts any JSON (a batch, say) and returns the answer as it is.
    ///
    /// # Errors
    /// [`RpcFailure::Transport`].
    pub fn post(&self, request: &Value) -> Result<Value, RpcFailure> {
        let transport = |e: &dyn std::fmt::Display| RpcFailure::Transport(e.to_string());
        let mut response = self
            .agent
            .post(&self.url)
            .header("Authorization", &self.authorization)
            .header("Content-Type", "application/json")
            .send(request.to_string())
            .map_err(|e| transport(&e))?;
        let status = response.status();
        let text =
            response.body_mut().with_config().limit(64 << 20).read_to_string().map_err(|e| transport(&e))?;
        serde_json::from_str(&text).map_err(|_| RpcFailure::Transport(format!("HTTP {status}: {text}")))
    }

    /// Height of the tip.
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn height(&self) -> Result<u64, RpcFailure> {
        self.parsed("getblockcount", &json!([]))
    }

    /// Address of the fixed miner key.
    #[must_use]
    pub fn miner_address(&self) -> Address {
        Address::p2tr(&Secp256k1::new(), self.miner.x_only_public_key().0, None, Network::Regtest)
    }

    /// Mines `blocks` blocks to the miner key.
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn mine(&self, blocks: u64) -> Result<Vec<BlockHash>, RpcFailure> {
        self.mine_to(blocks, &self.miner_address())
    }

    /// Mines `blocks` blocks to an address.
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn mine_to(&self, blocks: u64, address: &Address) -> Result<Vec<BlockHash>, RpcFailure> {
        self.parsed("generatetoaddress", &json!([blocks, address.to_string()]))
    }

    /// Sends a transaction.
    ///
    /// # Errors
    /// [`RpcFailure::Refused`] with the node's reason.
    pub fn send(&self, tx: &Transaction) -> Result<Txid, RpcFailure> {
        self.parsed("sendrawtransaction", &json!([serialize_hex(tx)]))
    }

    /// Fetches a transaction from mempool or chain.
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn transaction(&self, txid: &Txid) -> Result<Transaction, RpcFailure> {
        self.decoded("getrawtransaction", &json!([txid]))
    }

    /// Fetches a block.
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn block(&self, hash: &BlockHash) -> Result<Block, RpcFailure> {
        self.decoded("getblock", &json!([hash, 0]))
    }

    /// Txids in the mempool.
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn mempool(&self) -> Result<Vec<Txid>, RpcFailure> {
        self.parsed("getrawmempool", &json!([]))
    }

    /// Sends `amount` to an address from the miner key, mining until it has mature funds; the payment is left unconfirmed.
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn fund(&self, address: &Address, amount: Amount) -> Result<OutPoint, RpcFailure> {
        self.fund_script(&address.script_pubkey(), amount)
    }

    /// Sends `amount` to a script, as [`RpcNode::fund`].
    ///
    /// # Errors
    /// [`RpcFailure`].
    pub fn fund_script(&self, script: &bitcoin::Script, amount: Amount) -> Result<OutPoint, RpcFailure> {
        let need = amount + Amount::from_sat(FUNDING_FEE);
        let mut coins = self.mature_coins()?;
        for _ in 0..8 {
            if coins.iter().map(|(_, out)| out.value).sum::<Amount>() >= need {
                break;
            }
            self.mine(101)?;
            coins = self.mature_coins()?;
        }
        let txid = self.send(&self.payment(coins, script, amount))?;
        Ok(OutPoint::new(txid, 0))
    }

    fn payment(
        &self,
        coins: Vec<(OutPoint, TxOut)>,
        script: &bitcoin::Script,
        amount: Amount,
    ) -> Transaction {
        let need = amount + Amount::from_sat(FUNDING_FEE);
        let mut total = Amount::ZERO;
        let mut chosen = Vec::new();
        for coin in coins {
            if total >= need {
                break;
            }
            total += coin.1.value;
            chosen.push(coin);
        }
        let mut output = vec![TxOut { value: amount, script_pubkey: script.to_owned() }];
        let change = total.checked_sub(need).unwrap_or(Amount::ZERO);
        if change > Amount::from_sat(330) {
            output.push(TxOut { value: change, script_pubkey: self.miner_address().script_pubkey() });
        }
        let input = chosen.iter().map(|(point, _)| unsigned(*point)).collect();
        let lock_time = absolute::LockTime::ZERO;
        let tx = Transaction { version: transaction::Version::TWO, lock_time, input, output };
        sign(tx, &chosen.into_iter().map(|(_, out)| out).collect::<Vec<_>>(), &self.miner)
    }

    /// Coins of the miner key that can be spent in the next block and are not spent in the mempool, largest first.
    fn mature_coins(&self) -> Result<Vec<(OutPoint, TxOut)>, RpcFailure> {
        let script = self.miner_address().script_pubkey();
        let scan =
            self.call("scantxoutset", &json!(["start", [format!("raw({})", script.to_hex_string())]]))?;
        let tip = self.height()?;
        let mut coins = Vec::new();
        for unspent in scan["unspents"].as_array().into_iter().flatten() {
            let height = unspent["height"].as_u64().unwrap_or(u64::MAX);
            let immature = unspent["coinbase"].as_bool().unwrap_or(true) && height + 99 > tip;
            let point: Option<OutPoint> =
                unspent["txid"].as_str().and_then(|t| format!("{t}:{}", unspent["vout"]).parse().ok());
            let value = unspent["amount"].as_f64().and_then(|btc| Amount::from_btc(btc).ok());
            if let (false, Some(point), Some(value)) = (immature, point, value) {
                coins.push((point, TxOut { value, script_pubkey: script.clone() }));
            }
        }
        let spent = self.spent_in_mempool()?;
        coins.retain(|(point, _)| !spent.contains(point));
        coins.sort_by_key(|(point, out)| (std::cmp::Reverse(out.value), *point));
        Ok(coins)
    }

    fn spent_in_mempool(&self) -> Result<Vec<OutPoint>, RpcFailure> {
        let mut spent = Vec::new();
        for txid in self.mempool()? {
            spent.extend(self.transaction(&txid)?.input.iter().map(|i| i.previous_output));
        }
        Ok(spent)
    }

    fn parsed<T: serde::de::DeserializeOwned>(&self, method: &str, params: &Value) -> Result<T, RpcFailure> {
        let answer = self.call(method, params)?;
        serde_json::from_value(answer.clone()).map_err(|_| shape(method, &answer))
    }

    fn decoded<T: bitcoin::consensus::Decodable>(
        &self,
        method: &str,
        params: &Value,
    ) -> Result<T, RpcFailure> {
        let answer = self.call(method, params)?;
        answer.as_str().and_then(|hex| deserialize_hex(hex).ok()).ok_or_else(|| shape(method, &answer))
    }
}

/// Signs every input of `tx` as a taproot key spend of `pair`'s BIP-86 output.
fn sign(mut tx: Transaction, prev_outs: &[TxOut], pair: &Keypair) -> Transaction {
    let secp = Secp256k1::new();
    let tweaked = pair.tap_tweak(&secp, None).to_keypair();
    let mut witnesses = Vec::new();
    let mut cache = SighashCache::new(&tx);
    for index in 0..prev_outs.len() {
        let hash = cache
            .taproot_key_spend_signature_hash(index, &Prevouts::All(prev_outs), TapSighashType::Default)
            .expect("one spent output per input is given");
        let signature = secp.sign_schnorr_no_aux_rand(&Message::from_digest(hash.to_byte_array()), &tweaked);
        let signature = taproot::Signature { signature, sighash_type: TapSighashType::Default };
        witnesses.push(Witness::p2tr_key_spend(&signature));
    }
    for (input, witness) in tx.input.iter_mut().zip(witnesses) {
        input.witness = witness;
    }
    tx
}

fn unsigned(previous_output: OutPoint) -> TxIn {
    TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    }
}

fn miner_key() -> Keypair {
    let secret = sha256::Hash::hash(b"mesh-btc harness miner").to_byte_array();
    let secret = SecretKey::from_slice(&secret).expect("this fixed hash is a valid key");
    Keypair::from_secret_key(&Secp256k1::new(), &secret)
}

fn shape(method: &str, answer: &Value) -> RpcFailure {
    RpcFailure::Shape { method: method.into(), answer: answer.to_string() }
}
