//! The face every vault shows: its answers about accounts, and the burns it sends (mesh-security.md §4.1, §4.6).
//!
//! A burn is a sub-message of which only failure is reported back; a refused burn becomes a debt of that holder,
//! which anybody may have retried. So a slash, an exit or an expiry never fails because of a lien holder.

use super::{Book, Burn, ExternalCustody, table};
use cosmwasm_std::{
    Event, Reply, StdError, StdResult, Storage, SubMsg, SubMsgResult, WasmMsg, from_json, to_json_binary,
};
use serde::{Deserialize, Serialize};
use staking_api::mesh::vault::{
    AccountClaimsResponse, AccountDetailsResponse, AccountResponse, ClaimResponse, CrossStakingExecuteMsg,
    Debt, DebtsResponse, LienInfo, LocalStakingExecuteMsg, Tx,
};
use staking_api::mesh::{Coin, Uint128};
use std::string::String;
use std::vec::Vec;

/// Reply id of burns.
pub const BURN_REPLY: u64 = 0xb0;

/// What a refused burn needs to be remembered by.
#[derive(Serialize, Deserialize)]
struct BurnOf {
    user: String,
    holder: String,
    amount: Uint128,
}

/// Whom a burn is for and in what.
pub struct BurnContext<'a> {
    /// Whose collateral fell.
    pub user: &'a str,
    /// Denomination of the collateral.
    pub denom: &'a str,
    /// The local staking contract, which has its own message.
    pub local: Option<&'a str>,
}

/// The message that has `burn` carried out, at `validator` where the holder is the one that slashed.
///
/// # Errors
/// When the message cannot be serialised.
pub fn burn_message(ctx: &BurnContext<'_>, burn: &Burn, validator: Option<&str>) -> StdResult<SubMsg> {
    let (owner, validator) = (String::from(ctx.user), validator.map(String::from));
    let amount = Coin::new(burn.amount, ctx.denom);
    let msg = if ctx.local == Some(burn.holder.as_str()) {
        to_json_binary(&LocalStakingExecuteMsg::BurnStake { owner, amount, validator })?
    } else {
        to_json_binary(&CrossStakingExecuteMsg::BurnVirtualStake { owner, amount, validator })?
    };
    let note = BurnOf { user: ctx.user.into(), holder: burn.holder.clone(), amount: Uint128(burn.amount) };
    let call = WasmMsg::Execute { contract_addr: burn.holder.clone(), msg, funds: Vec::new() };
    Ok(SubMsg::reply_on_error(call, BURN_REPLY).with_payload(to_json_binary(&note)?))
}

/// The messages for all of `burns`.
///
/// # Errors
/// When a message cannot be serialised.
pub fn burn_messages(
    ctx: &BurnContext<'_>,
    burns: &[Burn],
    slashed: Option<(&str, &str)>,
) -> StdResult<Vec<SubMsg>> {
    let at = |b: &Burn| slashed.filter(|(holder, _)| *holder == b.holder).map(|(_, v)| v);
    burns.iter().map(|b| burn_message(ctx, b, at(b))).collect()
}

/// Records a refused burn as a debt.
///
/// # Errors
/// When stored state or the reply is damaged.
pub fn on_burn_reply(s: &mut dyn Storage, reply: Reply) -> StdResult<Event> {
    let note: BurnOf = from_json(&reply.payload)?;
    let event =
        Event::new("burn_debt").add_attribute("user", &note.user).add_attribute("lienholder", &note.holder);
    let SubMsgResult::Err(why) = reply.result else { return Ok(event) };
    let debt = Book::debt(s, &note.user, &note.holder)?.saturating_add(note.amount.0);
    Book::set_debt(s, &note.user, &note.holder, debt);
    Ok(event
        .add_attribute("refused", std::format!("{}", note.amount))
        .add_attribute("debt", std::format!("{debt}"))
        .add_attribute("reason", why))
}

