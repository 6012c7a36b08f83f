//! The stored chain with the changes of one message on top: extension, side branches, reorg.
//!
//! Chunks are read at most once and written at most once a message. Which header is valid and which branch has
//! more work is decided by `staking_protocol::header`; here is only where things lie.

use std::collections::BTreeMap;

use contract_host::headers::{Chunk, Entry, TipRecord};
use contract_host::pack::CorruptState;
use contract_host::store;
use cosmwasm_std::Storage;
use staking_api::light_client::Reorg;
use staking_protocol::header::{BlockHash, ChainRules, Header, HeaderError, PeriodStart, TipContext, U256};

use crate::state::{self, Settings, SideHeader};

/// Headers of side branches that are kept at most, per block of the deepest reorg.
const SIDE_HEADERS_PER_DEPTH: u32 = 4;

/// What became of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is on the main chain already, or on a side branch.
    Known,
    /// It is the new tip.
    Extended,
    /// It is stored on a side branch.
    Side,
    /// Its branch became the main chain.
    Reorged(Reorg),
}

/// Why a header was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepError {
    Header(HeaderError),
    UnknownParent(BlockHash),
    ForkTooDeep { fork_height: u32, max: u32 },
    TooManySideHeaders(u32),
    Corrupt(CorruptState),
}

impl From<HeaderError> for StepError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<CorruptState> for StepError {
    fn from(error: CorruptState) -> Self {
        Self::Corrupt(error)
    }
}

/// The chain during one message.
pub(crate) struct Chain<'a> {
    storage: &'a mut dyn Storage,
    settings: Settings,
    tip: TipRecord,
    chunks: BTreeMap<u32, Cached>,
    /// Time of the carrying chain in seconds, and its height.
    now: (u64, u64),
    /// Height of the header looked at last, if it was known: the next one is probably its child.
    known_at: Option<u32>,
}

struct Cached {
    chunk: Option<Chunk>,
    changed: bool,
}

impl<'a> Chain<'a> {
    pub(crate) fn load(
        storage: &'a mut dyn Storage,
        settings: Settings,
        now: (u64, u64),
    ) -> Result<Self, CorruptState> {
        let tip = state::load_tip(storage)?;
        Ok(Self { storage, settings, tip, chunks: BTreeMap::new(), now, known_at: None })
    }

    /// Takes one header.
    pub(crate) fn step(&mut self, header: Header<'_>) -> Result<Step, StepError> {
        if header.parent() == self.tip.context.hash() {
            return self.extend(header);
        }
        let hash = header.hash();
        if hash == self.tip.context.hash() {
            return Ok(Step::Known);
        }
        if SideHeader::load(self.storage, hash)?.is_some() {
            return Ok(Step::Known);
        }
        let parent = header.parent();
        let context = match SideHeader::load(self.storage, parent)? {
            Some(side) => side.context,
            None => {
                let height = self.find(parent)?.ok_or(StepError::UnknownParent(parent))?;
                if self.entry(height.saturating_add(1))?.is_some_and(|e| e.hash == hash) {
                    self.known_at = Some(height.saturating_add(1));
                    return Ok(Step::Known);
                }
                self.context_at(height)?
            }
        };
        self.branch(header, context)
    }

    /// Writes what changed.
    pub(crate) fn flush(self) -> TipRecord {
        for (number, cached) in self.chunks.iter().filter(|(_, cached)| cached.changed) {
            match cached.chunk.as_ref().filter(|chunk| !chunk.entries().is_empty()) {
                Some(chunk) => self.storage.set(&Chunk::key(*number), &chunk.pack()),
                None => self.storage.remove(&Chunk::key(*number)),
            }
        }
        state::save_tip(self.storage, &self.tip);
        self.tip
    }

    fn rules(&self) -> &ChainRules {
        &self.settings.rules
    }

    fn extend(&mut self, header: Header<'_>) -> Result<Step, StepError> {
        let (context, _) = self.tip.context.advance(self.rules(), header)?;
        header.check_future(self.now.0)?;
        self.push(context.height(), entry_of(&context))?;
        self.tip.context = context;
        Ok(Step::Extended)
    }

