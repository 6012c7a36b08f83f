//! What validation of the next header must know of the past, in 130 bytes, and the step from one header to the
//! next.

use core::fmt;

use super::pack::{Packer, Unpacker};
use super::{
    Bits, BitsError, BlockHash, ChainRules, Header, HeaderRecord, U256, ValidHeader, check_target, retarget,
};

/// Number of ancestors whose median time a header must exceed (BIP-113).
const MEDIAN_SPAN: usize = 11;
/// Seconds that the first header of a period may lie before its parent under BIP-94.
const MAX_TIMEWARP: u32 = 600;

/// Header that opened the current retarget period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodStart {
    /// Timestamp in seconds since 1970.
    pub time: u32,
    /// Compact difficulty.
    pub bits: Bits,
}

/// Position of the next header.
#[derive(Clone, Copy)]
struct Step {
    height: u32,
    opens_period: bool,
}

/// The tip of a chain together with all that the rules for its child depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TipContext {
    height: u32,
    hash: BlockHash,
    bits: Bits,
    real_bits: Bits,
    period: Option<PeriodStart>,
    times: Times,
    work: U256,
    /// Work of one header with `bits`; kept because difficulty changes once in 2016 headers.
    step_work: U256,
}

impl TipContext {
    /// Length of the stored form.
    pub const LEN: usize = 130;

    /// Starts a chain at a trusted base header whose work is given (its own, if the past does not count).
    ///
    /// A base inside a retarget period can be extended up to the period's end only, since the first header of
    /// the period is unknown; see [`ChainRules::opens_period`].
    ///
    /// # Errors
    /// Refuses a base without proof of work. Its version and time are not checked.
    pub fn from_base(
        rules: &ChainRules,
        base: Header<'_>,
        height: u32,
        work: Option<U256>,
    ) -> Result<Self, HeaderError> {
        let hash = base.check_work(rules)?;
        let (bits, own) = (base.bits(), base.bits().work().map_err(HeaderError::Bits)?);
        let opens = rules.opens_period(height);
        Ok(Self {
            height,
            hash,
            bits,
            real_bits: bits,
            period: opens.then_some(PeriodStart { time: base.time(), bits }),
            times: Times::only(base.time()),
            work: work.unwrap_or(own),
            step_work: own,
        })
    }

