//! What a finality signer may still sign: the anti-double-sign guard, as a pure state machine.
//!
//! A [`History`] holds the votes signed by one key in one context and a watermark, the highest height ever
//! signed or adopted. At or below it only an exact repetition passes, so that old records may be pruned and a
//! rolled-back chain is never voted on twice. The order is: ask, persist the entry, then sign; a crash in between
//! leaves a record whose repetition is the same message under the same nonce, hence the same signature.
//! There is no way to delete a record or to lower a watermark, and no history begins by itself: an empty one
//! after a lost disk is the hazard this module exists for.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry as MapEntry;
use core::fmt;

/// What was signed at a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A vote for this application hash.
    Signed([u8; 32]),
    /// Merged histories disagree: two hashes were signed. Nothing is signed at this height any more.
    Conflict,
}

/// Request to sign a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Height of the block.
    pub height: u64,
    /// Application hash of the block.
    pub app_hash: [u8; 32],
}

/// Answer to a request.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// May be signed once the entry is on disk.
    Permit(Permitted),
    /// Was signed before, exactly so: signing again reveals nothing.
    AlreadySigned(Request),
    /// Must not be signed.
    Refuse(Refusal),
}

/// Leave to sign one vote. Neither cloned nor built elsewhere; [`History::commit`] takes it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "persist the entry, commit it, then sign"]
pub struct Permitted(Request);

impl Permitted {
    /// The entry to write to durable storage before anything is signed.
    #[must_use]
    pub const fn entry(&self) -> Request {
        self.0
    }
}

/// Why a vote must not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Another hash was signed at this height; a second signature would reveal the key.
    DoubleSign {
        /// Height of both votes.
        height: u64,
        /// What was signed; `None` if histories already disagreed.
        signed: Option<[u8; 32]>,
        /// What was asked for.
        asked: [u8; 32],
    },
    /// Height at or below the watermark, without a record of exactly this vote.
    BelowWatermark {
        /// Height asked for.
        height: u64,
        /// Highest height signed or adopted.
        watermark: u64,
    },
    /// Height further above the watermark than allowed: one such signature would block all real votes.
    MaxJump {
        /// Height asked for.
        height: u64,
        /// Highest height signed or adopted.
        watermark: u64,
        /// Farthest step allowed.
        max_jump: u64,
    },
}

impl Refusal {
    /// Stable code of the refusal.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DoubleSign { .. } => "DOUBLE_SIGN",
            Self::BelowWatermark { .. } => "BELOW_WATERMARK",
            Self::MaxJump { .. } => "MAX_JUMP",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoubleSign { height, .. } => {
                write!(
                    f,
                    "height {height} was already signed for another hash; a second signature reveals the key"
                )
            }
            Self::BelowWatermark { height, watermark } => {
                write!(f, "height {height} is not above the watermark {watermark}")
            }
            Self::MaxJump { height, watermark, max_jump } => {
                write!(f, "height {height} is more than {max_jump} above the watermark {watermark}")
            }
        }
    }
}

impl core::error::Error for Refusal {}

/// Votes signed by one key in one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    watermark: u64,
    records: BTreeMap<u64, Record>,
}

impl History {
    /// Begins a history at a watermark: 0 for a key that never signed in this context, else at least the highest
    /// height that it may have signed.
    #[must_use]
    pub const fn adopt(watermark: u64) -> Self {
        Self { watermark, records: BTreeMap::new() }
    }

    /// Reads a history back from its stored entries.
    #[must_use]
    pub fn restore(watermark: u64, records: impl IntoIterator<Item = (u64, Record)>) -> Self {
        let mut history = Self::adopt(watermark);
        records.into_iter().for_each(|(height, record)| history.insert(height, record));
        history
    }

    /// Highest height signed or adopted.
    #[must_use]
    pub const fn watermark(&self) -> u64 {
        self.watermark
    }