    fn branch(&mut self, header: Header<'_>, parent: TipContext) -> Result<Step, StepError> {
        let max = self.settings.max_reorg_depth;
        if parent.height().saturating_add(max) < self.tip.context.height() {
            return Err(StepError::ForkTooDeep { fork_height: parent.height(), max });
        }
        let (context, _) = parent.advance(self.rules(), header)?;
        header.check_future(self.now.0)?;
        if context.work() > self.tip.context.work() {
            return self.reorg(header.parent(), context);
        }
        let max = max.saturating_mul(SIDE_HEADERS_PER_DEPTH);
        if state::side_count(self.storage)? >= max {
            return Err(StepError::TooManySideHeaders(max));
        }
        SideHeader { parent: header.parent(), context }.save(self.storage)?;
        Ok(Step::Side)
    }

    /// Makes a branch the main chain: its stored headers, then the given one.
    fn reorg(&mut self, parent: BlockHash, new_tip: TipContext) -> Result<Step, StepError> {
        let (fork_height, mut branch) = self.take_branch(parent)?;
        branch.push((new_tip.height(), entry_of(&new_tip)));
        let old_height = self.tip.context.height();
        self.truncate(fork_height, old_height)?;
        for (height, entry) in branch {
            self.push(height, entry)?;
        }
        self.tip.context = new_tip;
        // A shorter branch of more work lowers the tip; what was k deep under the highest one stays in question.
        let highest = state::highest_tip(self.storage)?.map_or(old_height, |height| height.max(old_height));
        if new_tip.height() < highest {
            state::set_highest_tip(self.storage, highest);
        }
        let deep = highest.saturating_sub(fork_height) >= self.tip.confirmation_depth;
        if deep {
            self.tip.deep_reorgs = self.tip.deep_reorgs.saturating_add(1);
        }
        let number = if deep { self.tip.deep_reorgs } else { 0 };
        let reorg = Reorg { number, fork_height, old_height, new_height: new_tip.height(), at: self.now.1 };
        state::save_reorg(self.storage, &reorg)?;
        Ok(Step::Reorged(reorg))
    }

    /// Takes the side headers from `tip` down to the main chain out of their store, lowest first, and the
    /// height of the main-chain header that they stand on.
    fn take_branch(&mut self, tip: BlockHash) -> Result<(u32, Vec<(u32, Entry)>), StepError> {
        let mut branch = Vec::new();
        let mut at = tip;
        while let Some(side) = SideHeader::load(self.storage, at)? {
            let height = side.context.height();
            branch.push((height, entry_of(&side.context)));
            at = side.parent;
        }
        branch.reverse();
        // Nothing is changed before the fork point is known: a refusal must leave the branch in place.
        let fork_height = self.find(at)?.ok_or(StepError::UnknownParent(at))?;
        for (height, entry) in &branch {
            SideHeader::remove(self.storage, *height, entry.hash)?;
        }
        Ok((fork_height, branch))
    }

    fn truncate(&mut self, last: u32, old_tip: u32) -> Result<(), StepError> {
        for number in Chunk::number(last.saturating_add(1))..=Chunk::number(old_tip) {
            let cached = self.cached(number)?;
            cached.changed = true;
            if let Some(chunk) = cached.chunk.as_mut() {
                chunk.truncate(last);
            }
        }
        Ok(())
    }

    fn push(&mut self, height: u32, entry: Entry) -> Result<(), CorruptState> {
        let cached = self.cached(Chunk::number(height))?;
        cached.changed = true;
        let empty = cached.chunk.as_ref().is_none_or(|chunk| chunk.entries().is_empty());
        if empty {
            cached.chunk = Some(Chunk::begin(height));
        }
        if let Some(chunk) = cached.chunk.as_mut() {
            chunk.push(entry);
        }
        Ok(())
    }

