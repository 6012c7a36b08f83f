//! Bitcoin changes its mind: what was proven is in question, and nothing is proven by a chain that is not fresh.

use staking_api::staking::{Config, ExecuteMsg as Msg, QueryMsg, Status};

use crate::world::actors::{activation, mine, public, secret, spend};
use crate::world::{HUB, K, World, event};

fn quarantine(w: &mut World, limit: u32) -> Result<cw_multi_test::AppResponse, String> {
    let anyone = w.account("anyone");
    w.stake(&anyone, &Msg::Quarantine { limit })
}

/// Replaces the last blocks by as many empty ones and one more.
fn fork_off(w: &mut World, depth: u32) {
    let fork = w.miner.height() - depth;
    let mut branch = w.miner.fork(fork);
    branch.mine_empty(depth + 1);
    w.reorg(branch, fork);
}

fn pending(w: &World) -> bool {
    w.ask_staking::<Config>(&QueryMsg::Config {}).reorg_pending
}

/// E1: while the light client lags behind, a private fork on its stale tip proves neither stakes nor spends.
#[test]
fn a_stale_tip_proves_nothing() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let active = w.active(21, &[fp], 50_000, 1_000, 1);
    let fake = w.register(22, &[fp], 50_000, 1_000, 2);
    w.sign(&fake, 0..2);
    w.halt(8 * 3600);
    let exit = active.unbonding(&secret(21), 3);
    mine(&mut w.miner, &[fake.tx.clone(), exit.clone()]);
    w.miner.mine_empty(K);
    w.relay();
    assert!(w.activate(&fake).unwrap_err().contains("stale"));
    let anyone = w.account("anyone");
    let items = vec![spend(&w.miner, &active, &exit, &[])];
    assert!(w.stake(&anyone, &Msg::Undelegate { items }).unwrap_err().contains("stale"));
    let late = w.plan(23, &[fp], 50_000, 1_000, 3);
    mine(&mut w.miner, std::slice::from_ref(&late.tx));
    w.miner.mine_empty(K);
    w.relay();
    assert!(w.register_with_proof(23, &late).unwrap_err().contains("stale"));
    assert_eq!(w.power(HUB, fp), 50_000);
    // Headers up to the present: the same proofs are good.
    w.miner.mine_empty(45);
    w.relay();
    w.activate(&fake).unwrap();
    assert_eq!(w.power(HUB, fp), 100_000);
}

/// E4: reorgs of depth 1, k − 1, k and 2k. Below k deep nothing is in question; from there on who was included above
/// the fork point counts no more until it is proven anew.
#[test]
fn deep_reorgs_quarantine_what_they_took() {
    for depth in [1, K - 1, K, K + 1, 2 * K] {
        let deep = depth >= K;
        let mut w = World::new();
        let fp = public(&w.provider(11, &[HUB]).key);
        let vault = w.add_vault();
        let below = w.active(21, &[fp], 50_000, 1_000, 1);
        w.mine(3 * K);
        let above = w.active(22, &[fp], 70_000, 1_000, 2);
        fork_off(&mut w, depth);
        assert_eq!(pending(&w), deep, "depth {depth}");
        if !deep {
            assert!(quarantine(&mut w, 10).is_err());
            assert_eq!(w.power(HUB, fp), 120_000);
            continue;
        }
        if depth == K {
            // The stake was k deep, so its block is the fork point itself.
            quarantine(&mut w, 10).unwrap();
            assert_eq!((pending(&w), w.power(HUB, fp)), (false, 120_000));
            continue;
        }
        let idle = w.register(23, &[fp], 50_000, 1_000, 3);
        w.sign(&idle, 0..2);
        assert!(!w.miner.has(above.tx.txid().0), "depth {depth}");
        mine(&mut w.miner, &[above.tx.clone(), idle.tx.clone()]);
        w.mine(K);
        assert!(w.activate(&idle).unwrap_err().contains("waits for quarantine"));
        let response = quarantine(&mut w, 10).unwrap();
        assert!(event(&response, "delegation_quarantined").is_some());
        assert!(!pending(&w));
        assert_eq!((w.power(HUB, fp), w.status(&above)), (50_000, Status::Quarantined));
        let response = w.activate(&above).unwrap();
        assert!(event(&response, "delegation_requalified").is_some());
        w.activate(&idle).unwrap();
        assert_eq!([&below, &above, &idle].map(|stake| w.status(stake)), [Status::Active; 3]);
        assert_eq!(w.power(HUB, fp), 170_000);
        let told = w.vault_told(&vault);
        assert_eq!(told.iter().filter(|kind| *kind == "delegation_active").count(), 3);
        assert!(told.ends_with(&["delegation_requalified".into(), "delegation_active".into()]));
    }
}

