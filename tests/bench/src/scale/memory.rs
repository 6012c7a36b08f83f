//! What the process holds, and storages that know their size.

use std::collections::BTreeMap;

use cosmwasm_std::{Order, Record, Storage};
use mesh_harness::chain::records;

/// Bytes of memory of this process; 0 where the system does not tell.
pub(crate) fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<i64>().ok());
    kib.map_or(0, |kib| kib * 1024)
}

/// A storage in memory that counts its bytes.
#[derive(Default)]
pub(crate) struct Counted {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: i64,
}

fn size(key: &[u8], value: &[u8]) -> i64 {
    i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX)
}

impl Counted {
    /// Bytes of all keys and values.
    pub(crate) fn bytes(&self) -> i64 {
        self.bytes
    }
}

impl Storage for Counted {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.records.get(key).cloned()
    }

    fn range<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 'a> {
        records(&self.records, start, end, order)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.bytes += size(key, value);
        if let Some(old) = self.records.insert(key.to_vec(), value.to_vec()) {
            self.bytes -= size(key, &old);
        }
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(old) = self.records.remove(key) {
            self.bytes -= size(key, &old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_knows_the_bytes_in_it() {
        let mut storage = Counted::default();
        storage.set(b"a", b"123");
        storage.set(b"a", b"1");
        storage.set(b"b", b"22");
        assert_eq!(storage.bytes(), 2 + 3);
        storage.remove(b"a");
        storage.remove(b"a");
        assert_eq!(storage.bytes(), 3);
    }
}
