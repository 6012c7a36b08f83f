//! Rewards in and out. Coins are of the consumer's one denomination (trap F23); payment is per claim.

use contract_host::events::EmitExt;
use cosmwasm_std::{BankMsg, Coin, DepsMut, MessageInfo, Response, Storage, Uint128, Uint256};
use staking_api::Key;
use staking_api::events::{RewardsClaimed, RewardsFunded};

use crate::error::FinalityError;
use crate::state::consumer::{Number, Settings};
use crate::state::power::Seat;
use crate::state::provider::{Place, Profile, slot_of};
use crate::state::rewards::{ProviderRewards, Settlement, StakerRewards};

pub(crate) fn fund(deps: DepsMut<'_>, info: &MessageInfo, consumer: &str) -> Result<Response, FinalityError> {
    let settings = Settings::require(deps.storage, consumer)?;
    let expected = settings.reward_denom.clone();
    let [coin] = info.funds.as_slice() else { return Err(FinalityError::Funds { expected }) };
    if Some(&coin.denom) != expected.as_ref() {
        return Err(FinalityError::Funds { expected });
    }
    let amount = Uint128::try_from(coin.amount).map_err(|_| FinalityError::Overflow("funds"))?.u128();
    let mut settlement = Settlement::load(deps.storage, settings.number())?;
    settlement.pool = settlement.pool.checked_add(amount).ok_or(FinalityError::Overflow("funds"))?;
    settlement.save(deps.storage, settings.number());
    Ok(Response::new().emit(&RewardsFunded { consumer: consumer.to_string(), amount }))
}

pub(crate) fn claim(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    consumer: &str,
    fp: &Key,
) -> Result<Response, FinalityError> {
    let settings = Settings::require(deps.storage, consumer)?;
    let (number, staker) = (settings.number(), info.sender.as_str());
    let (slot, rewards) = caught_up(deps.storage, settings.number(), fp)?;
    rewards.save(deps.storage, number, slot);
    let mut record = StakerRewards::load(deps.storage, number, slot, staker)?;
    record.catch_up(rewards.net)?;
    let amount = std::mem::take(&mut record.owed);
    record.save(deps.storage, number, slot, staker);
    pay(&settings, consumer, fp, staker, amount)
}

pub(crate) fn claim_commission(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    consumer: &str,
    fp: &Key,
) -> Result<Response, FinalityError> {
    let settings = Settings::require(deps.storage, consumer)?;
    if Profile::require(deps.storage, fp)?.owner != info.sender.as_str() {
        return Err(FinalityError::NotOwner(info.sender.clone()));
    }
    let (slot, mut rewards) = caught_up(deps.storage, settings.number(), fp)?;
    let amount = std::mem::take(&mut rewards.commission);
    rewards.save(deps.storage, settings.number(), slot);
    pay(&settings, consumer, fp, info.sender.as_str(), amount)
}

/// A provider's slot and rewards, up to date but not stored.
pub(crate) fn caught_up(
    storage: &dyn Storage,
    number: Number,
    fp: &Key,
) -> Result<(u16, ProviderRewards), FinalityError> {
    let slot = slot_of(storage, number, fp)?;
    let seat = Seat { number, slot, fp };
    let power = seat.power(storage, Place::load(storage, number, slot)?.standing)?;
    let mut rewards = ProviderRewards::load(storage, number, slot)?;
    take_in(storage, seat, power, &mut rewards)?;
    Ok((slot, rewards))
}

/// Brings the rewards of a provider up to date, with the power that it had until now.
pub(crate) fn catch_up(
    storage: &mut dyn Storage,
    seat: Seat<'_>,
    power: u64,
) -> Result<ProviderRewards, FinalityError> {
    let before = ProviderRewards::load(storage, seat.number, seat.slot)?;
    let mut rewards = before;
    take_in(storage, seat, power, &mut rewards)?;
    if rewards != before {
        rewards.save(storage, seat.number, seat.slot);
    }
    Ok(rewards)
}

fn take_in(
    storage: &dyn Storage,
    seat: Seat<'_>,
    power: u64,
    rewards: &mut ProviderRewards,
) -> Result<(), FinalityError> {
    let earned = Settlement::load(storage, seat.number)?.earned(seat.slot, rewards);
    rewards.catch_up(earned, power, Profile::require(storage, seat.fp)?.commission)
}

fn pay(
    settings: &Settings,
    consumer: &str,
    fp: &Key,
    to: &str,
    amount: u128,
) -> Result<Response, FinalityError> {
    let denom = settings.reward_denom.clone().filter(|_| amount > 0).ok_or(FinalityError::NothingToClaim)?;
    let coin = Coin { denom, amount: Uint256::from(amount) };
    let (consumer, to) = (consumer.to_string(), to.to_string());
    let event = RewardsClaimed { consumer, fp_pk: *fp, to: to.clone(), amount };
    Ok(Response::new().add_message(BankMsg::Send { to_address: to, amount: vec![coin] }).emit(&event))
}
