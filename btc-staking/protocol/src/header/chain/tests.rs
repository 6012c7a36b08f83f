//! Headers mined on the spot at regtest difficulty, over a store that is a map.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::header::RawRules;

struct MapStore {
    tip: TipContext,
    records: BTreeMap<u32, HeaderRecord>,
    heights: BTreeMap<BlockHash, u32>,
}

impl HeaderStore for MapStore {
    type Error = Infallible;

    fn tip(&self) -> Result<TipContext, Infallible> {
        Ok(self.tip)
    }

    fn record(&self, height: u32) -> Result<Option<HeaderRecord>, Infallible> {
        Ok(self.records.get(&height).copied())
    }

    fn height_of(&self, hash: BlockHash) -> Result<Option<u32>, Infallible> {
        Ok(self.heights.get(&hash).copied())
    }
}

impl MapStore {
    fn new(rules: &ChainRules, base: &[u8; 80], height: u32) -> Self {
        let header = Header::new(base);
        let tip = TipContext::from_base(rules, header, height, None).unwrap();
        let records = BTreeMap::from([(height, tip.record(header))]);
        Self { tip, records, heights: BTreeMap::from([(tip.hash(), height)]) }
    }

    fn insert(
        &mut self,
        rules: &ChainRules,
        list: &[[u8; 80]],
    ) -> Result<Insertion, InsertError<Infallible>> {
        let plan = plan_insert(rules, self, list.iter().map(Header::new))?;
        if let Some(fork) = plan.rollback_to {
            for (_, record) in self.records.split_off(&(fork + 1)) {
                self.heights.remove(&record.hash());
            }
        }
        for (valid, record) in &plan.headers {
            self.records.insert(valid.height(), *record);
            self.heights.insert(valid.hash(), valid.height());
        }
        self.tip = plan.new_tip;
        Ok(plan)
    }
}

/// A small chain that retargets every ten blocks, so that tests see many periods.
fn quick_rules() -> ChainRules {
    let raw = RawRules { no_retargeting: false, min_difficulty_after: None, ..*ChainRules::REGTEST.raw() };
    ChainRules::new(RawRules { target_timespan: 6000, target_spacing: 600, ..raw }).unwrap()
}

fn mine(rules: &ChainRules, tip: &TipContext, time: u32, salt: u8) -> [u8; 80] {
    let bits = tip.required_bits(rules, time).unwrap();
    let mut raw = [0; 80];
    raw[..4].copy_from_slice(&4_i32.to_le_bytes());
    raw[4..36].copy_from_slice(&tip.hash().to_bytes());
    raw[36] = salt;
    raw[68..72].copy_from_slice(&time.to_le_bytes());
    raw[72..76].copy_from_slice(&bits.to_u32().to_le_bytes());
    for nonce in 0_u32.. {
        raw[76..].copy_from_slice(&nonce.to_le_bytes());
        if Header::new(&raw).check_work(rules).is_ok() {
            break;
        }
    }
    raw
}

fn base(rules: &ChainRules) -> [u8; 80] {
    let mut raw = [0; 80];
    raw[68..72].copy_from_slice(&1_600_000_000_u32.to_le_bytes());
    raw[72..76].copy_from_slice(&rules.pow_limit_bits().to_u32().to_le_bytes());
    for nonce in 0_u32.. {
        raw[76..].copy_from_slice(&nonce.to_le_bytes());
        if Header::new(&raw).check_work(rules).is_ok() {
            break;
        }
    }
    raw
}

/// Mines `count` headers on a context, `spacing` seconds apart.
fn branch(rules: &ChainRules, from: TipContext, count: usize, spacing: u32, salt: u8) -> Vec<[u8; 80]> {
    let mut tip = from;
    (0..count)
        .map(|_| {
            let raw = mine(rules, &tip, tip.time() + spacing, salt);
            tip = tip.advance(rules, Header::new(&raw)).unwrap().0;
            raw
        })
        .collect()
}

