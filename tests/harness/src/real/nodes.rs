//! Everything real at once: a bitcoind, a hub and a consumer chain, and a relayer with a connection between them.
//!
//! Contracts are not deployed here; when they are, [`Nodes::open_channel`] joins two of them and [`Nodes::relay`]
//! starts carrying packets.

use std::path::Path;
use std::thread;

use super::RealError;
use super::bitcoind::Bitcoind;
use super::hermes::{Channel, Connection, Hermes, Order};
use super::process::Process;
use super::programs;
use super::wasmd::{ChainSpec, Wasmd};

/// The running programs. Dropping them stops them, the relayer first.
#[derive(Debug)]
pub struct Nodes {
    relaying: Option<Process>,
    hermes: Hermes,
    connection: Connection,
    /// The hub.
    pub hub: Wasmd,
    /// The consumer.
    pub consumer: Wasmd,
    /// Bitcoin's node.
    pub bitcoin: Bitcoind,
}

impl Nodes {
    /// Starts all nodes at the same time, with their data in folders of `dir`, and connects the chains.
    ///
    /// # Errors
    /// The first failure; what was started until then is stopped.
    pub fn start(dir: &Path, hub: ChainSpec, consumer: ChainSpec) -> Result<Self, RealError> {
        programs::all_present()?;
        let (bitcoin, chains) = thread::scope(|scope| {
            let bitcoin = scope.spawn(|| Bitcoind::start(&dir.join("bitcoin")));
            let chains = Wasmd::start_all(dir, [hub, consumer]);
            (
                bitcoin
                    .join()
                    .unwrap_or_else(|_| Err(RealError::unexpected("end of a thread", "it panicked"))),
                chains,
            )
        });
        let [hub, consumer] = chains?;
        let bitcoin = bitcoin?;
        let hermes = Hermes::new(&dir.join("hermes"), &hub, &consumer)?;
        let connection = hermes.connect(&hub, &consumer)?;
        Ok(Self { relaying: None, hermes, connection, hub, consumer, bitcoin })
    }

    /// Opens a channel from a port of the hub to a port of the consumer.
    ///
    /// # Errors
    /// Those of [`Hermes::open_channel`].
    pub fn open_channel(&self, ports: [&str; 2], order: Order, version: &str) -> Result<Channel, RealError> {
        self.hermes.open_channel(&self.connection, ports, order, version)
    }

    /// Starts relaying; packets sent before are carried too. A second call changes nothing.
    ///
    /// # Errors
    /// Those of [`Hermes::start`].
    pub fn relay(&mut self) -> Result<(), RealError> {
        if self.relaying.is_none() {
            self.relaying = Some(self.hermes.start()?);
        }
        Ok(())
    }

    /// Stops relaying, as a relayer that is down would.
    pub fn stop_relaying(&mut self) {
        self.relaying = None;
    }
}
