//! ABCI queries by gRPC path, answered in protobuf as a node does.

use super::contract::port_of;
use super::error::TxError;
use super::staking::{ValidatorView, validators};
use super::state::{ChainState, account};
use super::tx::balance;
use cosmrs::Any;
use cosmrs::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use cosmrs::proto::cosmos::bank::v1beta1 as bank;
use cosmrs::proto::cosmos::base::abci::v1beta1::{GasInfo, Result as AbciResult};
use cosmrs::proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use cosmrs::proto::cosmos::staking::v1beta1 as staking;
use cosmrs::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use cosmrs::proto::prost::{Message, Name};
use cosmrs::proto::tendermint::abci::{Event as ProtoEvent, EventAttribute};
use cosmrs::proto::tendermint::google::protobuf::Duration;
use cosmwasm_std::{Coin, StdError, from_json};

/// Eighteen noughts: the SDK's decimals are integers of this unit.
const DECIMAL: &str = "000000000000000000";

fn read<M: Message + Default>(data: &[u8]) -> Result<M, TxError> {
    M::decode(data).map_err(|e| TxError::sdk(18, format!("{e}: invalid request")))
}

fn inner(e: StdError) -> TxError {
    TxError::sdk(1, e.to_string())
}

fn not_found(text: String) -> TxError {
    TxError::sdk(22, format!("rpc error: code = NotFound desc = {text}: key not found"))
}

fn proto(coin: &Coin) -> ProtoCoin {
    ProtoCoin { denom: coin.denom.clone(), amount: coin.amount.to_string() }
}

/// Answers a query.
///
/// # Errors
/// With the SDK's codes; code 6 for paths that are not served.
pub(crate) fn query(state: &mut ChainState, path: &str, data: &[u8]) -> Result<Vec<u8>, TxError> {
    match path {
        "/cosmos.auth.v1beta1.Query/Account" => auth_account(state, data),
        "/cosmos.bank.v1beta1.Query/Balance" => bank_balance(state, data),
        "/cosmos.bank.v1beta1.Query/AllBalances" => bank_all(state, data),
        "/cosmos.tx.v1beta1.Service/Simulate" => simulate(state, data),
        _ if path.starts_with("/cosmwasm.wasm.v1.Query/") => wasm_query(state, path, data),
        _ if path.starts_with("/cosmos.staking.v1beta1.Query/") => staking_query(state, path, data),
        _ => Err(TxError::sdk(6, format!("unknown query path: {path}: unknown request"))),
    }
}

fn auth_account(state: &ChainState, data: &[u8]) -> Result<Vec<u8>, TxError> {
    let request: QueryAccountRequest = read(data)?;
    let found = account(state.app.storage(), &request.address).map_err(inner)?;
    let found = found.ok_or_else(|| not_found(format!("account {} not found", request.address)))?;
    let base = BaseAccount {
        address: request.address,
        pub_key: None,
        account_number: found.number,
        sequence: found.sequence,
    };
    let any = Any { type_url: BaseAccount::type_url(), value: base.encode_to_vec() };
    Ok(QueryAccountResponse { account: Some(any) }.encode_to_vec())
}

fn bank_balance(state: &ChainState, data: &[u8]) -> Result<Vec<u8>, TxError> {
    let request: bank::QueryBalanceRequest = read(data)?;
    let amount = balance(state, &request.address, &request.denom).to_string();
    let coin = ProtoCoin { denom: request.denom, amount };
    Ok(bank::QueryBalanceResponse { balance: Some(coin) }.encode_to_vec())
}

/// All coins of an address, from the bank keeper's own record.
pub(crate) fn all_balances(state: &ChainState, address: &str) -> Result<Vec<Coin>, TxError> {
    let raw = state.app.prefixed_multilevel_storage(&[b"bank", b"balances"]).get(address.as_bytes());
    raw.map_or(Ok(Vec::new()), |raw| from_json(raw).map_err(inner))
}

