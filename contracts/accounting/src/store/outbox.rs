//! What one end of a channel has to send again: packets that timed out or were refused, calls that failed.
//!
//! The first time a packet times out it is sent again at once; after that, and after a refusal, it waits with
//! growing intervals until anybody flushes the outbox. Attempts are counted by the packet's bytes, which name
//! it well enough: two packets with the same bytes mean the same change twice and only share the counter.

use super::{Cell, Packed, Table};
use cosmwasm_std::{StdResult, Storage};
use std::vec::Vec;

/// Something to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The bytes.
    pub data: Vec<u8>,
    /// Where to, for calls; empty for packets.
    pub to: std::string::String,
    /// Lifetime of the packet, seconds.
    pub timeout_s: u64,
}
crate::packed!(Item { data, to, timeout_s });

/// An outbox; contracts have one for packets and one for calls.
pub struct Outbox {
    queue: Table<Item>,
    attempts: Table<u32>,
    last: Cell<u64>,
    count: Cell<u32>,
}

/// Shortest wait, seconds.
pub const FIRST_WAIT: u64 = 60;
/// Longest wait, seconds.
pub const LONGEST_WAIT: u64 = 86_400;
/// Attempts after which an item is given up, about a month of daily ones.
pub const MAX_ATTEMPTS: u32 = 40;

/// What became of something that could not be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send it now.
    Now(Item),
    /// Waits until then, seconds.
    At(u64),
    /// Given up.
    Never,
}

impl Outbox {
    /// The outbox of packets.
    pub const PACKETS: Self = Self {
        queue: Table::new(b"outbox/p"),
        attempts: Table::new(b"outbox/a"),
        last: Cell::new(b"outbox/l"),
        count: Cell::new(b"outbox/c"),
    };

    /// The outbox of calls to other contracts.
    pub const CALLS: Self = Self {
        queue: Table::new(b"outcall/p"),
        attempts: Table::new(b"outcall/a"),
        last: Cell::new(b"outcall/l"),
        count: Cell::new(b"outcall/c"),
    };

    /// Delivered: forgets the attempts.
    pub fn delivered(&self, s: &mut dyn Storage, data: &[u8]) {
        self.attempts.remove(s, &[&name(data)]);
    }

    /// Timed out, or the call failed: sent again now the first time, later with growing waits.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn lost(&self, s: &mut dyn Storage, item: Item, now: u64) -> StdResult<Next> {
        match self.attempt(s, &item.data)? {
            1 => Ok(Next::Now(item)),
            n => self.wait(s, item, n, now),
        }
    }

    /// Refused by the other side: waits.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn refused(&self, s: &mut dyn Storage, item: Item, now: u64) -> StdResult<Next> {
        let n = self.attempt(s, &item.data)?;
        self.wait(s, item, n, now)
    }

    fn attempt(&self, s: &mut dyn Storage, data: &[u8]) -> StdResult<u32> {
        let key = name(data);
        let n = self.attempts.get(s, &[&key])?.saturating_add(1);
        self.attempts.save(s, &[&key], &n);
        Ok(n)
    }

    fn wait(&self, s: &mut dyn Storage, item: Item, attempts: u32, now: u64) -> StdResult<Next> {
        if attempts > MAX_ATTEMPTS {
            self.delivered(s, &item.data);
            return Ok(Next::Never);
        }
        let wait = FIRST_WAIT.checked_shl(attempts.min(20)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        let due = now.saturating_add(wait);
        self.push(s, &item, due)?;
        Ok(Next::At(due))
    }

    /// Puts something to be sent from `due` on.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn push(&self, s: &mut dyn Storage, item: &Item, due: u64) -> StdResult<()> {
        let id = self.last.get(s)?.wrapping_add(1);
        self.last.save(s, &id);
        self.queue.save(s, &[&[due.to_be_bytes(), id.to_be_bytes()].concat()], item);
        let count = self.count.get(s)?.saturating_add(1);
        self.count.save(s, &count);
        Ok(())
    }

    /// Takes up to `limit` items out whose time has come.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn due(&self, s: &mut dyn Storage, now: u64, limit: usize) -> StdResult<Vec<Item>> {
        let rows = self.queue.list(s, &[], None, limit)?;
        let due: Vec<_> = rows.into_iter().take_while(|(k, _)| when(k).is_some_and(|t| t <= now)).collect();
        let count = self.count.get(s)?.saturating_sub(u32::try_from(due.len()).unwrap_or(u32::MAX));
        for (key, _) in &due {
            self.queue.remove(s, &[key]);
        }
        if !due.is_empty() {
            self.count.save(s, &count);
        }
        Ok(due.into_iter().map(|(_, item)| item).collect())
    }

    /// How many items wait.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn len(&self, s: &dyn Storage) -> StdResult<u32> {
        self.count.get(s)
    }

    /// When the first of them may be sent, seconds.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn next_at(&self, s: &dyn Storage) -> StdResult<Option<u64>> {
        Ok(self.queue.list(s, &[], None, 1)?.first().and_then(|(k, _)| when(k)))
    }
}

fn when(key: &[u8]) -> Option<u64> {
    u64::read(&mut &key[..])
}

/// Sixteen bytes that tell items apart; a collision costs nothing but a shared counter.
fn name(data: &[u8]) -> [u8; 16] {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    data.iter().fold(OFFSET, |h, b| (h ^ u128::from(*b)).wrapping_mul(PRIME)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    fn item(data: &[u8]) -> Item {
        Item { data: data.to_vec(), to: Default::default(), timeout_s: 600 }
    }

    #[test]
    fn lost_packets_go_out_at_once_and_then_with_growing_waits() {
        let (mut s, o) = (MockStorage::new(), Outbox::PACKETS);
        assert_eq!(o.lost(&mut s, item(b"a"), 0).unwrap(), Next::Now(item(b"a")));
        assert_eq!(o.lost(&mut s, item(b"a"), 100).unwrap(), Next::At(340));
        assert!(o.due(&mut s, 339, 9).unwrap().is_empty());
        assert_eq!(o.due(&mut s, 340, 9).unwrap(), [item(b"a")]);
        assert_eq!(o.refused(&mut s, item(b"a"), 0).unwrap(), Next::At(480));
        assert_eq!((o.len(&s).unwrap(), o.next_at(&s).unwrap()), (1, Some(480)));
        o.delivered(&mut s, b"a");
        assert_eq!(o.refused(&mut s, item(b"a"), 0).unwrap(), Next::At(120));
    }

    #[test]
    fn what_is_refused_for_ever_is_given_up() {
        let (mut s, o) = (MockStorage::new(), Outbox::CALLS);
        let last = (0..=MAX_ATTEMPTS).map(|_| o.refused(&mut s, item(b"a"), 0).unwrap()).last();
        assert_eq!(last, Some(Next::Never));
    }
}