    /// Rebuilds the context at a stored header, for a fork from there.
    ///
    /// `ancestors` are the stored headers up to and with that one, newest first; at most eleven are used.
    /// `period` is the stored header that opens the tip's retarget period, if it is stored.
    ///
    /// # Errors
    /// Refuses an empty list and stored bits that are no target.
    pub fn from_records<'a>(
        height: u32,
        period: Option<PeriodStart>,
        ancestors: impl IntoIterator<Item = &'a HeaderRecord>,
    ) -> Result<Self, HeaderError> {
        let mut newest_first = ancestors.into_iter().take(MEDIAN_SPAN);
        let tip = newest_first.next().ok_or(HeaderError::NoAncestor(height))?;
        let bits = tip.header().bits();
        let times = core::iter::once(tip).chain(newest_first).map(|r| r.header().time());
        Ok(Self {
            height,
            hash: tip.hash(),
            bits,
            real_bits: tip.real_bits,
            period,
            times: Times::from_newest_first(times),
            work: tip.work,
            step_work: bits.work().map_err(HeaderError::Bits)?,
        })
    }

    /// Rebuilds the context at a stored header from what a compact store keeps of it.
    ///
    /// `newest_first` are the timestamps of the header and its ancestors; at most eleven are used.
    ///
    /// # Errors
    /// Refuses an empty list and bits that are no target.
    pub fn from_parts(
        (height, hash): (u32, BlockHash),
        (bits, real_bits): (Bits, Bits),
        period: Option<PeriodStart>,
        newest_first: impl IntoIterator<Item = u32>,
        work: U256,
    ) -> Result<Self, HeaderError> {
        let times = Times::from_newest_first(newest_first.into_iter().take(MEDIAN_SPAN));
        if times.known == 0 {
            return Err(HeaderError::NoAncestor(height));
        }
        let step_work = bits.work().map_err(HeaderError::Bits)?;
        Ok(Self { height, hash, bits, real_bits, period, times, work, step_work })
    }

    /// Validates the child of the tip; returns the context with it as the tip.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub fn advance(
        &self,
        rules: &ChainRules,
        header: Header<'_>,
    ) -> Result<(Self, ValidHeader), HeaderError> {
        let mut next = *self;
        let valid = next.extend(rules, header)?;
        Ok((next, valid))
    }

    /// Validates the child of the tip and makes it the tip, in place.
    ///
    /// # Errors
    /// Refuses a header that is not linked, has other bits than required, too little work, a timestamp not
    /// above the median of its ancestors, or an outdated version. The context is then unchanged.
    pub fn extend(&mut self, rules: &ChainRules, header: Header<'_>) -> Result<ValidHeader, HeaderError> {
        let step = self.step(rules)?;
        self.check_link(header)?;
        self.check_bits(rules, step, header)?;
        self.check_time(rules, step, header.time())?;
        check_version(rules, step.height, header.version())?;
        let hash = header.hash();
        check_target(rules, header.bits(), hash)?;
        self.move_to(rules, step, hash, header)?;
        Ok(ValidHeader { height: step.height, hash, merkle_root: header.merkle_root(), time: header.time() })
    }

    /// Bits that a child with the given timestamp must carry.
    ///
    /// # Errors
    /// At a retarget when the period's first header is unknown.
    pub fn required_bits(&self, rules: &ChainRules, time: u32) -> Result<Bits, HeaderError> {
        self.required(rules, self.step(rules)?, time)
    }

    fn step(&self, rules: &ChainRules) -> Result<Step, HeaderError> {
        let height = self.height.checked_add(1).ok_or(HeaderError::HeightOverflow)?;
        Ok(Step { height, opens_period: rules.opens_period(height) })
    }

    fn required(&self, rules: &ChainRules, step: Step, time: u32) -> Result<Bits, HeaderError> {
        if rules.raw().no_retargeting {
            return Ok(rules.pow_limit_bits());
        }
        if step.opens_period {
            return self.retargeted(rules, step.height);
        }
        let Some(patience) = rules.raw().min_difficulty_after else { return Ok(self.bits) };
        if u64::from(time) > u64::from(self.time()).saturating_add(u64::from(patience)) {
            return Ok(rules.pow_limit_bits());
        }
        Ok(self.real_bits)
    }

    /// Median timestamp of the last eleven headers, or of those that are known.
    #[must_use]
    pub fn median_time(&self) -> u32 {
        self.times.median()
    }

    /// Height of the tip.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Hash of the tip.
    #[must_use]
    pub const fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Timestamp of the tip in seconds since 1970.
    #[must_use]
    pub fn time(&self) -> u32 {
        self.times.newest()
    }

    /// Bits of the tip.
    #[must_use]
    pub const fn bits(&self) -> Bits {
        self.bits
    }

    /// Cumulative work up to and with the tip.
    #[must_use]
    pub const fn work(&self) -> U256 {
        self.work
    }

    /// The header that opened the tip's retarget period, if it is known.
    #[must_use]
    pub const fn period(&self) -> Option<PeriodStart> {
        self.period
    }

    /// Whether the tip is at most `max_age` seconds older than `now` (trap E1: a stale tip lets a private fork
    /// prove a stake that never was).
    #[must_use]
    pub fn is_fresh(&self, now: u64, max_age: u64) -> bool {
        u64::from(self.time()).saturating_add(max_age) >= now
    }

    /// The record to store for the tip, given its header.
    #[must_use]
    pub fn record(&self, header: Header<'_>) -> HeaderRecord {
        HeaderRecord { header: *header.as_bytes(), work: self.work, real_bits: self.real_bits }
    }

    /// Writes the storage form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let mut packer = Packer::new(&mut out);
        packer.put_u32(self.height);
        packer.put(self.hash.to_bytes());
        packer.put_u32(self.bits.to_u32());
        packer.put_u32(self.real_bits.to_u32());
        packer.put([u8::from(self.period.is_some())]);
        packer.put_u32(self.period.map_or(0, |p| p.time));
        packer.put_u32(self.period.map_or(0, |p| p.bits.to_u32()));
        packer.put([self.times.known]);
        self.times.ring.into_iter().for_each(|time| packer.put_u32(time));
        packer.put(self.work.to_be_bytes());
        out
    }

    /// Reads the storage form; `None` if it is not one.
    #[must_use]
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        let mut fields = Unpacker::new(raw);
        let height = fields.take_u32()?;
        let hash = BlockHash::from_bytes(fields.take()?);
        let bits = Bits::from_u32(fields.take_u32()?);
        let real_bits = Bits::from_u32(fields.take_u32()?);
        let [known] = fields.take()?;
        let start = PeriodStart { time: fields.take_u32()?, bits: Bits::from_u32(fields.take_u32()?) };
        let period = (known == 1).then_some(start);
        let [times_known] = fields.take()?;
        let mut times = Times { known: times_known, ring: [0; MEDIAN_SPAN] };
        for time in &mut times.ring {
            *time = fields.take_u32()?;
        }
        let work = U256::from_be_bytes(fields.take()?);
        let sound = fields.is_empty() && known <= 1 && (1..=MEDIAN_SPAN).contains(&usize::from(times_known));
        let step_work = bits.work().ok()?;
        sound.then_some(Self { height, hash, bits, real_bits, period, times, work, step_work })
    }

    fn check_link(&self, header: Header<'_>) -> Result<(), HeaderError> {
        let found = header.parent();
        if found == self.hash { Ok(()) } else { Err(HeaderError::Unlinked { expected: self.hash, found }) }
    }

    fn check_bits(&self, rules: &ChainRules, step: Step, header: Header<'_>) -> Result<(), HeaderError> {
        let (expected, found) = (self.required(rules, step, header.time())?, header.bits());
        if expected == found {
            Ok(())
        } else {
            Err(HeaderError::WrongBits { height: step.height, expected, found })
        }
    }

    fn check_time(&self, rules: &ChainRules, step: Step, time: u32) -> Result<(), HeaderError> {
        if !self.times.all_below(time) {
            let median = self.median_time();
            if time <= median {
                return Err(HeaderError::TooOld { time, median });
            }
        }
        let earliest = self.time().saturating_sub(MAX_TIMEWARP);
        if rules.raw().bip94 && step.opens_period && time < earliest {
            return Err(HeaderError::TimeWarp { time, earliest });
        }
        Ok(())
    }

    fn retargeted(&self, rules: &ChainRules, height: u32) -> Result<Bits, HeaderError> {
        let start = self.period.ok_or(HeaderError::PeriodStartUnknown(height))?;
        let from = if rules.raw().bip94 { start.bits } else { self.bits };
        retarget(rules, from, start.time, self.time()).map_err(HeaderError::Bits)
    }

    fn move_to(
        &mut self,
        rules: &ChainRules,
        step: Step,
        hash: BlockHash,
        header: Header<'_>,
    ) -> Result<(), HeaderError> {
        let (bits, time) = (header.bits(), header.time());
        let step_work =
            if bits == self.bits { self.step_work } else { bits.work().map_err(HeaderError::Bits)? };
        self.work = self.work.checked_add(step_work).ok_or(HeaderError::WorkOverflow(step.height))?;
        (self.height, self.hash, self.bits, self.step_work) = (step.height, hash, bits, step_work);
        if step.opens_period {
            self.period = Some(PeriodStart { time, bits });
        }
        if step.opens_period || bits != rules.pow_limit_bits() {
            self.real_bits = bits;
        }
        self.times.push(time);
        Ok(())
    }
}

