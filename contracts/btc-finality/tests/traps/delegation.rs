//! Life of a delegation: what counts, from when, until when, and once.

use staking_api::staking::{ExecuteMsg as Msg, PossessionKind, QueryMsg, Status};
use staking_api::{Binary, Key, staking};

use crate::world::actors::{self, activation, checked, mine, public, secret, spend};
use crate::world::{CONSUMER, HUB, K, World, event};
use crate::{HASH, OTHER};

/// Blocks of unbonding in the parameters of [`World`].
const UNBONDING: u32 = 10;

fn expire(w: &mut World) -> Result<(), String> {
    let anyone = w.account("anyone");
    w.stake(&anyone, &Msg::Expire { limit: 100 }).map(drop)
}

/// Mines empty blocks up to a height.
fn mine_to(w: &mut World, height: u32) {
    let missing = height - w.miner.height();
    w.mine(missing);
}

/// C3: without a quorum nothing was added, so the end takes nothing away.
#[test]
fn who_never_counted_expires_without_a_trace() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    w.active(21, &[fp], 100_000, 200, 1);
    let vault = w.add_vault();
    let never = w.register_mined(22, &[fp], 70_000, 30, 2);
    w.sign(&never, 0..1);
    let end = w.delegation(never.txid()).end_height.unwrap();
    mine_to(&mut w, end - UNBONDING);
    let before = w.vault_told(&vault);
    expire(&mut w).unwrap();
    assert_eq!((w.power(HUB, fp), w.info(HUB, fp).power), (100_000, 100_000));
    assert_eq!(w.vault_told(&vault), before);
    assert!(expire(&mut w).unwrap_err().contains("no items"));
}

/// C4: a quorum that is complete exactly at the expiry height comes too late, one block earlier it counts.
#[test]
fn a_quorum_at_the_expiry_height_is_too_late() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    let [late, last] = [1, 2].map(|salt| {
        let stake = w.register_mined(20 + salt, &[fp], 50_000, 40, salt);
        w.sign(&stake, 0..1);
        stake
    });
    let edge = |w: &World, stake| w.delegation(stake).end_height.unwrap() - UNBONDING;
    let at = edge(&w, late.txid());
    mine_to(&mut w, at);
    assert!(w.sign_one(&late, 1).unwrap_err().contains("Expired"));
    assert_eq!(w.info(HUB, fp).power, 0);
    let at = edge(&w, last.txid());
    mine_to(&mut w, at - 1);
    w.sign_one(&last, 1).unwrap();
    assert_eq!((w.status(&last), w.power(HUB, fp)), (Status::Active, 50_000));
    w.mine(1);
    expire(&mut w).unwrap();
    assert_eq!((w.status(&last), w.power(HUB, fp)), (Status::Expired, 0));
}

/// C5, F7: expiry and spend of one delegation in one block take its power once, in either order.
#[test]
fn expiry_and_spend_in_one_block_take_power_once() {
    for expire_first in [true, false] {
        let mut w = World::new();
        let one = w.provider(11, &[HUB]);
        let fp = public(&one.key);
        w.active(21, &[fp], 100_000, 200, 1);
        let stake = w.active(22, &[fp], 30_000, 40, 2);
        let end = w.delegation(stake.txid()).end_height.unwrap();
        mine_to(&mut w, end - UNBONDING - 1);
        let tx = stake.unbonding(&secret(22), 3);
        mine(&mut w.miner, std::slice::from_ref(&tx));
        w.relay();
        let block = w.app.block_info().height;
        if expire_first {
            expire(&mut w).unwrap();
            assert_eq!(w.power(HUB, fp), 100_000);
            w.report_spend(&stake, &tx, &[]).unwrap();
        } else {
            w.report_spend(&stake, &tx, &[]).unwrap();
            assert_eq!(w.power(HUB, fp), 100_000);
            expire(&mut w).unwrap();
        }
        assert_eq!(w.app.block_info().height, block);
        assert_eq!((w.power(HUB, fp), w.status(&stake)), (100_000, Status::Unbonded));
    }
}