#[test]
fn a_batch_and_single_steps_end_in_the_same_context() {
    let rules = quick_rules();
    let start = base(&rules);
    let (mut batch, mut single) = (MapStore::new(&rules, &start, 20), MapStore::new(&rules, &start, 20));
    let list = branch(&rules, batch.tip, 45, 300, 0);
    batch.insert(&rules, &list).unwrap();
    for header in &list {
        single.insert(&rules, core::slice::from_ref(header)).unwrap();
    }
    assert_eq!(batch.tip, single.tip);
    assert_eq!(batch.tip.height(), 65);
    assert!(batch.tip.bits() != rules.pow_limit_bits(), "difficulty rose");
}

#[test]
fn the_context_rebuilt_from_records_is_the_rolling_one() {
    for rules in [quick_rules(), testnet_like()] {
        let mut store = MapStore::new(&rules, &base(&rules), 20);
        let mut rolling = BTreeMap::new();
        for step in 0..40_u32 {
            let spacing = if step % 7 == 3 { 1300 } else { 200 };
            let list = branch(&rules, store.tip, 1, spacing, 1);
            store.insert(&rules, &list).unwrap();
            rolling.insert(store.tip.height(), store.tip);
        }
        for (height, context) in rolling {
            assert_eq!(context_at(&rules, &store, height).unwrap(), context);
            assert_eq!(TipContext::from_bytes(&context.to_bytes()), Some(context));
        }
    }
}

fn testnet_like() -> ChainRules {
    ChainRules::new(RawRules { min_difficulty_after: Some(1200), ..*quick_rules().raw() }).unwrap()
}

/// Trap E9: a header twenty minutes late may carry the minimum difficulty; the next one may not.
#[test]
fn twenty_minute_rule_lowers_one_header_only() {
    let rules = testnet_like();
    let mut store = MapStore::new(&rules, &base(&rules), 20);
    let list = branch(&rules, store.tip, 25, 100, 0);
    store.insert(&rules, &list).unwrap();
    let real = store.tip.bits();
    assert_ne!(real, rules.pow_limit_bits());
    let late = store.tip.time() + 1201;
    assert_eq!(store.tip.required_bits(&rules, late - 1), Ok(real));
    assert_eq!(store.tip.required_bits(&rules, late), Ok(rules.pow_limit_bits()));
    let list = branch(&rules, store.tip, 1, 1201, 0);
    store.insert(&rules, &list).unwrap();
    assert_eq!(store.tip.bits(), rules.pow_limit_bits());
    assert_eq!(store.tip.required_bits(&rules, store.tip.time() + 1), Ok(real));
}

/// BIP-94: the retarget starts from the period's first bits, and its first header may not go back far.
#[test]
fn bip94_retargets_from_the_first_header_and_bounds_time_warp() {
    let plain = testnet_like();
    let rules = ChainRules::new(RawRules { bip94: true, ..*plain.raw() }).unwrap();
    let mut store = MapStore::new(&rules, &base(&rules), 20);
    let list = branch(&rules, store.tip, 28, 100, 0);
    store.insert(&rules, &list).unwrap();
    let list = branch(&rules, store.tip, 1, 1300, 0);
    store.insert(&rules, &list).unwrap();
    assert_eq!((store.tip.height(), store.tip.bits()), (49, rules.pow_limit_bits()));
    let time = store.tip.time() + 10;
    let (strict, loose) = (store.tip.required_bits(&rules, time), store.tip.required_bits(&plain, time));
    assert!(strict.unwrap().target().unwrap() < loose.unwrap().target().unwrap());
    let early = mine(&rules, &store.tip, store.tip.time() - 601, 0);
    let refused = store.tip.advance(&rules, Header::new(&early));
    assert!(matches!(refused, Err(HeaderError::TimeWarp { .. })), "{refused:?}");
    let edge = mine(&rules, &store.tip, store.tip.time() - 600, 0);
    assert!(store.tip.advance(&rules, Header::new(&edge)).is_ok());
}

