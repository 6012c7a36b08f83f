//! Bitcoin header rules: proof of work, required difficulty, median time past, versions, work, most-work forks.
//!
//! A [`Header`] is a view of 80 bytes; [`TipContext::advance`] turns it into a [`ValidHeader`] and the context
//! of the next one. The context is everything that validation needs to know of the past in a fixed number of
//! bytes, so that a batch of headers costs one read and one write of state. Forks are planned by
//! [`chain::plan_insert`]. Nothing here has a clock: bounds against wall time take the time as an argument.
//! Rules: BIP-34, BIP-65, BIP-66, BIP-94, BIP-113; docs/protocol.md, section Headers.

pub mod chain;
mod context;
mod pack;
mod rules;
mod target;
mod u256;

use core::fmt;

use bitcoin_hashes::{Hash, sha256d};

pub use context::{HeaderError, PeriodStart, TipContext};
pub use pack::HeaderRecord;
pub use rules::{ChainRules, Network, RawRules, RulesError};
pub use target::{Bits, BitsError, retarget};
pub use u256::U256;

/// Hash of a block header in internal byte order; shown reversed, as everywhere in Bitcoin (trap E17).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct BlockHash([u8; 32]);

impl BlockHash {
    /// Wraps a hash in internal order, as headers carry it.
    #[must_use]
    pub const fn from_bytes(internal: [u8; 32]) -> Self {
        Self(internal)
    }

    /// Wraps a hash in display order, as block explorers and RPCs print it.
    #[must_use]
    pub fn from_display_bytes(mut display: [u8; 32]) -> Self {
        display.reverse();
        Self(display)
    }

    /// Bytes in internal order.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Bytes in display order.
    #[must_use]
    pub fn to_display_bytes(mut self) -> [u8; 32] {
        self.0.reverse();
        self.0
    }

    /// The number that proof of work compares with the target.
    #[must_use]
    pub fn to_number(self) -> U256 {
        U256::from_le_bytes(self.0)
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// View of a serialised block header. Nothing about it has been checked but its length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header<'a>(&'a [u8; Header::LEN]);

impl<'a> Header<'a> {
    /// Length of a serialised header.
    pub const LEN: usize = 80;

    /// Views 80 bytes as a header.
    #[must_use]
    pub const fn new(raw: &'a [u8; Header::LEN]) -> Self {
        Self(raw)
    }

    /// Views a slice as a header.
    ///
    /// # Errors
    /// Refuses every length but 80.
    pub fn from_slice(raw: &'a [u8]) -> Result<Self, HeaderError> {
        raw.try_into().map(Self).map_err(|_| HeaderError::Length(raw.len()))
    }

    /// Views concatenated headers.
    ///
    /// # Errors
    /// Refuses a length that is no multiple of 80.
    pub fn list(raw: &'a [u8]) -> Result<impl ExactSizeIterator<Item = Header<'a>> + Clone, HeaderError> {
        let (headers, rest) = raw.as_chunks::<{ Header::LEN }>();
        if rest.is_empty() { Ok(headers.iter().map(Header)) } else { Err(HeaderError::Length(raw.len())) }
    }

    /// Version, signed as the version rules read it.
    #[must_use]
    pub fn version(self) -> i32 {
        i32::from_le_bytes(self.field::<0, 4>())
    }

    /// Hash of the parent.
    #[must_use]
    pub fn parent(self) -> BlockHash {
        BlockHash(self.field::<4, 32>())
    }

    /// Root of the transaction tree, in internal order.
    #[must_use]
    pub fn merkle_root(self) -> [u8; 32] {
        self.field::<36, 32>()
    }

    /// Timestamp in seconds since 1970.
    #[must_use]
    pub fn time(self) -> u32 {
        u32::from_le_bytes(self.field::<68, 4>())
    }

    /// Compact difficulty.
    #[must_use]
    pub fn bits(self) -> Bits {
        Bits::from_u32(u32::from_le_bytes(self.field::<72, 4>()))
    }

    /// Nonce.
    #[must_use]
    pub fn nonce(self) -> u32 {
        u32::from_le_bytes(self.field::<76, 4>())
    }

    /// Double SHA-256 of the header. Computed at each call.
    #[must_use]
    pub fn hash(self) -> BlockHash {
        BlockHash(sha256d::Hash::hash(self.0).to_byte_array())
    }

    /// The serialised header.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8; Header::LEN] {
        self.0
    }

    /// Checks proof of work alone: the hash against the header's own bits, these against the limit.
    ///
    /// # Errors
    /// Refuses bits that are no target or above the limit, and a hash above the target.
    pub fn check_work(self, rules: &ChainRules) -> Result<BlockHash, HeaderError> {
        let hash = self.hash();
        check_target(rules, self.bits(), hash)?;
        Ok(hash)
    }

    /// Checks that the timestamp is not more than two hours ahead of the given time (trap E10). Not part of
    /// chain validity: nodes wait such a header out.
    ///
    /// # Errors
    /// Refuses a header from the future.
    pub fn check_future(self, now: u64) -> Result<(), HeaderError> {
        let latest = now.saturating_add(MAX_FUTURE_SECONDS);
        if u64::from(self.time()) > latest {
            return Err(HeaderError::FromFuture { time: self.time(), latest });
        }
        Ok(())
    }

    fn field<const AT: usize, const N: usize>(self) -> [u8; N] {
        const { assert!(AT <= Header::LEN && N <= Header::LEN - AT, "field lies within the header") };
        self.0.split_at(AT).1.first_chunk::<N>().copied().unwrap_or([0; N])
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({})", self.hash())
    }
}

/// Seconds that a header may be ahead of wall time.
pub const MAX_FUTURE_SECONDS: u64 = 7200;

fn check_target(rules: &ChainRules, bits: Bits, hash: BlockHash) -> Result<(), HeaderError> {
    let target = bits.target().map_err(HeaderError::Bits)?;
    if target > rules.pow_limit() {
        return Err(HeaderError::AboveLimit(bits));
    }
    if hash.to_number() > target {
        return Err(HeaderError::ProofOfWork { hash, bits });
    }
    Ok(())
}

/// A header that was found valid on top of its ancestors, with what is known from its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidHeader {
    height: u32,
    hash: BlockHash,
    merkle_root: [u8; 32],
    time: u32,
}

impl ValidHeader {
    /// Reads back a header that was validated before it was stored. The caller vouches for that and for the
    /// height.
    #[must_use]
    pub fn from_storage(header: Header<'_>, height: u32) -> Self {
        Self { height, hash: header.hash(), merkle_root: header.merkle_root(), time: header.time() }
    }

    /// Height in the chain.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Hash of the header.
    #[must_use]
    pub const fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Root of the transaction tree, in internal order.
    #[must_use]
    pub const fn merkle_root(&self) -> [u8; 32] {
        self.merkle_root
    }

    /// Timestamp in seconds since 1970.
    #[must_use]
    pub const fn time(&self) -> u32 {
        self.time
    }
}