/// C6: a spend of a delegation that has a proof and no quorum moves no power, and the vault, which was never told
/// of it, hears nothing.
#[test]
fn a_pending_delegation_with_a_proof_leaves_without_a_trace() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    w.active(21, &[fp], 100_000, 200, 1);
    let vault = w.add_vault();
    let pending = w.register_mined(22, &[fp], 70_000, 100, 2);
    w.unbond(22, &pending).unwrap();
    assert_eq!((w.power(HUB, fp), w.status(&pending)), (100_000, Status::Unbonded));
    assert!(w.vault_told(&vault).is_empty());
}

/// C7: with a proof the version is that of the block with the stake, without one that of the tip.
#[test]
fn parameters_are_chosen_by_height() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let from = w.miner.height() + 10;
    let mut next = w.params.clone();
    (next.btc_activation_height, next.unbonding_time_blocks) = (from, 12);
    let admin = w.admin.clone();
    w.stake(&admin, &Msg::AddParams { params: next.clone() }).unwrap();
    let (old, new) = (checked(&w.params), checked(&next));
    let plan = |params, salt| actors::Stake::plan(params, &secret(21), &[fp], 50_000, 100, salt);

    mine_to(&mut w, from - 2);
    let [before, at] = [plan(&old, 1), plan(&new, 2)];
    mine(&mut w.miner, std::slice::from_ref(&before.tx));
    w.relay();
    assert_eq!(w.miner.height(), from - 1);
    let tip_before = plan(&old, 3);
    assert!(w.register_planned(21, &plan(&new, 4)).is_err(), "the last block of the old version");
    w.register_planned(21, &tip_before).unwrap();
    mine(&mut w.miner, std::slice::from_ref(&at.tx));
    w.relay();
    let tip_at = plan(&new, 5);
    assert!(w.register_planned(21, &plan(&old, 6)).is_err(), "the first block of the new version");
    w.register_planned(21, &tip_at).unwrap();
    w.mine(K);
    w.register_with_proof(21, &before).unwrap();
    w.register_with_proof(21, &at).unwrap();
    let version = |w: &World, stake: &actors::Stake| w.delegation(stake.txid()).params_version;
    assert_eq!([&before, &tip_before, &at, &tip_at].map(|stake| version(&w, stake)), [0, 0, 1, 1]);
}

/// C8, A16, F6: the edge is the end less the unbonding time of the delegation's own parameters, not less k.
#[test]
fn a_delegation_counts_until_its_own_unbonding_time_before_the_end() {
    for unbonding in [5u16, 17] {
        let mut w = World::with(|params| params.unbonding_time_blocks = u32::from(unbonding), 0);
        let fp = public(&w.provider(11, &[HUB]).key);
        let stake = w.active(21, &[fp], 50_000, 60, 1);
        let end = w.delegation(stake.txid()).end_height.unwrap();
        mine_to(&mut w, end - u32::from(unbonding) - 1);
        assert_eq!(w.status(&stake), Status::Active);
        assert!(expire(&mut w).is_err());
        w.mine(1);
        assert_eq!(w.status(&stake), Status::Expired);
        expire(&mut w).unwrap();
        assert_eq!(w.power(HUB, fp), 0);
        // A proof that leaves no more than the unbonding time is refused.
        let stake = w.register(22, &[fp], 50_000, 40, 2);
        w.sign(&stake, 0..2);
        mine(&mut w.miner, std::slice::from_ref(&stake.tx));
        w.relay();
        let edge = w.miner.height() + 40 - u32::from(unbonding);
        mine_to(&mut w, edge);
        assert!(w.activate(&stake).unwrap_err().contains("too few blocks left"));
    }
}

