//! Random actions in any order: headers with reorgs, registrations, signatures, activations, votes, double
//! votes, spends, expiries. Whatever happens, power is the sum of counted delegations, final heights have no
//! gap, and who voted twice is slashed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

mod world;

use std::collections::BTreeMap;

use staking_api::staking::{Delegations, ExecuteMsg as StakingMsg, QueryMsg as StakingQuery, Status};
use staking_api::{Key, finality as fin};
use world::actors::{Provider, Randomness, Stake, mine, public, secret, spend};
use world::{CONSUMER, HUB, K, World};

/// Steps of one run; runs of different seeds are separate tests so that they share the cores.
const STEPS: u32 = 2_500;
const GOOD: [u8; 32] = [0xaa; 32];
const BAD: [u8; 32] = [0xbb; 32];

/// Numbers that look random and repeat with the seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let len = u64::try_from(items.len()).unwrap();
        if len == 0 { None } else { items.get(usize::try_from(self.roll(len)).unwrap()) }
    }
}

struct Model {
    w: World,
    dice: Dice,
    providers: Vec<(Provider, Vec<&'static str>)>,
    randomness: BTreeMap<(usize, &'static str), Randomness>,
    stakes: Vec<(u8, Stake)>,
    equivocated: Vec<Key>,
    finalized: BTreeMap<&'static str, u64>,
    salt: u8,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut w = World::new();
        let consumers: [&[&'static str]; 5] = [&[HUB, CONSUMER], &[HUB], &[CONSUMER], &[HUB], &[CONSUMER]];
        let mut providers = Vec::new();
        let mut randomness = BTreeMap::new();
        for (i, consumers) in consumers.into_iter().enumerate() {
            let provider = w.provider(100 + u8::try_from(i).unwrap(), consumers);
            for consumer in consumers {
                randomness.insert((i, *consumer), w.commit(&provider, consumer, 1, 3_000));
            }
            providers.push((provider, consumers.to_vec()));
        }
        let dice = Dice(seed | 1);
        let finalized = [(HUB, 0), (CONSUMER, 0)].into();
        Self { w, dice, providers, randomness, stakes: vec![], equivocated: vec![], finalized, salt: 0 }
    }

    fn step(&mut self) {
        match self.dice.roll(100) {
            0..=14 => self.register(),
            15..=34 => self.sign(),
            35..=49 => self.confirm(),
            50..=54 => self.leave(),
            55..=59 => self.w.mine(1),
            60..=64 => self.expire(),
            65 => self.reorg(),
            66..=69 => self.quarantine(),
            70..=70 => self.equivocate(),
            71..=73 => self.sweep(),
            74..=76 => self.unjail(),
            _ => self.vote(),
        }
    }

    fn register(&mut self) {
        if self.stakes.len() > 60 {
            self.stakes.remove(0);
        }
        let all =
            [vec![0], vec![1], vec![2], vec![3], vec![4], vec![1, 2], vec![3, 4], vec![1, 3], vec![0, 2]];
        let chosen = self.dice.pick(&all).unwrap().clone();
        let fps: Vec<Key> = chosen.iter().map(|i| public(&self.providers[*i].0.key)).collect();
        self.salt = self.salt.wrapping_add(1);
        let staker = 150 + u8::try_from(self.dice.roll(5)).unwrap();
        let (value, time) =
            (10_000 + self.dice.roll(90_000), 20 + u16::try_from(self.dice.roll(60)).unwrap());
        let params = world::actors::checked(&self.w.params);
        let stake = Stake::plan(&params, &secret(staker), &fps, value, time, self.salt);
        // Refused where two providers serve one consumer, or one is slashed.
        if self.w.register_planned(staker, &stake).is_ok() {
            self.stakes.push((staker, stake));
        }
    }

    fn stake(&mut self) -> Option<(u8, Stake)> {
        self.dice.pick(&self.stakes).cloned()
    }

    fn sign(&mut self) {
        let Some((_, stake)) = self.stake() else { return };
        let member = usize::try_from(self.dice.roll(3)).unwrap();
        let _ = self.w.sign_one(&stake, member);
    }

    fn confirm(&mut self) {
        let Some((_, stake)) = self.stake() else { return };
        let txid = stake.tx.txid().0;
        let mined = self.w.miner.blocks.iter().any(|b| b.txids.contains(&txid));
        if !mined {
            mine(&mut self.w.miner, std::slice::from_ref(&stake.tx));
            let depth = u32::try_from(self.dice.roll(6)).unwrap();
            self.w.mine(depth);
        }
        let _ = self.w.activate(&stake);
    }

    fn leave(&mut self) {
        let Some((staker, stake)) = self.stake() else { return };
        let tx = stake.unbonding(&secret(staker), 3);
        let txid = tx.txid().0;
        if !self.w.miner.blocks.iter().any(|b| b.txids.contains(&txid)) {
            mine(&mut self.w.miner, std::slice::from_ref(&tx));
            self.w.relay();
        }
        let items = vec![spend(&self.w.miner, &stake, &tx, &[])];
        let admin = self.w.admin.clone();
        let _ = self.w.stake(&admin, &StakingMsg::Undelegate { items });
    }

    fn expire(&mut self) {
        let limit = u32::try_from(self.dice.roll(5)).unwrap() + 1;
        let admin = self.w.admin.clone();
        let _ = self.w.stake(&admin, &StakingMsg::Expire { limit });
    }

    fn quarantine(&mut self) {
        let limit = u32::try_from(self.dice.roll(100)).unwrap() + 1;
        let admin = self.w.admin.clone();
        let _ = self.w.stake(&admin, &StakingMsg::Quarantine { limit });
    }

    fn sweep(&mut self) {
        let Some(fp_pk) = self.dice.pick(&self.equivocated).copied() else { return };
        let admin = self.w.admin.clone();
        let _ = self.w.stake(&admin, &StakingMsg::SweepSlashed { fp_pk, limit: 3 });
    }

    fn reorg(&mut self) {
        let height = self.w.miner.height();
        let deepest = if self.dice.roll(4) == 0 { 2 * K } else { K - 1 };
        let depth = (u32::try_from(self.dice.roll(u64::from(deepest))).unwrap() + 1).min(height);
        let mut branch = self.w.miner.fork(height - depth);
        branch.mine_empty(depth + 1);
        self.w.reorg(branch, height - depth);
    }

    fn unjail(&mut self) {
        let i = usize::try_from(self.dice.roll(5)).unwrap();
        let owner = self.w.owner_of(100 + u8::try_from(i).unwrap());
        let fp_pk = public(&self.providers[i].0.key);
        let consumer = self.providers[i].1[0].to_string();
        let _ = self.w.finality(&owner, &fin::ExecuteMsg::Unjail { consumer, fp_pk }, &[]);
    }

    fn voter(&mut self) -> (usize, &'static str) {
        let i = usize::try_from(self.dice.roll(5)).unwrap();
        let consumer = *self.dice.pick(&self.providers[i].1.clone()).unwrap();
        (i, consumer)
    }

    fn vote(&mut self) {
        let (i, consumer) = self.voter();
        let next = self.finalized[consumer] + 1;
        let count = 1 + self.dice.roll(4);
        let randomness = &self.randomness[&(i, consumer)];
        let _ = self.w.vote(&self.providers[i].0, randomness, consumer, next..next + count, GOOD);
        self.check_final(consumer);
    }

    fn equivocate(&mut self) {
        // The last provider of each consumer stays honest, so that there is something to finalise.
        let (i, consumer) =
            (usize::try_from(self.dice.roll(2)).unwrap() + 1, [HUB, CONSUMER][self.dice.roll(2) as usize]);
        let Some(randomness) = self.randomness.get(&(i, consumer)) else { return };
        let next = self.finalized[consumer] + 1;
        let heights = next..next + 1;
        let provider = &self.providers[i].0;
        let _ = self.w.vote(provider, randomness, consumer, heights.clone(), GOOD);
        let query =
            fin::QueryMsg::Vote { consumer: consumer.into(), fp_pk: public(&provider.key), height: next };
        let voted: Option<fin::VoteInfo> = self.w.ask(&query);
        if voted.is_some_and(|v| v.app_hash.to_bytes() == GOOD) {
            let second = self.w.vote(provider, randomness, consumer, heights, BAD);
            let fp = public(&provider.key);
            assert!(second.is_ok() || self.equivocated.contains(&fp), "{second:?}");
            self.equivocated.push(fp);
        }
        self.check_final(consumer);
    }

    fn check_final(&mut self, consumer: &'static str) {
        let last = self.finalized[consumer];
        let found: Option<fin::Consumer> = self.w.ask(&fin::QueryMsg::Consumer { id: consumer.into() });
        let found = found.unwrap();
        let now = found.last_finalized.unwrap_or(0);
        assert!(now >= last, "final heights never go back");
        assert_eq!(found.next_height, now + 1, "no gap");
        for height in last + 1..=now {
            assert!(self.w.finalized(consumer, height).finalized);
        }
        self.finalized.insert(consumer, now);
    }

    /// Σ power = Σ counted delegations, for each provider.
    fn check_power(&self) {
        let mut counted: BTreeMap<Key, u64> = BTreeMap::new();
        let mut start_after = None;
        loop {
            let query =
                StakingQuery::Delegations { filter: Default::default(), start_after, limit: Some(100) };
            let page: Delegations = self.w.app.wrap().query_wasm_smart(&self.w.staking, &query).unwrap();
            for d in page.delegations.iter().filter(|d| d.counted) {
                assert!(d.spend.is_none() && d.covenant_signers >= d.covenant_quorum);
                assert!(matches!(
                    d.status,
                    Status::Active | Status::Expired | Status::Slashed | Status::Unbonded
                ));
                for fp in &d.fp_pks {
                    *counted.entry(*fp).or_default() += d.value_sat;
                }
            }
            start_after = page.next;
            if start_after.is_none() {
                break;
            }
        }
        for (provider, consumers) in &self.providers {
            let fp_pk = public(&provider.key);
            let query = fin::QueryMsg::Provider { consumer: consumers[0].into(), fp_pk };
            let info: Option<fin::ProviderInfo> = self.w.ask(&query);
            let info = info.unwrap();
            let swept = self.equivocated.contains(&fp_pk);
            assert_eq!(info.slashed, swept, "who voted twice is slashed, and nobody else");
            if !swept {
                assert_eq!(info.power, counted.get(&fp_pk).copied().unwrap_or(0));
            }
            if swept {
                assert!(consumers.iter().all(|consumer| self.w.power(consumer, fp_pk) == 0));
            }
        }
    }
}

fn run(seed: u64) {
    let mut model = Model::new(seed);
    for step in 0..STEPS {
        model.step();
        if step % 50 == 0 {
            model.check_power();
        }
    }
    model.check_power();
    assert!(model.finalized.values().any(|height| *height > 0), "{:?}", model.finalized);
}

#[test]
fn invariants_hold_with_seed_1() {
    run(0x9e37_79b9_7f4a_7c15);
}

#[test]
fn invariants_hold_with_seed_2() {
    run(0xdead_beef_cafe_f00d);
}

#[test]
fn invariants_hold_with_seed_3() {
    run(0x0123_4567_89ab_cdef);
}

#[test]
fn invariants_hold_with_seed_4() {
    run(0xfeed_face_0bad_c0de);
}
