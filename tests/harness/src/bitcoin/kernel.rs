//! A safe, small door to libbitcoinkernel: one regtest chainstate in one folder.
//!
//! Knows nothing of mempool, UTXO queries or RPC. `worker_threads(0)` is essential: with script workers a bad signature is reported after, and so
//! masked by, `bad-cb-amount`, which [`super::chainstate`] relies on; [`super::selftest`] proves it at start.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::Hash;
use bitcoin::{Block, BlockHash};
use bitcoinkernel::notifications::types::BlockValidationStateExt;
use bitcoinkernel::prelude::BlockHashExt;
use bitcoinkernel::{
    Block as KernelBlock, BlockHash as KernelHash, BlockValidationStateRef, ChainType, ChainstateManager,
    Context, ContextBuilder, KernelError, ProcessBlockResult, ValidationMode,
};

use super::reasons;

/// The kernel could not be opened or used; consensus verdicts are not errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelFault {
    /// The kernel refused to open the folder.
    #[error("kernel at {path}: {message}")]
    Open {
        /// The data folder.
        path: String,
        /// What the kernel said.
        message: String,
    },
    /// The kernel gave up, for instance because the disk is full.
    #[error("kernel stopped: {0}")]
    Fatal(String),
    /// A call that cannot fail on a sound folder failed.
    #[error("kernel: {0}")]
    Internal(String),
}

/// What the kernel made of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Stored, and valid as far as it was checked (side branches are not connected).
    Accepted,
    /// Known before.
    Duplicate,
    /// Refused with Core's reason.
    Refused(String),
}

#[derive(Default)]
struct Notes {
    refused: Vec<BlockHash>,
    fatal: Option<String>,
}

/// One open chainstate.
pub(crate) struct Kernel {
    chainman: ChainstateManager,
    _context: Context,
    notes: Arc<Mutex<Notes>>,
}

impl Kernel {
    /// Opens or creates the regtest chainstate in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, KernelFault> {
        reasons::install();
        let open = |message: String| KernelFault::Open { path: dir.display().to_string(), message };
        let blocks = dir.join("blocks");
        std::fs::create_dir_all(&blocks).map_err(|e| open(e.to_string()))?;
        let (data, blocks) = (text(dir).map_err(open)?, text(&blocks).map_err(open)?);
        let notes = Arc::new(Mutex::new(Notes::default()));
        let context = context(&notes).map_err(|e| open(e.to_string()))?;
        let chainman = ChainstateManager::builder(&context, &data, &blocks)
            .and_then(|b| b.worker_threads(0).build())
            .map_err(|e| {
                // Core's last words are vague ("Error initializing block database"); its notification says why.
                let why = notes.lock().unwrap_or_else(PoisonError::into_inner).fatal.clone();
                open(why.or_else(reasons::take_error).unwrap_or_else(|| e.to_string()))
            })?;
        chainman.import_blocks().map_err(|e| open(e.to_string()))?;
        let kernel = Self { chainman, _context: context, notes };
        kernel.check_alive()?;
        Ok(kernel)
    }

    /// Offers a block.
    pub(crate) fn process(&self, block: &Block) -> Result<Verdict, KernelFault> {
        let hash = block.block_hash();
        let Ok(raw) = KernelBlock::new(&serialize(block)) else {
            return Ok(Verdict::Refused("block-decode-failed".into()));
        };
        reasons::clear();
        self.lock().refused.clear();
        let result = self.chainman.process_block(&raw);
        self.check_alive()?;
        let refused = self.lock().refused.contains(&hash);
        Ok(match result {
            ProcessBlockResult::Rejected => Verdict::Refused(reason()),
            _ if refused => Verdict::Refused(reason()),
            ProcessBlockResult::Duplicate => Verdict::Duplicate,
            ProcessBlockResult::NewBlock => Verdict::Accepted,
        })
    }

    /// Blocks of other branches that turned out invalid during the last [`Kernel::process`].
    pub(crate) fn refused_on_the_way(&self) -> Vec<BlockHash> {
        self.lock().refused.clone()
    }

    /// Hash of the best valid block.
    pub(crate) fn tip(&self) -> BlockHash {
        BlockHash::from_byte_array(self.chainman.active_chain().tip().block_hash().to_bytes())
    }

    /// Hashes of the active chain, genesis first.
    pub(crate) fn active(&self) -> Vec<BlockHash> {
        self.chainman
            .active_chain()
            .iter()
            .map(|e| BlockHash::from_byte_array(e.block_hash().to_bytes()))
            .collect()
    }

    /// Reads a block from the kernel's own files.
    pub(crate) fn read(&self, hash: &BlockHash) -> Result<Block, KernelFault> {
        let internal = |e: &dyn std::fmt::Display| KernelFault::Internal(format!("block {hash}: {e}"));
        let entry = self
            .chainman
            .get_block_tree_entry(&KernelHash::from(hash.to_byte_array()))
            .ok_or_else(|| internal(&"not in the block tree"))?;
        let raw = self
            .chainman
            .read_block_data(&entry)
            .and_then(|b| b.consensus_encode())
            .map_err(|e| internal(&e))?;
        deserialize(&raw).map_err(|e| internal(&e))
    }

    fn check_alive(&self) -> Result<(), KernelFault> {
        match &self.lock().fatal {
            Some(message) => Err(KernelFault::Fatal(message.clone())),
            None => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reason() -> String {
    reasons::take().unwrap_or_else(|| "rejected".into())
}

fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| "the path is not UTF-8".into())
}

fn context(notes: &Arc<Mutex<Notes>>) -> Result<Context, KernelError> {
    let note = |notes: &Mutex<Notes>, message: String| {
        notes.lock().unwrap_or_else(PoisonError::into_inner).fatal.get_or_insert(message);
    };
    let (fatal, flush, checked) = (notes.clone(), notes.clone(), notes.clone());
    ContextBuilder::new()
        .chain_type(ChainType::Regtest)
        .notifications(|registry| {
            registry.register_fatal_error(move |message: String| note(&fatal, message));
            registry.register_flush_error(move |message: String| note(&flush, message));
        })
        .validation(|registry| {
            registry.register_block_checked(move |block: KernelBlock, state: BlockValidationStateRef<'_>| {
                if state.mode() != ValidationMode::Valid {
                    let hash = BlockHash::from_byte_array(block.hash().to_bytes());
                    checked.lock().unwrap_or_else(PoisonError::into_inner).refused.push(hash);
                }
            });
        })
        .build()
}