/// C9: each field of a registration that is empty, short or from elsewhere is refused, and nothing panics.
#[test]
fn malformed_registrations_are_refused() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = actors::Stake::plan(&checked(&w.params), &secret(21), &[fp], 50_000, 100, 1);
    let good = w.registration(21, &stake);
    let owner = w.staker_of(21);
    type Change = fn(&mut staking::RegisterDelegation);
    let changes: &[(&str, Change)] = &[
        ("staker key", |m| m.staker_pk = Key::from_bytes([0xff; 32])),
        ("possession", |m| m.pop.signature = Binary(vec![])),
        ("kind of possession", |m| m.pop.kind = PossessionKind::Bip322),
        ("no providers", |m| m.fp_pks.clear()),
        ("unknown provider", |m| m.fp_pks = vec![public(&secret(99))]),
        ("provider twice", |m| m.fp_pks.push(m.fp_pks[0])),
        ("staker as provider", |m| m.fp_pks = vec![m.staker_pk]),
        ("no time", |m| m.staking_time = 0),
        ("other time", |m| m.staking_time += 1),
        ("no value", |m| m.staking_value_sat = 0),
        ("all values", |m| m.staking_value_sat = u64::MAX),
        ("no transaction", |m| m.staking_tx = Binary(vec![])),
        ("cut transaction", |m| m.staking_tx = Binary(m.staking_tx.0[..40].to_vec())),
        ("trailing byte", |m| m.staking_tx.0.push(0)),
        ("no signature", |m| m.slashing_signature = Binary(vec![])),
        ("zero signature", |m| m.unbonding_slashing_signature = Binary(vec![0; 64])),
        ("swapped signatures", |m| {
            std::mem::swap(&mut m.slashing_signature, &mut m.unbonding_slashing_signature);
        }),
        ("unknown previous stake", |m| {
            let (previous_txid, funding_tx) = ([9; 32].into(), Binary(vec![]));
            m.expansion = Some(staking::Expansion { previous_txid, funding_tx });
        }),
        ("empty proof", |m| {
            let (header, siblings) = (Binary(vec![]), Binary(vec![]));
            m.inclusion = Some(staking::InclusionProof { header, height: 0, index: 0, siblings });
        }),
        ("multisig of nobody", |m| {
            m.multisig = Some(staking::MultisigStaker { other_pks: vec![], quorum: 0, signatures: vec![] });
        }),
    ];
    for (what, change) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(w.stake(&owner, &Msg::RegisterDelegation(bad)).is_err(), "{what}");
    }
    w.stake(&owner, &Msg::RegisterDelegation(good)).unwrap();
}

/// C10: a proof, a signature or a spend that comes again changes nothing.
#[test]
fn what_is_told_twice_counts_once() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = w.active(21, &[fp], 50_000, 100, 1);
    let before = (w.dump(&w.staking), w.dump(&w.finality));
    assert!(w.activate(&stake).unwrap_err().contains("Active"));
    assert!(w.sign_one(&stake, 0).unwrap_err().contains("signed already"));
    assert!(w.register_planned(21, &stake).unwrap_err().contains("registered already"));
    assert_eq!((w.dump(&w.staking), w.dump(&w.finality)), before);
    w.unbond(21, &stake).unwrap();
    assert!(w.unbond(21, &stake).unwrap_err().contains("Unbonded"));
    assert_eq!(w.info(HUB, fp).power, 0);
}

/// C15: a provider that governance retired takes no new stake, in no message; what it holds goes on.
#[test]
fn a_retired_provider_takes_no_new_stake() {
    let mut w = World::new();
    let one = w.provider(11, &[HUB]);
    let fp = public(&one.key);
    let stake = w.active(21, &[fp], 100_000, 200, 1);
    let (admin, anyone) = (w.admin.clone(), w.account("anyone"));
    assert!(w.stake(&anyone, &Msg::RetireProvider { fp_pk: fp }).unwrap_err().contains("not the admin"));
    let response = w.stake(&admin, &Msg::RetireProvider { fp_pk: fp }).unwrap();
    assert!(event(&response, "provider_retired").is_some());
    let params = checked(&w.params);
    let fresh = actors::Stake::plan(&params, &secret(22), &[fp], 50_000, 100, 2);
    assert!(w.register_planned(22, &fresh).unwrap_err().contains("is retired"));
    mine(&mut w.miner, std::slice::from_ref(&fresh.tx));
    w.mine(K);
    assert!(w.register_with_proof(22, &fresh).unwrap_err().contains("is retired"));
    let funding = actors::coins(5, 90_000);
    let child = stake.expand(&params, &secret(21), &[fp], 110_000, 150, &funding);
    assert!(w.register_expansion(21, &stake, &child, &funding).unwrap_err().contains("is retired"));
    assert!(w.register_provider(11, &anyone, &[HUB]).is_err(), "the key stays taken");
    let randomness = w.commit(&one, HUB, 1, 10);
    w.vote(&one, &randomness, HUB, 1..3, HASH).unwrap();
    assert!(w.finalized(HUB, 2).finalized);
}

