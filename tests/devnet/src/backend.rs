//! Who serves the endpoints: the embedded world, or real nodes. Everything above knows URLs only.

mod embedded;
mod real;

use crate::args::WorldArgs;
use anyhow::Result;
use std::path::{Path, PathBuf};

pub(crate) use embedded::Embedded;
pub(crate) use real::Real;

/// The port names and the protocol of a mesh channel.
pub(crate) const MESH_VERSION: &str = r#"{"protocol":"mesh-security","version":"0.11.0"}"#;

/// A Cosmos chain as programs meet it.
#[derive(Debug, Clone)]
pub(crate) struct ChainEndpoint {
    pub(crate) chain_id: String,
    pub(crate) rpc: String,
    pub(crate) prefix: String,
    pub(crate) denom: String,
}

/// Everything that programs need to reach this world.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) bitcoin_rpc: String,
    pub(crate) bitcoin_cookie: PathBuf,
    pub(crate) bitcoin_node: String,
    pub(crate) hub: ChainEndpoint,
    pub(crate) consumer: ChainEndpoint,
}

/// A running world.
pub(crate) trait Backend {
    /// Where everything is.
    fn endpoints(&self) -> &Endpoints;
    /// What to store for a contract.
    fn code_bytes(&self, name: &str) -> Result<Vec<u8>>;
    /// Connects the chains and names the hub's end of the connection.
    fn connect(&mut self) -> Result<String>;
    /// Opens the mesh channel from the converter to the external-staking contract.
    fn open_mesh_channel(&mut self, converter: &str, external_staking: &str) -> Result<()>;
}

/// Accounts that have coins from the first block on, by their secret keys.
pub(crate) struct Genesis {
    pub(crate) hub: Vec<[u8; 32]>,
    pub(crate) consumer: Vec<[u8; 32]>,
}

/// What every account gets, base units.
pub(crate) const FUNDS: u128 = 1_000_000_000_000_000;

/// Starts the world that was asked for, with its data below `dir`.
pub(crate) fn start(args: &WorldArgs, dir: &Path, genesis: &Genesis) -> Result<Box<dyn Backend>> {
    if args.real {
        return Ok(Box::new(Real::start(dir, genesis)?));
    }
    Ok(Box::new(Embedded::start(args.seed, args.engine, dir, genesis)?))
}
