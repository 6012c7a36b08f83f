//! Cursors of sweeps over many delegations, which go on from message to message.

use contract_host::pack::{CorruptState, Unpack};
use contract_host::store;
use cosmwasm_std::Storage;

use super::prefix;

/// Deep reorgs dealt with, and how far the sweep for the next one has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReorgSweep {
    pub(crate) done: u32,
    /// Key behind the expiry prefix of the last delegation looked at.
    pub(crate) cursor: Option<Vec<u8>>,
}

impl ReorgSweep {
    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let Some(raw) = store::read(storage, &[prefix::REORG]) else { return Ok(Self::default()) };
        let mut fields = Unpack::new("reorg sweep", &raw);
        let done = fields.u32()?;
        let cursor = Some(fields.rest().to_vec()).filter(|c| !c.is_empty());
        Ok(Self { done, cursor })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage) {
        let cursor = self.cursor.as_deref().unwrap_or_default();
        storage.set(&[prefix::REORG], &[&self.done.to_be_bytes()[..], cursor].concat());
    }
}

fn slash_key(fp: &[u8; 32]) -> Vec<u8> {
    [&[prefix::SLASH_SWEEP][..], fp].concat()
}

/// Id of the last delegation that the sweep of a slashed provider looked at.
pub(crate) fn slash_cursor(storage: &dyn Storage, fp: &[u8; 32]) -> Option<Vec<u8>> {
    storage.get(&slash_key(fp))
}

pub(crate) fn set_slash_cursor(storage: &mut dyn Storage, fp: &[u8; 32], cursor: &[u8]) {
    storage.set(&slash_key(fp), cursor);
}
