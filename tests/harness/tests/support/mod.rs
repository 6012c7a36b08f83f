//! A tiny contract with every entry point, and chains that know it.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use cosmwasm_std::{
    BankMsg, Binary, Coin, CosmosMsg, Deps, DepsMut, Env, Ibc3ChannelOpenResponse, IbcBasicResponse,
    IbcChannelCloseMsg, IbcChannelConnectMsg, IbcChannelOpenMsg, IbcChannelOpenResponse, IbcMsg,
    IbcPacketAckMsg, IbcPacketReceiveMsg, IbcPacketTimeoutMsg, IbcQuery, IbcReceiveResponse, MessageInfo,
    MigrateInfo, Order, PortIdResponse, QueryRequest, Reply, Response, StakingMsg, StdError, StdResult,
    SubMsg, SubMsgResult, Timestamp, WasmMsg, to_json_binary,
};
use mesh_harness::chain::{Chain, ChainConfig, ContractSet, DevAccount, IbcHandlers, NativeContract};
use mesh_harness::clock::Clock;
use serde::{Deserialize, Serialize};

pub const VERSION: &str = "echo-1";
pub const START: u64 = 1_700_000_000;

#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Exec {
    Set {
        value: String,
    },
    Fail {
        value: String,
    },
    Panic {},
    /// Calls `fail` on itself and notes what the reply tells.
    TryFail {
        value: String,
    },
    Packet {
        channel_id: String,
        data: String,
        timeout: u64,
    },
    Transfer {
        channel_id: String,
        to: String,
        coin: Coin,
        timeout: u64,
    },
    Close {
        channel_id: String,
    },
    Pay {
        to: String,
        coin: Coin,
    },
    Delegate {
        validator: String,
        coin: Coin,
    },
}

#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    Value {},
    Log {},
    Port {},
    Broken {},
}

fn note(deps: &mut DepsMut, text: String) {
    let next = deps.storage.range(Some(b"log/"), Some(b"log0"), Order::Ascending).count();
    deps.storage.set(format!("log/{next:06}").as_bytes(), text.as_bytes());
}

fn instantiate(deps: DepsMut, _: Env, _: MessageInfo, msg: serde_json::Value) -> StdResult<Response> {
    let value = msg.get("value").and_then(|v| v.as_str()).ok_or_else(|| StdError::msg("no value"))?;
    deps.storage.set(b"value", value.as_bytes());
    Ok(Response::new().add_attribute("action", "instantiate"))
}

fn execute(mut deps: DepsMut, env: Env, _: MessageInfo, msg: Exec) -> StdResult<Response> {
    let timeout = |nanos| Timestamp::from_nanos(nanos).into();
    match msg {
        Exec::Set { value } => {
            deps.storage.set(b"value", value.as_bytes());
            Ok(Response::new().add_attribute("action", "set").set_data(value.as_bytes()))
        }
        Exec::Fail { value } => {
            deps.storage.set(b"value", value.as_bytes());
            Err(StdError::msg(format!("\"{value}\" is refused")))
        }
        Exec::Panic {} => panic!("asked to"),
        Exec::TryFail { value } => {
            let call = to_json_binary(&Exec::Fail { value })?;
            let msg =
                WasmMsg::Execute { contract_addr: env.contract.address.into(), msg: call, funds: vec![] };
            note(&mut deps, "try".into());
            Ok(Response::new().add_submessage(SubMsg::reply_on_error(msg, 7)))
        }
        Exec::Packet { channel_id, data, timeout: t } => {
            let msg = IbcMsg::SendPacket { channel_id, data: data.as_bytes().into(), timeout: timeout(t) };
            Ok(Response::new().add_message(msg))
        }
        Exec::Transfer { channel_id, to, coin, timeout: t } => {
            let msg = IbcMsg::Transfer {
                channel_id,
                to_address: to,
                amount: coin,
                timeout: timeout(t),
                memo: None,
            };
            Ok(Response::new().add_message(msg))
        }
        Exec::Close { channel_id } => Ok(Response::new().add_message(IbcMsg::CloseChannel { channel_id })),
        Exec::Pay { to, coin } => {
            Ok(Response::new().add_message(BankMsg::Send { to_address: to, amount: vec![coin] }))
        }
        Exec::Delegate { validator, coin } => {
            Ok(Response::new()
                .add_message(CosmosMsg::Staking(StakingMsg::Delegate { validator, amount: coin })))
        }
    }
}

fn query(deps: Deps, _: Env, msg: Query) -> StdResult<Binary> {
    match msg {
        Query::Value {} => {
            to_json_binary(&String::from_utf8(deps.storage.get(b"value").unwrap_or_default()).unwrap())
        }
        Query::Log {} => {
            let log = deps.storage.range(Some(b"log/"), Some(b"log0"), Order::Ascending);
            to_json_binary(&log.map(|(_, v)| String::from_utf8(v).unwrap()).collect::<Vec<_>>())
        }
        Query::Port {} => {
            let port: PortIdResponse = deps.querier.query(&QueryRequest::Ibc(IbcQuery::PortId {}))?;
            to_json_binary(&port.port_id)
        }
        Query::Broken {} => Err(StdError::msg("nothing here")),
    }
}

