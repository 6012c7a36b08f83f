//! Stakes on disk: the events of the holder's library, in SQLite with full durability.

use rusqlite::{Connection, params};
use staker::stake::{Event, EventStore};
use std::path::Path;

/// What can go wrong with the store.
#[derive(Debug)]
pub(crate) enum StoreError {
    Database(rusqlite::Error),
    Damaged(serde_json::Error),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database(e) => write!(f, "database: {e}"),
            Self::Damaged(e) => write!(f, "an event in the database is damaged: {e}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(e: rusqlite::Error) -> Self {
        Self::Database(e)
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(e: serde_json::Error) -> Self {
        Self::Damaged(e)
    }
}

/// The store.
pub(crate) struct Store {
    db: Connection,
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let db = Connection::open(path)?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS stake_events (
                 number INTEGER PRIMARY KEY AUTOINCREMENT,
                 stake TEXT NOT NULL,
                 event TEXT NOT NULL
             );",
        )?;
        Ok(Self { db })
    }

    /// Ids of all stakes, oldest first.
    pub(crate) fn stakes(&self) -> Result<Vec<String>, StoreError> {
        let mut rows =
            self.db.prepare("SELECT stake FROM stake_events GROUP BY stake ORDER BY MIN(number)")?;
        let ids = rows.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Ids that begin with `prefix`.
    pub(crate) fn matching(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.stakes()?.into_iter().filter(|id| id.starts_with(prefix)).collect())
    }
}

impl EventStore for Store {
    type Error = StoreError;

    fn append(&mut self, stake: &str, event: &Event) -> Result<(), StoreError> {
        let text = serde_json::to_string(event)?;
        self.db.execute("INSERT INTO stake_events (stake, event) VALUES (?1, ?2)", params![stake, text])?;
        Ok(())
    }

    fn events(&self, stake: &str) -> Result<Vec<Event>, StoreError> {
        let mut rows = self.db.prepare("SELECT event FROM stake_events WHERE stake = ?1 ORDER BY number")?;
        let texts = rows.query_map(params![stake], |row| row.get::<_, String>(0))?;
        texts.map(|text| Ok(serde_json::from_str(&text?)?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_survive_a_restart_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sqlite");
        let mut store = Store::open(&path).unwrap();
        store.append("ab", &Event::Registering).unwrap();
        store.append("ab", &Event::Sending).unwrap();
        store.append("cd", &Event::Registering).unwrap();
        drop(store);
        let again = Store::open(&path).unwrap();
        assert_eq!(again.events("ab").unwrap(), [Event::Registering, Event::Sending]);
        assert_eq!(again.stakes().unwrap(), ["ab", "cd"]);
        assert_eq!(again.matching("c").unwrap(), ["cd"]);
    }
}
