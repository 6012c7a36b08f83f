//! The world of the random model: who acts, and what must hold after each action.

mod actions;
mod checks;

use std::collections::BTreeMap;

use cosmwasm_std::Addr;
use cw_multi_test::AppResponse;
use staking_api::staking::ExecuteMsg as StakingMsg;
use staking_api::{Key, finality as fin};
use staking_protocol::tx::Transaction;

use crate::world::actors::{Provider, Randomness, Stake, public};
use crate::world::{CONSUMER, HUB, World};

/// What honest providers vote for.
const GOOD: [u8; 32] = [0xaa; 32];
/// What equivocators vote for as well.
const BAD: [u8; 32] = [0xbb; 32];
/// The first providers never sign twice, so that there is somebody to finalise.
const HONEST: usize = 3;
/// Providers there may be in all.
const PROVIDERS: usize = 60;

/// Numbers that look random and repeat with the seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn index(&mut self, len: usize) -> Option<usize> {
        if len == 0 { None } else { usize::try_from(self.roll(u64::try_from(len).unwrap())).ok() }
    }
}

/// A stake as its owner and Bitcoin know it.
#[derive(Clone)]
struct Known {
    staker: u8,
    stake: Stake,
    /// The stake that it continues, and the coins that are added.
    continues: Option<(Stake, Transaction)>,
}

/// Everybody, and what happened.
pub(crate) struct Model {
    w: World,
    dice: Dice,
    vault: Addr,
    providers: Vec<(u8, Provider, Vec<&'static str>)>,
    randomness: BTreeMap<(usize, &'static str), Vec<Randomness>>,
    stakes: Vec<Known>,
    equivocated: Vec<Key>,
    pub(crate) finalized: BTreeMap<&'static str, u64>,
    salt: u32,
    tally: BTreeMap<String, u32>,
}

impl Model {
    pub(crate) fn new(seed: u64) -> Self {
        let mut w = World::new();
        let vault = w.add_vault();
        let mut model = Self {
            w,
            dice: Dice(seed | 1),
            vault,
            providers: vec![],
            randomness: BTreeMap::new(),
            stakes: vec![],
            equivocated: vec![],
            finalized: [(HUB, 0), (CONSUMER, 0)].into(),
            salt: 0,
            tally: BTreeMap::new(),
        };
        let sets: [&[&'static str]; 6] =
            [&[HUB, CONSUMER], &[HUB], &[CONSUMER], &[HUB], &[CONSUMER], &[HUB, CONSUMER]];
        sets.into_iter().for_each(|consumers| model.add_provider(consumers));
        model
    }

    pub(crate) fn step(&mut self) {
        match self.dice.roll(100) {
            0..=7 => self.register(),
            8..=9 => self.expand(),
            10..=24 => self.sign(),
            25..=39 => self.confirm(),
            40..=44 => self.leave(),
            45..=48 => {
                let blocks = 1 + u32::try_from(self.dice.roll(4)).unwrap();
                self.w.mine(blocks);
            }
            49..=51 => self.expire(),
            52 => self.reorg(),
            53..=55 => self.quarantine(),
            56 => self.equivocate(),
            57..=58 => self.sweep(),
            59..=61 => self.unjail(),
            62 => self.vault_mood(),
            63..=64 => self.retry(),
            _ => self.vote(),
        }
    }

    /// Ends every temporary trouble, so that what waits can be delivered.
    pub(crate) fn settle_down(&mut self) {
        self.w.vault_refuses(&self.vault.clone(), false);
        let anyone = self.w.account("anyone");
        for _ in 0..200 {
            let _ = self.w.stake(&anyone, &StakingMsg::Quarantine { limit: 100 });
            let _ = self.w.stake(&anyone, &StakingMsg::Retry { limit: 50 });
            let _ = self.w.finality(&anyone, &fin::ExecuteMsg::Retry { limit: 50 }, &[]);
        }
        self.check_outboxes();
    }

    /// How often an action succeeded.
    pub(crate) fn done(&self, action: &str) -> u32 {
        self.tally.get(action).copied().unwrap_or(0)
    }

    /// What happened, for the log of a run.
    pub(crate) fn report(&self) -> String {
        format!("final {:?}; {:?}", self.finalized, self.tally)
    }

    fn count<T>(&mut self, action: &str, result: &Result<T, String>) {
        let entry = match result {
            Ok(_) => action.to_string(),
            Err(error) => {
                // The contract's own words stand at the end; numbers, keys and ids would make each a kind of its own.
                let words = error.rsplit("error: ").next().unwrap_or_default();
                let kind = |word: &&str| word.len() < 16 && word.chars().all(char::is_alphabetic);
                let words: Vec<_> = words.split_whitespace().filter(kind).collect();
                format!("{action}: {}", words.join(" "))
            }
        };
        *self.tally.entry(entry).or_default() += 1;
    }

    /// Sends a message to btc-staking, now and then twice.
    fn stake(&mut self, action: &str, from: &Addr, msg: &StakingMsg) -> Result<AppResponse, String> {
        let result = self.w.stake(from, msg);
        self.count(action, &result);
        if self.dice.roll(8) == 0 {
            let _ = self.w.stake(from, msg);
        }
        result
    }

    /// Sends a message to btc-finality, now and then twice.
    fn tell(&mut self, action: &str, from: &Addr, msg: &fin::ExecuteMsg) -> Result<AppResponse, String> {
        let result = self.w.finality(from, msg, &[]);
        self.count(action, &result);
        if self.dice.roll(8) == 0 {
            let _ = self.w.finality(from, msg, &[]);
        }
        result
    }

    fn add_provider(&mut self, consumers: &[&'static str]) {
        let byte = 100 + u8::try_from(self.providers.len()).unwrap();
        let provider = self.w.provider(byte, consumers);
        self.providers.push((byte, provider, consumers.to_vec()));
    }

    fn is_slashed(&self, provider: usize) -> bool {
        self.equivocated.contains(&public(&self.providers[provider].1.key))
    }

    /// Providers that are not slashed.
    fn honest(&self) -> Vec<usize> {
        (0..self.providers.len()).filter(|i| !self.is_slashed(*i)).collect()
    }
}
