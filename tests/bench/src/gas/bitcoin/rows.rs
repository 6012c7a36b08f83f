//! A stake's life and a provider's messages, each measured once.

use anyhow::Result;
use staking_api::finality as fin;
use staking_api::{Binary, Hash32};
use staking_protocol::context::Purpose;
use staking_protocol::finality::vote::vote_message;

use super::people::{Randomness, Role, public, secret};
use super::world::{CONSUMER, QUORUM, With, World};
use crate::gas::contracts::Engine;
use crate::gas::row::Row;

/// Values of a commitment.
const VALUES: u32 = 10_000;
/// Providers that vote where votes are counted.
const VOTERS: u32 = 10;

/// What holders, members and whoever proves things send.
pub(crate) fn stakes(engine: Engine) -> Result<Vec<Row>> {
    let mut rows = stake_life(engine, With::default())?;
    let told = stake_life(engine, With { vault: true, ..With::default() })?;
    rows.extend(renamed(told, ["delegation-activate-vault", "undelegate-vault"]));
    let paid = stake_life(engine, With { rewards: true, ..With::default() })?;
    rows.extend(renamed(paid, ["delegation-activate-rewards", "undelegate-rewards"]));
    Ok(rows)
}

/// Keeps the rows that a richer world changes.
fn renamed(rows: Vec<Row>, [activate, undelegate]: [&'static str; 2]) -> Vec<Row> {
    let name = move |row: Row| match row.op {
        "delegation-activate" => Some(Row { op: activate, ..row }),
        "undelegate" => Some(Row { op: undelegate, ..row }),
        _ => None,
    };
    rows.into_iter().filter_map(name).collect()
}

fn stake_life(engine: Engine, with: With) -> Result<Vec<Row>> {
    let mut world = World::new(engine, with)?;
    let (owner, msg) = world.provider(0)?;
    let provider = world.measured(|w| Ok(w.hub.execute(&owner, &w.staking, &msg, &[]).map(drop)?))?;
    let fp = public(&secret(Role::Provider, 0));
    // Another stake with the same provider is active already: the ordinary case.
    world.active(1, &[fp])?;
    if with.rewards {
        world.reward()?;
    }
    let stake = world.plan(100, fp)?;
    let register = world.measured(|w| w.register(100, &stake, false))?;
    let other = world.plan(101, fp)?;
    let sent = world.measured(|w| w.register(101, &other, true))?;
    world.sign(&stake, 0)?;
    let sign = world.measured(|w| w.sign(&stake, 1))?;
    (2..QUORUM as usize - 1).try_for_each(|member| world.sign(&stake, member))?;
    let quorum = world.measured(|w| w.sign(&stake, QUORUM as usize - 1))?;
    world.miner.mine_deep(&[stake.tx.txid().0]);
    world.mine(super::world::K)?;
    let activate = world.measured(|w| w.activate(&stake))?;
    let unbonding = stake.unbonding(&world.members, QUORUM as usize);
    world.miner.mine_deep(&[unbonding.txid().0]);
    world.mine(1)?;
    let undelegate = world.measured(|w| w.undelegate(&stake, &unbonding))?;
    Ok(vec![
        Row::one("provider-register", provider),
        Row::one("delegation-register", register),
        Row::one("delegation-register-sent", sent),
        Row::one("covenant-signatures", sign),
        Row::one("covenant-signatures-quorum", quorum),
        Row::one("delegation-activate", activate),
        Row::one("undelegate", undelegate),
    ])
}

/// What providers send, and counting it.
pub(crate) fn votes(engine: Engine) -> Result<Vec<Row>> {
    let mut world = World::new(engine, With::default())?;
    let fp = world.add_provider(0)?;
    world.active(1, &[fp])?;
    let first = world.randomness(0, 1, VALUES);
    world.commit(0, &first)?;
    let next = world.randomness(0, 1 + u64::from(VALUES), VALUES);
    let commit = world.measured(|w| w.commit(0, &next))?;
    let touch = world.measured(|w| w.tell_finality(&fin::ExecuteMsg::TouchBtcTip {}))?;
    world.timestamp()?;
    let msg = world.votes(0, &first, 1..2, [1; 32])?;
    world.tell_finality(&msg)?;
    let msg = world.votes(0, &first, 2..3, [2; 32])?;
    let vote = world.measured(|w| w.tell_finality(&msg))?;
    let msg = world.votes(0, &first, 3..103, [3; 32])?;
    let batch = world.measured(|w| w.tell_finality(&msg))?;
    let mut rows = vec![
        Row::one("finality-vote", vote),
        Row::each("finality-vote-batch-100-each", 100, batch),
        Row::one("pubrand-commit", commit),
        Row::one("touch-btc-tip", touch),
    ];
    rows.extend(convictions(&mut world, &first)?);
    rows.push(counting(engine)?);
    Ok(rows)
}

/// A second vote at a height that had one, and two signed messages that anybody found.
fn convictions(world: &mut World, randomness: &Randomness) -> Result<Vec<Row>> {
    let other = world.add_provider(1)?;
    world.active(2, &[other])?;
    let second = world.randomness(1, 1, 100);
    let evidence = evidence(world, &second)?;
    let found = world.measured(|w| w.tell_finality(&evidence))?;
    let msg = world.votes(0, randomness, 2..3, [0xee; 32])?;
    let vote = world.measured(|w| w.tell_finality(&msg))?;
    Ok(vec![Row::one("evidence-slash", vote), Row::one("evidence-slash-found", found)])
}

fn evidence(world: &World, randomness: &Randomness) -> Result<fin::ExecuteMsg> {
    let (key, domain) = (secret(Role::Provider, 1), world.domain(Purpose::FinalityVote));
    let signed = |hash: [u8; 32]| -> Result<(Hash32, fin::SignedMessage)> {
        let vote = randomness.vote(&key, &domain, 5, hash)?;
        let message = Binary(vote_message(&domain, 5, &hash).to_vec());
        Ok((vote.pub_rand, fin::SignedMessage { message, signature: vote.signature }))
    };
    let ((pub_rand, first), (_, second)) = (signed([1; 32])?, signed([2; 32])?);
    Ok(fin::ExecuteMsg::SubmitEvidence { fp_pk: public(&key), pub_rand, first, second })
}

/// Counting the votes of ten providers for a hundred heights, and settling what is old enough.
fn counting(engine: Engine) -> Result<Row> {
    let mut world = World::new(engine, With::default())?;
    let fps = (0..VOTERS).map(|number| world.add_provider(number)).collect::<Result<Vec<_>>>()?;
    world.active(1, &fps)?;
    let all: Vec<_> = (0..VOTERS).map(|number| world.randomness(number, 1, 200)).collect();
    for (number, randomness) in (0..).zip(&all) {
        world.commit(number, randomness)?;
    }
    world.timestamp()?;
    for (number, randomness) in (0..).zip(&all) {
        let msg = world.votes(number, randomness, 1..101, [1; 32])?;
        world.tell_finality(&msg)?;
    }
    let msg = fin::ExecuteMsg::Finalize { consumer: CONSUMER.to_owned(), limit: 100 };
    let calls = world.measured(|w| w.tell_finality(&msg))?;
    Ok(Row::each("finalize-100-heights-10-providers-each", 100, calls))
}
