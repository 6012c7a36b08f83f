//! What was signed, on disk before any signature leaves (S1, S2, S6 of docs/threat-model.md).
//!
//! One redb file; every record is one durable transaction. There is no command that deletes a record: after a
//! rollback of a chain the heights signed before stay signed.

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::{Path, PathBuf};

/// (domain, height) → application hash.
const VOTES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("votes");
/// domain → highest height signed.
const MARKS: TableDefinition<&[u8], u64> = TableDefinition::new("watermarks");
/// staking outpoint → the only unbonding transaction ever signed for it.
const UNBONDINGS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("unbondings");
/// name → number.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

const SCHEMA: u64 = 1;

/// Why the ledger could not be read or written. Nothing is signed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LedgerError {
    #[error("cannot open {path}: {reason}; nothing was signed")]
    Open { path: PathBuf, reason: String },
    #[error("{path} has schema {found}, this program knows {SCHEMA}; use the program that wrote it")]
    Schema { path: PathBuf, found: u64 },
    #[error("the ledger failed: {0}; nothing was signed")]
    Storage(String),
}

fn storage(e: impl std::fmt::Display) -> LedgerError {
    LedgerError::Storage(e.to_string())
}

/// What the record says of a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VoteRecord {
    /// Application hash signed at this height.
    pub(crate) at_height: Option<[u8; 32]>,
    /// Highest height signed in the domain.
    pub(crate) watermark: Option<u64>,
}

/// The ledger.
pub(crate) struct Ledger {
    db: Database,
}

impl Ledger {
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        let wrong =
            |e: &dyn std::fmt::Display| LedgerError::Open { path: path.to_owned(), reason: e.to_string() };
        let db = Database::create(path).map_err(|e| wrong(&e))?;
        let tx = db.begin_write().map_err(|e| wrong(&e))?;
        let found = {
            tx.open_table(VOTES).map_err(|e| wrong(&e))?;
            tx.open_table(MARKS).map_err(|e| wrong(&e))?;
            tx.open_table(UNBONDINGS).map_err(|e| wrong(&e))?;
            let mut meta = tx.open_table(META).map_err(|e| wrong(&e))?;
            let found = meta.get("schema").map_err(|e| wrong(&e))?.map(|v| v.value());
            if found.is_none() {
                meta.insert("schema", SCHEMA).map_err(|e| wrong(&e))?;
            }
            found.unwrap_or(SCHEMA)
        };
        tx.commit().map_err(|e| wrong(&e))?;
        if found != SCHEMA {
            return Err(LedgerError::Schema { path: path.to_owned(), found });
        }
        Ok(Self { db })
    }

    /// What is on record for a height of a domain.
    pub(crate) fn vote(&self, domain: &[u8; 64], height: u64) -> Result<VoteRecord, LedgerError> {
        let tx = self.db.begin_read().map_err(storage)?;
        let votes = tx.open_table(VOTES).map_err(storage)?;
        let at_height = votes.get(vote_key(domain, height).as_slice()).map_err(storage)?;
        let at_height = match at_height {
            Some(hash) => {
                Some(<[u8; 32]>::try_from(hash.value()).map_err(|_| storage("a record of wrong length"))?)
            }
            None => None,
        };
        Ok(VoteRecord { at_height, watermark: self.watermark(domain)? })
    }

    /// Records a vote; durable when it returns.
    pub(crate) fn record_vote(
        &self,
        domain: &[u8; 64],
        height: u64,
        app_hash: &[u8; 32],
    ) -> Result<(), LedgerError> {
        let tx = self.db.begin_write().map_err(storage)?;
        {
            let mut votes = tx.open_table(VOTES).map_err(storage)?;
            votes.insert(vote_key(domain, height).as_slice(), app_hash.as_slice()).map_err(storage)?;
            let mut marks = tx.open_table(MARKS).map_err(storage)?;
            let mark = marks.get(domain.as_slice()).map_err(storage)?.map(|v| v.value());
            if mark.is_none_or(|m| m < height) {
                marks.insert(domain.as_slice(), height).map_err(storage)?;
            }
        }
        count(&tx)?;
        tx.commit().map_err(storage)
    }

    pub(crate) fn watermark(&self, domain: &[u8; 64]) -> Result<Option<u64>, LedgerError> {
        let tx = self.db.begin_read().map_err(storage)?;
        let marks = tx.open_table(MARKS).map_err(storage)?;
        Ok(marks.get(domain.as_slice()).map_err(storage)?.map(|v| v.value()))
    }

    /// Records that `unbonding` is the unbonding transaction of `outpoint`; answers the one on record if it is
    /// another.
    pub(crate) fn claim_unbonding(
        &self,
        outpoint: &[u8; 36],
        unbonding: &[u8; 32],
    ) -> Result<Option<[u8; 32]>, LedgerError> {
        let tx = self.db.begin_write().map_err(storage)?;
        let other = {
            let mut table = tx.open_table(UNBONDINGS).map_err(storage)?;
            let known = table.get(outpoint.as_slice()).map_err(storage)?.map(|v| v.value().to_vec());
            match known {
                Some(known) if known != unbonding => {
                    Some(<[u8; 32]>::try_from(known).map_err(|_| storage("a record of wrong length"))?)
                }
                _ => {
                    table.insert(outpoint.as_slice(), unbonding.as_slice()).map_err(storage)?;
                    None
                }
            }
        };
        if other.is_none() {
            count(&tx)?;
        }
        tx.commit().map_err(storage)?;
        Ok(other)
    }

    /// Signatures recorded since the ledger was made.
    pub(crate) fn signed(&self) -> Result<u64, LedgerError> {
        let tx = self.db.begin_read().map_err(storage)?;
        let meta = tx.open_table(META).map_err(storage)?;
        Ok(meta.get("signed").map_err(storage)?.map_or(0, |v| v.value()))
    }
}

