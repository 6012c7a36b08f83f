//! Point reads and bounded scans of raw storage, at the price that the chain charges for them.
//!
//! The SDK charges 1 000 gas for a read and 3 a byte; an iterator pays 30 and 3 a byte when it opens onto a record and
//! again when it leaves it. So a record of up to 313 bytes (33 of them wasmd's prefix, and the key) is cheaper to read
//! through a one-key range, a missing one by far; larger ones are read by `get`.

use cosmwasm_std::{Order, Storage};

/// Reads one key through a one-key range.
#[must_use]
pub fn read(storage: &dyn Storage, key: &[u8]) -> Option<Vec<u8>> {
    let end = [key, &[0]].concat();
    storage.range(Some(key), Some(&end), Order::Ascending).next().map(|(_, value)| value)
}

/// Whether a key is there, through a one-key range.
#[must_use]
pub fn exists(storage: &dyn Storage, key: &[u8]) -> bool {
    read(storage, key).is_some()
}

/// The first record at or after `from` whose key begins with `prefix`.
#[must_use]
pub fn first_from(storage: &dyn Storage, prefix: &[u8], from: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let start = [prefix, from].concat();
    storage.range(Some(&start), end_of(prefix).as_deref(), Order::Ascending).next()
}

/// The last record at or before `until` whose key begins with `prefix`.
#[must_use]
pub fn last_until(storage: &dyn Storage, prefix: &[u8], until: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let end = [prefix, until, &[0]].concat();
    storage.range(Some(prefix), Some(&end), Order::Descending).next()
}

/// At most `limit` records whose key begins with `prefix`, ascending, strictly after `after` if it is given.
/// `after` is the rest of a key, behind the prefix. Keys come back without the prefix.
pub fn page<'a>(
    storage: &'a dyn Storage,
    prefix: &'a [u8],
    after: Option<&[u8]>,
    limit: usize,
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + 'a {
    let start = after.map_or_else(|| prefix.to_vec(), |after| [prefix, after, &[0]].concat());
    strip(prefix, storage.range(Some(&start), end_of(prefix).as_deref(), Order::Ascending)).take(limit)
}

/// As [`page`], descending, strictly before `before` if it is given.
pub fn page_down<'a>(
    storage: &'a dyn Storage,
    prefix: &'a [u8],
    before: Option<&[u8]>,
    limit: usize,
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + 'a {
    let end = before.map(|before| [prefix, before].concat()).or_else(|| end_of(prefix));
    strip(prefix, storage.range(Some(prefix), end.as_deref(), Order::Descending)).take(limit)
}

fn strip<'a>(
    prefix: &'a [u8],
    records: impl Iterator<Item = (Vec<u8>, Vec<u8>)> + 'a,
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + 'a {
    records.map(|(mut key, value)| (key.split_off(prefix.len().min(key.len())), value))
}

/// The first key behind all keys that begin with `prefix`; `None` if there is none.
fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    fn filled() -> MockStorage {
        let mut storage = MockStorage::new();
        for key in [&b"a1"[..], b"a2", b"a3", b"b1"] {
            storage.set(key, key);
        }
        storage
    }

    #[test]
    fn a_point_read_sees_its_key_only() {
        let storage = filled();
        assert_eq!(read(&storage, b"a2").as_deref(), Some(&b"a2"[..]));
        assert!(!exists(&storage, b"a"));
        assert!(!exists(&storage, b"a20"));
    }

    #[test]
    fn scans_stay_within_their_prefix() {
        let storage = filled();
        assert_eq!(first_from(&storage, b"a", b"2").unwrap().0, b"a2");
        assert_eq!(first_from(&storage, b"a", b"4"), None);
        assert_eq!(last_until(&storage, b"a", b"9").unwrap().0, b"a3");
        assert_eq!(last_until(&storage, b"b", b"0"), None);
        let keys: Vec<_> = page(&storage, b"a", Some(b"1"), 9).map(|(k, _)| k).collect();
        assert_eq!(keys, [b"2", b"3"]);
        let keys: Vec<_> = page_down(&storage, b"a", Some(b"3"), 1).map(|(k, _)| k).collect();
        assert_eq!(keys, [b"2"]);
    }

    #[test]
    fn the_end_of_a_prefix_carries() {
        assert_eq!(end_of(&[1, 255]), Some(vec![2]));
        assert_eq!(end_of(&[255]), None);
    }
}
