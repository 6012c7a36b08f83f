//! Randomness commitments and votes.
//!
//! A single vote lies under its height, so that all votes of a height are one scan. Votes for consecutive
//! heights that came together lie as runs of at most 16 under their provider, so that each costs little more
//! than its 64 bytes.

use std::collections::BTreeMap;

use contract_host::pack::{CorruptState, Unpack, put_number};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_protocol::finality::RandomnessCommitment;

use super::consumer::Number;
use super::{key, prefix};
use crate::error::FinalityError;

/// Votes of a run at most.
pub(crate) const RUN: usize = 16;

/// A stored commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) commitment: RandomnessCommitment,
    /// Hub height that carried it.
    pub(crate) hub_height: u64,
}

fn commits_prefix(number: Number, slot: u16) -> Vec<u8> {
    key(prefix::COMMIT, &[&number.bytes(), &slot.to_be_bytes()])
}

impl Commit {
    fn unpack(start: u64, raw: &[u8]) -> Result<Self, FinalityError> {
        let mut f = Unpack::new("commitment", raw);
        let (num, hub_height) = (f.number()?, f.number()?);
        Ok(Self { commitment: RandomnessCommitment::new(start, num, f.rest())?, hub_height })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, number: Number, slot: u16) {
        let mut raw = Vec::with_capacity(48);
        put_number(&mut raw, self.commitment.num());
        put_number(&mut raw, self.hub_height);
        raw.extend_from_slice(&self.commitment.root());
        let start = self.commitment.start().to_be_bytes();
        storage.set(&[&commits_prefix(number, slot)[..], &start].concat(), &raw);
    }

    /// The last commitment that starts at or below a height.
    pub(crate) fn at(
        storage: &dyn Storage,
        number: Number,
        slot: u16,
        height: u64,
    ) -> Result<Option<Self>, FinalityError> {
        let prefix = commits_prefix(number, slot);
        let Some((key, raw)) = store::last_until(storage, &prefix, &height.to_be_bytes()) else {
            return Ok(None);
        };
        let start = Unpack::new("commitment", key.get(prefix.len()..).unwrap_or_default()).u64()?;
        Self::unpack(start, &raw).map(Some)
    }

    /// Commitments in order of start.
    pub(crate) fn page(
        storage: &dyn Storage,
        number: Number,
        slot: u16,
        after: Option<u64>,
        limit: usize,
        descending: bool,
    ) -> Result<Vec<Self>, FinalityError> {
        let prefix = commits_prefix(number, slot);
        let after = after.map(u64::to_be_bytes);
        let after = after.as_ref().map(|a| &a[..]);
        let parse =
            |(key, raw): (Vec<u8>, Vec<u8>)| Self::unpack(Unpack::new("commitment", &key).u64()?, &raw);
        if descending {
            store::page_down(storage, &prefix, after, limit).map(parse).collect()
        } else {
            store::page(storage, &prefix, after, limit).map(parse).collect()
        }
    }
}

/// What is kept of a vote; the randomness follows from the commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ballot {
    pub(crate) app_hash: [u8; 32],
    pub(crate) signature: [u8; 32],
}

impl Ballot {
    const LEN: usize = 64;

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("vote", raw);
        Ok(Self { app_hash: f.array()?, signature: f.array()? })
    }

    fn pack(&self) -> [u8; Self::LEN] {
        let mut raw = [0; Self::LEN];
        let (hash, signature) = raw.split_at_mut(32);
        hash.copy_from_slice(&self.app_hash);
        signature.copy_from_slice(&self.signature);
        raw
    }
}

fn vote_key(number: Number, height: u64, slot: u16) -> Vec<u8> {
    key(prefix::VOTE, &[&number.bytes(), &height.to_be_bytes(), &slot.to_be_bytes()])
}

fn runs_prefix(number: Number, slot: u16) -> Vec<u8> {
    key(prefix::RUN, &[&number.bytes(), &slot.to_be_bytes()])
}

/// A run of votes for consecutive heights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    start: u64,
    raw: Vec<u8>,
}

impl Run {
    fn at_or_below(
        storage: &dyn Storage,
        number: Number,
        slot: u16,
        height: u64,
    ) -> Result<Option<Self>, CorruptState> {
        let prefix = runs_prefix(number, slot);
        let Some((key, raw)) = store::last_until(storage, &prefix, &height.to_be_bytes()) else {
            return Ok(None);
        };
        let start = Unpack::new("run", key.get(prefix.len()..).unwrap_or_default()).u64()?;
        Ok(Some(Self { start, raw }))
    }

    fn ballot(&self, height: u64) -> Result<Option<Ballot>, CorruptState> {
        let Some(index) = height.checked_sub(self.start).and_then(|i| usize::try_from(i).ok()) else {
            return Ok(None);
        };
        let from = index.saturating_mul(Ballot::LEN);
        let bytes = self.raw.get(from..from.saturating_add(Ballot::LEN));
        bytes.map(Ballot::unpack).transpose()
    }
}

