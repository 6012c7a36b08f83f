//! A stake that continues another one: bound to it, never counted twice, never in its way.

use staking_api::staking::{ExecuteMsg as Msg, SpendKind, Status};
use staking_protocol::tx::Transaction;

use crate::world::actors::{Stake, checked, coins, mine, public, secret, spend};
use crate::world::{CONSUMER, HUB, K, World};

/// A world with an active stake of staker 21, and coins to add to it.
fn start() -> (World, Vec<staking_api::Key>, Stake, Transaction) {
    let mut w = World::new();
    let fps = vec![public(&w.provider(11, &[HUB]).key), public(&w.provider(12, &[CONSUMER]).key)];
    let old = w.active(21, &fps[..1], 100_000, 1_000, 1);
    (w, fps, old, coins(5, 90_000))
}

fn child(w: &World, old: &Stake, fps: &[staking_api::Key], value: u64, funding: &Transaction) -> Stake {
    old.expand(&checked(&w.params), &secret(21), fps, value, 2_000, funding)
}

/// Registers and signs an expansion by two members.
fn verified(w: &mut World, old: &Stake, new: &Stake, funding: &Transaction) {
    w.register_expansion(21, old, new, funding).unwrap();
    for member in 0..2 {
        w.sign_expansion(member, old, new, funding).unwrap();
    }
}

/// An expansion takes the place of its stake in one step, k deep, with more power and more providers.
#[test]
fn an_expansion_takes_over_in_one_step() {
    let (mut w, fps, old, funding) = start();
    let vault = w.add_vault();
    let new = child(&w, &old, &fps, 120_000, &funding);
    w.register_expansion(21, &old, &new, &funding).unwrap();
    assert!(w.sign_one(&new, 0).is_err(), "the signature of the old stake's input is missing");
    w.sign_expansion(0, &old, &new, &funding).unwrap();
    assert_eq!(w.status(&new), Status::Pending);
    w.sign_expansion(1, &old, &new, &funding).unwrap();
    assert_eq!(w.status(&new), Status::Verified);
    let tx = old.expanded_by(&new, &secret(21), &funding, 3);
    let funds = std::slice::from_ref(&funding);
    assert!(w.report_spend(&old, &tx, funds).unwrap_err().contains("deep"));
    assert!(w.activate(&new).unwrap_err().contains("undelegating the previous stake"));
    assert_eq!((w.power(HUB, fps[0]), w.power(CONSUMER, fps[1])), (100_000, 0));
    w.mine(K);
    w.report_spend(&old, &tx, funds).unwrap();
    assert_eq!((w.power(HUB, fps[0]), w.power(CONSUMER, fps[1])), (120_000, 120_000));
    assert_eq!((w.status(&old), w.status(&new)), (Status::Unbonded, Status::Active));
    assert_eq!(w.delegation(old.txid()).spend.unwrap().kind, SpendKind::Expansion);
    assert_eq!(w.vault_told(&vault), ["delegation_unbonding", "delegation_active"]);
    assert!(w.report_spend(&old, &tx, funds).is_err());
}

/// A17, A18, A23, A29: fewer coins, another owner, another key, a dropped provider or an inactive stake is refused.
#[test]
fn what_does_not_continue_the_stake_is_refused() {
    let (mut w, fps, old, funding) = start();
    let params = checked(&w.params);
    let smaller = child(&w, &old, &fps, 99_999, &funding);
    assert!(w.register_expansion(21, &old, &smaller, &funding).is_err());
    let no_fee = child(&w, &old, &fps, 140_000, &funding);
    assert!(w.register_expansion(21, &old, &no_fee, &funding).unwrap_err().contains("fee"));
    let dropped = child(&w, &old, &fps[1..], 120_000, &funding);
    assert!(w.register_expansion(21, &old, &dropped, &funding).unwrap_err().contains("missing"));
    let stranger = old.expand(&params, &secret(22), &fps, 120_000, 2_000, &funding);
    assert!(w.register_expansion(22, &old, &stranger, &funding).unwrap_err().contains("owner"));
    let empty = coins(6, 0);
    let unfunded = child(&w, &old, &fps, 100_000, &empty);
    assert!(w.register_expansion(21, &old, &unfunded, &empty).is_err());
    let pending = w.register(21, &fps[..1], 100_000, 1_000, 9);
    let of_pending = child(&w, &pending, &fps, 120_000, &funding);
    assert!(w.register_expansion(21, &pending, &of_pending, &funding).unwrap_err().contains("Pending"));
    let good = child(&w, &old, &fps, 120_000, &funding);
    w.register_expansion(21, &old, &good, &funding).unwrap();
}

