//! The life of a stake on the holder's side: events, persisted before they are acted on, replayed after a restart.
//!
//! The events say what the holder decided; what became of it is asked of the chains each time. So a crash between a
//! record and its act leads to the act being done again, and every act may be done twice.

use serde::{Deserialize, Serialize};

/// What the holder decided, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// A plan was made and signed; everything needed to continue is in it.
    Planned {
        /// Raw signed funding transaction, hex.
        funding: String,
        /// Index of the staking key.
        key_index: u32,
        /// Provider keys, hex.
        providers: Vec<String>,
        /// Staking time, blocks.
        staking_time: u16,
        /// Amount, satoshi.
        value_sat: u64,
        /// Parameter version.
        params_version: u32,
        /// The proof of withdrawability, hex: a valid withdrawal once the lock ends.
        withdrawal: String,
    },
    /// The registration was about to be sent.
    Registering,
    /// The covenant quorum was verified and the staking transaction was about to be sent.
    Sending,
    /// The unbonding transaction was about to be sent.
    Unbonding {
        /// Its id.
        txid: String,
    },
    /// A withdrawal was about to be sent.
    Withdrawing {
        /// Its id.
        txid: String,
        /// The raw transaction, hex.
        tx: String,
    },
}

/// How far the holder has decided to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Signed, nothing sent.
    Planned,
    /// Registered on the hub, or about to be.
    Registered,
    /// Sent to Bitcoin, or about to be.
    Sent,
    /// Leaving early.
    Unbonding,
    /// Withdrawn, or about to be.
    Withdrawn,
}

/// Events that do not make a life.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The first event is not a plan, or a plan comes again.
    #[error("a stake begins with its plan, once")]
    Plan,
    /// An event that cannot follow what came before.
    #[error("{next:?} cannot follow {now:?}")]
    Order {
        /// Where the stake is.
        now: Stage,
        /// Where the event leads.
        next: Stage,
    },
}

/// Appends events durably: when it returns, the event survives a crash.
pub trait EventStore {
    /// What can go wrong.
    type Error;

    /// Appends an event of a stake (named by its staking transaction id).
    ///
    /// # Errors
    /// When the event may not have been stored.
    fn append(&mut self, stake: &str, event: &Event) -> Result<(), Self::Error>;

    /// All events of a stake in order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn events(&self, stake: &str) -> Result<Vec<Event>, Self::Error>;
}

impl Event {
    fn stage(&self) -> Stage {
        match self {
            Self::Planned { .. } => Stage::Planned,
            Self::Registering => Stage::Registered,
            Self::Sending => Stage::Sent,
            Self::Unbonding { .. } => Stage::Unbonding,
            Self::Withdrawing { .. } => Stage::Withdrawn,
        }
    }
}

/// Replays events into the stage reached. The log is not trusted: events out of order are an error.
///
/// # Errors
/// [`ReplayError`].
pub fn replay(events: &[Event]) -> Result<Stage, ReplayError> {
    let (first, rest) = events.split_first().ok_or(ReplayError::Plan)?;
    if first.stage() != Stage::Planned {
        return Err(ReplayError::Plan);
    }
    rest.iter().try_fold(Stage::Planned, next)
}

/// The stage after an event. Repeating the last decision is allowed, going back is not.
///
/// # Errors
/// [`ReplayError`].
pub fn next(now: Stage, event: &Event) -> Result<Stage, ReplayError> {
    let next = event.stage();
    match (now, next) {
        (_, Stage::Planned) => Err(ReplayError::Plan),
        // Coins go out only after the registration was decided.
        (Stage::Planned, Stage::Sent | Stage::Unbonding | Stage::Withdrawn)
        | (Stage::Registered, Stage::Unbonding | Stage::Withdrawn) => Err(ReplayError::Order { now, next }),
        _ if next < now => Err(ReplayError::Order { now, next }),
        _ => Ok(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn planned() -> Event {
        Event::Planned {
            funding: "00".into(),
            key_index: 0,
            providers: vec!["aa".into()],
            staking_time: 100,
            value_sat: 5,
            params_version: 0,
            withdrawal: "00".into(),
        }
    }

    fn event(n: u8) -> Event {
        match n % 5 {
            0 => planned(),
            1 => Event::Registering,
            2 => Event::Sending,
            3 => Event::Unbonding { txid: "u".into() },
            _ => Event::Withdrawing { txid: "w".into(), tx: "00".into() },
        }
    }

    #[test]
    fn a_whole_life_replays() {
        let life: Vec<_> = (0..5).map(event).collect();
        assert_eq!(replay(&life), Ok(Stage::Withdrawn));
        assert_eq!(replay(&life[..2]), Ok(Stage::Registered));
    }

    /// S3: coins are never sent before the registration was decided.
    #[test]
    fn nothing_is_sent_before_it_is_registered() {
        assert!(matches!(replay(&[planned(), Event::Sending]), Err(ReplayError::Order { .. })));
        assert_eq!(replay(&[Event::Sending]), Err(ReplayError::Plan));
    }

    proptest! {
        #[test]
        fn a_replayed_log_never_goes_back(steps in prop::collection::vec(0u8..5, 0..12)) {
            let events: Vec<_> = core::iter::once(planned()).chain(steps.into_iter().map(event)).collect();
            let mut reached = Stage::Planned;
            for end in 1..=events.len() {
                match replay(&events[..end]) {
                    Ok(stage) => { prop_assert!(stage >= reached); reached = stage; }
                    Err(_) => break,
                }
            }
        }

        #[test]
        fn events_survive_json(n in 0u8..5) {
            let text = serde_json::to_string(&event(n)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event(n));
        }
    }
}
