//! Append-only file of everything the node was told: blocks in order of arrival, and the operator's `invalidateblock` / `reconsiderblock`.
//!
//! It is the truth from which kernel folders are rebuilt. A record cut short or damaged by a crash ends the journal; it is cut off there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Block, BlockHash};

const MAGIC: &[u8; 8] = b"MBTCNOD1";
const HEAD: usize = 9;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A block, connected to a known parent.
    Block(Block),
    /// The operator declared a block invalid.
    Invalidate(BlockHash),
    /// The operator took that back.
    Reconsider(BlockHash),
}

/// The open journal, positioned behind its last sound record.
pub(crate) struct Journal {
    file: File,
    len: u64,
}

impl Journal {
    /// Opens or creates the journal and returns its sound records.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<Record>)> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            file.write_all(MAGIC)?;
            return Ok((Self { file, len: MAGIC.len() as u64 }, Vec::new()));
        }
        if !bytes.starts_with(MAGIC) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a node journal"));
        }
        let (records, len) = parse(&bytes);
        file.set_len(len)?;
        file.seek(SeekFrom::Start(len))?;
        Ok((Self { file, len }, records))
    }

    /// Appends a record; on failure (disk full) the file is as it was before.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        let bytes = frame(record);
        if let Err(error) = self.file.write_all(&bytes) {
            self.file.set_len(self.len)?;
            self.file.seek(SeekFrom::Start(self.len))?;
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }
}

fn frame(record: &Record) -> Vec<u8> {
    let (tag, payload) = match record {
        Record::Block(block) => (b'B', serialize(block)),
        Record::Invalidate(hash) => (b'I', hash.to_byte_array().to_vec()),
        Record::Reconsider(hash) => (b'R', hash.to_byte_array().to_vec()),
    };
    let len = u32::try_from(payload.len()).expect("a block has at most 4,000,000 bytes");
    let mut bytes = vec![tag];
    bytes.extend(len.to_le_bytes());
    bytes.extend(checksum(&payload));
    bytes.extend(payload);
    bytes
}

fn checksum(payload: &[u8]) -> [u8; 4] {
    let digest = sha256::Hash::hash(payload).to_byte_array();
    [digest[0], digest[1], digest[2], digest[3]]
}

fn parse(bytes: &[u8]) -> (Vec<Record>, u64) {
    let mut records = Vec::new();
    let mut at = MAGIC.len();
    while let Some((record, next)) = parse_one(bytes, at) {
        records.push(record);
        at = next;
    }
    (records, at as u64)
}

fn parse_one(bytes: &[u8], at: usize) -> Option<(Record, usize)> {
    let head = bytes.get(at..at.checked_add(HEAD)?)?;
    let len = usize::try_from(u32::from_le_bytes(head[1..5].try_into().ok()?)).ok()?;
    let end = at.checked_add(HEAD)?.checked_add(len)?;
    let payload = bytes.get(at + HEAD..end)?;
    if checksum(payload) != head[5..9] {
        return None;
    }
    let hash = || BlockHash::from_slice(payload).ok();
    let record = match head[0] {
        b'B' => Record::Block(deserialize(payload).ok()?),
        b'I' => Record::Invalidate(hash()?),
        b'R' => Record::Reconsider(hash()?),
        _ => return None,
    };
    Some((record, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_record_is_cut_off_and_the_rest_survives() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let block = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
        let records = [Record::Block(block.clone()), Record::Invalidate(block.block_hash())];
        let (mut journal, old) = Journal::open(&path).unwrap();
        assert!(old.is_empty());
        for record in &records {
            journal.append(record).unwrap();
        }
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..40 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let (mut journal, found) = Journal::open(&path).unwrap();
            assert_eq!(found, records[..1]);
            journal.append(&records[1]).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn a_foreign_file_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        std::fs::write(&path, b"something else").unwrap();
        assert!(Journal::open(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"something else");
    }
}
