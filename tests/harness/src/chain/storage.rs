//! State of a chain: a key-value map whose writes make the app hash, and overlays that can be thrown away.
//!
//! The app hash is a hash chain over the writes of each block in their order; it is deterministic, not a Merkle
//! root: nothing is proven against it.

use bitcoin_hashes::{Hash, HashEngine, sha256};
use cosmwasm_std::{Order, Record, Storage};
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;

/// Writes not yet applied: `None` deletes.
pub(crate) type Delta = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The committed state of a chain.
#[derive(Default)]
pub(crate) struct ChainStorage {
    data: BTreeMap<Vec<u8>, Vec<u8>>,
    app_hash: [u8; 32],
    writes: sha256::HashEngine,
}

impl ChainStorage {
    /// Ends a block: folds its writes into the app hash.
    pub(crate) fn seal(&mut self) -> [u8; 32] {
        let writes = sha256::Hash::from_engine(std::mem::take(&mut self.writes));
        let mut engine = sha256::Hash::engine();
        engine.input(&self.app_hash);
        engine.input(writes.as_byte_array());
        self.app_hash = sha256::Hash::from_engine(engine).to_byte_array();
        self.app_hash
    }

    /// Applies the writes of an overlay.
    pub(crate) fn apply(&mut self, delta: Delta) {
        apply(self, delta);
    }

    fn note(&mut self, kind: u8, part: &[u8]) {
        self.writes.input(&[kind]);
        self.writes.input(&(part.len() as u64).to_be_bytes());
        self.writes.input(part);
    }
}

impl Storage for ChainStorage {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.data.get(key).cloned()
    }

    fn range<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 'a> {
        records(&self.data, start, end, order)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.note(1, key);
        self.note(2, value);
        self.data.insert(key.to_vec(), value.to_vec());
    }

    fn remove(&mut self, key: &[u8]) {
        self.note(3, key);
        self.data.remove(key);
    }
}

type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

fn bounds<'a>(start: Option<&'a [u8]>, end: Option<&'a [u8]>) -> Option<Bounds<'a>> {
    if let (Some(s), Some(e)) = (start, end)
        && s >= e
    {
        return None;
    }
    Some((start.map_or(Bound::Unbounded, Bound::Included), end.map_or(Bound::Unbounded, Bound::Excluded)))
}

/// Records of a map in a storage's order: what [`Storage::range`] gives of it.
pub fn records<'a>(
    map: &'a BTreeMap<Vec<u8>, Vec<u8>>,
    start: Option<&[u8]>,
    end: Option<&[u8]>,
    order: Order,
) -> Box<dyn Iterator<Item = Record> + 'a> {
    let Some(bounds) = bounds(start, end) else { return Box::new(std::iter::empty()) };
    let items = map.range::<[u8], _>(bounds).map(|(k, v)| (k.clone(), v.clone()));
    match order {
        Order::Ascending => Box::new(items),
        Order::Descending => Box::new(items.rev()),
    }
}

/// A chain's storage, lent for a call.
pub enum Lent<'a> {
    /// To whoever may write.
    Writable(&'a mut dyn Storage),
    /// To a query: there is no way to a write.
    ReadOnly(&'a dyn Storage),
}

impl Lent<'_> {
    fn seen(&self) -> &dyn Storage {
        match self {
            Self::Writable(storage) => *storage,
            Self::ReadOnly(storage) => *storage,
        }
    }
}

impl Storage for Lent<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.seen().get(key)
    }

    fn range<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 'a> {
        self.seen().range(start, end, order)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        if let Self::Writable(storage) = self {
            storage.set(key, value);
        }
    }

    fn remove(&mut self, key: &[u8]) {
        if let Self::Writable(storage) = self {
            storage.remove(key);
        }
    }
}

/// Applies writes to any storage.
pub(crate) fn apply(storage: &mut dyn Storage, delta: Delta) {
    for (key, value) in delta {
        match value {
            Some(value) => storage.set(&key, &value),
            None => storage.remove(&key),
        }
    }
}

/// A storage whose writes stay aside until somebody applies them.
pub(crate) struct Overlay<'a> {
    base: &'a dyn Storage,
    delta: Delta,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(base: &'a dyn Storage) -> Self {
        Self::resume(base, Delta::new())
    }

    /// Goes on with writes collected before.
    pub(crate) fn resume(base: &'a dyn Storage, delta: Delta) -> Self {
        Self { base, delta }
    }

    pub(crate) fn into_delta(self) -> Delta {
        self.delta
    }
}

impl Storage for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.delta.get(key).cloned().unwrap_or_else(|| self.base.get(key))
    }

    fn range<'b>(
        &'b self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 'b> {
        let Some(bounds) = bounds(start, end) else { return Box::new(std::iter::empty()) };
        let mine = self.delta.range::<[u8], _>(bounds).map(|(k, v)| (k.clone(), v.clone()));
        let mine: Box<dyn Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> + 'b> = match order {
            Order::Ascending => Box::new(mine),
            Order::Descending => Box::new(mine.rev()),
        };
        Box::new(Merged { base: self.base.range(start, end, order).peekable(), mine: mine.peekable(), order })
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.delta.insert(key.to_vec(), Some(value.to_vec()));
    }

    fn remove(&mut self, key: &[u8]) {
        self.delta.insert(key.to_vec(), None);
    }
}

struct Merged<B: Iterator<Item = Record>, M: Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>> {
    base: Peekable<B>,
    mine: Peekable<M>,
    order: Order,
}

impl<B: Iterator<Item = Record>, M: Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>> Iterator for Merged<B, M> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let (Some(base), Some(mine)) = (self.base.peek(), self.mine.peek()) else {
                return self.rest();
            };
            let before = match self.order {
                Order::Ascending => base.0 < mine.0,
                Order::Descending => base.0 > mine.0,
            };
            if before {
                return self.base.next();
            }
            if base.0 == mine.0 {
                self.base.next();
            }
            if let Some((key, Some(value))) = self.mine.next() {
                return Some((key, value));
            }
        }
    }
}

impl<B: Iterator<Item = Record>, M: Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>> Merged<B, M> {
    fn rest(&mut self) -> Option<Record> {
        if self.base.peek().is_some() {
            return self.base.next();
        }
        self.mine.by_ref().find_map(|(key, value)| value.map(|value| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(storage: &dyn Storage, order: Order) -> Vec<Vec<u8>> {
        storage.range(None, None, order).map(|(k, _)| k).collect()
    }

    #[test]
    fn an_overlay_reads_like_the_applied_storage() {
        let mut base = ChainStorage::default();
        for k in [b"a", b"b", b"d", b"f"] {
            base.set(k, b"1");
        }
        let mut over = Overlay::new(&base);
        over.set(b"c", b"2");
        over.remove(b"b");
        over.set(b"d", b"3");
        over.remove(b"f");
        let seen = [keys(&over, Order::Ascending), keys(&over, Order::Descending)];
        let delta = over.into_delta();
        base.apply(delta);
        assert_eq!(seen, [keys(&base, Order::Ascending), keys(&base, Order::Descending)]);
        assert_eq!(base.get(b"d"), Some(b"3".to_vec()));
        assert_eq!(seen[0], [b"a".to_vec(), b"c".to_vec(), b"d".to_vec()]);
    }

    #[test]
    fn the_app_hash_follows_the_writes() {
        let run = |value: &[u8]| {
            let mut s = ChainStorage::default();
            s.set(b"k", value);
            s.seal()
        };
        assert_eq!(run(b"1"), run(b"1"));
        assert_ne!(run(b"1"), run(b"2"));
    }
}
