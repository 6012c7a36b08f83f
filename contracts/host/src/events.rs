//! Typed events of `staking_api` as events of the chain.

use cosmwasm_std::{Event, Response};
use staking_api::events as api;

/// Turns a typed event into one of the chain.
pub fn event<E: api::Event>(typed: &E) -> Event {
    Event::new(E::KIND).add_attributes(typed.attributes())
}

/// Adds a typed event to a response.
pub trait EmitExt {
    /// Adds the event.
    #[must_use]
    fn emit<E: api::Event>(self, typed: &E) -> Self;
}

impl<T> EmitExt for Response<T> {
    fn emit<E: api::Event>(self, typed: &E) -> Self {
        self.add_event(event(typed))
    }
}
