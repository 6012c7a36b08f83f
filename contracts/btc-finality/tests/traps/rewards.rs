//! Rewards: per satoshi and height, to those who voted, to the last coin accounted for.

use cosmwasm_std::{Addr, Coin, Uint256};
use staking_api::finality as fin;
use staking_api::staking::{EditProvider, ExecuteMsg as Msg};

use crate::HASH;
use crate::world::actors::{Provider, Randomness, public};
use crate::world::{DENOM, HUB, World};

/// Coins of one settled height, in the settings of [`World`].
const POT: u128 = 1_000_000;

fn one() -> (World, Provider, Randomness) {
    let mut w = World::new();
    let provider = w.provider(11, &[HUB]);
    w.active(21, &[public(&provider.key)], 100_000, 10_000, 1);
    let randomness = w.commit(&provider, HUB, 1, 200);
    (w, provider, randomness)
}

fn fund(w: &mut World, amount: u128, denom: &str) -> Result<(), String> {
    let admin = w.admin.clone();
    let coins = [Coin::new(amount, denom)];
    w.finality(&admin, &fin::ExecuteMsg::FundRewards { consumer: HUB.into() }, &coins).map(drop)
}

fn balance(w: &World, who: &Addr) -> Uint256 {
    w.app.wrap().query_balance(who, DENOM).unwrap().amount
}

fn claim(w: &mut World, staker: u8, provider: &Provider) -> Result<Uint256, String> {
    let who = w.staker_of(staker);
    let msg = fin::ExecuteMsg::ClaimRewards { consumer: HUB.into(), fp_pk: public(&provider.key) };
    let before = balance(w, &who);
    w.finality(&who, &msg, &[])?;
    Ok(balance(w, &who) - before)
}

fn commission(w: &mut World, provider: &Provider) -> Uint256 {
    let owner = w.owner_of(11);
    let before = balance(w, &owner);
    let msg = fin::ExecuteMsg::ClaimCommission { consumer: HUB.into(), fp_pk: public(&provider.key) };
    w.finality(&owner, &msg, &[]).unwrap();
    balance(w, &owner) - before
}

/// C14: a new commission holds for what is earned after it, not before.
#[test]
fn a_commission_holds_from_its_change_on() {
    let (mut w, provider, randomness) = one();
    fund(&mut w, 100 * POT, DENOM).unwrap();
    // Settled: two heights behind the last final one.
    w.vote(&provider, &randomness, HUB, 1..13, HASH).unwrap();
    w.mine(200);
    let (owner, fp_pk) = (w.owner_of(11), public(&provider.key));
    let edit = |rate: &str| {
        let commission_rate = Some(rate.parse().unwrap());
        Msg::EditProvider(EditProvider { fp_pk, commission_rate, description: None })
    };
    w.stake(&owner, &edit("0.2")).unwrap();
    w.vote(&provider, &randomness, HUB, 13..23, HASH).unwrap();
    assert_eq!(commission(&mut w, &provider), Uint256::from(10 * POT / 10 + 10 * POT / 5));
    assert_eq!(claim(&mut w, 21, &provider).unwrap(), Uint256::from(10 * POT * 9 / 10 + 10 * POT * 4 / 5));
}

/// C13: two providers never share an owner, so their commissions never mix.
#[test]
fn an_owner_has_one_provider() {
    let (mut w, _, _) = one();
    let owner = w.owner_of(11);
    assert!(w.register_provider(12, &owner, &[HUB]).unwrap_err().contains("owns a provider already"));
    let other = w.owner_of(12);
    assert!(w.register_provider(11, &other, &[HUB]).unwrap_err().contains("registered already"));
    w.register_provider(12, &other, &[HUB]).unwrap();
}

/// D20: a vote that comes after settlement earns nothing, one that comes before it does.
#[test]
fn late_votes_earn_nothing() {
    let (mut w, big, of_big) = one();
    fund(&mut w, 100 * POT, DENOM).unwrap();
    let small = w.provider(12, &[HUB]);
    w.active(22, &[public(&small.key)], 25_000, 10_000, 2);
    let of_small = w.commit(&small, HUB, 1, 100);
    w.vote(&big, &of_big, HUB, 1..6, HASH).unwrap();
    assert!(w.vote(&small, &of_small, HUB, 1..2, HASH).is_err());
    assert!(claim(&mut w, 22, &small).unwrap_err().contains("nothing to claim"));
    w.vote(&small, &of_small, HUB, 4..5, HASH).unwrap();
    w.vote(&big, &of_big, HUB, 6..8, HASH).unwrap();
    assert_eq!(claim(&mut w, 22, &small).unwrap(), Uint256::from(POT / 5 * 9 / 10));
}

