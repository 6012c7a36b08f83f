//! A relayer between embedded chains, in one process: handshakes, packets, acknowledgements, timeouts.
//!
//! It keeps no state that matters: what is to be done is read from the chains each time, so it may be dropped and
//! made anew. With [`PacketFaults`] it misbehaves, the same way for the same seed. Stepwise with [`Relay::step`],
//! until nothing is left with [`Relay::run`], or in the background with [`Relay::spawn`].
//! Clients and connections below are simulated: a connection is an id on either chain.

mod background;
mod view;

pub use background::RelayHandle;
pub use view::{Pending, Stage};

use crate::chain::{Chain, ChainError, DevAccount, TRANSFER_PORT, TRANSFER_VERSION, TxError};
use crate::faults::{Dice, PacketFaults};
use cosmwasm_std::{IbcChannel, IbcOrder};
use std::collections::HashMap;
use view::Key;

pub use crate::chain::Delivered;

/// Attempts at one thing that a chain refuses before it is left alone.
const TRIES: u32 = 3;

/// Why the relay could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IbcError {
    /// A chain refused a step of a handshake.
    #[error("{step} on {chain}: {source}")]
    Handshake {
        /// `INIT`, `TRY`, `ACK` or `CONFIRM`.
        step: &'static str,
        /// The chain that refused.
        chain: String,
        /// Its reason.
        source: TxError,
    },
    /// A chain is gone or broken.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A connection of another relay.
    #[error("connection {0} is not of this relay")]
    UnknownConnection(usize),
    /// More rounds than allowed, and still something to do.
    #[error("still {pending} to relay after {rounds} rounds")]
    NotIdle {
        /// Rounds made.
        rounds: u32,
        /// What is left.
        pending: usize,
    },
}

/// One end of a connection.
#[derive(Clone)]
pub(crate) struct End {
    pub(crate) chain: Chain,
    pub(crate) id: String,
    pub(crate) relayer: String,
}

/// A connection between two chains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    index: usize,
    /// Its id on the first chain, as contracts there see it.
    pub on_a: String,
    /// Its id on the second chain.
    pub on_b: String,
}

/// A channel as both ends see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenChannel {
    /// Seen from the chain that began.
    pub a: IbcChannel,
    /// Seen from the other.
    pub b: IbcChannel,
}

/// What the relay did with one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The chain took it.
    Delivered(Delivered),
    /// The chain refused it.
    Refused(TxError),
    /// Lost on purpose; it comes again.
    Dropped,
    /// Put back on purpose for so many rounds.
    Delayed(u64),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it was about.
    pub pending: Pending,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every step, in order.
    pub steps: Vec<Step>,
    /// What chains keep refusing, with their last reason.
    pub stuck: Vec<(Pending, TxError)>,
}

impl Report {
    /// How many packets changed their destination.
    pub fn delivered(&self) -> usize {
        let done =
            |s: &&Step| s.outcome == Outcome::Delivered(Delivered::Done) && s.pending.stage == Stage::Receive;
        self.steps.iter().filter(done).count()
    }
}

/// The relayer.
pub struct Relay {
    ends: Vec<[End; 2]>,
    faults: PacketFaults,
    dice: Dice,
    round: u64,
    parked: HashMap<Key, u64>,
    refused: HashMap<Key, (u32, TxError)>,
}

impl Relay {
    /// A relay that behaves; `seed` is for the faults it may be given.
    pub fn new(seed: u64) -> Self {
        Self {
            ends: Vec::new(),
            faults: PacketFaults::NONE,
            dice: Dice::new(seed),
            round: 0,
            parked: HashMap::new(),
            refused: HashMap::new(),
        }
    }

    /// Sets how it misbehaves from now on.
    pub fn set_faults(&mut self, faults: PacketFaults) {
        self.faults = faults;
    }

