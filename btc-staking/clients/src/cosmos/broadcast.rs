//! Signing and sending: one writer per account, the outcome read back from the chain.

use super::{ChainClient, ChainKey, TxOutcome};
use crate::ClientError;
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use cosmrs::tx::{Body, Fee, SignDoc, SignerInfo};
use cosmrs::{Any, Coin, Denom};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Transactions signed for one sequence number at most this many times before the caller hears of it.
const SEQUENCE_TRIES: u32 = 5;
/// How often the chain is asked whether a transaction is in a block.
const POLL: Duration = Duration::from_millis(50);
/// How long a transaction may take to enter a block.
const INCLUSION: Duration = Duration::from_secs(60);

/// A price of gas: `amount / 1 000` base units of `denom` for each unit of gas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GasPrice {
    /// Fee denomination.
    pub denom: String,
    /// Thousandths of a base unit per unit of gas.
    pub milli: u64,
}

/// A message to be signed by the writer's account.
#[derive(Debug, Clone)]
pub struct Msg(Any);

fn coins(funds: &[(u128, &str)]) -> Vec<cosmrs::proto::cosmos::base::v1beta1::Coin> {
    funds.iter().map(|(amount, denom)| coin(*amount, denom)).collect()
}

/// A protobuf coin.
pub fn coin(amount: u128, denom: &str) -> cosmrs::proto::cosmos::base::v1beta1::Coin {
    cosmrs::proto::cosmos::base::v1beta1::Coin { denom: denom.to_owned(), amount: amount.to_string() }
}

fn any<M: cosmrs::proto::traits::Name>(msg: &M) -> Msg {
    Msg(Any { type_url: M::type_url(), value: msg.encode_to_vec() })
}

/// Writes to a chain with one account.
pub struct Writer<'c> {
    chain: &'c dyn ChainClient,
    key: ChainKey,
    chain_id: String,
    price: GasPrice,
    gas: u64,
}

impl<'c> Writer<'c> {
    /// Prepares to write with `key`; `gas` is the limit of each message.
    ///
    /// # Errors
    /// When the chain does not tell its id.
    pub fn new(
        chain: &'c dyn ChainClient,
        key: ChainKey,
        price: GasPrice,
        gas: u64,
    ) -> Result<Self, ClientError> {
        let chain_id = chain.status()?.chain_id;
        Ok(Self { chain, key, chain_id, price, gas })
    }

    /// The account's address.
    pub fn address(&self) -> String {
        self.key.address()
    }