/// F23: only coins of the consumer's own denomination are taken, one kind at a time.
#[test]
fn foreign_coins_are_refused() {
    let (mut w, _, _) = one();
    let admin = w.admin.clone();
    let msg = fin::ExecuteMsg::FundRewards { consumer: HUB.into() };
    assert!(w.finality(&admin, &msg, &[]).is_err());
    w.give(&admin, 50, "ufoo");
    assert!(fund(&mut w, 50, "ufoo").is_err());
    let both = [Coin::new(5u128, "ufoo"), Coin::new(5u128, DENOM)];
    assert!(w.finality(&admin, &msg, &both).is_err());
    w.consumer("poor", |c| c.reward_denom = None);
    let msg = fin::ExecuteMsg::FundRewards { consumer: "poor".into() };
    assert!(w.finality(&admin, &msg, &[Coin::new(5u128, DENOM)]).is_err());
    fund(&mut w, 50, DENOM).unwrap();
}

/// F25: what was earned before a slashing is paid once; afterwards nothing accrues.
#[test]
fn a_slashed_provider_earns_no_more() {
    let (mut w, bad, of_bad) = one();
    fund(&mut w, 100 * POT, DENOM).unwrap();
    w.vote(&bad, &of_bad, HUB, 1..8, HASH).unwrap();
    w.leak(&bad).unwrap();
    let good = w.provider(12, &[HUB]);
    w.active(22, &[public(&good.key)], 50_000, 10_000, 2);
    let of_good = w.commit(&good, HUB, 1, 100);
    w.vote(&good, &of_good, HUB, 8..30, HASH).unwrap();
    assert_eq!(claim(&mut w, 21, &bad).unwrap(), Uint256::from(5 * POT * 9 / 10));
    assert!(claim(&mut w, 21, &bad).unwrap_err().contains("nothing to claim"));
    let before = w.dump(&w.finality).len();
    assert!(claim(&mut w, 21, &bad).is_err());
    assert_eq!(w.dump(&w.finality).len(), before);
    assert!(claim(&mut w, 22, &good).is_ok());
}

/// F26: coins that come while there is no stake wait for the first that votes.
#[test]
fn rewards_wait_for_stake() {
    let mut w = World::new();
    fund(&mut w, 10 * POT, DENOM).unwrap();
    let pool = |w: &World| {
        let found: Option<fin::Consumer> = w.ask(&fin::QueryMsg::Consumer { id: HUB.into() });
        found.unwrap().reward_pool.0
    };
    let anyone = w.account("anyone");
    let finalize = fin::ExecuteMsg::Finalize { consumer: HUB.into(), limit: 10 };
    assert!(w.finality(&anyone, &finalize, &[]).is_err());
    assert_eq!(pool(&w), 10 * POT);
    let provider = w.provider(11, &[HUB]);
    w.active(21, &[public(&provider.key)], 100_000, 10_000, 1);
    let randomness = w.commit(&provider, HUB, 1, 100);
    w.vote(&provider, &randomness, HUB, 1..8, HASH).unwrap();
    assert_eq!(pool(&w), 5 * POT);
    assert_eq!(claim(&mut w, 21, &provider).unwrap(), Uint256::from(5 * POT * 9 / 10));
}

/// What is paid out and what is left in the pool is what was put in, but for less than a coin a claim.
#[test]
fn every_coin_is_accounted_for() {
    let (mut w, one, of_one) = one();
    let two = w.provider(12, &[HUB]);
    w.active(22, &[public(&two.key)], 33_333, 10_000, 2);
    w.active(23, &[public(&two.key)], 11_117, 10_000, 3);
    let of_two = w.commit(&two, HUB, 1, 100);
    fund(&mut w, 7_000_003, DENOM).unwrap();
    for height in 1..12u64 {
        if height % 3 != 0 {
            w.vote(&two, &of_two, HUB, height..height + 1, HASH).unwrap();
        }
        w.vote(&one, &of_one, HUB, height..height + 1, HASH).unwrap();
    }
    let held = |w: &World| balance(w, &w.finality.clone());
    let paid: Uint256 = [(21, &one), (22, &two), (23, &two)]
        .into_iter()
        .map(|(staker, provider)| claim(&mut w, staker, provider).unwrap())
        .sum::<Uint256>()
        + commission(&mut w, &one);
    assert_eq!(paid + held(&w), Uint256::from(7_000_003u128));
    let owner = w.owner_of(12);
    let msg = fin::ExecuteMsg::ClaimCommission { consumer: HUB.into(), fp_pk: public(&two.key) };
    w.finality(&owner, &msg, &[]).unwrap();
    assert!(held(&w) < Uint256::from(10u128), "{} left", held(&w));
}