fn reply(mut deps: DepsMut, _: Env, msg: Reply) -> StdResult<Response> {
    if let SubMsgResult::Err(text) = msg.result {
        note(&mut deps, format!("{}: {text}", msg.id));
    }
    Ok(Response::new())
}

fn sudo(deps: DepsMut, _: Env, msg: Exec) -> StdResult<Response> {
    if let Exec::Set { value } = msg {
        deps.storage.set(b"value", format!("sudo {value}").as_bytes());
    }
    Ok(Response::new())
}

fn migrate(deps: DepsMut, _: Env, _: serde_json::Value, info: MigrateInfo) -> StdResult<Response> {
    deps.storage.set(b"value", format!("migrated by {}", info.sender).as_bytes());
    Ok(Response::new())
}

fn open(_: DepsMut, _: Env, msg: IbcChannelOpenMsg) -> StdResult<IbcChannelOpenResponse> {
    let proposed = msg.counterparty_version().unwrap_or(&msg.channel().version);
    if !proposed.is_empty() && proposed != VERSION {
        return Err(StdError::msg(format!("version {proposed} is not spoken here")));
    }
    Ok(Some(Ibc3ChannelOpenResponse { version: VERSION.into() }))
}

fn connect(mut deps: DepsMut, _: Env, msg: IbcChannelConnectMsg) -> StdResult<IbcBasicResponse> {
    let version = msg.channel().version.clone();
    note(&mut deps, format!("connected {version}"));
    Ok(IbcBasicResponse::new())
}

fn close(mut deps: DepsMut, _: Env, _: IbcChannelCloseMsg) -> StdResult<IbcBasicResponse> {
    note(&mut deps, "closed".into());
    Ok(IbcBasicResponse::new())
}

/// Keeps a sum, so that a packet received twice would show.
fn receive(mut deps: DepsMut, env: Env, msg: IbcPacketReceiveMsg) -> StdResult<IbcReceiveResponse> {
    let text = String::from_utf8(msg.packet.data.to_vec()).unwrap();
    note(&mut deps, format!("received {text}"));
    match text.as_str() {
        "fail" => Err(StdError::msg("I do not want it")),
        "panic" if deps.storage.get(b"value").as_deref() != Some(&b"calm"[..]) => panic!("too much"),
        "subfail" => {
            let call = to_json_binary(&Exec::Fail { value: "sub".into() })?;
            let msg =
                WasmMsg::Execute { contract_addr: env.contract.address.into(), msg: call, funds: vec![] };
            Ok(IbcReceiveResponse::new(b"kept").add_submessage(SubMsg::reply_on_error(msg, 9)))
        }
        _ => Ok(IbcReceiveResponse::new(text.as_bytes())),
    }
}

fn ack(mut deps: DepsMut, _: Env, msg: IbcPacketAckMsg) -> StdResult<IbcBasicResponse> {
    let sent = String::from_utf8_lossy(&msg.original_packet.data).into_owned();
    let got = String::from_utf8_lossy(&msg.acknowledgement.data).into_owned();
    note(&mut deps, format!("ack of {sent}: {got}"));
    Ok(IbcBasicResponse::new())
}

fn timeout(mut deps: DepsMut, _: Env, msg: IbcPacketTimeoutMsg) -> StdResult<IbcBasicResponse> {
    note(&mut deps, format!("timeout of {}", String::from_utf8_lossy(&msg.packet.data)));
    Ok(IbcBasicResponse::new())
}

pub fn contracts() -> ContractSet {
    let echo = NativeContract::new(instantiate, execute, query)
        .with_reply(reply)
        .with_sudo(sudo)
        .with_migrate_info(migrate)
        .with_ibc(IbcHandlers { open, connect, close, receive, ack, timeout });
    ContractSet::new().native("echo", echo)
}

pub struct Fixture {
    pub chain: Chain,
    pub user: DevAccount,
    pub address: String,
}

/// A chain on a manual clock with a funded user.
pub fn start(chain_id: &str, prefix: &str, denom: &str, clock: &Clock) -> Fixture {
    let user = DevAccount::from_seed(1, "user");
    let address = user.address(prefix).unwrap();
    let config = ChainConfig::new(chain_id, prefix, denom)
        .fund(&address, 1_000_000_000)
        .contracts(contracts())
        .clock(clock.clone());
    Fixture { chain: Chain::start(config).unwrap(), user, address }
}

impl Fixture {
    pub fn echo(&self) -> String {
        let code = self.chain.store("echo").unwrap();
        let msg = serde_json::json!({ "value": "first" });
        self.chain.instantiate(&self.address, code, &msg, "echo", &[]).unwrap()
    }

    pub fn log(&self, contract: &str) -> Vec<String> {
        self.chain.query(contract, &Query::Log {}).unwrap()
    }

    pub fn value(&self, contract: &str) -> String {
        self.chain.query(contract, &Query::Value {}).unwrap()
    }

    pub fn exec(&self, contract: &str, msg: &Exec) -> Result<mesh_harness::chain::TxResult, String> {
        self.chain.execute(&self.address, contract, msg, &[]).map_err(|e| e.to_string())
    }
}
