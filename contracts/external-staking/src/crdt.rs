//! The consumer's validator set as we know it: a state that does not depend on the order of packets (§6.3).
//!
//! Per validator a few entries (height, state), newest first. Of two entries of one height the worse one wins;
//! a tombstone is final. So every order of the same packets ends in the same state.

use staking_api::mesh::external::ValState;

/// State at a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Active,
    Unbonded,
    Jailed,
    Tombstoned,
}

/// State from a height on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) height: u64,
    pub(crate) time: u64,
    pub(crate) state: State,
}

/// A validator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validator {
    pub(crate) pub_key: Option<String>,
    /// Height at which the key was announced.
    pub(crate) key_height: u64,
    /// Newest first.
    pub(crate) entries: Vec<Entry>,
}

/// Entries kept; older ones are of use only for the height of an infraction.
const KEPT: usize = 8;

impl Validator {
    pub(crate) fn put(&mut self, height: u64, time: u64, state: State) {
        match self.entries.iter_mut().find(|e| e.height == height) {
            Some(e) => e.state = e.state.max(state),
            None => self.entries.push(Entry { height, time, state }),
        }
        self.entries.sort_by_key(|e| core::cmp::Reverse(e.height));
        // The tombstone, wherever it is, must survive.
        while self.entries.len() > KEPT {
            let oldest = self.entries.iter().rposition(|e| e.state != State::Tombstoned);
            match oldest {
                Some(i) => drop(self.entries.remove(i)),
                None => break,
            }
        }
    }

    pub(crate) fn set_key(&mut self, height: u64, key: String) {
        if self.pub_key.is_none() || height >= self.key_height {
            self.pub_key = Some(key);
            self.key_height = height;
        }
    }

    pub(crate) fn state(&self) -> Option<State> {
        if self.entries.iter().any(|e| e.state == State::Tombstoned) {
            return Some(State::Tombstoned);
        }
        self.entries.first().map(|e| e.state)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.state() == Some(State::Active)
    }

    pub(crate) fn shown(&self) -> ValState {
        match self.state() {
            Some(State::Active) => ValState::Active {},
            Some(State::Unbonded) => ValState::Unbonded {},
            Some(State::Jailed) => ValState::Jailed {},
            Some(State::Tombstoned) => ValState::Tombstoned {},
            None => ValState::Unknown {},
        }
    }
}

impl mesh_accounting::store::Packed for State {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Active => 0,
            Self::Unbonded => 1,
            Self::Jailed => 2,
            Self::Tombstoned => 3,
        });
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        match u8::read(from)? {
            0 => Some(Self::Active),
            1 => Some(Self::Unbonded),
            2 => Some(Self::Jailed),
            3 => Some(Self::Tombstoned),
            _ => None,
        }
    }
}
mesh_accounting::packed!(Entry { height, time, state });
mesh_accounting::packed!(Validator { pub_key, key_height, entries });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_packets_does_not_matter() {
        let steps = [(5, State::Active), (7, State::Jailed), (9, State::Active), (9, State::Unbonded)];
        for rotation in 0..steps.len() {
            let mut v = Validator::default();
            for i in 0..steps.len() {
                let (h, s) = steps[(i + rotation) % steps.len()];
                v.put(h, h, s);
            }
            assert_eq!(v.state(), Some(State::Unbonded));
        }
    }

    #[test]
    fn a_tombstone_is_final() {
        let mut v = Validator::default();
        v.put(5, 5, State::Tombstoned);
        for h in 6..30 {
            v.put(h, h, State::Active);
        }
        assert_eq!(v.state(), Some(State::Tombstoned));
    }
}