/// A sweep goes on from message to message, and takes each delegation once.
#[test]
fn the_sweep_after_a_deep_reorg_goes_on_where_it_stopped() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stakes: Vec<_> = (1..=7u8)
        .map(|salt| {
            let stake = w.register(20 + salt, &[fp], 50_000, 100 + u16::from(salt), salt);
            w.sign(&stake, 0..2);
            stake
        })
        .collect();
    let txs: Vec<_> = stakes.iter().map(|stake| stake.tx.clone()).collect();
    mine(&mut w.miner, &txs);
    w.mine(K);
    let items: Vec<_> = stakes.iter().map(|stake| activation(&w.miner, stake)).collect();
    let anyone = w.account("anyone");
    w.stake(&anyone, &Msg::Activate { items }).unwrap();
    assert_eq!(w.power(HUB, fp), 350_000);
    fork_off(&mut w, K + 1);
    for left in [250_000, 150_000, 50_000] {
        quarantine(&mut w, 2).unwrap();
        assert_eq!(w.info(HUB, fp).power, left);
        assert!(pending(&w));
    }
    quarantine(&mut w, 2).unwrap();
    assert_eq!((w.info(HUB, fp).power, pending(&w)), (0, false));
    assert!(quarantine(&mut w, 2).is_err());
}

/// A quorum that is complete while a deep reorg waits does not count, and is not lost: a new proof lets it count, and
/// the vault hears of it.
#[test]
fn a_quorum_during_a_pending_reorg_is_not_lost() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let vault = w.add_vault();
    let early = w.register_mined(21, &[fp], 50_000, 1_000, 1);
    w.sign(&early, 0..1);
    w.mine(3 * K);
    fork_off(&mut w, K + 1);
    w.sign_one(&early, 1).unwrap();
    assert_eq!(w.power(HUB, fp), 0);
    quarantine(&mut w, 10).unwrap();
    w.activate(&early).unwrap();
    assert_eq!(w.power(HUB, fp), 50_000);
    assert_eq!(w.vault_told(&vault), ["delegation_active"]);
}

/// A delegation that a deep reorg put into question before it ever counted is new to the vault when it counts.
#[test]
fn quarantine_before_the_quorum_does_not_hide_a_stake_from_the_vault() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let vault = w.add_vault();
    w.mine(3 * K);
    let early = w.register_mined(21, &[fp], 50_000, 1_000, 1);
    w.sign(&early, 0..1);
    fork_off(&mut w, K + 1);
    quarantine(&mut w, 10).unwrap();
    w.sign_one(&early, 1).unwrap();
    assert_eq!((w.power(HUB, fp), w.status(&early)), (0, Status::Quarantined));
    mine(&mut w.miner, std::slice::from_ref(&early.tx));
    w.mine(K);
    let response = w.activate(&early).unwrap();
    assert!(event(&response, "delegation_active").is_some());
    assert_eq!((w.power(HUB, fp), w.vault_told(&vault)), (50_000, vec!["delegation_active".to_string()]));
}

/// Whoever expired does not come back when a shallow reorg lowers the tip below its expiry height.
#[test]
fn an_expired_delegation_stays_so() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = w.active(21, &[fp], 50_000, 40, 1);
    let end = w.delegation(stake.txid()).end_height.unwrap();
    let missing = end - 10 - w.miner.height();
    w.mine(missing);
    let anyone = w.account("anyone");
    w.stake(&anyone, &Msg::Expire { limit: 5 }).unwrap();
    assert!(w.activate(&stake).unwrap_err().contains("Expired"));
    assert_eq!(w.info(HUB, fp).power, 0);
}