    /// Opens a connection between two chains.
    ///
    /// # Errors
    /// [`IbcError::Chain`].
    pub fn connect(&mut self, a: &Chain, b: &Chain) -> Result<Connection, IbcError> {
        let ends = [end(a, b)?, end(b, a)?];
        let index = self.ends.len();
        let connection = Connection { index, on_a: ends[0].id.clone(), on_b: ends[1].id.clone() };
        self.ends.push(ends);
        Ok(connection)
    }

    fn ends(&self, connection: &Connection) -> Result<[End; 2], IbcError> {
        self.ends.get(connection.index).cloned().ok_or(IbcError::UnknownConnection(connection.index))
    }

    /// Opens a channel: INIT at the first chain, TRY at the second, ACK, CONFIRM.
    ///
    /// # Errors
    /// [`IbcError::Handshake`] with the refusing contract's text.
    pub fn open_channel(
        &mut self,
        connection: &Connection,
        port_a: &str,
        port_b: &str,
        order: IbcOrder,
        version: &str,
    ) -> Result<OpenChannel, IbcError> {
        let [a, b] = self.ends(connection)?;
        let (own, peer, text) = (port_a.to_owned(), port_b.to_owned(), version.to_owned());
        let id = a.id.clone();
        let init = hand("INIT", &a, move |s| s.ibc_open_init(&own, &peer, order, &text, &id))?;
        let (own, id, begun) = (port_b.to_owned(), b.id.clone(), init.clone());
        let tried = hand("TRY", &b, move |s| s.ibc_open_try(&own, &begun, &id))?;
        let (own, peer) = (init.endpoint.clone(), tried.clone());
        let acked = hand("ACK", &a, move |s| s.ibc_open_finish(&own, Some(&peer)))?;
        let own = tried.endpoint.clone();
        let confirmed = hand("CONFIRM", &b, move |s| s.ibc_open_finish(&own, None))?;
        Ok(OpenChannel { a: acked, b: confirmed })
    }

    /// Opens a channel for token transfers.
    ///
    /// # Errors
    /// [`IbcError::Handshake`].
    pub fn open_transfer(&mut self, connection: &Connection) -> Result<OpenChannel, IbcError> {
        self.open_channel(connection, TRANSFER_PORT, TRANSFER_PORT, IbcOrder::Unordered, TRANSFER_VERSION)
    }

    /// Everything that can be relayed now, faults aside.
    ///
    /// # Errors
    /// [`IbcError::Chain`].
    pub fn pending(&self) -> Result<Vec<Pending>, IbcError> {
        let mut all = Vec::new();
        for (connection, ends) in self.ends.iter().enumerate() {
            for from in 0..2 {
                all.extend(view::pending(connection, ends, from)?);
            }
        }
        Ok(all)
    }

    /// Does one thing and tells what; empty when there is nothing to do in this round.
    ///
    /// # Errors
    /// [`IbcError::Chain`].
    pub fn step(&mut self) -> Result<Vec<Step>, IbcError> {
        self.round += 1;
        let round = self.round;
        self.parked.retain(|_, until| *until > round);
        let mut ready = self.pending()?;
        ready.retain(|p| !self.parked.contains_key(&p.key()) && self.tries(p) < TRIES);
        if ready.is_empty() {
            return Ok(Vec::new());
        }
        let reordered = self.dice.chance(self.faults.reorder);
        let place = if reordered { self.dice.below(ready.len() as u64) } else { 0 };
        let chosen = ready.swap_remove(usize::try_from(place).unwrap_or(0));
        self.treat(chosen)
    }

    fn tries(&self, pending: &Pending) -> u32 {
        self.refused.get(&pending.key()).map_or(0, |(tries, _)| *tries)
    }