/// A19: coins that are a registered stake do not fund an expansion; if they become one later, the expansion is not
/// activated, whoever reports the spend first, and each stake ends once.
#[test]
fn a_stake_never_funds_an_expansion() {
    for report_funding_first in [true, false] {
        let (mut w, fps, old, _) = start();
        let other = w.plan(22, &fps[..1], 90_000, 1_000, 7);
        let new = child(&w, &old, &fps, 120_000, &other.tx);
        verified(&mut w, &old, &new, &other.tx);
        w.register_planned(22, &other).unwrap();
        w.sign(&other, 0..2);
        w.confirm(&other);
        assert_eq!(w.power(HUB, fps[0]), 190_000);
        let mut tx = old.expanded_by(&new, &secret(21), &other.tx, 3);
        let digest = new_input_digest(&old, &other, &new);
        tx.inputs[1].witness = other.unbonding_witness(&secret(22), &digest, 3);
        mine(&mut w.miner, std::slice::from_ref(&tx));
        w.mine(K);
        let funds = [old.tx.clone(), other.tx.clone()];
        let order = if report_funding_first { [&other, &old] } else { [&old, &other] };
        for stake in order {
            w.report_spend(stake, &tx, &funds).unwrap();
        }
        assert_eq!([&old, &other].map(|stake| w.status(stake)), [Status::Unbonded; 2]);
        assert_eq!((w.power(HUB, fps[0]), w.power(CONSUMER, fps[1])), (0, 0));
        assert!(w.activate(&new).unwrap_err().contains("registered stake"));
        assert_eq!((w.power(HUB, fps[0]), w.power(CONSUMER, fps[1])), (0, 0));
    }
    // And one that is a stake already is refused at registration.
    let (mut w, fps, old, _) = start();
    let other = w.active(22, &fps[..1], 90_000, 1_000, 7);
    let new = child(&w, &old, &fps, 120_000, &other.tx);
    assert!(w.register_expansion(21, &old, &new, &other.tx).unwrap_err().contains("registered stake"));
}

/// What the owner of the funding stake signs of the expansion.
fn new_input_digest(old: &Stake, other: &Stake, new: &Stake) -> [u8; 32] {
    use staking_protocol::script::StakingPath;
    use staking_protocol::tx::sighash::{Prevout, script_path};
    let leaf = other.presigned.scripts().staking.leaf(StakingPath::Unbonding);
    let prevouts = [Prevout::from(&old.tx.outputs[0]), Prevout::from(&other.tx.outputs[0])];
    script_path(&new.tx, 1, &prevouts, leaf.hash()).unwrap().0
}

