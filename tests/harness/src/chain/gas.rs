//! What storage costs on an SDK chain, counted as its gas store does.
//!
//! [`StoreGas`] is the tally, [`GasStorage`] a storage that keeps one for native code; the wasm engine keeps the same
//! tally at the border of the VM. Keys carry the prefix a contract's keys have in x/wasm.

use cosmwasm_std::{Order, Record, Storage};
use std::cell::Cell;
use std::iter::Peekable;
use std::rc::Rc;

/// Bytes x/wasm puts before a contract's keys: a tag and the contract's 32-byte address.
pub const CONTRACT_PREFIX: u64 = 33;

const READ: u64 = 1_000;
const READ_BYTE: u64 = 3;
const WRITE: u64 = 2_000;
const WRITE_BYTE: u64 = 30;
const DELETE: u64 = 1_000;
const STEP: u64 = 30;

/// SDK gas of storage, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreGas {
    /// Gas of reads and of iterators.
    pub read: u64,
    /// Gas of writes and deletes.
    pub write: u64,
    /// Number of reads and iterator steps.
    pub reads: u64,
    /// Number of writes and deletes.
    pub writes: u64,
}

fn bytes(key: usize, value: usize, prefix: u64) -> u64 {
    prefix.saturating_add(key as u64).saturating_add(value as u64)
}

impl StoreGas {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.read + self.write
    }

    /// A read of `key`; `value` is `None` when nothing was there.
    pub fn get(&mut self, prefix: u64, key: &[u8], value: Option<&[u8]>) {
        self.reads += 1;
        self.read += READ + READ_BYTE * bytes(key.len(), value.map_or(0, <[u8]>::len), prefix);
    }

    /// A write.
    pub fn set(&mut self, prefix: u64, key: &[u8], value: &[u8]) {
        self.writes += 1;
        self.write += WRITE + WRITE_BYTE * bytes(key.len(), value.len(), prefix);
    }

    /// A delete.
    pub fn remove(&mut self) {
        self.writes += 1;
        self.write += DELETE;
    }

    /// An iterator opens onto a record, or leaves the one it stands on: the SDK charges for it both times, so that
    /// the first record of an iteration is paid for twice.
    pub fn seek(&mut self, prefix: u64, record: Option<&Record>) {
        self.reads += 1;
        self.read += STEP + record.map_or(0, |(k, v)| READ_BYTE * bytes(k.len(), v.len(), prefix));
    }
}

/// A storage that counts what its use would cost.
pub struct GasStorage<S> {
    inner: S,
    prefix: u64,
    gas: Rc<Cell<StoreGas>>,
}

impl<S: Storage> GasStorage<S> {
    /// Counts on `inner` with the prefix of a contract's keys.
    pub fn new(inner: S) -> Self {
        Self::with_prefix(inner, CONTRACT_PREFIX)
    }

    /// Counts on `inner` with `prefix` bytes before each key.
    pub fn with_prefix(inner: S, prefix: u64) -> Self {
        Self { inner, prefix, gas: Rc::default() }
    }

    /// The tally so far.
    pub fn gas(&self) -> StoreGas {
        self.gas.get()
    }

    /// Gives the tally and starts anew.
    pub fn take(&self) -> StoreGas {
        self.gas.take()
    }

    /// The storage below.
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn count(&self, f: impl FnOnce(&mut StoreGas)) {
        count(&self.gas, f);
    }
}

fn count(gas: &Cell<StoreGas>, f: impl FnOnce(&mut StoreGas)) {
    let mut tally = gas.get();
    f(&mut tally);
    gas.set(tally);
}

impl<S: Storage> Storage for GasStorage<S> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.inner.get(key);
        self.count(|g| g.get(self.prefix, key, value.as_deref()));
        value
    }

    fn range<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 'a> {
        let mut items = self.inner.range(start, end, order).peekable();
        self.count(|g| g.seek(self.prefix, items.peek()));
        Box::new(Steps { items, prefix: self.prefix, gas: self.gas.clone() })
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.count(|g| g.set(self.prefix, key, value));
        self.inner.set(key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.count(StoreGas::remove);
        self.inner.remove(key);
    }
}

struct Steps<I: Iterator<Item = Record>> {
    items: Peekable<I>,
    prefix: u64,
    gas: Rc<Cell<StoreGas>>,
}

impl<I: Iterator<Item = Record>> Iterator for Steps<I> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let item = self.items.next()?;
        count(&self.gas, |g| g.seek(self.prefix, Some(&item)));
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    #[test]
    fn a_read_a_write_and_a_delete_cost_what_the_sdk_takes() {
        let mut storage = GasStorage::new(MockStorage::new());
        storage.set(b"key", b"value");
        assert_eq!(storage.take().total(), 2_000 + 30 * (33 + 3 + 5));
        assert_eq!(storage.get(b"key"), Some(b"value".to_vec()));
        assert_eq!(storage.take().total(), 1_000 + 3 * (33 + 3 + 5));
        assert_eq!(storage.get(b"none"), None);
        assert_eq!(storage.take().total(), 1_000 + 3 * (33 + 4));
        storage.remove(b"key");
        assert_eq!(storage.take().total(), 1_000);
    }

    #[test]
    fn an_iterator_pays_for_what_it_stands_on() {
        let mut storage = GasStorage::new(MockStorage::new());
        for k in [b"a", b"b", b"c"] {
            storage.set(k, b"1");
        }
        storage.take();
        let item = 3 * (33 + 1 + 1);
        assert_eq!(storage.range(None, None, Order::Ascending).take(1).count(), 1);
        assert_eq!(storage.take().total(), 2 * (30 + item));
        assert_eq!(storage.range(None, None, Order::Ascending).count(), 3);
        assert_eq!(storage.take().total(), 4 * (30 + item));
        assert_eq!(storage.range(Some(b"x"), None, Order::Ascending).count(), 0);
        assert_eq!(storage.take().total(), 30);
    }
}
