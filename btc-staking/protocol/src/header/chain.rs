//! The most-work rule over a store of headers: extending the tip, and forks that are taken only whole and only
//! when strictly heavier. Says what to write; the writing is the store's own business.

use alloc::vec::Vec;
use core::fmt;

use super::{
    BlockHash, ChainRules, Header, HeaderError, HeaderRecord, PeriodStart, TipContext, U256, ValidHeader,
};

/// Read access to the stored main chain.
pub trait HeaderStore {
    /// Failure of the store itself.
    type Error;

    /// Context of the stored tip.
    ///
    /// # Errors
    /// When the store fails.
    fn tip(&self) -> Result<TipContext, Self::Error>;

    /// Record at a height of the main chain, if it is stored.
    ///
    /// # Errors
    /// When the store fails.
    fn record(&self, height: u32) -> Result<Option<HeaderRecord>, Self::Error>;

    /// Height of a header of the main chain, if it is stored.
    ///
    /// # Errors
    /// When the store fails.
    fn height_of(&self, hash: BlockHash) -> Result<Option<u32>, Self::Error>;
}

/// What an accepted list of headers changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// Height of the fork point; heights above it up to the old tip are replaced or deleted. `None` when the
    /// tip was extended.
    pub rollback_to: Option<u32>,
    /// Tip before the insertion.
    pub old_tip: TipContext,
    /// Headers to store, ascending by one height each.
    pub headers: Vec<(ValidHeader, HeaderRecord)>,
    /// Tip after the insertion.
    pub new_tip: TipContext,
}

impl Insertion {
    /// Heights above the new tip that must be deleted: a heavier fork may be shorter (trap E6).
    #[must_use]
    pub fn stale_heights(&self) -> core::ops::RangeInclusive<u32> {
        self.new_tip.height().saturating_add(1)..=self.old_tip.height()
    }

    /// Number of headers of the main chain that were replaced.
    #[must_use]
    pub fn reorg_depth(&self) -> u32 {
        self.rollback_to.map_or(0, |height| self.old_tip.height().saturating_sub(height))
    }
}

/// Why a list of headers was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InsertError<E> {
    /// The list is empty.
    Empty,
    /// The first header is already on the main chain (trap E2).
    Known(BlockHash),
    /// The parent of the first header is not stored.
    UnknownParent(BlockHash),
    /// The fork has not more work than the main chain (trap E3).
    NotHeavier {
        /// Work of the fork.
        fork: U256,
        /// Work of the main chain.
        tip: U256,
    },
    /// A header is invalid.
    Header {
        /// Position in the list, from 0.
        position: usize,
        /// What is wrong with it.
        error: HeaderError,
    },
    /// A stored header that must be there is missing.
    Missing(u32),
    /// The store failed.
    Store(E),
}

impl<E: fmt::Display> fmt::Display for InsertError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no headers"),
            Self::Known(hash) => write!(f, "first header {hash} is already known"),
            Self::UnknownParent(hash) => write!(f, "parent {hash} of the first header is not stored"),
            Self::NotHeavier { fork, tip } => write!(f, "fork has work {fork}, the tip has {tip}"),
            Self::Header { position, error } => write!(f, "header {position} of the list: {error}"),
            Self::Missing(height) => write!(f, "stored header {height} is missing"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for InsertError<E> {}

/// Decides on a list of linked headers that extends the tip or forks off a stored header.
///
/// # Errors
/// Refuses empty lists, known or unlinked first headers, invalid headers and forks that are not strictly
/// heavier than the main chain.
pub fn plan_insert<'a, S: HeaderStore>(
    rules: &ChainRules,
    store: &S,
    headers: impl IntoIterator<Item = Header<'a>>,
) -> Result<Insertion, InsertError<S::Error>> {
    let mut headers = headers.into_iter().peekable();
    let first = *headers.peek().ok_or(InsertError::Empty)?;
    let old_tip = store.tip().map_err(InsertError::Store)?;
    let fork = find_fork(rules, store, &old_tip, first)?;
    let (accepted, new_tip) = advance_all(rules, fork.unwrap_or(old_tip), headers)?;
    if fork.is_some() && new_tip.work() <= old_tip.work() {
        return Err(InsertError::NotHeavier { fork: new_tip.work(), tip: old_tip.work() });
    }
    Ok(Insertion { rollback_to: fork.map(|f| f.height()), old_tip, headers: accepted, new_tip })
}

/// Rebuilds the context at a stored height from records: at most twelve reads.
///
/// # Errors
/// When the height is not stored or the store fails.
pub fn context_at<S: HeaderStore>(
    rules: &ChainRules,
    store: &S,
    height: u32,
) -> Result<TipContext, InsertError<S::Error>> {
    let mut ancestors = Vec::with_capacity(11);
    for back in 0..11 {
        let Some(at) = height.checked_sub(back) else { break };
        let Some(record) = store.record(at).map_err(InsertError::Store)? else { break };
        ancestors.push(record);
    }
    let start = store.record(rules.period_start(height)).map_err(InsertError::Store)?;
    let period = start.map(|r| PeriodStart { time: r.header().time(), bits: r.header().bits() });
    TipContext::from_records(height, period, &ancestors).map_err(|error| match error {
        HeaderError::NoAncestor(height) => InsertError::Missing(height),
        error => InsertError::Header { position: 0, error },
    })
}

/// `None` when the list extends the tip.
fn find_fork<S: HeaderStore>(
    rules: &ChainRules,
    store: &S,
    tip: &TipContext,
    first: Header<'_>,
) -> Result<Option<TipContext>, InsertError<S::Error>> {
    let parent = first.parent();
    if parent == tip.hash() {
        return Ok(None);
    }
    let height = store.height_of(parent).map_err(InsertError::Store)?;
    let height = height.ok_or(InsertError::UnknownParent(parent))?;
    let hash = first.hash();
    if store.height_of(hash).map_err(InsertError::Store)?.is_some() {
        return Err(InsertError::Known(hash));
    }
    context_at(rules, store, height).map(Some)
}

type Accepted = (Vec<(ValidHeader, HeaderRecord)>, TipContext);

fn advance_all<'a, E>(
    rules: &ChainRules,
    mut tip: TipContext,
    headers: impl Iterator<Item = Header<'a>>,
) -> Result<Accepted, InsertError<E>> {
    let mut accepted = Vec::with_capacity(headers.size_hint().0);
    for (position, header) in headers.enumerate() {
        let valid = tip.extend(rules, header).map_err(|error| InsertError::Header { position, error })?;
        accepted.push((valid, tip.record(header)));
    }
    Ok((accepted, tip))
}

#[cfg(test)]
mod tests;
