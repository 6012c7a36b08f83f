//! Two votes under one nonce: always found, never undone, and only where they are.

use staking_api::finality as fin;
use staking_api::staking::{ExecuteMsg as Msg, QueryMsg, SpendKind};
use staking_api::{Binary, Hash32, Key};
use staking_crypto::{OneTimeNonce, eots};
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::finality::vote::vote_message;

use crate::world::actors::{Provider, Randomness, checked, public, secret};
use crate::world::{CONSUMER, HUB, World, event};
use crate::{HASH, OTHER};

/// A vote's message and signature, as evidence carries them.
fn signed(
    domain: &Domain,
    provider: &Provider,
    nonce: OneTimeNonce,
    height: u64,
    hash: [u8; 32],
) -> fin::SignedMessage {
    let message = vote_message(domain, height, &hash);
    let signature = eots::sign(nonce, &provider.key, &message).unwrap().to_bytes().into();
    fin::SignedMessage { message: Binary(message), signature }
}

/// Evidence of two hashes at a height of the hub.
fn evidence(w: &World, provider: &Provider, height: u64, hashes: [[u8; 32]; 2]) -> fin::ExecuteMsg {
    let domain = w.domain(Purpose::FinalityVote, HUB);
    let nonce = || OneTimeNonce::derive(&provider.key, b"nonce", height);
    let pub_rand = nonce().public().to_bytes().into();
    let [first, second] = hashes.map(|hash| signed(&domain, provider, nonce(), height, hash));
    fin::ExecuteMsg::SubmitEvidence { fp_pk: public(&provider.key), pub_rand, first, second }
}

fn submit(w: &mut World, msg: &fin::ExecuteMsg) -> Result<cw_multi_test::AppResponse, String> {
    let anyone = w.account("anyone");
    w.finality(&anyone, msg, &[])
}

fn stored(w: &World, fp_pk: Key) -> Option<fin::Evidence> {
    w.ask(&fin::QueryMsg::Evidence { fp_pk })
}

/// A world in which one provider has two thirds and more, another one little.
fn two() -> (World, [Provider; 2], [Randomness; 2]) {
    let mut w = World::new();
    let providers = [w.provider(11, &[HUB]), w.provider(12, &[HUB])];
    w.active(21, &[public(&providers[0].key)], 300_000, 1_000, 1);
    w.active(22, &[public(&providers[1].key)], 60_000, 1_000, 2);
    let randomness = [0, 1].map(|i| w.commit(&providers[i], HUB, 1, 200));
    (w, providers, randomness)
}

/// D1: two hashes convict though neither is the one that became final.
#[test]
fn two_forks_convict_without_the_canonical_block() {
    let (mut w, [big, small], [of_big, of_small]) = two();
    w.vote(&big, &of_big, HUB, 1..6, HASH).unwrap();
    w.vote(&small, &of_small, HUB, 5..6, OTHER).unwrap();
    let response = w.vote(&small, &of_small, HUB, 5..6, [0xcc; 32]).unwrap();
    assert!(event(&response, "equivocation").is_some());
    assert!(w.info(HUB, public(&small.key)).slashed);
    assert_eq!(w.finalized(HUB, 5).app_hash, Some(HASH.into()));
}

/// D2: neither jail, nor a lack of power, nor a pause protects who signs twice.
#[test]
fn status_hides_no_equivocation() {
    let (mut w, [_, small], [_, of_small]) = two();
    let idle = w.provider(13, &[HUB]);
    w.vote(&small, &of_small, HUB, 3..4, HASH).unwrap();
    let (admin, jail) = (w.admin.clone(), vec![public(&small.key)]);
    let resume = fin::ExecuteMsg::Resume { consumer: HUB.into(), jail, next_height: None };
    w.finality(&admin, &resume, &[]).unwrap();
    let pause = fin::ExecuteMsg::SetPaused { consumer: HUB.into(), paused: true };
    w.finality(&admin, &pause, &[]).unwrap();
    assert!(w.info(HUB, public(&small.key)).jailed);
    let response = w.vote(&small, &of_small, HUB, 3..4, OTHER).unwrap();
    assert!(event(&response, "equivocation").is_some());
    let msg = evidence(&w, &idle, 9, [HASH, OTHER]);
    submit(&mut w, &msg).unwrap();
    assert!(w.info(HUB, public(&idle.key)).slashed && w.info(HUB, public(&small.key)).slashed);
}

