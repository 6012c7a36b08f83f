//! Bitcoin regtest for anybody's suite: an embedded node on Bitcoin Core's own consensus code, and a handle that fits bitcoind as well.
//!
//! [`KernelNode`] runs libbitcoinkernel in-process and serves a bitcoind-compatible JSON-RPC on loopback; programs and tests speak to it exactly as
//! to bitcoind. [`RpcNode`] has the helpers tests want (mine, fund) over that RPC, for both. [`script::verify_spend`] runs single inputs through
//! Core's script interpreter. Not here: peer-to-peer networking, a wallet, other networks than regtest.

mod accept;
mod chainstate;
mod client;
mod clock;
mod engine;
mod journal;
mod kernel;
mod mempool;
mod node;
mod package;
mod policy;
mod reasons;
mod rpc;
pub mod script;
mod selftest;
mod store;
mod template;
mod view;

use std::path::PathBuf;

use bitcoin::Network;

pub use client::{RpcFailure, RpcNode};
pub use clock::BlockClock;
pub use kernel::KernelFault;
pub use node::{KernelNode, Node, Options};

/// [`BitcoinNode::kind`] of embedded nodes.
pub const KERNEL_KIND: &str = "libbitcoinkernel 31.99";

/// How to reach a Bitcoin node, embedded or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitcoinNode {
    /// Base address of the JSON-RPC, without credentials.
    pub rpc_url: String,
    /// File with `user:password`.
    pub cookie_file: PathBuf,
    /// The network, regtest in this workspace.
    pub network: Network,
    /// What serves it: [`KERNEL_KIND`] or "bitcoind".
    pub kind: String,
}

impl BitcoinNode {
    /// Describes a bitcoind that somebody else started.
    #[must_use]
    pub fn bitcoind(rpc_url: &str, cookie_file: PathBuf) -> Self {
        Self { rpc_url: rpc_url.into(), cookie_file, network: Network::Regtest, kind: "bitcoind".into() }
    }

    /// Opens a client with the cookie's credentials.
    ///
    /// # Errors
    /// [`RpcFailure::Transport`] when the cookie cannot be read.
    pub fn rpc(&self) -> Result<RpcNode, RpcFailure> {
        RpcNode::with_cookie(&self.rpc_url, &self.cookie_file)
    }
}

/// Why an embedded node did not start or could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// Reading or writing the data folder failed, for instance because the disk is full.
    #[error("{path}: {source}", path = path.display())]
    Disk {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another node runs in this folder.
    #[error("{path} is in use by another node", path = path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The RPC port cannot be had.
    #[error("RPC port {port}: {source}")]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// libbitcoinkernel failed.
    #[error(transparent)]
    Kernel(#[from] KernelFault),
    /// The node would not judge transactions rightly.
    #[error("self-test of the embedded node: {0}")]
    SelfTest(String),
    /// Core refused a block that the node built.
    #[error("block refused: {reason}")]
    BlockRefused {
        /// Core's reason.
        reason: String,
    },
}
