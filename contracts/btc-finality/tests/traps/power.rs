//! Sums of power: who is in the active set, with how much, and who is not any more.

use staking_api::finality as fin;
use staking_api::staking::{ExecuteMsg as Msg, Status};

use crate::HASH;
use crate::world::actors::{mine, public};
use crate::world::{CONSUMER, HUB, K, World, event};

/// C1: after a slashing neither a proof, nor a late quorum, nor a new proof adds power.
#[test]
fn a_slashed_provider_gains_no_power() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    let unproven = w.register(21, &[fp], 100_000, 100, 1);
    w.sign(&unproven, 0..2);
    mine(&mut w.miner, std::slice::from_ref(&unproven.tx));
    let unsigned = w.register_mined(22, &[fp], 100_000, 100, 2);
    w.sign(&unsigned, 0..1);
    w.leak(&one).unwrap();
    assert!(w.activate(&unproven).unwrap_err().contains("is slashed"));
    w.sign_one(&unsigned, 1).unwrap();
    assert!(w.activate(&unsigned).unwrap_err().contains("is slashed"));
    assert_eq!((w.info(HUB, fp).power, w.power(HUB, fp)), (0, 0));
    assert_eq!([&unproven, &unsigned].map(|stake| w.status(stake)), [Status::Slashed; 2]);
    let fresh = w.registration(23, &unproven);
    let owner = w.staker_of(23);
    assert!(w.stake(&owner, &Msg::RegisterDelegation(fresh)).is_err());
}

/// C2: slashed and delegated to in one block, in whichever order: slashed wins.
#[test]
fn slashed_wins_within_a_block() {
    for slash_first in [true, false] {
        let mut w = World::new();
        let one = w.provider(11, &[HUB]);
        let fp = public(&one.key);
        let stake = w.register(21, &[fp], 100_000, 100, 1);
        w.sign(&stake, 0..2);
        mine(&mut w.miner, std::slice::from_ref(&stake.tx));
        w.mine(K);
        let block = w.app.block_info().height;
        if slash_first {
            w.leak(&one).unwrap();
            assert!(w.activate(&stake).is_err());
        } else {
            w.activate(&stake).unwrap();
            w.leak(&one).unwrap();
        }
        assert_eq!((w.app.block_info().height, w.power(HUB, fp)), (block, 0));
        let anyone = w.account("anyone");
        let swept = w.stake(&anyone, &Msg::SweepSlashed { fp_pk: fp, limit: 10 });
        assert!(swept.is_ok());
        assert_eq!((w.info(HUB, fp).power, w.power(HUB, fp)), (0, 0));
    }
}

/// C16: when all stake of a provider leaves, the next count says that the active set changed.
#[test]
fn the_last_stake_that_leaves_is_announced() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    let stake = w.active(21, &[fp], 100_000, 100, 1);
    let randomness = w.commit(&one, HUB, 1, 10);
    w.vote(&one, &randomness, HUB, 1..2, HASH).unwrap();
    w.unbond(21, &stake).unwrap();
    let anyone = w.account("anyone");
    let msg = fin::ExecuteMsg::Finalize { consumer: HUB.into(), limit: 1 };
    let response = w.finality(&anyone, &msg, &[]).unwrap();
    let changed = event(&response, "active_set_changed").unwrap();
    assert!(changed.attributes.iter().any(|a| a.key == "total" && a.value == "0"));
}

/// C17: a sum that would fall below nothing is a precise error; it changes nothing and stops nothing else.
#[test]
fn power_never_underflows() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    let stake = w.active(21, &[fp], 100_000, 100, 1);
    let change = fin::PowerChange {
        txid: stake.txid(),
        staker: w.staker_of(21).to_string(),
        sat: 100_001,
        fp_pks: vec![fp],
        added: false,
    };
    let (staking, before) = (w.staking.clone(), w.dump(&w.finality));
    let msg = fin::ExecuteMsg::PowerChanges { changes: vec![change] };
    assert!(w.finality(&staking, &msg, &[]).unwrap_err().contains("100001"));
    assert_eq!(w.dump(&w.finality), before);
    let randomness = w.commit(&one, HUB, 1, 10);
    w.vote(&one, &randomness, HUB, 1..3, HASH).unwrap();
    assert!(w.finalized(HUB, 2).finalized);
}

/// C22: what a slashed provider shares with others stops counting for them as well, at every consumer.
#[test]
fn a_shared_stake_falls_with_one_provider() {
    let mut w = World::new();
    let (one, two) = (w.provider(11, &[HUB]), w.provider(12, &[CONSUMER]));
    let fps = [public(&one.key), public(&two.key)];
    let shared = w.active(21, &fps, 100_000, 100, 1);
    let own = w.active(22, &fps[1..], 30_000, 100, 2);
    assert_eq!((w.power(HUB, fps[0]), w.power(CONSUMER, fps[1])), (100_000, 130_000));
    w.leak(&one).unwrap();
    assert_eq!(w.status(&shared), Status::Slashed);
    let anyone = w.account("anyone");
    w.stake(&anyone, &Msg::SweepSlashed { fp_pk: fps[0], limit: 10 }).unwrap();
    assert_eq!((w.power(HUB, fps[0]), w.power(CONSUMER, fps[1])), (0, 30_000));
    assert_eq!(w.status(&own), Status::Active);
    assert!(!w.info(CONSUMER, fps[1]).slashed);
    let again = w.stake(&anyone, &Msg::SweepSlashed { fp_pk: fps[0], limit: 10 });
    assert!(again.unwrap_err().contains("no items"));
    w.unbond(21, &shared).unwrap();
    assert_eq!(w.power(CONSUMER, fps[1]), 30_000);
}

