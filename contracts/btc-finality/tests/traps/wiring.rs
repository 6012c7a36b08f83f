//! Who may say what, before and after the contracts know each other; settings, pauses and the outbox.

use staking_api::finality as fin;
use staking_api::light_client as lc;
use staking_api::staking::{self, EditProvider, ExecuteMsg as Msg, QueryMsg, Status};
use staking_api::{Binary, Key};

use crate::HASH;
use crate::world::actors::{Stake, checked, mine, public, secret};
use crate::world::{CONSUMER, HUB, K, World, event};

/// F17: before btc-staking knows btc-finality, what needs it is refused, and nothing is half done.
#[test]
fn nothing_is_half_done_before_the_contracts_are_wired() {
    let mut w = World::unwired(|_| {}, 0);
    let (admin, owner) = (w.admin.clone(), w.owner_of(11));
    let before = w.dump(&w.staking);
    assert!(w.register_provider(11, &owner, &[HUB]).unwrap_err().contains("not been named"));
    let fp = public(&secret(11));
    let stake = w.plan(21, &[fp], 50_000, 100, 1);
    assert!(w.register_planned(21, &stake).is_err());
    let items = || vec![stake.covenant(&secret(1), None)];
    let covenant_pk = public(&secret(1));
    let edit = EditProvider { fp_pk: fp, commission_rate: None, description: None };
    let refused = [
        Msg::AddCovenantSignatures { covenant_pk, items: items() },
        Msg::Activate { items: vec![] },
        Msg::Undelegate { items: vec![] },
        Msg::Expire { limit: 5 },
        Msg::Quarantine { limit: 5 },
        Msg::SweepSlashed { fp_pk: fp, limit: 5 },
        Msg::Slash { fp_pk: fp },
        Msg::EditProvider(edit),
        Msg::RetireProvider { fp_pk: fp },
    ];
    for msg in refused {
        assert!(w.stake(&admin, &msg).is_err(), "{msg:?}");
    }
    assert_eq!(w.dump(&w.staking), before);
    let provider = crate::world::actors::Provider { key: secret(11) };
    assert!(w.try_commit(&provider, HUB, 1, 10).is_err());
    assert!(w.leak(&provider).is_err());
    let finality = Some(w.finality.to_string());
    w.stake(&admin, &Msg::SetPeers { finality: finality.clone(), vault: None }).unwrap();
    assert!(w.stake(&admin, &Msg::SetPeers { finality, vault: None }).unwrap_err().contains("named before"));
    w.register_provider(11, &owner, &[HUB]).unwrap();
}

/// F18: governance cannot invent power, providers, slashings or headers.
#[test]
fn the_admin_invents_nothing() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp_pk = public(&one.key);
    let stake = w.active(21, &[fp_pk], 50_000, 1_000, 1);
    let (admin, staker) = (w.admin.clone(), w.staker_of(21).to_string());
    let before = (w.dump(&w.staking), w.dump(&w.finality));
    let change = fin::PowerChange { txid: stake.txid(), staker, sat: 1, fp_pks: vec![fp_pk], added: true };
    let secret_key = (*one.key.to_even_secret().expose_secret()).into();
    let update = fin::ProviderUpdate {
        fp_pk: public(&secret(12)),
        owner: admin.to_string(),
        commission: "0.1".parse().unwrap(),
        consumers: vec![HUB.into()],
    };
    for msg in [
        fin::ExecuteMsg::PowerChanges { changes: vec![change] },
        fin::ExecuteMsg::ProviderUpdated(update),
        fin::ExecuteMsg::ProviderSlashed { fp_pk, secret_key },
    ] {
        assert!(w.finality(&admin, &msg, &[]).unwrap_err().contains("btc-staking"), "{msg:?}");
    }
    assert!(w.stake(&admin, &Msg::Slash { fp_pk }).unwrap_err().contains("not btc-finality"));
    assert_eq!((w.dump(&w.staking), w.dump(&w.finality)), before);
    assert!(w.submit(Binary(vec![0; 80])).is_err(), "headers without work");
}

