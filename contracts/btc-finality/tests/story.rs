//! The story of a stake through all three contracts: register, sign, activate, vote, finalise, slash, leave.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

mod world;

use cosmwasm_std::Uint256;
use staking_api::staking::{ExecuteMsg as StakingMsg, QueryMsg as StakingQuery, SpendKind, Status};
use staking_api::{finality as fin, staking};
use world::actors::{mine, public, secret, spend};
use world::{CONSUMER, DENOM, HUB, K, World, event};

const HASH: [u8; 32] = [0xaa; 32];
const OTHER: [u8; 32] = [0xbb; 32];

#[test]
fn a_stake_becomes_power_finalises_and_comes_home() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB, CONSUMER]);
    let fp = public(&one.key);
    let stake = w.register(21, &[fp], 100_000, 100, 1);
    assert_eq!(w.status(&stake), Status::Pending);
    w.sign(&stake, 0..1);
    assert_eq!(w.status(&stake), Status::Pending);
    w.sign(&stake, 1..3);
    assert_eq!(w.status(&stake), Status::Verified);
    mine(&mut w.miner, std::slice::from_ref(&stake.tx));
    w.mine(K - 1);
    assert!(w.activate(&stake).unwrap_err().contains("not 3 deep"));
    w.mine(1);
    w.activate(&stake).unwrap();
    assert_eq!(w.status(&stake), Status::Active);
    assert_eq!((w.power(HUB, fp), w.power(CONSUMER, fp)), (100_000, 100_000));

    let randomness = w.commit(&one, CONSUMER, 1, 100);
    w.vote(&one, &randomness, CONSUMER, 1..20, HASH).unwrap();
    let done = w.finalized(CONSUMER, 19);
    assert!(done.finalized);
    assert_eq!((done.power, done.total, done.app_hash), (100_000, 100_000, Some(HASH.into())));
    assert!(!w.finalized(CONSUMER, 20).finalized);
    assert!(!w.finalized(HUB, 1).finalized);

    let unbonding = stake.unbonding(&secret(21), 3);
    mine(&mut w.miner, std::slice::from_ref(&unbonding));
    w.relay();
    let items = vec![spend(&w.miner, &stake, &unbonding, &[])];
    let anyone = w.account("anyone");
    w.stake(&anyone, &StakingMsg::Undelegate { items }).unwrap();
    let ended = w.delegation(stake.txid());
    assert_eq!((ended.status, ended.spend.unwrap().kind), (Status::Unbonded, SpendKind::Unbonding));
    assert_eq!((w.power(HUB, fp), w.power(CONSUMER, fp)), (0, 0));
}

#[test]
fn a_second_vote_slashes_whoever_submits_it() {
    let mut w = World::new();
    let (one, two) = (w.provider(11, &[HUB, CONSUMER]), w.provider(12, &[HUB, CONSUMER]));
    let fps = [public(&one.key), public(&two.key)];
    w.active(21, &fps[..1], 300_000, 100, 1);
    let hit = w.active(22, &fps[1..], 100_000, 100, 2);
    let randomness = [w.commit(&one, HUB, 1, 50), w.commit(&two, HUB, 1, 50)];
    w.vote(&two, &randomness[1], HUB, 1..5, HASH).unwrap();
    w.vote(&one, &randomness[0], HUB, 1..5, HASH).unwrap();
    assert!(w.finalized(HUB, 4).finalized);

    let response = w.vote(&two, &randomness[1], HUB, 3..4, OTHER).unwrap();
    let equivocation = event(&response, "equivocation").unwrap();
    let leaked = equivocation.attributes.iter().find(|a| a.key == "secret_key").unwrap();
    let even = two.key.to_even_secret();
    assert_eq!(leaked.value, staking_api::hex::encode(even.expose_secret()));
    assert!(event(&response, "provider_slashed").is_some());
    assert_eq!(w.power(HUB, fps[1]), 0);
    assert_eq!(w.power(CONSUMER, fps[1]), 0);
    assert_eq!(w.status(&hit), Status::Slashed);
    let evidence: Option<fin::Evidence> = w.ask(&fin::QueryMsg::Evidence { fp_pk: fps[1] });
    let evidence = evidence.unwrap();
    assert_eq!((evidence.consumer.as_deref(), evidence.height), (Some(HUB), Some(3)));
    assert_eq!(evidence.secret_key.as_bytes(), even.expose_secret());
    let provider: Option<staking::Provider> =
        w.app.wrap().query_wasm_smart(&w.staking, &StakingQuery::Provider { fp_pk: fps[1] }).unwrap();
    assert!(provider.unwrap().slashed);
    // Finality goes on without it.
    w.vote(&one, &randomness[0], HUB, 5..9, HASH).unwrap();
    assert!(w.finalized(HUB, 8).finalized);
    assert!(w.vote(&two, &randomness[1], HUB, 9..10, HASH).unwrap_err().contains("is slashed"));
}

#[test]
fn rewards_are_shared_by_stake_among_voters() {
    let mut w = World::new();
    let (one, two) = (w.provider(11, &[HUB]), w.provider(12, &[HUB]));
    let fps = [public(&one.key), public(&two.key)];
    w.active(21, &fps[..1], 300_000, 100, 1);
    w.active(22, &fps[..1], 100_000, 100, 2);
    w.active(23, &fps[1..], 100_000, 100, 3);
    let admin = w.admin.clone();
    let coins = [cosmwasm_std::Coin::new(10_000_000u128, DENOM)];
    w.finality(&admin, &fin::ExecuteMsg::FundRewards { consumer: HUB.into() }, &coins).unwrap();
    let randomness = w.commit(&one, HUB, 1, 50);
    // Only the first provider votes: 400 000 of 500 000. Settlement lags by 2 heights.
    w.vote(&one, &randomness, HUB, 1..8, HASH).unwrap();
    let settled: u128 = 5;
    let total = settled * 1_000_000;
    let owner = w.owner_of(11);
    let claim = |w: &mut World, staker: u8| {
        let who = w.staker_of(staker);
        let msg = fin::ExecuteMsg::ClaimRewards { consumer: HUB.into(), fp_pk: fps[0] };
        w.finality(&who, &msg, &[]).unwrap();
        w.app.wrap().query_balance(&who, DENOM).unwrap().amount
    };
    assert_eq!(claim(&mut w, 21), Uint256::from(total * 9 / 10 * 3 / 4));
    assert_eq!(claim(&mut w, 22), Uint256::from(total * 9 / 10 / 4));
    let msg = fin::ExecuteMsg::ClaimCommission { consumer: HUB.into(), fp_pk: fps[0] };
    w.finality(&owner, &msg, &[]).unwrap();
    assert_eq!(w.app.wrap().query_balance(&owner, DENOM).unwrap().amount, Uint256::from(total / 10));
    let third = w.staker_of(23);
    let msg = fin::ExecuteMsg::ClaimRewards { consumer: HUB.into(), fp_pk: fps[1] };
    assert!(w.finality(&third, &msg, &[]).unwrap_err().contains("nothing to claim"));
}