fn bank_all(state: &ChainState, data: &[u8]) -> Result<Vec<u8>, TxError> {
    let request: bank::QueryAllBalancesRequest = read(data)?;
    let balances = all_balances(state, &request.address)?.iter().map(proto).collect();
    Ok(bank::QueryAllBalancesResponse { balances, pagination: None }.encode_to_vec())
}

/// Events as protobuf.
fn events(list: &[cosmwasm_std::Event]) -> Vec<ProtoEvent> {
    let attribute = |a: &cosmwasm_std::Attribute| EventAttribute {
        key: a.key.clone(),
        value: a.value.clone(),
        index: true,
    };
    list.iter()
        .map(|e| ProtoEvent {
            r#type: e.ty.clone(),
            attributes: e.attributes.iter().map(attribute).collect(),
        })
        .collect()
}

fn simulate(state: &mut ChainState, data: &[u8]) -> Result<Vec<u8>, TxError> {
    let request: SimulateRequest = read(data)?;
    if request.tx_bytes.is_empty() {
        return Err(TxError::sdk(18, "empty txBytes is not allowed: invalid request"));
    }
    let result = state.simulate(&request.tx_bytes)?;
    let gas_info = GasInfo { gas_wanted: result.gas_wanted, gas_used: result.gas_used };
    let msg_responses = cosmrs::proto::cosmos::base::abci::v1beta1::TxMsgData::decode(result.data.as_slice())
        .map(|d| d.msg_responses)
        .unwrap_or_default();
    let events = events(&result.events);
    let result = AbciResult { events, msg_responses, ..AbciResult::default() };
    Ok(SimulateResponse { gas_info: Some(gas_info), result: Some(result) }.encode_to_vec())
}

fn wasm_query(state: &ChainState, path: &str, data: &[u8]) -> Result<Vec<u8>, TxError> {
    match path.strip_prefix("/cosmwasm.wasm.v1.Query/").unwrap_or_default() {
        "SmartContractState" => {
            let request: wasm::QuerySmartContractStateRequest = read(data)?;
            let data = state.smart_query(&request.address, &request.query_data)?;
            Ok(wasm::QuerySmartContractStateResponse { data }.encode_to_vec())
        }
        "RawContractState" => {
            let request: wasm::QueryRawContractStateRequest = read(data)?;
            state.contract_info(&request.address)?;
            let data = state.raw_state(&request.address, &request.query_data).unwrap_or_default();
            Ok(wasm::QueryRawContractStateResponse { data }.encode_to_vec())
        }
        "ContractInfo" => contract_info(state, data),
        "Code" => code(state, data),
        _ => Err(TxError::sdk(6, format!("unknown query path: {path}: unknown request"))),
    }
}

fn contract_info(state: &ChainState, data: &[u8]) -> Result<Vec<u8>, TxError> {
    let request: wasm::QueryContractInfoRequest = read(data)?;
    let found = state.contract_info(&request.address)?;
    let info = wasm::ContractInfo {
        code_id: found.code_id,
        creator: found.creator.into_string(),
        admin: found.admin.map(|a| a.into_string()).unwrap_or_default(),
        label: found.label,
        created: Some(wasm::AbsoluteTxPosition { block_height: found.created, tx_index: 0 }),
        ibc_port_id: port_of(&request.address),
        extension: None,
    };
    Ok(wasm::QueryContractInfoResponse { address: request.address, contract_info: Some(info) }
        .encode_to_vec())
}

fn code(state: &ChainState, data: &[u8]) -> Result<Vec<u8>, TxError> {
    let request: wasm::QueryCodeRequest = read(data)?;
    let index = usize::try_from(request.code_id).ok().and_then(|id| id.checked_sub(1));
    let code = index.and_then(|i| state.codes.get(i));
    let code = code.ok_or_else(|| not_found(format!("code id {}", request.code_id)))?;
    let info = wasm::CodeInfoResponse {
        code_id: request.code_id,
        creator: code.creator.clone(),
        data_hash: code.checksum.as_slice().to_vec(),
        instantiate_permission: None,
    };
    Ok(wasm::QueryCodeResponse { code_info: Some(info), data: code.bytes.to_vec() }.encode_to_vec())
}