/// Takes a debt off the book to be tried again, `None` when there is none. `bonded` limits it to what the holder
/// can burn just now; the rest stays.
///
/// # Errors
/// When stored state is damaged.
pub fn take_debt(
    s: &mut dyn Storage,
    user: &str,
    holder: &str,
    bonded: Option<u128>,
) -> StdResult<Option<Burn>> {
    let debt = Book::debt(s, user, holder)?;
    let amount = bonded.map_or(debt, |b| b.min(debt));
    if amount == 0 {
        return Ok(None);
    }
    Book::set_debt(s, user, holder, debt - amount);
    Ok(Some(Burn { holder: holder.into(), amount }))
}

/// Answer to `account`.
///
/// # Errors
/// When stored state is damaged.
pub fn account(
    s: &dyn Storage,
    c: &impl ExternalCustody,
    denom: &str,
    user: &str,
) -> StdResult<AccountResponse> {
    let bonded = Uint128(c.active_amount(s, user)?);
    Ok(AccountResponse { denom: denom.into(), bonded, free: Book::free(s, c, user)?.into() })
}

/// Answer to `account_details`.
///
/// # Errors
/// When stored state is damaged.
pub fn account_details(
    s: &dyn Storage,
    c: &impl ExternalCustody,
    denom: &str,
    user: &str,
) -> StdResult<AccountDetailsResponse> {
    let (collateral, capacity) = (c.active_amount(s, user)?, c.slash_capacity(s, user)?);
    let totals = Book::totals(s, user)?;
    Ok(AccountDetailsResponse {
        denom: denom.into(),
        bonded: Uint128(collateral),
        free: totals.free(collateral, capacity).into(),
        max_lien: totals.max_lien.into(),
        total_slashable: totals.slashable_in_collateral(collateral, capacity).into(),
    })
}

/// Answer to `claim`.
///
/// # Errors
/// When there is no such lien.
pub fn claim(s: &dyn Storage, user: &str, holder: &str) -> StdResult<ClaimResponse> {
    let lien = Book::lien(s, user, holder)?;
    if lien.amount.high == 0 {
        return Err(StdError::msg(std::format!("{holder} has no lien on {user}")));
    }
    Ok(ClaimResponse { amount: lien.amount.into(), slashable: lien.ratio.into() })
}

/// Answer to `account_claims`.
///
/// # Errors
/// When stored state is damaged.
pub fn account_claims(
    s: &dyn Storage,
    user: &str,
    start_after: Option<&str>,
    limit: Option<u32>,
) -> StdResult<AccountClaimsResponse> {
    let liens = Book::liens(s, user)?.into_iter();
    let liens = liens.filter(|(h, _)| start_after.is_none_or(|a| h.as_str() > a)).take(table::page(limit));
    let claims = liens.map(|(lienholder, l)| LienInfo { lienholder, amount: l.amount.into() }).collect();
    Ok(AccountClaimsResponse { claims })
}

/// A pending transaction as queries show it.
pub fn tx(id: u64, tx: super::book::Pending) -> Tx {
    Tx::InFlightStaking {
        id,
        amount: Uint128(tx.amount),
        slashable: tx.ratio.into(),
        user: tx.user,
        lienholder: tx.holder,
    }
}

/// Answer to `pending_tx`.
///
/// # Errors
/// When there is none of that id.
pub fn pending_tx(s: &dyn Storage, id: u64) -> StdResult<Tx> {
    Book::pending(s, id)?.map(|p| tx(id, p)).ok_or_else(|| StdError::msg(std::format!("no pending tx {id}")))
}

/// Answer to `debts`.
///
/// # Errors
/// When stored state is damaged.
pub fn debts(s: &dyn Storage, user: &str) -> StdResult<DebtsResponse> {
    let debts = Book::debts(s, user)?;
    let debt = |(lienholder, d): (String, u128)| Debt { lienholder, amount: Uint128(d) };
    Ok(DebtsResponse { debts: debts.into_iter().map(debt).collect() })
}