#[test]
fn a_refused_header_leaves_the_context_as_it_was() {
    let rules = quick_rules();
    let store = MapStore::new(&rules, &base(&rules), 20);
    let good = branch(&rules, store.tip, 1, 600, 0);
    let mut tip = store.tip;
    let mut early = good[0];
    early[68..72].copy_from_slice(&1_u32.to_le_bytes());
    assert!(tip.extend(&rules, Header::new(&early)).is_err());
    assert_eq!(tip, store.tip);
    tip.extend(&rules, Header::new(&good[0])).unwrap();
    assert_eq!(Ok(tip), store.tip.advance(&rules, Header::new(&good[0])).map(|(next, _)| next));
}

/// Trap E2.
#[test]
fn a_list_that_begins_with_a_known_header_is_refused_whole() {
    let rules = quick_rules();
    let mut store = MapStore::new(&rules, &base(&rules), 20);
    let list = branch(&rules, store.tip, 8, 600, 0);
    store.insert(&rules, &list[..7]).unwrap();
    let again = store.insert(&rules, &list[4..]);
    assert!(matches!(again, Err(InsertError::Known(_))), "{again:?}");
    assert_eq!(store.tip.height(), 27);
}

/// Trap E3.
#[test]
fn a_fork_of_equal_work_is_refused_and_a_heavier_one_replaces() {
    let rules = quick_rules();
    let mut store = MapStore::new(&rules, &base(&rules), 20);
    let common = branch(&rules, store.tip, 3, 600, 0);
    store.insert(&rules, &common).unwrap();
    let fork_point = store.tip;
    let ours = branch(&rules, fork_point, 3, 600, 1);
    store.insert(&rules, &ours).unwrap();
    let theirs = branch(&rules, fork_point, 4, 600, 2);
    let equal = store.insert(&rules, &theirs[..3]);
    assert!(matches!(equal, Err(InsertError::NotHeavier { .. })), "{equal:?}");
    let plan = store.insert(&rules, &theirs).unwrap();
    assert_eq!((plan.rollback_to, plan.reorg_depth()), (Some(23), 3));
    assert!(plan.stale_heights().is_empty());
    assert_eq!(store.tip.height(), 27);
}

/// Trap E6: where difficulty changed, the heavier branch may be the shorter one.
#[test]
fn a_shorter_heavier_fork_names_the_heights_to_delete() {
    let rules = quick_rules();
    let mut store = MapStore::new(&rules, &base(&rules), 20);
    let common = branch(&rules, store.tip, 8, 600, 0);
    store.insert(&rules, &common).unwrap();
    let fork_point = store.tip;
    let slow = branch(&rules, fork_point, 6, 3000, 1);
    store.insert(&rules, &slow).unwrap();
    let fast = branch(&rules, fork_point, 1, 1, 2);
    let mut tip = fork_point.advance(&rules, Header::new(&fast[0])).unwrap().0;
    let mut list = fast;
    while tip.work() <= store.tip.work() {
        let raw = mine(&rules, &tip, tip.median_time() + 1, 2);
        tip = tip.advance(&rules, Header::new(&raw)).unwrap().0;
        list.push(raw);
    }
    let plan = store.insert(&rules, &list).unwrap();
    if plan.new_tip.height() < plan.old_tip.height() {
        assert_eq!(plan.stale_heights().end(), &plan.old_tip.height());
        assert!(!plan.stale_heights().is_empty());
    }
    assert_eq!(store.records.len(), store.heights.len());
}

