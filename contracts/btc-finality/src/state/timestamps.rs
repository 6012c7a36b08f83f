//! Which hub heights are timestamped by Bitcoin (docs/protocol.md, Timestamps).
//!
//! An anchor says: at this hub height the light client's tip was at that Bitcoin height. Once the tip is
//! `timestamp_depth` higher, everything the hub carried up to the anchor is that deep. There is one anchor per
//! Bitcoin height, the newest, so at most `timestamp_depth` of them wait.

use contract_host::pack::{CorruptState, Unpack};
use contract_host::store;
use cosmwasm_std::Storage;

use super::prefix;

/// A hub height and the Bitcoin tip at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) hub_height: u64,
    pub(crate) btc_height: u32,
}

/// Hub height up to which commitments are timestamped.
pub(crate) fn until(storage: &dyn Storage) -> Result<Option<u64>, CorruptState> {
    store::read(storage, &[prefix::TIMESTAMPED]).map(|raw| Unpack::new("timestamp", &raw).u64()).transpose()
}

/// Anchors that wait, oldest first.
pub(crate) fn waiting(storage: &dyn Storage) -> Result<Vec<Anchor>, CorruptState> {
    let Some(raw) = storage.get(&[prefix::ANCHORS]) else { return Ok(Vec::new()) };
    let mut f = Unpack::new("anchors", &raw);
    f.u8()?;
    let mut anchors = Vec::new();
    while !f.is_empty() {
        anchors.push(Anchor { hub_height: f.u64()?, btc_height: f.u32()? });
    }
    Ok(anchors)
}

/// Adds an anchor at the tip, in place of an older one at the same Bitcoin height; returns the new
/// timestamped height if it rose.
pub(crate) fn touch(
    storage: &mut dyn Storage,
    anchor: Anchor,
    depth: u32,
) -> Result<Option<u64>, CorruptState> {
    let mut anchors = waiting(storage)?;
    // After a reorg to a lower tip, higher anchors were made at blocks that are gone.
    anchors.retain(|a| a.btc_height < anchor.btc_height);
    anchors.push(anchor);
    let deep = |a: &Anchor| a.btc_height.saturating_add(depth) <= anchor.btc_height;
    let reached = anchors.iter().filter(|a| deep(a)).map(|a| a.hub_height).max();
    anchors.retain(|a| !deep(a));
    let mut raw = vec![1];
    for a in &anchors {
        raw.extend_from_slice(&a.hub_height.to_be_bytes());
        raw.extend_from_slice(&a.btc_height.to_be_bytes());
    }
    storage.set(&[prefix::ANCHORS], &raw);
    let old = until(storage)?;
    let new = reached.filter(|reached| old.is_none_or(|old| old < *reached));
    if let Some(new) = new {
        storage.set(&[prefix::TIMESTAMPED], &new.to_be_bytes());
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::MockStorage;

    fn at(hub_height: u64, btc_height: u32) -> Anchor {
        Anchor { hub_height, btc_height }
    }

    #[test]
    fn a_hub_height_is_timestamped_once_its_anchor_is_deep() {
        let mut storage = MockStorage::new();
        assert_eq!(touch(&mut storage, at(10, 100), 3).unwrap(), None);
        assert_eq!(touch(&mut storage, at(12, 100), 3).unwrap(), None);
        assert_eq!(touch(&mut storage, at(20, 102), 3).unwrap(), None);
        assert_eq!(waiting(&storage).unwrap(), [at(12, 100), at(20, 102)]);
        assert_eq!(touch(&mut storage, at(30, 103), 3).unwrap(), Some(12));
        assert_eq!(touch(&mut storage, at(31, 110), 3).unwrap(), Some(30));
        assert_eq!(until(&storage).unwrap(), Some(30));
    }

    /// E11: what is timestamped stays so.
    #[test]
    fn a_lower_tip_takes_nothing_back() {
        let mut storage = MockStorage::new();
        touch(&mut storage, at(10, 100), 1).unwrap();
        touch(&mut storage, at(11, 101), 1).unwrap();
        assert_eq!(touch(&mut storage, at(12, 99), 1).unwrap(), None);
        assert_eq!(until(&storage).unwrap(), Some(10));
        assert_eq!(waiting(&storage).unwrap(), [at(12, 99)]);
    }
}
