//! What everybody may do at any time.

use staking_api::staking::{Activation, ExecuteMsg as StakingMsg};
use staking_api::{Key, finality as fin};
use staking_protocol::context::Purpose;
use staking_protocol::tx::Transaction;

use super::{BAD, GOOD, HONEST, Known, Model, PROVIDERS};
use crate::world::actors::{Randomness, Stake, activation, checked, coins, mine, public, secret, spend};
use crate::world::{CONSUMER, HUB, K};

/// Randomness of one commitment.
const COMMIT: u32 = 256;

impl Model {
    /// One or two providers that do not serve one consumer twice.
    fn choose_providers(&mut self) -> Vec<usize> {
        let honest = self.honest();
        let first = honest[self.dice.index(honest.len()).unwrap()];
        let serves = |i: usize| self.providers[i].2.clone();
        let others: Vec<usize> = honest
            .iter()
            .copied()
            .filter(|i| *i != first && !serves(*i).iter().any(|c| serves(first).contains(c)))
            .collect();
        match self.dice.index(others.len() * 2) {
            Some(other) if other < others.len() => vec![first, others[other]],
            _ => vec![first],
        }
    }

    fn fps(&self, chosen: &[usize]) -> Vec<Key> {
        chosen.iter().map(|i| public(&self.providers[*i].1.key)).collect()
    }

    pub(super) fn register(&mut self) {
        if self.stakes.len() > 40 {
            self.stakes.remove(0);
        }
        let chosen = self.choose_providers();
        let fps = self.fps(&chosen);
        self.salt += 1;
        let staker = 20 + u8::try_from(self.dice.roll(5)).unwrap();
        // The salt makes values differ, so that no stake is planned twice.
        let value = 10_000 + 100 * self.dice.roll(900) + u64::from(self.salt % 100);
        let time = 60 + u16::try_from(self.dice.roll(300)).unwrap();
        let salt = u8::try_from(self.salt % 250).unwrap();
        let stake = Stake::plan(&checked(&self.w.params), &secret(staker), &fps, value, time, salt);
        let owner = self.w.staker_of(staker);
        let mut msg = self.w.registration(staker, &stake);
        let mined_first = self.dice.roll(3) == 0;
        if mined_first {
            mine(&mut self.w.miner, std::slice::from_ref(&stake.tx));
            self.w.mine(K);
            msg.inclusion = self.w.miner.proof(stake.tx.txid().0);
        }
        let result = self.stake("register", &owner, &StakingMsg::RegisterDelegation(msg));
        if result.is_ok() {
            self.stakes.push(Known { staker, stake, continues: None });
        }
    }

    pub(super) fn expand(&mut self) {
        let Some(old) = self.pick() else { return };
        self.salt += 1;
        let funding = coins(u8::try_from(self.salt % 250).unwrap(), 90_000 + u64::from(self.salt));
        let fps: Vec<Key> = old.stake.terms.providers.keys().iter().map(|fp| fp.to_bytes().into()).collect();
        let value = old.stake.terms.value.0 + 1_000 + u64::from(self.salt % 500);
        let params = checked(&self.w.params);
        let child = old.stake.expand(&params, &secret(old.staker), &fps, value, 300, &funding);
        let result = self.w.register_expansion(old.staker, &old.stake, &child, &funding);
        self.count("expand", &result);
        if result.is_ok() {
            let continues = Some((old.stake, funding));
            self.stakes.push(Known { staker: old.staker, stake: child, continues });
        }
    }

    fn pick(&mut self) -> Option<Known> {
        let index = self.dice.index(self.stakes.len())?;
        Some(self.stakes[index].clone())
    }

