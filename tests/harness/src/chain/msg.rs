//! The messages a chain takes in transactions, and the SDK's answers to them.

use super::custom::ChainMsg;
use super::error::TxError;
use super::state::ChainState;
use super::storage::{Delta, Overlay};
use super::tx::coins;
use cosmrs::Any;
use cosmrs::proto::cosmos::bank::v1beta1::{MsgSend, MsgSendResponse};
use cosmrs::proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use cosmrs::proto::cosmos::distribution::v1beta1 as distribution;
use cosmrs::proto::cosmos::staking::v1beta1 as staking;
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use cosmrs::proto::prost::{Message, Name};
use cosmwasm_std::{
    Addr, Api, BankMsg, Coin, CosmosMsg, DistributionMsg, Event, QueryRequest, StakingMsg, Storage, WasmMsg,
};
use cw_multi_test::CosmosRouter;

/// What a message did.
pub(crate) struct Done {
    pub(crate) events: Vec<Event>,
    pub(crate) response: Any,
}

/// A decoded message.
enum Known {
    Store { sender: String, bytes: Vec<u8> },
    Routed { sender: String, msg: Box<CosmosMsg<ChainMsg>>, funds: Vec<Coin>, kind: Kind },
}

/// What is answered to a routed message, and how x/wasm numbers its failure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain(&'static str),
    Instantiate(&'static str),
    Execute(&'static str),
    Migrate(&'static str),
}

impl Kind {
    fn response_url(self) -> &'static str {
        match self {
            Self::Plain(url) | Self::Instantiate(url) | Self::Execute(url) | Self::Migrate(url) => url,
        }
    }

    /// Code and words of x/wasm for a contract's refusal.
    fn failure(self) -> (u32, &'static str) {
        match self {
            Self::Instantiate(_) => (4, "instantiate wasm contract failed"),
            Self::Migrate(_) => (11, "migrate wasm contract failed"),
            Self::Plain(_) | Self::Execute(_) => (5, "execute wasm contract failed"),
        }
    }
}

/// Who must sign a message.
///
/// # Errors
/// When the message is of no known type or does not decode.
pub(crate) fn signer(any: &Any) -> Result<String, TxError> {
    Ok(match decode(any)? {
        Known::Store { sender, .. } | Known::Routed { sender, .. } => sender,
    })
}

fn read<M: Message + Default>(any: &Any) -> Result<M, TxError> {
    M::decode(any.value.as_slice())
        .map_err(|e| TxError::sdk(2, format!("{}: {e}: tx parse error", any.type_url)))
}

fn one(coin: Option<ProtoCoin>) -> Result<Coin, TxError> {
    let mut list = coins(coin.as_slice())?;
    list.pop().ok_or_else(|| TxError::sdk(10, "no amount: invalid coins"))
}

fn routed(sender: String, msg: impl Into<CosmosMsg<ChainMsg>>, funds: Vec<Coin>, kind: Kind) -> Known {
    Known::Routed { sender, msg: Box::new(msg.into()), funds, kind }
}

fn admin(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn decode(any: &Any) -> Result<Known, TxError> {
    let url = any.type_url.as_str();
    if url.starts_with("/cosmwasm.wasm.v1.") {
        return decode_wasm(any);
    }
    match url {
        "/cosmos.bank.v1beta1.MsgSend" => {
            let m: MsgSend = read(any)?;
            let amount = coins(&m.amount)?;
            let send = BankMsg::Send { to_address: m.to_address, amount: amount.clone() };
            Ok(routed(m.from_address, send, amount, Kind::Plain("/cosmos.bank.v1beta1.MsgSendResponse")))
        }
        "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward" => {
            let m: distribution::MsgWithdrawDelegatorReward = read(any)?;
            let msg = DistributionMsg::WithdrawDelegatorReward { validator: m.validator_address };
            let kind = Kind::Plain("/cosmos.distribution.v1beta1.MsgWithdrawDelegatorRewardResponse");
            Ok(routed(m.delegator_address, msg, vec![], kind))
        }
        _ => decode_staking(any),
    }
}

fn decode_staking(any: &Any) -> Result<Known, TxError> {
    match any.type_url.as_str() {
        "/cosmos.staking.v1beta1.MsgDelegate" => {
            let m: staking::MsgDelegate = read(any)?;
            let amount = one(m.amount)?;
            let msg = StakingMsg::Delegate { validator: m.validator_address, amount: amount.clone() };
            let kind = Kind::Plain("/cosmos.staking.v1beta1.MsgDelegateResponse");
            Ok(routed(m.delegator_address, msg, vec![amount], kind))
        }
        "/cosmos.staking.v1beta1.MsgUndelegate" => {
            let m: staking::MsgUndelegate = read(any)?;
            let msg = StakingMsg::Undelegate { validator: m.validator_address, amount: one(m.amount)? };
            let kind = Kind::Plain("/cosmos.staking.v1beta1.MsgUndelegateResponse");
            Ok(routed(m.delegator_address, msg, vec![], kind))
        }
        "/cosmos.staking.v1beta1.MsgBeginRedelegate" => {
            let m: staking::MsgBeginRedelegate = read(any)?;
            let msg = StakingMsg::Redelegate {
                src_validator: m.validator_src_address,
                dst_validator: m.validator_dst_address,
                amount: one(m.amount)?,
            };
            let kind = Kind::Plain("/cosmos.staking.v1beta1.MsgBeginRedelegateResponse");
            Ok(routed(m.delegator_address, msg, vec![], kind))
        }
        other => Err(TxError::sdk(2, format!("unable to resolve type URL {other}: tx parse error"))),
    }
}

fn decode_wasm(any: &Any) -> Result<Known, TxError> {
    match any.type_url.strip_prefix("/cosmwasm.wasm.v1.").unwrap_or_default() {
        "MsgStoreCode" => {
            let m: wasm::MsgStoreCode = read(any)?;
            Ok(Known::Store { sender: m.sender, bytes: m.wasm_byte_code })
        }
        "MsgInstantiateContract" => {
            let m: wasm::MsgInstantiateContract = read(any)?;
            let funds = coins(&m.funds)?;
            let (admin, label) = (admin(m.admin), m.label);
            let msg = WasmMsg::Instantiate {
                admin,
                code_id: m.code_id,
                msg: m.msg.into(),
                funds: funds.clone(),
                label,
            };
            Ok(routed(
                m.sender,
                msg,
                funds,
                Kind::Instantiate("/cosmwasm.wasm.v1.MsgInstantiateContractResponse"),
            ))
        }
        "MsgInstantiateContract2" => {
            let m: wasm::MsgInstantiateContract2 = read(any)?;
            let funds = coins(&m.funds)?;
            let msg = WasmMsg::Instantiate2 {
                admin: admin(m.admin),
                code_id: m.code_id,
                label: m.label,
                msg: m.msg.into(),
                funds: funds.clone(),
                salt: m.salt.into(),
            };
            Ok(routed(
                m.sender,
                msg,
                funds,
                Kind::Instantiate("/cosmwasm.wasm.v1.MsgInstantiateContract2Response"),
            ))
        }
        "MsgExecuteContract" => {
            let m: wasm::MsgExecuteContract = read(any)?;
            let funds = coins(&m.funds)?;
            let msg = WasmMsg::Execute { contract_addr: m.contract, msg: m.msg.into(), funds: funds.clone() };
            Ok(routed(m.sender, msg, funds, Kind::Execute("/cosmwasm.wasm.v1.MsgExecuteContractResponse")))
        }
        _ => decode_wasm_admin(any),
    }
}

fn decode_wasm_admin(any: &Any) -> Result<Known, TxError> {
    match any.type_url.strip_prefix("/cosmwasm.wasm.v1.").unwrap_or_default() {
        "MsgMigrateContract" => {
            let m: wasm::MsgMigrateContract = read(any)?;
            let msg =
                WasmMsg::Migrate { contract_addr: m.contract, new_code_id: m.code_id, msg: m.msg.into() };
            Ok(routed(m.sender, msg, vec![], Kind::Migrate("/cosmwasm.wasm.v1.MsgMigrateContractResponse")))
        }
        "MsgUpdateAdmin" => {
            let m: wasm::MsgUpdateAdmin = read(any)?;
            let msg = WasmMsg::UpdateAdmin { contract_addr: m.contract, admin: m.new_admin };
            Ok(routed(m.sender, msg, vec![], Kind::Plain("/cosmwasm.wasm.v1.MsgUpdateAdminResponse")))
        }
        "MsgClearAdmin" => {
            let m: wasm::MsgClearAdmin = read(any)?;
            let msg = WasmMsg::ClearAdmin { contract_addr: m.contract };
            Ok(routed(m.sender, msg, vec![], Kind::Plain("/cosmwasm.wasm.v1.MsgClearAdminResponse")))
        }
        other => Err(TxError::sdk(
            2,
            format!("unable to resolve type URL /cosmwasm.wasm.v1.{other}: tx parse error"),
        )),
    }
}

/// Runs a message on top of `delta`; `dry` keeps code from being registered.
///
/// # Errors
/// As the SDK numbers them, contracts' errors with their own text.
pub(crate) fn run(
    state: &mut ChainState,
    delta: Delta,
    any: &Any,
    dry: bool,
) -> Result<(Done, Delta), TxError> {
    match decode(any)? {
        Known::Store { sender, bytes } => store(state, &sender, bytes, dry).map(|done| (done, delta)),
        Known::Routed { sender, msg, funds, kind } => route(state, delta, sender, *msg, &funds, kind),
    }
}

fn store(state: &mut ChainState, sender: &str, bytes: Vec<u8>, dry: bool) -> Result<Done, TxError> {
    let checksum = cosmwasm_std::Checksum::generate(&bytes);
    let code_id = if dry { state.codes.len() as u64 + 1 } else { state.store_code(sender, bytes)? };
    let event = Event::new("store_code")
        .add_attribute("code_checksum", checksum.to_hex())
        .add_attribute("code_id", code_id.to_string());
    let response = wasm::MsgStoreCodeResponse { code_id, checksum: checksum.as_slice().to_vec() };
    let url = wasm::MsgStoreCodeResponse::type_url();
    Ok(Done { events: vec![event], response: Any { type_url: url, value: response.encode_to_vec() } })
}

/// Whether a message names something that is not there: the contract, the recipient's chain.
fn check_target(state: &ChainState, storage: &dyn Storage, msg: &CosmosMsg<ChainMsg>) -> Result<(), TxError> {
    match msg {
        CosmosMsg::Wasm(
            WasmMsg::Execute { contract_addr, .. }
            | WasmMsg::Migrate { contract_addr, .. }
            | WasmMsg::UpdateAdmin { contract_addr, .. }
            | WasmMsg::ClearAdmin { contract_addr },
        ) => {
            let known = state.app.read_module(|router, api, _| {
                let request = cosmwasm_std::WasmQuery::ContractInfo { contract_addr: contract_addr.clone() };
                router.query(api, storage, &state.app.block_info(), QueryRequest::Wasm(request)).is_ok()
            });
            if known {
                Ok(())
            } else {
                Err(TxError::wasm(22, format!("no such contract: address {contract_addr}")))
            }
        }
        CosmosMsg::Bank(BankMsg::Send { to_address, .. }) => match state.api.addr_validate(to_address) {
            Ok(_) => Ok(()),
            Err(e) => Err(TxError::sdk(7, format!("{e}: invalid address"))),
        },
        CosmosMsg::Wasm(WasmMsg::Instantiate { code_id, .. } | WasmMsg::Instantiate2 { code_id, .. })
            if *code_id == 0 || *code_id > state.codes.len() as u64 =>
        {
            Err(TxError::wasm(8, format!("code id {code_id}: no such code")))
        }
        _ => Ok(()),
    }
}

fn check_funds(
    state: &ChainState,
    storage: &dyn Storage,
    sender: &str,
    funds: &[Coin],
) -> Result<(), TxError> {
    for coin in funds {
        let request =
            cosmwasm_std::BankQuery::Balance { address: sender.to_owned(), denom: coin.denom.clone() };
        let answer = state.app.read_module(|router, api, _| {
            router.query(api, storage, &state.app.block_info(), QueryRequest::Bank(request))
        });
        let has = answer
            .and_then(cosmwasm_std::from_json::<cosmwasm_std::BalanceResponse>)
            .map(|b| b.amount.amount)
            .unwrap_or_default();
        if has < coin.amount {
            let (need, d) = (coin.amount, &coin.denom);
            let text = format!("spendable balance {has}{d} is smaller than {need}{d}: insufficient funds");
            return Err(TxError::sdk(5, text));
        }
    }
    Ok(())
}

fn route(
    state: &ChainState,
    delta: Delta,
    sender: String,
    msg: CosmosMsg<ChainMsg>,
    funds: &[Coin],
    kind: Kind,
) -> Result<(Done, Delta), TxError> {
    let now = Overlay::resume(state.app.storage(), delta);
    check_target(state, &now, &msg)?;
    check_funds(state, &now, &sender, funds)?;
    let (outcome, delta) = state.stage(now.into_delta(), |s| {
        s.router.execute(s.api, s.storage, s.block, Addr::unchecked(sender), msg)
    });
    let done = outcome.map_err(|e| failure(state, &e, kind))?;
    let value = done.data.map(|d| d.to_vec()).unwrap_or_else(|| empty_response(kind));
    let response = Any { type_url: kind.response_url().to_owned(), value };
    Ok((Done { events: done.events, response }, delta))
}

fn empty_response(kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Plain(_) => MsgSendResponse {}.encode_to_vec(),
        _ => Vec::new(),
    }
}

/// A contract's refusal, numbered for the message that met it.
fn failure(state: &ChainState, error: &cosmwasm_std::StdError, kind: Kind) -> TxError {
    let text = error.to_string();
    let (code, words) = kind.failure();
    match (state.ledger.find(&text), kind) {
        (Some(found), _) => TxError::wasm(code, format!("{}: {words}", found.text)),
        (None, Kind::Plain(_)) => state.explain(error),
        (None, _) => {
            let plain = state.explain(error);
            if plain.code == 5 { plain } else { TxError::wasm(code, format!("{}: {words}", plain.log)) }
        }
    }
}
