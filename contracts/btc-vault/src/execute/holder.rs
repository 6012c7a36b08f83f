//! What lien holders report. Never refused: a stock holder sends these from IBC handlers (§16.4, hard rule).

use super::rebalance;
use crate::error::ExecuteError;
use crate::state::{CONFIG, SUMS};
use cosmwasm_std::{Event, MessageInfo, Response, Storage};
use mesh_accounting::store::Book;
use mesh_accounting::store::book::Answer;
use staking_api::mesh::Coin;
use staking_api::mesh::vault::UserSlash;

/// Part of a lien comes back.
pub(super) fn release(
    s: &mut dyn Storage,
    info: &MessageInfo,
    owner: &str,
    amount: &Coin,
) -> Result<Response, ExecuteError> {
    let taken = Book::release(s, owner, info.sender.as_str(), amount.amount.0)?;
    let event = Event::new("lien_released")
        .add_attribute("user", owner)
        .add_attribute("lienholder", info.sender.as_str())
        .add_attribute("asked", amount.amount.to_string())
        .add_attribute("amount", taken.to_string());
    Ok(Response::new().add_event(event))
}

/// A pending lien is final, or void.
pub(super) fn answer(
    s: &mut dyn Storage,
    info: &MessageInfo,
    tx_id: u64,
    ok: bool,
) -> Result<Response, ExecuteError> {
    let holder = info.sender.as_str();
    let answer = if ok { Book::commit(s, holder, tx_id)? } else { Book::rollback(s, holder, tx_id)? };
    let outcome = match (&answer, ok) {
        (Answer::Done(_), true) => "committed",
        (Answer::Done(_), false) => "rolled_back",
        (Answer::Unknown, _) => "unknown",
        (Answer::NotYours, _) => "not_yours",
    };
    let event = Event::new("lien_answered").add_attribute("tx_id", tx_id.to_string());
    Ok(Response::new().add_event(event.add_attribute("outcome", outcome)))
}

/// Stake was slashed on the consumer for a fault that gives no key away: Bitcoin is untouched. By policy the
/// credit of the user is garnished or not; the lien falls in any case.
pub(super) fn slash(
    s: &mut dyn Storage,
    info: &MessageInfo,
    slashes: Vec<UserSlash>,
    validator: &str,
) -> Result<Response, ExecuteError> {
    let (garnish, holder) = (CONFIG.load(s)?.garnish, info.sender.as_str());
    let mut response = Response::new();
    for UserSlash { user, slash } in slashes {
        let taken = Book::slash(s, &user, holder, slash.0)?;
        let event = Event::new("cross_slash")
            .add_attribute("user", &user)
            .add_attribute("lienholder", holder)
            .add_attribute("asked", slash.to_string())
            .add_attribute("lien", taken.lien.to_string());
        response = response.add_event(event);
        if garnish && taken.collateral > 0 {
            let mut sums = SUMS.get(s, &[user.as_bytes()])?;
            sums.garnished = sums.garnished.saturating_add(taken.collateral).min(sums.sat);
            SUMS.save(s, &[user.as_bytes()], &sums);
            let (burns, cuts) = rebalance(s, &user, Some((holder, validator)))?;
            response = response.add_submessages(burns).add_events(cuts);
        }
    }
    Ok(response)
}