/// C18: signatures after the quorum are kept, one record each, and no more than there are members.
#[test]
fn late_signatures_are_kept_once_each() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = w.active(21, &[fp], 50_000, 100, 1);
    let before = w.dump(&w.staking).len();
    w.sign_one(&stake, 2).unwrap();
    assert_eq!(w.dump(&w.staking).len(), before + 1);
    for member in 0..3 {
        assert!(w.sign_one(&stake, member).is_err());
    }
    assert_eq!(w.dump(&w.staking).len(), before + 1);
    assert_eq!((w.delegation(stake.txid()).covenant_signers, w.power(HUB, fp)), (3, 50_000));
}

/// C19: a member's second set of signatures is an error, though its bytes differ.
#[test]
fn a_member_signs_once() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = w.register(21, &[fp], 50_000, 100, 1);
    w.sign(&stake, 0..1);
    let digest = stake.presigned.sighashes().unbonding.0;
    let mut again = stake.covenant(&w.members[0], None);
    let other = staking_crypto::bip340::sign(&w.members[0], &digest, &[9; 32]).to_bytes().to_vec();
    assert_ne!(again.unbonding.0, other);
    again.unbonding = Binary(other);
    let (admin, covenant_pk) = (w.admin.clone(), public(&w.members[0]));
    let msg = Msg::AddCovenantSignatures { covenant_pk, items: vec![again] };
    assert!(w.stake(&admin, &msg).unwrap_err().contains("signed already"));
    assert_eq!(w.status(&stake), Status::Pending);
}

/// C20: a reorg that takes the spend away does not bring the delegation back, nor can it be registered again.
#[test]
fn a_spend_that_is_reorganised_away_stays_told() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = w.active(21, &[fp], 50_000, 100, 1);
    w.unbond(21, &stake).unwrap();
    let fork = w.miner.height() - 1;
    let mut branch = w.miner.fork(fork);
    branch.mine_empty(2);
    w.reorg(branch, fork);
    assert!(!w.miner.has(stake.unbonding(&secret(21), 3).txid().0));
    assert_eq!((w.status(&stake), w.power(HUB, fp)), (Status::Unbonded, 0));
    assert!(w.activate(&stake).unwrap_err().contains("Unbonded"));
    assert!(w.register_planned(21, &stake).unwrap_err().contains("registered already"));
}

/// C21: whoever sees a spend may report it, by whichever path it left.
#[test]
fn anyone_reports_a_spend_and_an_unexpected_one_is_named_so() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = w.active(21, &[fp], 50_000, 100, 1);
    let tx = stake.forced_exit(&secret(21), 3);
    let response = w.report_spend(&stake, &tx, &[]).unwrap();
    let told = event(&response, "delegation_unbonded").unwrap();
    assert!(told.attributes.iter().any(|a| a.key == "kind" && a.value == "unexpected"));
    assert_eq!((w.status(&stake), w.power(HUB, fp)), (Status::Unbonded, 0));
}

/// C23: a stake that was mined before its registration must bring its proof along; it cannot choose parameters by
/// pretending to be new.
#[test]
fn a_mined_stake_cannot_be_registered_as_a_new_one() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = actors::Stake::plan(&checked(&w.params), &secret(21), &[fp], 50_000, 100, 1);
    mine(&mut w.miner, std::slice::from_ref(&stake.tx));
    w.mine(K);
    w.register_planned(21, &stake).unwrap();
    w.sign(&stake, 0..2);
    assert!(w.activate(&stake).unwrap_err().contains("before the registration"));
    assert_eq!(w.power(HUB, fp), 0);
}

