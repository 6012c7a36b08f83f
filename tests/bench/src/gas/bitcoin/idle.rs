//! A block in which nothing happens costs nothing, whatever there is: no contract has a block hook. What is shown
//! is the cheapest question a runtime may ask each block, on a small and on a large state.
//!
//! The large state is made of real messages where that is quick: 10 000 registrations of providers, and the power of
//! 100 000 delegations, sent to btc-finality as btc-staking sends it. The delegations themselves, in btc-staking, are
//! copies under other txids of the records that one real registration, its signatures and its activation left.

use anyhow::{Context, Result, ensure};
use bitcoin_hashes::{Hash, sha256d};
use cosmwasm_std::Binary;
use staking_api::Key;
use staking_api::finality::{ExecuteMsg, Finalized, PowerChange, QueryMsg};

use super::people::Stake;
use super::world::{CONSUMER, With, World, account};
use crate::gas::contracts::Engine;
use crate::gas::meter::Call;
use crate::gas::row::Row;

/// Changes of one message.
const CHUNK: usize = 100;
/// Bytes of a txid by which btc-staking stores a delegation.
const ID: usize = 12;

/// Both rows.
pub(crate) fn measure(engine: Engine) -> Result<Vec<Row>> {
    Ok(vec![
        Row::one("idle-block-small", idle(engine, 10, 100)?),
        Row::one("idle-block-large", idle(engine, 10_000, 100_000)?),
    ])
}

fn idle(engine: Engine, providers: u32, delegations: u32) -> Result<Vec<Call>> {
    let mut world = World::new(engine, With::default())?;
    let fps = (0..providers).map(|number| world.add_provider(number)).collect::<Result<Vec<_>>>()?;
    let first = *fps.first().context("no provider")?;
    let stakes = world.active(1, &[first])?;
    let original = stakes.first().context("no stake")?;
    world.finalize_first(10)?;
    let copies: Vec<_> = (1..delegations).map(|n| Copied::new(original, n)).collect();
    for (place, chunk) in copies.chunks(CHUNK).enumerate() {
        let changes = (place * CHUNK..).zip(chunk).map(|(n, copy)| copy.power(n, &fps));
        let msg = ExecuteMsg::PowerChanges { changes: changes.collect::<Result<_>>()? };
        world.hub.execute(&world.staking, &world.finality, &msg, &[])?;
    }
    copy_delegations(&world, original, &copies)?;
    let query = QueryMsg::IsFinalized { consumer: CONSUMER.to_owned(), height: 1 };
    let ask = |w: &World| -> Result<()> {
        let answer: Finalized = w.hub.query(&w.finality, &query)?;
        ensure!(answer.finalized, "the first height is final");
        Ok(())
    };
    world.measured(ask)
}

/// The staking transaction of a copy: of the original but for what it spends.
struct Copied {
    tx: Vec<u8>,
    txid: [u8; 32],
}

impl Copied {
    fn new(original: &Stake, n: u32) -> Self {
        let mut tx = original.tx.serialize_stripped();
        // Behind the version and the number of inputs.
        tx[5..9].copy_from_slice(&n.to_be_bytes());
        let txid = sha256d::Hash::hash(&tx).to_byte_array();
        Self { tx, txid }
    }

    fn power(&self, n: usize, fps: &[Key]) -> Result<PowerChange> {
        let fp_pks = vec![*fps.get(n % fps.len()).context("no provider")?];
        let staker = account(&format!("staker-{n}"))?;
        Ok(PowerChange { txid: self.txid.into(), staker, sat: 50_000 + n as u64, fp_pks, added: true })
    }
}

/// Copies every record of btc-staking that has the delegation's id, the first bytes of its txid, in the key.
fn copy_delegations(world: &World, original: &Stake, copies: &[Copied]) -> Result<()> {
    let (txid, tx) = (original.tx.txid().0, original.tx.serialize_stripped());
    let id = &txid[..ID];
    let all = world.hub.dump(&world.staking)?;
    let own: Vec<_> = all.iter().filter(|(key, _)| find(key, id).is_some()).collect();
    for chunk in copies.chunks(CHUNK) {
        let mut records = Vec::new();
        for copy in chunk {
            for (key, value) in &own {
                let key = replaced(key, id, &copy.txid[..ID]);
                let value = replaced(value, &tx, &copy.tx);
                records.push((Binary::from(key), Binary::from(value)));
            }
        }
        world.hub.sudo(&world.staking, &records)?;
    }
    Ok(())
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    if let Some(at) = find(bytes, old) {
        out[at..at + new.len()].copy_from_slice(new);
    }
    out
}
