//! Taproot outputs that can only be spent through a script (BIP-341, BIP-342).
//!
//! The internal key is the point of BIP-341 that nobody knows the logarithm of, so there is no key path. Trees have at
//! most three leaves and are laid out by hand in [`crate::script`]; this is not a general tree builder.

use alloc::vec::Vec;
use bitcoin_hashes::sha256::{self, Midstate};
use bitcoin_hashes::{Hash, HashEngine};
use staking_crypto::{Curve, CurveError, Scalar, XOnly};

use crate::tx::raw::{HashSink, write_bytes};

/// The internal key of every output: x-only, with an unknown logarithm (BIP-341).
pub const NUMS: [u8; 32] = [
    0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07,
    0x8a, 0x5a, 0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
];

/// Version of every leaf: tapscript.
pub const LEAF_VERSION: u8 = 0xc0;

/// Deepest tree that BIP-341 allows.
const MAX_DEPTH: usize = 128;

/// A tagged hash (BIP-340) from a midstate computed at compile time.
pub(crate) struct Tag(Midstate);

impl Tag {
    pub(crate) const fn new(tag: &[u8]) -> Self {
        Self(Midstate::hash_tag(tag))
    }

    pub(crate) fn engine(&self) -> sha256::HashEngine {
        sha256::HashEngine::from_midstate(self.0, 64)
    }

    pub(crate) fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut engine = self.engine();
        parts.iter().for_each(|part| engine.input(part));
        sha256::Hash::from_engine(engine).to_byte_array()
    }
}

static TAP_LEAF: Tag = Tag::new(b"TapLeaf");
static TAP_BRANCH: Tag = Tag::new(b"TapBranch");
static TAP_TWEAK: Tag = Tag::new(b"TapTweak");

/// Hash of a node of a script tree.
pub type NodeHash = [u8; 32];

/// Returns the hash of a tapscript leaf.
#[must_use]
pub fn leaf_hash(script: &[u8]) -> NodeHash {
    versioned_leaf_hash(LEAF_VERSION, script)
}

fn versioned_leaf_hash(version: u8, script: &[u8]) -> NodeHash {
    let mut engine = TAP_LEAF.engine();
    engine.input(&[version]);
    write_bytes(&mut HashSink(&mut engine), script);
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// Returns the hash of the parent of two nodes.
#[must_use]
pub fn branch_hash(a: &NodeHash, b: &NodeHash) -> NodeHash {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    TAP_BRANCH.hash(&[low, high])
}

/// A leaf: its script and the hash of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    script: Vec<u8>,
    hash: NodeHash,
}

impl Leaf {
    pub(crate) fn new(script: Vec<u8>) -> Self {
        let hash = leaf_hash(&script);
        Self { script, hash }
    }

    /// Returns the script.
    #[must_use]
    pub fn script(&self) -> &[u8] {
        &self.script
    }

    /// Returns the leaf hash, which signatures commit to.
    #[must_use]
    pub fn hash(&self) -> &NodeHash {
        &self.hash
    }
}

/// An output key made of the [`NUMS`] point and a script tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputKey {
    root: NodeHash,
    key: XOnly,
    odd: bool,
}

impl OutputKey {
    /// Tweaks the internal key with the root of a tree. This is the one curve operation of an output.
    ///
    /// # Errors
    /// [`CurveError`] from the backend; not reachable for a hash that anyone can find.
    pub fn new<C: Curve>(curve: &C, root: NodeHash) -> Result<Self, CurveError> {
        let internal = XOnly::from_bytes(&NUMS)?;
        let point = curve.tweak_add(&internal, &tweak(&NUMS, &root)?)?;
        Ok(Self { root, key: point.x_only(), odd: point.is_odd() })
    }

    /// Returns the root of the tree.
    #[must_use]
    pub fn merkle_root(&self) -> &NodeHash {
        &self.root
    }

    /// Returns the output key.
    #[must_use]
    pub fn key(&self) -> &XOnly {
        &self.key
    }

    /// Tells whether the output point has an odd y.
    #[must_use]
    pub fn is_odd(&self) -> bool {
        self.odd
    }

    /// Returns the output script `OP_1 <key>`.
    #[must_use]
    pub fn pk_script(&self) -> [u8; 34] {
        p2tr_script(&self.key)
    }

    /// Returns the control block of the leaf that this path leads to.
    pub(crate) fn control_block(&self, path: &[&NodeHash]) -> Vec<u8> {
        let mut block = Vec::with_capacity(path.len().saturating_mul(32).saturating_add(33));
        block.push(LEAF_VERSION | u8::from(self.odd));
        block.extend_from_slice(&NUMS);
        path.iter().for_each(|node| block.extend_from_slice(*node));
        block
    }
}

fn tweak(internal: &[u8; 32], root: &NodeHash) -> Result<Scalar, CurveError> {
    Scalar::from_bytes(&TAP_TWEAK.hash(&[internal, root])).map_err(|_| CurveError::NoPoint)
}

/// Returns `OP_1 <key>`.
#[must_use]
pub fn p2tr_script(key: &XOnly) -> [u8; 34] {
    let mut script = [0; 34];
    let [version, push, program @ ..] = &mut script;
    (*version, *push, *program) = (0x51, 0x20, key.to_bytes());
    script
}

/// Why a script and control block do not belong to an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentError {
    /// The output script is not pay-to-taproot.
    #[error("output is not pay-to-taproot")]
    NotTaproot,
    /// A control block has 33 + 32·n bytes, n at most 128.
    #[error("control block of {0} bytes")]
    ControlBlockLength(usize),
    /// The internal key is not usable.
    #[error("internal key: {0}")]
    InternalKey(#[from] CurveError),
    /// The output key is another one.
    #[error("script is not committed to by the output")]
    OtherOutput,
}

/// Checks that an output commits to a script, and returns the leaf hash.
///
/// # Errors
/// [`CommitmentError`].
pub fn check_commitment<C: Curve>(
    curve: &C,
    pk_script: &[u8],
    control_block: &[u8],
    script: &[u8],
) -> Result<NodeHash, CommitmentError> {
    let [0x51, 0x20, program @ ..] = pk_script else { return Err(CommitmentError::NotTaproot) };
    let program = <&[u8; 32]>::try_from(program).map_err(|_| CommitmentError::NotTaproot)?;
    let bad_length = CommitmentError::ControlBlockLength(control_block.len());
    let (first, rest) = control_block.split_first().ok_or(bad_length)?;
    let (internal, path) = rest.split_first_chunk::<32>().ok_or(bad_length)?;
    let (path, ragged) = path.as_chunks::<32>();
    if !ragged.is_empty() || path.len() > MAX_DEPTH {
        return Err(bad_length);
    }
    let leaf = versioned_leaf_hash(first & 0xfe, script);
    let root = path.iter().fold(leaf, |node, sibling| branch_hash(&node, sibling));
    let key = XOnly::from_bytes(internal).map_err(CurveError::from)?;
    let point = curve.tweak_add(&key, &tweak(internal, &root)?)?;
    let same = point.x_only().as_bytes() == program && point.is_odd() == (first & 1 == 1);
    if same { Ok(leaf) } else { Err(CommitmentError::OtherOutput) }
}
