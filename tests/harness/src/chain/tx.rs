//! Signed Cosmos transactions: decoded, verified and charged as the SDK's ante handlers do, then run.
//!
//! One signer per transaction, SIGN_MODE_DIRECT, secp256k1. Gas is nominal and never runs out.

use super::account::address_of;
use super::api::{from_bech32, to_bech32};
use super::block::{TxRecord, TxResult};
use super::error::TxError;
use super::msg;
use super::state::{Account, ChainState, account, open_accounts, save_account};
use super::storage::{Delta, Overlay};
use bitcoin_hashes::{Hash as _, sha256};
use cosmrs::Any;
use cosmrs::proto::cosmos::base::abci::v1beta1::TxMsgData;
use cosmrs::proto::cosmos::crypto::secp256k1::PubKey;
use cosmrs::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, SignDoc, SignerInfo, TxBody, TxRaw, mode_info};
use cosmrs::proto::prost::Message;
use cosmwasm_std::{Addr, BankMsg, Coin, CosmosMsg, Event, Uint256};
use cw_multi_test::CosmosRouter;
use k256::ecdsa::signature::Verifier;
use k256::ecdsa::{Signature, VerifyingKey};

/// Longest memo, in bytes.
const MAX_MEMO: usize = 256;
/// SIGN_MODE_DIRECT.
const DIRECT: i32 = 1;
/// Nominal gas of a transaction before its messages.
const BASE_GAS: u64 = 65_000;
/// Gas per byte of a transaction.
const BYTE_GAS: u64 = 10;
/// Code of a transaction that is already known.
pub(crate) const IN_CACHE: u32 = 19;

/// How strictly a transaction is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Everything must hold.
    Full,
    /// The signature may be empty.
    Simulate,
}

/// A transaction with its parts decoded.
struct Parts {
    raw: TxRaw,
    body: TxBody,
    fee: Fee,
    signer_info: SignerInfo,
    signer: String,
}

/// Writes a transaction nobody signed, for the record.
pub(crate) fn unsigned(type_url: &str, note: &serde_json::Value, height: u64) -> Vec<u8> {
    let any = Any { type_url: type_url.to_owned(), value: note.to_string().into_bytes() };
    let body = TxBody { messages: vec![any], memo: format!("height {height}"), ..TxBody::default() };
    let auth = AuthInfo { fee: Some(Fee::default()), ..AuthInfo::default() };
    TxRaw { body_bytes: body.encode_to_vec(), auth_info_bytes: auth.encode_to_vec(), signatures: vec![] }
        .encode_to_vec()
}

fn parse(bytes: &[u8]) -> Result<Parts, TxError> {
    let odd = |what: String| TxError::sdk(2, format!("{what}: tx parse error"));
    let raw = TxRaw::decode(bytes).map_err(|e| odd(e.to_string()))?;
    let body = TxBody::decode(raw.body_bytes.as_slice()).map_err(|e| odd(e.to_string()))?;
    let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(|e| odd(e.to_string()))?;
    let signer = signer_of(&body.messages)?;
    let fee = auth.fee.ok_or_else(|| odd("no fee".to_owned()))?;
    let [signer_info] = <[SignerInfo; 1]>::try_from(auth.signer_infos).map_err(|v| {
        TxError::sdk(4, format!("{} signers, exactly one is supported: unauthorized", v.len()))
    })?;
    Ok(Parts { raw, body, fee, signer_info, signer })
}

fn signer_of(messages: &[Any]) -> Result<String, TxError> {
    let mut signers = messages.iter().map(msg::signer);
    let first = signers
        .next()
        .ok_or_else(|| TxError::sdk(18, "must contain at least one message: invalid request"))??;
    for other in signers {
        if other? != first {
            return Err(TxError::sdk(4, "messages of several signers: unauthorized"));
        }
    }
    Ok(first)
}

/// Coins of the protobuf, refused unless proper.
pub(crate) fn coins(list: &[cosmrs::proto::cosmos::base::v1beta1::Coin]) -> Result<Vec<Coin>, TxError> {
    let coin = |c: &cosmrs::proto::cosmos::base::v1beta1::Coin| {
        let amount: Uint256 = c
            .amount
            .parse()
            .map_err(|_| TxError::sdk(10, format!("{}{}: invalid coins", c.amount, c.denom)))?;
        Ok(Coin { denom: c.denom.clone(), amount })
    };
    list.iter().map(coin).collect()
}

impl Parts {
    fn check_shape(&self, state: &ChainState) -> Result<(), TxError> {
        if self.body.memo.len() > MAX_MEMO {
            return Err(TxError::sdk(
                12,
                format!("maximum number of characters is {MAX_MEMO}: memo too large"),
            ));
        }
        let height = state.app.block_info().height;
        if self.body.timeout_height != 0 && height > self.body.timeout_height {
            let text = format!(
                "block height: {height}, timeout height: {}: tx timeout height",
                self.body.timeout_height
            );
            return Err(TxError::sdk(30, text));
        }
        let direct = self.signer_info.mode_info.as_ref().and_then(|m| m.sum.as_ref());
        match direct {
            Some(mode_info::Sum::Single(single)) if single.mode == DIRECT => Ok(()),
            _ => Err(TxError::sdk(4, "only SIGN_MODE_DIRECT is supported: unauthorized")),
        }
    }