    pub(super) fn sign(&mut self) {
        let Some(known) = self.pick() else { return };
        // One to three members, beginning with any of them.
        let (first, count) = (self.dice.index(3).unwrap(), 1 + self.dice.index(3).unwrap());
        for member in (first..first + count).map(|member| member % 3) {
            let digest = known.continues.as_ref().map(|(old, f)| old.expansion_digest(&known.stake, f));
            let items = vec![known.stake.covenant(&self.w.members[member], digest)];
            let covenant_pk = public(&self.w.members[member]);
            let anyone = self.w.account("anyone");
            let _ = self.stake("sign", &anyone, &StakingMsg::AddCovenantSignatures { covenant_pk, items });
        }
    }

    /// Whether an output of the stake is spent in the chain as it is now.
    fn is_spent(&self, known: &Known) -> bool {
        let params = checked(&self.w.params);
        let staker = secret(known.staker);
        let mut spends =
            vec![known.stake.unbonding(&staker, 3).txid().0, known.stake.forced_exit(&staker, 3).txid().0];
        spends.extend(self.provider_of(known).map(|i| {
            let key = &self.providers[i].1.key;
            known.stake.slashing(&params, &staker, key, &self.w.members[..2]).txid().0
        }));
        let outpoint = known.stake.presigned.staking().outpoint;
        let children = self.stakes.iter().filter(|other| {
            let continues = other.continues.as_ref();
            continues.is_some_and(|(old, _)| old.presigned.staking().outpoint == outpoint)
        });
        spends.extend(children.map(|child| child.stake.tx.txid().0));
        spends.iter().any(|txid| self.w.miner.has(*txid))
    }

    /// Position of the stake's first provider.
    fn provider_of(&self, known: &Known) -> Option<usize> {
        let first = known.stake.terms.providers.keys().first()?.to_bytes();
        self.providers.iter().position(|(_, p, _)| public(&p.key).to_bytes() == first)
    }

    pub(super) fn confirm(&mut self) {
        let Some(known) = self.pick() else { return };
        let txid = known.stake.tx.txid().0;
        if !self.w.miner.has(txid) && !self.put_on_chain(&known) {
            return;
        }
        // Now and then the message is lost.
        if self.dice.roll(10) == 0 {
            return;
        }
        let anyone = self.w.account("anyone");
        if let Some((old, funding)) = &known.continues {
            let tx = old.expanded_by(&known.stake, &secret(known.staker), funding, 3);
            let items = vec![spend(&self.w.miner, old, &tx, std::slice::from_ref(funding))];
            let _ = self.stake("report expansion", &anyone, &StakingMsg::Undelegate { items });
        }
        let items: Vec<Activation> = vec![activation(&self.w.miner, &known.stake)];
        let _ = self.stake("activate", &anyone, &StakingMsg::Activate { items });
    }

    /// Mines a staking transaction as deep as the dice want; an expansion only if its stake is there to be spent.
    fn put_on_chain(&mut self, known: &Known) -> bool {
        if let Some((old, _)) = &known.continues {
            let parent = Known { staker: known.staker, stake: old.clone(), continues: None };
            if !self.w.miner.has(old.tx.txid().0) || self.is_spent(&parent) {
                return false;
            }
        }
        mine(&mut self.w.miner, std::slice::from_ref(&known.stake.tx));
        let depth = u32::try_from(self.dice.roll(6)).unwrap();
        self.w.mine(depth);
        true
    }

    /// Spends a stake in one of the ways there are, and reports it.
    pub(super) fn leave(&mut self) {
        let Some(known) = self.pick() else { return };
        if !self.w.miner.has(known.stake.tx.txid().0) {
            return;
        }
        let (staker, way) = (secret(known.staker), self.dice.roll(20));
        let tx = match (way, self.provider_of(&known)) {
            (0, Some(i)) if i >= HONEST => return self.slash_on_bitcoin(&known, i),
            (1..=3, _) => known.stake.forced_exit(&staker, 3),
            _ => known.stake.unbonding(&staker, 3),
        };
        self.report_spend(&known, &tx);
    }