    fn cached(&mut self, number: u32) -> Result<&mut Cached, CorruptState> {
        match self.chunks.entry(number) {
            std::collections::btree_map::Entry::Occupied(slot) => Ok(slot.into_mut()),
            std::collections::btree_map::Entry::Vacant(slot) => {
                let raw = store::read(self.storage, &Chunk::key(number));
                let chunk = raw.map(|raw| Chunk::unpack(number, &raw)).transpose()?;
                Ok(slot.insert(Cached { chunk, changed: false }))
            }
        }
    }

    fn entry(&mut self, height: u32) -> Result<Option<Entry>, CorruptState> {
        let cached = self.cached(Chunk::number(height))?;
        Ok(cached.chunk.as_ref().and_then(|chunk| chunk.get(height)).copied())
    }

    /// Finds a header of the main chain within the window in which forks are followed.
    fn find(&mut self, hash: BlockHash) -> Result<Option<u32>, CorruptState> {
        if let Some(height) = self.known_at
            && self.entry(height)?.is_some_and(|e| e.hash == hash)
        {
            return Ok(Some(height));
        }
        let tip = self.tip.context.height();
        let lowest = Chunk::number(tip.saturating_sub(self.settings.max_reorg_depth));
        for number in (lowest..=Chunk::number(tip)).rev() {
            let Some(chunk) = self.cached(number)?.chunk.as_ref() else { break };
            if let Some(at) = chunk.entries().iter().position(|e| e.hash == hash) {
                let offset = u32::try_from(at).unwrap_or(u32::MAX);
                return Ok(Some(chunk.first().saturating_add(offset)));
            }
        }
        Ok(None)
    }

    /// Rebuilds the context of a header of the main chain.
    fn context_at(&mut self, height: u32) -> Result<TipContext, StepError> {
        let at = self.entry(height)?.ok_or(HeaderError::NoAncestor(height))?;
        let mut times = Vec::with_capacity(11);
        for back in 0..11 {
            let Some(below) = height.checked_sub(back) else { break };
            let Some(entry) = self.entry(below)? else { break };
            times.push(entry.time);
        }
        let start = self.entry(self.rules().period_start(height))?;
        let period = start.map(|e| PeriodStart { time: e.time, bits: e.bits });
        let (real_bits, work) = (self.real_bits(height, &at)?, self.work_at(height)?);
        Ok(TipContext::from_parts((height, at.hash), (at.bits, real_bits), period, times, work)?)
    }

    /// Work up to a header of the main chain: the tip's less that of the headers above.
    fn work_at(&mut self, height: u32) -> Result<U256, StepError> {
        let mut work = self.tip.context.work();
        for above in height.saturating_add(1)..=self.tip.context.height() {
            let entry = self.entry(above)?.ok_or(HeaderError::NoAncestor(above))?;
            let own = entry.bits.work().map_err(HeaderError::Bits)?;
            work = minus(work, own).ok_or(CorruptState("work"))?;
        }
        Ok(work)
    }

    /// Bits of the last header, up to and with this one, that were not lowered by the 20-minute rule.
    fn real_bits(&mut self, height: u32, at: &Entry) -> Result<staking_protocol::header::Bits, CorruptState> {
        let lowest = self.rules().pow_limit_bits();
        if self.rules().raw().min_difficulty_after.is_none() || self.rules().raw().no_retargeting {
            return Ok(at.bits);
        }
        let start = self.rules().period_start(height);
        for below in (start..=height).rev() {
            match self.entry(below)? {
                Some(entry) if entry.bits == lowest && below > start => {}
                Some(entry) => return Ok(entry.bits),
                None => break,
            }
        }
        Ok(lowest)
    }
}

fn entry_of(context: &TipContext) -> Entry {
    Entry { hash: context.hash(), time: context.time(), bits: context.bits() }
}

fn minus(a: U256, b: U256) -> Option<U256> {
    // a − b = ¬(¬a + b), and the sum overflows exactly if b > a.
    a.complement().checked_add(b).map(U256::complement)
}