    fn check_fee(&self, state: &ChainState) -> Result<(), TxError> {
        let needed = u128::from(self.fee.gas_limit)
            .saturating_mul(u128::from(state.config.min_gas_price_milli))
            .div_ceil(1000);
        let denom = &state.config.denom;
        let given = coins(&self.fee.amount)?;
        let paid = given.iter().find(|c| &c.denom == denom).map_or(Uint256::zero(), |c| c.amount);
        if paid < Uint256::from(needed) {
            let text =
                format!("insufficient fees; got: {paid}{denom} required: {needed}{denom}: insufficient fee");
            return Err(TxError::sdk(13, text));
        }
        Ok(())
    }

    fn account(&self, state: &ChainState) -> Result<Account, TxError> {
        from_bech32(&state.config.prefix, &self.signer)
            .map_err(|e| TxError::sdk(7, format!("{e}: invalid address")))?;
        let found = account(state.app.storage(), &self.signer).map_err(|e| TxError::sdk(1, e.to_string()))?;
        found.ok_or_else(|| {
            TxError::sdk(9, format!("account {} does not exist: unknown address", self.signer))
        })
    }

    fn check_signature(&self, state: &ChainState, number: u64, mode: Mode) -> Result<(), TxError> {
        if mode == Mode::Simulate {
            return Ok(());
        }
        let any = self
            .signer_info
            .public_key
            .as_ref()
            .ok_or_else(|| TxError::sdk(8, "no public key: invalid pubkey"))?;
        if any.type_url != "/cosmos.crypto.secp256k1.PubKey" {
            return Err(TxError::sdk(8, format!("public key of type {}: invalid pubkey", any.type_url)));
        }
        let key = PubKey::decode(any.value.as_slice()).map_err(|e| TxError::sdk(8, e.to_string()))?.key;
        let owner = to_bech32(&state.config.prefix, &address_of(&key)).unwrap_or_default();
        if owner != self.signer {
            let text = format!(
                "pubKey does not match signer address {} with signer index: 0: invalid pubkey",
                self.signer
            );
            return Err(TxError::sdk(8, text));
        }
        if self.signed_by(&key, &state.config.chain_id, number) {
            return Ok(());
        }
        Err(TxError::sdk(
            4,
            format!(
                "signature verification failed; please verify account number ({number}), sequence ({}) and chain-id ({}): (unable to verify single signer signature): unauthorized",
                self.signer_info.sequence, state.config.chain_id
            ),
        ))
    }

    fn signed_by(&self, key: &[u8], chain_id: &str, account_number: u64) -> bool {
        let doc = SignDoc {
            body_bytes: self.raw.body_bytes.clone(),
            auth_info_bytes: self.raw.auth_info_bytes.clone(),
            chain_id: chain_id.to_owned(),
            account_number,
        };
        let signature = self.raw.signatures.first().and_then(|s| Signature::from_slice(s).ok());
        let (Some(signature), Ok(key)) = (signature, VerifyingKey::from_sec1_bytes(key)) else {
            return false;
        };
        // The SDK takes low s only, so that nobody can change a transaction's hash.
        signature.normalize_s().is_none() && key.verify(&doc.encode_to_vec(), &signature).is_ok()
    }
}

/// Everything the SDK checks before a transaction runs.
fn ante(state: &ChainState, bytes: &[u8], mode: Mode) -> Result<(Parts, Account), TxError> {
    let parts = parse(bytes)?;
    parts.check_shape(state)?;
    if mode == Mode::Full {
        parts.check_fee(state)?;
    }
    let account = parts.account(state)?;
    let sequence = parts.signer_info.sequence;
    if sequence != account.sequence {
        let text = format!(
            "account sequence mismatch, expected {}, got {sequence}: incorrect account sequence",
            account.sequence
        );
        return Err(TxError::sdk(32, text));
    }
    parts.check_signature(state, account.number, mode)?;
    funds_for(state, &parts.signer, &coins(&parts.fee.amount)?)?;
    Ok((parts, account))
}

/// Refuses when `address` cannot pay `amount`.
fn funds_for(state: &ChainState, address: &str, amount: &[Coin]) -> Result<(), TxError> {
    for coin in amount {
        let has = balance(state, address, &coin.denom);
        if has < coin.amount {
            let text = format!(
                "spendable balance {has}{d} is smaller than {}{d}: insufficient funds",
                coin.amount,
                d = coin.denom
            );
            return Err(TxError::sdk(5, text));
        }
    }
    Ok(())
}

/// The balance of an address in committed state.
pub(crate) fn balance(state: &ChainState, address: &str, denom: &str) -> Uint256 {
    state.app.wrap().query_balance(address, denom).map(|c| c.amount).unwrap_or_default()
}

/// What a transaction's messages did.
struct Ran {
    events: Vec<Event>,
    responses: Vec<Any>,
}

