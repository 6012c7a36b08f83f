//! Typed views of a contract's storage: one value under a key, or many under composite keys.
//!
//! A composite key is the table's prefix and its parts; all parts but the last are length-prefixed, so rows of
//! one first part are neighbours. Listings always have a limit.

use super::Packed;
use core::marker::PhantomData;
use cosmwasm_std::{Order, StdError, StdResult, Storage};
use std::string::String;
use std::vec::Vec;

/// A single value.
pub struct Cell<T>(&'static [u8], PhantomData<T>);

/// Rows under composite keys.
pub struct Table<T>(&'static [u8], PhantomData<T>);

fn decode<T: Packed>(key: &[u8], mut bytes: &[u8]) -> StdResult<T> {
    let value = T::read(&mut bytes).filter(|_| bytes.is_empty());
    value.ok_or_else(|| {
        StdError::msg(std::format!("stored value is damaged: {}", String::from_utf8_lossy(key)))
    })
}

fn encode<T: Packed>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.write(&mut out);
    if out.is_empty() {
        // A chain's store refuses empty values.
        out.push(0);
    }
    out
}

impl<T: Packed> Cell<T> {
    /// The value under `key`.
    pub const fn new(key: &'static [u8]) -> Self {
        Self(key, PhantomData)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn may_load(&self, s: &dyn Storage) -> StdResult<Option<T>> {
        s.get(self.0).map(|b| decode(self.0, &b)).transpose()
    }

    /// Reads what must be there.
    ///
    /// # Errors
    /// When it is absent or damaged.
    pub fn load(&self, s: &dyn Storage) -> StdResult<T> {
        self.may_load(s)?
            .ok_or_else(|| StdError::msg(std::format!("not set: {}", String::from_utf8_lossy(self.0))))
    }

    /// Writes it.
    pub fn save(&self, s: &mut dyn Storage, value: &T) {
        s.set(self.0, &encode(value));
    }

    /// Deletes it.
    pub fn remove(&self, s: &mut dyn Storage) {
        s.remove(self.0);
    }
}

impl<T: Packed + Default> Cell<T> {
    /// Reads it, or its default.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn get(&self, s: &dyn Storage) -> StdResult<T> {
        Ok(self.may_load(s)?.unwrap_or_default())
    }
}

impl<T: Packed> Table<T> {
    /// The rows under `prefix`; no prefix may begin another one of the same contract.
    pub const fn new(prefix: &'static [u8]) -> Self {
        Self(prefix, PhantomData)
    }

    fn inner_prefix(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = self.0.to_vec();
        for part in parts {
            key.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            key.extend_from_slice(part);
        }
        key
    }

    fn key(&self, parts: &[&[u8]]) -> Vec<u8> {
        match parts.split_last() {
            Some((last, init)) => {
                let mut key = self.inner_prefix(init);
                key.extend_from_slice(last);
                key
            }
            None => self.0.to_vec(),
        }
    }

    /// Reads a row.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn may_load(&self, s: &dyn Storage, parts: &[&[u8]]) -> StdResult<Option<T>> {
        let key = self.key(parts);
        s.get(&key)
            .map(|b| if b == [0] && size_of::<T>() == 0 { decode(&key, &[]) } else { decode(&key, &b) })
            .transpose()
    }

    /// Reads a row that must be there.
    ///
    /// # Errors
    /// When it is absent or damaged.
    pub fn load(&self, s: &dyn Storage, parts: &[&[u8]]) -> StdResult<T> {
        let missing =
            || StdError::msg(std::format!("not found: {}", String::from_utf8_lossy(&self.key(parts))));
        self.may_load(s, parts)?.ok_or_else(missing)
    }

    /// Whether a row is there.
    pub fn has(&self, s: &dyn Storage, parts: &[&[u8]]) -> bool {
        s.get(&self.key(parts)).is_some()
    }

    /// Writes a row.
    pub fn save(&self, s: &mut dyn Storage, parts: &[&[u8]], value: &T) {
        s.set(&self.key(parts), &encode(value));
    }

    /// Deletes a row.
    pub fn remove(&self, s: &mut dyn Storage, parts: &[&[u8]]) {
        s.remove(&self.key(parts));
    }

    /// Up to `limit` rows whose leading parts are `parts`, ascending from after `after`, by last part.
    ///
    /// # Errors
    /// When a row is damaged.
    pub fn list(
        &self,
        s: &dyn Storage,
        parts: &[&[u8]],
        after: Option<&[u8]>,
        limit: usize,
    ) -> StdResult<Vec<(Vec<u8>, T)>> {
        let prefix = self.inner_prefix(parts);
        let start = match after {
            Some(a) => [&prefix[..], a, &[0]].concat(),
            None => prefix.clone(),
        };
        self.rows(s, &prefix, &start, &past(&prefix), Order::Ascending, limit)
    }

    /// As [`Self::list`], descending from before `before`.
    ///
    /// # Errors
    /// When a row is damaged.
    pub fn list_desc(
        &self,
        s: &dyn Storage,
        parts: &[&[u8]],
        before: Option<&[u8]>,
        limit: usize,
    ) -> StdResult<Vec<(Vec<u8>, T)>> {
        let prefix = self.inner_prefix(parts);
        let end = before.map_or_else(|| past(&prefix), |b| [&prefix[..], b].concat());
        self.rows(s, &prefix, &prefix, &end, Order::Descending, limit)
    }

    fn rows(
        &self,
        s: &dyn Storage,
        prefix: &[u8],
        start: &[u8],
        end: &[u8],
        order: Order,
        limit: usize,
    ) -> StdResult<Vec<(Vec<u8>, T)>> {
        let row = |(k, v): (Vec<u8>, Vec<u8>)| {
            let v = if v == [0] && size_of::<T>() == 0 { Vec::new() } else { v };
            Ok((k[prefix.len()..].to_vec(), decode(&k, &v)?))
        };
        s.range(Some(start), Some(end), order).take(limit).map(row).collect()
    }
}