    fn report_spend(&mut self, known: &Known, tx: &Transaction) -> bool {
        if !self.w.miner.has(tx.txid().0) {
            if self.is_spent(known) {
                return false;
            }
            mine(&mut self.w.miner, std::slice::from_ref(tx));
            self.w.relay();
        }
        let items = vec![spend(&self.w.miner, &known.stake, tx, &[])];
        let anyone = self.w.account("anyone");
        self.stake("leave", &anyone, &StakingMsg::Undelegate { items }).is_ok()
    }

    /// The covenant's signatures of this stake must be stored for the key to be found; else only the stake ends.
    fn slash_on_bitcoin(&mut self, known: &Known, provider: usize) {
        let fp = public(&self.providers[provider].1.key);
        let (params, staker) = (checked(&self.w.params), secret(known.staker));
        let key = &self.providers[provider].1.key;
        let tx = known.stake.slashing(&params, &staker, key, &self.w.members[..2]);
        if self.report_spend(known, &tx) && self.knows_as_slashed(fp) {
            self.convicted("slashing on bitcoin", provider);
        }
    }

    fn knows_as_slashed(&self, fp_pk: Key) -> bool {
        let known: Option<staking_api::staking::Provider> =
            self.w.ask_staking(&staking_api::staking::QueryMsg::Provider { fp_pk });
        known.unwrap().slashed
    }

    fn convicted(&mut self, how: &str, provider: usize) {
        let fp = public(&self.providers[provider].1.key);
        if !self.equivocated.contains(&fp) {
            self.equivocated.push(fp);
            self.count::<()>(how, &Ok(()));
            if self.providers.len() < PROVIDERS {
                let consumers = self.providers[provider].2.clone();
                self.add_provider(&consumers);
            }
        }
    }

    pub(super) fn expire(&mut self) {
        let limit = u32::try_from(self.dice.roll(5)).unwrap() + 1;
        let anyone = self.w.account("anyone");
        let _ = self.stake("expire", &anyone, &StakingMsg::Expire { limit });
    }

    pub(super) fn quarantine(&mut self) {
        let limit = u32::try_from(self.dice.roll(40)).unwrap() + 1;
        let anyone = self.w.account("anyone");
        let _ = self.stake("quarantine", &anyone, &StakingMsg::Quarantine { limit });
    }

    pub(super) fn sweep(&mut self) {
        let Some(index) = self.dice.index(self.equivocated.len()) else { return };
        let (fp_pk, anyone) = (self.equivocated[index], self.w.account("anyone"));
        let _ = self.stake("sweep", &anyone, &StakingMsg::SweepSlashed { fp_pk, limit: 3 });
    }

    pub(super) fn reorg(&mut self) {
        let height = self.w.miner.height();
        let deepest = if self.dice.roll(3) == 0 { 2 * K } else { K - 1 };
        let depth = (u32::try_from(self.dice.roll(u64::from(deepest))).unwrap() + 1).min(height);
        let mut branch = self.w.miner.fork(height - depth);
        branch.mine_empty(depth + 1);
        self.w.reorg(branch, height - depth);
        self.count::<()>(if depth >= K { "deep reorg" } else { "reorg" }, &Ok(()));
    }

    pub(super) fn unjail(&mut self) {
        let i = self.any_provider();
        let (byte, provider, consumers) = &self.providers[i];
        let (owner, fp_pk) = (self.w.owner_of(*byte), public(&provider.key));
        for consumer in consumers.clone() {
            let msg = fin::ExecuteMsg::Unjail { consumer: consumer.into(), fp_pk };
            let _ = self.tell("unjail", &owner, &msg);
        }
    }

    pub(super) fn vault_mood(&mut self) {
        let refuse = self.dice.roll(2) == 0;
        self.w.vault_refuses(&self.vault.clone(), refuse);
    }

    pub(super) fn retry(&mut self) {
        let anyone = self.w.account("anyone");
        let _ = self.stake("retry", &anyone, &StakingMsg::Retry { limit: 10 });
        let _ = self.tell("retry", &anyone, &fin::ExecuteMsg::Retry { limit: 10 });
    }