    /// Entries in order of height.
    pub fn records(&self) -> impl Iterator<Item = (u64, Record)> + '_ {
        self.records.iter().map(|(height, record)| (*height, *record))
    }

    /// Decides on a request. Changes nothing.
    pub fn permit(&self, request: Request, max_jump: u64) -> Verdict {
        let Request { height, app_hash } = request;
        match self.records.get(&height) {
            Some(Record::Signed(signed)) if *signed == app_hash => return Verdict::AlreadySigned(request),
            Some(Record::Signed(signed)) => return double_sign(request, Some(*signed)),
            Some(Record::Conflict) => return double_sign(request, None),
            None => {}
        }
        let watermark = self.watermark;
        if height <= watermark {
            return Verdict::Refuse(Refusal::BelowWatermark { height, watermark });
        }
        if height.saturating_sub(watermark) > max_jump {
            return Verdict::Refuse(Refusal::MaxJump { height, watermark, max_jump });
        }
        Verdict::Permit(Permitted(request))
    }

    /// Records a permitted vote after its entry was persisted, and hands it out for signing.
    pub fn commit(&mut self, permitted: Permitted) -> Request {
        let Permitted(request) = permitted;
        self.insert(request.height, Record::Signed(request.app_hash));
        request
    }

    /// Raises the watermark; a lower one changes nothing.
    pub fn raise_watermark(&mut self, watermark: u64) {
        self.watermark = self.watermark.max(watermark);
    }

    /// Takes in another history of the same key and context, as after an import. Commutative, associative and
    /// idempotent; where the two disagree, the height is blocked.
    pub fn merge(&mut self, other: &Self) {
        self.raise_watermark(other.watermark);
        other.records().for_each(|(height, record)| self.insert(height, record));
    }

    /// Drops records more than `keep` below the watermark, which stands for them.
    pub fn prune(&mut self, keep: u64) {
        let lowest = self.watermark.saturating_sub(keep);
        self.records = self.records.split_off(&lowest);
    }

    fn insert(&mut self, height: u64, record: Record) {
        self.raise_watermark(height);
        match self.records.entry(height) {
            MapEntry::Vacant(slot) => {
                slot.insert(record);
            }
            MapEntry::Occupied(mut slot) if *slot.get() != record => {
                slot.insert(Record::Conflict);
            }
            MapEntry::Occupied(_) => {}
        }
    }
}