impl ChainState {
    /// Checks a transaction and, when it passes, makes a block of it.
    ///
    /// # Errors
    /// The refusal of the check; a failure of the messages is in the block.
    pub(crate) fn broadcast(&mut self, bytes: Vec<u8>) -> Result<TxResult, TxError> {
        let hash = sha256::Hash::hash(&bytes).to_byte_array();
        if self.index.contains_key(&hash) {
            return Err(TxError::sdk(IN_CACHE, "tx already exists in cache"));
        }
        ante(self, &bytes, Mode::Full)?;
        self.begin_block();
        let result = self.deliver(&bytes);
        self.end_block(vec![TxRecord::new(bytes, result.clone())])?;
        Ok(result)
    }

    fn deliver(&mut self, bytes: &[u8]) -> TxResult {
        self.ledger.clear();
        let (parts, events) = match self.charge(bytes) {
            Ok(done) => done,
            Err(e) => return TxResult::refused(&e, 0, 0, vec![]),
        };
        let outcome = self.run(&parts, Mode::Full);
        let gas_used = self.gas(bytes);
        match outcome {
            Ok((ran, delta)) => {
                self.app.storage_mut().apply(delta);
                let data = TxMsgData { msg_responses: ran.responses, ..TxMsgData::default() }.encode_to_vec();
                let events = [events, ran.events].concat();
                TxResult { data, gas_wanted: parts.fee.gas_limit, gas_used, events, ..TxResult::default() }
            }
            Err(e) => TxResult::refused(&e, parts.fee.gas_limit, gas_used, events),
        }
    }

    fn gas(&self, bytes: &[u8]) -> u64 {
        BASE_GAS + BYTE_GAS.saturating_mul(bytes.len() as u64) + self.ledger.gas()
    }

    /// Takes the fee and the sequence; they stay taken when the messages fail.
    fn charge(&mut self, bytes: &[u8]) -> Result<(Parts, Vec<Event>), TxError> {
        let (parts, mut account) = ante(self, bytes, Mode::Full)?;
        let fee = coins(&parts.fee.amount)?;
        let mut text = fee.iter().map(|c| format!("{}{}", c.amount, c.denom)).collect::<Vec<_>>().join(",");
        let collector =
            self.api.module_address("fee_collector").map_err(|e| TxError::sdk(1, e.to_string()))?;
        let amount: Vec<Coin> = fee.into_iter().filter(|c| !c.amount.is_zero()).collect();
        let (paid, delta) = self.stage(Delta::new(), |s| {
            account.sequence += 1;
            save_account(s.storage, &parts.signer, &account)?;
            if amount.is_empty() {
                return Ok(());
            }
            let send = CosmosMsg::Bank(BankMsg::Send { to_address: collector.into_string(), amount });
            s.router.execute(s.api, s.storage, s.block, Addr::unchecked(&parts.signer), send).map(|_| ())
        });
        paid.map_err(|e| self.explain(&e))?;
        self.app.storage_mut().apply(delta);
        let sequence = format!("{}/{}", parts.signer, parts.signer_info.sequence);
        let events = vec![
            Event::new("tx")
                .add_attribute("fee", std::mem::take(&mut text))
                .add_attribute("fee_payer", &parts.signer),
            Event::new("tx").add_attribute("acc_seq", sequence),
        ];
        Ok((parts, events))
    }

    fn run(&mut self, parts: &Parts, mode: Mode) -> Result<(Ran, Delta), TxError> {
        let mut ran = Ran { events: Vec::new(), responses: Vec::new() };
        let mut delta = Delta::new();
        for (i, any) in parts.body.messages.iter().enumerate() {
            let failed = |e: TxError| TxError {
                log: format!("failed to execute message; message index: {i}: {}", e.log),
                ..e
            };
            let (done, next) = msg::run(self, delta, any, mode == Mode::Simulate).map_err(failed)?;
            delta = next;
            let action = Event::new("message")
                .add_attribute("action", &any.type_url)
                .add_attribute("sender", &parts.signer);
            let events = std::iter::once(action).chain(done.events);
            ran.events.extend(events.map(|e| e.add_attribute("msg_index", i.to_string())));
            ran.responses.push(done.response);
        }
        let mut overlay = Overlay::resume(self.app.storage(), delta);
        open_accounts(&mut overlay, &ran.events).map_err(|e| TxError::sdk(1, e.to_string()))?;
        let delta = overlay.into_delta();
        Ok((ran, delta))
    }

    /// Runs a transaction and forgets it: gas and events as they would be.
    ///
    /// # Errors
    /// As the transaction would fail.
    pub(crate) fn simulate(&mut self, bytes: &[u8]) -> Result<TxResult, TxError> {
        self.ledger.clear();
        let (parts, _) = ante(self, bytes, Mode::Simulate)?;
        let (ran, _) = self.run(&parts, Mode::Simulate)?;
        let data = TxMsgData { msg_responses: ran.responses, ..TxMsgData::default() }.encode_to_vec();
        Ok(TxResult { data, gas_used: self.gas(bytes), events: ran.events, ..TxResult::default() })
    }
}
