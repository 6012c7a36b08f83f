//! Token transfer between chains (ICS-20): escrow at home, vouchers abroad, refund on error or timeout.
//!
//! Vouchers are named `ibc/<SHA-256 of the path>` as on real chains. Memos are carried, not acted upon.

use super::custom::ChainMsg;
use super::ibc_module;
use bitcoin_hashes::{Hash, sha256};
use cosmwasm_std::{
    Addr, Api, BankMsg, Binary, BlockInfo, Coin, CustomMsg, CustomQuery, Event, IbcEndpoint, IbcPacket,
    IbcTimeout, StdError, StdResult, Storage, Uint256, from_json, to_json_binary,
};
use cw_multi_test::{AppResponse, BankSudo, CosmosRouter, SudoMsg};
use hex_conservative::DisplayHex;
use serde::{Deserialize, Serialize};

/// The port of the transfer module.
pub const PORT: &str = "transfer";
/// The version both ends of a transfer channel speak.
pub const VERSION: &str = "ics20-1";
/// The acknowledgement of a transfer that worked.
pub(crate) const ACK_OK: &[u8] = br#"{"result":"AQ=="}"#;

/// The packet of ICS-20.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data {
    denom: String,
    amount: Uint256,
    sender: String,
    receiver: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    memo: String,
}

/// A transfer asked for.
pub(crate) struct Order {
    pub(crate) channel_id: String,
    pub(crate) to_address: String,
    pub(crate) amount: Coin,
    pub(crate) timeout: IbcTimeout,
    pub(crate) memo: Option<String>,
}

type Router<'r, ExecC, QueryC> = dyn CosmosRouter<ExecC = ExecC, QueryC = QueryC> + 'r;

fn path_key(voucher: &str) -> Vec<u8> {
    format!("ibc/denom/{voucher}").into_bytes()
}

/// The local name of a denomination with its path, remembered so that it can travel back.
fn voucher(storage: &mut dyn Storage, path: &str) -> String {
    let hash = sha256::Hash::hash(path.as_bytes());
    let name = format!("ibc/{}", hash.as_byte_array().to_upper_hex_string());
    storage.set(&path_key(&name), path.as_bytes());
    name
}

fn path_of(storage: &dyn Storage, denom: &str) -> String {
    let path = storage.get(&path_key(denom)).and_then(|p| String::from_utf8(p).ok());
    path.unwrap_or_else(|| denom.to_owned())
}

fn escrow(api: &dyn Api, end: &IbcEndpoint) -> StdResult<Addr> {
    let hash = sha256::Hash::hash(format!("{VERSION}\0{}/{}", end.port_id, end.channel_id).as_bytes());
    let bytes = hash.as_byte_array().get(..20).unwrap_or_default().to_vec();
    api.addr_humanize(&bytes.into())
}

fn hop(end: &IbcEndpoint) -> String {
    format!("{}/{}/", end.port_id, end.channel_id)
}

/// Moves the coins out of reach of the sender and sends the packet.
pub(crate) fn send<ExecC: CustomMsg, QueryC: CustomQuery>(
    api: &dyn Api,
    storage: &mut dyn Storage,
    router: &Router<'_, ExecC, QueryC>,
    block: &BlockInfo,
    sender: Addr,
    order: Order,
) -> StdResult<AppResponse> {
    let src = IbcEndpoint { port_id: PORT.to_owned(), channel_id: order.channel_id };
    let denom = path_of(storage, &order.amount.denom);
    let amount = vec![order.amount.clone()];
    let out = if denom.starts_with(&hop(&src)) {
        BankMsg::Burn { amount }
    } else {
        BankMsg::Send { to_address: escrow(api, &src)?.into_string(), amount }
    };
    let mut response = router.execute(api, storage, block, sender.clone(), out.into())?;
    let data = Data {
        denom,
        amount: order.amount.amount,
        sender: sender.into_string(),
        receiver: order.to_address,
        memo: order.memo.unwrap_or_default(),
    };
    let (_, event) = ibc_module::send(storage, src, to_json_binary(&data)?, order.timeout)?;
    response.events.push(event);
    Ok(response)
}

fn pay<ExecC: CustomMsg, QueryC: CustomQuery>(
    api: &dyn Api,
    storage: &mut dyn Storage,
    router: &Router<'_, ExecC, QueryC>,
    block: &BlockInfo,
    from: Option<Addr>,
    to: String,
    coin: Coin,
) -> StdResult<Vec<Event>> {
    let amount = vec![coin];
    let done = match from {
        Some(from) => {
            router.execute(api, storage, block, from, BankMsg::Send { to_address: to, amount }.into())?
        }
        None => router.sudo(api, storage, block, SudoMsg::Bank(BankSudo::Mint { to_address: to, amount }))?,
    };
    Ok(done.events)
}

/// Pays out an arriving packet.
pub(crate) fn receive(
    api: &dyn Api,
    storage: &mut dyn Storage,
    router: &Router<'_, ChainMsg, super::custom::ChainQuery>,
    block: &BlockInfo,
    packet: &IbcPacket,
) -> StdResult<Vec<Event>> {
    let data: Data = from_json(&packet.data)?;
    let receiver = api.addr_validate(&data.receiver)?.into_string();
    if let Some(home) = data.denom.strip_prefix(&hop(&packet.src)) {
        let denom = if home.contains('/') { voucher(storage, home) } else { home.to_owned() };
        let from = escrow(api, &packet.dest)?;
        return pay(api, storage, router, block, Some(from), receiver, Coin { denom, amount: data.amount });
    }
    let denom = voucher(storage, &format!("{}{}", hop(&packet.dest), data.denom));
    pay(api, storage, router, block, None, receiver, Coin { denom, amount: data.amount })
}

/// Gives the coins of a failed transfer back.
pub(crate) fn refund(
    api: &dyn Api,
    storage: &mut dyn Storage,
    router: &Router<'_, ChainMsg, super::custom::ChainQuery>,
    block: &BlockInfo,
    packet: &IbcPacket,
) -> StdResult<Vec<Event>> {
    let data: Data = from_json(&packet.data)?;
    let abroad = data.denom.starts_with(&hop(&packet.src));
    let denom = if data.denom.contains('/') { voucher(storage, &data.denom) } else { data.denom };
    let from = if abroad { None } else { Some(escrow(api, &packet.src)?) };
    pay(api, storage, router, block, from, data.sender, Coin { denom, amount: data.amount })
}

/// Whether an acknowledgement reports success.
pub(crate) fn succeeded(ack: &Binary) -> StdResult<bool> {
    let value: serde_json::Value = from_json(ack)?;
    match (value.get("result"), value.get("error")) {
        (Some(_), None) => Ok(true),
        (None, Some(_)) => Ok(false),
        _ => Err(StdError::msg("acknowledgement with neither result nor error")),
    }
}