fn staking_query(state: &ChainState, path: &str, data: &[u8]) -> Result<Vec<u8>, TxError> {
    match path.strip_prefix("/cosmos.staking.v1beta1.Query/").unwrap_or_default() {
        "Validators" => {
            let validators = validators(state).map_err(inner)?.iter().map(validator).collect();
            Ok(staking::QueryValidatorsResponse { validators, pagination: None }.encode_to_vec())
        }
        "Validator" => {
            let request: staking::QueryValidatorRequest = read(data)?;
            let found =
                validators(state).map_err(inner)?.into_iter().find(|v| v.operator == request.validator_addr);
            let found =
                found.ok_or_else(|| not_found(format!("validator {} not found", request.validator_addr)))?;
            Ok(staking::QueryValidatorResponse { validator: Some(validator(&found)) }.encode_to_vec())
        }
        "Delegation" => delegation(state, data),
        "Params" => {
            let params = staking::Params {
                unbonding_time: Some(Duration {
                    seconds: i64::try_from(state.config.unbonding.as_secs()).unwrap_or(i64::MAX),
                    nanos: 0,
                }),
                max_validators: 100,
                max_entries: 7,
                historical_entries: 0,
                bond_denom: state.config.denom.clone(),
                min_commission_rate: "0".to_owned(),
            };
            Ok(staking::QueryParamsResponse { params: Some(params) }.encode_to_vec())
        }
        _ => Err(TxError::sdk(6, format!("unknown query path: {path}: unknown request"))),
    }
}

fn validator(v: &ValidatorView) -> staking::Validator {
    let key = cosmrs::proto::cosmos::crypto::ed25519::PubKey { key: v.consensus_key.clone() };
    let rate = format!("{}0000000000000000", v.commission_percent);
    staking::Validator {
        operator_address: v.operator.clone(),
        consensus_pubkey: Some(Any {
            type_url: "/cosmos.crypto.ed25519.PubKey".to_owned(),
            value: key.encode_to_vec(),
        }),
        jailed: false,
        status: i32::from(staking::BondStatus::Bonded),
        tokens: v.tokens.to_string(),
        delegator_shares: format!("{}{DECIMAL}", v.tokens),
        description: Some(staking::Description { moniker: v.moniker.clone(), ..Default::default() }),
        commission: Some(staking::Commission {
            commission_rates: Some(staking::CommissionRates {
                rate: rate.clone(),
                max_rate: format!("1{DECIMAL}"),
                max_change_rate: rate,
            }),
            update_time: None,
        }),
        min_self_delegation: "1".to_owned(),
        ..Default::default()
    }
}

/// What `delegator` has bonded to `validator`, base units.
pub(crate) fn delegated(
    state: &ChainState,
    delegator: &str,
    validator: &str,
) -> Result<Option<Coin>, TxError> {
    let found = state.app.wrap().query_delegation(delegator, validator);
    found.map(|d| d.map(|d| d.amount)).map_err(|e| TxError::sdk(18, state.ledger.plain(&e.to_string())))
}

fn delegation(state: &ChainState, data: &[u8]) -> Result<Vec<u8>, TxError> {
    let request: staking::QueryDelegationRequest = read(data)?;
    let (who, to) = (request.delegator_addr, request.validator_addr);
    let amount = delegated(state, &who, &to)?;
    let amount = amount
        .ok_or_else(|| not_found(format!("delegation with delegator {who} not found for validator {to}")))?;
    let response = staking::DelegationResponse {
        delegation: Some(staking::Delegation {
            delegator_address: who,
            validator_address: to,
            shares: format!("{}{DECIMAL}", amount.amount),
        }),
        balance: Some(proto(&amount)),
    };
    Ok(staking::QueryDelegationResponse { delegation_response: Some(response) }.encode_to_vec())
}