    /// Applies the faults to what was chosen, or delivers it.
    fn treat(&mut self, pending: Pending) -> Result<Vec<Step>, IbcError> {
        if self.dice.chance(self.faults.drop) {
            self.parked.insert(pending.key(), self.round + 2);
            return Ok(vec![Step { pending, outcome: Outcome::Dropped }]);
        }
        if self.dice.chance(self.faults.delay) {
            let rounds = 1 + self.dice.below(u64::from(self.faults.max_delay.max(1)));
            self.parked.insert(pending.key(), self.round + rounds + 1);
            return Ok(vec![Step { pending, outcome: Outcome::Delayed(rounds) }]);
        }
        if pending.stage == Stage::Receive && self.dice.chance(self.faults.timeout) {
            return Ok(vec![self.time_out(&pending)?]);
        }
        let again = self.dice.chance(self.faults.duplicate);
        let mut steps = vec![self.deliver(&pending)?];
        if again && matches!(steps[0].outcome, Outcome::Delivered(_)) {
            steps.push(self.deliver(&pending)?);
        }
        Ok(steps)
    }

    /// Brings one thing to its chain, whatever the faults.
    ///
    /// # Errors
    /// [`IbcError::Chain`]; a chain's refusal is in the step.
    pub fn deliver(&mut self, pending: &Pending) -> Result<Step, IbcError> {
        let ends =
            self.ends.get(pending.connection).ok_or(IbcError::UnknownConnection(pending.connection))?;
        let outcome = match view::deliver(ends, pending)? {
            Ok(done) => {
                self.refused.remove(&pending.key());
                Outcome::Delivered(done)
            }
            Err(e) => {
                let entry = self.refused.entry(pending.key()).or_insert((0, e.clone()));
                *entry = (entry.0 + 1, e.clone());
                Outcome::Refused(e)
            }
        };
        Ok(Step { pending: pending.clone(), outcome })
    }

    /// Withholds a packet for ever and tells its sender that it timed out, whatever its timeout is.
    ///
    /// # Errors
    /// [`IbcError::Chain`]; a chain's refusal is in the step.
    pub fn time_out(&mut self, pending: &Pending) -> Result<Step, IbcError> {
        let ends =
            self.ends.get(pending.connection).ok_or(IbcError::UnknownConnection(pending.connection))?;
        view::withhold(ends, pending)?;
        self.deliver(&Pending { stage: Stage::TimeOut, ..pending.clone() })
    }

    /// Tries again what chains kept refusing.
    pub fn forgive(&mut self) {
        self.refused.clear();
    }

    /// Relays until nothing is left but what chains keep refusing.
    ///
    /// # Errors
    /// [`IbcError::NotIdle`] after `max_rounds`; [`IbcError::Chain`].
    pub fn run(&mut self, max_rounds: u32) -> Result<Report, IbcError> {
        let mut report = Report::default();
        for _ in 0..max_rounds {
            report.steps.extend(self.step()?);
            let left = self.pending()?;
            if left.iter().all(|p| self.tries(p) >= TRIES) {
                let reason = |p: Pending| self.refused.get(&p.key()).map(|(_, e)| (p.clone(), e.clone()));
                report.stuck = left.into_iter().filter_map(reason).collect();
                return Ok(report);
            }
        }
        Err(IbcError::NotIdle { rounds: max_rounds, pending: self.pending()?.len() })
    }
}

/// Opens the end of a connection on `chain` for `peer`.
fn end(chain: &Chain, peer: &Chain) -> Result<End, IbcError> {
    let peer = peer.chain_id().to_owned();
    let id = chain.with(move |s| s.ibc_connection(&peer))?.map_err(ChainError::from)?;
    let relayer = DevAccount::from_seed(0, "relayer").address(chain.prefix())?;
    Ok(End { chain: chain.clone(), id, relayer })
}

fn hand<R: Send + 'static>(
    step: &'static str,
    end: &End,
    f: impl FnOnce(&mut crate::chain::ChainState) -> Result<R, TxError> + Send + 'static,
) -> Result<R, IbcError> {
    let chain = end.chain.chain_id().to_owned();
    end.chain.with(f)?.map_err(|source| IbcError::Handshake { step, chain, source })
}