/// F3, F8: in a batch each item stands for itself; one that is unknown or bad undoes no other.
#[test]
fn one_bad_item_undoes_no_other() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let [a, b] = [1, 2].map(|salt| w.register(20 + salt, &[fp], 50_000, 100, salt));
    let mut unknown = a.covenant(&w.members[0], None);
    unknown.txid = [9; 32].into();
    let mut spoilt = b.covenant(&w.members[0], None);
    spoilt.unbonding.0[5] ^= 1;
    let (admin, covenant_pk) = (w.admin.clone(), public(&w.members[0]));
    let items = vec![unknown, spoilt.clone(), a.covenant(&w.members[0], None)];
    let response = w.stake(&admin, &Msg::AddCovenantSignatures { covenant_pk, items }).unwrap();
    let refused = response.events.iter().filter(|e| e.ty == "wasm-item_refused").count();
    assert_eq!((refused, w.delegation(a.txid()).covenant_signers), (2, 1));
    assert!(w.stake(&admin, &Msg::AddCovenantSignatures { covenant_pk, items: vec![spoilt] }).is_err());
    for stake in [&a, &b] {
        let missing = 3 - w.delegation(stake.txid()).covenant_signers as usize;
        w.sign(stake, 3 - missing..3);
        mine(&mut w.miner, std::slice::from_ref(&stake.tx));
    }
    w.mine(K);
    let mut nowhere = activation(&w.miner, &b);
    nowhere.txid = [9; 32].into();
    let items = vec![nowhere, activation(&w.miner, &a), activation(&w.miner, &b)];
    w.stake(&admin, &Msg::Activate { items }).unwrap();
    assert_eq!(w.power(HUB, fp), 100_000);
    let tx = a.unbonding(&secret(21), 3);
    mine(&mut w.miner, std::slice::from_ref(&tx));
    w.relay();
    let mut stranger = spend(&w.miner, &a, &tx, &[]);
    stranger.txid = [9; 32].into();
    let items = vec![stranger, spend(&w.miner, &a, &tx, &[])];
    w.stake(&admin, &Msg::Undelegate { items }).unwrap();
    assert_eq!(w.power(HUB, fp), 50_000);
}

/// F11: a provider's three-hundredth delegation costs as many bytes as its third.
#[test]
fn no_record_grows_with_the_number_of_delegations() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let size = |w: &World| w.dump(&w.staking).iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
    let mut grown = Vec::new();
    for number in 0..300u32 {
        let before = size(&w);
        let value = 50_000 + u64::from(number);
        w.register(21, &[fp], value, 100, u8::try_from(number % 250).unwrap());
        grown.push(size(&w) - before);
    }
    assert_eq!(grown[2], grown[299]);
    let query = QueryMsg::Delegations { filter: Default::default(), start_after: None, limit: Some(7) };
    let page: staking::Delegations = w.ask_staking(&query);
    assert!(page.delegations.len() == 7 && page.next.is_some());
}

/// G4: members sign under the parameters of the registration, though others hold meanwhile.
#[test]
fn parameters_of_a_registration_do_not_change() {
    let mut w = World::new();
    let fp = public(&w.provider(11, &[HUB]).key);
    let stake = w.register(21, &[fp], 50_000, 100, 1);
    let mut next = w.params.clone();
    next.btc_activation_height = w.miner.height() + 1;
    next.covenant_pks = (31..=33).map(|byte| public(&secret(byte))).collect();
    let admin = w.admin.clone();
    w.stake(&admin, &Msg::AddParams { params: next }).unwrap();
    w.mine(2);
    let stranger = vec![stake.covenant(&secret(31), None)];
    let msg = Msg::AddCovenantSignatures { covenant_pk: public(&secret(31)), items: stranger };
    assert!(w.stake(&admin, &msg).unwrap_err().contains("not in the committee"));
    w.sign(&stake, 0..2);
    w.confirm(&stake);
    assert_eq!(w.power(HUB, fp), 50_000);
}

/// C11: the same messages leave the same bytes in every contract.
#[test]
fn a_story_told_twice_leaves_equal_stores() {
    let tell = || {
        let mut w = World::new();
        let (one, two) = (w.provider(11, &[HUB, CONSUMER]), w.provider(12, &[HUB]));
        let fps = [public(&one.key), public(&two.key)];
        w.active(21, &fps[..1], 300_000, 100, 1);
        w.active(22, &fps[1..], 100_000, 100, 2);
        let randomness = [w.commit(&one, HUB, 1, 50), w.commit(&two, HUB, 1, 50)];
        w.vote(&two, &randomness[1], HUB, 1..20, HASH).unwrap();
        w.vote(&one, &randomness[0], HUB, 1..20, HASH).unwrap();
        w.vote(&two, &randomness[1], HUB, 20..21, HASH).unwrap();
        w.vote(&two, &randomness[1], HUB, 20..21, OTHER).unwrap();
        [&w.light_client, &w.staking, &w.finality].map(|contract| w.dump(contract))
    };
    assert_eq!(tell(), tell());
}