/// D3: a height that is final and settled long since still convicts.
#[test]
fn a_settled_height_hides_no_equivocation() {
    let (mut w, [big, small], [of_big, of_small]) = two();
    w.vote(&small, &of_small, HUB, 1..51, HASH).unwrap();
    w.vote(&big, &of_big, HUB, 1..51, HASH).unwrap();
    w.vote(&big, &of_big, HUB, 51..101, HASH).unwrap();
    let consumer: Option<fin::Consumer> = w.ask(&fin::QueryMsg::Consumer { id: HUB.into() });
    assert!(consumer.unwrap().next_settlement > 90);
    let response = w.vote(&small, &of_small, HUB, 2..3, OTHER).unwrap();
    assert!(event(&response, "equivocation").is_some());
}

/// D4, D11: evidence that proves nothing convicts nobody.
#[test]
fn forged_evidence_convicts_nobody() {
    let (mut w, [big, small], _) = two();
    type Change = fn(&mut fin::ExecuteMsg);
    let fields: [(&str, Change); 6] = [
        ("one message twice", |m| {
            if let fin::ExecuteMsg::SubmitEvidence { first, second, .. } = m {
                *second = first.clone();
            }
        }),
        ("another signature", |m| {
            if let fin::ExecuteMsg::SubmitEvidence { first, .. } = m {
                first.signature = Hash32::from_bytes([7; 32]);
            }
        }),
        ("another nonce", |m| {
            if let fin::ExecuteMsg::SubmitEvidence { pub_rand, .. } = m {
                *pub_rand = public(&secret(77)).to_bytes().into();
            }
        }),
        ("no nonce", |m| {
            if let fin::ExecuteMsg::SubmitEvidence { pub_rand, .. } = m {
                *pub_rand = Hash32::from_bytes([0xff; 32]);
            }
        }),
        ("an empty message", |m| {
            if let fin::ExecuteMsg::SubmitEvidence { first, .. } = m {
                first.message = Binary(vec![]);
            }
        }),
        ("a signature above the order", |m| {
            if let fin::ExecuteMsg::SubmitEvidence { second, .. } = m {
                second.signature = Hash32::from_bytes([0xff; 32]);
            }
        }),
    ];
    for (what, change) in fields {
        let mut msg = evidence(&w, &small, 4, [HASH, OTHER]);
        change(&mut msg);
        assert!(submit(&mut w, &msg).is_err(), "{what}");
    }
    for provider in [&big, &small] {
        assert!(stored(&w, public(&provider.key)).is_none());
    }
}

/// B7, D4: the key is the proof. Signatures that were mixed up give it as well, and it comes out the same.
#[test]
fn mixed_up_signatures_give_the_same_key() {
    let (mut w, [_, small], _) = two();
    let mut msg = evidence(&w, &small, 4, [HASH, OTHER]);
    if let fin::ExecuteMsg::SubmitEvidence { first, second, .. } = &mut msg {
        std::mem::swap(&mut first.signature, &mut second.signature);
    }
    submit(&mut w, &msg).unwrap();
    let found = stored(&w, public(&small.key)).unwrap();
    assert_eq!(found.secret_key.as_bytes(), small.key.to_even_secret().expose_secret());
}

/// D5: the key that comes out must be the accused one's; and who is not registered cannot be accused.
#[test]
fn evidence_against_another_key_is_refused() {
    let (mut w, [big, small], _) = two();
    for accused in [public(&big.key), public(&secret(99))] {
        let mut msg = evidence(&w, &small, 4, [HASH, OTHER]);
        if let fin::ExecuteMsg::SubmitEvidence { fp_pk, .. } = &mut msg {
            *fp_pk = accused;
        }
        assert!(submit(&mut w, &msg).is_err());
        let secret_key = (*small.key.to_even_secret().expose_secret()).into();
        let msg = fin::ExecuteMsg::SubmitLeakedKey { fp_pk: accused, secret_key };
        assert!(submit(&mut w, &msg).is_err());
        assert!(stored(&w, accused).is_none());
    }
}