fn check_version(rules: &ChainRules, height: u32, version: i32) -> Result<(), HeaderError> {
    let lowest = rules.lowest_version(height);
    if version < lowest { Err(HeaderError::Version { height, version, lowest }) } else { Ok(()) }
}

/// The last eleven timestamps, oldest first; unknown ones in front are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Times {
    known: u8,
    ring: [u32; MEDIAN_SPAN],
}

impl Times {
    fn only(time: u32) -> Self {
        let mut times = Self::default();
        times.push(time);
        times
    }

    fn push(&mut self, time: u32) {
        self.ring.rotate_left(1);
        let [.., newest] = &mut self.ring;
        *newest = time;
        self.known = self.known.saturating_add(1).min(11);
    }

    fn from_newest_first(times: impl Iterator<Item = u32>) -> Self {
        let mut out = Self::default();
        for (slot, time) in out.ring.iter_mut().rev().zip(times) {
            *slot = time;
            out.known = out.known.saturating_add(1);
        }
        out
    }

    fn newest(&self) -> u32 {
        let [.., newest] = self.ring;
        newest
    }

    fn all_below(&self, time: u32) -> bool {
        self.ring.iter().all(|t| *t < time)
    }

    fn median(&self) -> u32 {
        let mut sorted = self.ring;
        // Unknown slots are zero and in front; a known zero time sorts among them without harm.
        crate::sort::heap_sort(&mut sorted);
        let known = usize::from(self.known);
        let unknown = MEDIAN_SPAN.saturating_sub(known);
        sorted.get(unknown.saturating_add(known >> 1)).copied().unwrap_or_default()
    }
}