/// A20: whatever becomes of an expansion, its stake can leave by any spend.
#[test]
fn an_expansion_is_never_in_the_way() {
    // The expansion was registered and signed; the stake unbonds instead.
    let (mut w, fps, old, funding) = start();
    let new = child(&w, &old, &fps, 120_000, &funding);
    verified(&mut w, &old, &new, &funding);
    w.unbond(21, &old).unwrap();
    assert_eq!((w.status(&old), w.power(HUB, fps[0])), (Status::Unbonded, 0));
    assert_eq!((w.status(&new), w.delegation(new.txid()).counted), (Status::Verified, false));

    // The expansion was mined without a quorum of signatures; the stake ends all the same, the expansion follows when
    // it is signed and proven.
    let (mut w, fps, old, funding) = start();
    let new = child(&w, &old, &fps, 120_000, &funding);
    w.register_expansion(21, &old, &new, &funding).unwrap();
    w.sign_expansion(0, &old, &new, &funding).unwrap();
    let tx = old.expanded_by(&new, &secret(21), &funding, 3);
    w.report_spend(&old, &tx, std::slice::from_ref(&funding)).unwrap();
    assert_eq!((w.status(&old), w.power(HUB, fps[0])), (Status::Unbonded, 0));
    w.sign_expansion(1, &old, &new, &funding).unwrap();
    w.mine(K);
    w.activate(&new).unwrap();
    assert_eq!((w.status(&new), w.power(HUB, fps[0])), (Status::Active, 120_000));

    // The expansion itself was spent before it was active; its stake still ends.
    let (mut w, fps, old, funding) = start();
    let new = child(&w, &old, &fps, 120_000, &funding);
    verified(&mut w, &old, &new, &funding);
    let tx = old.expanded_by(&new, &secret(21), &funding, 3);
    mine(&mut w.miner, std::slice::from_ref(&tx));
    w.relay();
    w.unbond(21, &new).unwrap();
    w.report_spend(&old, &tx, std::slice::from_ref(&funding)).unwrap();
    assert_eq!([&old, &new].map(|stake| w.status(stake)), [Status::Unbonded; 2]);
    assert_eq!((w.power(HUB, fps[0]), w.power(CONSUMER, fps[1])), (0, 0));
}

/// Two expansions of one stake: Bitcoin takes one, the other never counts.
#[test]
fn of_two_expansions_one_counts() {
    let (mut w, fps, old, funding) = start();
    let (first, second) =
        (child(&w, &old, &fps, 120_000, &funding), child(&w, &old, &fps, 130_000, &funding));
    verified(&mut w, &old, &first, &funding);
    verified(&mut w, &old, &second, &funding);
    let tx = old.expanded_by(&first, &secret(21), &funding, 3);
    mine(&mut w.miner, std::slice::from_ref(&tx));
    w.mine(K);
    w.report_spend(&old, &tx, std::slice::from_ref(&funding)).unwrap();
    assert_eq!(w.power(HUB, fps[0]), 120_000);
    let anyone = w.account("anyone");
    let mut never = spend(&w.miner, &old, &tx, std::slice::from_ref(&funding));
    never.spending_tx = staking_api::Binary(old.expanded_by(&second, &secret(21), &funding, 3).serialize());
    assert!(w.stake(&anyone, &Msg::Undelegate { items: vec![never] }).is_err());
    assert_eq!((w.power(HUB, fps[0]), w.status(&second)), (120_000, Status::Verified));
}

/// G6: after a rotation that leaves too few old members no expansion can be signed, so none is registered; enough
/// of them, and both quorums are asked for.
#[test]
fn a_rotation_asks_for_both_quorums() {
    let rotate = |w: &mut World, keys: [u8; 3]| {
        let mut next = w.params.clone();
        next.btc_activation_height = w.miner.height() + 1;
        next.covenant_pks = keys.iter().map(|byte| public(&secret(*byte))).collect();
        let admin = w.admin.clone();
        w.stake(&admin, &Msg::AddParams { params: next.clone() }).unwrap();
        w.mine(1);
        (w.params, w.members) = (next, keys.iter().map(|byte| secret(*byte)).collect());
    };
    let (mut w, fps, old, funding) = start();
    rotate(&mut w, [1, 31, 32]);
    let new = child(&w, &old, &fps, 120_000, &funding);
    assert!(w.register_expansion(21, &old, &new, &funding).unwrap_err().contains("too few members"));

    let (mut w, fps, old, funding) = start();
    rotate(&mut w, [1, 2, 31]);
    let new = child(&w, &old, &fps, 120_000, &funding);
    w.register_expansion(21, &old, &new, &funding).unwrap();
    w.sign_expansion(2, &old, &new, &funding).unwrap();
    w.sign_expansion(0, &old, &new, &funding).unwrap();
    assert_eq!(w.status(&new), Status::Pending, "two of the new committee, one of the old");
    w.sign_expansion(1, &old, &new, &funding).unwrap();
    assert_eq!(w.status(&new), Status::Verified);
}