/// D6: evidence stays whatever the neighbours say; what they refused waits and is sent again.
#[test]
fn evidence_outlives_neighbours_that_refuse() {
    let (mut w, [_, small], [_, of_small]) = two();
    let vault = w.add_vault();
    w.vault_refuses(&vault, true);
    let fp = public(&small.key);
    w.vote(&small, &of_small, HUB, 3..4, HASH).unwrap();
    let response = w.vote(&small, &of_small, HUB, 3..4, OTHER).unwrap();
    assert!(event(&response, "message_queued").is_some());
    assert!(stored(&w, fp).is_some() && w.power(HUB, fp) == 0);
    let waiting = |w: &World| -> Vec<fin::OutboxItem> {
        let found: fin::Outbox = w.ask(&fin::QueryMsg::Outbox { start_after: None, limit: None });
        found.items
    };
    assert_eq!(waiting(&w).len(), 1);
    assert!(waiting(&w)[0].error.contains("refuses"));
    submit(&mut w, &fin::ExecuteMsg::Retry { limit: 10 }).unwrap();
    assert_eq!(waiting(&w).len(), 1, "refused again, kept again");
    w.vault_refuses(&vault, false);
    submit(&mut w, &fin::ExecuteMsg::Retry { limit: 10 }).unwrap();
    assert!(waiting(&w).is_empty());
    assert_eq!(w.vault_told(&vault), ["fp_slashed"]);
}

/// D15: who is slashed commits to nothing any more.
#[test]
fn a_slashed_provider_commits_to_nothing() {
    let (mut w, [_, small], [_, of_small]) = two();
    w.leak(&small).unwrap();
    assert!(w.try_commit(&small, HUB, 500, 10).unwrap_err().contains("is slashed"));
    assert!(w.vote(&small, &of_small, HUB, 1..2, HASH).unwrap_err().contains("is slashed"));
    assert!(w.leak(&small).unwrap_err().contains("is slashed"));
}

/// B3: one nonce under two contexts convicts, though each chain saw a single message.
#[test]
fn one_nonce_in_two_contexts_convicts() {
    let (mut w, [_, small], _) = two();
    let nonce = || OneTimeNonce::derive(&small.key, b"nonce", 4);
    let [here, there] = [HUB, CONSUMER].map(|consumer| w.domain(Purpose::FinalityVote, consumer));
    let first = signed(&here, &small, nonce(), 4, HASH);
    let second = signed(&there, &small, nonce(), 4, HASH);
    let (fp_pk, pub_rand) = (public(&small.key), nonce().public().to_bytes().into());
    submit(&mut w, &fin::ExecuteMsg::SubmitEvidence { fp_pk, pub_rand, first, second }).unwrap();
    let found = stored(&w, fp_pk).unwrap();
    assert_eq!(found.secret_key.as_bytes(), small.key.to_even_secret().expose_secret());
    assert_eq!((found.consumer, found.messages.len()), (None, 2));
}

/// G8: a slashing transaction on Bitcoin gives the provider away, without any vote.
#[test]
fn a_slashing_on_bitcoin_convicts_the_provider() {
    let mut w = World::new();
    let (one, two) = (w.provider(11, &[HUB]), w.provider(12, &[CONSUMER]));
    let fps = [public(&one.key), public(&two.key)];
    let stake = w.active(21, &fps, 100_000, 200, 1);
    let tx = stake.slashing(&checked(&w.params), &secret(21), &two.key, &w.members[..2]);
    let response = w.report_spend(&stake, &tx, &[]).unwrap();
    assert!(event(&response, "equivocation").is_some());
    assert_eq!(w.delegation(stake.txid()).spend.unwrap().kind, SpendKind::Slashing);
    let found = stored(&w, fps[1]).unwrap();
    assert_eq!(found.secret_key.as_bytes(), two.key.to_even_secret().expose_secret());
    assert!(stored(&w, fps[0]).is_none(), "the other provider of the stake did nothing");
    let known: Option<staking_api::staking::Provider> = w.ask_staking(&QueryMsg::Provider { fp_pk: fps[1] });
    assert!(known.unwrap().slashed);
    assert_eq!((w.power(HUB, fps[0]), w.power(CONSUMER, fps[1])), (0, 0));
}

/// G9: a slashing that is told again, from whichever side, changes nothing.
#[test]
fn a_slashing_is_told_once() {
    let (mut w, [_, small], _) = two();
    let fp = public(&small.key);
    w.leak(&small).unwrap();
    let before = (w.dump(&w.staking), w.dump(&w.finality));
    let (staking, finality) = (w.staking.clone(), w.finality.clone());
    w.stake(&finality, &Msg::Slash { fp_pk: fp }).unwrap();
    let secret_key = (*small.key.to_even_secret().expose_secret()).into();
    w.finality(&staking, &fin::ExecuteMsg::ProviderSlashed { fp_pk: fp, secret_key }, &[]).unwrap();
    assert_eq!((w.dump(&w.staking), w.dump(&w.finality)), before);
}