/// Only governance governs, and what only an owner may do others may not.
#[test]
fn roles_are_asked_for() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp_pk = public(&one.key);
    let anyone = w.account("anyone");
    let edit = EditProvider { fp_pk, commission_rate: Some("0.15".parse().unwrap()), description: None };
    for msg in [
        Msg::AddParams { params: w.params.clone() },
        Msg::SetPeers { finality: None, vault: Some(anyone.to_string()) },
        Msg::SetPaused { paused: true },
        Msg::RetireProvider { fp_pk },
        Msg::UpdateAdmin { admin: Some(anyone.to_string()), guardian: None },
        Msg::EditProvider(edit),
    ] {
        assert!(w.stake(&anyone, &msg).is_err(), "{msg:?}");
    }
    let consumer = || HUB.to_string();
    for msg in [
        fin::ExecuteMsg::RegisterConsumer(crate::world::settings("new")),
        fin::ExecuteMsg::UpdateConsumer(crate::world::settings(HUB)),
        fin::ExecuteMsg::Resume { consumer: consumer(), jail: vec![fp_pk], next_height: Some(9) },
        fin::ExecuteMsg::SetPaused { consumer: consumer(), paused: true },
        fin::ExecuteMsg::SetVault { vault: anyone.to_string() },
        fin::ExecuteMsg::UpdateAdmin { admin: Some(anyone.to_string()), guardian: None },
        fin::ExecuteMsg::ClaimCommission { consumer: consumer(), fp_pk },
    ] {
        assert!(w.finality(&anyone, &msg, &[]).is_err(), "{msg:?}");
    }
    let (to, msg) = (w.light_client.clone(), lc::ExecuteMsg::SetPaused { paused: true });
    assert!(cw_multi_test::Executor::execute_contract(&mut w.app, anyone, to, &msg, &[]).is_err());
}

/// A guardian stops registration and activation; leaving, ending and slashing go on.
#[test]
fn a_pause_never_keeps_anybody_in() {
    let mut w = World::with_guardian();
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    let leaves = w.active(21, &[fp], 50_000, 1_000, 1);
    let ends = w.active(22, &[fp], 50_000, 30, 2);
    let waits = w.register(23, &[fp], 50_000, 1_000, 3);
    mine(&mut w.miner, std::slice::from_ref(&waits.tx));
    w.mine(30);
    let (guardian, anyone) = (w.account("guardian"), w.account("anyone"));
    w.stake(&guardian, &Msg::SetPaused { paused: true }).unwrap();
    let fresh = w.plan(24, &[fp], 50_000, 1_000, 4);
    assert!(w.register_planned(24, &fresh).unwrap_err().contains("paused"));
    assert!(w.sign_one(&waits, 0).unwrap_err().contains("paused"));
    assert!(w.activate(&waits).unwrap_err().contains("paused"));
    let owner = w.owner_of(12);
    assert!(w.register_provider(12, &owner, &[HUB]).unwrap_err().contains("paused"));
    w.unbond(21, &leaves).unwrap();
    w.stake(&anyone, &Msg::Expire { limit: 5 }).unwrap();
    assert_eq!([&leaves, &ends].map(|s| w.status(s)), [Status::Unbonded, Status::Expired]);
    assert_eq!(w.info(HUB, fp).power, 0);
    w.leak(&one).unwrap();
    assert!(w.stake(&guardian, &Msg::SetPaused { paused: false }).is_err());
    let admin = w.admin.clone();
    w.stake(&admin, &Msg::SetPaused { paused: false }).unwrap();
    let config: staking::Config = w.ask_staking(&QueryMsg::Config {});
    assert!(!config.paused);
}