/// Traps E5 and E7: no list is empty, no header without work.
#[test]
fn empty_unlinked_and_workless_lists_are_refused() {
    let rules = quick_rules();
    let mut store = MapStore::new(&rules, &base(&rules), 20);
    assert_eq!(store.insert(&rules, &[]), Err(InsertError::Empty));
    let list = branch(&rules, store.tip, 3, 600, 0);
    assert!(matches!(store.insert(&rules, &list[1..]), Err(InsertError::UnknownParent(_))));
    let swapped = [list[0], list[2]];
    let refused = store.insert(&rules, &swapped);
    assert!(matches!(refused, Err(InsertError::Header { position: 1, error: HeaderError::Unlinked { .. } })));
    let hard = ChainRules::MAINNET;
    assert!(matches!(Header::new(&list[0]).check_work(&hard), Err(HeaderError::AboveLimit(_))));
}

/// Trap E8: a base inside a period cannot be carried over the next retarget.
#[test]
fn a_base_inside_a_period_stops_at_the_retarget() {
    let rules = quick_rules();
    let mut store = MapStore::new(&rules, &base(&rules), 23);
    assert!(!rules.opens_period(23));
    let list = branch(&rules, store.tip, 6, 600, 0);
    store.insert(&rules, &list).unwrap();
    assert_eq!(store.tip.height(), 29);
    let time = store.tip.time() + 1;
    assert_eq!(store.tip.required_bits(&rules, time), Err(HeaderError::PeriodStartUnknown(30)));
}

#[test]
fn time_must_exceed_the_median_of_the_last_eleven() {
    let rules = quick_rules();
    let mut store = MapStore::new(&rules, &base(&rules), 20);
    let list = branch(&rules, store.tip, 7, 600, 0);
    store.insert(&rules, &list).unwrap();
    let median = store.tip.median_time();
    assert_eq!(median, 1_600_000_000 + 4 * 600, "eight known times: the fifth");
    for (time, ok) in [(median - 1, false), (median, false), (median + 1, true)] {
        let raw = mine(&rules, &store.tip, time, 0);
        assert_eq!(store.tip.advance(&rules, Header::new(&raw)).is_ok(), ok, "{time}");
    }
}

/// Traps E1 and E10.
#[test]
fn bounds_against_wall_time_take_the_time_as_argument() {
    let rules = quick_rules();
    let raw = base(&rules);
    let header = Header::new(&raw);
    assert!(header.check_future(1_600_000_000 - 7200).is_ok());
    assert!(header.check_future(1_600_000_000 - 7201).is_err());
    let tip = TipContext::from_base(&rules, header, 20, None).unwrap();
    assert!(tip.is_fresh(1_600_000_000 + 3600, 3600));
    assert!(!tip.is_fresh(1_600_000_000 + 3601, 3600));
}

proptest! {
    #[test]
    fn a_context_of_other_length_or_shape_is_no_context(cut in 0_usize..130, known in 12_u8..) {
        let rules = quick_rules();
        let start = base(&rules);
        let bytes = TipContext::from_base(&rules, Header::new(&start), 20, None).unwrap().to_bytes();
        prop_assert_eq!(TipContext::from_bytes(&bytes[..cut]), None);
        let mut spoiled = bytes;
        spoiled[53] = known;
        prop_assert_eq!(TipContext::from_bytes(&spoiled), None);
    }
}

/// Link, time, difficulty and version are checked; the root is covered by proof of work alone, at a difficulty
/// where no flipped bit happens to be another solution.
#[test]
fn a_header_with_any_bit_flipped_is_refused() {
    let raw = RawRules {
        pow_limit: U256::MAX.shift_right(16),
        pow_limit_bits: 0x1f00_ffff,
        ..*quick_rules().raw()
    };
    let rules = ChainRules::new(raw).unwrap();
    let start = base(&rules);
    let tip = TipContext::from_base(&rules, Header::new(&start), 20, None).unwrap();
    let raw = mine(&rules, &tip, tip.time() + 600, 0);
    assert!(tip.advance(&rules, Header::new(&raw)).is_ok());
    for bit in 0..640 {
        let mut spoiled = raw;
        spoiled[bit / 8] ^= 1 << (bit % 8);
        assert!(tip.advance(&rules, Header::new(&spoiled)).is_err(), "bit {bit}");
    }
}