    /// Commits to the randomness of the next heights if they are not covered.
    fn prepare(&mut self, i: usize, consumer: &'static str, next: u64) {
        let end = self.randomness.get(&(i, consumer)).and_then(|all| all.last()).map_or(1, |r| r.end());
        if end <= next + 10 && !self.is_slashed(i) {
            let randomness = self.w.try_commit(&self.providers[i].1, consumer, end.max(next), COMMIT);
            self.count("commit", &randomness);
            self.randomness.entry((i, consumer)).or_default().extend(randomness);
        }
    }

    /// A provider that is not slashed; now and then any.
    fn any_provider(&mut self) -> usize {
        let honest = self.honest();
        if self.dice.roll(20) == 0 {
            return self.dice.index(self.providers.len()).unwrap();
        }
        honest[self.dice.index(honest.len()).unwrap()]
    }

    pub(super) fn vote(&mut self) {
        let i = self.any_provider();
        let consumers = self.providers[i].2.clone();
        let consumer = consumers[self.dice.index(consumers.len()).unwrap()];
        let next = self.finalized[consumer] + 1;
        let count = 1 + self.dice.roll(4);
        self.send_votes(i, consumer, next..next + count, GOOD);
        self.check_final(consumer);
    }

    fn send_votes(
        &mut self,
        i: usize,
        consumer: &'static str,
        heights: std::ops::Range<u64>,
        hash: [u8; 32],
    ) -> bool {
        self.prepare(i, consumer, heights.start);
        let all = self.randomness.get(&(i, consumer)).map_or(&[][..], |all| all);
        let covers = |r: &&Randomness| (r.start..r.end()).contains(&heights.start);
        let Some(randomness) = all.iter().find(covers) else { return false };
        let heights = heights.start..heights.end.min(randomness.end());
        let (domain, provider) = (self.w.domain(Purpose::FinalityVote, consumer), &self.providers[i].1);
        let votes = heights.map(|height| provider.vote(&domain, randomness, height, hash)).collect();
        let (consumer, fp_pk) = (consumer.to_string(), public(&provider.key));
        let finalize = [0, 5, 100][self.dice.index(3).unwrap()];
        let msg = fin::ExecuteMsg::SubmitVotes { consumer, fp_pk, votes, finalize };
        let anyone = self.w.account("anyone");
        self.tell("vote", &anyone, &msg).is_ok()
    }

    pub(super) fn equivocate(&mut self) {
        let candidates: Vec<usize> = self.honest().into_iter().filter(|i| *i >= HONEST).collect();
        let Some(index) = self.dice.index(candidates.len()) else { return };
        let i = candidates[index];
        if self.dice.roll(6) == 0 {
            let leaked = self.w.leak(&self.providers[i].1);
            assert!(leaked.is_ok(), "{leaked:?}");
            return self.convicted("leak", i);
        }
        let consumers = self.providers[i].2.clone();
        let consumer = consumers[self.dice.index(consumers.len()).unwrap()];
        let next = self.finalized[consumer] + 1;
        self.send_votes(i, consumer, next..next + 1, GOOD);
        let fp_pk = public(&self.providers[i].1.key);
        let query = fin::QueryMsg::Vote { consumer: consumer.into(), fp_pk, height: next };
        let voted: Option<fin::VoteInfo> = self.w.ask(&query);
        if voted.is_some_and(|vote| vote.app_hash.to_bytes() == GOOD) {
            assert!(self.send_votes(i, consumer, next..next + 1, BAD), "{}", self.report_all());
            self.convicted("equivocate", i);
        }
        [HUB, CONSUMER].into_iter().for_each(|consumer| self.check_final(consumer));
    }

    fn report_all(&self) -> String {
        format!("{:?}", self.tally)
    }
}