/// Commission: within its own bounds and the parameters', once a day, by no more than was promised.
#[test]
fn a_commission_keeps_its_promises() {
    let mut w = World::new();
    w.provider(11, &[HUB]);
    let (owner, fp_pk) = (w.owner_of(11), public(&secret(11)));
    let edit = |rate: &str| {
        let commission_rate = Some(rate.parse().unwrap());
        Msg::EditProvider(EditProvider { fp_pk, commission_rate, description: None })
    };
    assert!(w.stake(&owner, &edit("0.15")).unwrap_err().contains("next change from"));
    w.mine(144);
    for (rate, why) in [("0.6", "above the maximum"), ("0.001", "below"), ("0.3", "more than allowed")] {
        assert!(w.stake(&owner, &edit(rate)).unwrap_err().contains(why), "{rate}");
    }
    w.stake(&owner, &edit("0.2")).unwrap();
    assert!(w.stake(&owner, &edit("0.2")).unwrap_err().contains("next change from"));
    assert_eq!(w.info(HUB, fp_pk).commission, "0.2".parse().unwrap());
    let description = Some(staking::Description { moniker: "m".repeat(71), ..Default::default() });
    let msg = Msg::EditProvider(EditProvider { fp_pk, commission_rate: None, description });
    assert!(w.stake(&owner, &msg).unwrap_err().contains("71 bytes"));
    let bad = |w: &World, change: fn(&mut staking::RegisterProvider)| {
        let owner = w.owner_of(12);
        let Msg::RegisterProvider(mut msg) = w.provider_registration(12, &owner, &[HUB]) else {
            unreachable!("that is what was made")
        };
        change(&mut msg);
        Msg::RegisterProvider(msg)
    };
    let owner = w.owner_of(12);
    let changes: [fn(&mut staking::RegisterProvider); 6] = [
        |m| m.commission.max_rate = "1.1".parse().unwrap(),
        |m| m.commission.rate = "0.6".parse().unwrap(),
        |m| m.commission.rate = "0.001".parse().unwrap(),
        |m| m.commission.max_change_rate = "0.6".parse().unwrap(),
        |m| m.consumers.clear(),
        |m| m.consumers = vec!["nowhere".into()],
    ];
    for change in changes {
        let msg = bad(&w, change);
        assert!(w.stake(&owner, &msg).is_err(), "{msg:?}");
    }
}

/// One stake serves several consumers by several providers, but none twice.
#[test]
fn no_two_providers_of_a_stake_serve_one_consumer() {
    let mut w = World::new();
    let (both, here, there) =
        (w.provider(11, &[HUB, CONSUMER]), w.provider(12, &[HUB]), w.provider(13, &[CONSUMER]));
    let [both, here, there] = [both, here, there].map(|p| public(&p.key));
    for fps in [[both, here], [both, there]] {
        let stake = w.plan(21, &fps, 50_000, 1_000, 1);
        assert!(w.register_planned(21, &stake).unwrap_err().contains("both serve"));
    }
    w.active(21, &[here, there], 50_000, 1_000, 2);
    assert_eq!([w.power(HUB, here), w.power(CONSUMER, there), w.power(HUB, there)], [50_000, 50_000, 0]);
}

/// What the vault refuses waits in the outbox, in order, and holds up no unbonding.
#[test]
fn a_vault_that_refuses_holds_up_no_unbonding() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let vault = w.add_vault();
    w.vault_refuses(&vault, true);
    let stake = w.active(21, &[fp], 50_000, 1_000, 1);
    w.unbond(21, &stake).unwrap();
    assert_eq!((w.power(HUB, fp), w.status(&stake)), (0, Status::Unbonded));
    let waiting = |w: &World| {
        let query = QueryMsg::Outbox { start_after: None, limit: None };
        w.ask_staking::<staking::Outbox>(&query).items.len()
    };
    assert_eq!(waiting(&w), 2);
    let anyone = w.account("anyone");
    w.stake(&anyone, &Msg::Retry { limit: 1 }).unwrap();
    assert_eq!(waiting(&w), 2);
    w.vault_refuses(&vault, false);
    w.stake(&anyone, &Msg::Retry { limit: 1 }).unwrap();
    assert_eq!(waiting(&w), 1);
    w.stake(&anyone, &Msg::Retry { limit: 9 }).unwrap();
    assert_eq!(waiting(&w), 0);
    assert_eq!(w.vault_told(&vault), ["delegation_active", "delegation_unbonding"]);
}