    /// The chain written to.
    pub fn chain(&self) -> &'c dyn ChainClient {
        self.chain
    }

    /// Calls a contract.
    ///
    /// # Errors
    /// Permanent with the contract's own text when it refuses.
    pub fn execute<M: Serialize>(
        &self,
        contract: &str,
        msg: &M,
        funds: &[(u128, &str)],
    ) -> Result<TxOutcome, ClientError> {
        self.send(vec![self.execute_msg(contract, msg, funds)?])
    }

    /// The message of [`Self::execute`], to be sent with others in one transaction.
    ///
    /// # Errors
    /// Permanent when `msg` cannot be written as JSON.
    pub fn execute_msg<M: Serialize>(
        &self,
        contract: &str,
        msg: &M,
        funds: &[(u128, &str)],
    ) -> Result<Msg, ClientError> {
        Ok(any(&wasm::MsgExecuteContract {
            sender: self.address(),
            contract: contract.to_owned(),
            msg: self.json(msg)?,
            funds: coins(funds),
        }))
    }

    /// Stores code and returns its id.
    ///
    /// # Errors
    /// As the chain says.
    pub fn store_code(&self, bytes: Vec<u8>) -> Result<u64, ClientError> {
        let outcome = self.send(vec![any(&wasm::MsgStoreCode {
            sender: self.address(),
            wasm_byte_code: bytes,
            instantiate_permission: None,
        })])?;
        self.read(&outcome, "store_code", "code_id")?
            .parse()
            .map_err(|e| ClientError::permanent(self.chain.endpoint(), "store_code", e))
    }

    /// Instantiates a contract and returns its address. The writer becomes its admin.
    ///
    /// # Errors
    /// As the chain or the contract says.
    pub fn instantiate<M: Serialize>(
        &self,
        code_id: u64,
        label: &str,
        msg: &M,
        funds: &[(u128, &str)],
    ) -> Result<String, ClientError> {
        let outcome = self.send(vec![any(&wasm::MsgInstantiateContract {
            sender: self.address(),
            admin: self.address(),
            code_id,
            label: label.to_owned(),
            msg: self.json(msg)?,
            funds: coins(funds),
        })])?;
        self.read(&outcome, "instantiate", "_contract_address").map(str::to_owned)
    }

    /// Sends coins.
    ///
    /// # Errors
    /// As the chain says.
    pub fn transfer(&self, to: &str, amount: u128, denom: &str) -> Result<TxOutcome, ClientError> {
        self.send(vec![any(&cosmrs::proto::cosmos::bank::v1beta1::MsgSend {
            from_address: self.address(),
            to_address: to.to_owned(),
            amount: coins(&[(amount, denom)]),
        })])
    }

    /// Signs and sends messages in one transaction and waits for its block.
    ///
    /// The hash is known before sending, so an answer lost on the way is looked up and never sent twice.
    ///
    /// # Errors
    /// Permanent with the chain's reason when refused; transient when no block held it in time.
    pub fn send(&self, msgs: Vec<Msg>) -> Result<TxOutcome, ClientError> {
        let mut tries = 0;
        loop {
            let (number, sequence) = self.chain.account(&self.address())?;
            let raw = self.sign(&msgs, number, sequence)?;
            match self.chain.broadcast(&raw) {
                Ok(hash) => return self.wait(&hash),
                // Another transaction of this account is on its way into a block.
                Err(e) if e.is_transient() && e.code().is_some() && tries < SEQUENCE_TRIES => {
                    tries += 1;
                    std::thread::sleep(POLL);
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn wait(&self, hash: &str) -> Result<TxOutcome, ClientError> {
        let begin = Instant::now();
        loop {
            if let Some(outcome) = self.chain.tx(hash)? {
                return Ok(outcome);
            }
            if begin.elapsed() > INCLUSION {
                let reason = format!("transaction {hash} is in no block after {} s", INCLUSION.as_secs());
                return Err(ClientError::transient(self.chain.endpoint(), "tx", reason));
            }
            std::thread::sleep(POLL);
        }
    }

    fn sign(&self, msgs: &[Msg], number: u64, sequence: u64) -> Result<Vec<u8>, ClientError> {
        let permanent = |e: cosmrs::ErrorReport| ClientError::permanent(self.chain.endpoint(), "sign", e);
        let gas = self.gas.saturating_mul(msgs.len() as u64);
        let fee = u128::from(gas).saturating_mul(u128::from(self.price.milli)).div_ceil(1000);
        let fee = Fee { amount: self.fee_coins(fee)?, gas_limit: gas, payer: None, granter: None };
        let body = Body::new(msgs.iter().map(|m| m.0.clone()).collect::<Vec<_>>(), "", 0u32);
        let auth = SignerInfo::single_direct(Some(self.key.public_key()), sequence).auth_info(fee);
        let chain_id = self
            .chain_id
            .parse()
            .map_err(|e| ClientError::permanent(self.chain.endpoint(), "chain id", e))?;
        let doc = SignDoc::new(&body, &auth, &chain_id, number).map_err(permanent)?;
        doc.sign(self.key.signing_key()).and_then(|raw| raw.to_bytes()).map_err(permanent)
    }

    /// The SDK refuses coins of zero: no fee is an empty list.
    fn fee_coins(&self, amount: u128) -> Result<Vec<Coin>, ClientError> {
        let denom: Denom =
            self.price.denom.parse().map_err(|e| ClientError::permanent(self.chain.endpoint(), "fee", e))?;
        Ok(if amount == 0 { Vec::new() } else { vec![Coin { denom, amount }] })
    }

    fn json<M: Serialize>(&self, msg: &M) -> Result<Vec<u8>, ClientError> {
        serde_json::to_vec(msg).map_err(|e| ClientError::permanent(self.chain.endpoint(), "message", e))
    }

    fn read<'o>(&self, outcome: &'o TxOutcome, kind: &str, key: &str) -> Result<&'o str, ClientError> {
        outcome.attribute(kind, key).ok_or_else(|| {
            ClientError::permanent(self.chain.endpoint(), kind, format!("no {key} in {}", outcome.hash))
        })
    }
}