/// D18: of 101 providers exactly 100 are active, ties decided by ascending key.
#[test]
fn the_active_set_is_cut_exactly() {
    let mut w = World::new();
    w.consumer("big", |c| c.max_active_providers = Some(100));
    let fps: Vec<_> = (100..=200u8).map(|byte| public(&w.provider(byte, &["big"]).key)).collect();
    for (salt, fp) in fps.iter().enumerate() {
        let salt = u8::try_from(salt).unwrap();
        let stake = w.register(21, &[*fp], 50_000, 1_000, salt);
        w.sign(&stake, 0..2);
        mine(&mut w.miner, std::slice::from_ref(&stake.tx));
    }
    w.mine(K);
    activate_all(&mut w);
    let set: fin::ActiveSet = w.ask(&fin::QueryMsg::ActiveSet { consumer: "big".into() });
    let mut expected = fps.clone();
    expected.sort();
    expected.pop();
    let found: Vec<_> = set.providers.iter().map(|p| p.fp_pk).collect();
    assert_eq!((found, set.total), (expected, 100 * 50_000));
}

/// Proves every verified delegation.
fn activate_all(w: &mut World) {
    use staking_api::staking::{Activation, DelegationFilter, Delegations, QueryMsg};
    let anyone = w.account("anyone");
    let filter = DelegationFilter { status: Some(Status::Verified), ..Default::default() };
    loop {
        let query = QueryMsg::Delegations { filter: filter.clone(), start_after: None, limit: Some(40) };
        let page: Delegations = w.ask_staking(&query);
        let prove = |d: &staking_api::staking::Delegation| {
            let proof = w.miner.proof(*d.txid.as_bytes()).unwrap();
            Activation { txid: d.txid, proof }
        };
        let items: Vec<_> = page.delegations.iter().map(prove).collect();
        if items.is_empty() {
            return;
        }
        w.stake(&anyone, &Msg::Activate { items }).unwrap();
    }
}

/// D23: without power nothing is final; the first stake lets the same height become final.
#[test]
fn no_power_finalises_nothing() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let anyone = w.account("anyone");
    let finalize = fin::ExecuteMsg::Finalize { consumer: HUB.into(), limit: 10 };
    assert!(w.finality(&anyone, &finalize, &[]).is_err());
    let found = w.finalized(HUB, 1);
    assert_eq!((found.finalized, found.power, found.total), (false, 0, 0));
    w.active(21, &[public(&one.key)], 50_000, 100, 1);
    let randomness = w.commit(&one, HUB, 1, 10);
    w.vote(&one, &randomness, HUB, 1..2, HASH).unwrap();
    assert!(w.finalized(HUB, 1).finalized);
}

/// F24: a stake that leaves in the block in which its provider leaves the active set is not counted on either way.
#[test]
fn leaving_with_the_provider_leaves_nothing_behind() {
    let mut w = World::new();
    w.consumer("small", |c| c.max_active_providers = Some(1));
    let (one, two) = (w.provider(11, &["small"]), w.provider(12, &["small"]));
    let fps = [public(&one.key), public(&two.key)];
    let first = w.active(21, &fps[..1], 100_000, 100, 1);
    let second = w.register(22, &fps[1..], 150_000, 100, 2);
    w.sign(&second, 0..2);
    mine(&mut w.miner, std::slice::from_ref(&second.tx));
    w.mine(K - 1);
    let tx = first.unbonding(&crate::world::actors::secret(21), 3);
    mine(&mut w.miner, std::slice::from_ref(&tx));
    w.relay();
    let block = w.app.block_info().height;
    w.activate(&second).unwrap();
    w.report_spend(&first, &tx, &[]).unwrap();
    assert_eq!(w.app.block_info().height, block);
    assert_eq!((w.power("small", fps[0]), w.power("small", fps[1])), (0, 150_000));
    assert_eq!(w.info("small", fps[0]).power, 0);
}

/// F5: a slashing is one fact; both contracts that keep providers tell the same.
#[test]
fn both_contracts_know_who_is_slashed() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB, CONSUMER]);
    let fp_pk = public(&one.key);
    w.leak(&one).unwrap();
    let query = staking_api::staking::QueryMsg::Provider { fp_pk };
    let known: Option<staking_api::staking::Provider> = w.ask_staking(&query);
    assert!(known.unwrap().slashed && w.info(HUB, fp_pk).slashed && w.info(CONSUMER, fp_pk).slashed);
}