fn count(tx: &redb::WriteTransaction) -> Result<(), LedgerError> {
    let mut meta = tx.open_table(META).map_err(storage)?;
    let signed = meta.get("signed").map_err(storage)?.map_or(0, |v| v.value());
    meta.insert("signed", signed.saturating_add(1)).map_err(storage)?;
    Ok(())
}

fn vote_key(domain: &[u8; 64], height: u64) -> Vec<u8> {
    [domain.as_slice(), &height.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_outlives_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.redb");
        Ledger::open(&path).unwrap().record_vote(&[1; 64], 7, &[9; 32]).unwrap();
        let again = Ledger::open(&path).unwrap();
        let record = again.vote(&[1; 64], 7).unwrap();
        assert_eq!(record, VoteRecord { at_height: Some([9; 32]), watermark: Some(7) });
        assert_eq!(again.vote(&[2; 64], 7).unwrap(), VoteRecord { at_height: None, watermark: None });
        assert_eq!(again.signed().unwrap(), 1);
    }

    #[test]
    fn the_watermark_never_falls() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&dir.path().join("l")).unwrap();
        ledger.record_vote(&[1; 64], 9, &[0; 32]).unwrap();
        ledger.record_vote(&[1; 64], 4, &[0; 32]).unwrap();
        assert_eq!(ledger.watermark(&[1; 64]).unwrap(), Some(9));
    }

    /// A1: for one staking output at most one unbonding transaction is ever signed.
    #[test]
    fn a_second_unbonding_transaction_is_answered_with_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&dir.path().join("l")).unwrap();
        assert_eq!(ledger.claim_unbonding(&[1; 36], &[2; 32]).unwrap(), None);
        assert_eq!(ledger.claim_unbonding(&[1; 36], &[2; 32]).unwrap(), None);
        assert_eq!(ledger.claim_unbonding(&[1; 36], &[3; 32]).unwrap(), Some([2; 32]));
    }

    #[test]
    fn a_damaged_ledger_does_not_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        std::fs::write(&path, b"not a ledger at all, but long enough to be looked at").unwrap();
        assert!(matches!(Ledger::open(&path), Err(LedgerError::Open { .. })));
    }
}