const fn double_sign(request: Request, signed: Option<[u8; 32]>) -> Verdict {
    Verdict::Refuse(Refusal::DoubleSign { height: request.height, signed, asked: request.app_hash })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const JUMP: u64 = 50;

    fn hash(n: u8) -> [u8; 32] {
        [n; 32]
    }

    fn sign(history: &mut History, height: u64, app_hash: [u8; 32]) -> Result<Request, Refusal> {
        match history.permit(Request { height, app_hash }, JUMP) {
            Verdict::Permit(permitted) => Ok(history.commit(permitted)),
            Verdict::AlreadySigned(request) => Ok(request),
            Verdict::Refuse(refusal) => Err(refusal),
        }
    }

    #[test]
    fn a_second_hash_at_one_height_is_refused() {
        let mut history = History::adopt(0);
        sign(&mut history, 3, hash(1)).unwrap();
        assert_eq!(sign(&mut history, 3, hash(2)).unwrap_err().code(), "DOUBLE_SIGN");
        assert!(sign(&mut history, 3, hash(1)).is_ok(), "the same vote again is harmless");
    }

    #[test]
    fn heights_at_or_below_the_watermark_are_refused() {
        let mut history = History::adopt(10);
        assert_eq!(sign(&mut history, 10, hash(1)).unwrap_err().code(), "BELOW_WATERMARK");
        sign(&mut history, 20, hash(1)).unwrap();
        assert_eq!(sign(&mut history, 15, hash(1)).unwrap_err().code(), "BELOW_WATERMARK");
    }

    #[test]
    fn a_jump_beyond_the_bound_is_refused() {
        let mut history = History::adopt(10);
        assert_eq!(sign(&mut history, 61, hash(1)).unwrap_err().code(), "MAX_JUMP");
        assert!(sign(&mut history, 60, hash(1)).is_ok());
    }

    #[test]
    fn histories_that_disagree_block_the_height() {
        let (mut a, mut b) = (History::adopt(0), History::adopt(0));
        sign(&mut a, 3, hash(1)).unwrap();
        sign(&mut b, 3, hash(2)).unwrap();
        a.merge(&b);
        for n in [1, 2, 3] {
            assert_eq!(sign(&mut a, 3, hash(n)).unwrap_err().code(), "DOUBLE_SIGN");
        }
    }

    fn history() -> impl Strategy<Value = History> {
        let records = prop::collection::vec((0_u64..20, 0_u8..3), 0..12);
        (0_u64..20, records).prop_map(|(watermark, records)| {
            History::restore(watermark, records.into_iter().map(|(h, n)| (h, Record::Signed(hash(n)))))
        })
    }

    fn merged(a: &History, b: &History) -> History {
        let mut out = a.clone();
        out.merge(b);
        out
    }

    #[derive(Clone, Debug)]
    enum Action {
        Ask { height: u64, n: u8 },
        CrashBeforePersist { height: u64, n: u8 },
        CrashBeforeSign { height: u64, n: u8 },
        Reload,
        Prune(u64),
        Merge(Vec<(u64, u8)>),
        Raise(u64),
    }

    fn action() -> impl Strategy<Value = Action> {
        let ask = (0_u64..80, 0_u8..3);
        prop_oneof![
            6 => ask.clone().prop_map(|(height, n)| Action::Ask { height, n }),
            1 => ask.clone().prop_map(|(height, n)| Action::CrashBeforePersist { height, n }),
            1 => ask.prop_map(|(height, n)| Action::CrashBeforeSign { height, n }),
            1 => Just(Action::Reload),
            1 => (0_u64..5).prop_map(Action::Prune),
            1 => prop::collection::vec((0_u64..80, 0_u8..3), 0..3).prop_map(Action::Merge),
            1 => (0_u64..80).prop_map(Action::Raise),
        ]
    }

    /// A signer with a disk: entries persist before they are committed in memory and signed.
    struct Signer {
        disk: History,
        memory: History,
        signed: BTreeMap<u64, [u8; 32]>,
        highest: Option<u64>,
    }

    impl Signer {
        fn reload(&mut self) {
            self.memory = History::restore(self.disk.watermark(), self.disk.records());
        }

        fn release(&mut self, request: Request) {
            let before = self.signed.insert(request.height, request.app_hash);
            assert!(before.is_none_or(|h| h == request.app_hash), "two signatures at {}", request.height);
        }

        fn ask(&mut self, height: u64, n: u8, crash_before_persist: bool, crash_before_sign: bool) {
            let request = Request { height, app_hash: hash(n) };
            match self.memory.permit(request, JUMP) {
                Verdict::Permit(permitted) => {
                    if crash_before_persist {
                        return self.reload();
                    }
                    self.disk.insert(height, Record::Signed(permitted.entry().app_hash));
                    if crash_before_sign {
                        return self.reload();
                    }
                    let request = self.memory.commit(permitted);
                    assert!(
                        self.highest.is_none_or(|h| height > h),
                        "signed anew at or below {:?}",
                        self.highest
                    );
                    self.highest = Some(height);
                    self.release(request);
                }
                Verdict::AlreadySigned(request) => self.release(request),
                Verdict::Refuse(_) => {}
            }
        }

        fn both(&mut self, change: impl Fn(&mut History)) {
            change(&mut self.disk);
            change(&mut self.memory);
        }
    }

    proptest! {
        /// Trap D25 and the reliability rules S1, B9: merging is a join.
        #[test]
        fn merge_is_commutative_associative_idempotent(a in history(), b in history(), c in history()) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &a), a.clone());
            prop_assert_eq!(merged(&a, &b).watermark(), a.watermark().max(b.watermark()));
        }

        #[test]
        fn no_run_of_actions_and_crashes_signs_two_hashes(actions in prop::collection::vec(action(), 0..120)) {
            let start = History::adopt(0);
            let mut signer = Signer { disk: start.clone(), memory: start, signed: BTreeMap::new(), highest: None };
            for action in actions {
                match action {
                    Action::Ask { height, n } => signer.ask(height, n, false, false),
                    Action::CrashBeforePersist { height, n } => signer.ask(height, n, true, false),
                    Action::CrashBeforeSign { height, n } => signer.ask(height, n, false, true),
                    Action::Reload => signer.reload(),
                    Action::Prune(keep) => signer.both(|h| h.prune(keep)),
                    Action::Raise(watermark) => signer.both(|h| h.raise_watermark(watermark)),
                    // What another machine signed at a height must never be contradicted here.
                    Action::Merge(records) => {
                        let fresh = records.iter().filter(|(h, _)| *h > signer.memory.watermark());
                        let other = History::restore(0, fresh.map(|(h, n)| (*h, Record::Signed(hash(*n)))));
                        signer.both(|h| h.merge(&other));
                    }
                }
                prop_assert_eq!(&signer.disk, &signer.memory);
            }
        }
    }
}
