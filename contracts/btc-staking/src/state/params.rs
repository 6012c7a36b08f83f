//! Parameter versions: immutable, numbered from 0, chosen by Bitcoin height.

use contract_host::pack::{CorruptState, Unpack};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_protocol::params::{Params, version_for_height};
use staking_protocol::tx::slashing::SlashingPolicy;

use super::prefix;
use crate::error::StakingError;

/// Members of a committee at most: a bit each in the record of who signed.
const MAX_MEMBERS: usize = 64;

/// A stored version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) number: u16,
    pub(crate) params: Params,
    pub(crate) policy: SlashingPolicy,
}

fn key(number: u16) -> [u8; 3] {
    let [high, low] = number.to_be_bytes();
    [prefix::PARAMS, high, low]
}

fn member_key(number: u16, member: &[u8; 32]) -> Vec<u8> {
    [&[prefix::MEMBER][..], &number.to_be_bytes(), member].concat()
}

/// Activation heights of all versions, ascending.
pub(crate) fn heights(storage: &dyn Storage) -> Result<Vec<u64>, CorruptState> {
    let Some(raw) = store::read(storage, &[prefix::HEIGHTS]) else { return Ok(Vec::new()) };
    let (heights, rest) = raw.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(CorruptState("activation heights"));
    }
    Ok(heights.iter().map(|h| u64::from(u32::from_be_bytes(*h))).collect())
}

/// Adds a version; the caller has checked its activation height against the tip.
pub(crate) fn add(
    storage: &mut dyn Storage,
    params: &Params,
    policy: SlashingPolicy,
) -> Result<u16, StakingError> {
    let mut heights = heights(storage)?;
    let found = params.btc_activation_height();
    if let Some(last) = heights.last().filter(|last| u64::from(found) <= **last) {
        return Err(StakingError::ActivationHeight {
            found,
            least: u32::try_from(*last).unwrap_or(u32::MAX),
        });
    }
    let members = params.covenants().keys();
    if members.len() > MAX_MEMBERS {
        return Err(StakingError::CommitteeTooLarge(members.len()));
    }
    params.covenants().check_on_curve().map_err(staking_protocol::params::ParamsError::Committee)?;
    let number = u16::try_from(heights.len()).map_err(|_| StakingError::NoSuchVersion(u32::MAX))?;
    let raw = [&[u8::from(policy == SlashingPolicy::AtLeast)][..], &params.pack()].concat();
    storage.set(&key(number), &raw);
    for (index, member) in (0u8..).zip(members) {
        storage.set(&member_key(number, member.as_bytes()), &[index]);
    }
    heights.push(u64::from(found));
    let raw: Vec<u8> =
        heights.iter().flat_map(|h| u32::try_from(*h).unwrap_or(u32::MAX).to_be_bytes()).collect();
    storage.set(&[prefix::HEIGHTS], &raw);
    Ok(number)
}

/// Loads a version.
pub(crate) fn load(storage: &dyn Storage, number: u16) -> Result<Version, StakingError> {
    // A plain read: a committee makes the record larger than what a one-key range is good for.
    let raw = storage.get(&key(number)).ok_or(StakingError::NoSuchVersion(u32::from(number)))?;
    let mut fields = Unpack::new("parameters", &raw);
    let policy = if fields.u8()? == 1 { SlashingPolicy::AtLeast } else { SlashingPolicy::Exact };
    Ok(Version { number, params: Params::unpack(fields.rest())?, policy })
}

/// Loads the version that holds at a Bitcoin height (trap C7).
pub(crate) fn at_height(storage: &dyn Storage, height: u32) -> Result<Version, StakingError> {
    let number = version_for_height(&heights(storage)?, u64::from(height))?;
    load(storage, u16::try_from(number).map_err(|_| StakingError::NoSuchVersion(number))?)
}

/// Position of a member in the sorted committee of a version.
pub(crate) fn member_index(storage: &dyn Storage, number: u16, member: &[u8; 32]) -> Option<u8> {
    store::read(storage, &member_key(number, member))?.first().copied()
}