impl<T: Packed + Default> Table<T> {
    /// Reads a row, or its default.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn get(&self, s: &dyn Storage, parts: &[&[u8]]) -> StdResult<T> {
        Ok(self.may_load(s, parts)?.unwrap_or_default())
    }
}

/// The least key after all that begin with `prefix`.
fn past(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// A stored key part as text.
///
/// # Errors
/// When it is not UTF-8.
pub fn text(key: Vec<u8>) -> StdResult<String> {
    String::from_utf8(key).map_err(|_| StdError::msg("stored key is not text"))
}

/// A page size: the one asked for, 10 by default, at most 100 (the stock clamp is inverted, 14-A11).
pub fn page(limit: Option<u32>) -> usize {
    usize::try_from(limit.unwrap_or(10).clamp(1, 100)).unwrap_or(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    #[test]
    fn rows_of_one_owner_are_listed_alone_and_in_order() {
        let (mut s, t) = (MockStorage::new(), Table::<u64>::new(b"t"));
        for (owner, name, v) in [(b"a", b"x", 1), (b"a", b"y", 2), (b"b", b"x", 3)] {
            t.save(&mut s, &[owner, name], &v);
        }
        let values = |rows: Vec<(Vec<u8>, u64)>| rows.into_iter().map(|r| r.1).collect::<Vec<_>>();
        assert_eq!(values(t.list(&s, &[b"a"], None, 9).unwrap()), [1, 2]);
        assert_eq!(values(t.list(&s, &[b"a"], Some(b"x"), 9).unwrap()), [2]);
        assert_eq!(values(t.list_desc(&s, &[b"a"], None, 1).unwrap()), [2]);
        assert_eq!(values(t.list_desc(&s, &[b"a"], Some(b"y"), 9).unwrap()), [1]);
    }

    #[test]
    fn marks_are_rows_without_a_value() {
        let (mut s, t) = (MockStorage::new(), Table::<()>::new(b"m"));
        t.save(&mut s, &[b"k"], &());
        assert!(t.has(&s, &[b"k"]));
        assert_eq!(t.may_load(&s, &[b"k"]).unwrap(), Some(()));
        assert_eq!(t.list(&s, &[], None, 9).unwrap().len(), 1);
    }

    #[test]
    fn pages_have_a_default_and_a_bound() {
        assert_eq!((page(None), page(Some(0)), page(Some(1000))), (10, 1, 100));
    }
}
