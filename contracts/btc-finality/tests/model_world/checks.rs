//! What must hold at any time.

use std::collections::{BTreeMap, BTreeSet};

use staking_api::staking::{Delegation, Delegations, Outbox, QueryMsg as StakingQuery, Status};
use staking_api::{Key, Txid, finality as fin};

use super::Model;
use crate::world::actors::public;

impl Model {
    /// Final heights go up by one at a time and never down.
    pub(super) fn check_final(&mut self, consumer: &'static str) {
        let last = self.finalized[consumer];
        let found: Option<fin::Consumer> = self.w.ask(&fin::QueryMsg::Consumer { id: consumer.into() });
        let found = found.unwrap();
        let now = found.last_finalized.unwrap_or(0);
        assert!(now >= last, "final heights never go back");
        assert_eq!(found.next_height, now + 1, "no gap");
        for height in last + 1..=now {
            let done = self.w.finalized(consumer, height);
            assert!(done.finalized && done.app_hash == Some(super::GOOD.into()));
            assert!(3 * u128::from(done.power) > 2 * u128::from(done.total));
        }
        self.finalized.insert(consumer, now);
    }

    pub(crate) fn check(&self) {
        let all = self.delegations();
        self.check_power(&all);
        check_once(&all);
    }

    fn delegations(&self) -> Vec<Delegation> {
        let (mut all, mut start_after) = (Vec::new(), None);
        loop {
            let query =
                StakingQuery::Delegations { filter: Default::default(), start_after, limit: Some(100) };
            let page: Delegations = self.w.ask_staking(&query);
            all.extend(page.delegations);
            start_after = page.next;
            if start_after.is_none() {
                return all;
            }
        }
    }

    /// Σ power = Σ counted delegations for each provider, and who signed twice, nobody else, has none.
    fn check_power(&self, all: &[Delegation]) {
        let mut counted: BTreeMap<Key, u64> = BTreeMap::new();
        for d in all.iter().filter(|d| d.counted) {
            assert!(d.spend.is_none() && d.covenant_signers >= d.covenant_quorum);
            assert!(
                matches!(d.status, Status::Active | Status::Expired | Status::Slashed | Status::Unbonded),
                "{d:?}"
            );
            for fp in &d.fp_pks {
                *counted.entry(*fp).or_default() += d.value_sat;
            }
        }
        for (_, provider, consumers) in &self.providers {
            let fp_pk = public(&provider.key);
            for consumer in consumers {
                let info = self.w.info(consumer, fp_pk);
                // A convict has none, even before its delegations have been gone through.
                let expected = if info.slashed { 0 } else { counted.get(&fp_pk).copied().unwrap_or(0) };
                assert_eq!(info.power, expected);
                assert_eq!(info.slashed, self.equivocated.contains(&fp_pk));
                let shown = self.w.power(consumer, fp_pk);
                let out = info.slashed || info.jailed;
                assert_eq!(shown, if out { 0 } else { info.power });
            }
        }
    }

    /// Nothing waits any more, and the vault was told of each delegation's beginning once.
    pub(super) fn check_outboxes(&self) {
        let of_staking: Outbox = self.w.ask_staking(&StakingQuery::Outbox { start_after: None, limit: None });
        let of_finality: fin::Outbox = self.w.ask(&fin::QueryMsg::Outbox { start_after: None, limit: None });
        assert!(of_staking.items.is_empty() && of_finality.items.is_empty());
        let mut begun = BTreeSet::new();
        for txid in self.w.vault_heard(&self.vault, "delegation_active") {
            assert!(begun.insert(txid.clone()), "{txid} began twice");
        }
        for ended in ["delegation_unbonding", "delegation_expired", "delegation_quarantined"] {
            for txid in self.w.vault_heard(&self.vault, ended) {
                assert!(begun.contains(&txid), "{ended} of {txid}, which the vault does not know");
            }
        }
    }
}

/// No stake counts beside the one that it continues.
fn check_once(all: &[Delegation]) {
    let counted: BTreeSet<Txid> = all.iter().filter(|d| d.counted).map(|d| d.txid).collect();
    for d in all.iter().filter(|d| d.counted) {
        assert!(d.previous_txid.is_none_or(|previous| !counted.contains(&previous)));
    }
}