/// A provider's vote at a height; `runs_end` tells whether runs must be looked at.
pub(crate) fn ballot(
    storage: &dyn Storage,
    number: Number,
    slot: u16,
    height: u64,
    runs_end: u64,
) -> Result<Option<Ballot>, CorruptState> {
    if let Some(raw) = store::read(storage, &vote_key(number, height, slot)) {
        return Ballot::unpack(&raw).map(Some);
    }
    if height >= runs_end {
        return Ok(None);
    }
    let run = Run::at_or_below(storage, number, slot, height)?;
    Ok(run.map(|run| run.ballot(height)).transpose()?.flatten())
}

/// Stores votes of consecutive heights; returns the height after the last one if they became a run.
pub(crate) fn save(
    storage: &mut dyn Storage,
    number: Number,
    slot: u16,
    start: u64,
    ballots: &[Ballot],
) -> Option<u64> {
    if let [single] = ballots {
        storage.set(&vote_key(number, start, slot), &single.pack());
        return None;
    }
    let mut at = start;
    for run in ballots.chunks(RUN) {
        let raw: Vec<u8> = run.iter().flat_map(|ballot| ballot.pack()).collect();
        storage.set(&[&runs_prefix(number, slot)[..], &at.to_be_bytes()].concat(), &raw);
        at = at.saturating_add(u64::try_from(run.len()).unwrap_or(0));
    }
    Some(at)
}

/// Votes of a set of slots, height by height: single votes by one scan a height, runs read once each.
#[derive(Default)]
pub(crate) struct Reader {
    runs: BTreeMap<u16, Option<Run>>,
}

impl Reader {
    /// Votes at a height of the given slots.
    pub(crate) fn at(
        &mut self,
        storage: &dyn Storage,
        number: Number,
        height: u64,
        slots: impl Iterator<Item = u16>,
    ) -> Result<BTreeMap<u16, Ballot>, CorruptState> {
        let mut votes = singles(storage, number, height)?;
        for slot in slots {
            if votes.contains_key(&slot) {
                continue;
            }
            if let Some(ballot) = self.look_in_run(storage, number, slot, height)? {
                votes.insert(slot, ballot);
            }
        }
        Ok(votes)
    }

    fn look_in_run(
        &mut self,
        storage: &dyn Storage,
        number: Number,
        slot: u16,
        height: u64,
    ) -> Result<Option<Ballot>, CorruptState> {
        if let Some(Some(run)) = self.runs.get(&slot)
            && let Some(ballot) = run.ballot(height)?
        {
            return Ok(Some(ballot));
        }
        let run = Run::at_or_below(storage, number, slot, height)?;
        let ballot = run.as_ref().map(|run| run.ballot(height)).transpose()?.flatten();
        self.runs.insert(slot, run);
        Ok(ballot)
    }
}

fn singles(
    storage: &dyn Storage,
    number: Number,
    height: u64,
) -> Result<BTreeMap<u16, Ballot>, CorruptState> {
    let prefix = key(prefix::VOTE, &[&number.bytes(), &height.to_be_bytes()]);
    let records = store::page(storage, &prefix, None, usize::from(u16::MAX));
    records.map(|(slot, raw)| Ok((Unpack::new("vote", &slot).u16()?, Ballot::unpack(&raw)?))).collect()
}

/// Deletes at most `limit` records of votes below a height, and looks at the runs of as many providers; the next
/// call goes on with those after them. Returns how many were deleted.
pub(crate) fn prune(
    storage: &mut dyn Storage,
    number: Number,
    below: u64,
    slots: u16,
    limit: usize,
) -> Result<usize, CorruptState> {
    let mut keys = old_singles(storage, number, below, limit)?;
    let cursor = key(prefix::PRUNED, &[&number.bytes()]);
    let mut slot = storage.get(&cursor).map_or(Ok(0), |raw| Unpack::new("pruned slot", &raw).u16())?;
    for _ in 0..limit.min(usize::from(slots)) {
        if keys.len() >= limit {
            break;
        }
        slot = if slot >= slots { 0 } else { slot };
        keys.extend(old_runs(storage, number, slot, below, limit.saturating_sub(keys.len()))?);
        slot = slot.saturating_add(1);
    }
    keys.iter().for_each(|key| storage.remove(key));
    storage.set(&cursor, &slot.to_be_bytes());
    Ok(keys.len())
}

fn old_singles(
    storage: &dyn Storage,
    number: Number,
    below: u64,
    limit: usize,
) -> Result<Vec<Vec<u8>>, CorruptState> {
    let prefix = key(prefix::VOTE, &[&number.bytes()]);
    let mut keys = Vec::new();
    for (key, _) in store::page(storage, &prefix, None, limit) {
        if Unpack::new("vote", &key).u64()? >= below {
            break;
        }
        keys.push([&prefix[..], &key].concat());
    }
    Ok(keys)
}

fn old_runs(
    storage: &dyn Storage,
    number: Number,
    slot: u16,
    below: u64,
    limit: usize,
) -> Result<Vec<Vec<u8>>, CorruptState> {
    let prefix = runs_prefix(number, slot);
    let mut keys = Vec::new();
    for (key, raw) in store::page(storage, &prefix, None, limit) {
        let len = u64::try_from(raw.len() / Ballot::LEN).unwrap_or(0);
        if Unpack::new("run", &key).u64()?.saturating_add(len) > below {
            break;
        }
        keys.push([&prefix[..], &key].concat());
    }
    Ok(keys)
}
