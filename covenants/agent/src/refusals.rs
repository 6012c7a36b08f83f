//! Delegations the signer refused, with the reason: on disk, so that a restart does not ask again.

use anyhow::{Context, Result};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use staking_api::Txid;
use std::path::Path;

const REFUSED: TableDefinition<&[u8], &str> = TableDefinition::new("refused");

/// The refusals on disk.
pub struct Refusals {
    db: Database,
}

impl Refusals {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// When the file cannot be opened or another agent has it open.
    pub fn open(path: &Path) -> Result<Self> {
        let db = Database::create(path).with_context(|| format!("cannot open {}", path.display()))?;
        let tx = db.begin_write()?;
        tx.open_table(REFUSED)?;
        tx.commit()?;
        Ok(Self { db })
    }

    /// The reason a delegation was refused for, if it was.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn get(&self, txid: Txid) -> Result<Option<String>> {
        let table = self.db.begin_read()?.open_table(REFUSED)?;
        Ok(table.get(txid.as_bytes().as_slice())?.map(|v| v.value().to_owned()))
    }

    /// Writes a refusal down.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&self, txid: Txid, reason: &str) -> Result<()> {
        let tx = self.db.begin_write()?;
        tx.open_table(REFUSED)?.insert(txid.as_bytes().as_slice(), reason)?;
        tx.commit()?;
        Ok(())
    }

    /// Forgets a refusal, so that the delegation is tried again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget(&self, txid: Txid) -> Result<bool> {
        let tx = self.db.begin_write()?;
        let known = tx.open_table(REFUSED)?.remove(txid.as_bytes().as_slice())?.is_some();
        tx.commit()?;
        Ok(known)
    }

    /// All refusals.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<(Txid, String)>> {
        let table = self.db.begin_read()?.open_table(REFUSED)?;
        let mut all = Vec::new();
        for row in table.iter()? {
            let (key, value) = row?;
            let bytes = <[u8; 32]>::try_from(key.value()).context("a key that is no txid")?;
            all.push((Txid::from_bytes(bytes), value.value().to_owned()));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_a_restart_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("refusals.redb");
        let txid = Txid::from_bytes([4; 32]);
        Refusals::open(&path).unwrap().put(txid, "unbonding-fee").unwrap();
        let again = Refusals::open(&path).unwrap();
        assert_eq!(again.get(txid).unwrap().as_deref(), Some("unbonding-fee"));
        assert_eq!(again.list().unwrap(), [(txid, "unbonding-fee".to_owned())]);
        assert!(again.forget(txid).unwrap() && !again.forget(txid).unwrap());
    }
}