/// Every list is read page by page, and the pages together are the whole.
#[test]
fn pages_together_are_the_whole() {
    let mut w = World::new();
    let fps: Vec<Key> = (11..=17u8).map(|byte| public(&w.provider(byte, &[HUB]).key)).collect();
    let stakes: Vec<_> = (1..=7u8).map(|i| w.register(21, &fps[..1], 50_000, 100, i).txid()).collect();
    let mut found = Vec::new();
    let mut start_after = None;
    loop {
        let query = QueryMsg::Delegations { filter: Default::default(), start_after, limit: Some(3) };
        let page: staking::Delegations = w.ask_staking(&query);
        assert!(page.delegations.len() <= 3);
        found.extend(page.delegations.iter().map(|d| d.txid));
        start_after = page.next;
        if start_after.is_none() {
            break;
        }
    }
    let sorted = |mut list: Vec<staking_api::Txid>| {
        list.sort_by_key(|txid| *txid.as_bytes());
        list
    };
    assert_eq!(sorted(found), sorted(stakes));
    let (mut providers, mut infos) = (Vec::new(), Vec::new());
    loop {
        let start_after = providers.last().copied();
        let page: staking::Providers = w.ask_staking(&QueryMsg::Providers { start_after, limit: Some(3) });
        let start_after = infos.last().copied();
        let query = fin::QueryMsg::Providers { consumer: HUB.into(), start_after, limit: Some(3) };
        let page_of_infos: fin::ProviderInfos = w.ask(&query);
        if page.providers.is_empty() && page_of_infos.providers.is_empty() {
            break;
        }
        providers.extend(page.providers.iter().map(|p| p.fp_pk));
        infos.extend(page_of_infos.providers.iter().map(|p| p.fp_pk));
    }
    // btc-staking lists by key, btc-finality in the order in which they came.
    let mut sorted = fps.clone();
    sorted.sort();
    assert_eq!((&providers, &infos), (&sorted, &fps));
    let consumers: fin::Consumers = w.ask(&fin::QueryMsg::Consumers { start_after: None, limit: Some(1) });
    let after = Some(consumers.consumers[0].id.clone());
    let rest: fin::Consumers = w.ask(&fin::QueryMsg::Consumers { start_after: after, limit: Some(5) });
    assert_eq!((consumers.consumers[0].id.as_str(), rest.consumers[0].id.as_str()), (CONSUMER, HUB));
}

/// A22, A23: M of N holders; fewer than M signatures, at registration or in a spend, are too few.
#[test]
fn several_holders_share_a_stake() {
    let mut w = World::with(|p| (p.max_staker_num, p.max_staker_quorum) = (3, 2), 0);
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    let keys = [secret(21), secret(41), secret(42)];
    let stake = Stake::plan_multi(&checked(&w.params), &keys, 2, &[fp], 50_000, 1_000, 1);
    let good = w.registration_multi(21, &stake, &keys, 2, 1);
    let owner = w.staker_of(21);
    let alone = w.registration_multi(21, &stake, &keys, 2, 0);
    assert!(w.stake(&owner, &Msg::RegisterDelegation(alone)).is_err());
    let mut lower = good.clone();
    lower.multisig.as_mut().unwrap().quorum = 1;
    assert!(w.stake(&owner, &Msg::RegisterDelegation(lower)).is_err());
    w.stake(&owner, &Msg::RegisterDelegation(good)).unwrap();
    w.sign(&stake, 0..2);
    w.confirm(&stake);
    assert_eq!(w.power(HUB, fp), 50_000);
    let randomness = w.commit(&one, HUB, 1, 10);
    w.vote(&one, &randomness, HUB, 1..2, HASH).unwrap();
    let tx = stake.unbonding_multi(&checked(&w.params), &keys[1..], &w.members[..2]);
    let mut silent = tx.clone();
    for item in silent.inputs[0].witness.iter_mut().skip(3).take(3) {
        item.clear();
    }
    mine(&mut w.miner, std::slice::from_ref(&tx));
    w.mine(K);
    assert!(w.report_spend(&stake, &silent, &[]).is_err(), "nobody signed");
    let response = w.report_spend(&stake, &tx, &[]).unwrap();
    assert!(event(&response, "delegation_unbonded").is_some());
    assert_eq!(w.power(HUB, fp), 0);
}