/// Why a header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// Not a header's length, or not a multiple of it.
    Length(usize),
    /// Heights are 32 bits wide.
    HeightOverflow,
    /// Not a child of the tip.
    Unlinked {
        /// Hash of the tip.
        expected: BlockHash,
        /// Parent named by the header.
        found: BlockHash,
    },
    /// Bits are not a target.
    Bits(BitsError),
    /// Target above the chain's limit.
    AboveLimit(Bits),
    /// Hash above the target.
    ProofOfWork {
        /// Hash of the header.
        hash: BlockHash,
        /// Its bits.
        bits: Bits,
    },
    /// Other difficulty than the past demands.
    WrongBits {
        /// Height of the header.
        height: u32,
        /// Bits demanded.
        expected: Bits,
        /// Bits found.
        found: Bits,
    },
    /// Retarget at this height needs a header before the base.
    PeriodStartUnknown(u32),
    /// Timestamp not above the median of the ancestors.
    TooOld {
        /// Timestamp of the header.
        time: u32,
        /// Median of its ancestors.
        median: u32,
    },
    /// First timestamp of a period too far before its parent's (BIP-94).
    TimeWarp {
        /// Timestamp of the header.
        time: u32,
        /// Earliest one allowed.
        earliest: u32,
    },
    /// Timestamp more than two hours ahead of wall time.
    FromFuture {
        /// Timestamp of the header.
        time: u32,
        /// Latest one allowed.
        latest: u64,
    },
    /// Version no longer valid at this height.
    Version {
        /// Height of the header.
        height: u32,
        /// Version found.
        version: i32,
        /// Lowest version allowed.
        lowest: i32,
    },
    /// Cumulative work does not fit 256 bits at this height.
    WorkOverflow(u32),
    /// No stored header at this height to rebuild a context from.
    NoAncestor(u32),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(n) => write!(f, "{n} bytes are not whole headers of {} bytes", Header::LEN),
            Self::HeightOverflow => f.write_str("height exceeds 32 bits"),
            Self::Unlinked { expected, found } => write!(f, "parent is {found}, not the tip {expected}"),
            Self::Bits(error) => error.fmt(f),
            Self::AboveLimit(bits) => write!(f, "target {bits:?} is above the chain's limit"),
            Self::ProofOfWork { hash, bits } => write!(f, "hash {hash} is above the target {bits:?}"),
            Self::WrongBits { height, expected, found } => {
                write!(f, "header {height} has difficulty {found:?}, required is {expected:?}")
            }
            Self::PeriodStartUnknown(height) => {
                write!(f, "retarget at {height} needs a header from before the base")
            }
            Self::TooOld { time, median } => write!(f, "time {time} is not after the median {median}"),
            Self::TimeWarp { time, earliest } => write!(f, "time {time} is before {earliest} at a retarget"),
            Self::FromFuture { time, latest } => write!(f, "time {time} is after {latest}"),
            Self::Version { height, version, lowest } => {
                write!(f, "header {height} has version {version}, lowest is {lowest}")
            }
            Self::WorkOverflow(height) => write!(f, "work exceeds 256 bits at {height}"),
            Self::NoAncestor(height) => write!(f, "no stored header at {height}"),
        }
    }
}

impl core::error::Error for HeaderError {}
